"""The messages of the register of the vaccinated and of ВЗН against files that a person has read.

``EGISZ_UPDATE_GOLDEN=1`` writes them anew. A Bundle that makes none that is right has its errors there instead.
"""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest
from lxml import etree

from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.facts import fact
from adapter.fhir import read
from adapter.findings import Severity
from adapter.mapping.formats import FORMATS
from adapter.mapping.keys import SCHEMAS
from adapter.mapping.model import MessageForm
from adapter.registers.jsonform import JsonForm
from adapter.registers.messages import Message
from adapter.transport.envelope import read as read_envelope
from adapter.xml import parse
from conformance.xsd import load_schema
from tests.golden_files import compare, right

pytestmark = [pytest.mark.packs, pytest.mark.books]

ROOT = Path(__file__).parents[2]
BUNDLES = {
    path.stem: path
    for folder, start in (("bundles", "170-"), ("bundles", "refusal-"), ("registers", "v"))
    for path in sorted((ROOT / "examples" / folder).glob(f"{start}*.json"))
}
GOLDEN = ROOT / "tests" / "golden" / "registers"
PRODUCTS = (
    "vaccination-record",
    "vaccination-record-person",
    "vaccination-record-complication",
    "vaccination-record-pregnancy",
    "vzn-patient",
    "vzn-record",
    "gip-patient",
)


def messages(converter: Converter, name: str, records: dict[str, str] | None = None) -> list[Message]:
    (reading,) = read(BUNDLES[name].read_bytes())
    return list(converter.convert(reading, products=PRODUCTS, records=records).messages)


def told(made: list[Message]) -> dict[str, str]:
    """The messages that are right by their names, with their operations, and what is wrong with the others."""
    lines = []
    for one in made:
        lines.append(f"{one.name}: {one.operation} {one.key.get('reg_id') or one.key.get('registryNumber') or ''}")
        lines += [f"  {said.severity} {said.code} {said.rule} {said.place.fhirpath}" for said in one.findings]
    return right(made) | ({"messages.txt": "\n".join(line.rstrip() for line in lines) + "\n"} if lines else {})


@pytest.mark.parametrize("name", BUNDLES)
def test_messages_are_as_they_were_read(converter: Converter, name: str) -> None:
    compare(told(messages(converter, name)), GOLDEN / name)


def test_no_golden_file_is_without_its_bundle() -> None:
    assert {path.name for path in GOLDEN.iterdir()} <= set(BUNDLES)


