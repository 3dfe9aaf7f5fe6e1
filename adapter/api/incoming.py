"""The body of a request: read with a limit, unpacked, and looked into just enough to store it."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from starlette.requests import Request

from adapter import xml
from adapter.api.media import Form, sent
from adapter.api.refusals import refused
from adapter.errors import XmlRefused
from adapter.findings import Text
from adapter.xml import XmlLimits

#: Types of a Bundle that ask for nothing to be done.
_ANSWERS: Final = frozenset(
    {"searchset", "history", "batch-response", "transaction-response", "subscription-notification"}
)
_FHIR: Final = "{http://hl7.org/fhir}"


class _Identifier(msgspec.Struct):
    system: str = ""
    value: str = ""


class _Resource(msgspec.Struct):
    resourceType: str = ""  # noqa: N815 - the field of FHIR
    identifier: Any = None


class _Entry(msgspec.Struct):
    resource: _Resource | None = None


class _Bundle(msgspec.Struct):
    resourceType: str = ""  # noqa: N815 - the field of FHIR
    type: str = ""
    identifier: _Identifier | None = None
    entry: list[_Entry] = []


@dataclass(frozen=True, slots=True)
class Incoming:
    """A Bundle as it came.

    Attributes:
        data: unpacked bytes.
        form: JSON or XML.
        identifier: ``system|value`` of Bundle.identifier, empty where there is none.
        organisations: values of identifiers of its Organizations, OIDs without ``urn:oid:``.
    """

    data: bytes
    form: Form
    identifier: str
    organisations: frozenset[str]


async def receive(request: Request, limit: int) -> Incoming:
    """Read the Bundle of a request.

    Args:
        limit: most bytes, unpacked.

    Raises:
        RequestRefused: 400, 413, 415 or 422.
    """
    form = sent(request.headers.get("content-type", ""))
    data = await body(request, limit)
    identifier, kind, organisations = _head_of_xml(data, limit) if form is Form.XML else _head_of_json(data)
    if kind in _ANSWERS:
        raise refused(
            422,
            "API09",
            Text("Bundle такого типа ничего не просит сделать.", "A Bundle of this type asks for nothing."),
            Text(
                "Bundle.type: batch, transaction, document, message или collection.",
                "Bundle.type: batch, transaction, document, message or collection.",
            ),
        )
    return Incoming(data, form, identifier, organisations)


async def body(request: Request, limit: int) -> bytes:
    """The body of a request, unpacked.

    Raises:
        RequestRefused: 400 not gzip though it says so, 413 more than ``limit`` bytes, 415 another packing.
    """
    packing = request.headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("identity", "gzip", ""):
        raise refused(
            415,
            "API05",
            Text("Сжатие тела может быть только gzip.", "The body can only be packed with gzip."),
            headers={"Accept-Encoding": "gzip"},
        )
    parts = _unpacked(request.stream(), limit) if packing == "gzip" else request.stream()
    received = bytearray()
    async for part in parts:
        received += part
        if len(received) > limit:
            raise _too_large(limit)
    return bytes(received)


async def _unpacked(stream: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """Unpack gzip; a part never grows past the limit, whatever was packed."""
    packer = zlib.decompressobj(wbits=31)
    try:
        async for part in stream:
            yield packer.decompress(part, limit + 1)
            if packer.unconsumed_tail:
                raise _too_large(limit)
    except zlib.error:
        raise _broken_gzip() from None
    if not packer.eof:
        raise _broken_gzip()


def _head_of_json(data: bytes) -> tuple[str, str, frozenset[str]]:
    try:
        bundle = msgspec.json.decode(data, type=_Bundle)
    except (msgspec.ValidationError, msgspec.DecodeError):
        # The reader of FHIR says where and why, in both languages.
        return _unreadable(data)
    if bundle.resourceType != "Bundle":
        raise _no_bundle()
    found = [entry.resource for entry in bundle.entry if entry.resource is not None]
    named = [one for one in found if one.resourceType == "Organization"]
    organisations = frozenset(oid for one in named for oid in _values(one.identifier))
    identifier = bundle.identifier
    name = f"{identifier.system}|{identifier.value}" if identifier is not None and identifier.value else ""
    return name, bundle.type, organisations


def _unreadable(data: bytes) -> tuple[str, str, frozenset[str]]:
    from adapter.errors import InputError, RequestRefused
    from adapter.fhir import FhirLimits, read

    try:
        readings = read(data, limits=FhirLimits.configured())
    except InputError as error:
        raise RequestRefused(400, (error.finding,)) from None
    # Readable, though its head is not of the usual shape: the findings of the reading tell.
    errors = tuple(finding for reading in readings for finding in reading.findings)
    raise RequestRefused(422, errors) if errors else _no_bundle()


def _head_of_xml(data: bytes, limit: int) -> tuple[str, str, frozenset[str]]:
    try:
        root = xml.parse(data, XmlLimits(limit)).getroot()
    except XmlRefused as error:
        from adapter.errors import RequestRefused

        raise RequestRefused(400, (error.finding,)) from None
    if root.tag != f"{_FHIR}Bundle":
        raise _no_bundle()

    def value(path: str) -> str:
        found = root.find(path.replace("/", f"/{_FHIR}") if path else path)
        return found.get("value", "") if found is not None else ""

    named = value("./identifier/value")
    organisations = frozenset(
        _oid(one.get("value", ""))
        for one in root.iterfind(f"{_FHIR}entry/{_FHIR}resource/{_FHIR}Organization/{_FHIR}identifier/{_FHIR}value")
    )
    return f"{value('./identifier/system')}|{named}" if named else "", value("./type"), organisations


def _values(identifiers: Any) -> list[str]:
    if not isinstance(identifiers, list):
        return []
    return [_oid(one["value"]) for one in identifiers if isinstance(one, dict) and isinstance(one.get("value"), str)]


def _oid(text: str) -> str:
    return text.removeprefix("urn:oid:")


def _too_large(limit: int) -> Exception:
    return refused(
        413,
        "API07",
        Text(f"Тело больше допустимого: предел {limit} байт.", f"The body is too large: the limit is {limit} bytes."),
        Text(
            "Разделите Bundle или поднимите предел EGISZ_FHIR_MAX_BYTES.",
            "Split the Bundle, or raise the limit EGISZ_FHIR_MAX_BYTES.",
        ),
    )


def _broken_gzip() -> Exception:
    return refused(
        400, "API10", Text("Тело сжато неверно: это не gzip.", "The body is not the gzip that it says it is.")
    )


def _no_bundle() -> Exception:
    return refused(
        422,
        "API09",
        Text("Тело должно быть Bundle.", "The body must be a Bundle."),
        Text("Положите ресурсы в Bundle типа transaction.", "Put the resources into a Bundle of type transaction."),
    )
