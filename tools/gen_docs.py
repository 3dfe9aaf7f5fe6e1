"""``make docs``: the reference pages that are made from the code.

``--check`` writes nothing and ends with 1 where a committed page differs from what the code says.
"""

from __future__ import annotations

import html
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import orjson
from pydantic import SecretStr

from adapter.api.app import create_app
from adapter.catalogue import Catalogue
from adapter.mapping.absence import CONCEPT
from adapter.mapping.mappings import Mappings
from adapter.mapping.model import Field, MapSpec
from adapter.mapping.yaml import load
from adapter.nsi.terms import load_vocabulary
from adapter.registers.services import Operation, Services
from adapter.settings import Settings
from conformance.codes import markdown
from conformance.reporters.json import schema

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"
ESCAPES = str.maketrans({"|": "\\|", "<": "&lt;", "\n": " "})
INFERENCE = "inference"
NOTE = "Страница создана из кода командой `make docs`. / This page is made from the code by `make docs`."


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    """A Markdown table, nothing where there are no rows."""
    lines = [tuple(cell.translate(ESCAPES) for cell in row) for row in rows]
    if lines:
        for row in (head, ("---",) * len(head), *lines):
            yield f"| {' | '.join(row)} |"
        yield ""


# -- commands ---------------------------------------------------------------------------------------


def cli() -> str:
    """Every command, by typer's own generator."""
    command = [
        sys.executable,
        "-m",
        "typer",
        "adapter.cli",
        "utils",
        "docs",
        "--name",
        "egisz",
        "--title",
        "Команды / Commands",
    ]
    made = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout  # noqa: S603 - our own
    title, _, rest = html.unescape(made).partition("\n")
    return f"{title}\n\n{NOTE}\n{rest.rstrip()}\n"


# -- settings ---------------------------------------------------------------------------------------


def settings_page() -> str:
    """Every environment variable."""
    lines = ["# Настройки / Settings", "", NOTE, ""]
    lines += [
        "Переменные окружения; то же можно записать в файл `.env` в текущей папке. Переменные окружения главнее.",
        "Environment variables, or a file `.env` in the current folder; the environment wins.",
        "",
    ]
    rows = (
        (f"`EGISZ_{name.upper()}`", field_type(field.annotation), field_default(field), field.description or "")
        for name, field in Settings.model_fields.items()
    )
    lines += table(("переменная / variable", "тип / type", "по умолчанию / default", "значение / meaning"), rows)
    return "\n".join(lines).rstrip() + "\n"


def field_type(annotation: Any) -> str:
    """A type as a person writes it."""
    if annotation is SecretStr or SecretStr in getattr(annotation, "__args__", ()):
        return "secret"
    arguments = [item for item in getattr(annotation, "__args__", ()) if item is not type(None)]
    if arguments:
        return " or ".join(f"`{item}`" if isinstance(item, str) else field_type(item) for item in arguments)
    return {"Path": "path", "str": "text"}.get(annotation.__name__, str(annotation.__name__))


def field_default(field: Any) -> str:
    """A default; what depends on the machine is said in words."""
    if field.default_factory is not None:
        return "папка пользователя, принятая в системе / the per-user folder of the system"
    return "" if field.default is None else f"`{field.default}`"


# -- JSON report ------------------------------------------------------------------------------------


def json_page() -> str:
    """The form of ``egisz check --format json``, object by object."""
    whole = schema()
    lines = ["# Отчёт в JSON / The JSON report", "", NOTE, ""]
    lines += [
        "Вывод `egisz check --format json`; схема: [report.schema.json](report.schema.json). В той же `version` поля",
        "могут только добавляться. Смотрите на `verdict`: `ok` ничего не говорит о том, что не проверено.",
        "",
        "Output of `egisz check --format json`; its schema is [report.schema.json](report.schema.json). Within one",
        "`version` fields may only be added. Look at `verdict`: `ok` says nothing of what was not checked.",
        "",
        "Значений из документа в отчёте нет. / The report holds no value of the document.",
        "",
    ]
    for name, model in {"ReportsModel": whole, **whole["$defs"]}.items():
        lines += object_page(name, model)
    return "\n".join(lines).rstrip() + "\n"