def form_of(converter: Converter, product: str) -> MessageForm:
    spec = converter.mappings.message_of(product)
    assert spec is not None
    assert spec.message is not None
    return spec.message


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/*_*.*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_golden_message_is_valid(converter: Converter, path: Path) -> None:
    schema = Catalogue().file(f"{SCHEMAS}/{form_of(converter, path.name.partition('_')[0]).schema}")
    if path.suffix == ".json":
        validator = jsonschema_rs.Draft202012Validator(
            json.loads(schema.read_bytes()), formats=dict(FORMATS), validate_formats=True
        )
        validator.validate(json.loads(path.read_bytes()))
    else:
        assert load_schema(schema).validate(parse(path.read_bytes())) == []


@pytest.mark.parametrize(
    ("name", "product", "operation"),
    [("vaccination-r4-stages", "vaccination-record", "update"), ("vzn-r4-inclusion", "vzn-record", "updateVzn")],
)
def test_a_number_that_the_register_gave_makes_an_update(
    converter: Converter, name: str, product: str, operation: str
) -> None:
    (first,) = [one for one in messages(converter, name) if one.product == product]
    (second,) = [one for one in messages(converter, name, {first.id: "123"}) if one.product == product]
    assert second.ok
    assert (second.id, second.name, second.operation) == (first.id, first.name, operation)
    assert "123" in second.key.values()
    assert second.data != first.data


def test_what_is_said_of_a_record_finds_its_number(converter: Converter) -> None:
    made = {one.product: one for one in messages(converter, "vaccination-r4-stages")}
    record, complication = made["vaccination-record"], made["vaccination-record-complication"]
    assert complication.key["record"] == record.id
    assert [one.severity for one in complication.findings] == [Severity.WARNING]
    known = {one.product: one for one in messages(converter, "vaccination-r4-stages", {record.id: "123"})}
    assert known["vaccination-record-complication"].key["reg_id"] == "123"
    assert known["vaccination-record-complication"].findings == ()


def test_the_first_stage_alone_is_the_same_record(converter: Converter) -> None:
    (whole,) = [one for one in messages(converter, "vaccination-r4-stages") if one.product == "vaccination-record"]
    bundle = json.loads(BUNDLES["vaccination-r4-stages"].read_bytes())
    bundle["entry"] = [one for one in bundle["entry"] if one["resource"]["id"] not in ("i-6002", "ae-6001")]
    (reading,) = read(json.dumps(bundle).encode())
    (first,) = converter.convert(reading, products=["vaccination-record"]).messages
    assert first.data is not None
    assert whole.data is not None
    assert first.id == whole.id
    stages = [json.loads(one.data)["reg"]["sub_stages"] for one in (first, whole) if one.data]
    assert [[one["stage_number"] for one in part] for part in stages] == [[1], [1, 2]]
    assert stages[0][0] == stages[1][0]


@pytest.mark.examples
def test_the_schema_of_a_record_takes_the_public_sample(examples_dir: Path) -> None:
    sample = json.loads((examples_dir / "register" / "covid_vac_record_sample.json").read_bytes())
    del sample["_note"]
    form = JsonForm(Catalogue().file(f"{SCHEMAS}/vaccination-record.schema.json"))
    # The sample leaves out the lists of reactions and of medicines.
    assert {fault.path for fault in form.faults(sample)} <= {
        "reg.sub_stages[0].sub_reactions",
        "reg.sub_stages[0].sub_drugs",
    }
    assert list(form.fitted(fact(sample))["reg"]) == list(sample["reg"])
    assert list(form.fitted(fact(sample))["person"]) == list(sample["person"])


@pytest.mark.examples
def test_the_schema_of_vzn_takes_the_public_samples(examples_dir: Path) -> None:
    tree = parse((examples_dir / "register" / "vzn_samples.xml").read_bytes())
    for recipe in tree.getroot().findall("record[createVznRecipe]"):
        tree.getroot().remove(recipe)
    assert load_schema(Catalogue().file(f"{SCHEMAS}/vzn.xsd")).validate(tree) == []
    assert len(tree.getroot().findall("record")) == 4


@pytest.mark.examples
@pytest.mark.parametrize(
    "sample", ["register/prpa_in201302ru02_sample.xml", "remd/samples/ips_gip_request_unsigned.xml"]
)
def test_the_schema_of_gip_takes_the_public_samples(examples_dir: Path, sample: str) -> None:
    message = read_envelope((examples_dir / sample).read_bytes()).body
    assert message is not None
    schema = load_schema(Catalogue().file(f"{SCHEMAS}/gip.xsd"))
    assert schema.validate(parse(etree.tostring(message))) == []


def test_a_patient_that_gip_knows_is_changed(converter: Converter) -> None:
    (first,) = [one for one in messages(converter, "170-r4b-n3") if one.product == "gip-patient"]
    (again,) = [one for one in messages(converter, "170-r4b-n3", {first.id: "sent"}) if one.product == "gip-patient"]
    assert (first.operation, again.operation) == ("PRPA_IN201301", "PRPA_IN201302")
    assert (again.id, again.ok) == (first.id, True)
    roots = [parse(one.data or b"").getroot() for one in (first, again)]
    assert [str(etree.QName(root).localname) for root in roots] == ["PRPA_IN201301RU02", "PRPA_IN201302RU02"]
    # The messages differ, so their own ids do.
    assert roots[0][0].get("extension") != roots[1][0].get("extension")
