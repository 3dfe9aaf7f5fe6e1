"""``egisz nsi``: reference books of ФНСИ."""

from __future__ import annotations

import asyncio
import difflib
import html
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from adapter.catalogue import Catalogue
from adapter.cli.output import Format, print_json, say
from adapter.errors import BookError, UsageError
from adapter.nsi import Book, BookStore, expand_oid, short_oid
from adapter.settings import settings

app = typer.Typer(
    name="nsi",
    help="Справочники НСИ: импорт, обновление, просмотр / reference books: import, sync, look up.",
    no_args_is_help=True,
)


FormatOption = Annotated[Format, typer.Option("--format", help="text or json")]


def _store() -> BookStore:
    return BookStore(settings().nsi_dir, Catalogue(settings().catalogue))


@contextmanager
def _bar() -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar on standard error, nothing where that is not a terminal."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total, label: bar.update(task, completed=done, total=total, description=label)


@app.command("import")
def import_(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="папка с ответами REST-сервиса ФНСИ / folder of answers of the ФНСИ REST service: "
            "<oid>/<version>/passport.json, partK.json",
        ),
    ],
) -> None:
    """Загрузить справочники из папки / import books from a folder."""
    from adapter.nsi.importer import import_folder

    root = settings().nsi_dir
    with _bar() as progress:
        result = import_folder(source, root, progress)
    typer.echo(
        say(
            f"Загружено: справочников {result.books}, версий {result.versions} "
            f"(из них без строк {result.passport_only}), строк {result.rows}. Хранилище: {root}",
            f"Imported: {result.books} books, {result.versions} versions "
            f"({result.passport_only} of them without rows), {result.rows} rows. Store: {root}",
        )
    )


@app.command("list")
def list_(output: FormatOption = Format.TEXT) -> None:
    """Показать загруженные справочники / list the stored books."""
    store = _store()
    rows = [_summary(store, oid, version) for oid, version in store.books()]
    if output is Format.JSON:
        print_json(rows)
        return
    if not rows:
        typer.echo(
            say(
                f"Справочники не загружены ({store.root}): egisz nsi import ПАПКА или egisz nsi sync OID.",
                f"No books are stored ({store.root}): egisz nsi import DIR or egisz nsi sync OID.",
            ),
            err=True,
        )
        return
    for row in rows:
        count = str(row["rows"]) if row["complete"] else say("без строк", "no rows")
        typer.echo(f"{short_oid(row['oid']):<14} {row['version']:>6} {count:>9}  {row['full_name']}")


def _summary(store: BookStore, oid: str, version: str) -> dict[str, Any]:
    passport = store.passport(oid, version)
    if passport is None:
        raise BookError(f"the store changed while it was read: {oid} {version}")
    override = store.policy.override(oid)
    return {
        "oid": oid,
        "version": version,
        "full_name": passport.full_name,
        "code_system_name": override.full_name or passport.full_name,
        "rows": passport.rows_count,
        "complete": store.is_complete(oid, version),
        "key_column": override.key or passport.primary,
        "value_column": override.value or passport.value,
        "skip": override.skip,
        "skip_display_name": override.skip_display_name,
        "updated": passport.updated,
    }


