from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adapter.fhir import FhirVersion, validate
from adapter.fhir import data as facts
from adapter.fhir.models import describe, model
from adapter.fhir.structure import Structure
from adapter.settings import settings

Resource = dict[str, Any]


def found(bundle: Resource, version: FhirVersion = FhirVersion.R4) -> list[tuple[str, str]]:
    return [(one.code, one.place.fhirpath) for one in validate(bundle, version)]


def test_a_right_bundle_has_no_findings(bundle: Resource) -> None:
    assert found(bundle) == []
    assert found(bundle, FhirVersion.R4B) == []


@pytest.mark.parametrize(
    ("index", "change", "code", "place"),
    [
        (0, {"gender": "f"}, "FHIR15", "gender"),
        (0, {"birthDate": "2023-02-29"}, "FHIR13", "birthDate"),
        (0, {"birthDate": 1990}, "FHIR12", "birthDate"),
        (0, {"name": {"family": "x"}}, "FHIR12", "name"),
        (0, {"name": [{"family": ["x"]}]}, "FHIR12", "name[0].family"),
        (0, {"name": ["x"]}, "FHIR12", "name[0]"),
        (0, {"nmae": []}, "FHIR10", "nmae"),
        (0, {"active": "true"}, "FHIR12", "active"),
        (0, {"id": "a_b"}, "FHIR13", "id"),
        (0, {"deceasedBoolean": True, "deceasedDateTime": "2026"}, "FHIR14", "deceased"),
        (0, {"extension": [{"valueString": "x"}]}, "FHIR11", "extension[0].url"),
        (0, {"extension": [{"url": "x", "valueString": "x", "valueCode": "y"}]}, "FHIR14", "extension[0].value"),
        (0, {"_birthDate": {}}, "FHIR11", "_birthDate.extension"),
        (0, {"contained": [{"resourceType": "Nope"}]}, "FHIR09", "contained[0]"),
        (0, {"contained": [{}]}, "FHIR09", "contained[0]"),
        (0, {"contained": [{"resourceType": "Organization", "name": 5}]}, "FHIR12", "contained[0].name"),
        (0, {"photo": [{"data": "a"}]}, "FHIR13", "photo[0].data"),
        (1, {"period": {"start": "2026-05-04T10:00:00"}}, "FHIR13", "period.start"),
        (1, {"class": [{"code": "AMB"}]}, "FHIR12", "class"),
        (5, {"protocolApplied": [{}]}, "FHIR11", "protocolApplied[0].doseNumber"),
        (5, {"protocolApplied": [{"doseNumberPositiveInt": 0}]}, "FHIR13", "protocolApplied[0].doseNumberPositiveInt"),
    ],
)
def test_each_fault_is_named_with_its_place(bundle: Resource, index: int, change: Any, code: str, place: str) -> None:
    bundle["entry"][index]["resource"] |= change
    assert found(bundle) == [(code, f"Bundle.entry[{index}].resource.{place}")]


def test_required_elements(bundle: Resource) -> None:
    immunization = bundle["entry"][5]["resource"]
    del immunization["status"], immunization["patient"], immunization["occurrenceDateTime"]
    here = "Bundle.entry[5].resource"
    assert found(bundle) == [("FHIR11", f"{here}.{name}") for name in ("patient", "status", "occurrence")]
    immunization["_status"] = {"extension": [{"url": "urn:reason", "valueCode": "unknown"}]}
    assert ("FHIR11", f"{here}.status") not in found(bundle)


def test_one_bad_resource_does_not_hide_the_others(bundle: Resource) -> None:
    bundle["entry"][0]["resource"]["resourceType"] = "Pacient"
    bundle["entry"][1] = {"resource": 5}
    bundle["entry"][2]["resource"]["gender"] = "x"
    assert found(bundle) == [
        ("FHIR12", "Bundle.entry[1].resource"),
        ("FHIR09", "Bundle.entry[0].resource"),
        ("FHIR15", "Bundle.entry[2].resource.gender"),
    ]


def test_base64_with_foreign_characters_is_refused_although_fhir_resources_reads_it() -> None:
    binary = {"resourceType": "Binary", "contentType": "text/plain", "data": "YW*Jj"}
    assert found(binary) == [("FHIR13", "Binary.data")]


