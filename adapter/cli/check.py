"""``egisz check``: the verdict on documents."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adapter.cli.output import write
from adapter.cli.progress import shown
from adapter.errors import UsageError
from adapter.findings import Text
from adapter.settings import settings

if TYPE_CHECKING:
    from conformance.batch import Input, Setup
    from conformance.report import Report

#: Documents of fewer bytes together are checked in this process: others take a second to start, in which one checks
#: about 5 MB (measured on the examples of 170).
PARALLEL_FROM = 8 * 1024 * 1024


class Format(StrEnum):
    """Forms of the report."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    HTML = "html"


class Language(StrEnum):
    """Languages of the report."""

    RU = "ru"
    EN = "en"


def check(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|DIR|GLOB|-...",
            help="файлы, папки (*.xml рекурсивно), маски; «-» — стандартный ввод / files, folders, globs, - for stdin",
        ),
    ],
    *,
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="N", help="код вида СЭМД вместо определения по templateId / kind to check as"),
    ] = None,
    output_format: Annotated[
        Format, typer.Option("--format", "-f", help="вид отчёта / form of the report")
    ] = Format.TEXT,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", dir_okay=False, help="записать отчёт в файл / write to a file"),
    ] = None,
    lang: Annotated[Language | None, typer.Option("--lang", help="язык отчёта, иначе EGISZ_LANG / language")] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="число процессов / number of processes")
    ] = None,
    packs: Annotated[
        Path | None,
        typer.Option("--packs", exists=True, file_okay=False, metavar="DIR", help="папка пакетов / packs folder"),
    ] = None,
    nsi: Annotated[
        Path | None,
        typer.Option("--nsi", exists=True, file_okay=False, metavar="DIR", help="папка справочников / books folder"),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="код 1 и тогда, когда что-то не проверено / also fail on what was not checked"),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="только документы с ошибками / only documents with errors")
    ] = False,
) -> None:
    """Проверить СЭМД: XML, схема, Schematron, справочники, правила / check СЭМД documents.

    Коды возврата / exit codes: 0 ошибок нет, 1 есть ошибки, 2 неверный вызов, 3 среда.
    """
    from conformance.batch import Documents, Setup
    from conformance.reporters import Options, renderer
    from conformance.reporters.words import unchecked

    setup = Setup(packs or settings().packs_dir, nsi or settings().nsi_dir, kind, settings().xml_max_bytes)
    items = list(inputs(files, setup.max_bytes))
    reports = list(_checked(items, setup, jobs, quiet))
    terminal = output is None and sys.stdout.isatty()
    options = Options(
        language=lang.value if lang else settings().lang,
        documents=Documents(items, setup.max_bytes),
        width=shutil.get_terminal_size().columns if terminal else 100,
        colour=terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb",
        quiet=quiet,
    )
    write(renderer(output_format.value)(reports, options), output)
    if not all(report.ok for report in reports) or (strict and any(unchecked(report) for report in reports)):
        raise typer.Exit(1)


def inputs(arguments: Iterable[str], limit: int) -> Iterator[Input]:
    """The documents that the arguments name, each once, in order; folders and globs sorted by name.

    Raises:
        UsageError: an argument names nothing.
    """
    from conformance.batch import Input, printable

    seen: set[str] = set()
    for argument in arguments:
        for path in _expand(argument):
            if path in seen:
                continue
            seen.add(path)
            if path == "-":
                yield _standard_input(limit)
            else:
                yield Input(Path(path), printable(path))


def _expand(argument: str) -> list[str]:
    if argument == "-":
        return ["-"]
    if Path(argument).is_dir():
        found = list(_folder(argument))
    elif os.path.lexists(argument):
        found = [argument]
    else:
        matches = glob(argument, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
        found = sorted(path for path in matches if not Path(path).is_dir())
    if not found:
        raise UsageError(
            Text(f"Нет такого файла или документов *.xml: {argument}", f"No such file, or no *.xml: {argument}")
        )
    return found


def _folder(top: str) -> Iterator[str]:
    """Documents below a folder; a folder that cannot be read is given itself, so that the report says so."""
    unreadable: list[str] = []
    for folder, folders, names in os.walk(top, onerror=lambda error: unreadable.append(str(error.filename))):
        folders.sort()
        yield from (str(Path(folder, name)) for name in sorted(names) if name.lower().endswith(".xml"))
    yield from unreadable


def _standard_input(limit: int) -> Input:
    from conformance.batch import Input, read_bounded

    return Input(None, "-", read_bounded(sys.stdin.buffer, limit))


def _checked(items: Sequence[Input], setup: Setup, jobs: int | None, quiet: bool) -> Iterator[Report]:
    """Reports in order, with a progress bar on standard error where a person would wait for them."""
    from conformance.batch import check_inputs, total_size

    if jobs is None:
        jobs = 1 if total_size(items) < PARALLEL_FROM else os.cpu_count() or 1
    return shown(check_inputs(items, setup, min(jobs, len(items))), len(items), quiet=quiet)