def object_page(name: str, model: Mapping[str, Any]) -> Iterator[str]:
    """One object or enumeration."""
    yield f"## {name}"
    yield ""
    if model.get("description"):
        yield " ".join(str(model["description"]).split())
        yield ""
    if "enum" in model:
        yield ", ".join(f"`{value}`" for value in model["enum"])
        yield ""
    rows = (
        (f"`{field}`", json_type(facts), str(facts.get("description", "")))
        for field, facts in model.get("properties", {}).items()
    )
    yield from table(("поле / field", "тип / type", "значение / meaning"), rows)


def json_type(facts: Mapping[str, Any]) -> str:
    """The type of a field, objects as links."""
    if "$ref" in facts:
        target = str(facts["$ref"]).rsplit("/", 1)[-1]
        return f"[{target}](#{target.lower()})"
    if "const" in facts:
        return f"`{facts['const']}`"
    if facts.get("type") == "array":
        return f"list of {json_type(facts['items'])}"
    if facts.get("type") == "object":
        return f"object of {json_type(facts['additionalProperties'])}"
    return str(facts["type"])


# -- concept maps -----------------------------------------------------------------------------------


def concept_maps() -> str:
    """Every concept map: its book, what it translates, how sure its rows are, what uses it."""
    catalogue = Catalogue()
    mappings, vocabulary = Mappings.load(catalogue), load_vocabulary(catalogue)
    files = {name: load(path, name) for name, path in sorted(catalogue.files("mappings/concepts").items())}
    used: dict[str, list[str]] = {CONCEPT: ["absent: {given: …}"]}
    for spec in (*mappings.maps.values(), *mappings.documents.values(), *mappings.registers.values()):
        for rule in rules(spec):
            if rule.concept:
                used.setdefault(rule.concept, []).append(f"`{rule.rule}`")

    def maps() -> Iterator[tuple[str, ...]]:
        for raw in files.values():
            waits = raw.get("waits") or {}
            users = sorted(set(used.get(raw["concepts"], ()))) or [f"{waits.get('ru')} / {waits.get('en')}"]
            book = vocabulary.books.get(raw["target"])
            name = f"`{raw['target']}`" + (f" {book.name}" if book else "")
            yield f"`{raw['concepts']}`", name, f"`{raw.get('unmapped', 'error')}`", ", ".join(users)

    def groups() -> Iterator[tuple[str, ...]]:
        for raw in files.values():
            for group in raw.get("groups") or ():
                yield f"`{raw['concepts']}`", source_of(group), *how(group), certainty(raw, group)

    lines = ["# Карты понятий / Concept maps", "", NOTE, ""]
    lines += [
        "Код, который прислала МИС, становится кодом справочника. Код самого справочника проходит всегда, под любым",
        "именем его системы. Как читать `unmapped`: [язык отображений](mapping-language.md#concept-maps).",
        "",
        "A code of the sender becomes a code of a reference book. A code of the book itself always passes, under any",
        "name of its system. What `unmapped` means: [the mapping language](mapping-language.md#concept-maps).",
        "",
    ]
    lines += table(
        ("карта / map", "справочник / book", "unmapped", "где нужна, чего ждёт / used by, waits for"), maps()
    )
    lines += [
        "## Откуда / Sources",
        "",
        "Группы по порядку. Достоверность: H — так говорит источник или сам справочник; INF — вывод, его должен",
        "подтвердить методист; с числом — столько строк.",
        "",
        "Groups in order. Certainty: H, a source or the book itself states it; INF, an inference, which a",
        "methodologist is to confirm; with a number, so many rows.",
        "",
    ]
    head = ("карта / map", "система / code system", "строк / rows", "ещё / besides", "достоверность / certainty")
    lines += table(head, groups())
    return "\n".join(lines).rstrip() + "\n"


def rules(spec: MapSpec | Field) -> Iterator[Field]:
    """The rules of a map, those inside others, too."""
    for rule in (*spec.let.values(), *spec.fields.values()):
        yield rule
        yield from rules(rule)


def source_of(group: Mapping[str, Any]) -> str:
    """The code system of a group as its file writes it."""
    source = str(group.get("source", ""))
    return {"": "код без системы / a bare code", "*": "любая / any"}.get(source, f"`{source}`")


