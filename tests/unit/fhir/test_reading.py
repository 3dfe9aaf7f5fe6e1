from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from adapter.errors import InputError, UsageError
from adapter.fhir import FhirLimits, FhirVersion, read
from adapter.findings import Severity

Resource = dict[str, Any]


def dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def refused(data: bytes, **options: Any) -> tuple[str, int, int]:
    with pytest.raises(InputError) as caught:
        read(data, **options)
    finding = caught.value.finding
    return finding.code, finding.place.line, finding.place.column


def codes(data: bytes) -> list[tuple[str, str]]:
    return [(finding.code, finding.place.fhirpath) for reading in read(data) for finding in reading.findings]


def test_a_bundle_is_read_as_it_is(bundle: Resource) -> None:
    (reading,) = read(dumps(bundle))
    assert reading.bundle["entry"][0] == bundle["entry"][0]
    assert (reading.version, reading.findings, reading.index) == (FhirVersion.R4, (), 0)


@pytest.mark.parametrize("kind", ["document", "transaction", "batch", "message", "collection", "searchset", "history"])
def test_bundles_of_any_type(bundle: Resource, kind: str) -> None:
    (reading,) = read(dumps(bundle | {"type": kind}))
    assert reading.findings == ()


def test_decimals_keep_their_text(bundle: Resource) -> None:
    data = dumps(bundle).replace(b"37.5", b"37.50")
    value = read(data)[0].bundle["entry"][5]["resource"]["contained"][0]["valueQuantity"]["value"]
    assert isinstance(value, Decimal)
    assert str(value) == "37.50"


def test_a_single_resource_becomes_a_collection() -> None:
    patient = {"resourceType": "Patient", "id": "a"}
    (reading,) = read(dumps(patient))
    assert reading.bundle == {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient}]}


def test_a_bundle_of_bundles_is_read_as_those(bundle: Resource) -> None:
    outer = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": bundle}, {"resource": bundle}]}
    readings = read(dumps(outer))
    assert [reading.bundle["type"] for reading in readings] == ["collection", "collection"]
    assert [reading.index for reading in readings] == [0, 1]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", ("FHIR01", 1, 1)),
        (b'{"resourceType":', ("FHIR01", 1, 17)),
        (b'{"resourceType": "Patient",\n "active": NaN}', ("FHIR01", 2, 12)),
        (b'{"resourceType": "Patient"} x', ("FHIR01", 1, 30)),
        (b'{"resourceType": "Patient", "multipleBirthInteger": 1E+999999999}', ("FHIR01", 0, 0)),
        (b'{"resourceType": "Patient", "multipleBirthInteger": ' + b"9" * 6000 + b"}", ("FHIR01", 0, 0)),
        (b'{"resourceType": "\xff"}', ("FHIR02", 1, 19)),
        ('{"resourceType": "Patient"}'.encode("utf-16"), ("FHIR02", 1, 1)),
        (b"[" * 100_000, ("FHIR04", 0, 0)),
        (b'{"a":' * 500 + b"1" + b"}" * 500, ("FHIR04", 0, 0)),
        (b'{"a":' + b"[" * 500 + b"]" * 500 + b"}", ("FHIR04", 0, 0)),
        (b"[]", ("FHIR08", 0, 0)),
        (b'[{"resourceType": "Patient"}]', ("FHIR08", 0, 0)),
        (b'"x"', ("FHIR08", 0, 0)),
        (b"null", ("FHIR08", 0, 0)),
        (b'{"resourceType": 5}', ("FHIR08", 0, 0)),
        (b"<a/>", ("FHIR08", 1, 0)),
        (b"<a>", ("XML01", 1, 4)),
        (b'<!DOCTYPE a><Patient xmlns="http://hl7.org/fhir"/>', ("XML02", 1, 0)),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(data: bytes, expected: tuple[str, int, int]) -> None:
    assert refused(data) == expected


def test_a_lone_surrogate_is_refused() -> None:
    assert refused(b'{"resourceType": "Patient", "id": "\\ud800"}')[0] == "FHIR02"
    assert read(b'{"resourceType": "Patient", "name": [{"family": "\\ud83d\\ude00"}]}')[0].findings == ()


