"""Reading containers: those of other tools, and what is refused."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from adapter.errors import SigningError
from adapter.signing import der, verify_cms
from adapter.signing.certificate import parse_certificate
from adapter.signing.cms import parse, to_der
from adapter.signing.local import AssemblingSigner, RsaSigner
from adapter.signing.testkeys import Subject
from tests.signing import NOW, Pair

CONTENT = b"content"


def by_openssl(folder: Path, pair: Pair, *options: str, attached: bool = False) -> bytes:
    """A container that the ``openssl`` command makes."""
    (folder / "in").write_bytes(CONTENT)
    engine = () if pair.algorithm == "rsa" else ("-engine", "gost", "-md", "md_gost12_" + pair.algorithm[-3:])
    whole = ("-nodetach",) if attached else ()
    subprocess.run(
        [
            *("openssl", "cms", "-sign", *engine, *whole, *options, "-binary", "-outform", "DER"),
            *("-signer", pair.file, "-inkey", pair.key, "-in", folder / "in", "-out", folder / "out"),
        ],
        check=True,
        capture_output=True,
    )
    return (folder / "out").read_bytes()


def test_containers_of_openssl_are_verified(tmp_path: Path, pair: Pair) -> None:
    signature = by_openssl(tmp_path, pair, "-cades")
    assert verify_cms(signature, CONTENT).certificate == pair.certificate
    with pytest.raises(SigningError, match="content"):
        verify_cms(signature, b"another")


def test_what_remd_would_refuse_is_named(tmp_path: Path, rsa: Pair) -> None:
    with pytest.raises(SigningError, match="signing-certificate-v2"):
        parse(by_openssl(tmp_path, rsa))
    with pytest.raises(SigningError, match="detached"):
        parse(by_openssl(tmp_path, rsa, "-cades", attached=True))
    with pytest.raises(SigningError, match="signed attributes"):
        parse(by_openssl(tmp_path, rsa, "-noattr"))
    with pytest.raises(SigningError, match="not in the container"):
        parse(by_openssl(tmp_path, rsa, "-cades", "-nocerts"))
    other = Pair(tmp_path, "rsa", Subject("Другой"), stem="other")
    second = ("-signer", str(other.file), "-inkey", str(other.key))
    with pytest.raises(SigningError, match="one signer"):
        parse(by_openssl(tmp_path, rsa, "-cades", *second))


def test_digest_and_key_go_together(tmp_path: Path, rsa: Pair) -> None:
    with pytest.raises(SigningError, match="digest algorithm"):
        parse(by_openssl(tmp_path, rsa, "-cades", "-md", "sha1"))


def test_the_signing_time_is_required(rsa: Pair, signer: AssemblingSigner) -> None:
    signature = signer.cms(CONTENT, at=NOW)
    time_attribute, other = der.oid("1.2.840.113549.1.9.5"), der.oid("1.2.840.113549.1.9.6")
    assert signature.count(time_attribute) == 1
    with pytest.raises(SigningError, match="signing-time"):
        parse(signature.replace(time_attribute, other))


def test_an_exchanged_certificate_is_found(tmp_path: Path, rsa: Pair) -> None:
    """The same key in another certificate: only signing-certificate-v2 tells them apart."""
    signature = RsaSigner(rsa.certificate, rsa.key, b"").cms(CONTENT, at=NOW)
    subprocess.run(
        [
            *("openssl", "x509", "-in", rsa.file, "-signkey", rsa.key, "-days", "1", "-outform", "DER"),
            *("-set_serial", str(rsa.certificate.serial), "-out", tmp_path / "twin"),
        ],
        check=True,
        capture_output=True,
    )
    twin = parse_certificate((tmp_path / "twin").read_bytes())
    assert (twin.serial, twin.issuer) == (rsa.certificate.serial, rsa.certificate.issuer)
    kind, wrapped = der.only(signature).children()
    version, digests, content, certificates, signers = wrapped.children()[0].children()
    body = der.sequence(version.whole, digests.whole, content.whole, der.tlv(0xA0, twin.der), signers.whole)
    forged = der.sequence(kind.whole, der.tlv(0xA0, body))
    assert parse(forged).certificate == twin
    assert certificates.whole != der.tlv(0xA0, twin.der)
    with pytest.raises(SigningError, match="another certificate"):
        verify_cms(forged, CONTENT)


def test_every_broken_byte_is_found(signer: AssemblingSigner) -> None:
    """Flipping a bit anywhere never passes, and never ends in anything but the one error; unsigned padding aside."""
    signature = signer.cms(CONTENT, at=NOW)
    own = signer.certificate
    for at in range(0, len(signature), 7):
        broken = bytearray(signature)
        broken[at] ^= 0x10
        try:
            container = verify_cms(bytes(broken), CONTENT)
        except SigningError:
            continue
        # Versions and the list of digests are outside of what is signed; nothing that matters differs.
        assert container.certificate == own
        assert container.signing_time == NOW


def test_a_wrong_signature_is_found(signer: AssemblingSigner) -> None:
    whole = signer.cms(CONTENT, at=NOW)
    signature = parse(whole).signature
    at = whole.index(signature)
    for offset in (0, len(signature) // 2, len(signature) - 1):
        broken = bytearray(whole)
        broken[at + offset] ^= 1
        assert parse(bytes(broken)).signature != signature
        with pytest.raises(SigningError, match="the signature is wrong"):
            verify_cms(bytes(broken), CONTENT)


def test_a_changed_signing_time_is_found(signer: AssemblingSigner) -> None:
    whole = signer.cms(CONTENT, at=NOW)
    later = whole.replace(der.time(NOW), der.time(NOW.replace(year=2027)))
    assert parse(later).signing_time.year == 2027
    with pytest.raises(SigningError, match="the signature is wrong"):
        verify_cms(later, CONTENT)


def test_a_default_is_left_out(pair: Pair, signer: AssemblingSigner) -> None:
    """DER: the digest of signing-certificate-v2 is named where it is not SHA-256."""
    hashing = parse(signer.cms(CONTENT, at=NOW)).certificate_hashing
    assert (hashing == b"") is (pair.algorithm == "rsa")


@pytest.mark.parametrize("cut", [0, 1, 2, 5, 100, -1])
def test_a_truncated_container(signer: AssemblingSigner, cut: int) -> None:
    with pytest.raises(SigningError):
        parse(signer.cms(CONTENT, at=NOW)[:cut])


def test_forms_that_tools_print() -> None:
    whole = der.sequence(b"\x05\x00" * 40)
    text = base64.encodebytes(whole)
    for form in (whole, text, text.replace(b"\n", b"\r\n"), b"-----BEGIN CMS-----\n" + text + b"-----END CMS-----\n"):
        assert to_der(form) == whole
    with pytest.raises(SigningError):
        to_der(b"Error: no license")
