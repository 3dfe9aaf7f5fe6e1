"""N3 of the stand: patients before cases, open and closed cases, faults in the form that was seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from adapter.registers.delivery import _envelope
from adapter.stand.registers.contract import Answer, Request
from adapter.stand.registers.n3 import N3
from adapter.stand.registers.state import Store
from adapter.transport.envelope import read
from adapter.xml import parse
from tests.unit.stand.conftest import AT, GOLDEN, Registers

_DTO = "{http://schemas.datacontract.org/2004/07/N3.EMK.Dto.Common}"
_CASE = "{http://schemas.datacontract.org/2004/07/N3.EMK.Dto.Case}"
_OPEN = "<n3:CreateCase"


def message(name: str) -> bytes:
    (path,) = GOLDEN.glob(f"n3/{name}*.xml")
    return path.read_bytes()


PATIENT, CASE = message("case-r4-outpatient/iemk-patient"), message("case-r4-outpatient/iemk-case")
STAY = message("case-r4-stay/iemk-case")


def send(registers: Registers, data: bytes, guid: str = "g") -> Answer:
    return registers.ask("n3", "POST emk", _envelope(data, guid))


def done(answer: Answer) -> str:
    """The name of the response."""
    assert answer.status == 200, answer.body
    body = read(answer.body).body
    assert body is not None
    assert len(body) == 0
    return str(etree.QName(body).localname)


def fault(answer: Answer) -> tuple[int, str]:
    """Code and field of the inner fault; the outer one is the generic one."""
    assert answer.status == 500
    body = read(answer.body).body
    assert body is not None
    outer, inner = body.iter(f"{_DTO}RequestFault")
    assert outer.findtext(f"{_DTO}Message") == "Поле содержит ошибки"
    return int(inner.findtext(f"{_DTO}ErrorCode") or 0), inner.findtext(f"{_DTO}PropertyName") or ""


def as_operation(case: bytes, operation: str) -> bytes:
    """A whole case as another operation takes it."""
    element = "createCaseDto" if operation == "CreateCase" else "caseDto"
    return case.replace(b"AddCase", operation.encode()).replace(b"n3:caseDto", f"n3:{element}".encode())


def without(data: bytes, name: str) -> bytes:
    root = parse(data).getroot()
    found = next(one for one in root.iter(etree.Element) if etree.QName(one).localname == name)
    parent = found.getparent()
    assert parent is not None
    parent.remove(found)
    return etree.tostring(root)


def about(operation: str, case: str = "E-9601", more: str = "") -> bytes:
    return (
        f'<n3:{operation} xmlns:n3="http://tempuri.org/"><n3:idLpu>1.2.643.5.1.13.13.12.2.77.99999</n3:idLpu>'
        f"<n3:idPatientMis>P-9601</n3:idPatientMis><n3:idCaseMis>{case}</n3:idCaseMis>{more}</n3:{operation}>"
    ).encode()


def test_a_patient_and_a_closed_case(registers: Registers) -> None:
    assert done(send(registers, PATIENT)) == "AddPatientResponse"
    assert done(send(registers, CASE)) == "AddCaseResponse"
    assert done(send(registers, as_operation(CASE, "UpdateCase"))) == "UpdateCaseResponse"
    assert done(send(registers, about("CancelCase"))) == "CancelCaseResponse"
    assert fault(send(registers, as_operation(CASE, "UpdateCase"))) == (6, "IdCaseMis")


def test_what_is_there_already(registers: Registers) -> None:
    for data in (PATIENT, CASE):
        done(send(registers, data))
    assert fault(send(registers, PATIENT)) == (23, "IdPatientMIS")
    assert fault(send(registers, CASE)) == (31, "IdCaseMis")
    assert fault(send(registers, as_operation(CASE, "CreateCase"))) == (31, "IdCaseMis")
    assert done(send(registers, PATIENT.replace(b"AddPatient", b"UpdatePatient"))) == "UpdatePatientResponse"


def test_a_case_without_its_patient(registers: Registers) -> None:
    assert fault(send(registers, CASE)) == (5, "IdPatientMis")
    assert fault(send(registers, PATIENT.replace(b"AddPatient", b"UpdatePatient"))) == (5, "IdPatientMIS")


def test_an_open_case_is_closed_once(registers: Registers) -> None:
    done(send(registers, PATIENT))
    done(send(registers, as_operation(CASE, "CreateCase")))
    assert fault(send(registers, as_operation(CASE, "UpdateCase"))) == (8, "IdCaseMis")
    assert done(send(registers, as_operation(CASE, "CloseCase"))) == "CloseCaseResponse"
    assert fault(send(registers, as_operation(CASE, "CloseCase"))) == (7, "IdCaseMis")


def test_steps_of_an_open_case(registers: Registers) -> None:
    first, second = message("case-r4-stay/iemk-step_M-9602-1"), message("case-r4-stay/iemk-step_M-9602-2")
    done(send(registers, message("case-r4-stay/iemk-patient")))
    assert fault(send(registers, first)) == (6, "IdCaseMis")
    root = parse(as_operation(STAY, "CreateCase")).getroot()
    steps = next(one for one in root.iter(etree.Element) if etree.QName(one).localname == "Steps")
    steps.remove(steps[1])
    done(send(registers, etree.tostring(root)))
    assert fault(send(registers, first)) == (31, "IdStepMis")
    assert done(send(registers, second)) == "AddStepToCaseResponse"
    done(send(registers, as_operation(STAY, "CloseCase")))
    assert fault(send(registers, second)) == (7, "IdCaseMis")


def test_records_of_a_case(registers: Registers) -> None:
    record = message("case-r4-outpatient/iemk-vaccination")
    done(send(registers, PATIENT))
    assert fault(send(registers, record)) == (6, "IdCaseMis")
    done(send(registers, CASE))
    assert done(send(registers, record)) == "AddMedRecordResponse"
    assert fault(send(registers, about("AddMedRecord"))) == (2, "medRecord")
    assert fault(send(registers, without(record, "IdVaccinationMis"))) == (2, "IdVaccinationMis")


@pytest.mark.parametrize(
    ("data", "name"),
    [(PATIENT, "FamilyName"), (PATIENT, "BirthDate"), (PATIENT, "Sex"), (CASE, "IdPaymentType"), (CASE, "IdStepMis")],
)
def test_what_must_stand_there(registers: Registers, data: bytes, name: str) -> None:
    if data is not PATIENT:
        done(send(registers, PATIENT))
    assert fault(send(registers, without(data, name))) == (2, name)


def test_a_closed_case_has_a_main_diagnosis(registers: Registers) -> None:
    done(send(registers, PATIENT))
    data = CASE.replace(b"ClinicMainDiagnosis", b"Diagnosis")
    assert fault(send(registers, data)) == (3, "MedRecords")


def test_the_guid_is_wanted(registers: Registers) -> None:
    assert fault(send(registers, PATIENT, guid="")) == (1, "guid")
    store = Store()
    with store.service("n3") as state:
        answer = N3(frozenset({"one"})).handle(Request("POST", "pix", body=_envelope(PATIENT, "two"), at=AT), state)
    assert fault(answer) == (1, "guid")


def test_a_stay_needs_its_department(registers: Registers) -> None:
    done(send(registers, message("case-r4-stay/iemk-patient")))
    assert fault(send(registers, without(STAY, "IdHospitalDepartment"))) == (2, "IdHospitalDepartment")
    assert done(send(registers, STAY)) == "AddCaseResponse"


def test_the_order_of_elements_is_checked(registers: Registers) -> None:
    root = parse(CASE).getroot()
    case = root[0]
    case.append(case[0])
    code, field = fault(send(registers, etree.tostring(root)))
    assert (code, field) == (99, "AddCase")


@pytest.mark.parametrize("sample", ["n3_addpatient_sample.xml", "n3_addcase_amb_sample.xml"])
def test_the_samples_of_the_facts_fit_the_schema(registers: Registers, examples_dir: Path, sample: str) -> None:
    answer = registers.ask("n3", "POST emk", (examples_dir / "register" / sample).read_bytes())
    assert answer.status == 200 or fault(answer)[0] != 99


@pytest.mark.parametrize("body", [b"", b"{}", b"<a/>", b"<s:Envelope/>", b"\xff"])
def test_what_is_no_soap(registers: Registers, body: bytes) -> None:
    answer = registers.ask("n3", "POST emk", body)
    assert (answer.status, b"faultcode" in answer.body) == (500, True)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=100), st.integers(0, len(CASE) - 1), st.sampled_from([PATIENT, CASE, STAY]))
def test_whatever_comes_is_answered(more: bytes, place: int, data: bytes) -> None:
    registers = Registers()
    for body in (more, _wrapped(data, place, more)):
        answer = registers.ask("n3", "POST emk", body)
        assert answer.status in {200, 500}
        assert read(answer.body).body is not None
    registers.store.close()


def _wrapped(data: bytes, place: int, more: bytes) -> bytes:
    return _envelope(data, "g").replace(data[place : place + 5], more, 1)
