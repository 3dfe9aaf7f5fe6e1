"""``make bench``: what a check costs, beside SaxonC in the same run.

Needs the Ministry's packs, the reference books and the example documents (``EGISZ_SHARED`` or a folder ``shared``
beside the checkout). Prints milliseconds and ratios; judges nothing.
"""

from __future__ import annotations

import copy
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from time import perf_counter

from lxml import etree

from adapter.nsi import BookStore
from adapter.nsi.importer import import_folder
from adapter.xml import parse
from conformance import Checker
from conformance.coded import check_coded
from conformance.packs import PackStore
from conformance.rules import run_rules
from tests.bench.measure import medians, once, table
from tests.oracle.saxon import compile_stylesheet
from tests.oracle.stylesheet import lean_stylesheet, svrl_stylesheet

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("EGISZ_SHARED", ROOT.parent / "shared"))
KINDS = ("119", "142", "163", "170", "185", "191", "195", "204")


def enlarge(data: bytes, xpath: str, times: int) -> bytes:
    """The document with the element at ``xpath`` repeated; still accepted where the kind allows repetition."""
    tree = parse(data)
    (element,) = tree.xpath(xpath, namespaces={"h": "urn:hl7-org:v3"})
    for _ in range(times):
        element.addnext(copy.deepcopy(element))
    return etree.tostring(tree, encoding="UTF-8", xml_declaration=True)


def documents() -> Iterator[tuple[str, str, bytes]]:
    """(name, kind, bytes): the full 170, the 119, and a 119 of the size that practice has."""
    examples = SHARED / "examples"
    yield "170 full", "170", (examples / "semd170_full.xml").read_bytes()
    small = (examples / "semd119_min.xml").read_bytes()
    yield "119", "119", small
    yield "119 of 41 KB", "119", enlarge(small, "//h:structuredBody/h:component[1]/h:section/h:entry[3]", 43)


def accepting(checker: Checker, name: str, kind: str, data: bytes) -> None:
    """Stages and whole of the accepting path, beside SaxonC."""
    loaded = checker.load(kind)
    assert loaded is not None
    assert loaded.schema is not None
    schema, (schematron,) = loaded.schema, loaded.schematrons
    tree = parse(data)
    known, today = checker.kinds.by_code(kind), date(2024, 6, 1)
    source = SHARED / "packs" / kind / f"{kind}.sch"
    lean, svrl = compile_stylesheet(lean_stylesheet(source)), compile_stylesheet(svrl_stylesheet(source))

    def official() -> bool:
        """XSD, Schematron and books from bytes: what the Ministry checks."""
        fresh = parse(data)
        return schema.accepts(fresh) and schematron.accepts(fresh) and not check_coded(fresh, checker.books).findings

    assert official()
    runs: dict[str, Callable[[], object]] = {
        "parse": lambda: parse(data),
        "XSD": lambda: schema.accepts(tree),
        "Schematron": lambda: schematron.accepts(tree),
        "Schematron, counted": lambda: schematron.validate(tree),
        "books": lambda: check_coded(tree, checker.books),
        "rules of our own": lambda: run_rules(tree, kind=known, kinds=checker.kinds, today=today),
        "parse + XSD + Schematron + books": official,
        "check(), everything, not counted": lambda: checker.check(data, count=False),
        "check(), everything, counted": lambda: checker.check(data),
        "SaxonC, leanest stylesheet (parse + rules)": lambda: lean(data),
        "SaxonC, full SVRL (parse + rules)": lambda: svrl(data),
    }
    times = medians(runs)
    rows = {run: f"{value:8.3f} ms" for run, value in times.items()}
    ours = times["parse"] + times["Schematron"]
    rows["ratio: leanest SaxonC / ours (parse + rules)"] = f"{times[list(times)[-2]] / ours:8.1f} ×"
    rows["ratio: full SVRL SaxonC / ours (parse + rules)"] = f"{times[list(times)[-1]] / ours:8.1f} ×"
    table(f"{name}: {len(data):,} bytes, accepting path", rows)