def test_limits(bundle: Resource) -> None:
    data = dumps(bundle)
    assert refused(data, limits=FhirLimits(max_bytes=100)) == ("FHIR03", 0, 0)
    assert refused(data, limits=FhirLimits(max_depth=3))[0] == "FHIR04"
    assert refused(data, limits=FhirLimits(max_entries=5))[0] == "FHIR05"
    line = b'{"resourceType": "Patient"}\n'
    assert refused(line * 3, limits=FhirLimits(max_entries=2))[0] == "FHIR05"
    assert read(data, limits=FhirLimits(max_entries=6))[0].findings == ()


def test_a_key_that_stands_twice_is_a_finding() -> None:
    place = [("FHIR06", "Bundle.entry[0].resource.name[0].family")]
    for text in ('"family": "a", "family": "b"', '"family" : "a", "family":"b"', '"family":"\\u0022:", "family":"b"'):
        data = f'{{"resourceType": "Patient", "name": [{{{text}}}]}}'.encode()
        assert codes(data) == place
    assert codes(b'{"resourceType": "Patient", "name": [{"family": "\\": x"}], "id": "a"}') == []


def test_null_is_read_as_absent() -> None:
    data = (
        b'{"resourceType": "Patient", "active": null, "name": [{"given": ["a", null], "_given": [null, {"id": "x"}]}]}'
    )
    (reading,) = read(data)
    assert [(one.code, one.place.fhirpath) for one in reading.findings] == [
        ("FHIR17", "Bundle.entry[0].resource.active")
    ]
    resource = reading.bundle["entry"][0]["resource"]
    assert "active" not in resource
    assert resource["name"] == [{"given": ["a", None], "_given": [None, {"id": "x"}]}]


def test_characters_that_xml_has_not() -> None:
    for text in ("\\u0000", "\\u001b", "\\uffff", "\uffff"):
        data = f'{{"resourceType": "Patient", "name": [{{"given": ["x{text}"]}}]}}'.encode()
        assert codes(data) == [("FHIR18", "Bundle.entry[0].resource.name[0].given")]
    assert codes(b'{"resourceType": "Patient", "name": [{"family": "\\u0041\\n\\t"}]}') == []


def test_a_byte_order_mark_is_skipped() -> None:
    (reading,) = read(b'\xef\xbb\xbf{"resourceType": "Patient"}')
    assert [(one.code, one.severity) for one in reading.findings] == [("FHIR07", Severity.NOTE)]


def test_names_that_are_no_elements_are_not_repeated() -> None:
    data = dumps({"resourceType": "Patient", "Лукошкина Ада": 1})
    (finding,) = read(data)[0].findings
    assert finding.place.fhirpath == "Bundle.entry[0].resource.?"
    assert "Лукошкина" not in repr(finding)


def lines(*values: Any) -> bytes:
    return b"\n".join(value if isinstance(value, bytes) else dumps(value) for value in values)


def test_ndjson_of_bundles(bundle: Resource) -> None:
    readings = read(lines(bundle, bundle))
    assert [reading.bundle for reading in readings] == [readings[0].bundle] * 2
    assert [reading.index for reading in readings] == [0, 1]


def test_ndjson_of_resources_is_grouped_by_patient() -> None:
    organization = {"resourceType": "Organization", "id": "o", "name": "Больница"}
    doctor = {"resourceType": "Practitioner", "id": "d"}
    role = {"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/d"}}
    first = {"resourceType": "Patient", "id": "1", "managingOrganization": {"reference": "Organization/o"}}
    second = {"resourceType": "Patient", "id": "2"}
    visit = {
        "resourceType": "Encounter",
        "id": "e",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/2"},
        "participant": [{"individual": {"reference": "PractitionerRole/r"}}],
        "serviceProvider": {"reference": "Organization/o"},
        "reasonReference": [{"reference": "Condition/of-another"}],
    }
    other = {"resourceType": "Condition", "id": "of-another", "subject": {"reference": "Patient/1"}}
    note = {"resourceType": "Composition", "id": "c", "encounter": {"reference": "Encounter/e"}}
    stranger = {"resourceType": "Observation", "id": "s", "subject": {"reference": "Patient/elsewhere"}}
    lonely = {"resourceType": "Location", "id": "l"}
    readings = read(lines(organization, doctor, role, first, second, visit, other, note, stranger, lonely))
    found = [[entry["resource"]["id"] for entry in reading.bundle["entry"]] for reading in readings]
    assert found == [["o", "1", "of-another"], ["o", "d", "r", "2", "e", "c"], ["s"], ["l"]]


