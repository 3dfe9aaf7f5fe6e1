"""Which row of a concept map speaks of a code: for people, who are led to the line to change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from adapter.catalogue import Catalogue
from adapter.mapping.yaml import Map, load

_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class Rows:
    """Rows of the concept maps of a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._read = lru_cache(maxsize=256)(self._lines)

    def row(self, concept: str, elements: tuple[str, ...], bundle: Mapping[str, Any]) -> str:
        """``file:line`` of the row for what the elements say; of the map where no row names it.

        Args:
            elements: FHIRPaths of what was translated.
        """
        file = f"mappings/concepts/{concept}.yaml"
        lines = self._read(file)
        codes = (code for element in elements for code in _codes(element_at(bundle, element)))
        line = next((lines[code] for code in codes if code in lines), 0)
        return f"{file}:{line}" if line else file

    def _lines(self, file: str) -> dict[str, int]:
        return dict(_keys(load(self._catalogue.file(file), file)))


def _keys(concept: Map) -> Iterator[tuple[str, int]]:
    """The codes that the groups of a concept map name, with their lines."""
    for group in concept.get("groups") or ():
        elements = group.get("elements") if isinstance(group, Map) else None
        if isinstance(elements, Map):
            yield from ((code, line) for code, (line, _) in elements.spots.items())


def _codes(value: Any) -> Iterator[str]:
    """Codes in an element: of a CodeableConcept, a Coding, or a bare one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _codes(part)
    elif isinstance(value, dict):
        yield from _codes(value.get("coding") or value.get("code"))


def element_at(bundle: Any, path: str) -> Any:
    """The element of a FHIRPath as traces write them; ``None`` where there is none."""
    found = bundle
    for number, (name, index) in enumerate(_STEP.findall(path)):
        if number == 0:
            continue
        if name:
            found = found.get(name) if isinstance(found, dict) else None
        else:
            found = found[int(index)] if isinstance(found, list) and int(index) < len(found) else None
    return found
