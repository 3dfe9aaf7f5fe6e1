"""WS-Security with every key: GOST in both sizes and RSA, named by URI and by URN, verified by ``openssl`` too."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from adapter.errors import InputError, UsageError
from adapter.signing.certificate import parse_certificate
from adapter.signing.local import AssemblingSigner, RsaSigner, open_gost
from adapter.transport.envelope import Header, fault_body, read, write
from adapter.transport.security import DS, SIX, Security, Verifier, algorithms, canonical, load_trusted
from tests.signing import ALGORITHMS, Pair, need
from tests.unit.transport.conftest import NOW, make_certificate

MESSAGE = Header("a", "11111111-1111-4111-8111-111111111111", "c", to="http://to/")


@pytest.fixture(scope="module", params=ALGORITHMS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    need(request.param)
    return Pair(tmp_path_factory.mktemp(request.param), request.param)


def key_of(pair: Pair) -> AssemblingSigner:
    opened = RsaSigner if pair.algorithm == "rsa" else open_gost
    return opened(pair.certificate, pair.key, b"")


def signed(signer: AssemblingSigner, form: str = "uri") -> bytes:
    body = fault_body("http://www.w3.org/2003/05/soap-envelope", "Sender", "проба")
    return write(body, MESSAGE, security=Security(signer, form), at=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["uri", "urn"])
def test_a_message_verifies_and_names_its_algorithms(pair: Pair, form: str) -> None:
    signer = key_of(pair)
    root = read(signed(signer, form)).root
    names = algorithms()[form][pair.algorithm]
    assert root.find(f".//{{{DS}}}SignatureMethod").get("Algorithm") == names["signature"]  # type: ignore[union-attr]
    assert {one.get("Algorithm") for one in root.iter(f"{{{DS}}}DigestMethod")} == {names["digest"]}
    trusted = frozenset({signer.certificate.der})
    assert Verifier(trusted, required=SIX).verify(root, at=NOW) == signer.certificate


def test_openssl_agrees(pair: Pair, tmp_path: Path) -> None:
    root = read(signed(key_of(pair))).root
    info, value = root.find(f".//{{{DS}}}SignedInfo"), root.findtext(f".//{{{DS}}}SignatureValue")
    assert info is not None
    assert value is not None
    (tmp_path / "info").write_bytes(canonical(info))
    (tmp_path / "value").write_bytes(base64.b64decode(value))
    engine = [] if pair.algorithm == "rsa" else ["-engine", "gost"]
    digest = {"rsa": "sha256", "gost2012-256": "md_gost12_256", "gost2012-512": "md_gost12_512"}[pair.algorithm]
    (tmp_path / "certificate").write_bytes(pair.certificate.der)
    command = ["openssl", "x509", *engine, "-inform", "DER", "-in", "certificate", "-noout", "-pubkey"]
    key = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout
    (tmp_path / "key").write_bytes(key)
    command = ["openssl", "dgst", *engine, f"-{digest}", "-verify", "key", "-signature", "value", "info"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.stdout.strip() == "Verified OK", done.stderr
    # The digest of a part, by the same tool.
    body = root.find("{*}Body")
    assert body is not None
    (tmp_path / "body").write_bytes(canonical(body))
    command = ["openssl", "dgst", *engine, f"-{digest}", "-binary", "body"]
    done_digest = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout
    assert root.findtext(f".//{{{DS}}}DigestValue") == base64.b64encode(done_digest).decode()


def issue(folder: Path, name: str, subject: str, *, usual: bool = True) -> bytes:
    """A certificate that the key of ``name`` has issued."""
    authority = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
    key = load_pem_private_key((folder / f"{name}.key").read_bytes(), None)
    own = rsa.generate_private_key(65537, 2048)
    issuer = authority.subject if usual else x509.Name([])
    made = x509.CertificateBuilder(
        issuer,
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]),
        own.public_key(),
        7,
        authority.not_valid_before_utc,
        authority.not_valid_after_utc,
    ).sign(key, hashes.SHA256())  # type: ignore[arg-type]
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat

    (folder / f"{subject}.key").write_bytes(own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return made.public_bytes(Encoding.DER)


@pytest.mark.parametrize(("ca", "usual", "trusted"), [(True, True, True), (False, True, False), (True, False, False)])
def test_an_authority_is_trusted_for_what_it_has_issued(tmp_path: Path, ca: bool, usual: bool, trusted: bool) -> None:
    pem, _ = make_certificate(tmp_path, "authority", ca=ca)
    der = issue(tmp_path, "authority", "leaf", usual=usual)
    signer = RsaSigner(parse_certificate(der), tmp_path / "leaf.key", b"")
    verifier = Verifier(load_trusted(pem))
    root = read(signed(signer)).root
    if trusted:
        assert verifier.verify(root, at=NOW).der == der
    else:
        with pytest.raises(InputError) as caught:
            verifier.verify(root, at=NOW)
        assert caught.value.finding.code == "SOAP04"


def test_a_file_without_certificates_is_told(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("nothing")
    for file in (tmp_path / "x", tmp_path / "absent"):
        with pytest.raises(UsageError, match="PEM"):
            load_trusted(file)
