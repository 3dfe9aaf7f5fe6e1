"""Which routes are taken: the route's own word, and the organisation's."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from adapter.catalogue import Catalogue
from adapter.errors import MappingError
from adapter.fhir import Graph, read
from adapter.findings import Finding
from adapter.mapping.mappings import Mappings, Product
from adapter.mapping.model import Route
from adapter.nsi import BookStore
from adapter.nsi.terms import Terms, load_vocabulary
from adapter.organisation import Organisation, load_organisation

BUILT_IN = (Catalogue().file("mappings/organisation.yaml")).read_text(encoding="utf-8").replace("routes: {}", "")


@pytest.mark.parametrize(
    ("on", "said", "products"),
    [
        (True, "", ("170",)),
        (True, "r: off", ()),
        (True, "r: false", ()),
        (True, "r: on", ("170",)),
        (True, 'r: "220"', ("220",)),
        (True, "r: 220", ("220",)),
        (True, 'r: ["170", "220"]', ("170", "220")),
        (False, "", ()),
        (False, "other: on", ()),
        (False, "r: on", ("170",)),
        (False, "r: true", ("170",)),
        (False, 'r: "220"', ("220",)),
    ],
)
def test_the_organisation_decides(tmp_path: Path, on: bool, said: str, products: tuple[str, ...]) -> None:
    organisation = configured(tmp_path, said)
    assert organisation.products(Route("r", ("170",), "Immunization", None, on)) == products


@pytest.mark.parametrize("said", ["r: []", "r: [170]", "r: {}"])
def test_what_an_organisation_cannot_say(tmp_path: Path, said: str) -> None:
    with pytest.raises(MappingError, match=r"org.yaml:\d+:\d+: a route: on, off, a kind"):
        configured(tmp_path, said)


def configured(folder: Path, said: str) -> Organisation:
    file = folder / "org.yaml"
    file.write_text(f"{BUILT_IN}\nroutes: {{{said}}}\n", encoding="utf-8")
    return load_organisation(Catalogue(), file)


def test_a_switch_that_is_none(tmp_path: Path) -> None:
    write(tmp_path, "routes.yaml", "routes: [{id: a, product: b, focus: C, on: maybe}]\n")
    with pytest.raises(MappingError, match="true or false"):
        Mappings.load(Catalogue(overlay=tmp_path))


@pytest.mark.parametrize("product", ["[]", "[a, 1]", "1", "{a: b}", '""'])
def test_a_product_that_is_none(tmp_path: Path, product: str) -> None:
    write(tmp_path, "routes.yaml", f"routes: [{{id: a, product: {product}, focus: C}}]\n")
    with pytest.raises(MappingError, match=r"routes.yaml:1:\d+: the route has no «product»"):
        Mappings.load(Catalogue(overlay=tmp_path))


def test_a_folder_adds_routes(tmp_path: Path) -> None:
    write(tmp_path, "routes/own.yaml", 'routes: [{id: own, product: "204", focus: Encounter}]\n')
    built_in, added = Mappings.load(Catalogue()).routes, Mappings.load(Catalogue(overlay=tmp_path)).routes
    assert sorted(route.id for route in added) == sorted([*[route.id for route in built_in], "own"])
    assert {route.file for route in added if route.id == "own"} == {"mappings/routes/own.yaml"}


def test_a_route_that_is_there_already(tmp_path: Path) -> None:
    write(tmp_path, "routes/own.yaml", 'routes: [{id: conclusion, product: "204", focus: Encounter}]\n')
    with pytest.raises(MappingError, match=r"routes/own\.yaml:1:15: there is a route «conclusion»"):
        Mappings.load(Catalogue(overlay=tmp_path))


QUALIFIED = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {
            "resource": {
                "resourceType": "Practitioner",
                "id": "w",
                "qualification": [{"code": {"text": "a"}}, {"code": {"text": "b"}}, {"code": {"text": "c"}}],
            }
        }
    ],
}


@pytest.mark.parametrize(
    ("each", "texts"),
    [
        ("qualification", ["a", "b", "c"]),
        ("qualification.where(code.text != 'b')", ["a", "c"]),
        ("qualification.code.text", []),
        ("communication", []),
        (None, [None]),
    ],
)
def test_a_route_makes_a_product_of_each_part(tmp_path: Path, each: str | None, texts: list[str | None]) -> None:
    line = f', each: "{each}"' if each else ""
    write(tmp_path, "routes/own.yaml", f"routes: [{{id: own, product: iemk-patient, focus: Practitioner{line}}}]\n")
    planned = plan(tmp_path)
    assert [one.part and one.part["code"]["text"] for one in planned] == texts
    assert {one.focus["id"] for one in planned} <= {"w"}


def test_parts_that_do_not_fit_the_data_are_a_finding(tmp_path: Path) -> None:
    each = "qualification.where(code.text.startsWith(%resource.qualification.code.text))"
    write(tmp_path, "routes/own.yaml", f'routes: [{{id: own, product: a, focus: Practitioner, each: "{each}"}}]\n')
    findings: list[Finding] = []
    assert plan(tmp_path, findings) == []
    assert [(one.code, one.rule, one.place.fhirpath) for one in findings] == [
        ("MAP04", "own", "Bundle.entry[0].resource")
    ]


def plan(folder: Path, findings: list[Finding] | None = None) -> list[Product]:
    catalogue = Catalogue(overlay=folder)
    (reading,) = read(json.dumps(QUALIFIED).encode())
    terms = Terms(BookStore(folder / "nsi", catalogue), load_vocabulary(catalogue))
    mappings, organisation = Mappings.load(catalogue), load_organisation(catalogue)
    graph = Graph(reading.bundle, reading.version)
    products = mappings.plan(graph, organisation, terms, findings, today=date(2026, 11, 24))
    return [one for one in products if one.route == "own"]


def write(folder: Path, name: str, text: str) -> None:
    path = folder / "mappings" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
