"""The register ВЗН: files of generation 2 are taken over HTTP, and answered with a protocol of their records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from lxml import etree

from adapter.catalogue import Catalogue
from adapter.errors import InputError
from adapter.mapping.formats import FORMATS
from adapter.stand.registers.contract import Answer, Request
from adapter.stand.registers.known import known
from adapter.stand.registers.shape import FOLDER
from adapter.stand.registers.state import Record, State
from adapter.transport.envelope import children, find, find_text, text_of
from adapter.xml import Element, parse
from conformance.xsd import load_schema

_XML: Final = "application/xml"
_PATHS: Final = frozenset({"", "patients", "records"})
#: Bytes of a file that the register takes, zipped or not.
_MOST: Final = 8_000_000
#: A number of a record has 13 digits.
_FIRST: Final = 100_001
_EXCLUDED: Final = "3"
_UNIFORM_POLICY: Final = "3"
_MOST_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class _Said:
    """What became of one record of a file: its number, or the name of a refusal and what it tells."""

    number: str = ""
    refusal: str = ""
    told: tuple[str, ...] = ()


class Vzn:
    """See the module."""

    id = "vzn"

    def handle(self, request: Request, state: State) -> Answer:
        """See :class:`~adapter.stand.registers.contract.RegisterService`."""
        if request.path not in _PATHS:
            return self._refuse("path")
        if request.method != "POST":
            return self._refuse("method")
        if len(request.body) > _MOST:
            return self._refuse("too-large")
        try:
            tree = parse(request.body)
        except InputError as error:
            return self._refuse("xml", error.finding.code)
        wrong = load_schema(Catalogue().file(f"{FOLDER}/vzn.xsd")).validate(tree)
        if wrong:
            return self._refuse("invalid", "; ".join(f"{one.xpath}: {one.rule}" for one in wrong[:_MOST_TOLD]))
        return self._protocol([self._record(record, state, request.at) for record in children(tree.getroot())])

    def failure(self, status: int) -> Answer:
        """See :class:`~adapter.stand.registers.contract.RegisterService`."""
        return _answer(status, [_element("message", "on demand")])

    def _record(self, record: Element, state: State, at: datetime) -> _Said:
        [told] = children(record)
        name = etree.QName(told).localname
        if (record.get("type") == "update") != name.startswith("update"):
            return _Said(refusal="type")
        if name in {"patient", "updatePatient"}:
            return self._patient(told, state, at, change=name == "updatePatient")
        snils = find_text(find(told, "key"), "snils")
        registry = find(told, "registry")
        assert registry is not None, "the schema wants it"
        wrong = _wrong(snils, registry, [find_text(told, one) for one in ("includeDate", "excludeDate")], at)
        if wrong is not None:
            return wrong
        return (self._update if name == "updateVzn" else self._create)(told, registry, snils, state, at)

    def _patient(self, told: Element, state: State, at: datetime, *, change: bool) -> _Said:
        patient = find(told, "patient") if change else told
        snils = find_text(patient, "snils")
        if not FORMATS["snils"](snils):
            return _Said(refusal="snils")
        if change and find_text(told, "key") != snils:
            return _Said(refusal="key")
        if _future(find_text(patient, "birthDate"), at):
            return _Said(refusal="future", told=("birthDate",))
        if change and state.get("patient", snils) is None:
            return _Said(refusal="no-patient")
        state.put("patient", snils, {"xml": _text(patient)}, at=at)
        return _Said()

    def _create(self, told: Element, registry: Element, snils: str, state: State, at: datetime) -> _Said:
        codes = _diseases(registry)
        for there in state.all("record"):
            same = there.data["snils"] == snils and not there.data["excluded"]
            if same and {code[:3] for code in there.data["diseases"]} & {code[:3] for code in codes}:
                return _Said(refusal="duplicate", told=(there.number,))
        number = f"{state.next('registryNumber', _FIRST):013d}"
        state.put("record", number, _kept(snils, codes, told, excluded=False), number=number, at=at)
        return _Said(number)

    def _update(self, told: Element, registry: Element, snils: str, state: State, at: datetime) -> _Said:
        there: Record | None = state.get("record", find_text(registry, "registryNumber"))
        if there is None or there.data["snils"] != snils:
            return _Said(refusal="no-record")
        excluded = _id(registry, "registryOperationId") == _EXCLUDED
        if excluded and not (find_text(told, "excludeDate") and _id(registry, "excludeReasonId")):
            return _Said(refusal="exclusion")
        data = _kept(snils, _diseases(registry), told, excluded=excluded)
        state.put("record", there.key, data, number=there.number, at=at)
        return _Said(there.number)

    def _protocol(self, said: list[_Said]) -> Answer:
        lines = []
        for place, one in enumerate(said, 1):
            line = _element("record", number=str(place), result="refused" if one.refusal else "accepted")
            if one.number:
                line.append(_element("registryNumber", one.number))
            if one.refusal:
                line.append(_element("message", self._words(one.refusal, one.told)))
            lines.append(line)
        return _answer(400 if any(one.refusal for one in said) else 200, lines)

    def _refuse(self, name: str, *told: str) -> Answer:
        return _answer(known(self.id).refusals[name].status, [_element("message", self._words(name, told))])

    def _words(self, name: str, told: tuple[str, ...]) -> str:
        return known(self.id).refusals[name].text.format(*told)


def _wrong(snils: str, registry: Element, days: list[str], at: datetime) -> _Said | None:
    """What is wrong with a record of either kind."""
    if not FORMATS["snils"](snils):
        return _Said(refusal="snils")
    if _id(registry, "policTypeId") == _UNIFORM_POLICY and not FORMATS["enp"](find_text(registry, "policNumber")):
        return _Said(refusal="policy")
    if any(_future(day, at) for day in days if day):
        return _Said(refusal="future", told=("includeDate, excludeDate",))
    return None


def _kept(snils: str, diseases: list[str], told: Element, *, excluded: bool) -> Mapping[str, Any]:
    return {"snils": snils, "diseases": diseases, "excluded": excluded, "xml": _text(told)}


def _diseases(registry: Element) -> list[str]:
    return [text_of(one) for one in children(find(registry, "deseases"))]


def _id(parent: Element, name: str) -> str:
    """The id of a coded element; ``""`` where it has none."""
    element = find(parent, name)
    return "" if element is None else element.get("id", "")


def _future(day: str, at: datetime) -> bool:
    """Whether a day of ``xs:date`` is to come; a zone after it changes nothing for the stand."""
    try:
        return date.fromisoformat(day[:10]) > at.date()
    except ValueError:
        # A year of more than four digits.
        return not day.startswith("-")


def _text(element: Element | None) -> str:
    return "" if element is None else etree.tostring(element, encoding="unicode", with_tail=False)


def _element(name: str, text: str = "", **attributes: str) -> Element:
    element = etree.Element(name, attributes)
    element.text = text or None
    return element


def _answer(status: int, parts: list[Element]) -> Answer:
    root = etree.Element("protocol")
    root.extend(parts)
    return Answer(status, etree.tostring(root, xml_declaration=True, encoding="UTF-8"), _XML)
