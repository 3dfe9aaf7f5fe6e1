"""Who is answered, and what arbitrary messages get; nothing of a patient in logs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from adapter.api.access import Access
from adapter.registers.fer.soap import OPERATIONS
from tests.integration.api.conftest import OURS, THEIRS
from tests.integration.fer.conftest import TOKEN, Fer, organisation_file

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
FAULT = f"{{{SOAP11}}}Body/{{{SOAP11}}}Fault"
NAMES = [
    "Session_ID", "Patient_Data", "SNILS", "OMS_Number", "Last_Name", "Birth_Date", "Sex", "MO_Id", "MO_OID",
    "MO_OID_List", "Service_Posts", "Service_Post", "Post", "Post_Id", "Start_Date_Range", "End_Date_Range",
    "Start_Time_Range", "Specialist_SNILS", "Slot_Id", "Book_Id_Mis",
]  # fmt: skip
TEXTS = st.sampled_from(["", "S1", "2027-03-01", "0001-01-01", "9999-12-31", "24:00", "doctor-1-0", OURS]) | st.text(
    st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\ufffe\uffff"), max_size=20
)
SETTINGS = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def file(fer: Fer) -> Iterator[Path]:
    """The file of the organisation, put back afterwards."""
    path = fer.api.service.fer.folder / f"{OURS}.yaml"
    before = path.read_text("utf-8")
    yield path
    path.write_text(before, "utf-8")


def ask(operation: str, *parts: etree._Element) -> bytes:
    root = etree.Element(f"{{{SOAP11}}}Envelope")
    body = etree.SubElement(
        etree.SubElement(root, f"{{{SOAP11}}}Body"), f"{{http://www.rt-eu.ru/med/er/v2_0}}{operation}"
    )
    body.extend(parts)
    return etree.tostring(root)


@st.composite
def parts(draw: st.DrawFn, depth: int = 2) -> etree._Element:
    """An element of a request, with what may stand in it, anywhere."""
    one = etree.Element(f"{{http://www.rt-eu.ru/med/er/v2_0}}{draw(st.sampled_from(NAMES))}")
    if depth and draw(st.booleans()):
        one.extend(draw(st.lists(parts(depth - 1), max_size=3)))
    else:
        one.text = draw(TEXTS)
    return one


@SETTINGS
@given(st.sampled_from(sorted(OPERATIONS)), st.lists(parts(), max_size=6))
def test_an_arbitrary_request_is_answered_or_refused_as_the_callers_fault(
    fer: Fer, operation: str, some: list[etree._Element]
) -> None:
    answer = fer.post(ask(f"{operation}Request", *some))
    root = etree.fromstring(answer.content)  # noqa: TID251 - our own answer
    fault = root.find(FAULT)
    assert (answer.status_code, fault is None) in {(200, True), (500, False)}
    if fault is not None:
        assert fault.findtext("faultcode") == "soap:Client"


@SETTINGS
@given(
    st.binary(max_size=200) | st.sampled_from([b"<a/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", ask("NoRequest")])
)
def test_what_is_no_request_is_a_fault_of_the_caller(fer: Fer, data: bytes) -> None:
    answer = fer.post(data)
    fault = etree.fromstring(answer.content).find(FAULT)  # noqa: TID251 - our own answer
    assert fault is not None
    assert fault.findtext("faultcode") == "soap:Client"


def test_an_organisation_that_is_not_served_does_not_show(fer: Fer, file: Path) -> None:
    for oid in (THEIRS, "..", "a", f"{OURS}."):
        assert fer.api.http.post(f"/fer/{oid}", content=ask("GetMOInfoExtendedRequest")).status_code == 404
    file.write_text(file.read_text("utf-8").partition("\nfer:")[0], "utf-8")
    assert fer.post(ask("GetMOInfoExtendedRequest")).status_code == 404


def test_a_network_that_is_not_named_is_refused(fer: Fer, file: Path) -> None:
    file.write_text(file.read_text("utf-8") + '  networks: ["10.0.0.0/8"]\n', "utf-8")
    assert fer.post(ask("GetMOInfoExtendedRequest")).status_code == 403
    assert fer.mis.asked == []


def test_behind_a_proxy_the_network_says_nothing(fer: Fer) -> None:
    assert fer.post(ask("GetMOInfoExtendedRequest"), X_Forwarded_For="127.0.0.1").status_code == 403


def test_a_certificate_that_is_named_is_believed_from_a_trusted_proxy_alone(fer: Fer, file: Path) -> None:
    colons = ":".join(["AB"] * 32)
    file.write_text(file.read_text("utf-8") + f'  networks: []\n  certificates: ["{colons}"]\n', "utf-8")
    request = ask("GetMOInfoExtendedRequest", *_texts(Session_ID="S1"))
    access = fer.api.service.access
    try:
        for proxies, fingerprint, status in (
            (["127.0.0.1"], "ab" * 32, 200),
            (["127.0.0.1"], "cd" * 32, 403),
            (["10.0.0.1"], "ab" * 32, 403),
        ):
            fer.api.service.access = Access(
                access.clients, b"s" * 32, access.token_url, certificate_header="X-Cert", proxies=proxies
            )
            answer = fer.post(request, X_Cert=fingerprint, X_Forwarded_For="10.9.9.9")
            assert answer.status_code == status
    finally:
        fer.api.service.access = access


def test_a_file_that_is_wrong_is_an_error_of_ours_and_tells_nothing(fer: Fer, file: Path) -> None:
    file.write_text(organisation_file(fer.mis.base, Path("no-such-file")), "utf-8")
    answer = fer.post(ask("GetMOInfoExtendedRequest", *_texts(Session_ID="S1")))
    assert answer.status_code == 500
    assert "FER05" in answer.text
    assert "no-such-file" not in answer.text


def test_nothing_of_a_patient_and_no_token_in_logs(fer: Fer, capsys: pytest.CaptureFixture[str]) -> None:
    fer.session("SECRET-SESSION")
    fer.session(Last_Name="Чужаков")
    fer.book("doctor-1-0", "SECRET-SESSION")
    fer.mis.down = 500
    fer.post(ask("GetMOInfoExtendedRequest", *_texts(Session_ID="SECRET-SESSION")))
    said = "".join(capsys.readouterr())
    assert "/fer/{oid}" in said
    for secret in ("SECRET-SESSION", "estov", "ТЕСТОВ", "Чужаков", "11223344595", "patient-1", "doctor-1-0", TOKEN):
        assert secret not in said


def _texts(**texts: str) -> list[etree._Element]:
    found = []
    for name, text in texts.items():
        one = etree.Element(f"{{http://www.rt-eu.ru/med/er/v2_0}}{name}")
        one.text = text
        found.append(one)
    return found
