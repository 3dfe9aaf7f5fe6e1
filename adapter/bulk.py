"""Converting many files: work split by file, and big files by Bundle; results in the order of the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapter.catalogue import Catalogue
from adapter.convert import Conversion, Converter
from adapter.errors import InputError
from adapter.fhir import FhirLimits, Reading, read_file
from adapter.findings import Finding
from adapter.nsi import BookStore
from adapter.organisation import load_organisation
from adapter.processes import in_processes
from adapter.settings import settings
from conformance import Checker
from conformance.packs import PackStore

#: A file of more bytes is read once, and its Bundles go to the processes one by one.
SPLIT_FROM: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Setup:
    """What a process needs to make its converter, and how it converts.

    Attributes:
        catalogue: folder over the built-in catalogue; that of the settings where ``None``.
        organisation: file of the sender; that of the catalogue where ``None``.
        limits: bounds on what is read.
        version: of FHIR; detected where ``None``.
        products: codes of kinds to make; all that the routes yield where empty.
        traced: keep how each fact came about.
    """

    catalogue: Path | None
    organisation: Path | None
    limits: FhirLimits
    version: str | None = None
    products: tuple[str, ...] = ()
    traced: bool = False


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of one Bundle.

    Attributes:
        source: the file; with ``#n`` where it holds several Bundles.
        conversion: its documents and findings.
    """

    source: str
    conversion: Conversion


@dataclass(frozen=True, slots=True)
class Task:
    """A file to read, or one of the Bundles of a file that was read, or its refusal."""

    source: str
    path: Path
    found: Reading | Finding | None = None


def make_converter(setup: Setup) -> Converter:
    """A converter over the packs and books of the settings."""
    conf = settings()
    catalogue = Catalogue(setup.catalogue or conf.catalogue)
    books = BookStore(conf.nsi_dir, catalogue)
    checker = Checker(PackStore(conf.packs_dir), books, catalogue=catalogue, cache=conf.cache / "schematron")
    organisation = load_organisation(catalogue, setup.organisation)
    return Converter(catalogue, books, organisation, checker=checker, cache=conf.cache / "templates")


def plan(paths: Sequence[Path], setup: Setup, jobs: int) -> list[Task]:
    """The work on files for ``jobs`` processes: with several, the Bundles of a big file are read here and split.

    Raises:
        UsageError: a file cannot be read.
    """
    tasks = [Task(str(path), path) for path in paths]
    return tasks if jobs == 1 else [part for task in tasks for part in _split(task, setup)]


def convert_all(tasks: Sequence[Task], setup: Setup, jobs: int) -> Iterator[list[Converted]]:
    """What became of the Bundles of each task, in order, in ``jobs`` processes (1: in this one).

    Raises:
        UsageError: a file cannot be read.
        MappingError: the catalogue is wrong.
    """
    return in_processes(tasks, _work, _worker, setup, min(jobs, len(tasks)))


def _split(task: Task, setup: Setup) -> list[Task]:
    if task.path.stat().st_size <= SPLIT_FROM:
        return [task]
    return [Task(name, task.path, found) for name, found in _read(task, setup)]


def _read(task: Task, setup: Setup) -> list[tuple[str, Reading | Finding]]:
    """The Bundles of a file by name, or its refusal."""
    try:
        readings = read_file(task.path, version=setup.version, limits=setup.limits)
    except InputError as error:
        return [(task.source, error.finding)]
    if len(readings) == 1:
        return [(task.source, readings[0])]
    return [(f"{task.source}#{reading.index + 1}", reading) for reading in readings]


def _worker(setup: Setup) -> tuple[Converter, Setup]:
    return make_converter(setup), setup


def _work(tool: tuple[Converter, Setup], task: Task) -> list[Converted]:
    converter, setup = tool
    found = _read(task, setup) if task.found is None else [(task.source, task.found)]
    return [Converted(name, _converted(converter, one, setup)) for name, one in found]


def _converted(converter: Converter, found: Reading | Finding, setup: Setup) -> Conversion:
    if isinstance(found, Finding):
        return Conversion((found,), ())
    return converter.convert(found, products=setup.products, traced=setup.traced)
