"""Tiny catalogues in a temporary folder, without the built-in one under them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from adapter.catalogue import Catalogue
from adapter.fhir import Graph
from adapter.mapping.mappings import Made, Mappings
from adapter.nsi import BookStore
from adapter.nsi.terms import Terms, load_vocabulary
from adapter.organisation import load_organisation

GENDER = "1.2.643.5.1.13.13.11.1040"
MINIMAL = {
    "mappings/identifiers.yaml": """
        kinds:
          snils:
            types: ["http://example.org/types#snils", "1.2.643.1#9", "http://example.org/book#8"]
            systems: ["https://example.org/systems/snils", {system: "urn:implying", implies: {kind: {code: "7"}}}]
            shape: "[0-9]{11}"
            vague: ["http://example.org/vague#sb"]
          mis-patient: {suffix: "10"}
        code_systems:
          1.2.643.1: ["http://example.org/book"]
        """,
    "mappings/routes.yaml": """
        routes:
          - {id: all, product: "1", focus: Patient}
        """,
    "mappings/documents/1.yaml": """
        document: "1"
        source: Patient
        template: body.xml.j2
        fields: {family: name.family}
        """,
    "mappings/vocabulary.yaml": """
        {"books": {"11.1040": {"name": "Пол", "version": "2.1", "codes": {"1": "Мужской", "2": "Женский"}}}}
        """,
    "mappings/books.yaml": "{}",
    "mappings/coverage.yaml": """
        ignore:
          - {path: "**.resourceType", reason: {ru: тип, en: type}}
          - {path: "Bundle.**", reason: {ru: оболочка, en: envelope}}
        """,
    "mappings/organisation.yaml": """
        oid: 1.2.643.5.1.13.13.12.2.77.1
        mis: {number: 2, instance: 3}
        zone: "+0300"
        name: Клиника
        """,
    "templates/body.xml.j2": "{{ facts.family }}",
}

#: 1, 2 and 3 are editions of one document, 4 is another one.
KINDS = """
    systems: {A: [1.2.3]}
    kinds:
      1: {title: Справка, edition: 1, type: "7", guide: "", start: 2020-01-01, end: 2022-12-31, later: ["2", "3"]}
      2: {title: Справка, edition: 2, type: "7", guide: "", start: 2022-01-01, end: 2024-12-31, later: ["3"]}
      3: {title: Справка, edition: 3, type: "7", guide: "", start: 2024-01-01}
      4: {title: Выписка, edition: 1, type: "8", guide: "", start: 2020-01-01}
    """


class Small:
    """A catalogue of its own; ``write`` before what is loaded."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write(MINIMAL)

    def write(self, files: dict[str, str]) -> Small:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text).lstrip("\n"), "utf-8")
        return self

    def map(self, text: str) -> Small:
        """The map ``m``, whose file is ``mappings/resources/m.yaml``."""
        return self.write({"mappings/resources/m.yaml": text})

    @property
    def catalogue(self) -> Catalogue:
        found = Catalogue(self.root)
        found.roots = (self.root,)
        return found

    @property
    def terms(self) -> Terms:
        return Terms(BookStore(self.root / "nsi", self.catalogue), load_vocabulary(self.catalogue))

    def load(self) -> Mappings:
        return Mappings.load(self.catalogue)

    def apply(self, focus: dict[str, Any], *around: dict[str, Any], traced: bool = False) -> Made:
        """Apply the map ``m``."""
        mappings = self.load()
        entries = [{"resource": one} for one in (focus, *around) if "resourceType" in one]
        graph = Graph({"resourceType": "Bundle", "type": "collection", "entry": entries})
        organisation = load_organisation(self.catalogue)
        return mappings.apply(mappings.maps["m"], focus, graph, organisation, self.terms, traced=traced)


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path)


@pytest.fixture
def facts(small: Small) -> Callable[..., Any]:
    """``facts(fields, focus)``: facts of a map with those fields (YAML)."""

    def made(fields: str, focus: dict[str, Any], *around: dict[str, Any]) -> Any:
        body = dedent(fields).strip("\n")
        indented = "\n".join(f"  {line}" for line in body.splitlines())
        small.write({"mappings/resources/m.yaml": f"map: m\nsource: Any\nfields:\n{indented}\n"})
        return small.apply(focus, *around)

    return made
