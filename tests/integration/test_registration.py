"""Registration facts of every example: they fit the WSDL, agree with their document, and what differs is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

from adapter.catalogue import Catalogue
from adapter.convert import Converter, Document
from adapter.documents.kinds import load_kinds
from adapter.facts import Fact, fact, plain
from adapter.fhir import read
from adapter.findings import Severity
from adapter.nsi import BookStore
from adapter.nsi.importer import import_folder
from adapter.organisation import load_organisation
from adapter.registers.agreement import disagreements
from adapter.registers.registration import dump_registration, load_registration, signers_of
from adapter.transport.schema import FOLDER, SERVICE, SERVICE_WSDL, load_schema
from conformance.xsd import load_schema as load_xsd

BUNDLES = sorted((Path(__file__).parents[2] / "examples" / "bundles").glob("*.json"))
KINDS = load_kinds(Catalogue())
XSD = load_xsd(FOLDER / "remd-service.xsd")


@pytest.fixture(scope="module")
def documents(nsi_source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Document]:
    """The documents of the examples, by file and kind."""
    home = tmp_path_factory.mktemp("registration")
    import_folder(nsi_source, home / "nsi")
    catalogue = Catalogue()
    converter = Converter(catalogue, BookStore(home / "nsi", catalogue), load_organisation(catalogue), checker=None)
    return {
        f"{file.stem} {document.kind}": document
        for file in BUNDLES
        for document in converter.convert(read(file.read_bytes())[0], registrations=True).documents
    }


@pytest.fixture(scope="module")
def one(documents: dict[str, Document]) -> Document:
    """A document with a patient, an author, and somebody else who gives it legal force."""
    return documents["170-r4-rucore 170"]


def codes(registration: Fact, document: bytes) -> set[str]:
    return {
        finding.code
        for finding in disagreements(registration, document, kinds=KINDS)
        if finding.severity is Severity.ERROR
    }


def test_every_document_has_a_registration_that_agrees(documents: dict[str, Document]) -> None:
    assert len(documents) >= len(BUNDLES)
    for name, document in documents.items():
        assert document.ok, name
        assert document.registration is not None, name
        assert document.data is not None
        assert codes(document.registration, document.data) == set(), name
        people = signers_of(document.registration)
        assert all(re.fullmatch("[0-9]{11}", person.snils) and person.role and person.post for person in people), name


def test_every_registration_fits_the_wsdl(documents: dict[str, Document]) -> None:
    for name, document in documents.items():
        assert document.registration is not None
        values = {key: value for key, value in document.registration if key != "signers"}
        signers = [{"signer": one, "signature": {"data": b"x", "checksum": 1}} for one in document.registration.signers]  # type: ignore[attr-defined]
        message = load_schema(SERVICE_WSDL).build(
            f"{{{SERVICE}}}registerDocumentRequest", {**values, "personalSignatures": signers}
        )
        assert XSD.validate(etree.ElementTree(message)) == [], name


def test_facts_survive_json(documents: dict[str, Document]) -> None:
    for document in documents.values():
        assert document.registration is not None
        assert load_registration(dump_registration(document.registration)) == fact(plain(document.registration))


def test_without_asking_there_is_none(documents: dict[str, Document], one: Document) -> None:
    assert one.registration is not None
    assert one.set_id is not None
    assert str(one.set_id.extension) not in dump_registration(one.registration).decode()


def test_who_signs(documents: dict[str, Document]) -> None:
    roles = {name: [person.role for person in signers_of(one.registration)] for name, one in documents.items()}  # type: ignore[arg-type]
    assert roles["170-r4-rucore 170"] == ["AUTHOR", "HEAD_DOCTOR"]
    assert roles["142-r5-rucore26 142"][:2] == ["CHAIRMAN", "COMMISSIONER"]


def changed(registration: Fact, path: str, value: object) -> Fact:
    """Another registration with one value changed."""
    facts = plain(registration)
    *parents, last = path.split(".")
    at = facts
    for name in parents:
        at = at[int(name)] if name.isdigit() else at[name]
    at[int(last) if last.isdigit() else last] = value
    made = fact(facts)
    assert isinstance(made, Fact)
    return made


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("localUid", "7f0f3c1e-5a59-4b92-8f6f-0d2a5b6c7d8e", "REG01"),
        ("creationDateTime", "2024-10-05T10:11:00+03:00", "REG03"),
        ("creationDateTime", "2024-10-05T10:10:00+04:00", "REG03"),
        ("creationDateTime", "вчера", "REG03"),
        ("kind", "204", "REG04"),
        ("organization", "1.2.643.5.1.13.13.12.2.77.1", "REG05"),
        ("department", {"localId": "1.2.643.5.1.13.13.12.2.77.1.0.1"}, "REG06"),
        ("patient", None, "REG07"),
        ("patient.surname", "Другой", "REG08"),
        ("patient.patrName", "", "REG08"),
        ("patient.birthDate", "1985-04-13", "REG09"),
        ("patient.snils", "11111111111", "REG10"),
        ("patient.localId", "P-1", "REG11"),
        ("patient.gender", "2", "REG12"),
        ("signers.0.snils", "11111111111", "REG13"),
        ("signers.0.localId", "X", "REG14"),
        ("signers.1.name", "Другой", "REG15"),
        ("signers", [], "REG16"),
    ],
)
def test_what_differs_is_found(one: Document, path: str, value: object, code: str) -> None:
    assert one.registration is not None
    assert one.data is not None
    assert codes(changed(one.registration, path, value), one.data) == {code}


def test_the_same_moment_in_another_zone_agrees(one: Document) -> None:
    assert one.registration is not None
    assert one.data is not None
    assert codes(changed(one.registration, "creationDateTime", "2024-10-05T07:10:00+00:00"), one.data) == set()


def test_a_finding_names_a_place_and_no_value(one: Document) -> None:
    assert one.registration is not None
    assert one.data is not None
    (found,) = disagreements(changed(one.registration, "patient.surname", "Секретов"), one.data)
    assert found.place.line > 0
    assert found.xpath.endswith("/patient/name")
    for text in (*found.message, *found.hint, found.rule, found.xpath):
        assert "Секретов" not in text
        assert "Тестов" not in text


def test_an_id_that_is_no_uuid_is_a_warning(documents: dict[str, Document]) -> None:
    warned = {name for name, one in documents.items() if any(f.code == "REG02" for f in one.findings)}
    assert "142-r5-rucore26 142" in warned
    assert "170-r4-rucore 170" not in warned