def test_what_the_schema_alone_refuses_is_accepted(monkeypatch: pytest.MonkeyPatch, bundle: Resource) -> None:
    class Refuses:
        def is_valid(self, _: Any) -> bool:
            return False

    monkeypatch.setattr("adapter.fhir.validation.validator", lambda *_: Refuses())
    assert found(bundle) == []


def test_what_fhir_resources_alone_refuses_is_a_finding(monkeypatch: pytest.MonkeyPatch, bundle: Resource) -> None:
    monkeypatch.setattr("adapter.fhir.validation.explain", lambda *_: [])
    bundle["entry"][0]["resource"] |= {"birthDate": "x", "name": 5}
    assert found(bundle) == [
        ("FHIR13", "Bundle.entry[0].resource.birthDate"),
        ("FHIR12", "Bundle.entry[0].resource.name"),
    ]


def test_r4_is_r4b_without_what_r4b_added() -> None:
    extension = {"resourceType": "Patient", "extension": [{"url": "urn:x", "valueRatioRange": {}}]}
    assert found(extension, FhirVersion.R4) == [("FHIR10", "Patient.extension[0].valueRatioRange")]
    assert found(extension, FhirVersion.R4B) == []
    added = {"resourceType": "Citation", "status": "draft"}
    assert found(added, FhirVersion.R4) == [("FHIR09", "Citation")]
    assert found(added, FhirVersion.R4B) == []
    removed = {"resourceType": "MedicinalProduct", "whatever": 1}
    assert found(removed, FhirVersion.R4) == [("FHIR19", "MedicinalProduct")]
    assert found(removed, FhirVersion.R4B) == [("FHIR09", "MedicinalProduct")]
    assert all(model("R4B", name) is None for name in facts.words("r4", "removed"))
    assert all(model("R4B", name) is not None for name in facts.words("r4", "added"))


def test_closed_lists_name_elements_that_exist() -> None:
    for release in ("R4B", "R5"):
        types = {one.name: one for top in _TOPS for one in describe(release, top, ())}
        lists = facts.load()["codes"]
        for place in (*lists["both"], *lists[release]):
            name, _, element = place.partition(".")
            assert types[name].fields[element].type == "code", place
            assert facts.codes(release, name, element)


#: Resources whose closed lists are in the data; data types come with the extension.
_TOPS = (
    *("Extension", "Narrative", "Patient", "Practitioner", "Encounter", "Immunization", "Composition", "Observation"),
    *("Coverage", "RelatedPerson", "AllergyIntolerance", "Procedure", "DiagnosticReport", "ServiceRequest"),
    *("MedicationStatement", "EpisodeOfCare", "Location", "Bundle"),
)


def test_texts_name_no_value(bundle: Resource) -> None:
    secret = "Секретов"
    bundle["entry"][0]["resource"] |= {"gender": secret, "birthDate": secret, "active": secret, "name": secret}
    findings = validate(bundle, FhirVersion.R4)
    assert len(findings) == 4
    assert secret not in repr(findings)
    assert all(one.message.ru != one.message.en for one in findings)


def test_structures_come_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGISZ_CACHE", str(tmp_path))
    settings.cache_clear()
    first = Structure("R4").resource("Patient")
    files = sorted(path.name for path in tmp_path.rglob("*.json"))
    assert files == ["Extension.json", "Patient.json"]
    monkeypatch.setattr("adapter.fhir.models.describe", lambda *_: pytest.fail("the models were asked again"))
    assert Structure("R4").resource("Patient") == first
    monkeypatch.undo()
    monkeypatch.setenv("EGISZ_CACHE", str(tmp_path))
    next(tmp_path.rglob("Patient.json")).write_text("{", encoding="utf-8")
    assert Structure("R4").resource("Patient") == first


def test_the_models_are_not_imported_for_a_right_bundle(bundle: Resource) -> None:
    code = (
        "import sys; from adapter.fhir import read; r = read(sys.stdin.buffer.read());"
        "assert not r[0].findings; sys.exit('fhir_core' in sys.modules)"
    )
    data = json.dumps(bundle).encode()
    for _ in range(2):  # the first run fills the cache
        last = subprocess.run([sys.executable, "-c", code], input=data, check=False)
    assert last.returncode == 0
