"""The little of DER that a signature container needs: what is written here, and reading with strict lengths.

Source: ITU-T X.690. Only definite lengths and tags below 31 occur in the structures of X.509 and CMS.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

from adapter.errors import InternalError

INTEGER: Final = 0x02
OCTET_STRING: Final = 0x04
OID: Final = 0x06
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31

NULL: Final = b"\x05\x00"


class DerError(ValueError):
    """The bytes are not DER; callers say whose bytes they are."""


class Node(NamedTuple):
    """One element: its tag, its content, and the whole with the header."""

    tag: int
    body: bytes
    whole: bytes

    def children(self) -> list[Node]:
        """Elements of the content.

        Raises:
            DerError: it does not consist of elements.
        """
        found, at = [], 0
        while at < len(self.body):
            node = read(self.body, at)
            found.append(node)
            at += len(node.whole)
        return found


def read(data: bytes, at: int = 0) -> Node:
    """The element that begins at ``at``.

    Raises:
        DerError: the bytes end early, a length is indefinite, or a tag is of the long form.
    """
    try:
        tag, length = data[at], data[at + 1]
        begin = at + 2
        if tag & 0x1F == 0x1F or length == 0x80:
            raise DerError("long tag or indefinite length")
        if length > 0x80:
            size = length & 0x7F
            if size > 4 or len(data) < begin + size:
                raise DerError("length")
            begin, length = begin + size, int.from_bytes(data[begin : begin + size])
    except IndexError:
        raise DerError("the bytes end early") from None
    if begin + length > len(data):
        raise DerError("the bytes end early")
    return Node(tag, data[begin : begin + length], data[at : begin + length])


def only(data: bytes) -> Node:
    """The one element that ``data`` is.

    Raises:
        DerError: not DER, or bytes follow it.
    """
    node = read(data)
    if len(node.whole) != len(data):
        raise DerError("bytes after the end")
    return node


def tlv(tag: int, *parts: bytes) -> bytes:
    """An element with ``parts`` as content."""
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(octets))) + octets + body


def sequence(*parts: bytes) -> bytes:
    """SEQUENCE."""
    return tlv(SEQUENCE, *parts)


def set_of(*parts: bytes) -> bytes:
    """SET OF, in the order that DER demands."""
    return tlv(SET, *sorted(parts))


def integer(value: int) -> bytes:
    """INTEGER."""
    return tlv(INTEGER, value.to_bytes((value if value >= 0 else ~value).bit_length() // 8 + 1, signed=True))


def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    body = bytearray()
    for arc in (first * 40 + second, *rest):
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(0x80 | arc & 0x7F)
        body += bytes(reversed(septets))
    return tlv(OID, bytes(body))


def time(moment: datetime) -> bytes:
    """UTCTime up to 2049, GeneralizedTime after (RFC 5652, 11.3); whole seconds of UTC.

    Raises:
        InternalError: the moment has no zone.
    """
    if moment.tzinfo is None:
        raise InternalError("a signing time without a zone")
    moment = moment.astimezone(UTC)
    if 1950 <= moment.year < 2050:
        return tlv(UTC_TIME, moment.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(GENERALIZED_TIME, f"{moment.year:04}{moment:%m%d%H%M%S}Z".encode())


def read_time(node: Node) -> datetime:
    """The moment of a UTCTime or GeneralizedTime.

    Raises:
        DerError: something else, or not in the form that DER demands.
    """
    try:
        if node.tag == GENERALIZED_TIME:
            return datetime.strptime(node.body.decode("ascii"), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
        if node.tag == UTC_TIME:
            text = node.body.decode("ascii")
            century = "20" if text[:2] < "50" else "19"
            return datetime.strptime(century + text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise DerError("time") from None
    raise DerError("time")
