"""Every value of a document leads back to its rule and to what gave it; marks change nothing in the document."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.errors import InputError, MappingError
from adapter.fhir import Graph, Reading, read
from adapter.lineage import Lineage, Lineages
from adapter.lineage.codes import element_at
from tests.property.test_thinned_examples import LOADED, NAMES, PLACES, without

BUNDLES = Path(__file__).parents[2] / "examples" / "bundles"
REGISTERS = Path(__file__).parents[2] / "examples" / "registers"
#: Elements whose text a document repeats as it is.
REPEATED = ("family", "line", "lotNumber")


@pytest.fixture(scope="module")
def lineages(converter: Converter) -> Lineages:
    return Lineages(converter, Catalogue())


def ways_of(lineages: Lineages, reading: Reading) -> list[tuple[Lineage, str]]:
    """The ways of the documents of a Bundle, each with the document as it is made without them."""
    converter, graph = lineages.converter, Graph(reading.bundle, reading.version)
    found = []
    for product in converter.planned(graph):
        if converter.mappings.message_of(product.document) is None:
            made = converter.mappings.facts(product, graph, converter.organisation, converter.terms)
            found.append((lineages.product(product, graph), converter.rendered(product, made.facts).decode()))
    return found


def check(lineage: Lineage, document: str) -> None:
    assert lineage.text.rstrip("\n") == document.rstrip("\n")
    for line in lineage.lines:
        for way in (lineage.ways[piece.way] for piece in line if piece.way >= 0):
            assert way.rule
            assert way.file
            assert way.line > 0
            assert way.place or way.elements or way.source == "mapping", way.fact
            assert way.written


@pytest.mark.parametrize("name", [*NAMES, "227-r5-rucore"])
def test_every_value_of_an_example_leads_back(lineages: Lineages, name: str) -> None:
    (reading,) = read((BUNDLES / f"{name}.json").read_bytes())
    documents = ways_of(lineages, reading)
    assert documents or name == "refusal-r4"
    for lineage, document in documents:
        check(lineage, document)
        for way in lineage.ways:
            for element in way.elements:
                root = {"%org": lineages.converter.organisation.values}.get(element[:4], reading.bundle)
                assert element_at(root, element) is not None, element


@pytest.mark.parametrize("path", sorted(REGISTERS.glob("*.json")), ids=lambda path: path.stem)
def test_every_value_of_a_message_leads_back(lineages: Lineages, path: Path) -> None:
    converter = lineages.converter
    (reading,) = read(path.read_bytes())
    asked = list(converter.mappings.registers)
    made = converter.convert(reading, products=asked).messages
    found = [lineage for _, _, lineage in lineages.of(reading, asked)]
    assert [one.product for one in made] == [one.kind for one in found]
    for message, lineage in zip(made, found, strict=True):
        check(lineage, (message.data or b"").decode().rstrip("\n"))
        assert lineage.share.values or message.data is None


def test_most_values_lead_to_an_element(lineages: Lineages) -> None:
    """Those that do not are ids that are worked out, constants, and reasons why something is absent."""
    total: Counter[str] = Counter()
    for name in NAMES:
        (reading,) = read((BUNDLES / f"{name}.json").read_bytes())
        for lineage, _ in ways_of(lineages, reading):
            share = lineage.share
            total.update(
                values=share.values, ruled=share.ruled, known=share.elements + share.organisation + share.mapping
            )
    assert total["ruled"] == total["values"]
    assert total["known"] >= 0.94 * total["values"]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=5)
@given(data=st.data())
def test_values_of_thinned_bundles_lead_back(lineages: Lineages, name: str, data: st.DataObject) -> None:
    paths = data.draw(st.lists(st.sampled_from(PLACES[name]), min_size=1, max_size=3, unique=True))
    try:
        (reading,) = read(json.dumps(without(LOADED[name], paths)).encode())
        documents = ways_of(lineages, reading)
    except (InputError, MappingError):
        # A part is gone that no document can do without.
        return
    for lineage, document in documents:
        check(lineage, document)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=4)
@given(
    data=st.data(), text=st.text("Ж&<>\"'\U000f0000\U000f0001\U000f0002 я9", min_size=1, max_size=9).filter(str.strip)
)
def test_what_changes_with_an_element_leads_to_it(
    lineages: Lineages, name: str, data: st.DataObject, text: str
) -> None:
    places = [
        path for path in PLACES[name] if path[-1] in REPEATED or (len(path) > 1 and path[-2] in ("given", "line"))
    ]
    path = data.draw(st.sampled_from(places))
    bundle = json.loads(json.dumps(LOADED[name]))
    at = bundle
    for part in path[:-1]:
        at = at[part]
    if not isinstance(at[path[-1]], str):
        return
    (before,) = read(json.dumps(bundle).encode())
    at[path[-1]] = text
    (after,) = read(json.dumps(bundle).encode())
    element = "Bundle" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    for (old, _), (new, document) in zip(ways_of(lineages, before), ways_of(lineages, after), strict=True):
        check(new, document)
        if len(old.lines) != len(new.lines):
            continue
        for one, other in zip(old.lines, new.lines, strict=True):
            if "".join(piece.text for piece in one) == "".join(piece.text for piece in other):
                continue
            ends = [new.ways[piece.way] for piece in other if piece.way >= 0]
            leads = any(element.startswith(found) for way in ends for found in way.elements)
            # Ids are worked out of much.
            assert leads or any(way.fact in ("id", "set_id") or way.fact.endswith(".id") for way in ends), element
