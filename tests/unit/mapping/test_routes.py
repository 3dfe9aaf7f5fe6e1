"""Which routes are taken: the route's own word, and the organisation's."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.catalogue import Catalogue
from adapter.errors import MappingError
from adapter.mapping.mappings import Mappings
from adapter.mapping.model import Route
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


def write(folder: Path, name: str, text: str) -> None:
    path = folder / "mappings" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
