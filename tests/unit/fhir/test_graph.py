from __future__ import annotations

import copy
from typing import Any

import pytest

from adapter.fhir import Graph
from adapter.fhir.systems import canonical_system
from adapter.findings import Severity

Resource = dict[str, Any]


def resource(bundle: Resource, index: int) -> Resource:
    return bundle["entry"][index]["resource"]


def codes(graph: Graph) -> list[tuple[str, Severity, str]]:
    return [(finding.code, finding.severity, finding.place.fhirpath) for finding in graph.findings]


def test_every_kind_of_reference_is_followed(bundle: Resource) -> None:
    graph = Graph(bundle)
    patient, encounter, doctor, role, organization, immunization = (resource(bundle, index) for index in range(6))
    assert graph.findings == ()
    assert graph.resolve(encounter["subject"]) is patient
    assert graph.resolve(immunization["patient"]) is patient
    assert graph.resolve(immunization["encounter"]) is encounter
    assert graph.resolve(immunization["performer"][0]["actor"]) is role
    assert graph.resolve(role["practitioner"]) is doctor
    assert graph.resolve(role["organization"]) is organization
    inner = immunization["contained"][0]
    assert graph.resolve(immunization["reaction"][0]["detail"]) is inner
    assert graph.resolve(inner["encounter"]) is immunization
    assert graph.resolve(inner["subject"]) is patient


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("transaction", [3, 1, 2, 0]),
        ("collection", [3, 1, 2, 0]),
        ("document", [0, 1, 2, 3]),
        ("history", [0, 1, 2, 3]),
    ],
)
def test_the_order_of_entries_means_something_in_some_bundles_only(kind: str, expected: list[int]) -> None:
    # By id, then by fullUrl.
    four: list[Resource] = [
        {"fullUrl": "urn:uuid:2", "resource": {"resourceType": "Observation", "id": "b"}},
        {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Observation", "id": "a"}},
        {"fullUrl": "urn:uuid:3", "resource": {"resourceType": "Observation", "id": "a"}},
        {"resource": {"resourceType": "Observation"}},
    ]
    graph = Graph({"resourceType": "Bundle", "type": kind, "entry": four})
    assert graph.of_type("Observation") == [four[index]["resource"] for index in expected]
    assert graph.all() == [entry["resource"] for entry in four]


def test_resources_that_only_their_content_tells_apart() -> None:
    some: list[Resource] = [
        {"resource": {"resourceType": "Observation", "status": one}} for one in ("final", "amended")
    ]
    graph = Graph({"resourceType": "Bundle", "type": "collection", "entry": some})
    assert [one["status"] for one in graph.of_type("Observation")] == ["amended", "final"]


def test_references_are_known_by_identity_alone(bundle: Resource) -> None:
    assert Graph(bundle).resolve(copy.deepcopy(resource(bundle, 1)["subject"])) is None


def test_types_paths_and_parents(bundle: Resource) -> None:
    graph = Graph(bundle)
    immunization = resource(bundle, 5)
    inner = immunization["contained"][0]
    assert graph.all() == [entry["resource"] for entry in bundle["entry"]]
    assert graph.of_type("Immunization") == [immunization]
    assert graph.of_type("Observation") == []
    assert graph.path(immunization) == "Bundle.entry[5].resource"
    assert graph.path(inner) == "Bundle.entry[5].resource.contained[0]"
    assert graph.parent(inner) is immunization
    assert graph.parent(immunization) is None
    assert graph.full_url(immunization) == "urn:uuid:i"
    with pytest.raises(KeyError):
        graph.path({})


@pytest.mark.parametrize(
    ("reference", "code", "severity"),
    [
        ({"reference": "#nothing"}, "FHIR20", Severity.WARNING),
        ({"reference": "Patient/other"}, "FHIR20", Severity.WARNING),
        ({"reference": "urn:uuid:other"}, "FHIR20", Severity.WARNING),
        ({"reference": "some words"}, "FHIR20", Severity.WARNING),
        ({"reference": "Patient?name=x"}, "FHIR20", Severity.WARNING),
        ({"reference": "https://example.org/fhir/Patient/zz"}, "FHIR20", Severity.NOTE),
        ({"identifier": {"system": "urn:x", "value": "1"}}, "FHIR20", Severity.NOTE),
    ],
)
def test_a_reference_to_nothing_is_a_finding(
    bundle: Resource, reference: Resource, code: str, severity: Severity
) -> None:
    resource(bundle, 1)["subject"] = reference
    assert codes(Graph(bundle)) == [(code, severity, "Bundle.entry[1].resource.subject")]


@pytest.mark.parametrize("reference", [{"display": "кто-то"}, {"type": "Patient"}, {"identifier": {"value": ""}}, {}])
def test_a_reference_that_names_nothing_is_none(bundle: Resource, reference: Resource) -> None:
    resource(bundle, 1)["subject"] = reference
    assert Graph(bundle).findings == ()


def test_who_issued_a_number_is_not_looked_for(bundle: Resource) -> None:
    resource(bundle, 0)["identifier"][0]["assigner"] = {"identifier": {"system": "urn:x", "value": "770-001"}}
    assert Graph(bundle).findings == ()
    resource(bundle, 0)["identifier"][0]["assigner"] = {"reference": "Organization/none"}
    assert len(Graph(bundle).findings) == 1


def test_the_card_of_an_encounter_is_not_looked_for_but_the_owner_of_an_organisation_is(bundle: Resource) -> None:
    numbered = {"identifier": {"system": "urn:x", "value": "C-1"}}
    resource(bundle, 1)["partOf"] = numbered
    assert resource(bundle, 1)["resourceType"] == "Encounter"
    assert Graph(bundle).findings == ()
    bundle["entry"].append({"resource": {"resourceType": "Organization", "id": "o", "partOf": numbered | {}}})
    place = f"Bundle.entry[{len(bundle['entry']) - 1}].resource.partOf"
    assert codes(Graph(bundle)) == [("FHIR20", Severity.NOTE, place)]


def test_an_absolute_url_means_an_entry_without_a_web_address(bundle: Resource) -> None:
    reference = resource(bundle, 1)["subject"] = {"reference": "https://example.org/fhir/Patient/p1"}
    assert Graph(bundle).resolve(reference) is resource(bundle, 0)
    bundle["entry"][0]["fullUrl"] = "https://other.example.org/fhir/Patient/p1"
    assert Graph(bundle).resolve(reference) is None
    bundle["entry"][0]["fullUrl"] = "http://example.org/fhir/Patient/p1"
    assert Graph(bundle).resolve(reference) is resource(bundle, 0)


def test_a_relative_reference_is_first_looked_for_at_the_base_of_its_entry() -> None:
    def entry(base: str, reference: str = "") -> Resource:
        patient = {"fullUrl": f"{base}/Patient/1", "resource": {"resourceType": "Patient", "id": "1"}}
        visit = {"resourceType": "Encounter", "id": "1", "subject": {"reference": "Patient/1"}}
        return patient if not reference else {"fullUrl": f"{base}/Encounter/1", "resource": visit}

    one = {"resourceType": "Bundle", "entry": [entry("http://a"), entry("http://b"), entry("http://b", "x")]}
    assert Graph(one).resolve(one["entry"][2]["resource"]["subject"]) is one["entry"][1]["resource"]


def test_urn_of_an_id_and_history_versions(bundle: Resource) -> None:
    for text in ("urn:uuid:p1", "Patient/p1/_history/3"):
        reference = resource(bundle, 1)["subject"] = {"reference": text}
        assert Graph(bundle).resolve(reference) is resource(bundle, 0)


def test_the_identifier_helps_where_the_reference_does_not(bundle: Resource) -> None:
    identifier = resource(bundle, 0)["identifier"][0]
    reference = resource(bundle, 1)["subject"] = {"reference": "Patient/elsewhere", "identifier": dict(identifier)}
    assert Graph(bundle).resolve(reference) is resource(bundle, 0)


def test_several_answers_are_a_finding(bundle: Resource) -> None:
    resource(bundle, 0)["identifier"] = [{"system": "urn:x", "value": "1"}]
    resource(bundle, 2)["identifier"] = [{"system": "urn:x", "value": "1"}]
    reference = resource(bundle, 1)["subject"] = {"identifier": {"system": "urn:x", "value": "1"}}
    found = ("FHIR22", Severity.WARNING, "Bundle.entry[1].resource.subject")
    assert found in codes(Graph(bundle))
    reference["type"] = "http://hl7.org/fhir/StructureDefinition/Patient"
    graph = Graph(bundle)
    assert found not in codes(graph)
    assert graph.resolve(reference) is resource(bundle, 0)


def test_a_resource_that_stands_twice(bundle: Resource) -> None:
    bundle["entry"].append(copy.deepcopy(bundle["entry"][4]))
    assert codes(Graph(bundle)) == [("FHIR21", Severity.WARNING, "Bundle.entry[6]")]
    resource(bundle, 6)["name"] = "Другая"
    assert codes(Graph(bundle)) == [("FHIR21", Severity.ERROR, "Bundle.entry[6]")]
    del bundle["entry"][4]["fullUrl"], bundle["entry"][6]["fullUrl"]
    assert codes(Graph(bundle)) == [("FHIR21", Severity.ERROR, "Bundle.entry[6]")]
    bundle["type"] = "history"
    assert codes(Graph(bundle)) == []


@pytest.mark.parametrize(
    "entry", [None, 5, [], [None], ["x"], [{"resource": 5}], [{"resource": {}}], [{"resource": {"resourceType": 5}}]]
)
def test_broken_bundles_are_empty_graphs(entry: Any) -> None:
    graph = Graph({"resourceType": "Bundle", "entry": entry})
    assert graph.all() == []
    assert graph.findings == ()


def test_broken_parts_do_not_stop_the_walk() -> None:
    broken = {
        "resourceType": "Patient",
        "id": 5,
        "contained": 5,
        "identifier": [5, {"value": 5}],
        "x": {"reference": 5},
    }
    graph = Graph({"resourceType": "Bundle", "entry": [{"fullUrl": 5, "resource": broken}]})
    assert graph.all() == [broken]
    assert graph.findings == ()


@pytest.mark.parametrize(
    "system",
    [
        "HTTPS://fhir.ru/ig/core/systems/OMS",
        "http://fhir.ru/ig/core/systems/oms/",
        " https://fhir.ru/ig/core/systems/oms",
    ],
)
def test_spellings_of_a_system_are_one(system: str) -> None:
    assert canonical_system(system) == "https://fhir.ru/ig/core/systems/oms"
    assert canonical_system("urn:oid:1.2.3") == canonical_system("1.2.3") == "1.2.3"