def test_a_bad_line_does_not_stop_the_others() -> None:
    good = {"resourceType": "Patient", "id": "1"}
    (reading,) = read(
        lines(good, b"{bad", b"", b"5", b'{"resourceType": "Patient", "id": "1", "id": "1"}')[: -0 or None]
    )[:1]
    found = [(one.code, one.place.line) for one in reading.findings]
    assert found == [("FHIR01", 2), ("FHIR08", 4)]


def test_versions_by_content(bundle: Resource) -> None:
    immunization = {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": {},
        "patient": {},
        "occurrenceString": "x",
    }
    five = immunization | {"reaction": [{"manifestation": {"reference": {"reference": "Observation/1"}}}]}
    four = immunization | {"reaction": [{"detail": {"display": "x"}}]}
    visit = {"resourceType": "Encounter", "status": "completed", "class": [{"coding": [{"code": "AMB"}]}]}
    patient = {"resourceType": "Patient"}
    declared = patient | {"meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/Patient|4.3.0"]}}
    extension = {"url": "http://example.org/fhirVersion", "valueCode": "5.0.0"}
    expected = [
        (patient, FhirVersion.R4),
        (immunization, FhirVersion.R4),
        (four, FhirVersion.R4),
        (five, FhirVersion.R5),
        (visit, FhirVersion.R5),
        (declared, FhirVersion.R4B),
        (patient | {"meta": {"extension": [extension]}}, FhirVersion.R5),
        (patient | {"meta": {"profile": ["http://hl7.org/fhir/5.0/StructureDefinition/Patient"]}}, FhirVersion.R5),
        (patient | {"meta": {"profile": ["https://fhir.ru/ig/core/StructureDefinition/core-patient"]}}, FhirVersion.R5),
        (four | {"meta": {"profile": ["https://fhir.ru/ig/core/StructureDefinition/x"]}}, FhirVersion.R4),
        ({"resourceType": "Transport"}, FhirVersion.R5),
        ({"resourceType": "SubscriptionTopic"}, FhirVersion.R4B),
        ({"resourceType": "NutritionProduct"}, FhirVersion.R4B),
        ({"resourceType": "Media"}, FhirVersion.R4),
    ]
    found = [(resource, read(dumps(resource))[0].version) for resource, _ in expected]
    assert found == expected
    assert read(dumps(bundle), version="5.0")[0].version is FhirVersion.R5


def test_mixed_versions_are_a_finding(bundle: Resource) -> None:
    bundle["entry"].append({"resource": {"resourceType": "Encounter", "status": "completed", "actualPeriod": {}}})
    (reading,) = read(dumps(bundle))
    assert reading.version is FhirVersion.R4
    assert ("FHIR16", "Bundle") in [(one.code, one.place.fhirpath) for one in reading.findings]


@pytest.mark.parametrize(
    ("text", "version"),
    [("R4", FhirVersion.R4), ("r4b", FhirVersion.R4B), ("4.0.1", FhirVersion.R4), ("5.0", FhirVersion.R5)],
)
def test_the_version_can_be_given(text: str, version: FhirVersion) -> None:
    assert read(b'{"resourceType": "Patient"}', version=text)[0].version is version


@pytest.mark.parametrize("text", ["3.0", "", "R6", "four"])
def test_other_versions_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        read(b'{"resourceType": "Patient"}', version=text)


