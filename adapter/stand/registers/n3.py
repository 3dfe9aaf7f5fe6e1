"""ИЭМК through N3: PIX and EMK over SOAP 1.1, answered at once, without a number; the element tells the operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any, Final

from lxml import etree

from adapter.catalogue import Catalogue, read_plain
from adapter.errors import InputError
from adapter.stand.registers.contract import Answer, Request
from adapter.stand.registers.known import known
from adapter.stand.registers.shape import FOLDER
from adapter.stand.registers.state import Record, State
from adapter.transport.envelope import CONTENT_TYPE, SOAP11, children, find, find_text, read
from adapter.xml import Element, parse
from conformance.xsd import Schema, load_schema

NAMESPACE: Final = "http://tempuri.org/"
_COMMON: Final = "http://schemas.datacontract.org/2004/07/N3.EMK.Dto.Common"
_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
_MOST_TOLD: Final = 10
_DAY: Final = len("YYYY-MM-DD")
_SCHEMAS: Final = f"{FOLDER}/n3"
_GENERIC: Final = "Поле содержит ошибки"
OPEN, CLOSED = "open", "closed"


@dataclass(frozen=True, slots=True)
class _Refused(Exception):
    """The name of a refusal, the field that it is about, and what it tells."""

    name: str
    field: str = ""
    told: str = ""


class N3:
    """See the module.

    Args:
        guids: tokens that are taken; empty: any.
    """

    id = "n3"

    def __init__(self, guids: frozenset[str] = frozenset()) -> None:
        self._guids = guids

    def handle(self, request: Request, state: State) -> Answer:
        """See :class:`~adapter.stand.registers.contract.RegisterService`."""
        if request.method == "GET" and (contract := _contract(request)) is not None:
            return Answer(200, contract, "text/xml")
        if request.method != "POST":
            return _fault("Client", known(self.id).refusals["method"].text)
        try:
            envelope = read(request.body)
        except InputError as error:
            return _fault("Client", f"{known(self.id).refusals['soap'].text}: {error.finding.code}")
        body = envelope.body
        name = "" if body is None else etree.QName(body).localname
        if body is None or name not in _OPERATIONS or etree.QName(body).namespace != NAMESPACE:
            return _fault("Client", known(self.id).refusals["operation"].text)
        try:
            self._checked(body, name)
            _OPERATIONS[name](body, state, request.at)
        except _Refused as refused:
            return _request_fault(refused)
        return _envelope(etree.Element(f"{{{NAMESPACE}}}{name}Response", nsmap={None: NAMESPACE}), 200)

    def failure(self, status: int) -> Answer:
        """See :class:`~adapter.stand.registers.contract.RegisterService`."""
        return _fault("Server", "on demand", status)

    def _checked(self, body: Element, name: str) -> None:
        """Shape and token.

        Raises:
            _Refused: it is not taken.
        """
        # The schema knows no envelope.
        wrong = _schema("pix" if name.endswith("Patient") else "emk").validate(parse(etree.tostring(body)))
        if wrong:
            raise _Refused("invalid", name, "; ".join(f"{one.xpath}: {one.rule}" for one in wrong[:_MOST_TOLD]))
        guid = find_text(body, "guid")
        if not guid or (self._guids and guid not in self._guids):
            raise _Refused("guid", "guid")


def _contract(request: Request) -> bytes | None:
    """The WSDL that ``?wsdl`` asks for, with the address of the stand, or an XSD that it imports."""
    last = request.path.rpartition("/")[2]
    if {name.lower() for name in request.query} & {"wsdl", "singlewsdl"}:
        name, service = ("pix", "PixService") if "pix" in last.lower() else ("emk", "EMKService")
        address = f"http://{request.headers.get('host', 'localhost')}/registers/{N3.id}/{service}.svc"
        written = escape(address).encode("ascii", "replace")
        return Catalogue().file(f"{_SCHEMAS}/{name}.wsdl").read_bytes().replace(b"http://localhost/", written)
    imported = Catalogue().files(_SCHEMAS, "*.xsd").get(last)
    return None if imported is None else imported.read_bytes()


@lru_cache(maxsize=2)
def _schema(name: str) -> Schema:
    return load_schema(Catalogue().file(f"{_SCHEMAS}/{name}.xsd"))


# -- operations ---------------------------------------------------------------------------------------------------


def _add_patient(body: Element, state: State, at: datetime) -> None:
    key, patient = _patient(body, at)
    if state.get("patient", key) is not None:
        raise _Refused("duplicate-patient", "IdPatientMIS")
    state.put("patient", key, patient, at=at)


def _update_patient(body: Element, state: State, at: datetime) -> None:
    key, patient = _patient(body, at)
    if state.get("patient", key) is None:
        raise _Refused("no-patient", "IdPatientMIS")
    state.put("patient", key, patient, at=at)


def _patient(body: Element, at: datetime) -> tuple[str, dict[str, Any]]:
    patient = find(body, "patient")
    _wanted("patient", patient)
    day = find_text(patient, "BirthDate").partition("T")[0]
    # Years of XSD may have a sign, or more digits than four; the schema has seen to the rest of the shape.
    if len(day) != _DAY or not "1901-01-01" <= day <= at.date().isoformat():
        raise _Refused("birth-date", "BirthDate")
    return _key(find_text(body, "idLPU"), find_text(patient, "IdPatientMIS")), {"xml": _text(patient)}


def _add_case(body: Element, state: State, at: datetime) -> None:
    key, case = _case(body, "AddCase", state)
    if state.get("case", key) is not None:
        raise _Refused("duplicate-case", "IdCaseMis")
    _keep_case(state, key, case, CLOSED, at)


def _create_case(body: Element, state: State, at: datetime) -> None:
    key, case = _case(body, "CreateCase", state)
    if state.get("case", key) is not None:
        raise _Refused("duplicate-case", "IdCaseMis")
    _keep_case(state, key, case, OPEN, at)


def _close_case(body: Element, state: State, at: datetime) -> None:
    key, case = _case(body, "CloseCase", state)
    if _there(state, key).data["state"] != OPEN:
        raise _Refused("not-open", "IdCaseMis")
    _keep_case(state, key, case, CLOSED, at)


def _update_case(body: Element, state: State, at: datetime) -> None:
    key, case = _case(body, "UpdateCase", state)
    if _there(state, key).data["state"] != CLOSED:
        raise _Refused("not-closed", "IdCaseMis")
    _keep_case(state, key, case, CLOSED, at)


def _cancel_case(body: Element, state: State, at: datetime) -> None:
    state.remove("case", _there(state, _named_case(body)).key)


def _add_step(body: Element, state: State, at: datetime) -> None:
    there, step = _there(state, _named_case(body)), find(body, "step")
    if there.data["state"] != OPEN:
        raise _Refused("not-open", "IdCaseMis")
    _wanted("step", step)
    _wanted(_kind(step), step)
    number = find_text(step, "IdStepMis")
    if number in there.data["steps"]:
        raise _Refused("duplicate-case", "IdStepMis")
    steps = [*there.data["steps"], number]
    state.put("case", there.key, {**there.data, "steps": steps}, number=there.number, at=at)


def _add_record(body: Element, state: State, at: datetime) -> None:
    there, record = _there(state, _named_case(body)), find(body, "medRecord")
    if record is None or len(record) == 0:
        raise _Refused("required", "medRecord")
    _wanted(_kind(record), record)
    records = [*there.data["records"], _kind(record)]
    state.put("case", there.key, {**there.data, "records": records}, number=there.number, at=at)


_OPERATIONS: Final = {
    "AddPatient": _add_patient,
    "UpdatePatient": _update_patient,
    "AddCase": _add_case,
    "CreateCase": _create_case,
    "CloseCase": _close_case,
    "UpdateCase": _update_case,
    "CancelCase": _cancel_case,
    "AddStepToCase": _add_step,
    "AddMedRecord": _add_record,
}


def _case(body: Element, operation: str, state: State) -> tuple[str, Element]:
    """The key of a case that is sent whole, and the case."""
    case = find(body, "createCaseDto" if operation == "CreateCase" else "caseDto")
    _wanted(operation, case)
    assert case is not None, "wanted"
    _wanted(f"{operation} {_kind(case)}", case)
    for step in children(find(case, "Steps")):
        _wanted(etree.QName(step).localname, step)
    lpu = find_text(case, "IdLpu")
    if state.get("patient", _key(lpu, find_text(case, "IdPatientMis"))) is None:
        raise _Refused("no-patient", "IdPatientMis")
    records = find(case, "MedRecords")
    if operation in {"AddCase", "UpdateCase"} and not any("MainDiagnosis" in _kind(one) for one in children(records)):
        raise _Refused("diagnosis", "MedRecords")
    return _key(lpu, find_text(case, "IdCaseMis")), case


def _kind(element: Element | None) -> str:
    """The class that ``i:type`` names."""
    return "" if element is None else (element.get(_TYPE) or "").rpartition(":")[2]


def _named_case(body: Element) -> str:
    _wanted("named-case", body)
    return _key(find_text(body, "idLpu"), find_text(body, "idCaseMis"))


def _there(state: State, key: str) -> Record:
    there = state.get("case", key)
    if there is None:
        raise _Refused("no-case", "IdCaseMis")
    return there


def _keep_case(state: State, key: str, case: Element, now: str, at: datetime) -> None:
    there = state.get("case", key)
    kept = there.data if there is not None else {"records": []}
    steps = [find_text(step, "IdStepMis") for step in children(find(case, "Steps"))]
    state.put("case", key, {**kept, "state": now, "steps": steps, "xml": _text(case)}, at=at)


@lru_cache(maxsize=1)
def _required() -> Mapping[str, list[str]]:
    """Elements that must stand in a part, by its name: the minimal sets of the facts."""
    found: Mapping[str, list[str]] = read_plain(Path(__file__).parent / "facts" / "n3.yaml")["required"]
    return found


def _wanted(part: str, element: Element | None) -> None:
    """Refuse a part that is absent, or without an element that must stand in it."""
    if element is None:
        raise _Refused("required", part.partition(" ")[0])
    for name in _required().get(part, ()):
        found = find(element, name)
        if found is None or not (len(found) or (found.text or "").strip()):
            raise _Refused("required", name)


def _key(lpu: str, number: str) -> str:
    return f"{lpu} {number}"


def _text(element: Element | None) -> str:
    return "" if element is None else etree.tostring(element, encoding="unicode", with_tail=False)


# -- answers ------------------------------------------------------------------------------------------------------


def _request_fault(refused: _Refused) -> Answer:
    """A fault of N3: the outer one is generic, the one within names the field."""
    refusal = known(N3.id).refusals[refused.name]
    outer = etree.Element(f"{{{_COMMON}}}RequestFault", nsmap={None: _COMMON})
    inner = _told(outer, "Request", _GENERIC, refusal.code)
    text = refusal.text.format(refused.told)
    _told(etree.SubElement(inner, f"{{{_COMMON}}}RequestFault"), refused.field, text, refusal.code)
    return _fault("Client", _GENERIC, refusal.status, outer)


def _told(fault: Element, field: str, message: str, code: int) -> Element:
    for name, text in (("PropertyName", field), ("Message", message), ("ErrorCode", str(code))):
        etree.SubElement(fault, f"{{{_COMMON}}}{name}").text = text
    return etree.SubElement(fault, f"{{{_COMMON}}}Errors") if message == _GENERIC else fault


def _fault(code: str, reason: str, status: int = 500, detail: Element | None = None) -> Answer:
    fault = etree.Element(f"{{{SOAP11}}}Fault", nsmap={"s": SOAP11})
    etree.SubElement(fault, "faultcode").text = f"s:{code}"
    etree.SubElement(fault, "faultstring").text = reason
    if detail is not None:
        etree.SubElement(fault, "detail").append(detail)
    return _envelope(fault, status)


def _envelope(body: Element, status: int) -> Answer:
    root = etree.Element(f"{{{SOAP11}}}Envelope", nsmap={"s": SOAP11})
    etree.SubElement(root, f"{{{SOAP11}}}Body").append(body)
    return Answer(status, etree.tostring(root, xml_declaration=True, encoding="UTF-8"), CONTENT_TYPE[SOAP11])
