"""Kinds of СЭМД (НСИ 1.2.643.5.1.13.13.11.1520): what is known of each, and which kind a document is of.

The facts live in ``mappings/kinds.yaml``; certainty is kept with them (``H`` read in an official artefact,
``M`` in one third-party copy, ``INF`` formed by a pattern).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

from adapter.catalogue import Catalogue, read_plain
from adapter.errors import UsageError
from adapter.xml import HL7, Element

FILE: Final = "mappings/kinds.yaml"
#: Code systems by which a document names its kind: the book of kinds and its old alias.
KIND_SYSTEMS: Final = frozenset({"1.2.643.5.1.13.13.11.1520", "1.2.643.5.1.13.13.99.2.41"})
GUIDE_SYSTEM: Final = "1.2.643.5.1.13.13.99.2.1079"

_TEMPLATE: Final = f"{{{HL7}}}templateId"
_CODE: Final = f"{{{HL7}}}code"
_TRANSLATION: Final = f"{{{HL7}}}translation"


class TemplateId(NamedTuple):
    """A templateId root, and the document code it belongs to (empty: any code)."""

    root: str
    document_code: str


class Coding(NamedTuple):
    """``@code`` and ``@codeSystem`` of an element, empty where absent."""

    code: str
    system: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One edition of a СЭМД.

    Attributes:
        code: code N in 1.2.643.5.1.13.13.11.1520.
        title: title without the edition.
        edition: number of the edition, 0 for a document that has none (PDF/A-1).
        type_code: type of the document in 1.2.643.5.1.13.13.11.1522.
        guide: OID of the implementation guide, empty where none.
        start: first day on which a document may be created; ``start_mark`` says how certain.
        end: last such day, ``None`` where the kind is open; ``end_mark`` says how certain.
        successors: codes of later editions, oldest first.
        template_ids: admitted templateId roots; ``template_mark`` says how certain.
        document_codes: admitted values of ``ClinicalDocument/code``, empty where unknown.
        code_systems: admitted code systems of it, the current one first; ``code_mark`` says how certain.
        translation: required ``code/translation`` value, empty where none is known.
        xsd_family: ``generic``, ``modular`` or empty.
        generation: generation of the Schematron: ``legacy``, ``G2``, ``G3`` or empty where none is known.
    """

    code: str
    title: str
    edition: int
    type_code: str
    guide: str
    start: date
    start_mark: str
    end: date | None
    end_mark: str
    successors: tuple[str, ...]
    template_ids: tuple[TemplateId, ...]
    template_mark: str
    document_codes: tuple[str, ...]
    code_systems: tuple[str, ...]
    code_mark: str
    translation: str
    xsd_family: str
    generation: str

    @property
    def official_title(self) -> str:
        """The name as the book of kinds has it."""
        return f"{self.title} (CDA) Редакция {self.edition}" if self.edition else self.title

    @property
    def guide_code(self) -> str:
        """Code of the guide in 1.2.643.5.1.13.13.99.2.1079: the last arc but one of its OID."""
        return self.guide.split(".")[-2] if self.guide else ""

    def open_on(self, day: date) -> bool:
        """Whether a document created on ``day`` may be registered under this kind."""
        return self.start <= day and (self.end is None or day <= self.end)


