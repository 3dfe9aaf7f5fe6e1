from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from adapter.signing.certificate import SigningCertificate, read_certificate
from adapter.signing.local import RsaSigner

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


@dataclass(frozen=True)
class FixedSigner:
    """A key whose signatures are digests, so that golden bytes need no secret."""

    certificate: SigningCertificate

    def digest(self, data: bytes) -> bytes:
        return hashlib.sha256(data).digest()

    def raw(self, data: bytes) -> bytes:
        return hashlib.sha256(b"signed" + data).digest()

    def cms(self, content: bytes, *, at: datetime) -> bytes:
        return hashlib.sha256(at.isoformat().encode() + content).digest()


def make_certificate(folder: Path, name: str, *, ca: bool = False) -> tuple[Path, Path]:
    """A key and its certificate, signed by itself; valid a year around ``NOW``."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=180))
        .not_valid_after(NOW + timedelta(days=180))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / f"{name}.pem", folder / f"{name}.key"
    pem.write_bytes(certificate.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return pem, private


@pytest.fixture(scope="session")
def certificate_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("transport"), "system")


@pytest.fixture(scope="session")
def signer(certificate_file: tuple[Path, Path]) -> RsaSigner:
    pem, private = certificate_file
    return RsaSigner(read_certificate(pem), private, b"")


@pytest.fixture
def fixed() -> FixedSigner:
    certificate = SigningCertificate(b"certificate", "", "", "", NOW, NOW, 1, "rsa", b"", may_sign=True)
    return FixedSigner(certificate)