def how(group: Mapping[str, Any]) -> tuple[str, str]:
    """How many rows a group has, and what it goes by besides."""
    besides = ["те же коды / the same codes"] if group.get("identity") else []
    if group.get("column"):
        besides.append(f"столбец / column `{group['column']}`")
    if group.get("display"):
        besides.append(f"название / name `{group['display']}`")
    return str(len(group.get("elements") or ()) or ""), ", ".join(besides)


def certainty(raw: Mapping[str, Any], group: Mapping[str, Any]) -> str:
    """H, INF, or how many rows are inferences."""
    elements = list((group.get("elements") or {}).values())
    if INFERENCE in (raw.get("status"), group.get("status")):
        return "INF"
    inferred = sum(isinstance(one, Mapping) and one.get("status") == INFERENCE for one in elements)
    return "H" if not inferred else "INF" if inferred == len(elements) else f"INF: {inferred}"


# -- services of registers --------------------------------------------------------------------------


def register_services() -> str:
    """Every service of a register, as its file says."""
    lines = ["# Службы регистров / Services of registers", "", NOTE, ""]
    lines += [
        "Из файлов `mappings/services/`; файл с тем же именем в своей папке (`EGISZ_CATALOGUE`) заменяет наш.",
        "Насколько что известно, сказано в файле пометками. Как отправлять:",
        "[по-русски](../howto/send-register-messages.ru.md), [in English](../howto/send-register-messages.md).",
        "",
        "From the files `mappings/services/`; a file of the same name in a folder of your own (`EGISZ_CATALOGUE`) goes",
        "before ours. How certain a thing is known is marked in the file.",
        "",
    ]
    for service in Services.load(Catalogue()).by_id.values():
        ways = ", ".join(f"`{one}`" for one in service.authentication)
        places = ", ".join(f"`{one}`" for one in service.endpoints)
        lines += [f"## {service.id}", "", f"Протокол / protocol: `{service.form}`. Вход / authentication: {ways}.", ""]
        lines += [f"Адреса / addresses: {places}.", ""] if places else []
        products = (
            (f"`{name}`", f"`{service.scope(name)}`", "да / yes" if service.needs_number(name) else "")
            for name in service.products
        )
        lines += table(
            ("по порядку / in this order", "чей номер / whose number", "ждёт номера / waits for it"), products
        )
        calls = ((f"`{name}`", called(name, one), told_number(one)) for name, one in service.operations.items())
        lines += table(("операция / operation", "вызов / call", "номер в ответе / number in the answer"), calls)
        errors = (
            (f"`{one.match or one.code or one.status}`", str(one.error_class), f"{one.ru} / {one.en}")
            for one in service.errors
        )
        lines += table(("ответ / answer", "класс / class", "что это / what it means"), errors)
    return "\n".join(lines).rstrip() + "\n"


def called(name: str, operation: Operation) -> str:
    """How an operation is called, and what is asked around it."""
    call = f"`{operation.action or f'{operation.method} {operation.path}'.strip() or name}`"
    return call + ", GET до / before" * bool(operation.before) + ", GET после / after" * bool(operation.after)


def told_number(operation: Operation) -> str:
    """Where the number of a record stands."""
    number = operation.number or (operation.after.number if operation.after else None)
    if number is None:
        return ""
    return f"`{number.json_pointer or number.xml}`" if not number.constant else f"нет / none: `{number.constant}`"


# -- OpenAPI ----------------------------------------------------------------------------------------


def openapi() -> str:
    """The description of the HTTP API."""

    def opened() -> NoReturn:
        raise AssertionError("the application is described, not started")

    return orjson.dumps(create_app(opened).openapi(), option=orjson.OPT_INDENT_2).decode() + "\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "cli.md": cli,
    "settings.md": settings_page,
    "codes.md": markdown,
    "json-report.md": json_page,
    "concept-maps.md": concept_maps,
    "register-services.md": register_services,
    "openapi.json": openapi,
    "report.schema.json": lambda: orjson.dumps(schema(), option=orjson.OPT_INDENT_2).decode() + "\n",
}


def main() -> int:
    """Write the pages, or compare them."""
    check = "--check" in sys.argv[1:]
    stale = []
    for name, page in PAGES.items():
        path, text = FOLDER / name, page()
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.write_text(text, "utf-8")
    if stale:
        print(("stale, run make docs: " if check else "written: ") + ", ".join(stale))
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
