"""Which edition of a document a route makes: the newest one with a mapping that is open on the document's date."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from adapter.catalogue import Catalogue
from adapter.documents.kinds import Kinds, load_kinds
from adapter.mapping.model import MapSpec

#: The date of the document that a mapping makes, by the id of the mapping; ``None`` where it gives none.
Dated = Callable[[str], date | None]


@dataclass
class Editions:
    """Chooses among the editions of a route.

    Attributes:
        catalogue: where the kinds are.
        documents: mappings by id.
    """

    catalogue: Catalogue
    documents: Mapping[str, MapSpec]

    @cached_property
    def kinds(self) -> Kinds:
        """The catalogue of kinds: read when two editions are first compared."""
        return load_kinds(self.catalogue)

    def candidates(self, products: tuple[str, ...], focus: str, asked: Collection[str]) -> list[str]:
        """The documents that a route may make, newest first.

        Of several editions those count that have a mapping for the type of the focus. A document that stands alone is
        taken as it is: that it has no mapping is an error of the catalogue.

        Args:
            products: of the route.
            focus: FHIR type of the focus.
            asked: the only documents that are wanted; any where empty.
        """
        found = [code for code in products if not asked or code in asked]
        if len(products) > 1:
            found = [code for code in found if code in self.documents and _fits(self.documents[code], focus)]
        return self.kinds.newest_first(found) if len(found) > 1 else found

    def choose(self, candidates: list[str], dated: Dated, today: date) -> str:
        """The first of the candidates that is open on its date; the first of all where none is.

        Args:
            candidates: newest first, at least one.
            dated: asked only where there are several.
            today: stands for a date that is not given.
        """
        if len(candidates) > 1:
            for code in candidates:
                kind = self.kinds.by_code(code)
                if kind is not None and kind.open_on(dated(code) or today):
                    return code
        return candidates[0]


def _fits(spec: MapSpec, focus: str) -> bool:
    return bool(spec.template) and (focus in spec.source or "Any" in spec.source)


def day_of(created: Any) -> date | None:
    """The day of the fact ``created`` (``YYYYMMDD``, with or without a time); ``None`` where it does not give one."""
    try:
        return date.fromisoformat(created[:8]) if isinstance(created, str) else None
    except ValueError:
        # What is wrong with it is told by the rules about times (TS).
        return None
