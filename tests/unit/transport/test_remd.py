"""The client of РЭМД over a pretended HTTP: what it sends, and what it makes of answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from adapter.errors import TransportFailed, UsageError
from adapter.facts import Coding, Fact, fact
from adapter.settings import Settings
from adapter.transport.callbacks import FileRequest
from adapter.transport.configured import callback_answers, remd_client
from adapter.transport.envelope import SOAP12, Header, fault_body, read, write
from adapter.transport.http import HttpAnswer
from adapter.transport.remd import Endpoint, RemdClient, Signature
from adapter.transport.schema import FOLDER, SERVICE, SERVICE_WSDL, Schema, load_schema
from adapter.transport.security import Verifier
from conformance.xsd import load_schema as load_xsd
from tests.unit.transport.conftest import NOW, FixedSigner

ID = "11111111-1111-4111-8111-111111111111"
DOCTOR = {"surname": "А", "name": "Б", "snils": "11111111145", "localId": "1"}
CHIEF = {"surname": "В", "name": "Г", "snils": "44044044031", "localId": "2"}
REGISTRATION = fact(
    {
        "localUid": "d71b5784-ca38-5c10-9794-1be2a4954edc",
        "kind": "170",
        "documentNumber": "1",
        "creationDateTime": "2024-10-05T10:10:00+03:00",
        "organization": "1.2.643.5.1.13.13.12.2.77.99999",
        "department": None,
        "patient": {"surname": "Т", "name": "И", "birthDate": "1985-04-12", "localId": "P", "patrName": None},
        "signers": [
            {**DOCTOR, "role": {"code": "AUTHOR"}, "position": "109"},
            {**DOCTOR, "role": {"code": "DOCTOR"}, "position": "109"},
            {**CHIEF, "role": "HEAD_DOCTOR", "position": {"code": "334", "version": "9.6"}},
        ],
    }
)


class Pretended:
    """Answers with what it was given; keeps what it was sent."""

    def __init__(self, *answers: HttpAnswer | Exception) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, bytes, Mapping[str, str]]] = []

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        self.sent.append((url, body, headers))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def answer(name: str, values: Mapping[str, Any], status: int = 200) -> HttpAnswer:
    body = load_schema(SERVICE_WSDL).build(f"{{{SERVICE}}}{name}", values)
    return HttpAnswer(status, "application/soap+xml", write(body, Header(name, ID, "remd")))


def client(*answers: HttpAnswer | Exception, **options: Any) -> RemdClient:
    endpoint = options.pop("endpoint", Endpoint("http://x/", "client", to="http://to/", reply_to="http://back/"))
    return RemdClient(Pretended(*answers), endpoint, load_schema(SERVICE_WSDL), **options)


def register(one: RemdClient, *signatures: Signature):
    return asyncio.run(one.register(REGISTRATION, signatures, message_id=ID, at=NOW))


SIGNATURES = (Signature(b"organisation"), Signature(b"second", "44044044031"), Signature(b"first", "11111111145"))


def test_a_registration_is_valid_and_always_the_same() -> None:
    one = client()
    message = one.registration(REGISTRATION, SIGNATURES, message_id=ID, at=NOW)
    assert message.id == ID.replace("-", "").upper()
    assert message.data == one.registration(REGISTRATION, SIGNATURES[::-1], message_id=ID, at=NOW).data
    body = read(message.data).body
    assert load_xsd(FOLDER / "remd-service.xsd").validate(etree.ElementTree(body)) == []  # type: ignore[arg-type]
    values = load_schema(SERVICE_WSDL).parse(body)  # type: ignore[arg-type]
    people = values["personalSignatures"]["item"]
    assert [item["signature"]["data"] for item in people] == [b"first", b"second"]
    assert people[0]["signer"]["role"]["_value_1"] == "AUTHOR"
    assert people[1]["signer"]["position"] == {"_value_1": "334", "version": "9.6"}
    assert values["orgSignature"]["data"] == b"organisation"


def test_headers_of_a_message() -> None:
    one = client(
        answer("registerDocumentResponse", {"status": "success"}),
        endpoint=Endpoint("http://x/", "client", message_id="urn"),
    )
    assert register(one).ok
    ((url, body, headers),) = one._http.sent  # type: ignore[attr-defined]
    assert url == "http://x/"
    assert headers == {"Content-Type": "application/soap+xml; charset=UTF-8", "SOAPAction": '"registerDocument"'}
    envelope = read(body)
    assert envelope.message_id == f"urn:uuid:{ID}"
    assert (envelope.to, envelope.reply_to) == ("", "")


def test_a_role_chooses_among_signers_of_one_person() -> None:
    message = client().registration(REGISTRATION, [Signature(b"x", "11111111145", "DOCTOR")], message_id=ID, at=NOW)
    values = load_schema(SERVICE_WSDL).parse(read(message.data).body)  # type: ignore[arg-type]
    assert values["personalSignatures"]["item"][0]["signer"]["role"]["_value_1"] == "DOCTOR"


@pytest.mark.parametrize(
    "signatures",
    [[Signature(b"x", "99999999999")], [Signature(b"x", "11111111145"), Signature(b"y", "11111111145")]],
)
def test_a_signature_of_nobody_or_twice_is_refused(signatures: list[Signature]) -> None:
    with pytest.raises(UsageError):
        client().registration(REGISTRATION, signatures, message_id=ID, at=NOW)


def test_a_refusal() -> None:
    errors = [{"code": "NO_SNILS", "message": "m"}, {"code": "INTERNAL_ERROR", "message": None}]
    got = register(client(answer("registerDocumentResponse", {"status": "error", "errors": errors})))
    assert not got.ok
    assert got.verdict is not None
    assert got.verdict.error_class == "permanent"
    assert got.verdict.codes == ("NO_SNILS", "INTERNAL_ERROR")


@pytest.mark.parametrize(("code", "expected"), [("Sender", "permanent"), ("Receiver", "temporary")])
def test_a_fault(code: str, expected: str) -> None:
    fault = HttpAnswer(500, "", write(fault_body(SOAP12, code, "why"), Header("Fault", ID, "remd")))
    got = register(client(fault))
    assert not got.ok
    assert got.verdict is not None
    assert got.verdict.error_class == expected


@pytest.mark.parametrize(
    "given",
    [
        HttpAnswer(503, "text/html", b"<html>"),
        HttpAnswer(200, "text/html", b"<html/>"),
        HttpAnswer(200, "", b""),
        answer("demandContentResponse", {"status": "success"}),
        TransportFailed("reset"),
    ],
)
def test_no_answer_of_the_service(given: HttpAnswer | Exception) -> None:
    with pytest.raises(TransportFailed):
        register(client(given))


def test_refused_access_is_permanent() -> None:
    got = register(client(HttpAnswer(403, "text/html", b"no")))
    assert got.verdict is not None
    assert (got.ok, got.verdict.error_class, got.errors[0].code) == (False, "permanent", "http:403")
    assert "403" in got.verdict.advice.ru
    assert client().errors.classify(got.errors).error_class == "permanent"


def test_an_answer_that_is_not_trusted_is_none() -> None:
    with pytest.raises(TransportFailed):
        register(client(answer("registerDocumentResponse", {"status": "success"}), verifier=Verifier()))


def test_searching_and_reading() -> None:
    item = {"emdrId": "1", "localUid": "u", "kind": "58", "registrationDateTime": "2021-09-13T17:12:09.896+03:00"}
    one = client(
        answer("searchRegistryItemResponse", {"status": "success", "matches": [item, item]}),
        answer("getRegistryItemResponse", {"status": "success", "registryItem": item}),
        answer("getRegistryItemResponse", {"status": "error", "errors": [{"code": "REGISTRY_ITEM_NOT_FOUND"}]}),
        answer("demandContentResponse", {"status": "success"}),
        answer("sendDocumentFileResponse", {"status": "success"}),
    )
    query = {"organization": "1.2", "kind": "58", "registerDateBegin": NOW, "patientSnils": "11111111145"}
    got, records = asyncio.run(one.search(query, message_id=ID, at=NOW))
    assert got.ok
    assert [(record.emdr_id, record.local_uid) for record in records] == [("1", "u"), ("1", "u")]
    assert records[0].facts["registered_at"].astimezone(UTC) == datetime(2021, 9, 13, 14, 12, 9, 896000, tzinfo=UTC)
    assert asyncio.run(one.get_item("1", message_id=ID, at=NOW))[1] == records[0]
    got, record = asyncio.run(one.get_item("2", message_id=ID, at=NOW))
    assert record is None
    assert got.verdict is not None
    assert got.verdict.error_class == "permanent"
    assert asyncio.run(one.demand_content("1", message_id=ID, at=NOW)).ok
    asked = FileRequest(message_id="A", written_id="urn:uuid:a", local_uid="u")
    assert asyncio.run(one.send_file(asked, b"<x/>", message_id=ID, at=NOW)).ok
    bodies = [read(body).body for _, body, _ in one._http.sent]  # type: ignore[attr-defined]
    xsd = load_xsd(FOLDER / "remd-service.xsd")
    for body in bodies:
        assert xsd.validate(etree.ElementTree(body)) == []  # type: ignore[arg-type]


# -- the WSDL -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["remd-service.xsd", "remd-callback.xsd"])
def test_every_element_has_its_evidence(name: str) -> None:
    from adapter.xml import parse

    tree = parse((FOLDER / name).read_bytes())
    elements = list(tree.iter("{http://www.w3.org/2001/XMLSchema}element"))
    mark = "{urn:egisz-adapter:evidence}"
    assert len(elements) > 40
    for element in elements:
        assert element.get(f"{mark}is") in {"observed", "analogue", "inferred", "placeholder"}, element.get("name")
        assert element.get(f"{mark}of"), element.get("name")


def test_another_wsdl_takes_the_place_of_ours(tmp_path: Path) -> None:
    for file in FOLDER.iterdir():
        (tmp_path / file.name).write_text(file.read_text("utf-8").replace('"localUid"', '"documentUid"'), "utf-8")
    values = {
        "documentUid": "u",
        "kind": "1",
        "documentNumber": "1",
        "creationDateTime": "2024-10-05T10:10:00Z",
        "organization": "1",
    }
    other = Schema(tmp_path / "remd-service.wsdl")
    made = other.build(f"{{{SERVICE}}}registerDocumentRequest", values)
    assert made[0].tag == f"{{{SERVICE}}}documentUid"
    with pytest.raises(UsageError, match=r"registerDocumentRequest\.documentUid"):
        load_schema(SERVICE_WSDL).build(f"{{{SERVICE}}}registerDocumentRequest", values)


def test_codings_and_what_the_wsdl_does_not_know() -> None:
    schema = load_schema(SERVICE_WSDL)
    coding = Coding("1", "1.2", "n", "2.4", "d")
    signer = {"surname": "a", "name": "b", "snils": "1", "role": coding, "position": coding}
    facts = {"localUid": "u", "documentNumber": "1", "creationDateTime": "2024-10-05T10:10:00Z", "organization": "1"}
    signed = [{"signer": signer, "signature": {"data": b"", "checksum": 0}}]
    made = schema.build(
        f"{{{SERVICE}}}registerDocumentRequest", Fact({**facts, "kind": coding, "personalSignatures": signed})
    )
    assert made.findtext(f"{{{SERVICE}}}kind") == "1"
    role = next(made.iter(f"{{{SERVICE}}}role"))
    assert (role.text, role.get("version")) == ("1", "2.4")
    with pytest.raises(UsageError):
        schema.build(f"{{{SERVICE}}}noSuchRequest", {})


@pytest.mark.parametrize("text", ["", "<a/>", "no xml"])
def test_a_broken_wsdl_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.wsdl").write_text(text)
    with pytest.raises(UsageError, match="WSDL"):
        Schema(tmp_path / "x.wsdl").build(f"{{{SERVICE}}}registerDocumentRequest", {})


# -- settings -----------------------------------------------------------------------------------------------------


def test_a_client_as_configured(fixed: FixedSigner) -> None:
    settings = Settings(remd_url="http://ips/1", remd_client_id="c", remd_checksum="bytes-unsigned", remd_signed="body")
    http = Pretended(answer("registerDocumentResponse", {"status": "success"}))
    one = remd_client(settings, http, signer=fixed)
    assert register(one, SIGNATURES[0]).ok
    envelope = read(http.sent[0][1])
    assert envelope.to == "http://ips/1"
    values = load_schema(SERVICE_WSDL).parse(envelope.body)  # type: ignore[arg-type]
    assert values["orgSignature"]["checksum"] > 0
    assert callback_answers(settings, signer=fixed).security is not None
    with pytest.raises(UsageError):
        remd_client(Settings(), http, signer=None)