def rejecting(checker: Checker, name: str, data: bytes) -> None:
    """A document with faults in several places, with full detail."""
    broken = data.replace(b'codeSystemName="', b'codeSystemName="x', 5).replace(b'code="RU"', b'code="RUS"')
    report = checker.check(broken)
    assert not report.ok
    times = medians({"check() with full detail": lambda: checker.check(broken, count=False)})
    table(
        f"{name}: rejected", {f"{run}, {len(report.findings)} findings": f"{ms:8.3f} ms" for run, ms in times.items()}
    )


def loading(cache: Path) -> None:
    """Loading all eight packs, cold and from the cache, each in a process of its own."""
    code = (
        "import sys;from pathlib import Path;from time import perf_counter;"
        "from conformance.schematron import compile_schematron;from conformance.xsd import load_schema;"
        "from tests.bench.measure import peak_memory;"
        "before=peak_memory();started=perf_counter();packs,cache=map(Path,sys.argv[1:3]);"
        f"kinds={KINDS!r};"
        "schemas=[load_schema(packs/k/'CDA.xsd') for k in kinds];"
        "rules=[compile_schematron(packs/k/f'{k}.sch',cache=cache) for k in kinds];"
        "[one.warm() for one in rules];"
        "print((perf_counter()-started)*1000,peak_memory(),before)"
    )
    rows = {}
    for name in ("cold", "from the cache"):
        out = subprocess.run(
            [sys.executable, "-c", code, str(SHARED / "packs"), str(cache)],
            check=True, capture_output=True, text=True, cwd=ROOT,
        ).stdout.split()  # fmt: skip
        rows[name] = f"{float(out[0]):8.0f} ms, {float(out[1]):.0f} MB resident at most ({float(out[2]):.0f} MB before)"
    table("loading all eight packs (XSD compiled, rules ready)", rows)


def threads(checker: Checker, data: bytes) -> None:
    """Two threads against one, the same number of documents."""

    def many(count: int) -> None:
        for _ in range(count):
            checker.check(data, count=False)

    def with_threads(number: int, pool: ThreadPoolExecutor, work: Callable[[int], None], times: int) -> float:
        started = perf_counter()
        list(pool.map(work, [times // number] * number))
        return perf_counter() - started

    def digests(count: int) -> None:
        for _ in range(count):
            hashlib.sha256(block).digest()

    block = bytes(1_000_000)
    with ThreadPoolExecutor(2) as pool:
        rows = {}
        for name, work, times in (("check()", many, 600), ("SHA-256, which needs no lock at all", digests, 600)):
            with_threads(2, pool, work, times)
            ratios = sorted(with_threads(1, pool, work, times) / with_threads(2, pool, work, times) for _ in range(5))
            rows[name] = f"{ratios[2]:8.2f} × (of {os.cpu_count()} processors)"
    table("two threads against one", rows)


def growth(checker: Checker, data: bytes) -> None:
    """Cost by size, up to 5 MB."""
    rows = {}
    loaded = checker.load("119")
    assert loaded is not None
    for times in (64, 512, 2048, 7200):
        big = enlarge(data, "//h:structuredBody/h:component[1]/h:section/h:entry[3]", times)
        report = checker.check(big, count=False)
        assert report.ok
        spent = min(once(lambda big=big: checker.check(big, count=False)) for _ in range(3))
        rows[f"{len(big) / 1e6:5.2f} MB"] = f"{spent:8.1f} ms, {spent / len(big) * 1e6:6.1f} ms a MB"
    table("growth (119, accepting path)", rows)


def main() -> None:
    """Run everything."""
    if not SHARED.is_dir():
        sys.exit("make bench needs the packs, books and examples: set EGISZ_SHARED to a folder that has them")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        packs = PackStore(home / "packs")
        packs.install(SHARED / "packs")
        import_folder(SHARED / "nsi", home / "nsi")
        checker = Checker(packs, BookStore(home / "nsi"), cache=home / "cache", today=lambda: date(2024, 6, 1))
        found = list(documents())
        for name, kind, data in found:
            accepting(checker, name, kind, data)
        for name, _, data in found:
            rejecting(checker, name, data)
        threads(checker, found[0][2])
        growth(checker, found[1][2])
        loading(home / "cold")


if __name__ == "__main__":
    main()
