"""Messages by a catalogue of our own: forms, routes, findings with the place of their source."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapter.catalogue import Catalogue
from adapter.cli import app
from adapter.convert import Converter
from adapter.errors import MappingError
from adapter.fhir import read
from adapter.mapping.mappings import Mappings
from adapter.nsi import BookStore
from adapter.organisation import load_organisation
from adapter.registers.messages import Message

SCHEMA = """{"type": "object", "properties": {"name": {"type": "string", "maxLength": 5}, "born": {"type": "string"},
"code": {"type": ["integer", "null"]}}, "required": ["name", "born", "code"]}"""
PERSON = """
register: person
source: Patient
message: {form: json, schema: person.schema.json}
fields:
  operation: ["iif(%number.exists(), 'change', {})", "'create'"]
  key: {fields: {number: "%number"}}
  body: {fields: {name: name.family, born: birthDate, code: {from: "%org.code"}}}
"""
WSDL = """<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:t" xmlns:t="urn:t">
<types><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t" elementFormDefault="qualified">
<xs:element name="Add"><xs:complexType><xs:sequence><xs:element name="name" type="xs:string"/>
<xs:element name="born" type="xs:string" minOccurs="0"/></xs:sequence></xs:complexType></xs:element></xs:schema></types>
</definitions>"""
XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="person"><xs:complexType><xs:sequence>
<xs:element name="name" type="xs:NCName"/></xs:sequence></xs:complexType></xs:element></xs:schema>"""
FILES = {
    "mappings/registers/person.yaml": PERSON,
    "mappings/registers/soap.yaml": """
register: soap
source: Patient
message: {form: soap, schema: t.wsdl, element: "{urn:t}"}
fields: {operation: "'Add'", body: {fields: {name: name.family, born: birthDate}}}
""",
    "mappings/registers/xml.yaml": """
register: xml
source: Patient
message: {form: xml, schema: person.xsd, template: own.xml.j2}
fields: {body: {fields: {name: {from: name.family, required: true}}}}
""",
    "mappings/registers/schemas/person.schema.json": SCHEMA,
    "mappings/registers/schemas/t.wsdl": WSDL,
    "mappings/registers/schemas/person.xsd": XSD,
    "templates/own.xml.j2": "<person>{% if facts.name %}<name>{{ facts.name }}</name>{% endif %}</person>",
    "mappings/routes/own.yaml": """
routes:
  - {id: person, product: person, focus: Patient, on: false}
  - {id: soap, product: soap, focus: Patient, on: false}
  - {id: xml, product: xml, focus: Patient, on: false}
""",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("catalogue")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


@pytest.fixture(scope="module")
def converter(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Converter:
    catalogue = Catalogue(folder)
    books = BookStore(tmp_path_factory.mktemp("books"), catalogue)
    return Converter(catalogue, books, load_organisation(catalogue), checker=None)


def bundle(**patient: Any) -> bytes:
    given = {"id": "p", "name": [{"family": "Ивин"}], "birthDate": "1980-01-02", **patient}
    resource = {"resourceType": "Patient", **given}
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource}]}).encode()


def made(converter: Converter, product: str, *, records: dict[str, str] | None = None, **patient: Any) -> Message:
    (reading,) = read(bundle(**patient))
    (message,) = converter.convert(reading, products=[product], records=records).messages
    return message


def told(message: Message) -> list[tuple[str, str, str]]:
    return [(one.code, one.rule, one.place.fhirpath) for one in message.findings]


def test_json(converter: Converter) -> None:
    message = made(converter, "person")
    assert message.ok
    assert message.data == '{\n  "name": "Ивин",\n  "born": "1980-01-02",\n  "code": null\n}\n'.encode()
    assert (message.form, message.operation, message.key, message.focus) == (
        "json",
        "create",
        {},
        "Bundle.entry[0].resource",
    )
    assert message.name == f"person_{message.id}.json"


def test_soap(converter: Converter) -> None:
    message = made(converter, "soap")
    assert message.ok
    assert b'<m:Add xmlns:m="urn:t">\n  <m:name>' in (message.data or b"")
    assert message.name.endswith(".xml")


def test_xml(converter: Converter) -> None:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<person>", "  <name>Ивин</name>", "</person>", ""]
    assert (made(converter, "xml").data or b"").decode() == "\n".join(lines)


@pytest.mark.parametrize("product", ["person", "soap"])
def test_what_is_absent_names_the_element_to_fill(converter: Converter, product: str) -> None:
    message = made(converter, product, name=[{"given": ["Иван"]}])
    assert not message.ok
    assert told(message) == [("MAP01", f"{product}.body.name", "Bundle.entry[0].resource.name.family")]
    assert message.findings[0].hint.en == "Fill Patient.name.family."


