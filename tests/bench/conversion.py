"""``make bench``: what a conversion costs, stage by stage and whole, beside the floor of the same libraries.

The floor reads the same bytes with ``json.loads``, renders one bare Jinja template of the size of the document, and
parses the result with lxml: what no converter of these libraries can go below. Needs the Ministry's packs and the
reference books for the checked figures. Prints milliseconds and ratios; judges nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from statistics import median
from time import perf_counter

import jinja2

from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.fhir import Graph, read
from adapter.nsi import BookStore
from adapter.nsi.importer import import_folder
from adapter.organisation import load_organisation
from adapter.xml import parse
from conformance.checker import Checker
from conformance.packs import PackStore
from tests.bench.measure import Run, medians, table

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("EGISZ_SHARED", ROOT.parent / "shared"))
BUNDLES = ROOT / "examples" / "bundles"
#: Starts of the command; the first ones fill its caches.
STARTS = 7
TODAY = date(2026, 11, 24)


def converters(home: Path) -> tuple[Converter, Converter]:
    """With and without checks."""
    catalogue = Catalogue()
    if (SHARED / "packs").is_dir():
        PackStore(home / "packs").install(SHARED / "packs")
        import_folder(SHARED / "nsi", home / "nsi")
    books = BookStore(home / "nsi", catalogue)
    checker = Checker(PackStore(home / "packs"), books, catalogue=catalogue, cache=home / "c", today=lambda: TODAY)
    organisation = load_organisation(catalogue)

    def make(one: Checker | None) -> Converter:
        return Converter(catalogue, books, organisation, checker=one, cache=home / "t")

    return make(checker), make(None)


def floor(data: bytes, document: bytes) -> Run:
    """``json.loads``, a bare template with twenty values for every 15 KB, and a parse."""
    text = document.decode().replace("{", "(").replace("}", ")")
    step = max(1, len(text) // 20)
    parts = [text[at : at + step] for at in range(0, len(text), step)]
    names = [f"p{index}" for index in range(len(parts))]
    template = jinja2.Environment(autoescape=False).from_string("".join(f"{{{{ {name} }}}}" for name in names))
    values = dict(zip(names, parts, strict=True))

    def run() -> None:
        json.loads(data)
        parse(template.render(values).encode())

    return run


def stages(converter: Converter, data: bytes, kind: str) -> Iterator[tuple[str, Run]]:
    """The stages of one product, each on what the stage before gave."""
    (reading,) = read(data)
    graph = Graph(reading.bundle, reading.version)
    mappings, organisation, terms = converter.mappings, converter.organisation, converter.terms
    product = next(one for one in mappings.plan(graph, organisation, terms, today=TODAY) if one.document == kind)
    facts = mappings.facts(product, graph, organisation, terms).facts
    yield "read and validate", lambda: read(data)
    yield "graph", lambda: Graph(reading.bundle, reading.version)
    yield "plan", lambda: list(mappings.plan(graph, organisation, terms, today=TODAY))
    yield "mapping", lambda: mappings.facts(product, graph, organisation, terms)
    yield "rendering", lambda: converter.rendered(product, facts)


def whole(converter: Converter, data: bytes, kind: str) -> Run:
    """From bytes to documents."""
    return lambda: [converter.convert(one, products=(kind,)) for one in read(data)]


def bundle(title: str, checked: Converter, bare: Converter, data: bytes, kind: str) -> None:
    """Stages and whole of a Bundle."""
    (reading,) = read(data)
    (document,) = checked.convert(reading, products=(kind,)).documents
    if document.data is None or not document.ok:
        raise SystemExit(f"bench: {title} yields no document without errors")
    resources = len(Graph(reading.bundle, reading.version).all())

    runs = dict(stages(bare, data, kind))
    runs |= {
        "without checks": whole(bare, data, kind),
        "with checks": whole(checked, data, kind),
        "floor": floor(data, document.data),
    }
    found = medians(runs, rounds=10)
    rows = {name: f"{value:6.2f} ms" for name, value in found.items()}
    for name in ("without checks", "with checks"):
        rows[name] += f"   {found[name] / found['floor']:5.1f} x the floor   {1000 / found[name]:6.0f} a second"
    table(
        f"{title}: {resources} resources, {len(data) / 1000:.0f} KB -> {kind} of {len(document.data) / 1000:.0f} KB",
        rows,
    )


def kinds(checked: Converter, bare: Converter) -> None:
    """Every kind from the example Bundle that is named after it, or the first that yields it."""
    rows: dict[str, str] = {}
    for path in sorted(BUNDLES.glob("*.json")):
        data = path.read_bytes()
        for document in (one for reading in read(data) for one in checked.convert(reading).documents):
            kind = document.kind
            if document.ok and document.data is not None and kind not in rows:
                runs = {"checked": whole(checked, data, kind), "bare": whole(bare, data, kind)}
                found = medians(runs, rounds=5, calls=5)
                sizes = f"{len(data) / 1000:4.0f} KB -> {len(document.data) / 1000:3.0f} KB"
                rows[kind] = f"{found['bare']:6.2f} ms, checked {found['checked']:6.2f} ms   {sizes}   {path.stem}"
    table("every kind, one document, read to end", dict(sorted(rows.items())))


def start(home: Path) -> None:
    """The command from its start to its end on one Bundle."""
    settings = {"EGISZ_PACKS": str(home / "packs"), "EGISZ_NSI": str(home / "nsi"), "EGISZ_CACHE": str(home / "start")}
    command = [str(Path(sys.executable).with_name("egisz")), "convert", str(BUNDLES / "170-bare-words.json"), "--out"]
    # As an installed program starts: with the byte code of its modules.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    times = []
    for index in range(STARTS):
        begun = perf_counter()
        subprocess.run(
            [*command, str(home / f"out{index}")], env=environment | settings, check=True, capture_output=True
        )
        times.append(perf_counter() - begun)
    warm = times[2:]
    table("start of egisz convert, one Bundle", {"best": f"{min(warm):.2f} s", "median": f"{median(warm):.2f} s"})


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        checked, bare = converters(home)
        bundle("vaccination", checked, bare, (BUNDLES / "170-r4-rucore.json").read_bytes(), "170")
        bundle("document Bundle", checked, bare, (BUNDLES / "227-r5-rucore.json").read_bytes(), "227")
        kinds(checked, bare)
        start(home)


if __name__ == "__main__":
    main()
