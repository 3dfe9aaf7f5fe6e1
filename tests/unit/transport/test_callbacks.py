"""What РЭМД sends: samples, spellings, contradictions; and our answers to it."""

from __future__ import annotations

import base64
from copy import deepcopy
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from adapter.transport.answers import Answers
from adapter.transport.callbacks import (
    Callback,
    FileDelivery,
    FileRequest,
    Notice,
    RegistrationResult,
    Unknown,
    parse_callback,
)
from adapter.transport.content import Checksum
from adapter.transport.envelope import SOAP11, SOAP12, Envelope, read
from adapter.transport.errors import ErrorItem
from adapter.transport.ids import normalise_message_id
from adapter.transport.schema import CALLBACK, CALLBACK_WSDL, FOLDER, load_schema
from adapter.xml import ElementTree
from conformance.xsd import load_schema as load_xsd
from tests.unit.transport.conftest import NOW

UID = "0b7f1c52-7d3e-4a57-9c11-3f0e8a2b4c6d"
NORMAL = "0B7F1C527D3E4A579C113F0E8A2B4C6D"


def message(body: str, *, soap: str = SOAP12, headers: str = "") -> bytes:
    text = f'<s:Envelope xmlns:s="{soap}" xmlns:c="{CALLBACK}" xmlns:a="http://www.w3.org/2005/08/addressing">'
    return f"{text}<s:Header>{headers}</s:Header><s:Body>{body}</s:Body></s:Envelope>".encode()


def result(inside: str, **options: str) -> RegistrationResult:
    found = parse_callback(message(f"<c:registerDocumentResult>{inside}</c:registerDocumentResult>", **options))
    assert isinstance(found, RegistrationResult)
    return found


def test_samples(examples_dir: Path) -> None:
    samples = examples_dir / "remd" / "samples"
    good = parse_callback((samples / "registerDocumentResult_success.xml").read_bytes(), "text/xml")
    assert isinstance(good, RegistrationResult)
    assert (good.ok, good.emdr_id, good.relates_to, good.kind) == (True, "EMDR-9", "MSG001", "62")
    assert good.registered_at == datetime(2024, 1, 15, 10, tzinfo=UTC)
    assert good.soap == SOAP11
    bad = parse_callback((samples / "registerDocumentResult_error.xml").read_bytes())
    assert isinstance(bad, RegistrationResult)
    assert (bad.ok, bad.relates_to, [item.code for item in bad.errors]) == (False, "MSG002", ["NO_SNILS"])
    assert isinstance(parse_callback((samples / "ips_callback_signed_skeleton.xml").read_bytes()), Unknown)


@pytest.mark.parametrize(
    "spelling",
    [UID, UID.upper(), UID.replace("-", ""), f"urn:uuid:{UID}", f"URN:UUID:{UID}", f"uuid:{UID}", f"<{UID}>"],
)
def test_ids_in_every_spelling(spelling: str) -> None:
    assert normalise_message_id(f"\n   {spelling}  ") == NORMAL
    told = spelling.replace("<", "&lt;").replace(">", "&gt;")
    headers = f"<a:MessageID>\n  {told}\n</a:MessageID>"
    found = result(f"<c:relatesToMessage> {told} </c:relatesToMessage><c:status>success</c:status>", headers=headers)
    assert (found.relates_to, found.message_id, found.written_id) == (NORMAL, NORMAL, spelling)


def test_whole_result() -> None:
    found = result(
        f"<c:status>success</c:status><c:localUid>{UID}</c:localUid><c:kind><c:code>170</c:code></c:kind>"
        "<c:registryItem><c:emdrId>170.77.26.11.000000001</c:emdrId><c:documentVersion>2</c:documentVersion>"
        "<c:registrationDate>2026-11-24T00:00:00+03:00</c:registrationDate>"
        "<c:registrationDateTime>2026-11-24T15:30:00.896+03:00</c:registrationDateTime>"
        "<c:storeTillDate>2048-09-22+03:00</c:storeTillDate><c:registrationWarnings><c:item>"
        "<c:code>IPS_VALIDATION_WARNING</c:code><c:message>m</c:message></c:item></c:registrationWarnings></c:registryItem>",
        headers=f"<a:RelatesTo>urn:uuid:{UID}</a:RelatesTo>",
    )
    assert found.registered_at is not None
    assert found.registered_at.astimezone(UTC) == datetime(2026, 11, 24, 12, 30, 0, 896000, tzinfo=UTC)
    assert (found.store_till, found.document_version, found.kind) == (date(2048, 9, 22), 2, "170")
    assert (found.relates_to, found.local_uid) == (NORMAL, UID)
    assert found.warnings == (ErrorItem("IPS_VALIDATION_WARNING", "m"),)


@pytest.mark.parametrize(
    ("inside", "ok"),
    [
        ("<c:status>OK</c:status>", True),
        ("<c:documentStatus>Зарегистрировано</c:documentStatus>", True),
        ("<c:registryItem><c:emdrId>1</c:emdrId></c:registryItem>", True),
        ("<c:status>ERROR</c:status><c:registryItem><c:emdrId>1</c:emdrId></c:registryItem>", False),
        (
            "<c:registryItem><c:emdrId>1</c:emdrId></c:registryItem><c:errors><c:item><c:code>X</c:code></c:item></c:errors>",
            False,
        ),
        ("", False),
    ],
)
def test_older_and_contradictory_results(inside: str, ok: bool) -> None:
    assert result(inside).ok is ok


def test_several_errors_and_one_without_a_list() -> None:
    item = "<c:item><c:code>A</c:code><c:message>m</c:message></c:item>"
    assert len(result(f"<c:status>error</c:status><c:errors>{item}{item}</c:errors>").errors) == 2
    assert result("<c:errors><c:code>A<!-- x --></c:code></c:errors>").errors == (ErrorItem("A"),)


