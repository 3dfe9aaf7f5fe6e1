"""The documents of the example Bundles against files that a person has read.

``EGISZ_UPDATE_GOLDEN=1`` writes them anew, ``egisz compare`` tells the difference. They are canonical XML, so that only
what XML means makes a difference.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.fhir import read
from adapter.xml import parse
from conformance.structure import Structures, load
from tests.golden_files import compare

pytestmark = [pytest.mark.packs, pytest.mark.books]

ROOT = Path(__file__).parents[2]
BUNDLES = {path.stem: path for path in sorted((ROOT / "examples" / "bundles").glob("*.json"))}
GOLDEN = ROOT / "tests" / "golden" / "documents"


@pytest.fixture(scope="module")
def structures() -> Structures:
    return load(Catalogue())


def canonical(data: bytes) -> str:
    """Canonical XML with an element a line where no text stands beside elements."""
    tree = parse(data)
    etree.indent(tree)
    return etree.tostring(tree, method="c14n").decode() + "\n"


@pytest.mark.parametrize("name", BUNDLES)
def test_documents_are_as_they_were_read(converter: Converter, name: str) -> None:
    (reading,) = read(BUNDLES[name].read_bytes())
    made = {one.name: canonical(one.data) for one in converter.convert(reading).documents if one.data is not None}
    compare(made, GOLDEN / name)


def test_no_golden_file_is_without_its_bundle() -> None:
    assert {path.name for path in GOLDEN.iterdir()} <= set(BUNDLES)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/*.xml")), ids=lambda path: path.parent.name)
def test_the_rules_of_our_own_take_what_the_pack_takes(path: Path, structures: Structures) -> None:
    kind = path.name.split("_")[0]
    if kind not in structures.kinds:
        pytest.skip(f"no structure of {kind}")
    assert structures.check(parse(path.read_bytes()), kind) == []
