"""Detached CMS with the attributes of CAdES-BES: building and reading, for any algorithm.

Source: RFC 5652 (CMS), RFC 5035 (signing-certificate-v2), RFC 9215 and the output of OpenSSL's engine for GOST. One
signer per container and its certificate inside, as РЭМД demands (``MULTIPLE_SIGNERS``, ``NO_END_ENTITY_CERTIFICATE``).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapter.errors import SigningError
from adapter.findings import Text
from adapter.signing import der
from adapter.signing.certificate import KEY_ALGORITHMS, Algorithm, SigningCertificate, parse_certificate
from adapter.signing.der import NULL, DerError, Node

_DATA: Final = der.oid("1.2.840.113549.1.7.1")
_SIGNED_DATA: Final = der.oid("1.2.840.113549.1.7.2")
_CONTENT_TYPE: Final = der.oid("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST: Final = der.oid("1.2.840.113549.1.9.4")
_SIGNING_TIME: Final = der.oid("1.2.840.113549.1.9.5")
_SIGNING_CERTIFICATE: Final = der.oid("1.2.840.113549.1.9.16.2.47")

#: Digest that goes with a key.
DIGESTS: Final[Mapping[Algorithm, bytes]] = {
    "gost2012-256": der.oid("1.2.643.7.1.1.2.2"),
    "gost2012-512": der.oid("1.2.643.7.1.1.2.3"),
    "rsa": der.oid("2.16.840.1.101.3.4.2.1"),
}
_KEYS: Final = {algorithm: der.oid(dotted) for dotted, algorithm in KEY_ALGORITHMS.items()}

_ARMOUR: Final = re.compile(rb"-----(?:BEGIN|END) [A-Z0-9 ]+-----")


def build(
    content: bytes,
    certificate: SigningCertificate,
    at: datetime,
    *,
    digest: Callable[[bytes], bytes],
    sign: Callable[[bytes], bytes],
) -> bytes:
    """A detached container over ``content``.

    Args:
        content: the bytes that are signed, to the last one.
        certificate: the signer's.
        at: the signing time; kept to the second.
        digest: digest that goes with the key of the certificate.
        sign: plain signature of bytes by that key, with that digest.
    """
    algorithm = certificate.algorithm
    hashing = der.sequence(DIGESTS[algorithm], NULL)
    attributes = (
        _attribute(_CONTENT_TYPE, _DATA),
        _attribute(_SIGNING_TIME, der.time(at)),
        _attribute(_MESSAGE_DIGEST, der.tlv(der.OCTET_STRING, digest(content))),
        _attribute(_SIGNING_CERTIFICATE, _certificate_id(certificate, digest)),
    )
    signed = der.set_of(*attributes)
    signer = der.sequence(
        der.integer(1),
        der.sequence(certificate.issuer, der.integer(certificate.serial)),
        hashing,
        # The attributes are signed as SET OF and carried under the tag [0].
        b"\xa0" + signed[1:],
        der.sequence(_KEYS[algorithm], NULL),
        der.tlv(der.OCTET_STRING, sign(signed)),
    )
    body = der.sequence(
        der.integer(1),
        der.set_of(hashing),
        der.sequence(_DATA),
        der.tlv(0xA0, certificate.der),
        der.set_of(signer),
    )
    return der.sequence(_SIGNED_DATA, der.tlv(0xA0, body))


def _attribute(kind: bytes, value: bytes) -> bytes:
    return der.sequence(kind, der.set_of(value))


def _certificate_id(certificate: SigningCertificate, digest: Callable[[bytes], bytes]) -> bytes:
    # SHA-256 is the default of ESSCertIDv2, and DER leaves a default out.
    hashing = b"" if certificate.algorithm == "rsa" else der.sequence(DIGESTS[certificate.algorithm], NULL)
    issuer = der.sequence(der.sequence(der.tlv(0xA4, certificate.issuer)), der.integer(certificate.serial))
    one = der.sequence(hashing, der.tlv(der.OCTET_STRING, digest(certificate.der)), issuer)
    return der.sequence(der.sequence(one))


@dataclass(frozen=True, slots=True)
class Container:
    """A container as it was read; nothing of it is verified yet.

    Attributes:
        certificate: the signer's, from the container.
        signing_time: what the signer says.
        message_digest: digest of the content.
        certificate_digest: digest of the signer's certificate in signing-certificate-v2.
        certificate_hashing: OID of that digest, DER; empty for the default SHA-256.
        attributes: the bytes that are signed.
        signature: the signature of them.
    """

    certificate: SigningCertificate
    signing_time: datetime
    message_digest: bytes
    certificate_digest: bytes
    certificate_hashing: bytes
    attributes: bytes
    signature: bytes


def to_der(data: bytes) -> bytes:
    """DER of a container that a tool gave as DER, base64 or PEM.

    Raises:
        SigningError: none of them.
    """
    if data[:1] == b"\x30":
        return data
    try:
        return base64.b64decode(b"".join(_ARMOUR.sub(b"", data).split()), validate=True)
    except binascii.Error:
        raise _refused("не CMS в DER, base64 или PEM", "not CMS in DER, base64 or PEM") from None


def parse(data: bytes, certificates: Sequence[bytes] = ()) -> Container:
    """Read a detached container of one signer.

    Args:
        data: DER.
        certificates: DER of those that came beside it.

    Raises:
        SigningError: not such a container, or something that РЭМД demands is missing; says what.
    """
    try:
        return _parse(data, certificates)
    except (DerError, IndexError, ValueError) as error:
        raise _refused("не разобрать как CMS SignedData в DER", "not CMS SignedData in DER") from error


def without_certificates(data: bytes) -> bytes:
    """The same container without the certificates in it; its signature stays good, since they are not signed.

    Raises:
        SigningError: not SignedData.
    """
    try:
        kind, wrapped = der.only(data).children()
        parts = der.only(wrapped.body).children()
    except (DerError, ValueError) as error:
        raise _refused("не разобрать как CMS SignedData в DER", "not CMS SignedData in DER") from error
    kept = [part.whole for part in parts if part.tag != 0xA0]
    return der.sequence(kind.whole, der.tlv(0xA0, der.sequence(*kept)))


def signing_time(data: bytes) -> datetime:
    """The signing time of a container that was made or verified here, without reading the rest.

    Raises:
        SigningError: it has none.
    """
    at = data.rfind(_SIGNING_TIME)
    try:
        if at >= 0:
            return der.read_time(der.only(der.read(data, at + len(_SIGNING_TIME)).body))
    except DerError:
        pass
    raise _refused("нет атрибута signing-time", "the attribute signing-time is missing")


def _parse(data: bytes, beside: Sequence[bytes]) -> Container:
    kind, wrapped = der.only(data).children()
    if kind.whole != _SIGNED_DATA:
        raise _refused("не SignedData", "not SignedData")
    parts = wrapped.children()[0].children()
    if len(parts[2].children()) != 1:
        raise _refused("подпись не отсоединённая", "the signature is not detached")
    signers = parts[-1].children()
    if len(signers) != 1:
        raise _refused("в контейнере не один подписант", "the container has not exactly one signer")
    signer = signers[0].children()
    if signer[3].tag != 0xA0:
        raise _refused("нет подписанных атрибутов", "there are no signed attributes")
    inside = [node.whole for part in parts[3:-1] if part.tag == 0xA0 for node in part.children()]
    certificate = _of_signer([*inside, *beside], signer[1])
    hashing = signer[2].children()[0].whole
    if hashing != DIGESTS[certificate.algorithm]:
        raise _refused("алгоритм хеширования не подходит к ключу", "the digest algorithm does not go with the key")
    signed = der.read(b"\x31" + signer[3].whole[1:])
    attributes = {pair[0].whole: pair[1].children()[0] for pair in (node.children() for node in signed.children())}
    named = _required(attributes, _SIGNING_CERTIFICATE, "signing-certificate-v2").children()[0].children()[0].children()
    explicit = named[0].tag == der.SEQUENCE
    return Container(
        certificate,
        der.read_time(_required(attributes, _SIGNING_TIME, "signing-time")),
        _required(attributes, _MESSAGE_DIGEST, "message-digest").body,
        named[1 if explicit else 0].body,
        named[0].children()[0].whole if explicit else b"",
        signed.whole,
        signer[5].body,
    )


def _required(attributes: Mapping[bytes, Node], kind: bytes, name: str) -> Node:
    if kind not in attributes:
        raise _refused(f"нет атрибута {name}", f"the attribute {name} is missing")
    return attributes[kind]


def _of_signer(certificates: list[bytes], identity: Node) -> SigningCertificate:
    issuer, serial = (node.whole for node in identity.children())
    for data in certificates:
        certificate = parse_certificate(data)
        if certificate.issuer == issuer and der.integer(certificate.serial) == serial:
            return certificate
    raise _refused("сертификата подписанта в контейнере нет", "the certificate of the signer is not in the container")


def _refused(ru: str, en: str) -> SigningError:
    return SigningError(Text(f"подпись: {ru}", f"signature: {en}"))
