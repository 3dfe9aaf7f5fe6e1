"""Which patients a Bundle is about, read before anything is checked: what is sent about one patient stays in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson
from lxml import etree

from adapter import xml
from adapter.documents.identity import identity_of
from adapter.errors import XmlRefused

_FHIR: Final = "{http://hl7.org/fhir}"


def patients_of(data: bytes) -> tuple[str, ...]:
    """Identities of the patients of a Bundle, sorted; none where it cannot be read, which its conversion will tell.

    JSON and XML of the same Bundle have the same.
    """
    head = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    try:
        found = _in_xml(data) if head == b"<" else _in_json(orjson.loads(data))
        return tuple(sorted({identity for identity in found if identity}))
    except (orjson.JSONDecodeError, XmlRefused):
        return ()


def _in_json(resource: Any) -> Iterator[str]:
    if not isinstance(resource, dict):
        return
    if resource.get("resourceType") == "Patient":
        yield identity_of(resource) if _sound(resource.get("identifier")) else str(resource.get("id") or "")
    entries = resource.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            yield from _in_json(entry.get("resource"))


def _sound(identifiers: Any) -> bool:
    return identifiers is None or (isinstance(identifiers, list) and all(isinstance(one, dict) for one in identifiers))


def _in_xml(data: bytes) -> Iterator[str]:
    for patient in xml.parse(data).getroot().iter(f"{_FHIR}Patient"):
        identifiers = [
            {"system": _value(one, "system"), "value": _value(one, "value")}
            for one in patient.iterchildren(f"{_FHIR}identifier")
        ]
        yield identity_of({"resourceType": "Patient", "identifier": identifiers, "id": _value(patient, "id")})


def _value(element: etree._Element, name: str) -> str:
    child = element.find(f"{_FHIR}{name}")
    return "" if child is None else child.get("value", "")
