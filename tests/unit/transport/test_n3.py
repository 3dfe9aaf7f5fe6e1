"""The WSDL of N3 against the contract and the samples, and messages with derived types."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from lxml import etree

from adapter.catalogue import Catalogue
from adapter.errors import UsageError
from adapter.facts import II, Coding, Fact
from adapter.transport.schema import N3, XSI, load_schema
from adapter.xml import parse
from conformance.xsd import load_schema as load_xsd

EMK_WSDL, PIX_WSDL = (Catalogue().file(f"mappings/registers/schemas/n3/{name}.wsdl") for name in ("emk", "pix"))
XS = "{http://www.w3.org/2001/XMLSchema}"
MARK = "{urn:egisz-adapter:evidence}is"
SIMPLE = {
    "string": "string", "bool": "boolean", "byte": "unsignedByte", "short": "short", "ushort": "unsignedShort",
    "int": "int", "decimal": "decimal", "float": "float", "System.DateTime": "dateTime", "System.Uri": "anyURI",
    "byte[]": "base64Binary", "int[]": "ArrayOfint", "string[]": "ArrayOfstring",
}  # fmt: skip


@lru_cache
def _types() -> dict[str, dict[str, etree._Element]]:
    """Target namespace → complex types by name."""
    found: dict[str, dict[str, etree._Element]] = {}
    for file in EMK_WSDL.parent.glob("*.xsd"):
        root = parse(file.read_bytes()).getroot()
        types = {str(one.get("name")): one for one in root.iterchildren(f"{XS}complexType")}
        found.setdefault(str(root.get("targetNamespace")), {}).update(types)
    return found


def _elements(of: etree._Element) -> list[tuple[str, str]]:
    """Name and local name of the type of each element."""
    return [(str(one.get("name")), str(one.get("type")).rpartition(":")[2]) for one in of.iter(f"{XS}element")]


def _local(name: str) -> str:
    """The local name of the type that the contract names."""
    name = name.rstrip("?")
    if name in SIMPLE:
        return SIMPLE[name]
    array = name.endswith("[]")
    parts = name.removesuffix("[]").replace("MedDocumentDto", "MedDocumentDto.").split(".")
    # A nested class has the outer one in its name.
    nested = next(
        (i for i, part in enumerate(parts) if part in {"ResInstr", "PacsResult", "MedDocumentDto"}), len(parts) - 1
    )
    return ("ArrayOf" if array else "") + ".".join(parts[nested:])


def test_every_type_of_the_contract_stands_in_its_order(examples_dir: Path) -> None:
    contract = json.loads((examples_dir / "register/n3_emk_contract.json").read_bytes())["types"]
    for key, known in contract.items():
        name = key.partition("#")[2]
        made = _types()[known["ns"]][name]
        assert _elements(made) == [(one["name"], _local(one["type"])) for one in known["fields"]], name
        extended = made.find(f".//{XS}extension")
        base = None if extended is None else str(extended.get("base")).rpartition(":")[2]
        assert base == (None if known["base"] == "object" else _local(known["base"])), name


def test_the_patient_is_that_of_the_interface(examples_dir: Path) -> None:
    root = parse((examples_dir / "register/n3_pix_wsdl/PixService1.xsd").read_bytes()).getroot()
    known = {str(one.get("name")): _elements(one) for one in root.iterchildren(f"{XS}complexType")}
    made = _types()[str(root.get("targetNamespace"))]
    assert {name: _elements(one) for name, one in made.items()} == known


def _marked() -> Iterator[tuple[str, etree._Element]]:
    for file in EMK_WSDL.parent.glob("*.xsd"):
        for one in parse(file.read_bytes()).iter(f"{XS}element"):
            yield file.name, one


def test_every_element_has_its_evidence() -> None:
    assert {
        (file, one.get("name")) for file, one in _marked() if one.get(MARK) not in {"observed", "inferred"}
    } == set()


SAMPLES = {
    "n3_addcase_amb_sample.xml": EMK_WSDL,
    "n3_addsteptocase_sample.xml": EMK_WSDL,
    "n3_addpatient_sample.xml": PIX_WSDL,
}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_valid(examples_dir: Path, name: str) -> None:
    body = parse((examples_dir / "register" / name).read_bytes()).getroot()[0][0]
    alone = etree.ElementTree(copy.deepcopy(body))
    assert load_xsd(SAMPLES[name].with_suffix(".xsd")).validate(alone) == []
    assert load_schema(SAMPLES[name]).parse(body)["guid"] == "00000000-0000-0000-0000-000000000000"


def _values(element: etree._Element) -> object:
    """An element as `build` takes it."""
    if not len(element):
        return element.text or ""
    names = [etree.QName(one).localname for one in element]
    if etree.QName(element).localname in {"Steps", "MedRecords", "Documents", "Addresses", "Contacts", "Inf"}:
        return [_values(one) for one in element]
    values: dict[str, object] = {name: _values(one) for name, one in zip(names, element, strict=True)}
    derived = element.get(f"{{{XSI}}}type")
    return {**values, "@type": derived.rpartition(":")[2]} if derived else values


def _told(element: etree._Element) -> object:
    """What an element says, whatever the prefixes."""
    derived = (element.get(f"{{{XSI}}}type") or "").rpartition(":")[2]
    return str(element.tag), derived, (element.text or "").strip(), [_told(one) for one in element]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_message_of_the_values_of_a_sample_is_the_sample(examples_dir: Path, name: str) -> None:
    body = parse((examples_dir / "register" / name).read_bytes()).getroot()[0][0]
    values = _values(body)
    assert isinstance(values, dict)
    made = load_schema(SAMPLES[name]).build(str(body.tag), values)
    assert _told(made) == _told(body)


def test_order_of_the_values_does_not_matter() -> None:
    schema = load_schema(EMK_WSDL)
    record = {"MkbCode": "Z00.0", "DiagnosedDate": "2026-01-01T00:00:00"}
    one = {
        "@type": "CaseAmb",
        "IdCaseType": 2,
        "IdLpu": "1.2.3",
        "MedRecords": [{"@type": "Diagnosis", "DiagnosisInfo": record}],
    }
    other = {
        "MedRecords": [{"DiagnosisInfo": dict(reversed(record.items())), "@type": "Diagnosis"}],
        "IdLpu": "1.2.3",
        "IdCaseType": 2,
        "@type": "CaseAmb",
    }
    made = [etree.tostring(schema.build(f"{{{N3}}}AddCase", {"caseDto": case})) for case in (one, other)]
    assert made[0] == made[1]
    assert made[0].index(b"IdLpu") < made[0].index(b"IdCaseType") < made[0].index(b"MedRecords")


def test_a_type_without_parts_keeps_the_prefix_of_its_name() -> None:
    """The prefix stands in the value of an attribute alone."""
    made = load_schema(EMK_WSDL).build(f"{{{N3}}}AddMedRecord", {"medRecord": {"@type": "Form027U"}})
    prefix, _, local = str(made[0].get(f"{{{XSI}}}type")).partition(":")
    assert (made[0].nsmap[prefix], local) == (
        "http://schemas.datacontract.org/2004/07/N3.EMK.Dto.MedRec.MedDoc",
        "Form027U",
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"caseDto": {"@type": "NoSuchCase"}}, r"AddCase\.caseDto: NoSuchCase"),
        ({"caseDto": {"@type": "CaseAmb", "NoSuch": "x"}}, r"AddCase\.caseDto\.NoSuch"),
        ({"caseDto": {"@type": "CaseAmb", "Steps": [{"BedProfile": 1}]}}, r"Steps\.StepAmb\.BedProfile"),
    ],
)
def test_what_the_wsdl_has_not_is_named(values: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        load_schema(EMK_WSDL).build(f"{{{N3}}}AddCase", values)


def test_facts_that_have_lists_stand_for_one_list() -> None:
    """A map has one list for each sort of record; the message has one list of all."""
    of = Fact(
        {
            "diagnoses": [Fact({"@type": "Diagnosis"})],
            "services": [],
            "others": None,
            "plans": [{"@type": "ImmunizationPlan"}],
        }
    )
    made = load_schema(EMK_WSDL).build(f"{{{N3}}}AddCase", {"caseDto": {"@type": "CaseAmb", "MedRecords": of}})
    types = [str(one.get(f"{{{XSI}}}type")).rpartition(":")[2] for one in made[0][0]]
    assert types == ["Diagnosis", "ImmunizationPlan"]


def test_values_of_a_mapping_are_written_bare() -> None:
    attachment = {"Data": "0K3R\n0Lg=", "MimeType": "text/plain"}
    case = {
        "@type": "CaseAmb",
        "IdCaseMis": II("1.2.3.15", "E-1"),
        "IdPaymentType": Coding("1", "1.2.3", "", "", ""),
        "MedRecords": [{"@type": "ConsultNote", "Attachments": [attachment]}],
    }
    text = etree.tostring(load_schema(EMK_WSDL).build(f"{{{N3}}}AddCase", {"caseDto": case}), encoding="unicode")
    assert ">E-1<" in text
    assert "IdPaymentType>1<" in text
    assert "Data>0K3R0Lg=<" in text
