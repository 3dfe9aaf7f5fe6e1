"""One trial: the catalogue with one file changed, over a Bundle. Runs in a process that may be killed.

What was read of the catalogue is kept between trials, and the code of maps that did not change comes from the cache of
compiled maps, so that a trial costs the reading of one file and the making of the documents.
"""

from __future__ import annotations

import gc
import hashlib
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from adapter.catalogue import Catalogue
from adapter.convert import Conversion, Converter, Document
from adapter.errors import EgiszError, InputError, MappingError
from adapter.fhir import FhirLimits, Graph, Reading, read
from adapter.findings import Finding, Text
from adapter.mapping.coverage import Coverage, Meter
from adapter.mapping.yaml import keeping
from adapter.nsi import BookStore
from adapter.playground.faults import Fault, faults, of_error
from adapter.registers.messages import Message
from adapter.sides import Side, compared

#: Most memory of a process of trials, in bytes: a template may ask for any.
MEMORY: Final = 2 * 1024**3
#: Files that were read, and compiled maps and templates, that are kept for the next trial.
_MOST_KEPT: Final = 1000
#: Characters of all documents, and lines of a comparison, that a page shows.
_MOST_TEXT: Final = 4_000_000
_MOST_SIDES: Final = 400
_TOO_LARGE: Final = Text("Получается больше, чем можно показать.", "What becomes of it is more than can be shown.")
_FILES: dict[Any, Any] = {}