@app.command("show")
def show(
    oid: Annotated[str, typer.Argument(help="OID, можно короткий / may be short: 11.1005, 99.2.48")],
    code: Annotated[str | None, typer.Argument(help="код / code")] = None,
    version: Annotated[str | None, typer.Option("--version", help="по умолчанию новейшая / default: newest")] = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Показать справочник или строку по коду / show a book, or the row of a code."""
    store = _store()
    book = _find(store, expand_oid(oid), version, with_rows=code is not None)
    if code is None:
        _show_book(store, book, output)
        return
    row = book.row(code)
    if row is None:
        raise UsageError(_no_code(book, code))
    if output is Format.JSON:
        print_json(
            {
                "oid": book.oid,
                "version": book.version,
                "code": code,
                "display_name": book.codes[code],
                "row": row,
            }
        )
        return
    typer.echo(f'codeSystem="{book.oid}" codeSystemVersion="{book.version}"')
    typer.echo(f'codeSystemName="{_attribute(book.code_system_name)}"')
    typer.echo(f'code="{_attribute(code)}" displayName="{_attribute(book.codes[code])}"')
    typer.echo()
    _table([(name, value if value is not None else "—") for name, value in row.items()])


def _attribute(value: str | None) -> str:
    """A value as it stands in an XML attribute, ready to be copied."""
    return html.escape(value or "")


def _find(store: BookStore, oid: str, version: str | None, *, with_rows: bool) -> Book:
    versions = store.versions(oid)
    if not versions:
        raise BookError(
            say(
                f"справочник {short_oid(oid)} не загружен: egisz nsi list показывает загруженные, "
                f"egisz nsi sync {short_oid(oid)} загрузит его",
                f"book {short_oid(oid)} is not stored: egisz nsi list shows what is, "
                f"egisz nsi sync {short_oid(oid)} fetches it",
            )
        )
    if version is None:
        whole = [known for known in versions if store.is_complete(oid, known)]
        version = (whole if with_rows and whole else versions)[-1]
    book = store.book(oid, version)
    if book is None:
        known = ", ".join(versions)
        raise BookError(
            say(
                f"версия {version} справочника {short_oid(oid)} не загружена, есть: {known}",
                f"version {version} of book {short_oid(oid)} is not stored, stored are: {known}",
            )
        )
    if with_rows and not book.complete:
        raise BookError(
            say(
                f"строки справочника {short_oid(oid)} версии {version} не загружены, есть только паспорт",
                f"the rows of book {short_oid(oid)} version {version} are not stored, only its passport is",
            )
        )
    return book


def _nearest(code: str, codes: Iterable[str]) -> list[str]:
    """At most five codes like ``code``; those that begin as it does come first, as codes are hierarchical."""
    similar = difflib.get_close_matches(code, codes, n=50, cutoff=0.5)
    return sorted(similar, key=lambda known: -_common_start(known, code))[:5]


def _common_start(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _no_code(book: Book, code: str) -> str:
    near = _nearest(code, book.codes)
    where = f"{short_oid(book.oid)} {book.version}"
    if not near:
        return say(f"в справочнике {where} нет такого кода", f"book {where} has no such code")
    listing = "".join(f"\n  {known}  {book.codes[known] or ''}" for known in near)
    return say(
        f"в справочнике {where} нет такого кода; похожие:{listing}",
        f"book {where} has no such code; similar ones:{listing}",
    )


def _show_book(store: BookStore, book: Book, output: Format) -> None:
    summary = _summary(store, book.oid, book.version)
    columns = [{"name": column.name, "type": column.type, "title": column.title} for column in book.columns]
    versions = store.versions(book.oid)
    if output is Format.JSON:
        print_json({**summary, "versions": versions, "other_oids": book.passport.other_oids, "columns": columns})
        return
    rules = []
    if book.skip:
        rules.append(say("не сравнивается", "not compared"))
    if book.skip_display_name:
        rules.append(say("displayName не сравнивается", "displayName is not compared"))
    rows = str(book.passport.rows_count) if book.complete else say("не загружены", "not stored")
    _table(
        [
            ("OID", book.oid),
            (say("Версия", "Version"), f"{book.version} ({', '.join(versions)})"),
            ("codeSystemName", book.code_system_name),
            ("code", book.key_column or "—"),
            ("displayName", book.value_column or "—"),
            (say("Строк", "Rows"), rows),
            (say("Обновлён", "Updated"), book.passport.updated or "—"),
            (say("Другие OID", "Other OIDs"), ", ".join(book.passport.other_oids) or "—"),
            (say("Проверка", "Check"), ", ".join(rules) or say("полная", "in full")),
        ]
    )
    typer.echo()
    _table([(column.name, f"{column.type:<9} {column.title}") for column in book.columns])


def _table(rows: Sequence[tuple[str, str]]) -> None:
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        typer.echo(f"{name:<{width}}  {value}".rstrip())


@app.command("sync")
def sync_(
    books: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[OID|OID@VERSION]…",
            help="по умолчанию текущие версии загруженных / default: current versions of the stored books",
        ),
    ] = None,
) -> None:
    """Загрузить недостающие версии из сервиса НСИ / fetch missing versions from the НСИ service."""
    # Imported here, because the HTTP client costs the other commands 0.2 s.
    from adapter.nsi.sync import SyncResult, Wanted, connect, sync

    wanted = [Wanted.parse(text) for text in books or ()]
    config = settings()
    if config.nsi_key is None:
        raise UsageError(
            say(
                "нужен ключ доступа к сервису НСИ: задайте EGISZ_NSI_KEY (ключ выдаёт ФНСИ)",
                "the НСИ service needs an access key: set EGISZ_NSI_KEY (ФНСИ issues it)",
            )
        )
    key = config.nsi_key.get_secret_value()

    async def run() -> list[SyncResult]:
        with _bar() as progress:
            async with connect(config.nsi_url, key, timeout=config.http_timeout) as client:
                return await sync(client, wanted, config.nsi_dir, progress)

    for result in asyncio.run(run()):
        state = say("загружен", "fetched") if result.fetched else say("уже есть", "already stored")
        typer.echo(f"{short_oid(result.oid):<14} {result.version:>6} {result.rows:>9}  {state}")
