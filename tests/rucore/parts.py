"""Datatypes of CDA as RuCore carries them in FHIR R5 (facts page on document Bundles): the reverse of the adapter.

Test code: it reads the Ministry's example, so that none of its sentences stands in the project.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from lxml import etree

Node = etree._Element
Json = dict[str, Any]

CORE: Final = "https://fhir.ru/ig/core/"
SYSTEMS: Final = CORE + "systems/"
PROFILES: Final = CORE + "StructureDefinition/"
CODES: Final = CORE + "CodeSystem/core-cs-"
DAR: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
NULL: Final = "http://hl7.org/fhir/StructureDefinition/iso21090-nullFlavor"
PQ: Final = "http://hl7.org/fhir/StructureDefinition/iso21090-PQ-translation"
UCUM: Final = "http://unitsofmeasure.org"
NSI: Final = "1.2.643.5.1.13.13."
NS: Final = {
    "h": "urn:hl7-org:v3",
    "identity": "urn:hl7-ru:identity",
    "address": "urn:hl7-ru:address",
    "fias": "urn:hl7-ru:fias",
    "medService": "urn:hl7-ru:medService",
}
XSI_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"

#: Books that RuCore has a canonical of.
CANONICAL: Final = {
    "11.1039": "nsi-sources-of-payment", "11.1002": "nsi-medical-workers-positions", "99.2.48": "nsi-identity-document",
    "11.1504": "nsi-address-type", "99.2.206": "nsi-region-rf", "11.1070": "nsi-medical-services",
    "99.2.724": "nsi-coverage-document",
}  # fmt: skip
#: Of these two the canonical is another name of the OID: one coding with the version.
ALIASES: Final = {"11.1077": "nsi-diagnosis-nosology-kind", "99.2.795": "nsi-diagnosis-justification-degree"}


def one(node: Node, path: str) -> Node | None:
    """The first element at a path; names without a prefix are of HL7."""
    found = many(node, path)
    return found[0] if found else None


def many(node: Node, path: str) -> list[Node]:
    """Elements at a path."""
    steps = "/".join(step if step in (".", "") or ":" in step else f"h:{step}" for step in path.split("/"))
    return list(node.findall(steps, NS))


def words(node: Node, path: str) -> str | None:
    """The text of an element, ``None`` where there is none."""
    found = one(node, path)
    return found.text if found is not None and found.text else None


def compact(**values: Any) -> Json:
    """An object of what is there; a trailing ``_`` goes before the name (``date_`` → ``_date``)."""
    named = {("_" + key[:-1] if key.endswith("_") else key): value for key, value in values.items()}
    return {key: value for key, value in named.items() if value not in (None, [], {})}


def absent(flavor: str, *, concept: bool = False) -> Json:
    """An element that is absent for a reason."""
    reason = {"NA": "not-applicable", "OTH": "unsupported" if concept else "unknown"}.get(flavor, "unknown")
    return {"extension": [{"url": DAR, "valueCode": reason}]}


def codings(node: Node) -> list[Json]:
    """A coded element as codings: canonical first, then the book with its version."""
    system, code = node.get("codeSystem", ""), node.get("code")
    short = system.removeprefix(NSI)
    book = {"system": f"urn:oid:{system}", "version": node.get("codeSystemVersion"), "code": code}
    book["display"] = node.get("displayName")
    if short in ALIASES:
        return [{**book, "system": CODES + ALIASES[short]}]
    if short in CANONICAL:
        return [{"system": CODES + CANONICAL[short], "code": code, "display": node.get("displayName")}, book]
    return [book]


def concept(node: Node | None) -> Json | None:
    """A CodeableConcept; a nullFlavor is the reason of its absence."""
    if node is None:
        return None
    if node.get("nullFlavor"):
        return absent(node.get("nullFlavor", ""), concept=True)
    return compact(coding=codings(node), text=words(node, "originalText"))


def moment(node: Node | None, attribute: str = "value") -> str | None:
    """``20230502`` and ``202305021530+0300`` as FHIR writes them."""
    text = "" if node is None else node.get(attribute) or ""
    if not text:
        return None
    day = f"{text[:4]}-{text[4:6]}-{text[6:8]}"
    return day if len(text) == 8 else f"{day}T{text[8:10]}:{text[10:12]}:00{text[12:15]}:{text[15:]}"


def timed(node: Node | None, name: str) -> Json:
    """An element of CDA with a time as ``nameDateTime`` or ``namePeriod``."""
    if node is None:
        return {}
    if node.get("nullFlavor"):
        return {f"_{name}DateTime": absent(node.get("nullFlavor", ""))}
    if node.get("value"):
        return {f"{name}DateTime": moment(node)}
    return {f"{name}Period": period(node)}


def period(node: Node) -> Json:
    """low and high."""
    return compact(start=moment(one(node, "low")), end=moment(one(node, "high")))


def quantity(node: Node) -> Json:
    """The unit of the Russian book is the primary one; that of UCUM is a translation."""
    number = float(node.get("value", ""))
    number = int(number) if number.is_integer() else number
    unit, translation = node.get("unit", ""), one(node, "translation")
    valid = "^" not in unit and unit.isascii()
    ucum = compact(value=number, unit=unit, system=UCUM if valid else None, code=unit if valid else None)
    if translation is None:
        return ucum
    return {
        "value": number, "unit": translation.get("displayName"), "system": f"urn:oid:{translation.get('codeSystem')}",
        "code": translation.get("code"), "extension": [{"url": PQ, "valueQuantity": ucum}],
    }  # fmt: skip


def kind(code: str) -> Json:
    """Type of an identifier in the system of RuCore."""
    return {"coding": [{"system": CODES + "semd-identifier-type", "code": code}]}


def identifier(node: Node, code: str = "") -> Json:
    """An II as an Identifier; ``code`` is its type."""
    root, extension = node.get("root"), node.get("extension")
    system = f"urn:oid:{root}" if root else None
    null = absent(node.get("nullFlavor", "")) if node.get("nullFlavor") else None
    return compact(type=kind(code) if code else None, system=system, value=extension, value_=null)


def telecoms(node: Node) -> list[Json]:
    """``telecom`` elements as ContactPoints."""
    found = []
    for item in many(node, "telecom"):
        scheme, _, value = item.get("value", "").partition(":")
        system = "email" if scheme == "mailto" else "phone"
        found.append(compact(system=system, value=value, use="work" if item.get("use") == "WP" else None))
    return found


def address(node: Node | None, use: str | None = None) -> Json | None:
    """``addr`` as an Address."""
    if node is None:
        return None
    extensions = [
        {"url": PROFILES + name, "valueCodeableConcept": concept(found)}
        for name, path in (("address-type", "address:Type"), ("regionRF", "address:stateCode"))
        if (found := one(node, path)) is not None
    ]
    guids = [
        {"url": name, "valueIdentifier": {"system": f"urn:hl7-ru:fias:{name}", "value": value}}
        for name, path in (("aoguid", "fias:Address/fias:AOGUID"), ("houseguid", "fias:Address/fias:HOUSEGUID"))
        if (value := words(node, path))
    ]
    if guids:
        extensions.append({"url": PROFILES + "fias", "extension": guids})
    return compact(
        extension=extensions, use=use, text=words(node, "streetAddressLine"), postalCode=words(node, "postalCode")
    )


def name(node: Node | None) -> list[Json]:
    """``name`` with its patronymic as a HumanName."""
    if node is None:
        return []
    given = [words(node, "given"), words(node, "identity:Patronymic")]
    return [{"use": "official", "family": words(node, "family"), "given": [part for part in given if part]}]


class Entries:
    """The entries of a Bundle; ids depend on the type and the order alone."""

    def __init__(self) -> None:
        self.all: list[Json] = []

    def add(self, resource: Json) -> Json:
        """Add a resource and give the reference to it."""
        number = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{resource['resourceType']}-{len(self.all)}"))
        self.all.append({"fullUrl": f"urn:uuid:{number}", "resource": {**resource, "id": number}})
        return {"reference": f"urn:uuid:{number}"}
