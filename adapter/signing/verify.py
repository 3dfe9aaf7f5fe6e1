"""Verification: a plain signature, and a container, by the certificate itself.

The chain of the certificate, its revocation and its date are not looked at: whom to trust is known to the caller.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from adapter.errors import SigningError
from adapter.findings import Text
from adapter.signing.certificate import Algorithm, SigningCertificate
from adapter.signing.cms import DIGESTS, Container, parse
from adapter.signing.libcrypto import libcrypto

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey


def digest(algorithm: Algorithm, data: bytes, *, library: Path | None = None) -> bytes:
    """Digest that goes with a key.

    Raises:
        SigningError: GOST is not to be had on this machine.
    """
    return hashlib.sha256(data).digest() if algorithm == "rsa" else libcrypto(library).digest(algorithm, data)


def verify_raw(certificate: SigningCertificate, data: bytes, signature: bytes, *, library: Path | None = None) -> bool:
    """Whether the key of ``certificate`` made the plain ``signature`` of ``data``.

    Raises:
        SigningError: GOST is not to be had on this machine, or the certificate holds no key.
    """
    if certificate.algorithm != "rsa":
        return libcrypto(library).verify(certificate.der, certificate.algorithm, data, signature)
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        _rsa_key(certificate.der).verify(signature, data, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=256)
def _rsa_key(certificate: bytes) -> RSAPublicKey:
    """The key of a certificate: the same few come with every message."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import load_der_x509_certificate

    try:
        key = load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SigningError(Text("ключ сертификата не прочитан", "the key of the certificate cannot be read")) from error
    assert isinstance(key, RSAPublicKey)
    return key


def verify_cms(
    signature: bytes, content: bytes, *, certificates: Sequence[bytes] = (), library: Path | None = None
) -> Container:
    """Verify a detached container over ``content``.

    Args:
        certificates: DER of those that came beside it; РЭМД wants the signer's inside, ФРМР without it.

    Returns:
        what the container says: certificate, signing time.

    Raises:
        SigningError: not a CAdES-BES container of one signer, of another content, or the signature is wrong.
    """
    container = parse(signature, certificates)
    certificate = container.certificate
    algorithm = certificate.algorithm
    if container.message_digest != digest(algorithm, content, library=library):
        raise SigningError(Text("подпись: содержимое другое", "signature: the content is another one"))
    _check_certificate_id(container, library)
    if not verify_raw(certificate, container.attributes, container.signature, library=library):
        raise SigningError(Text("подпись не верна", "the signature is wrong"))
    return container


def _check_certificate_id(container: Container, library: Path | None) -> None:
    der = container.certificate.der
    hashing = container.certificate_hashing or DIGESTS["rsa"]
    known = next((name for name, value in DIGESTS.items() if value == hashing), None)
    if known is None or digest(known, der, library=library) != container.certificate_digest:
        raise SigningError(
            Text(
                "подпись: signing-certificate-v2 указывает на другой сертификат",
                "signature: signing-certificate-v2 names another certificate",
            )
        )
