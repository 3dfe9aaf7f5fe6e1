"""Which routes are taken: the route's own word, and the organisation's."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.catalogue import Catalogue
from adapter.errors import MappingError
from adapter.mapping.mappings import Mappings
from adapter.mapping.model import Route
from adapter.organisation import load_organisation

BUILT_IN = (Catalogue().file("mappings/organisation.yaml")).read_text(encoding="utf-8").replace("routes: {}", "")


@pytest.mark.parametrize(
    ("on", "said", "product"),
    [
        (True, "", "170"),
        (True, "r: off", None),
        (True, "r: false", None),
        (True, "r: on", "170"),
        (True, 'r: "220"', "220"),
        (False, "", None),
        (False, "other: on", None),
        (False, "r: on", "170"),
        (False, "r: true", "170"),
        (False, 'r: "220"', "220"),
    ],
)
def test_the_organisation_decides(tmp_path: Path, on: bool, said: str, product: str | None) -> None:
    file = tmp_path / "org.yaml"
    file.write_text(f"{BUILT_IN}\nroutes: {{{said}}}\n", encoding="utf-8")
    organisation = load_organisation(Catalogue(), file)
    assert organisation.product(Route("r", "170", "Immunization", None, on)) == product


def test_a_switch_that_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "mappings"
    folder.mkdir()
    (folder / "routes.yaml").write_text("routes: [{id: a, product: b, focus: C, on: maybe}]\n", encoding="utf-8")
    with pytest.raises(MappingError, match="true or false"):
        Mappings.load(Catalogue(overlay=tmp_path))
