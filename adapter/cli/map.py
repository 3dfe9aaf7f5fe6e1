"""``egisz map``: tools for those who write mappings."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from adapter.catalogue import Catalogue
from adapter.cli.bundles import bundle_files
from adapter.cli.output import write
from adapter.errors import EgiszError, MappingError, UsageError
from adapter.findings import Text
from adapter.settings import settings

if TYPE_CHECKING:
    from adapter.fhir import Reading
    from adapter.mapping.mappings import Mappings
    from adapter.mapping.testing import Result
    from adapter.nsi.terms import Terms
    from adapter.organisation import Organisation

app = typer.Typer(
    name="map",
    help="Отображения: проверка, тесты, след, покрытие, схема / mappings: lint, tests, trace, coverage, schema.",
    no_args_is_help=True,
)


class Format(StrEnum):
    """Forms of the output."""

    TEXT = "text"
    JSON = "json"


class LintFormat(StrEnum):
    """Forms of the report of lint."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


CatalogueOption = Annotated[
    Path | None,
    typer.Option(
        "--catalogue",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="своя папка с mappings/ и templates/ поверх встроенной / own folder over the built-in one",
    ),
]
OrganisationOption = Annotated[
    Path | None,
    typer.Option("--org", metavar="FILE", exists=True, dir_okay=False, help="настройка организации / organisation"),
]
FormatOption = Annotated[Format, typer.Option("--format", "-f", help="вид вывода / form of the output")]
WatchOption = Annotated[
    bool, typer.Option("--watch", help="повторять при изменении файлов / run again when a file changes")
]
BundlesArgument = Annotated[
    list[Path],
    typer.Argument(metavar="BUNDLE|DIR...", exists=True, help="Bundle FHIR или папка с ними / Bundles, or folders"),
]

#: Seconds between two looks at the files.
POLL = 0.5


def say(ru: str, en: str) -> str:
    """The text in the language of the process."""
    return Text(ru, en).get(settings().lang)


def catalogue(folder: Path | None) -> Catalogue:
    """The catalogue, with an author's folder over it."""
    return Catalogue(folder or settings().catalogue)


def loaded(where: Catalogue, org: Path | None) -> tuple[Mappings, Organisation, Terms]:
    """What every run of a mapping needs."""
    from adapter.mapping.mappings import Mappings
    from adapter.nsi import BookStore
    from adapter.nsi.terms import Terms, load_vocabulary
    from adapter.organisation import load_organisation

    terms = Terms(BookStore(settings().nsi_dir, where), load_vocabulary(where))
    return Mappings.load(where), load_organisation(where, org), terms


def readings(paths: list[Path]) -> Iterator[tuple[str, Reading]]:
    """The Bundles of files and folders, in order of their names.

    Raises:
        InputError: a file cannot be read as FHIR.
        UsageError: there is none.
    """
    from adapter.fhir import FhirLimits, read_file

    for file in bundle_files(paths):
        for reading in read_file(file, limits=FhirLimits.configured()):
            yield str(file), reading


