"""Structures: no tree makes them fall over, and what the pack accepts they accept."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from adapter.catalogue import Catalogue
from adapter.xml import HL7, XSI, parse
from conformance.mutate import mutants
from conformance.structure import Structures, load
from tests.bench.structure import DOCUMENTS, documents, judge

KINDS = tuple(DOCUMENTS)
_NAMES = ("id", "code", "title", "time", "section", "entry", "value", "text", "table", "observation", "patientRole")
_ATTRIBUTES = ("code", "root", "extension", "nullFlavor", "value", "foo", f"{{{XSI}}}type", "{urn:x}a")
_TEXTS = st.sampled_from(["", " ", "NI", "ST", "1.2.643.100.3", "8009", "x" * 300, "я"])

_NODE = st.recursive(
    st.tuples(
        st.sampled_from(_NAMES), st.dictionaries(st.sampled_from(_ATTRIBUTES), _TEXTS, max_size=3), _TEXTS, st.just([])
    ),
    lambda below: st.tuples(
        st.sampled_from(_NAMES),
        st.dictionaries(st.sampled_from(_ATTRIBUTES), _TEXTS, max_size=2),
        _TEXTS,
        st.lists(below, max_size=4),
    ),
    max_leaves=12,
)


@lru_cache(maxsize=1)
def _structures() -> Structures:
    return load(Catalogue())


def _build(parent: etree._Element, node: tuple[str, dict[str, str], str, list[object]]) -> None:
    name, attributes, text, children = node
    element = etree.SubElement(parent, f"{{{HL7}}}{name}", attributes)
    element.text = text
    for child in children:
        _build(element, child)  # type: ignore[arg-type]  # the strategy makes the same shape below


@pytest.mark.parametrize("kind", KINDS)
@given(children=st.lists(_NODE, max_size=4), at=st.integers(0, 400))
@settings(max_examples=60)
def test_any_tree_is_judged(kind: str, children: list[tuple[str, dict[str, str], str, list[object]]], at: int) -> None:
    root = etree.Element(f"{{{HL7}}}ClinicalDocument", nsmap={None: HL7})
    for child in children:
        _build(root, child)
    findings = _structures().check(root.getroottree(), kind)
    assert findings
    assert all(finding.xpath.startswith("/ClinicalDocument") for finding in findings)
    assert not _structures().accepts(root.getroottree(), kind)


def test_deep_trees_are_judged() -> None:
    text = b"<text>" + b"<content>" * 150 + b"x" + b"</content>" * 150 + b"</text>"
    body = (
        b"<component><structuredBody><component><section>"
        + text
        + b"</section></component></structuredBody></component>"
    )
    tree = parse(f'<ClinicalDocument xmlns="{HL7}">'.encode() + body + b"</ClinicalDocument>")
    assert _structures().check(tree, "170")


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_pack_accepts_raises_nothing(kind: str, examples_dir: Path, packs_source: Path) -> None:
    """Spaces at an edge are left out: the schema looks past them and the Schematron then finds no such element."""
    judged = judge(kind, _structures(), packs_source.parent)
    for _, data in documents(kind, examples_dir.parent):
        assert judged.official(parse(data)) == []
        assert judged.ours(parse(data)) == []
        accepted = refused = 0
        for mutant in mutants(data, seed=11, count=150):
            tree = parse(mutant.data)
            if judged.official(tree):
                refused += bool(judged.ours(tree))
            elif mutant.name != "pad-attribute":
                accepted += 1
                assert judged.ours(tree) == [], (mutant.name, mutant.xpath)
        assert accepted > 10
        assert refused > 60


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_documents_is_nothing(kind: str, examples_dir: Path) -> None:
    """What a node remembers of one document does not colour the next: the order of documents is nothing."""
    (name, *_) = DOCUMENTS[kind]
    data = (examples_dir / f"semd{name}.xml").read_bytes()
    trees = [parse(mutant.data) for mutant in mutants(data, seed=12, count=150)]
    forward, backward = load(Catalogue()), load(Catalogue())
    there = [forward.check(tree, kind) for tree in trees]
    back = [backward.check(tree, kind) for tree in reversed(trees)]
    assert there == back[::-1]
    assert any(there)
