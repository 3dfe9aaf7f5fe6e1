"""One product of the journal as the console shows it, worked out in a process that converts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from adapter import xml
from adapter.documents.requirements import plain
from adapter.errors import InputError, XmlRefused
from adapter.fhir import FhirLimits, Reading, read
from adapter.findings import Finding, Text
from adapter.lineage.bundles import Row, rows
from adapter.lineage.lineages import Lineages
from adapter.lineage.reading import Block, read_document
from adapter.lineage.ways import Lineage, Piece, Way


@dataclass(frozen=True, slots=True)
class Question:
    """Which product, and what is stored of it.

    Attributes:
        bundle: as it came; ``None`` once it is no longer kept.
        number: of the Bundle among those of its submission, from 0.
        kind, route, focus: of the product.
        given: version number or number of the record that the journal gave it.
        stored: the document or message; ``None`` where there is none.
        findings: about it.
    """

    bundle: bytes | None
    fhir_version: str
    organisation: str
    number: int
    kind: str
    route: str
    focus: str
    given: int | str | None
    stored: bytes | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a finding has its place: 0, -1 and empty for nowhere.

    Attributes:
        line: of the document, from 1.
        row: of the Bundle, from 1.
        way: number of the way through its rule.
        file, at: file and line of its rule.
    """

    line: int = 0
    row: int = 0
    way: int = -1
    file: str = ""
    at: int = 0


@dataclass(frozen=True, slots=True)
class Looked:
    """What there is to see of a product.

    Attributes:
        bundle: lines of its Bundle.
        lines: of the document or message.
        ways: of its values.
        reading: the document as a doctor reads it.
        spots: of the findings, in their order.
        same: what is made now is what is stored; ``None`` where only one of them is there.
        problem: why nothing can be made now.
    """

    bundle: tuple[Row, ...]
    lines: tuple[tuple[Piece, ...], ...]
    ways: tuple[Way, ...]
    reading: tuple[Block, ...]
    spots: tuple[Spot, ...]
    same: bool | None
    problem: Text | None


_GONE = Text("Bundle больше не хранится: пути значений не восстановить.", "The Bundle is no longer kept: no ways.")
_ELSE = Text(
    "Нынешние отображения этого из Bundle уже не делают.", "The mappings of today no longer make this of the Bundle."
)


def look(question: Question) -> Looked:
    """Everything about a product; in a process that converts.

    Raises:
        EgiszError: the catalogue or the configuration of the organisation is wrong or absent.
    """
    if question.bundle is None:
        return _stored(question, (), _GONE)
    try:
        readings = read(question.bundle, version=question.fhir_version or None, limits=FhirLimits.configured())
    except InputError as error:
        return _stored(question, (), error.finding.message)
    bundle = readings[question.number].bundle if question.number < len(readings) else {}
    lineages = _lineages(question.organisation)
    found = _best(lineages, readings[question.number], question) if bundle else None
    if found is None:
        return _stored(question, rows(bundle, "Bundle", lambda _: ()), _ELSE)
    if not found.lines and question.stored is not None:
        return _stored(question, rows(bundle, "Bundle", lambda _: ()), found.problem)
    below = _by_element(found)
    shown = rows(bundle, "Bundle", lambda path: below.get(path, ()))
    text = question.stored.decode() if question.stored is not None else None
    same = None if text is None or not found.lines else text.rstrip("\n") == found.text.rstrip("\n")
    spots = tuple(_spots(question, found, shown, lineages))
    return Looked(shown, found.lines, found.ways, found.reading, spots, same, found.problem)


def _best(lineages: Lineages, reading: Reading, question: Question) -> Lineage | None:
    """What is made now of the same thing: with the number that the sender gave, else with ours."""
    first: Lineage | None = None
    for number in (None, question.given):
        for product, focus, lineage in lineages.of(reading, (question.kind,), number=number):
            if focus != question.focus or product.route != question.route:
                continue
            if question.stored is None or lineage.text.rstrip("\n") == question.stored.decode().rstrip("\n"):
                return lineage
            first = lineage
    return first


@lru_cache(maxsize=100)
def _lineages(organisation: str) -> Lineages:
    from adapter.catalogue import Catalogue
    from adapter.pipeline.making import converter_of
    from adapter.settings import settings

    return Lineages(converter_of(organisation), Catalogue(settings().catalogue))


def _by_element(lineage: Lineage) -> Mapping[str, tuple[int, ...]]:
    """Ways that say something, by element; variables are on the way, and no end of it."""
    return {
        path: tuple(number for number in numbers if "%" not in lineage.ways[number].fact)
        for path, numbers in lineage.by_element.items()
    }


def _stored(question: Question, bundle: tuple[Row, ...], problem: Text | None) -> Looked:
    """What is stored, without ways."""
    data = question.stored or b""
    lines = (
        tuple((Piece(line),) if line else () for line in data.decode("utf-8", "replace").split("\n")) if data else ()
    )
    try:
        reading = read_document(xml.parse(data), lambda text: (Piece(text),)) if data.lstrip()[:1] == b"<" else ()
    except XmlRefused:
        reading = ()
    places = _lines_of(data)
    spots = tuple(Spot(line=places.get(finding.xpath, finding.place.line)) for finding in question.findings)
    return Looked(bundle, lines, (), reading, spots, None, problem)


def _spots(question: Question, lineage: Lineage, bundle: Sequence[Row], lineages: Lineages) -> Iterator[Spot]:
    places = _lines_of(lineage.text.encode())
    numbers = {row.path: number for number, row in enumerate(bundle, 1) if row.path}
    rules = lineages.rules(question.kind)
    by_fact = {plain(way.fact): way for way in reversed(lineage.ways)}
    for finding in question.findings:
        spot = Spot(places.get(finding.xpath, 0), _row(finding.place.fhirpath, numbers))
        rule = rules.get(finding.rule)
        number = lineage.by_rule.get(finding.rule, -1)
        way = lineage.ways[number] if number >= 0 else by_fact.get(finding.rule.partition(".")[2])
        if rule is not None:
            spot = replace(spot, file=rule.file, at=rule.line)
        if way is not None:
            spot = replace(spot, way=way.number, file=spot.file or way.file, at=spot.at or way.line)
        elif spot.line:
            # A rule of the Ministry says it of an element: the way of what the element says leads to the mapping.
            ends = [piece.way for piece in lineage.lines[spot.line - 1] if piece.way >= 0]
            if ends:
                end = lineage.ways[ends[0]]
                spot = replace(spot, way=end.number, file=end.file, at=end.line)
        yield spot


def _row(path: str, numbers: Mapping[str, int]) -> int:
    """The row of an element; of the nearest one around it that is there."""
    while path and path not in numbers:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return numbers.get(path, 0)


def _lines_of(data: bytes) -> dict[str, int]:
    """Lines of the elements of a document, by XPath as findings write it."""
    if data.lstrip()[:1] != b"<":
        return {}
    try:
        tree = xml.parse(data)
    except XmlRefused:
        return {}
    locate = xml.Locator()
    return {locate(element): element.sourceline or 0 for element in tree.iter()}
