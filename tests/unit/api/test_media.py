"""Negotiation of JSON and XML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter import xml
from adapter.api.media import Form, sent, to_xml, wanted
from adapter.errors import RequestRefused
from adapter.fhir.outcome import operation_outcome
from adapter.findings import Finding, Severity, Text


@pytest.mark.parametrize(
    ("accept", "query", "form"),
    [
        ("", "", Form.JSON),
        ("*/*", "", Form.JSON),
        ("application/fhir+xml", "", Form.XML),
        ("text/xml; charset=utf-8", "", Form.XML),
        ("application/fhir+json;q=0.5, application/fhir+xml", "", Form.XML),
        ("application/fhir+xml;q=0, */*;q=0.1", "", Form.JSON),
        ("text/html, application/fhir+xml;q=0.9", "", Form.XML),
        ("application/fhir+json", "xml", Form.XML),
        ("text/html", "application/fhir xml", Form.XML),  # a plus that the query string made a space
    ],
)
def test_wanted(accept: str, query: str, form: Form) -> None:
    assert wanted(accept, query) is form


@pytest.mark.parametrize(("accept", "query"), [("text/html", ""), ("*/*", "ttl"), ("application/fhir+json;q=0", "")])
def test_nothing_acceptable(accept: str, query: str) -> None:
    with pytest.raises(RequestRefused) as refusal:
        wanted(accept, query)
    assert refusal.value.status == 406


def test_a_body_is_json_or_xml() -> None:
    assert sent("application/fhir+json; fhirVersion=4.0") is Form.JSON
    assert sent("text/xml") is Form.XML
    with pytest.raises(RequestRefused) as refusal:
        sent("text/plain")
    assert refusal.value.status == 415


@given(st.text(max_size=60))
def test_any_header_is_answered(accept: str) -> None:
    try:
        assert wanted(accept) in Form
    except RequestRefused as refusal:
        assert refusal.status == 406


def test_an_outcome_in_xml_says_what_json_says() -> None:
    finding = Finding("MAP01", Severity.ERROR, Text("Нет <даты> & имени", "No <date>"), Text("Заполните", "Fill"))
    root = xml.parse(to_xml(operation_outcome([finding]))).getroot()
    text = root.find("{*}issue/{*}details/{*}text")
    assert text is not None
    assert text.get("value") == "Нет <даты> & имени"
    assert len(text.findall("{*}extension/{*}extension")) == 2
