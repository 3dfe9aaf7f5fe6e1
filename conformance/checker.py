"""Checking one document: the five stages in a row, none hiding another.

The Ministry's own validator stops at the first stage that fails; here the later ones run as well, so that a person
sees everything at once. A stage that could not run says why; it is never taken for passed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from time import perf_counter

from adapter.catalogue import Catalogue
from adapter.documents.kinds import Kind, Kinds, load_kinds
from adapter.errors import UsageError, XmlRefused
from adapter.findings import EMPTY, NOWHERE, Finding, Place, Severity, Text
from adapter.nsi import BookStore
from adapter.settings import settings
from adapter.xml import HL7, ElementTree, XmlLimits, has_bom, locate, parse, place
from conformance.coded import check_coded
from conformance.packs import Pack, PackStore
from conformance.report import Report, Stage, StageName, Status
from conformance.rules import run_rules
from conformance.schematron import Schematron, compile_schematron
from conformance.structure import check_without_pack
from conformance.structure import load as load_structures
from conformance.xsd import Schema, load_schema

_ROOT = f"{{{HL7}}}ClinicalDocument"

_UNREADABLE = Text("документ не прочитан", "the document was not read")
_UNKNOWN_KIND = Text("вид документа не определён", "the kind of the document is unknown")


@dataclass(frozen=True, slots=True)
class LoadedPack:
    """A pack with its schema and Schematrons compiled."""

    pack: Pack
    schema: Schema | None
    schematrons: tuple[Schematron, ...]


@dataclass(slots=True)
class _Run:
    """The check of one document while it goes on."""

    source: str
    kind: str = ""
    title: str = ""
    pack: str = ""
    stages: dict[StageName, Stage] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def add(
        self, name: StageName, findings: list[Finding], started: float, counts: Mapping[str, int] | None = None
    ) -> None:
        """Close a stage with what it found."""
        failed = any(finding.severity is Severity.ERROR for finding in findings)
        self.findings.extend(findings)
        self.stages[name] = Stage(
            name,
            Status.FAILED if failed else Status.PASSED,
            counts or {},
            ms=(perf_counter() - started) * 1000,
        )

    def skip(self, reason: Text, *names: StageName) -> None:
        """Say that stages were not checked, and why."""
        for name in names:
            self.stages[name] = Stage(name, Status.NOT_CHECKED, reason=reason)

    def report(self) -> Report:
        return Report(
            self.source,
            self.kind,
            self.title,
            self.pack,
            tuple(self.stages[name] for name in StageName),
            tuple(self.findings),
        )


class Checker:
    """Checks documents; make one and keep it: packs and books are loaded once. Safe to use from several threads.

    Args:
        packs: installed validation packs.
        books: imported reference books.
        catalogue: where the kinds come from.
        cache: folder for compiled rules, ``None`` for none.
        limits: bounds on a document.
        today: the clock for rules about dates.
    """

    def __init__(
        self,
        packs: PackStore,
        books: BookStore,
        *,
        catalogue: Catalogue | None = None,
        cache: Path | None = None,
        limits: XmlLimits | None = None,
        today: Callable[[], date] = date.today,
    ) -> None:
        self.packs = packs
        self.books = books
        catalogue = catalogue or Catalogue()
        self.kinds: Kinds = load_kinds(catalogue)
        self.structures = load_structures(catalogue)
        self.limits = limits or XmlLimits()
        self._cache = cache
        self.today = today
        self._loaded: dict[str, LoadedPack | None] = {}
        self._lock = threading.Lock()

    def load(self, kind: str) -> LoadedPack | None:
        """The compiled pack of a kind, ``None`` where none is installed.

        Raises:
            PackError: the pack is damaged.
        """
        if kind not in self._loaded:
            with self._lock:
                if kind not in self._loaded:
                    self._loaded[kind] = self._compile(kind)
        return self._loaded[kind]

    def _compile(self, kind: str) -> LoadedPack | None:
        pack = self.packs.find(kind)
        if pack is None:
            return None
        schema = load_schema(pack.xsd) if pack.xsd else None
        schematrons = tuple(compile_schematron(path, cache=self._cache) for path in pack.schematrons)
        for schematron in schematrons:
            schematron.warm()
        return LoadedPack(pack, schema, schematrons)

    def check(self, data: bytes, *, source: str = "", kind: str | None = None, count: bool = True) -> Report:
        """Check a document.

        Args:
            data: the document.
            source: its name in the report.
            kind: check it as this kind; by default the kind that its templateId names.
            count: count the contexts and asserts of the Schematron. It costs about as much again as running the
                rules; without it the accepting path still proves that they ran, because it selects the root by them.

        Raises:
            UsageError: ``kind`` is not a kind.
            PackError, BookError: a pack or the store of books is damaged.
        """
        if kind is not None and self.kinds.by_code(kind) is None:
            raise UsageError(Text(f"неизвестный вид СЭМД: {kind}", f"unknown kind of СЭМД: {kind}"))
        run = _Run(source)
        started = perf_counter()
        try:
            tree = parse(data, self.limits)
        except XmlRefused as refused:
            run.add(StageName.XML, [refused.finding], started)
            run.skip(_UNREADABLE, *(name for name in StageName if name is not StageName.XML))
            return run.report()
        findings = [_byte_order_mark()] if has_bom(data) else []
        known = self._identify(tree, kind, findings, run)
        run.add(StageName.XML, findings, started)
        self._by_pack(tree, known, run, count)
        self._by_books(tree, run)
        started = perf_counter()
        findings = run_rules(tree, kind=known, kinds=self.kinds, today=self.today())
        if known is not None and not run.pack:
            findings = [*check_without_pack(tree, known.code, self.structures, installed=False), *findings]
        run.add(StageName.RULES, findings, started)
        return run.report()

    def _identify(self, tree: ElementTree, asked: str | None, findings: list[Finding], run: _Run) -> Kind | None:
        """The kind to check by; what is doubtful about it goes to ``findings``."""
        root = tree.getroot()
        if root.tag != _ROOT:
            findings.append(_not_cda(tree))
            return None
        candidates = self.kinds.candidates(root)
        chosen = candidates[0] if candidates else None
        if asked is not None:
            if candidates and asked not in {candidate.code for candidate in candidates}:
                findings.append(_contradicts(tree, asked, ", ".join(candidate.code for candidate in candidates)))
            chosen = self.kinds.by_code(asked)
        elif len(candidates) > 1:
            findings.append(_ambiguous(tree, candidates))
        elif chosen is None:
            findings.append(_unknown_kind(tree))
        if chosen is not None:
            run.kind, run.title = chosen.code, chosen.title
        return chosen

    def _by_pack(self, tree: ElementTree, kind: Kind | None, run: _Run, count: bool) -> None:
        """The stages that need the Ministry's pack."""
        stages = (StageName.XSD, StageName.SCHEMATRON)
        if kind is None:
            run.skip(_UNKNOWN_KIND, *stages)
            return
        loaded = self.load(kind.code)
        if loaded is None:
            note = _no_pack(kind)
            run.findings.append(note)
            run.skip(note.message, *stages)
            return
        run.pack = loaded.pack.label
        started = perf_counter()
        if loaded.schema is None:
            run.skip(Text("в пакете нет схемы", "the pack has no schema"), StageName.XSD)
        else:
            run.add(StageName.XSD, loaded.schema.validate(tree), started)
        if loaded.schematrons:
            self._by_rules(tree, loaded, run, count)
        else:
            run.skip(Text("в пакете нет правил Schematron", "the pack has no Schematron rules"), StageName.SCHEMATRON)

    @staticmethod
    def _by_rules(tree: ElementTree, loaded: LoadedPack, run: _Run, count: bool) -> None:
        started = perf_counter()
        findings: list[Finding] = []
        contexts = asserts = 0
        for schematron in loaded.schematrons:
            findings.extend(schematron.problems)
            findings.extend(failure.finding() for failure in schematron.failures(tree))
            if count:
                matched, evaluated = schematron.count(tree)
                contexts, asserts = contexts + matched, asserts + evaluated
        if count and contexts == 0:
            findings.append(_nothing_fired())
        run.add(StageName.SCHEMATRON, findings, started, {"contexts": contexts, "asserts": asserts} if count else {})

    def _by_books(self, tree: ElementTree, run: _Run) -> None:
        started = perf_counter()
        result = check_coded(tree, self.books)
        counts = {"checked": result.checked, "not_checked": result.not_checked, "skipped": result.skipped}
        run.add(StageName.BOOKS, result.findings, started, counts)
        if result.not_checked and not result.checked:
            stage = run.stages[StageName.BOOKS]
            if stage.status is Status.PASSED:
                reason = Text("справочники не импортированы", "no reference book is imported")
                run.stages[StageName.BOOKS] = Stage(stage.name, Status.NOT_CHECKED, counts, reason, stage.ms)


