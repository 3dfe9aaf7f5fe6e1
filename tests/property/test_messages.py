"""Messages of РЭМД under hostile input: nothing crashes, nothing is lost on the way through an envelope."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapter.errors import InputError
from adapter.signing.certificate import read_certificate
from adapter.signing.local import RsaSigner
from adapter.transport.answers import Answers
from adapter.transport.callbacks import Callback, FileRequest, RegistrationResult, parse_callback
from adapter.transport.envelope import SOAP11, SOAP12, WSA, Header, read, write
from adapter.transport.errors import ErrorItem, error_book
from adapter.transport.ids import normalise_message_id
from adapter.transport.schema import CALLBACK, CALLBACK_WSDL, SERVICE, SERVICE_WSDL, load_schema
from adapter.transport.security import DS, Security, Verifier
from tests.unit.transport.conftest import make_certificate

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
#: What XML can carry; a carriage return is written as a character reference and survives.
TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r<>&]'\""),
    max_size=40,
)
FULL = TEXTS.filter(bool)
with TemporaryDirectory() as _folder:
    _PEM, _PRIVATE = make_certificate(Path(_folder), "key")
    KEY = RsaSigner(read_certificate(_PEM), _PRIVATE, b"")
ANSWERS = Answers("client", load_schema(CALLBACK_WSDL))
NAMES = [
    "registerDocumentResult",
    "sendRegisterDocumentResult",
    "getDocumentFileRequest",
    "sendNoticeRequest",
    "sendDocumentFileRequest",
    "status",
    "relatesToMessage",
    "registryItem",
    "emdrId",
    "localUid",
    "documentVersion",
    "registrationDate",
    "registrationDateTime",
    "kind",
    "code",
    "storeTillDate",
    "registrationWarnings",
    "errors",
    "item",
    "message",
    "docContent",
    "data",
    "checksum",
    "documentStatus",
    "Fault",
    "x",
]


@given(
    st.uuids(), st.sampled_from(["", "urn:uuid:", "URN:UUID:", "uuid:"]), st.booleans(), st.booleans(), st.booleans()
)
def test_every_spelling_of_an_id_is_one(value, prefix: str, upper: bool, dashes: bool, brackets: bool) -> None:
    text = str(value) if dashes else value.hex
    text = prefix + (text.upper() if upper else text)
    text = f" <{text}>\n" if brackets else text
    assert normalise_message_id(text) == value.hex.upper()


@given(st.text(max_size=30) | st.text("URNuid:-<> ", max_size=30))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise_message_id(text)
    assert normalise_message_id(once) == once
    assert not re.search(r"[\s<>-]", once)


@given(FULL, FULL, FULL, TEXTS)
def test_texts_survive_a_registration(surname: str, name: str, number: str, description: str) -> None:
    values = {
        "localUid": "u", "kind": "170", "documentNumber": number, "creationDateTime": "2026-11-24T12:00:00+03:00",
        "organization": "1.2", "description": description,
        "patient": {"surname": surname, "name": name, "birthDate": "1980-05-03", "localId": "1"},
    }  # fmt: skip
    schema = load_schema(SERVICE_WSDL)
    made = write(schema.build(f"{{{SERVICE}}}registerDocumentRequest", values), Header("registerDocument", "m", "c"))
    body = read(made).body
    assert body is not None
    texts = {etree.QName(one).localname: one.text or "" for one in body.iter(etree.Element) if not len(one)}
    assert (texts["surname"], texts["name"], texts["documentNumber"]) == (surname, name, number)
    assert texts.get("description", "") == description


@st.composite
def elements(draw, depth: int = 3) -> etree._Element:
    namespace = draw(st.sampled_from([CALLBACK, SOAP12, "", "urn:other"]))
    name = draw(st.sampled_from(NAMES))
    element = etree.Element(f"{{{namespace}}}{name}" if namespace else name)
    element.text = draw(TEXTS | st.sampled_from(["success", "error", "1", "2026-11-24", "99999999999999", "a===", "²"]))
    if draw(st.booleans()):
        element.append(etree.Comment("x"))
    for child in draw(st.lists(elements(depth - 1), max_size=3)) if depth else ():
        element.append(child)
    return element


@given(st.lists(elements(), max_size=2), st.sampled_from([SOAP11, SOAP12]), TEXTS, TEXTS, st.booleans())
def test_any_soap_is_a_callback_and_has_an_answer(bodies, soap: str, own: str, other: str, full: bool) -> None:
    root = etree.Element(f"{{{soap}}}Envelope")
    head = etree.SubElement(root, f"{{{soap}}}Header")
    for name, text in (("MessageID", own), ("RelatesTo", other), ("ReplyTo", other)) if full else ():
        etree.SubElement(head, f"{{{WSA}}}{name}").text = text
    etree.SubElement(root, f"{{{soap}}}Body").extend(bodies)
    callback = parse_callback(etree.tostring(root), "text/xml")
    assert isinstance(callback, Callback)
    answer = read(ANSWERS.acknowledge(callback, at=NOW))
    assert answer.soap == soap
    assert answer.relates == callback.message_id
    if isinstance(callback, RegistrationResult):
        assert error_book().classify(callback.errors).advice.ru
    if isinstance(callback, FileRequest):
        assert read(ANSWERS.file(callback, own.encode(), at=NOW)).body is not None


@given(st.binary(max_size=200) | TEXTS.map(str.encode))
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    try:
        parse_callback(data)
    except InputError as error:
        assert error.finding.code


@given(st.lists(st.builds(ErrorItem, st.sampled_from(["", *error_book().codes, "ЧТО", "soap:X"]), TEXTS), max_size=4))
def test_any_errors_have_a_verdict(items: list[ErrorItem]) -> None:
    verdict = error_book().classify(items)
    assert verdict.advice.ru
    assert verdict.advice.en
    assert error_book().classify(items[::-1]).error_class == verdict.error_class


# -- WS-Security --------------------------------------------------------------------------------------------------


@given(TEXTS, FULL, FULL, st.sampled_from([SOAP11, SOAP12]), st.sampled_from(["uri", "urn"]))
def test_a_signature_survives_any_text_and_a_parser(text: str, own: str, to: str, soap: str, form: str) -> None:
    body = etree.Element("{urn:x}message", a=text)
    body.text = text
    etree.SubElement(body, "part").tail = text
    written = write(body, Header("a", own, "c", to, to), soap=soap, security=Security(KEY, form), at=NOW)  # type: ignore[arg-type]
    assert Verifier(required=("Body", "MessageID", "To", "Action", "ReplyTo", "Timestamp")).verify(
        read(written).root, at=NOW
    )


@given(st.data())
def test_no_change_of_what_is_signed_goes_unseen(data: st.DataObject) -> None:
    body = etree.Element("{urn:x}message")
    body.text = "text"
    written = write(body, Header("a", "b", "c", "d", "e"), security=Security(KEY), at=NOW)
    root = read(written).root
    names = ["Body", "Timestamp", "MessageID", "ReplyTo", "To", "Action", "SignedInfo", "SignatureValue"]
    part = root.find(f".//{{*}}{data.draw(st.sampled_from(names))}")
    assert part is not None
    at = data.draw(st.sampled_from(list(part.iter(etree.Element))))
    change = data.draw(st.sampled_from(["text", "attribute", "child", "name"]))
    if change == "text":
        at.text = (at.text or "") + "x"
    elif change == "attribute":
        at.set("x", "y")
    elif change == "child":
        etree.SubElement(at, "{urn:x}x")
    else:
        at.tag = "{urn:x}x"
    try:
        certificate = Verifier(required=names[:6]).verify(read(etree.tostring(root)).root, at=NOW)
    except InputError as error:
        assert error.finding.code.startswith("SOAP")
    else:
        # What is not looked at may change: attributes and elements inside SignatureValue.
        assert certificate is not None
        assert part.tag == f"{{{DS}}}SignatureValue"
        assert change in {"attribute", "child"}