def test_what_does_not_fit_names_its_source_and_no_value(converter: Converter) -> None:
    message = made(converter, "person", name=[{"family": "Константинопольский"}])
    assert told(message) == [("MSG01", "person.body.name", "Bundle.entry[0].resource.name.family")]
    assert message.findings[0].message.en == "«body.name» does not fit the register: more characters than 5."


def test_xml_that_is_not_valid(converter: Converter) -> None:
    assert [code for code, _, _ in told(made(converter, "xml", name=[{"family": "1 2"}]))] == ["XSD01"]


def test_after_an_error_of_ours_the_xsd_says_nothing(converter: Converter) -> None:
    message = made(converter, "xml", name=[{"given": ["Иван"]}])
    assert told(message) == [("MAP01", "xml.body.name", "Bundle.entry[0].resource.name.family")]
    assert message.data is not None


def test_a_number_of_the_register(converter: Converter) -> None:
    first = made(converter, "person")
    known = made(converter, "person", records={first.id: "77"})
    assert (known.operation, known.key, known.id) == ("change", {"number": "77"}, first.id)


def test_the_id_depends_on_the_resource_and_the_sender_alone(converter: Converter) -> None:
    one, two = made(converter, "person"), made(converter, "person", name=[{"family": "Петрова"}])
    assert one.id == two.id
    assert made(converter, "soap").id != one.id
    assert made(converter, "person", id="other").id != one.id


@pytest.mark.parametrize(
    ("routes", "asked", "count"),
    [
        ({}, (), 0),
        ({}, ("person",), 1),
        ({"person": True}, (), 1),
        ({"person": None}, ("person",), 0),
        ({"person": True}, ("170",), 0),
    ],
)
def test_a_message_is_made_when_switched_on_or_asked_for(
    converter: Converter, routes: dict[str, Any], asked: tuple[str, ...], count: int
) -> None:
    sender = converter.sent_by(replace(converter.organisation, routes=routes))
    (reading,) = read(bundle())
    assert len(sender.convert(reading, products=asked).messages) == count


def test_an_organisation_takes_another_route(converter: Converter) -> None:
    sender = converter.sent_by(replace(converter.organisation, routes={"person": ("soap",)}))
    (reading,) = read(bundle())
    assert [one.form for one in sender.convert(reading).messages] == ["soap"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("{form: yaml, schema: x}", "json, soap or xml is expected"),
        ("{form: json}", "the message has no «schema»"),
        ("{form: soap, schema: x.wsdl}", "the message has no «element»"),
        ("{form: xml, schema: x.xsd}", "the message has no «template»"),
        ("{form: json, schema: x, colour: red}", "unknown key «colour»"),
        ("json", "«message» must be a mapping"),
    ],
)
def test_a_message_that_is_not_said_right(tmp_path: Path, message: str, reason: str) -> None:
    path = tmp_path / "mappings" / "registers" / "x.yaml"
    path.parent.mkdir(parents=True)
    head = f"register: x\nsource: Patient\nmessage: {message}\n"
    path.write_text(head + "fields: {body: {fields: {a: id}}}\n", "utf-8")
    with pytest.raises(MappingError, match=reason):
        Mappings.load(Catalogue(tmp_path))


def test_the_command_writes_messages_and_says_what_is_wrong(folder: Path, tmp_path: Path) -> None:
    good, bad, out = tmp_path / "a.json", tmp_path / "b.json", tmp_path / "out"
    good.write_bytes(bundle())
    bad.write_bytes(bundle(id="q", name=[{"given": ["Иван"]}]))
    arguments = ["convert", str(good), str(bad), "--out", str(out), "--catalogue", str(folder), "--product", "person"]
    result = CliRunner().invoke(app, [*arguments, "--force", "--trace"])
    assert result.exit_code == 1, result.output
    entries = json.loads((out / "manifest.json").read_bytes())["bundles"]
    (right,), (wrong,) = (entry["messages"] for entry in entries)
    assert (right["ok"], right["operation"], wrong["ok"]) == (True, "create", False)
    assert (out / right["file"]).read_bytes().startswith(b"{")
    assert wrong["file"].endswith(".INVALID.json")
    assert len([*out.glob("*.trace.json")]) == 2
    assert "MAP01" in result.output


def test_the_same_message_twice_in_a_run_is_an_error(folder: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_bytes(bundle())
    arguments = ["convert", str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(
        app, [*arguments, "--catalogue", str(folder), "--product", "person", "--format", "json"]
    )
    (first, second) = json.loads(result.output)["bundles"]
    assert (first["ok"], second["ok"], result.exit_code) == (True, False, 1)
    assert [one["code"] for one in second["messages"][0]["findings"]] == ["DOC05"]
