"""``make bench``: what a keystroke in the playground costs, and how many values of a document lead where.

The Bundle is the one of 12 resources. Every keystroke is another text, so that nothing of it is in a cache; the process
and its limits are those of the console. Packs and books are those of the settings.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from pathlib import Path
from statistics import median
from time import perf_counter

from adapter.bulk import Setup, make_converter
from adapter.catalogue import Catalogue, builtin_root
from adapter.fhir import FhirLimits, read
from adapter.lineage import Lineages
from adapter.playground.trials import Playground
from adapter.settings import settings
from tests.bench.measure import table

BUNDLES = Path(__file__).parents[2] / "examples" / "bundles"
BUNDLE = BUNDLES / "170-r4-rucore.json"
ORGANISATION = "1.2.643.5.1.13.13.12.2.77.99999"
FILES = {
    "a map (patient)": "mappings/resources/patient.yaml",
    "a document (170)": "mappings/documents/170.yaml",
    "the header of all": "mappings/documents/header.yaml",
    "a concept map": "mappings/concepts/administrative-gender.yaml",
    "a template (170)": "templates/cda/body/170.xml.j2",
}
#: Milliseconds that a keystroke may take.
LIMIT = 300.0


async def keystrokes(rounds: int) -> dict[str, list[float]]:
    """Milliseconds from a text to what is shown, by file."""
    playground = Playground(limit=60)
    data = BUNDLE.read_bytes()
    times: dict[str, list[float]] = {}
    try:
        await playground.warm(ORGANISATION)
        for name, file in FILES.items():
            text = (builtin_root() / file).read_text(encoding="utf-8")
            remark = "{# %d #}\n" if file.endswith(".j2") else "# %d\n"
            for number in range(rounds + 1):
                begun = perf_counter()
                tried = await playground.run(file, text + remark % number, data, ORGANISATION, ("170",))
                times.setdefault(name, []).append(1000 * (perf_counter() - begun))
                if tried.problem or tried.faults or not tried.made[0].text:
                    raise SystemExit(f"{file}: {tried}")
            del times[name][0]
    finally:
        playground.close()
    return times


def shares() -> Counter[str]:
    """Values of the documents of all example Bundles, by where they lead."""
    lineages = Lineages(make_converter(Setup(None, None, FhirLimits.configured())), Catalogue(settings().catalogue))
    found: Counter[str] = Counter()
    for path in sorted(BUNDLES.glob("*.json")):
        for reading in read(path.read_bytes()):
            for _, _, lineage in lineages.of(reading):
                share = lineage.share
                found.update({name: getattr(share, name) for name in share.__slots__})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    times = asyncio.run(keystrokes(parser.parse_args().rounds))
    rows = {name: f"p50 {median(some):6.1f} ms   worst {max(some):6.1f} ms" for name, some in times.items()}
    table("playground: a keystroke, the Bundle of 12 resources", rows)
    found = shares()
    total = found.pop("values")
    words = {
        "ruled": "to a rule with its file and line",
        "elements": "to an element of FHIR",
        "organisation": "to the organisation's file",
        "mapping": "to a constant of the mapping",
        "focus": "to a resource that it is worked out from",
    }
    table(
        f"ways: {total} values of the documents of the examples lead",
        {words[name]: f"{count:6}   {100 * count / total:5.1f} %" for name, count in found.items()},
    )
    if any(median(some) > LIMIT for some in times.values()):
        raise SystemExit(f"a keystroke takes more than {LIMIT:.0f} ms")


if __name__ == "__main__":
    main()
