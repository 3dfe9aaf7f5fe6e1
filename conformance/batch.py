"""Checking many files: bounded reading, one checker a process, results in the order of the files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from adapter.catalogue import Catalogue
from adapter.errors import XmlRefused
from adapter.findings import Finding, Severity, Text
from adapter.nsi import BookStore
from adapter.processes import in_processes
from adapter.settings import settings
from adapter.xml import XmlLimits, too_large
from conformance import Checker
from conformance.packs import PackStore
from conformance.report import Report, Stage, StageName, Status

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NOT_READ = Text("документ не прочитан", "the document was not read")


@dataclass(frozen=True, slots=True)
class Input:
    """One document to check.

    Attributes:
        path: the file, None for ``data``.
        source: its name in the report.
        data: bytes that are at hand already (standard input).
    """

    path: Path | None
    source: str
    data: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Setup:
    """What a process needs to make its checker.

    Attributes:
        packs: folder of installed packs.
        nsi: folder of imported books.
        kind: check every document as this kind; None to find out.
        max_bytes: largest document read.
    """

    packs: Path
    nsi: Path
    kind: str | None
    max_bytes: int


def printable(name: str) -> str:
    """A file name that can be written to a terminal and to any report."""
    return _UNPRINTABLE.sub("\ufffd", name)


def read_bounded(stream: BinaryIO, limit: int) -> bytes:
    """A stream to its end, or ``limit`` bytes and one more, by which :func:`check_input` knows it to be too large."""
    return stream.read(limit + 1)


def read_file(path: Path, limit: int) -> bytes:
    """All of a file; its size is asked before it is read.

    Raises:
        XmlRefused: it is larger than ``limit`` bytes.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    if size > limit:
        raise too_large(size, XmlLimits(limit))
    with path.open("rb") as stream:  # a pipe has no size
        return read_bounded(stream, limit)


def total_size(items: Sequence[Input]) -> int:
    """Bytes of all documents; a file that cannot be asked counts as empty, :func:`check_input` reports it."""
    return sum(len(item.data) if item.path is None else _size(item.path) for item in items)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def refused(source: str, finding: Finding) -> Report:
    """The report on a document that was refused before any check."""
    stages = [Stage(StageName.XML, Status.FAILED)]
    stages += [Stage(name, Status.NOT_CHECKED, reason=_NOT_READ) for name in StageName if name is not StageName.XML]
    return Report(source, "", "", "", tuple(stages), (finding,))


def check_input(checker: Checker, item: Input, setup: Setup) -> Report:
    """Check one document; one that cannot be read gives a report with the finding XML07 or XML03."""
    try:
        data = item.data if item.path is None else read_file(item.path, setup.max_bytes)
        if len(data) > setup.max_bytes:
            raise too_large(len(data), XmlLimits(setup.max_bytes))
    except XmlRefused as error:
        return refused(item.source, error.finding)
    except OSError as error:
        return refused(item.source, unreadable(error))
    return checker.check(data, source=item.source, kind=setup.kind)


def unreadable(error: OSError) -> Finding:
    """The finding for a file that cannot be read."""
    reason = error.strerror or type(error).__name__
    return Finding(
        "XML07",
        Severity.ERROR,
        Text(f"Файл не читается: {reason}.", f"The file cannot be read: {reason}."),
        Text("Проверьте путь и права доступа.", "Check the path and the permissions."),
    )


def check_inputs(items: Sequence[Input], setup: Setup, jobs: int) -> Iterator[Report]:
    """Check documents in ``jobs`` processes (1: in this one); reports come in the order of ``items``."""
    return in_processes(items, _work, _worker, setup, jobs)


def make_checker(setup: Setup) -> Checker:
    """A checker over the packs and books of ``setup``; the rest is as the settings say."""
    catalogue = Catalogue(settings().catalogue)
    return Checker(
        PackStore(setup.packs),
        BookStore(setup.nsi, catalogue),
        catalogue=catalogue,
        cache=settings().cache / "schematron",
        limits=XmlLimits(setup.max_bytes),
    )


def _worker(setup: Setup) -> tuple[Checker, Setup]:
    """What a process checks with."""
    return make_checker(setup), setup


def _work(tool: tuple[Checker, Setup], item: Input) -> Report:
    checker, setup = tool
    return check_input(checker, item, setup)


class Documents(Mapping[str, bytes]):
    """The documents of ``items`` by source, read when asked for; one that cannot be read is not there."""

    def __init__(self, items: Sequence[Input], limit: int) -> None:
        self._items = {item.source: item for item in items}
        self._limit = limit

    def __getitem__(self, source: str) -> bytes:
        item = self._items[source]
        if item.path is None:
            return item.data
        try:
            return read_file(item.path, self._limit)
        except (OSError, XmlRefused) as error:
            raise KeyError(source) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)
