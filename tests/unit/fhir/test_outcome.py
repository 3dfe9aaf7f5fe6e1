from __future__ import annotations

import pytest

from adapter.fhir import FhirVersion, operation_outcome, validate
from adapter.findings import Finding, Place, Severity, Text

FINDING = Finding(
    "FHIR11",
    Severity.ERROR,
    Text("Нет элемента.", "An element is missing."),
    Text("Добавьте его.", "Add it."),
    Place(3, 7, "Bundle.entry[0].resource.status"),
    rule="patient.status",
)


def test_an_issue_a_finding() -> None:
    outcome = operation_outcome([FINDING], lang="en")
    (issue,) = outcome["issue"]
    assert (issue["severity"], issue["code"]) == ("error", "required")
    assert issue["details"]["text"] == "An element is missing."
    assert issue["details"]["coding"][0]["code"] == "FHIR11"
    assert issue["diagnostics"] == "Add it. Line 3:7. Rule: patient.status"
    assert issue["expression"] == ["Bundle.entry[0].resource.status"]
    translation = issue["details"]["_text"]["extension"][0]["extension"]
    assert translation == [{"url": "lang", "valueCode": "ru"}, {"url": "content", "valueString": "Нет элемента."}]


def test_severities_and_unknown_codes() -> None:
    findings = [Finding("MAP01", severity, Text("а", "a")) for severity in Severity]
    issues = operation_outcome(findings)["issue"]
    assert [(one["severity"], one["code"]) for one in issues] == [
        ("error", "processing"),
        ("warning", "processing"),
        ("information", "processing"),
    ]


@pytest.mark.parametrize("version", list(FhirVersion))
@pytest.mark.parametrize("findings", [[], [FINDING]])
def test_the_outcome_is_valid_fhir(version: FhirVersion, findings: list[Finding]) -> None:
    assert validate(operation_outcome(findings), version) == []
