"""The messages of N3 of every example Bundle against files that a person has read, and what decides the operation.

``EGISZ_UPDATE_GOLDEN=1`` writes them anew. A Bundle that N3 cannot take has its errors there instead.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.catalogue import Catalogue
from adapter.convert import Conversion, Converter
from adapter.fhir import read
from adapter.findings import Severity
from adapter.registers.messages import Message
from adapter.transport.schema import load_schema
from adapter.xml import parse
from conformance.xsd import load_schema as load_xsd
from tests.converters import make
from tests.golden_files import compare, right

pytestmark = [pytest.mark.packs, pytest.mark.books]

ROOT = Path(__file__).parents[2]
BUNDLES = {
    path.stem: path
    for folder in ("bundles", "registers")
    for path in sorted((ROOT / "examples" / folder).glob("*.json"))
    if folder == "bundles" or path.stem.startswith("case-")
}
GOLDEN = ROOT / "tests" / "golden" / "n3"
PRODUCTS = (
    "iemk-patient",
    "iemk-case",
    "iemk-step",
    "iemk-vaccination",
    "iemk-reaction",
    "iemk-exemption",
    "iemk-plan",
)
SCHEMAS = Catalogue().file("mappings/registers/schemas/n3/emk.wsdl").parent


def messages(converter: Converter, name: str, *, change: dict[str, str] | None = None, **records: str) -> list[Message]:
    """The messages of an example; ``change`` replaces texts in it, ``records`` are states that were kept."""
    text = BUNDLES[name].read_text("utf-8")
    for old, new in (change or {}).items():
        assert old in text
        text = text.replace(old, new)
    (reading,) = read(text.encode())
    kept = {key.replace("_", "-"): value for key, value in records.items()}
    return list(converter.convert(reading, products=PRODUCTS, records=kept).messages)


def told(made: list[Message]) -> dict[str, str]:
    """The messages that are right by their names, and what is wrong with the others."""
    wrong = [
        f"{one.product} {one.operation} {finding.code} {finding.rule} {finding.place.fhirpath}"
        for one in made
        for finding in one.findings
        if finding.severity is Severity.ERROR
    ]
    return right(made) | ({"errors.txt": "\n".join(wrong) + "\n"} if wrong else {})


@pytest.mark.parametrize("name", BUNDLES)
def test_messages_are_as_they_were_read(converter: Converter, name: str) -> None:
    compare(told(messages(converter, name)), GOLDEN / name)


@pytest.mark.parametrize("name", [name for name in BUNDLES if name.startswith("case-")])
def test_the_examples_of_cases_have_no_fault(converter: Converter, name: str) -> None:
    made = messages(converter, name)
    assert {one.product for one in made} >= {"iemk-patient", "iemk-case", "iemk-step"}
    assert all(one.ok for one in made)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/*.xml")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_golden_messages_are_valid_and_zeep_reads_them(path: Path) -> None:
    tree = parse(path.read_bytes())
    name = "pix" if path.name.startswith("iemk-patient") else "emk"
    assert load_xsd(SCHEMAS / f"{name}.xsd").validate(tree) == []
    assert load_schema(SCHEMAS / f"{name}.wsdl").parse(tree.getroot())["guid"] is None


def test_no_golden_file_is_without_its_bundle() -> None:
    assert {path.name for path in GOLDEN.iterdir()} <= set(BUNDLES)


FINISHED: dict[str, str] = {}
GOES_ON = {'"status": "finished"': '"status": "in-progress"'}
WITHDRAWN = {'"status": "finished"': '"status": "entered-in-error"'}


@pytest.mark.parametrize(
    ("change", "state", "operation"),
    [
        (FINISHED, "", "AddCase"),
        (FINISHED, "open", "CloseCase"),
        (FINISHED, "closed", "UpdateCase"),
        (GOES_ON, "", "CreateCase"),
        (GOES_ON, "open", "CreateCase"),
        (WITHDRAWN, "", "CancelCase"),
        (WITHDRAWN, "closed", "CancelCase"),
    ],
)
def test_what_was_sent_decides_the_operation(
    converter: Converter, change: dict[str, str], state: str, operation: str
) -> None:
    made = messages(converter, "case-r4-stay", change=change, **({"E_9602": state} if state else {}))
    (case,) = [one for one in made if one.product == "iemk-case"]
    assert (case.id, case.operation, case.ok) == ("E-9602", operation, True)
    assert case.data is not None
    root = parse(case.data).getroot()
    assert str(root.tag).endswith("}" + operation)
    # What was sent with the case that was open is not sent again.
    assert (b"<case:Steps>" in case.data) == (operation in {"AddCase", "UpdateCase", "CreateCase"})
    assert (b"<case:CloseDate>" in case.data) == (operation in {"AddCase", "UpdateCase", "CloseCase"})


def test_a_patient_that_was_sent_is_updated(converter: Converter) -> None:
    made = [one for one in messages(converter, "case-r4-stay", P_9602="sent") if one.product == "iemk-patient"]
    assert [(one.id, one.operation, one.ok) for one in made] == [("P-9602", "UpdatePatient", True)]


def test_a_code_that_is_no_number_is_told_by_the_schema(converter: Converter) -> None:
    before, mark, after = BUNDLES["case-r4-stay"].read_text("utf-8").partition('"HospResult"')
    (reading,) = read((before + mark + after.replace('"valueString": "1"', '"valueString": "секрет"', 1)).encode())
    (case,) = converter.convert(reading, products=("iemk-case",)).messages
    assert not case.ok
    wrong = [one for one in case.findings if one.severity is Severity.ERROR]
    assert [one.code for one in wrong] == ["XSD01"]
    assert "HospResult" in wrong[0].xpath
    assert "секрет" not in str(wrong)


def test_what_is_told_of_a_worker_is_told_once(converter: Converter) -> None:
    made = messages(converter, "170-r4-frcore")
    for one in made:
        assert len(set(one.findings)) == len(one.findings)


def test_no_token_and_no_message_without_being_asked(converter: Converter) -> None:
    """The token of the system is put in when a message is sent; a clinic that sends documents gets no messages."""
    assert all(b"guid" not in (one.data or b"") for one in messages(converter, "case-r4-outpatient"))
    (reading,) = read(BUNDLES["case-r4-outpatient"].read_bytes())
    assert converter.convert(reading).messages == ()


VACCINATION = "vaccination-r4-stages"


@pytest.mark.parametrize(
    ("routes", "made"),
    [
        ({}, set()),
        ({"vaccination-register": True}, {"vaccination-record"}),
        ({"iemk-vaccination": True, "iemk-patient": True}, {"iemk-patient", "iemk-vaccination"}),
        # The same route, another register.
        ({"vaccination-register": ("iemk-vaccination",)}, {"iemk-vaccination"}),
    ],
)
def test_the_organisation_chooses_the_register(home: Path, routes: dict[str, object], made: set[str]) -> None:
    """One Bundle: directly to the register, through N3, or nowhere, by the file of the organisation alone."""
    converter = make(home, dict(routes))  # type: ignore[arg-type] # parametrised values
    (reading,) = read((ROOT / "examples" / "registers" / f"{VACCINATION}.json").read_bytes())
    conversion = converter.convert(reading)
    assert {one.product for one in conversion.messages} == made
    assert [one.kind for one in conversion.documents] == [one.kind for one in _plain(home).documents]


def _plain(home: Path) -> Conversion:
    (reading,) = read((ROOT / "examples" / "registers" / f"{VACCINATION}.json").read_bytes())
    return make(home).convert(reading)