def _byte_order_mark() -> Finding:
    return Finding(
        "XML06",
        Severity.ERROR,
        Text("Документ начинается с метки порядка байтов (BOM).", "The document begins with a byte order mark (BOM)."),
        Text(
            "Сохраните документ в UTF-8 без BOM: валидатор Минздрава такой документ не проверяет.",
            "Save it as UTF-8 without a BOM: the Ministry's validator refuses to look at such a document.",
        ),
        Place(line=1),
    )


def _not_cda(tree: ElementTree) -> Finding:
    root = tree.getroot()
    return Finding(
        "DOC01",
        Severity.ERROR,
        Text(
            "Корневой элемент не ClinicalDocument в пространстве имён urn:hl7-org:v3.",
            "The root element is not ClinicalDocument in the namespace urn:hl7-org:v3.",
        ),
        Text(
            'Объявите в корне xmlns="urn:hl7-org:v3".' if root.tag == "ClinicalDocument" else "Это не СЭМД.",
            'Declare xmlns="urn:hl7-org:v3" on the root.' if root.tag == "ClinicalDocument" else "This is not a СЭМД.",
        ),
        place(root),
        locate(root),
    )


def _kind_finding(tree: ElementTree, code: str, severity: Severity, message: Text, hint: Text = EMPTY) -> Finding:
    root = tree.getroot()
    template = root.find(f"{{{HL7}}}templateId")
    at = root if template is None else template
    return Finding(code, severity, message, hint, place(at), locate(at))