class Kinds:
    """The catalogue of kinds.

    Args:
        kinds: all kinds, in the order of the file.
    """

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._by_code = {kind.code: kind for kind in kinds}
        self._by_root: dict[str, tuple[Kind, ...]] = {}
        # A root that is read in the rules of a kind outranks the same root formed for another one (119 and 111).
        for mark in ("H", "INF"):
            found: dict[str, dict[str, Kind]] = {}
            for kind in self._by_code.values():
                for template in kind.template_ids if kind.template_mark == mark else ():
                    found.setdefault(template.root, {})[kind.code] = kind
            for root, owners in found.items():
                self._by_root.setdefault(root, tuple(owners.values()))

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._by_code.values())

    def __len__(self) -> int:
        return len(self._by_code)

    def by_code(self, code: str) -> Kind | None:
        """The kind with that code in 1.2.643.5.1.13.13.11.1520."""
        return self._by_code.get(code)

    def newest_first(self, family: Iterable[str]) -> list[str]:
        """Editions of one document in order: each before those that it succeeds; what is no known kind comes last."""
        codes = list(family)
        return sorted(codes, key=lambda code: self._later(code, codes))

    def _later(self, code: str, family: list[str]) -> int:
        kind = self._by_code.get(code)
        return len(family) if kind is None else len(set(kind.successors) & set(family))

    def are_editions(self, one: str, other: str) -> bool:
        """Whether two codes are editions of the same document."""
        kinds = [self._by_code.get(code) for code in (one, other)]
        return any(kind is not None and code in kind.successors for kind, code in zip(kinds, (other, one), strict=True))

    def successor(self, kind: Kind, day: date) -> Kind | None:
        """The newest later edition that is open on ``day``."""
        later = (self._by_code.get(code) for code in reversed(kind.successors))
        return next((edition for edition in later if edition is not None and edition.open_on(day)), None)

    def detect(self, root: Element) -> Kind | None:
        """The kind of the document ``root``; ``None`` where none or several fit (see `candidates`)."""
        found = self.candidates(root)
        return found[0] if len(found) == 1 else None

    def candidates(self, root: Element) -> tuple[Kind, ...]:
        """Every kind that the document ``root`` may be of, in the order of the catalogue.

        The roots of ``templateId`` decide; where they admit several kinds, ``ClinicalDocument/code`` and its
        translation choose among them, first as the code of the kind itself, then as its type (11.1522) or
        guide (99.2.1079). Some kinds share all of these (76 and 118): then several are returned. A document
        whose roots are unknown is of the kind that its code or translation names in 11.1520, if any.
        """
        found: dict[str, Kind] = {}
        for template in root.iterchildren(_TEMPLATE):
            for kind in self._by_root.get(template.get("root", ""), ()):
                found[kind.code] = kind
        if len(found) == 1:
            return tuple(found.values())
        codings = document_codings(root)
        named = {coding.code for coding in codings if coding.system in KIND_SYSTEMS}
        if not found:
            return tuple(self._by_code[code] for code in sorted(named) if code in self._by_code)
        chosen = [kind for kind in found.values() if kind.code in named] or [
            kind for kind in found.values() if any(_is_of(kind, coding) for coding in codings)
        ]
        return tuple(chosen or found.values())


def document_codings(root: Element) -> list[Coding]:
    """``ClinicalDocument/code`` and its translations."""
    found: list[Coding] = []
    for code in root.iterchildren(_CODE):
        found.extend(
            Coding(element.get("code", ""), element.get("codeSystem", ""))
            for element in (code, *code.iterchildren(_TRANSLATION))
        )
    return found


def _is_of(kind: Kind, coding: Coding) -> bool:
    if coding.system == GUIDE_SYSTEM:
        return coding.code == kind.guide_code
    return coding.system not in KIND_SYSTEMS and coding.code == kind.type_code


def load_kinds(catalogue: Catalogue) -> Kinds:
    """Read ``mappings/kinds.yaml`` of ``catalogue``, and ``mappings/kinds/*.yaml``, which add kinds or replace them.

    It takes about 2 ms, so the caller keeps the result.

    Raises:
        UsageError: a file is not readable as a catalogue of kinds.
    """
    systems: dict[str, list[str]] = {}
    kinds: dict[str, Kind] = {}
    for path in catalogue.parts(FILE).values():
        data = read_plain(path)
        try:
            systems.update(data.get("systems", {}) if kinds else data["systems"])
            kinds.update({str(code): _kind(path, str(code), facts, systems) for code, facts in data["kinds"].items()})
        except (KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{path}: not a catalogue of kinds: {type(error).__name__}: {error}") from error
    return Kinds(kinds.values())


def _kind(path: Path, code: str, facts: Mapping[str, Any], systems: Mapping[str, list[str]]) -> Kind:
    try:
        return Kind(
            code=code,
            title=facts["title"],
            edition=facts["edition"],
            type_code=facts["type"],
            guide=facts["guide"],
            start=_day(facts["start"]),
            start_mark=facts.get("start_mark", "H"),
            end=_day(facts["end"]) if "end" in facts else None,
            end_mark=facts.get("end_mark", "H"),
            successors=tuple(facts.get("later", ())),
            template_ids=tuple(
                TemplateId(root, document_code)
                for document_code, roots in facts.get("roots", {}).items()
                for root in roots
            ),
            template_mark=facts.get("roots_mark", "H"),
            document_codes=tuple(facts.get("codes", ())),
            code_systems=tuple(oid for key in facts.get("coded", "") for oid in systems[key]),
            code_mark=facts.get("codes_mark", "H"),
            translation=facts.get("translation", ""),
            xsd_family=facts.get("xsd", ""),
            generation=facts.get("rules", ""),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"{path}: kind {code}: {type(error).__name__}: {error}") from error


def _day(value: str | date) -> date:
    """A date written as a string, or as a bare YAML date."""
    return value if isinstance(value, date) else date.fromisoformat(value)
