"""Envelopes: golden bytes, signatures verified by other tools, and what a verifier refuses."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from xml.etree.ElementTree import canonicalize  # noqa: TID251 - an implementation of C14N that is not libxml2's

import pytest
from lxml import etree

from adapter.errors import InputError
from adapter.signing.local import RsaSigner
from adapter.transport.envelope import ANONYMOUS, SOAP11, SOAP12, WSA, WSU, Envelope, Header, fault_body, read, write
from adapter.transport.schema import SERVICE, SERVICE_WSDL, load_schema
from adapter.transport.security import DS, SIX, Security, Verifier, canonical, load_trusted
from tests.unit.transport.conftest import NOW, FixedSigner, make_certificate

GOLDEN = Path(__file__).parents[2] / "golden" / "messages"
HEADER = Header(
    "getRegistryItem",
    "11111111-1111-4111-8111-111111111111",
    "00000000-0000-4000-8000-000000000001",
    to="https://ips.example.invalid/0123456789abc",
    reply_to="https://ips.example.invalid/cba9876543210",
)


def body() -> etree._Element:
    return load_schema(SERVICE_WSDL).build(f"{{{SERVICE}}}getRegistryItemRequest", {"emdrId": "170.77.26.11.000000001"})


def signed(signer: RsaSigner | FixedSigner, **options: object) -> bytes:
    return write(body(), HEADER, security=Security(signer, **options), at=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["uri", "urn"])
def test_golden_bytes(fixed: FixedSigner, form: str) -> None:
    made = signed(fixed, form=form)
    file = GOLDEN / f"signed-{form}.xml"
    if os.environ.get("EGISZ_UPDATE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(made)
    assert made == file.read_bytes()
    assert made == signed(fixed, form=form)


def test_signed_parts_and_their_order(fixed: FixedSigner) -> None:
    root = read(signed(fixed)).root
    references = root.iterfind(f".//{{{DS}}}Reference")
    ids = {one.get(f"{{{WSU}}}Id"): etree.QName(one).localname for one in root.iter() if one.get(f"{{{WSU}}}Id")}
    assert [ids[one.get("URI", "")[1:]] for one in references] == list(SIX)
    security = root.find("{*}Header/{*}Security")
    assert security is not None
    assert [etree.QName(one).localname for one in security] == ["BinarySecurityToken", "Signature", "Timestamp"]


def test_body_alone(fixed: FixedSigner) -> None:
    root = read(signed(fixed, parts=("Body",))).root
    assert len(root.findall(f".//{{{DS}}}Reference")) == 1
    assert root.find(".//{*}Timestamp") is None


def test_a_signed_message_without_an_address_says_anonymous(fixed: FixedSigner) -> None:
    made = write(body(), Header("a", "b", "c"), security=Security(fixed), at=NOW)
    assert read(made).reply_to == ANONYMOUS
    assert read(write(body(), Header("a", "b", "c"))).reply_to == ""


def test_openssl_verifies_the_signature(signer: RsaSigner, certificate_file: tuple[Path, Path], tmp_path: Path) -> None:
    root = read(signed(signer)).root
    info, value = root.find(f".//{{{DS}}}SignedInfo"), root.findtext(f".//{{{DS}}}SignatureValue")
    assert info is not None
    assert value is not None
    (tmp_path / "info").write_bytes(canonical(info))
    (tmp_path / "value").write_bytes(base64.b64decode(value))
    key = subprocess.run(
        ["openssl", "x509", "-in", certificate_file[0], "-noout", "-pubkey"], check=True, capture_output=True
    ).stdout
    (tmp_path / "key").write_bytes(key)
    command = ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "value", "info"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.stdout.strip() == "Verified OK"


def test_another_implementation_canonicalizes_alike(signer: RsaSigner) -> None:
    root = read(signed(signer)).root
    for name in ("Body", "SignedInfo", "Timestamp", "ReplyTo"):
        part = root.find(f".//{{*}}{name}")
        assert part is not None
        out = StringIO()
        canonicalize(etree.tostring(part, with_tail=False, encoding="unicode"), out=out)
        assert canonical(part).decode() == out.getvalue()


def test_a_message_of_ours_verifies(signer: RsaSigner, certificate_file: tuple[Path, Path]) -> None:
    verifier = Verifier(load_trusted(certificate_file[0]), required=SIX)
    assert verifier.verify(read(signed(signer)).root, at=NOW).der == signer.certificate.der
    assert verifier.verify(read(signed(signer, form="urn")).root, at=NOW)


def change_body(envelope: Envelope) -> None:
    assert envelope.body is not None
    envelope.body[0].text = "1.77.26.11.000000002"


def change_header(envelope: Envelope) -> None:
    envelope.root[0].find(f"{{{WSA}}}Action").text = "demandContent"  # type: ignore[union-attr]


def wrap(envelope: Envelope) -> None:
    """Move the signed Body aside and put another one in its place."""
    old = envelope.root[1]
    envelope.root.append(etree.Element(f"{{{SOAP12}}}Body"))
    envelope.root[2].append(etree.Element("other"))
    envelope.root[0].append(old)


def double(envelope: Envelope) -> None:
    """A second element of the id that is signed."""
    etree.SubElement(envelope.root[0], "other").set(f"{{{WSU}}}Id", "body")


def double_after(envelope: Envelope) -> None:
    """The same after the element that is signed, which is found first."""
    etree.SubElement(envelope.root, "other").set(f"{{{WSU}}}Id", "body")


def unsign(envelope: Envelope) -> None:
    security = envelope.root[0].find("{*}Security")
    assert security is not None
    envelope.root[0].remove(security)


def no_algorithm(envelope: Envelope) -> None:
    envelope.root.find(f".//{{{DS}}}SignatureMethod").set("Algorithm", f"{DS}rsa-sha1")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (change_body, "SOAP03"),
        (change_header, "SOAP03"),
        (wrap, "SOAP02"),
        (double, "SOAP03"),
        (double_after, "SOAP03"),
        (unsign, "SOAP02"),
        (no_algorithm, "SOAP03"),
    ],
)
def test_a_changed_message_is_refused(signer: RsaSigner, change: Callable[[Envelope], None], code: str) -> None:
    envelope = read(signed(signer))
    change(envelope)
    with pytest.raises(InputError) as caught:
        Verifier().verify(envelope.root, at=NOW)
    assert caught.value.finding.code == code


def test_what_is_not_signed_is_refused_where_it_must_be(signer: RsaSigner) -> None:
    with pytest.raises(InputError) as caught:
        Verifier(required=SIX).verify(read(signed(signer, parts=("Body", "Timestamp"))).root, at=NOW)
    assert caught.value.finding.code == "SOAP02"


def test_trust_and_time(signer: RsaSigner, tmp_path: Path) -> None:
    other = load_trusted(make_certificate(tmp_path, "other")[0])
    root = read(signed(signer)).root
    with pytest.raises(InputError) as caught:
        Verifier(other).verify(root, at=NOW)
    assert caught.value.finding.code == "SOAP04"
    for moment in (NOW - timedelta(minutes=6), NOW + timedelta(minutes=16)):
        with pytest.raises(InputError) as caught:
            Verifier().verify(root, at=moment)
        assert caught.value.finding.code == "SOAP05"


def test_a_trusted_certificate_that_has_expired(signer: RsaSigner) -> None:
    later = NOW + timedelta(days=200)
    root = read(write(body(), HEADER, security=Security(signer), at=later)).root
    with pytest.raises(InputError) as caught:
        Verifier(frozenset({signer.certificate.der})).verify(root, at=later)
    assert caught.value.finding.code == "SOAP04"


@pytest.mark.parametrize("soap", [SOAP11, SOAP12])
def test_faults(soap: str) -> None:
    envelope = read(write(fault_body(soap, "Sender", "why"), HEADER, soap=soap))
    assert envelope.fault is not None
    assert envelope.fault.reason == "why"
    assert envelope.fault.code == ("Sender" if soap == SOAP12 else "Client")


def test_samples_of_ips_are_read(examples_dir: Path) -> None:
    samples = examples_dir / "remd" / "samples"
    answer = read((samples / "ips_gip_response.xml").read_bytes())
    assert answer.id == "00000000000040008000000000000013"
    assert answer.relates == "00000000000040008000000000000014"
    assert answer.action == "urn:hl7-org:v3:MCCI_IN000002"
    request = read((samples / "searchRegistryItem_request.xml").read_bytes())
    assert request.client_entity_id == "00000000-0000-0000-0000-000000000000"
    assert load_schema(SERVICE_WSDL).parse(request.body)["kind"] == "58"  # type: ignore[arg-type]
    signed_by_ips = read((samples / "ips_callback_signed_skeleton.xml").read_bytes())
    assert signed_by_ips.soap == SOAP11
    assert signed_by_ips.action == "sendResult"


@pytest.mark.parametrize("data", [b"<a/>", b"<Envelope/>", f'<s:Envelope xmlns:s="{SOAP12}"/>'.encode()])
def test_what_is_not_soap_is_refused(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        read(data)
    assert caught.value.finding.code == "SOAP01"
