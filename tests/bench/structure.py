"""Agreement of the structures (``mappings/structures``) with the official verdicts, over mutants of each kind.

Needs the Ministry's packs and the example documents (``EGISZ_SHARED`` or a folder ``shared`` beside the checkout).

An official failure is a finding of the XSD or of the Schematron. A mutant is *found* where both refuse it; a failure is
*found* where a finding of ours stands at its element, the parent or a child. A *false alarm* is a finding of ours on
a mutant that the pack accepts.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from adapter.catalogue import Catalogue
from adapter.findings import Finding
from adapter.xml import ElementTree, parse
from conformance.mutate import Mutant, mutants
from conformance.schematron import Schematron, compile_schematron
from conformance.structure import Structures, load
from conformance.xsd import Schema, load_schema
from tests.bench.measure import medians, table
from tests.bench.rich import RICH, rich

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("EGISZ_SHARED", ROOT.parent / "shared"))
#: Example documents by kind.
DOCUMENTS = {
    "170": ("170_full", "170_min"),
    "204": ("204_min",),
    "195": ("195_min",),
    "191": ("191_min",),
    "119": ("119_min",),
}
#: Golden documents that have more of a kind than its example.
GOLDEN = {"119": "119-follow-up-r4"}


@dataclass
class Tally:
    """Counts of one kind."""

    mutants: int = 0
    invalid: int = 0
    found: int = 0
    failures: int = 0
    places: int = 0
    alarms: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)

    @property
    def valid(self) -> int:
        """Mutants that the pack accepts."""
        return self.mutants - self.invalid


@dataclass(frozen=True)
class Judge:
    """The pack of a kind and our structure of it."""

    kind: str
    schema: Schema
    schematron: Schematron
    structures: Structures

    def official(self, tree: ElementTree) -> list[Finding]:
        """All failures of the XSD and of the Schematron."""
        return [*self.schema.validate(tree), *(failure.finding() for failure in self.schematron.failures(tree))]

    def ours(self, tree: ElementTree) -> list[Finding]:
        """All findings of the structure."""
        return self.structures.check(tree, self.kind)


def judge(kind: str, structures: Structures, shared: Path = SHARED) -> Judge:
    """The judge of a kind."""
    folder = shared / "packs" / kind
    return Judge(kind, load_schema(folder / "CDA.xsd"), compile_schematron(folder / f"{kind}.sch"), structures)


def files(kind: str, shared: Path = SHARED) -> dict[str, Path]:
    """The example documents of a kind that are at hand."""
    named = {name: shared / "examples" / f"semd{name}.xml" for name in DOCUMENTS.get(kind, (f"{kind}_min",))}
    return {name: path for name, path in named.items() if path.exists()}


def documents(kind: str, shared: Path = SHARED) -> Iterator[tuple[str, bytes]]:
    """The example documents of a kind, and filled ones where the examples are poor."""
    for name, path in files(kind, shared).items():
        data = path.read_bytes()
        yield name, data
        if kind in RICH:
            yield f"{kind} filled", rich(kind, data)
    for path in (
        sorted((ROOT / "tests" / "golden" / "documents" / GOLDEN[kind]).glob("*.xml")) if kind in GOLDEN else ()
    ):
        yield path.parent.name, path.read_bytes()


def near(place: str, ours: set[str]) -> bool:
    """Whether a finding of ours stands at the element, its parent or a child."""
    parent = place.rpartition("/")[0]
    return place in ours or parent in ours or any(other.rpartition("/")[0] == place for other in ours)


def count(judged: Judge, mutant: Mutant, tally: Tally) -> None:
    """Add one mutant to the tally."""
    tree = parse(mutant.data)
    official, ours = judged.official(tree), judged.ours(tree)
    tally.mutants += 1
    if not official:
        if ours:
            tally.alarms[mutant.name] += 1
            tally.details += [f"alarm {mutant.name} {f.code} {f.xpath} {f.message.en} {f.rule}" for f in ours]
        return
    tally.invalid += 1
    tally.found += bool(ours)
    if not ours:
        tally.missed[mutant.name] += 1
    places = {finding.xpath for finding in ours}
    for finding in official:
        tally.failures += 1
        if near(finding.xpath, places):
            tally.places += 1
        else:
            tally.details.append(
                f"{'place' if ours else 'miss '} {mutant.name} {mutant.xpath}: {finding.xpath} {finding.rule}"
            )


def measure(judged: Judge, number: int, seed: int = 1, shared: Path = SHARED) -> Tally:
    """Agreement over ``number`` mutants of each document of a kind."""
    tally = Tally()
    for _, data in documents(judged.kind, shared):
        tree = parse(data)
        assert not judged.official(tree)
        if judged.ours(tree):
            tally.alarms["(the example itself)"] += 1
        for mutant in mutants(data, seed=seed, count=number):
            count(judged, mutant, tally)
    return tally


def show(kind: str, tally: Tally) -> None:
    """Print the tally of a kind."""
    rows = {
        "mutants": f"{tally.mutants} ({tally.invalid} invalid by the pack, {tally.valid} valid)",
        "invalid mutants that ours refuses too": f"{tally.found / tally.invalid:7.1%}",
        "official failures found at their place": f"{tally.places / tally.failures:7.1%} of {tally.failures}",
        "valid mutants that ours refuses": f"{sum(tally.alarms.values())} {dict(tally.alarms) or ''}",
        "missed, by operator": str(dict(tally.missed.most_common())),
    }
    table(f"structure of {kind} against its pack", rows)


def speed(structures: Structures, kinds: list[str]) -> None:
    """What the accepting path costs."""
    rows = {}
    for kind in kinds:
        for name, data in documents(kind):
            tree = parse(data)
            times = medians({"check": lambda tree=tree, kind=kind: structures.accepts(tree, kind)})
            rows[name] = f"{times['check']:8.3f} ms, {len(data):,} bytes"
    table("structure, accepting path", rows)


def main() -> None:
    """Measure the kinds that have both a structure and a pack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", help="only these kinds")
    parser.add_argument("--count", type=int, default=300, help="mutants of each document")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--details", action="store_true", help="print every disagreement")
    options = parser.parse_args()
    if not SHARED.is_dir():
        sys.exit("this needs the packs and examples: set EGISZ_SHARED to a folder that has them")
    structures = load(Catalogue())
    measured = [kind for kind in options.kinds or structures.kinds if files(kind)]
    for kind in measured:
        tally = measure(judge(kind, structures), options.count, options.seed)
        show(kind, tally)
        if options.details:
            print(*(f"    {line}" for line in tally.details), sep="\n")
    if missing := [kind for kind in options.kinds or structures.kinds if kind not in measured]:
        print(f"\nnot measured, no example document: {', '.join(missing)}")
    speed(structures, measured)


if __name__ == "__main__":
    main()
