"""``egisz packs``: the Ministry's validation packs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from adapter.cli.output import Format, print_json, say
from adapter.errors import EgiszError, PackError
from adapter.findings import Finding, Severity, Text
from adapter.settings import settings
from conformance.packs import Edition, Inventory, Outcome, PackStore

app = typer.Typer(
    name="packs",
    help="Пакеты проверки Минздрава: схематроны и XSD / the Ministry's packs: Schematron and XSD.",
    no_args_is_help=True,
)


FormatOption = Annotated[Format, typer.Option("--format", help="text or json")]
PacksOption = Annotated[
    Path | None,
    typer.Option("--packs", metavar="DIR", help="хранилище пакетов, иначе EGISZ_PACKS / store of packs"),
]
KindsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[KIND]...", help="коды видов СЭМД; все, если не заданы / kinds")
]

_STATUS = {
    "installed": Text("установлен", "installed"),
    "unchanged": Text("уже установлен, ничего не изменено", "already installed, nothing was changed"),
    "repaired": Text("восстановлен", "repaired"),
}
_SEVERITY = {
    Severity.ERROR: Text("ошибка", "error"),
    Severity.WARNING: Text("предупреждение", "warning"),
    Severity.NOTE: Text("примечание", "note"),
}
_SHOWN = 5  # names of left out files on the screen; JSON has them all


def _store(root: Path | None) -> PackStore:
    return PackStore(root or settings().packs_dir)


@app.command("install")
def install(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="папка или zip, как их публикует Минздрав / a folder or a zip"),
    ],
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="N", help="вид СЭМД, если он не понятен сам / the kind")
    ] = None,
    packs: PacksOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Установить пакеты из папки или zip / install packs from a folder or a zip."""
    store = _store(packs)
    outcomes: list[Outcome] = []
    failed: list[EgiszError] = []
    for path in paths:
        try:
            outcomes.append(store.install_all(path, kind=kind))
        except EgiszError as error:
            failed.append(error)
    _report(outcomes, failed, output)


