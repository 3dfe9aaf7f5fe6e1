"""A small realistic Bundle with invented people."""

from __future__ import annotations

from typing import Any

import pytest


def _entry(name: str, resource: dict[str, Any]) -> dict[str, Any]:
    return {"fullUrl": f"urn:uuid:{name}", "resource": resource}


@pytest.fixture
def bundle() -> dict[str, Any]:
    """A vaccination in R4: patient, encounter, doctor with role, organization, immunization with a reaction."""
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            _entry(
                "p",
                {
                    "resourceType": "Patient",
                    "id": "p1",
                    "identifier": [{"system": "urn:oid:1.2.643.100.3", "value": "11223344595"}],
                    "name": [{"use": "official", "family": "Лукошкина", "given": ["Ада", "Львовна"]}],
                    "gender": "female",
                    "birthDate": "1990-02-28",
                    "managingOrganization": {"reference": "Organization/o1"},
                },
            ),
            _entry(
                "e",
                {
                    "resourceType": "Encounter",
                    "id": "e1",
                    "status": "finished",
                    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
                    "subject": {"reference": "urn:uuid:p"},
                    "period": {"start": "2026-05-04T10:00:00+03:00"},
                },
            ),
            _entry(
                "d",
                {
                    "resourceType": "Practitioner",
                    "id": "d1",
                    "identifier": [{"system": "https://fhir.ru/ig/core/systems/snils", "value": "08765430300"}],
                    "name": [{"family": "Пирожков", "given": ["Макар"]}],
                },
            ),
            _entry(
                "r",
                {
                    "resourceType": "PractitionerRole",
                    "practitioner": {
                        "type": "Practitioner",
                        "identifier": {"system": "http://FHIR.ru/ig/core/systems/snils/", "value": "08765430300"},
                    },
                    "organization": {"reference": "Organization?identifier=1.2.643.5.1.13.13.12.2|77"},
                },
            ),
            _entry(
                "o",
                {
                    "resourceType": "Organization",
                    "id": "o1",
                    "identifier": [{"system": "urn:oid:1.2.643.5.1.13.13.12.2", "value": "77"}],
                    "name": "Поликлиника № 1",
                },
            ),
            _entry(
                "i",
                {
                    "resourceType": "Immunization",
                    "id": "i1",
                    "contained": [
                        {
                            "resourceType": "Observation",
                            "id": "re",
                            "status": "final",
                            "code": {"text": "Температура"},
                            "subject": {"reference": "Patient/p1"},
                            "encounter": {"reference": "#"},
                            "valueQuantity": {"value": 37.50, "unit": "°C"},
                        }
                    ],
                    "status": "completed",
                    "vaccineCode": {"text": "Вакцина"},
                    "patient": {"reference": "Patient/p1"},
                    "encounter": {"reference": "Encounter/e1"},
                    "occurrenceDateTime": "2026-05-04T10:05:00+03:00",
                    "performer": [{"actor": {"reference": "urn:uuid:r"}}],
                    "reaction": [{"date": "2026-05-04", "detail": {"reference": "#re"}}],
                    "protocolApplied": [{"doseNumberPositiveInt": 1}],
                },
            ),
        ],
    }