@dataclass(frozen=True, slots=True)
class Edit:
    """What is tried.

    Attributes:
        folder: an empty folder of this trial's process; the only place that is written to.
        file, text: the changed file of the catalogue.
        bundle: as JSON or XML.
        kinds: documents and messages to make; all where empty.
    """

    folder: Path
    file: str
    text: str
    bundle: bytes
    organisation: str
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """A document or message of a trial.

    Attributes:
        text: as it is now; ``before``: as the catalogue without the change makes it.
        sides: the first lines that differ between the two.
    """

    kind: str
    focus: str
    ok: bool
    text: str
    before: str
    findings: tuple[Finding, ...]
    sides: tuple[Side, ...] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a trial.

    Attributes:
        faults: of the changed file; nothing was made where the catalogue cannot be read.
        problem: why nothing was made, where it is not the file.
        read, read_before: percent of the values of the Bundle that a rule read.
        filled, rules: how many rules gave a value, of how many.
        unread: elements that no rule read: path and how many.
        milliseconds: how long it took.
    """

    faults: tuple[Fault, ...] = ()
    problem: Text | None = None
    made: tuple[Made, ...] = ()
    findings: tuple[Finding, ...] = ()
    read: float = 0.0
    read_before: float = 0.0
    filled: int = 0
    rules: int = 0
    unread: tuple[tuple[str, int], ...] = ()
    milliseconds: int = 0


@dataclass(slots=True)
class _Base:
    """The catalogue as it is, for one organisation, and what it made of the last Bundle."""

    converter: Converter
    made: dict[tuple[str, tuple[str, ...]], tuple[dict[tuple[str, str], str], float]] = field(default_factory=dict)


class _Edited(Catalogue):
    """The catalogue with the folder of a trial over it."""

    def __init__(self, folder: Path, overlay: Path | None) -> None:
        super().__init__(overlay)
        self.roots = (folder, *self.roots)


def warm(organisation: str) -> None:
    """Get ready, so that the first trial is quick."""
    _limited()
    _base(organisation)


def try_edit(edit: Edit) -> Tried:
    """Make the documents of a Bundle with one file changed.

    Raises:
        EgiszError: the configuration of the organisation is wrong or absent.
    """
    begun = time.perf_counter()
    _limited()
    base = _base(edit.organisation)
    readings, problem = _readings(edit.bundle)
    path = edit.folder / edit.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(edit.text.encode("utf-8", "replace"))
    wrong: list[Fault] = []
    try:
        with keeping(_FILES):
            try:
                wrong = faults(path, edit.file)
                converter = _converter(edit, base)
                tried = _shown(_tried(readings, edit.kinds, converter, _Edited(edit.folder, _overlay()), base))
            except MappingError as error:
                if not any(one.line == error.line and one.file == error.file for one in wrong):
                    wrong = [*wrong, of_error(error)]
                tried = Tried()
            except EgiszError as error:
                tried = Tried(problem=error.text)
            except Exception as error:  # noqa: BLE001 - what a file of anybody may raise is anybody's guess
                # Where the schema has said what is wrong, the error of Python that follows says nothing more.
                wrong, tried = wrong or [_stopped(edit.file, error)], Tried()
    finally:
        path.unlink()
        _forget(edit.folder / "cache")
        _settle()
    spent = round(1000 * (time.perf_counter() - begun))
    return replace(
        tried,
        faults=tuple(dict.fromkeys((*wrong, *tried.faults))),
        problem=tried.problem or problem,
        milliseconds=spent,
    )


def _stopped(file: str, error: Exception) -> Fault:
    """An error of Python in a template or map; its text may quote the Bundle."""
    at, line, trace = file, 0, error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name.endswith(".j2"):
            at, line = f"templates/{name.rpartition('/templates/')[2]}", trace.tb_lineno
        trace = trace.tb_next
    name = type(error).__name__
    if at.endswith(".j2"):
        return Fault(Text(f"шаблон остановился: {name}", f"the template stopped: {name}"), at, line)
    return Fault(Text(f"файл не выполняется: {name}", f"the file cannot be run: {name}"), at, line)


def _readings(bundle: bytes) -> tuple[Sequence[Reading], Text | None]:
    """The Bundle, or why it cannot be read."""
    if not bundle.strip():
        return (), Text("Вставьте Bundle.", "Paste a Bundle.")
    try:
        return read(bundle, limits=FhirLimits.configured()), None
    except InputError as error:
        return (), error.finding.message


def _tried(
    readings: Sequence[Reading], kinds: tuple[str, ...], converter: Converter, catalogue: Catalogue, base: _Base
) -> Tried:
    meter = Meter(catalogue, converter.mappings, converter.organisation, converter.terms)
    made: list[Made] = []
    findings: list[Finding] = []
    wrong: list[Fault] = []
    read_before = 0.0
    for reading in readings:
        wrong += _of_templates(converter, reading, kinds)
        before, read_before = _before(base, reading, kinds)
        conversion = converter.convert(reading, products=kinds)
        findings += conversion.findings
        made += [_made(one, before.get(_key(one), "")) for one in _products(conversion)]
        meter.add(reading, kinds)
    coverage = meter.quick()
    return Tried(
        tuple(wrong),
        made=tuple(made),
        findings=tuple(findings),
        read=coverage.input_percent,
        read_before=read_before,
        filled=len(coverage.filled & coverage.rules.keys()),
        rules=len(coverage.rules),
        unread=_unread(coverage),
    )


def _shown(tried: Tried) -> Tried:
    """A trial, unless it is more than a page can show."""
    size = sum(len(one.text) + len(one.before) for one in tried.made)
    return tried if size <= _MOST_TEXT else Tried(problem=_TOO_LARGE)


def _made(one: Document | Message, before: str) -> Made:
    """A document or message beside the one before; compared here, because that may take long, too."""
    text = _text(one)
    sides = compared(before.encode(), text.encode())[:_MOST_SIDES] if text != before else []
    return Made(*_key(one), one.ok, text, before, one.findings, tuple(sides))


def _of_templates(converter: Converter, reading: Reading, kinds: tuple[str, ...]) -> Iterator[Fault]:
    """What is wrong with templates: a conversion says it of facts without error alone."""
    graph = Graph(reading.bundle, reading.version)
    for product in converter.planned(graph, kinds):
        if converter.mappings.message_of(product.document) is None:
            facts = converter.mappings.facts(product, graph, converter.organisation, converter.terms).facts
            try:
                converter.rendered(product, facts)
            except MappingError as error:
                yield of_error(error)
            except InputError:
                # A text that XML cannot carry: a finding of the conversion.
                continue


def _unread(coverage: Coverage) -> tuple[tuple[str, int], ...]:
    return tuple((path, one.unread) for path, one in coverage.unread)


def _before(base: _Base, reading: Reading, kinds: tuple[str, ...]) -> tuple[dict[tuple[str, str], str], float]:
    """What the catalogue makes without the change, and its coverage; of the last Bundle it is known."""
    key = hashlib.sha256(repr(reading.bundle).encode()).hexdigest(), kinds
    if key not in base.made:
        conversion = base.converter.convert(reading, products=kinds)
        made = {_key(one): _text(one) for one in _products(conversion)}
        meter = Meter(Catalogue(_overlay()), base.converter.mappings, base.converter.organisation, base.converter.terms)
        meter.add(reading, kinds)
        base.made.clear()
        base.made[key] = made, meter.quick().input_percent
    return base.made[key]


def _products(conversion: Conversion) -> list[Document | Message]:
    return [*conversion.documents, *conversion.messages]


def _key(one: Document | Message) -> tuple[str, str]:
    return (one.kind if isinstance(one, Document) else one.product), one.focus


def _text(one: Document | Message) -> str:
    return (one.data or b"").decode()


def _overlay() -> Path | None:
    from adapter.settings import settings

    return settings().catalogue


@lru_cache(maxsize=20)
def _base(organisation: str) -> _Base:
    from adapter.pipeline.making import converter_of

    return _Base(converter_of(organisation))


def _converter(edit: Edit, base: _Base) -> Converter:
    """A converter over the changed catalogue; it shares packs and books with that of the unchanged one."""
    from adapter.settings import settings

    conf = settings()
    catalogue = _Edited(edit.folder, conf.catalogue)
    made = Converter(
        catalogue,
        BookStore(conf.nsi_dir, catalogue),
        base.converter.organisation,
        checker=base.converter.checker,
        cache=edit.folder / "cache",
    )
    made.terms = base.converter.terms.for_other_maps()
    return made


def _forget(cache: Path) -> None:
    """Let go of old texts: a person types many, one after the other."""
    while len(_FILES) > _MOST_KEPT:
        _FILES.pop(next(iter(_FILES)))
    compiled = list(cache.glob("*"))
    if len(compiled) > _MOST_KEPT:
        for one in sorted(compiled, key=lambda path: path.stat().st_mtime)[: _MOST_KEPT // 2]:
            one.unlink()


@lru_cache(maxsize=1)
def _settle() -> None:
    """After the first trial what is kept lives as long as the process: later collections need not look through it."""
    gc.collect()
    gc.freeze()


@lru_cache(maxsize=1)
def _limited() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    if soft == resource.RLIM_INFINITY or soft > most:
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
