"""Which rules of the official packs no document of ours is ever held to: over example Bundles and drawn ones.

Needs the Ministry's packs and books (``EGISZ_SHARED`` or a folder ``shared`` beside the checkout). A rule *fires* where
a document has a node that it applies to; one that never does says nothing of our templates.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from adapter.convert import Converter
from adapter.fhir import read
from adapter.xml import parse
from conformance.packs import PackStore
from conformance.schematron import compile_schematron
from conformance.strategies import KINDS, as_json, bundles
from tests.bench.measure import table
from tests.converters import fill, make

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("EGISZ_SHARED", ROOT.parent / "shared"))


def drawn(kind: str, count: int) -> list[bytes]:
    """Bundles of a kind, complete and not; the same ones each time."""
    made: list[bytes] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.booleans().flatmap(lambda complete: bundles(kinds=(kind,), complete=complete)))
    def draw(bundle: dict[str, object]) -> None:
        made.append(as_json(bundle))

    draw()
    return made


def documents(converter: Converter, kind: str, count: int) -> Iterator[bytes]:
    """Documents of a kind from all example Bundles and from drawn ones."""
    examples = [path.read_bytes() for path in sorted((ROOT / "examples" / "bundles").glob("*.json"))]
    for data in [*examples, *drawn(kind, count)]:
        for reading in read(data):
            for document in converter.convert(reading, products={kind}).documents:
                if document.data is not None:
                    yield document.data


def main() -> None:
    """Print, for each kind, how many rules fire, and with ``--list`` the contexts of those that never do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=[], help="all that have a pack by default")
    parser.add_argument("--count", type=int, default=200, help="drawn Bundles of a kind")
    parser.add_argument("--list", action="store_true", help="print the contexts of rules that never fire")
    asked = parser.parse_args()
    rows: dict[str, str] = {}
    silent: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        fill(home, SHARED / "packs", SHARED / "nsi")
        converter, packs = make(home), PackStore(home / "packs")
        for kind in asked.kinds or KINDS:
            pack = packs.find(kind)
            if pack is None:
                continue
            rules = [compile_schematron(path, cache=home / "schematron") for path in pack.schematrons]
            trees = [parse(data) for data in documents(converter, kind, asked.count)]
            runs = [[one for rule in rules for one in rule.rules(tree)] for tree in trees]
            fired = [(column[0][0], any(hit for _, hit in column)) for column in zip(*runs, strict=True)]
            never = [context for context, hit in fired if not hit]
            rows[kind] = f"{len(fired) - len(never)} of {len(fired)} fire, {len(trees)} documents"
            silent += [f"{kind}  {context}" for context in never]
    table("Rules of the official packs", rows)
    if asked.list:
        print("\n".join(silent))


if __name__ == "__main__":
    main()