XML = """<?xml version="1.0" encoding="UTF-8"?>
<Immunization xmlns="http://hl7.org/fhir">
  <id value="i"/>
  <text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><p>Привита &amp; здорова</p></div></text>
  <contained><Observation><id value="o"/><status value="final"/><code/>
    <valueQuantity><value value="37.50"/></valueQuantity></Observation></contained>
  <extension url="urn:x"><valueBoolean value="true"/></extension>
  <status value="completed"/>
  <vaccineCode><coding><code value="1"/></coding></vaccineCode>
  <patient><reference value="Patient/1"/></patient>
  <occurrenceDateTime value="2026-05-04"><extension url="urn:y"><valueCode value="z"/></extension></occurrenceDateTime>
  <note><text value="a"/></note><note><text value="b"/></note>
  {more}
</Immunization>"""


def test_xml_is_read_as_json() -> None:
    (reading,) = read(XML.replace("{more}", "").encode())
    assert reading.findings == ()
    assert reading.bundle["entry"][0]["resource"] == {
        "resourceType": "Immunization",
        "id": "i",
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Привита &amp; здорова</p></div>',
        },
        "contained": [
            {
                "resourceType": "Observation",
                "id": "o",
                "status": "final",
                "code": {},
                "valueQuantity": {"value": Decimal("37.50")},
            }
        ],
        "extension": [{"url": "urn:x", "valueBoolean": True}],
        "status": "completed",
        "vaccineCode": {"coding": [{"code": "1"}]},
        "patient": {"reference": "Patient/1"},
        "occurrenceDateTime": "2026-05-04",
        "_occurrenceDateTime": {"extension": [{"url": "urn:y", "valueCode": "z"}]},
        "note": [{"text": "a"}, {"text": "b"}],
    }


def test_xml_with_errors_has_the_findings_of_json() -> None:
    more = '<status value="completed"/><isSubpotent value="yes"/><foo value="1"/>'
    more += '<education><publicationDate value="2026-02-30"/></education>'
    found = read(XML.replace("{more}", more).encode())[0].findings
    path = "Bundle.entry[0].resource"
    assert sorted((one.code, one.place.fhirpath) for one in found) == [
        ("FHIR10", f"{path}.foo"),
        ("FHIR12", f"{path}.isSubpotent"),
        ("FHIR12", f"{path}.status"),
        ("FHIR13", f"{path}.education[0].publicationDate"),
    ]


def test_xml_of_r5_is_recognised() -> None:
    more = (
        "<reaction><manifestation><reference><reference value='Observation/1'/></reference></manifestation></reaction>"
    )
    (reading,) = read(XML.replace("{more}", more).encode())
    assert (reading.version, reading.findings) == (FhirVersion.R5, ())
    assert isinstance(reading.bundle["entry"][0]["resource"]["reaction"][0]["manifestation"], dict)


def test_lists_of_xml_are_no_sign_of_a_version() -> None:
    data = (
        b'<Encounter xmlns="http://hl7.org/fhir"><status value="planned"/>'
        b'<class><coding><code value="AMB"/></coding></class></Encounter>'
    )
    (reading,) = read(data)
    assert (reading.version, reading.findings) == (FhirVersion.R5, ())
    assert reading.bundle["entry"][0]["resource"]["class"] == [{"coding": [{"code": "AMB"}]}]


def test_primitive_lists_of_xml_keep_step_with_their_extensions() -> None:
    data = (
        b'<Patient xmlns="http://hl7.org/fhir"><name><given value="a"/><given id="g"/><given value="c"/></name>'
        b'<birthDate><extension url="urn:x"><valueCode value="unknown"/></extension></birthDate></Patient>'
    )
    (reading,) = read(data)
    assert reading.findings == ()
    assert reading.bundle["entry"][0]["resource"] == {
        "resourceType": "Patient",
        "name": [{"given": ["a", None, "c"], "_given": [None, {"id": "g"}, None]}],
        "_birthDate": {"extension": [{"url": "urn:x", "valueCode": "unknown"}]},
    }