def test_the_id_may_be_an_attribute() -> None:
    found = parse_callback(message(f'<c:registerDocumentResult relatesToMessage="{UID}"/>'))
    assert found.relates_to == NORMAL


def test_a_fault_instead_of_a_result() -> None:
    body = "<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text>t</s:Text></s:Reason></s:Fault>"
    found = parse_callback(message(body, headers=f"<a:RelatesTo>{UID}</a:RelatesTo>"))
    assert isinstance(found, RegistrationResult)
    assert (found.ok, found.relates_to, found.errors) == (False, NORMAL, (ErrorItem("soap:Sender", "t"),))


def test_the_other_operations() -> None:
    asked = parse_callback(
        message(f"<c:getDocumentFileRequest><c:localUid>{UID}</c:localUid></c:getDocumentFileRequest>")
    )
    assert isinstance(asked, FileRequest)
    assert (asked.local_uid, asked.emdr_id) == (UID, "")
    notice = parse_callback(message("<c:sendNoticeRequest><c:x><c:emdrId>7</c:emdrId></c:x></c:sendNoticeRequest>"))
    assert isinstance(notice, Notice)
    assert notice.emdr_id == "7"
    file = base64.encodebytes(b"document" * 20).decode()
    body = f"<c:relatesToMessage>{UID}</c:relatesToMessage><c:docContent><c:data>{file}</c:data></c:docContent>"
    delivery = parse_callback(message(f"<c:sendDocumentFileRequest>{body}</c:sendDocumentFileRequest>"))
    assert isinstance(delivery, FileDelivery)
    assert (delivery.data, delivery.relates_to) == (b"document" * 20, NORMAL)
    assert isinstance(parse_callback(message("")), Unknown)
    wrapped = "<c:sendRegisterDocumentResult><c:registerDocumentResult/></c:sendRegisterDocumentResult>"
    assert isinstance(parse_callback(message(wrapped)), RegistrationResult)


def test_a_repr_shows_nothing_of_a_document() -> None:
    found = result(
        "<c:documentNumber>НОМЕР</c:documentNumber><c:errors><c:item><c:message>Иванов</c:message></c:item></c:errors>"
    )
    assert "НОМЕР" not in repr(found)
    assert "Иванов" not in repr(found)


# -- answers ------------------------------------------------------------------------------------------------------

ANSWERS = Answers("00000000-0000-4000-8000-000000000001", load_schema(CALLBACK_WSDL))
XSD = load_xsd(FOLDER / "remd-callback.xsd")
KINDS = {
    "registerDocumentResult": RegistrationResult,
    "getDocumentFileRequest": FileRequest,
    "sendNoticeRequest": Notice,
    "sendDocumentFileRequest": FileDelivery,
}


def alone(answer: Envelope) -> ElementTree:
    """The body as a document of its own."""
    return deepcopy(answer.body).getroottree()  # type: ignore[union-attr]


@pytest.mark.parametrize("soap", [SOAP11, SOAP12])
@pytest.mark.parametrize("name", KINDS)
def test_every_message_is_acknowledged_in_its_version(soap: str, name: str) -> None:
    asked = parse_callback(message(f"<c:{name}/>", soap=soap, headers=f"<a:MessageID>urn:uuid:{UID}</a:MessageID>"))
    assert isinstance(asked, KINDS[name])
    made = ANSWERS.acknowledge(asked, at=NOW)
    answer = read(made)
    assert answer.body is not None
    assert answer.soap == soap
    assert answer.relates_to == f"urn:uuid:{UID}"
    assert answer.body[0].text == "success"
    assert XSD.validate(alone(answer)) == []
    assert made == ANSWERS.acknowledge(asked, at=NOW)


def test_the_file_in_the_answer() -> None:
    asked = FileRequest(message_id="A", written_id="a", local_uid=UID)
    answer = read(ANSWERS.file(asked, b"<ClinicalDocument/>", at=NOW))
    assert answer.body is not None
    values = load_schema(CALLBACK_WSDL).parse(answer.body)
    assert values["docContent"]["data"] == b"<ClinicalDocument/>"
    assert Checksum().fits(b"<ClinicalDocument/>", str(values["docContent"]["checksum"]))
    assert XSD.validate(alone(answer)) == []


def test_no_file() -> None:
    answer = read(ANSWERS.no_file(FileRequest(message_id="A"), [ErrorItem("MIS_ERROR", "no")], at=NOW))
    assert answer.body is not None
    assert load_schema(CALLBACK_WSDL).parse(answer.body)["errors"]["item"][0]["code"] == "MIS_ERROR"


def test_an_unknown_operation_is_a_fault() -> None:
    assert read(ANSWERS.acknowledge(Unknown(name="x"), at=NOW)).fault is not None
    assert read(ANSWERS.acknowledge(Callback(), at=NOW)).fault is not None


@pytest.mark.parametrize("over", ["base64", "bytes"])
@pytest.mark.parametrize("signed", [True, False])
def test_checksums(over: str, signed: bool) -> None:
    checksum = Checksum(over, signed)  # type: ignore[arg-type]
    numbers = [checksum.of(bytes([n])) for n in range(64)]
    assert (min(numbers) < 0) is signed
    # CRC32 of "123456789" is the check value of the algorithm; of "a", a well-known one.
    assert Checksum("bytes", signed).of(b"123456789") % 2**32 == 0xCBF43926
    assert Checksum("base64", signed).of(base64.b64decode("YQ==")) == Checksum("bytes", signed).of(b"YQ==")
    assert checksum.fits(b"a", str(checksum.of(b"a") % 2**32))
    assert not checksum.fits(b"a", "1")
    assert not checksum.fits(b"a", "x")
