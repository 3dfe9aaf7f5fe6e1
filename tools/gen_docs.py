"""``make docs``: the reference pages that are made from the code.

``--check`` writes nothing and ends with 1 where a committed page differs from what the code says.
"""

from __future__ import annotations

import html
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from pydantic import SecretStr

from adapter.settings import Settings
from conformance.codes import markdown
from conformance.reporters.json import schema

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"
ESCAPES = str.maketrans({"|": "\\|", "<": "&lt;", "\n": " "})
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


PAGES: Mapping[str, Callable[[], str]] = {
    "cli.md": cli,
    "settings.md": settings_page,
    "codes.md": markdown,
    "json-report.md": json_page,
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