def as_json(value: Any) -> str:
    """Indented JSON."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n"


# -- test -------------------------------------------------------------------------------------------


@app.command("test")
def test(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE|NAME...]", help="файлы тестов, части названий или отображения / files, names or maps"
        ),
    ] = None,
    *,
    output: FormatOption = Format.TEXT,
    folder: CatalogueOption = None,
    org: OrganisationOption = None,
    watch: WatchOption = False,
) -> None:
    """Выполнить тесты отображений / run the tests of the mappings (mappings/tests/*.yaml).

    Коды возврата / exit codes: 0 все прошли, 1 есть непрошедшие, 2 ошибка в каталоге.
    """
    repeated(lambda: _test(names or [], output, folder, org), catalogue(folder), watch)


def _test(names: list[str], output: Format, folder: Path | None, org: Path | None) -> bool:
    from adapter.mapping.testing import Runner, load_cases, selected

    where = catalogue(folder)
    files = [Path(name) for name in names if name.endswith((".yaml", ".yml"))]
    absent = [str(path) for path in files if not path.is_file()]
    if absent:
        raise UsageError(Text(f"нет файла {absent[0]}", f"there is no file {absent[0]}"))
    words = [name for name in names if not name.endswith((".yaml", ".yml"))]
    cases = selected(load_cases(where, files), words)
    if not cases:
        raise UsageError(Text("таких тестов нет", "there are no such tests"))
    runner = Runner(*loaded(where, org))
    results = [runner.run(case, settings().lang) for case in cases]
    write(as_json([_result(result) for result in results]) if output is Format.JSON else _results(results))
    return all(result.ok for result in results)


def _result(result: Result) -> dict[str, Any]:
    case = result.case
    status = "skipped" if result.skipped else "passed" if result.ok else "failed"
    return {
        "name": case.name,
        "file": case.file,
        "line": case.line,
        "map": case.map,
        "concept": case.concept,
        "status": status,
        "reason": result.skipped,
        "problems": list(result.problems),
    }


def _results(results: list[Result]) -> str:
    lines = []
    for result in results:
        case = result.case
        if result.skipped:
            lines.append(f"{say('пропущен', 'skipped')}  {case.file}:{case.line}  {case.name}: {result.skipped}")
        elif not result.ok:
            lines.append(f"{say('НЕ ПРОШЁЛ', 'FAILED')}  {case.file}:{case.line}  {case.name}")
            lines += [f"    {problem}" for problem in result.problems]
    failed = sum(1 for result in results if not result.ok)
    skipped = sum(1 for result in results if result.skipped)
    passed = len(results) - failed - skipped
    lines.append(
        say(
            f"Тестов {len(results)}: прошли {passed}, не прошли {failed}, пропущены {skipped}",
            f"{len(results)} tests: {passed} passed, {failed} failed, {skipped} skipped",
        )
    )
    return "\n".join(lines) + "\n"


# -- lint -------------------------------------------------------------------------------------------


@app.command("lint")
def lint(
    *,
    output: Annotated[LintFormat, typer.Option("--format", "-f", help="вид отчёта / form of the report")] = (
        LintFormat.TEXT
    ),
    folder: CatalogueOption = None,
    org: OrganisationOption = None,
    notes: Annotated[bool, typer.Option("--notes/--no-notes", help="показывать замечания / show notes")] = True,
    watch: WatchOption = False,
) -> None:
    """Проверить отображения и шаблоны, не имея Bundle / check mappings and templates without a Bundle.

    Коды возврата / exit codes: 0 ошибок нет, 1 есть ошибки. Что значит код: egisz explain LNT01.
    """
    repeated(lambda: _lint(output, folder, org, notes), catalogue(folder), watch)


def _lint(output: LintFormat, folder: Path | None, org: Path | None, notes: bool) -> bool:
    from adapter.findings import Finding, Place, Severity
    from adapter.mapping.lint import lint
    from adapter.mapping.lint.report import rendered

    where = catalogue(folder)
    try:
        found = lint(where, *loaded(where, org))
    except MappingError as error:
        place = Place(error.line, error.column, file=error.file)
        found = [Finding("LNT16", Severity.ERROR, error.reason, place=place)]
    shown = [one for one in found if notes or one.severity is not Severity.NOTE]
    write(rendered(shown, output.value, settings().lang))
    return not any(one.severity is Severity.ERROR for one in found)


# -- trace ------------------------------------------------------------------------------------------


@app.command("trace")
def trace(
    bundles: BundlesArgument,
    *,
    product: Annotated[
        list[str] | None, typer.Option("--product", metavar="N", help="только этот вид СЭМД / only this kind")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", dir_okay=False, help="страница HTML / an HTML page")
    ] = None,
    output: FormatOption = Format.TEXT,
    folder: CatalogueOption = None,
    org: OrganisationOption = None,
) -> None:
    """Откуда взялся каждый факт: правило, место, выражение; без значений / where each fact comes from, no values."""
    from adapter.mapping import trace as form

    tracer = form.Tracer(*loaded(catalogue(folder), org))
    traces = [
        one
        for source, reading in readings(bundles)
        for one in tracer.trace(reading, source=source, products=product or ())
    ]
    if html is not None:
        write(form.as_html(traces, settings().lang), html)
    if html is None or output is Format.JSON:
        write(form.as_json(traces) if output is Format.JSON else form.as_text(traces, settings().lang))


# -- coverage ---------------------------------------------------------------------------------------


@app.command("coverage")
def coverage(
    bundles: BundlesArgument,
    *,
    min_rules: Annotated[
        float, typer.Option("--min-rules", metavar="PCT", min=0, max=100, help="не меньше правил, % / at least, %")
    ] = 0.0,
    min_input: Annotated[
        float, typer.Option("--min-input", metavar="PCT", min=0, max=100, help="не меньше входа, % / at least, %")
    ] = 0.0,
    output: FormatOption = Format.TEXT,
    folder: CatalogueOption = None,
    org: OrganisationOption = None,
) -> None:
    """Что во входе не прочитано и какие правила не сработали / what of the input and of the rules was not used.

    Коды возврата / exit codes: 0, 1 — покрытие ниже заданного / below the asked for.
    """
    from adapter.mapping.coverage import Meter, as_text, measure
    from adapter.mapping.coverage import as_json as machine

    where = catalogue(folder)
    found = measure((reading for _, reading in readings(bundles)), Meter(where, *loaded(where, org)))
    write(machine(found) if output is Format.JSON else as_text(found, settings().lang))
    if found.rules_percent < min_rules or found.input_percent < min_input:
        raise typer.Exit(1)


# -- code -------------------------------------------------------------------------------------------


@app.command("code")
def code(
    name: Annotated[str, typer.Argument(metavar="MAP|DOCUMENT", help="отображение или вид / a map, or a kind")],
    *,
    folder: CatalogueOption = None,
) -> None:
    """Показать функции Python, которые выполняют отображение / print the Python that a map becomes."""
    from adapter.mapping.mappings import Mappings

    mappings = Mappings.load(catalogue(folder))
    spec = mappings.documents.get(name) or mappings.maps.get(name)
    if spec is None:
        raise UsageError(Text(f"нет отображения {name}", f"there is no map {name}"))
    typer.echo(mappings.generator().text(spec), nl=False)


# -- schema -----------------------------------------------------------------------------------------


@app.command("schema")
def schema(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="map, document, concepts, routes, tests")] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", file_okay=False, help="записать все в папку / write all to DIR"),
    ] = None,
) -> None:
    """Схемы JSON языка отображений для редакторов / JSON Schemas of the language, for editors."""
    from adapter.mapping.schema import FILES, SCHEMAS, written

    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        for file in SCHEMAS:
            write(written(file), output / file)
        typer.echo(say(f"Записано схем: {len(SCHEMAS)} в {output}", f"{len(SCHEMAS)} schemas written to {output}"))
    elif name is not None:
        file = f"{name.removesuffix('.schema.json')}.schema.json"
        if file not in SCHEMAS:
            known = ", ".join(key.removesuffix(".schema.json") for key in SCHEMAS)
            raise UsageError(Text(f"нет схемы {name}; есть {known}", f"there is no schema {name}; there are {known}"))
        write(written(file))
    else:
        for place, file in FILES.items():
            typer.echo(f"{place:<24} {file}")


# -- watching ---------------------------------------------------------------------------------------


def repeated(run: Callable[[], bool], where: Catalogue, watch: bool) -> None:
    """Run once; with ``watch`` again after every change of a file of the catalogue, until interrupted."""
    if not watch:
        if not run():
            raise typer.Exit(1)
        return
    from rich.console import Console

    try:
        for _ in changes(where):
            if sys.stdout.isatty():
                Console().clear()
            try:
                run()
            except EgiszError as error:
                typer.echo(f"egisz: {error.text.get(settings().lang)}", err=True)
            typer.echo(say("Жду изменений, Ctrl+C — выход", "Waiting for changes, Ctrl+C ends"), err=True)
    except KeyboardInterrupt:
        return


def changes(where: Catalogue) -> Iterator[None]:
    """Now, and then whenever a file of the catalogue is added, removed or changed."""
    seen: dict[Path, int] | None = None
    while True:
        now = _stamps(where)
        if now != seen:
            seen = now
            yield
        else:
            time.sleep(POLL)


def _stamps(where: Catalogue) -> dict[Path, int]:
    stamps: dict[Path, int] = {}
    for root in where.roots:
        for folder in ("mappings", "templates"):
            for path in (root / folder).rglob("*"):
                try:
                    stamps[path] = path.stat().st_mtime_ns
                except FileNotFoundError:
                    continue  # removed between listing and looking: the next look tells
    return stamps
