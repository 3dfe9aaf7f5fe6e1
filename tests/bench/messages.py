"""``make bench``: what messages of registers cost, each kind from bytes to end, beside a document of the same Bundle.

Needs the reference books, without which some codes have no counterpart. Prints milliseconds, messages a second and
sizes; judges nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.fhir import read
from adapter.registers.messages import Message
from adapter.registers.services import Services
from tests.bench.conversion import ROOT, converters, whole
from tests.bench.measure import Run, medians, table

BUNDLES = [
    *sorted((ROOT / "examples" / "registers").glob("*.json")),
    *sorted((ROOT / "examples" / "bundles").glob("*.json")),
]


def messages(converter: Converter, products: tuple[str, ...]) -> Iterator[tuple[Path, Message]]:
    """The messages without errors of the examples, of the registers' own examples first."""
    for path in BUNDLES:
        for reading in read(path.read_bytes()):
            for one in converter.convert(reading, products=products).messages:
                if one.ok:
                    yield path, one


def beside(checked: Converter, bare: Converter, products: tuple[str, ...]) -> None:
    """Of the Bundles that yield a document, the one with the most kinds of messages, and what each of these costs."""
    best: tuple[Path, str, set[str]] | None = None
    for path in BUNDLES:
        kinds: set[str] = set()
        documents: list[str] = []
        for reading in read(path.read_bytes()):
            made = checked.convert(reading)
            documents += [one.kind for one in made.documents if one.ok]
            kinds |= {one.product for one in bare.convert(reading, products=products).messages if one.ok}
        if documents and (best is None or len(kinds) > len(best[2])):
            best = path, documents[0], kinds
    if best is None:
        raise SystemExit("bench: no example yields a document without errors")
    path, document, kinds = best
    data = path.read_bytes()
    runs: dict[str, Run] = {"read and validate": lambda: read(data)}
    runs |= {f"document {document}, checked": whole(checked, data, document)}
    runs |= {f"document {document}": whole(bare, data, document)}
    runs |= {kind: whole(bare, data, kind) for kind in sorted(kinds)}
    runs["all of these messages"] = lambda: [bare.convert(one, products=kinds) for one in read(data)]
    found = medians(runs, rounds=5, calls=5)
    floor = found[f"document {document}"]
    rows = {name: f"{value:6.2f} ms   {value / floor:5.2f} of the document" for name, value in found.items()}
    table(f"one Bundle, a document and its messages: {path.stem}, {len(data) / 1000:.0f} KB", rows)


def kinds(converter: Converter, products: tuple[str, ...]) -> None:
    """Every kind of message from the first example that yields one without errors; a Bundle may yield several."""
    first: dict[str, Path] = {}
    sizes: dict[str, list[int]] = {}
    for path, message in messages(converter, products):
        if first.setdefault(message.product, path) == path and message.data is not None:
            sizes.setdefault(message.product, []).append(len(message.data))
    rows: dict[str, str] = {}
    for product in (one for one in products if one in first):
        data, made = first[product].read_bytes(), sizes[product]
        cost = medians({product: whole(converter, data, product)}, rounds=5, calls=5)[product]
        rows[product] = (
            f"{cost:6.2f} ms   {1000 * len(made) / cost:6.0f} messages a second   {len(data) / 1000:3.0f} KB -> "
            f"{len(made)} of {sum(made) / len(made) / 1000:4.1f} KB   {first[product].stem}"
        )
    table("every kind of message, read to end", rows)
    if absent := [one for one in products if one not in first]:
        print(f"  no example yields without errors: {', '.join(absent)}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        checked, bare = converters(Path(folder))
        products = tuple(Services.load(Catalogue()).by_product)
        beside(checked, bare, products)
        kinds(bare, products)


if __name__ == "__main__":
    main()
