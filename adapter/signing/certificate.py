"""Certificates: what signing needs to know of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from adapter.errors import SigningError
from adapter.findings import Text
from adapter.signing import der

Algorithm = Literal["gost2012-256", "gost2012-512", "rsa"]

#: Public key algorithms, by OID.
KEY_ALGORITHMS: Final[Mapping[str, Algorithm]] = {
    "1.2.643.7.1.1.1.1": "gost2012-256",
    "1.2.643.7.1.1.1.2": "gost2012-512",
    "1.2.840.113549.1.1.1": "rsa",
}

#: Attributes of the subject (order of ФСБ No. 795): СНИЛС, ОГРН, ИНН of a legal entity, ИНН.
SNILS: Final = "1.2.643.100.3"
OGRN: Final = "1.2.643.100.1"
INN_LEGAL: Final = "1.2.643.100.4"
INN: Final = "1.2.643.3.131.1.1"

#: What the cryptography package raises at bytes that are no certificate; some of it is no ValueError.
_REFUSALS: Final = (
    ValueError,
    TypeError,
    IndexError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
_SEPARATORS: Final = str.maketrans("", "", " -")


def digits(snils: str) -> str:
    """СНИЛС without separators."""
    return snils.translate(_SEPARATORS)


@dataclass(frozen=True, slots=True)
class SigningCertificate:
    """A certificate with a key that may sign.

    Attributes:
        der: the certificate itself.
        subject_snils: СНИЛС of the subject, 11 digits, empty where it has none.
        subject_ogrn: ОГРН of the subject, empty where it has none.
        subject_inn: ИНН of the legal entity, else of the person; without the zeros that pad the former to 12 digits.
        not_before, not_after: validity, with zone.
        serial: serial number.
        algorithm: of the key.
        issuer: name of the issuer, DER as it stands in the certificate.
        may_sign: key usage admits signatures; true where the certificate does not limit the usage.
    """

    der: bytes = field(repr=False)
    subject_snils: str = field(repr=False)
    subject_ogrn: str
    subject_inn: str = field(repr=False)
    not_before: datetime
    not_after: datetime
    serial: int
    algorithm: Algorithm
    issuer: bytes = field(repr=False)
    may_sign: bool

    def valid_on(self, moment: datetime) -> bool:
        """Whether ``moment`` is within the validity."""
        return self.not_before <= moment <= self.not_after


@lru_cache(maxsize=256)
def parse_certificate(data: bytes) -> SigningCertificate:
    """Read a certificate in DER or PEM. The same few come with every message.

    Raises:
        SigningError: not a certificate, or one of a key that cannot sign here.
    """
    try:
        pem = b"-----BEGIN" in data[:4096]
        found = x509.load_pem_x509_certificate(data) if pem else x509.load_der_x509_certificate(data)
        names = _names(found.subject)
        key = found.public_key_algorithm_oid.dotted_string
        whole = found.public_bytes(Encoding.DER)
        certificate = SigningCertificate(
            der=whole,
            subject_snils=names.get(SNILS, ""),
            subject_ogrn=names.get(OGRN, ""),
            subject_inn=_inn(names.get(INN_LEGAL) or names.get(INN, "")),
            not_before=found.not_valid_before_utc,
            not_after=found.not_valid_after_utc,
            serial=found.serial_number,
            algorithm=KEY_ALGORITHMS[key],
            issuer=_issuer(whole),
            may_sign=_may_sign(found),
        )
    except KeyError:
        raise SigningError(
            Text(
                "алгоритм ключа сертификата не поддерживается: нужен ГОСТ Р 34.10-2012 или RSA",
                "the key algorithm of the certificate is not supported: GOST R 34.10-2012 or RSA is needed",
            )
        ) from None
    except _REFUSALS as error:
        raise SigningError(
            Text("не сертификат X.509 в DER или PEM", "not an X.509 certificate in DER or PEM")
        ) from error
    return certificate


def read_certificate(path: Path) -> SigningCertificate:
    """Read the certificate of a file.

    Raises:
        SigningError: the file cannot be read, or :func:`parse_certificate` refuses it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SigningError(Text(f"сертификат {path}: {reason}", f"certificate {path}: {reason}")) from error
    try:
        return parse_certificate(data)
    except SigningError as error:
        raise SigningError(
            Text(f"сертификат {path}: {error.text.ru}", f"certificate {path}: {error.text.en}")
        ) from error


def _names(subject: x509.Name) -> dict[str, str]:
    return {name.oid.dotted_string: str(name.value).strip() for name in subject}


def _inn(value: str) -> str:
    # Before ИНН of legal entities had an attribute of its own, it stood in that of persons, padded to 12 digits.
    return value[2:] if len(value) == 12 and value.startswith("00") else value


def _issuer(whole: bytes) -> bytes:
    parts = der.only(whole).children()[0].children()
    # [0] version, where given, comes before serial number, signature algorithm and issuer.
    return parts[3 if parts[0].tag == 0xA0 else 2].whole


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return usage.digital_signature or usage.content_commitment
