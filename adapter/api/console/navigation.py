"""The places of the console, in the order in which the menu shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from adapter.api.console.session import Role, Session
from adapter.findings import Text


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the menu.

    Attributes:
        role: who sees it; everybody where ``None``.
    """

    path: str
    title: Text
    role: Role | None = None


HOME: Final = "/console/"
PLACES: Final = (
    Place(HOME, Text("Обзор", "Overview")),
    Place("/console/queue", Text("Очередь", "Queue")),
    Place("/console/books", Text("Справочники и пакеты", "Books and packs")),
    Place("/console/playground", Text("Песочница", "Playground"), Role.AUTHOR),
)


def places(session: Session, path: str) -> list[tuple[Place, bool]]:
    """The entries that a person sees, each with whether the page belongs to it."""
    seen = [place for place in PLACES if place.role is None or session.allows(place.role)]
    return [(place, path == place.path or (place.path != HOME and path.startswith(place.path))) for place in seen]