def _unknown_kind(tree: ElementTree) -> Finding:
    return _kind_finding(
        tree,
        "DOC02",
        Severity.ERROR,
        Text("Вид СЭМД не определён по templateId.", "The templateId does not name a known kind of СЭМД."),
        Text(
            "Проверьте templateId/@root или укажите вид: --kind N.",
            "Check templateId/@root, or name the kind: --kind N.",
        ),
    )


def _ambiguous(tree: ElementTree, candidates: tuple[Kind, ...]) -> Finding:
    codes = ", ".join(kind.code for kind in candidates)
    return _kind_finding(
        tree,
        "DOC02",
        Severity.WARNING,
        Text(
            f"Документ подходит нескольким видам ({codes}); проверен как {candidates[0].code}.",
            f"The document fits several kinds ({codes}); it was checked as {candidates[0].code}.",
        ),
        Text("Укажите вид: --kind N.", "Name the kind: --kind N."),
    )


def _contradicts(tree: ElementTree, asked: str, named: str) -> Finding:
    return _kind_finding(
        tree,
        "DOC04",
        Severity.ERROR,
        Text(
            f"Указан вид {asked}, а templateId документа называет {named}.",
            f"The kind {asked} was asked for, but the templateId of the document names {named}.",
        ),
    )


def _no_pack(kind: Kind) -> Finding:
    return Finding(
        "DOC03",
        Severity.NOTE,
        Text(f"нет пакета для вида {kind.code}", f"no pack is installed for kind {kind.code}"),
        Text(
            f"egisz packs install ПУТЬ или egisz packs fetch {kind.code}",
            f"egisz packs install PATH, or egisz packs fetch {kind.code}",
        ),
        NOWHERE,
    )


def _nothing_fired() -> Finding:
    return Finding(
        "SCH99",
        Severity.ERROR,
        Text(
            "Внутренняя ошибка: не сработало ни одно правило Schematron, проверки не было.",
            "Internal error: no Schematron rule fired, nothing was checked.",
        ),
        Text("Сообщите об ошибке.", "Report a bug."),
    )


@lru_cache(maxsize=1)
def default_checker() -> Checker:
    """The checker of this process, by its settings."""
    conf = settings()
    catalogue = Catalogue(conf.catalogue)
    return Checker(
        PackStore(conf.packs_dir),
        BookStore(conf.nsi_dir, catalogue),
        catalogue=catalogue,
        cache=conf.cache / "schematron",
        limits=XmlLimits(conf.xml_max_bytes),
    )


def check(data: bytes, *, source: str = "", kind: str | None = None) -> Report:
    """Check a document with the packs and books of this machine; see :meth:`Checker.check`."""
    return default_checker().check(data, source=source, kind=kind)