@app.command("fetch")
def fetch(
    kinds: Annotated[list[str], typer.Argument(metavar="KIND...", help="коды видов СЭМД / kinds")],
    source: Annotated[
        str | None, typer.Option("--from", metavar="NAME", help="источник: collection, minzdrav / the source")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", metavar="URL", help="адрес зеркала источника / a mirror")
    ] = None,
    packs: PacksOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Скачать и установить пакеты / download and install packs."""
    from conformance.packs.fetch import fetch as download  # aiohttp costs a fifth of a second to import

    root = _store(packs).root
    outcomes: list[Outcome] = []
    failed: list[EgiszError] = []
    with _bar() as progress:
        for kind in dict.fromkeys(kinds):
            try:
                watch = progress(kind)
                outcomes.append(asyncio.run(download(root, kind, source=source, base_url=base_url, watch=watch)))
            except EgiszError as error:
                failed.append(error)
    _report(outcomes, failed, output)


@app.command("list")
def list_(packs: PacksOption = None, output: FormatOption = Format.TEXT) -> None:
    """Показать установленные пакеты / list the installed packs."""
    store = _store(packs)
    inventory = store.inventory()
    if output is Format.JSON:
        print_json(
            {
                "packs": [_edition(edition) for edition in inventory.editions],
                "problems": [_finding(finding) for finding in inventory.problems],
            }
        )
    else:
        _list_text(store, inventory)
    if inventory.problems:
        raise typer.Exit(1)


@app.command("use")
def use(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="код вида СЭМД / kind")],
    label: Annotated[str, typer.Argument(metavar="LABEL", help="редакция пакета, можно её начало / edition")],
    packs: PacksOption = None,
) -> None:
    """Выбрать редакцию пакета, по которой проверять / choose the edition to check against."""
    pack = _store(packs).use(kind, label)
    typer.echo(say(f"{pack.kind}: используется {pack.label}", f"{pack.kind}: {pack.label} is used"))


@app.command("verify")
def verify(kinds: KindsArgument = None, packs: PacksOption = None, output: FormatOption = Format.TEXT) -> None:
    """Сверить файлы пакетов с записанными sha256 и собрать правила заново / verify files and rules."""
    store = _store(packs)
    inventory = store.inventory()
    editions = _of_kinds(store, inventory, kinds or [])
    findings = [finding for finding in inventory.problems if not kinds or _kind_of(finding) in kinds]
    for edition in editions:
        findings += store.verify(edition.pack)
    if output is Format.JSON:
        checked = [{"kind": item.pack.kind, "label": item.pack.label} for item in editions]
        print_json({"checked": checked, "findings": [_finding(finding) for finding in findings]})
    else:
        for finding in findings:
            typer.echo(_line(finding))
        count, bad = len(editions), len(findings)
        typer.echo(say(f"Проверено пакетов: {count}, замечаний: {bad}", f"Packs: {count}, findings: {bad}"))
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise typer.Exit(1)


def _of_kinds(store: PackStore, inventory: Inventory, kinds: Sequence[str]) -> list[Edition]:
    present = {edition.pack.kind for edition in inventory.editions}
    present |= {_kind_of(finding) for finding in inventory.problems}
    for kind in kinds:
        if kind not in present:
            raise PackError(
                Text(
                    f"Пакет для вида {kind} не установлен ({store.root}).",
                    f"No pack is installed for kind {kind} ({store.root}).",
                )
            )
    return [edition for edition in inventory.editions if not kinds or edition.pack.kind in kinds]


def _kind_of(finding: Finding) -> str:
    return finding.place.file.partition("/")[0]


def _report(outcomes: Sequence[Outcome], failed: Sequence[EgiszError], output: Format) -> None:
    """Say what became of every pack; the exit code is that of the first error."""
    errors = [*failed, *(item.error for outcome in outcomes for item in outcome.refused)]
    if output is Format.JSON:
        print_json(_outcomes(outcomes, errors))
    else:
        for outcome in outcomes:
            _outcome_text(outcome)
        for error in errors:
            typer.echo(f"egisz: {error.text.get(settings().lang)}", err=True)
    if errors:
        raise typer.Exit(errors[0].exit_code)


def _outcome_text(outcome: Outcome) -> None:
    language = settings().lang
    for item in outcome.installed:
        pack = item.pack
        typer.echo(f"{pack.kind} {pack.label}: {_STATUS[item.status].get(language)}. {pack.title}".rstrip(". "))
        for note in item.notes:
            typer.echo(f"  {_SEVERITY[Severity.NOTE].get(language)}: {note.get(language)}")
        for problem in item.problems:
            typer.echo(f"  {_line(problem)}")
    if outcome.ignored:
        count = len(outcome.ignored)
        names = ", ".join(outcome.ignored[:_SHOWN]) + (", …" if count > _SHOWN else "")
        typer.echo(
            say(f"Не относятся к пакетам ({count}): {names}", f"Not part of a pack ({count}): {names}"),
            err=True,
        )


def _outcomes(outcomes: Sequence[Outcome], errors: Sequence[EgiszError]) -> dict[str, Any]:
    return {
        "installed": [
            {
                "kind": item.pack.kind,
                "label": item.pack.label,
                "title": item.pack.title,
                "status": item.status,
                "problems": [_finding(finding) for finding in item.problems],
                "notes": [note._asdict() for note in item.notes],
            }
            for outcome in outcomes
            for item in outcome.installed
        ],
        "refused": [error.text._asdict() for error in errors],
        "ignored": [name for outcome in outcomes for name in outcome.ignored],
    }


def _list_text(store: PackStore, inventory: Inventory) -> None:
    for finding in inventory.problems:
        typer.echo(_line(finding), err=True)
    if not inventory.editions:
        typer.echo(
            say(
                f"Пакеты не установлены ({store.root}): egisz packs install ПУТЬ или egisz packs fetch ВИД.",
                f"No packs are installed ({store.root}): egisz packs install PATH or egisz packs fetch KIND.",
            ),
            err=True,
        )
        return
    rows = [_row(edition) for edition in inventory.editions]
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(row))
        return
    table = Table(box=None, pad_edge=False)
    for ru, en in (
        ("Вид", "Kind"),
        ("", ""),
        ("Редакция", "Edition"),
        ("от", "of"),
        ("Правил", "Rules"),
        ("XSD", "XSD"),
        ("Установлен", "Installed"),
        ("Название", "Title"),
    ):
        table.add_column(say(ru, en), no_wrap=en != "Title")
    for row in rows:
        table.add_row(*row)
    Console(markup=False).print(table)


def _row(edition: Edition) -> tuple[str, ...]:
    record = edition.manifest
    return (
        record.kind,
        "*" if edition.active else "",
        record.label,
        record.published or "—",
        str(record.counts.rules),
        record.xsd.family if record.xsd else "—",
        f"{record.installed_at:%Y-%m-%d}",
        record.title,
    )


def _edition(edition: Edition) -> dict[str, Any]:
    return {
        "active": edition.active,
        "directory": str(edition.pack.directory),
        **edition.manifest.model_dump(mode="json", exclude={"format", "files"}),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message._asdict(),
        "hint": finding.hint._asdict(),
        "file": finding.place.file,
        "line": finding.place.line,
    }


def _line(finding: Finding) -> str:
    language = settings().lang
    place = finding.place
    where = f"{place.file}:{place.line}" if place.line else place.file
    message = f"{_SEVERITY[finding.severity].get(language)} {finding.code} {where}: {finding.message.get(language)}"
    return f"{message} {finding.hint.get(language)}".rstrip()


@contextmanager
def _bar() -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """A progress bar a kind on standard error, nothing where that is not a terminal."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:

        def start(kind: str) -> Callable[[int, int], None]:
            task = bar.add_task(kind, total=None)
            return lambda done, total: bar.update(task, completed=done, total=total or None)

        yield start
