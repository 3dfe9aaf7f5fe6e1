"""Of the editions of a document a route makes the newest one with a mapping that is open on the document's date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import permutations

import pytest

from adapter.fhir import Graph
from adapter.findings import Finding, Severity
from adapter.organisation import load_organisation
from tests.unit.mapping.conftest import KINDS, Small

TODAY = date(2026, 11, 24)


def write(small: Small, family: Sequence[str], mapped: str) -> None:
    """A route of a family of which the editions in ``mapped`` have a mapping."""
    listed = ", ".join(f'"{one}"' for one in family)
    small.write(
        {
            "mappings/kinds.yaml": KINDS,
            "mappings/routes.yaml": f"routes:\n  - {{id: r, product: [{listed}], focus: Encounter}}\n",
        }
        | {f"mappings/documents/{one}.yaml": document(one) for one in mapped}
    )
    if "1" not in mapped:
        (small.root / "mappings/documents/1.yaml").unlink(missing_ok=True)


def document(kind: str, source: str = "Encounter") -> str:
    return f"""
        document: "{kind}"
        source: {source}
        template: body.xml.j2
        let: {{ended: period.end}}
        fields: {{created: {{from: "%ended", as: hl7-time}}, family: id}}
        """


def planned(small: Small, created: str | None, asked: Sequence[str] = ()) -> list[str]:
    mappings = small.load()
    encounter = {"resourceType": "Encounter", "id": "e"} | ({"period": {"end": created}} if created else {})
    graph = Graph({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": encounter}]})
    organisation = load_organisation(small.catalogue)
    products = mappings.plan(graph, organisation, small.terms, asked=asked, today=TODAY)
    return [product.document for product in products]


@pytest.mark.parametrize("family", [*permutations("123")])
@pytest.mark.parametrize(
    ("mapped", "created", "made"),
    [
        ("123", "2021-05-05", "1"),
        ("123", "2022-06-01", "2"),  # 1 and 2 are open
        ("123", "2022-12-31T23:00:00+03:00", "2"),
        ("123", "2024-06-01", "3"),
        ("12", "2024-06-01", "2"),  # the newest open one has no mapping
        ("12", "2022-06-01", "2"),
        ("13", "2022-06-01", "1"),
        ("13", "2023-06-01", "3"),  # none is open
        ("12", "2025-06-01", "2"),
        ("12", "2019-06-01", "2"),
        ("1", "2025-06-01", "1"),  # nothing to choose from
        ("12", None, "2"),  # the day of today stands for the date
        ("23", None, "3"),
    ],
)
def test_the_newest_open_one_is_made(
    small: Small, family: tuple[str, ...], mapped: str, created: str | None, made: str
) -> None:
    write(small, family, mapped)
    assert planned(small, created) == [made]


@pytest.mark.parametrize(
    ("asked", "made"), [(["1"], ["1"]), (["2"], ["2"]), (["3"], []), (["1", "2"], ["2"]), (["4"], [])]
)
def test_what_is_asked_for_is_made_though_it_is_closed(small: Small, asked: list[str], made: list[str]) -> None:
    write(small, "123", "12")
    assert planned(small, "2025-06-01", asked) == made


def test_an_edition_of_another_focus_is_none(small: Small) -> None:
    write(small, "12", "12")
    small.write({"mappings/documents/2.yaml": document("2", "Composition")})
    assert planned(small, "2024-06-01") == ["1"]
    small.write({"mappings/documents/2.yaml": document("2", "[Composition, Encounter]")})
    assert planned(small, "2024-06-01") == ["2"]


def test_each_mapping_tells_its_own_date(small: Small) -> None:
    write(small, "23", "23")
    small.write({"mappings/documents/3.yaml": document("3").replace("period.end", "period.start")})
    assert planned(small, "2024-06-01") == ["3"]
    small.write(
        {"mappings/documents/3.yaml": document("3").replace('from: "%ended", as: hl7-time', 'constant: "20230101"')}
    )
    assert planned(small, "2024-06-01") == ["2"]


def test_the_date_is_read_without_findings(small: Small) -> None:
    """A date that cannot be read is told once, by the document."""
    write(small, "23", "23")
    mappings, organisation = small.load(), load_organisation(small.catalogue)
    encounter = {"resourceType": "Encounter", "id": "e", "period": {"end": "2022"}}
    graph = Graph({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": encounter}]})
    findings: list[Finding] = []
    (product,) = mappings.plan(graph, organisation, small.terms, findings, today=TODAY)
    assert (product.document, findings) == ("3", [])
    made = mappings.facts(product, graph, organisation, small.terms)
    assert [one.severity for one in made.findings] == [Severity.ERROR]
