"""Which edition the built-in routes make, and what is said where none is open."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from adapter.catalogue import Catalogue
from adapter.convert import Converter, Document
from adapter.documents.kinds import FILE, load_kinds
from adapter.fhir import read
from adapter.findings import Finding, Severity
from adapter.mapping.mappings import Mappings
from adapter.nsi import BookStore
from adapter.organisation import load_organisation

BUNDLES = Path(__file__).parents[2] / "examples" / "bundles"
#: 119 is closed in the middle of November 2026; 227 of an Encounter, as a kind of one's own.
CLOSED = "2026-11-15"
OF_A_VISIT = """
document: "227"
extends: "119"
header: {code_generation: C}
fields:
  kind: {constant: "227"}
  templates: {each: "'1.2.643.5.1.13.13.15.13.5'"}
  code: {coding: 1.2.643.5.1.13.13.11.1520#227}
  translation: {coding: 1.2.643.5.1.13.13.99.2.1079#13}
"""


def built(folder: Path) -> Converter:
    """Without packs and books: which kind is made needs none."""
    catalogue = Catalogue(folder)
    return Converter(catalogue, BookStore(folder / "nsi", catalogue), load_organisation(catalogue), checker=None)


def closing_119(folder: Path) -> None:
    kinds = json.loads(
        b"\n".join(line for line in Catalogue().file(FILE).read_bytes().splitlines() if line[:1] != b"#")
    )
    entry = kinds["kinds"]["119"] | {"end": CLOSED}
    write(folder, "kinds/closed.yaml", json.dumps({"systems": kinds["systems"], "kinds": {"119": entry}}))


def write(folder: Path, name: str, text: str) -> None:
    path = folder / "mappings" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def visit(day: str) -> dict[str, Any]:
    """The transaction of a visit whose document is dated ``day``."""
    text = (BUNDLES / "119-r4.json").read_text(encoding="utf-8")
    assert "2026-11-11T" in text
    found: dict[str, Any] = json.loads(text.replace("2026-11-11T", f"{day}T"))
    return found


def document(converter: Converter, bundle: dict[str, Any], products: Collection[str] = ()) -> Document:
    (reading,) = read(json.dumps(bundle).encode())
    (made,) = converter.convert(reading, products=products).documents
    return made


def closing(made: Document) -> list[Finding]:
    return [one for one in made.findings if one.code == "DOC10"]


@pytest.mark.parametrize(("day", "kind"), [("2026-11-11", "119"), ("2026-11-15", "119"), ("2026-11-16", "227")])
def test_a_visit_makes_the_edition_that_is_open(tmp_path: Path, day: str, kind: str) -> None:
    """227 opens here after 119 closes: where both are open, it is the newer one anyhow."""
    closing_119(tmp_path)
    write(tmp_path, "documents/227.yaml", OF_A_VISIT)
    later = json.loads((tmp_path / "mappings/kinds/closed.yaml").read_text("utf-8"))
    later["kinds"]["227"] = {"title": "x", "edition": 5, "type": "5", "guide": "", "start": "2026-11-16"}
    write(tmp_path, "kinds/closed.yaml", json.dumps(later))
    made = document(built(tmp_path), visit(day))
    assert (made.kind, closing(made)) == (kind, [])


def test_of_two_that_are_open_the_newer_one(tmp_path: Path) -> None:
    write(tmp_path, "documents/227.yaml", OF_A_VISIT)
    assert document(built(tmp_path), visit("2026-11-11")).kind == "227"


def test_a_newer_one_without_a_mapping_of_the_focus(tmp_path: Path) -> None:
    """The built-in 227 is made of a Composition: a visit makes 119 while it is open, and after that with an error."""
    made = document(built(tmp_path), visit("2026-11-16"))
    assert (made.kind, closing(made)) == ("119", [])
    closing_119(tmp_path)
    made = document(built(tmp_path), visit("2026-11-16"))
    (finding,) = closing(made)
    assert (made.kind, finding.severity) == ("119", Severity.ERROR)
    assert "227 «Протокол консультации (CDA) Редакция 5»" in finding.hint.ru


def test_what_is_asked_for_is_made_and_the_successor_named(tmp_path: Path) -> None:
    closing_119(tmp_path)
    write(tmp_path, "documents/227.yaml", OF_A_VISIT)
    converter = built(tmp_path)
    assert document(converter, visit("2026-11-16")).kind == "227"
    made = document(converter, visit("2026-11-16"), products=("119",))
    (finding,) = closing(made)
    assert (made.kind, finding.severity) == ("119", Severity.ERROR)
    assert finding.hint.en.startswith("The successor is 227 ")


@pytest.mark.parametrize("products", [(), ("170",)])
@pytest.mark.parametrize("whole", [False, True])
def test_a_certificate_after_its_closing(tmp_path: Path, products: tuple[str, ...], whole: bool) -> None:
    closed_certificate(document(built(tmp_path), certificate(whole), products))


@pytest.mark.packs
@pytest.mark.books
@pytest.mark.parametrize("whole", [False, True])
def test_the_check_does_not_say_it_again(converter: Converter, whole: bool) -> None:
    made = document(converter, certificate(whole))
    closed_certificate(made)
    assert (made.report is not None) == whole


def certificate(whole: bool) -> dict[str, Any]:
    """A vaccination after the closing of 170; of a patient without a name no document is made."""
    text = (BUNDLES / "170-r4-rucore.json").read_text("utf-8")
    bundle: dict[str, Any] = json.loads(text.replace("2024-10-05", "2026-10-05"))
    for entry in bundle["entry"] if not whole else ():
        if entry["resource"]["resourceType"] == "Patient":
            del entry["resource"]["name"]
    return bundle


def closed_certificate(made: Document) -> None:
    """Said once, checked or not, made or not; a warning, because one third-party copy alone has that date."""
    (finding,) = closing(made)
    assert (made.kind, finding.severity) == ("170", Severity.WARNING)
    assert finding.hint.en.startswith("The successor is 220 ")


def test_families_of_the_built_in_routes_are_editions() -> None:
    catalogue = Catalogue()
    kinds = load_kinds(catalogue)
    families = [route.products for route in Mappings.load(catalogue).routes if len(route.products) > 1]
    assert {tuple(kinds.newest_first(family)) for family in families} == {
        ("220", "170"),
        ("227", "119"),
        ("232", "142"),
    }
