"""Things of one owner in ФРМР and ФРМО: made, changed, removed by their ``entityId``, listed (``sections.yaml``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from adapter.catalogue import read_plain
from adapter.stand.registers.contract import Answer
from adapter.stand.registers.rest import Call, RestService, nested
from adapter.stand.registers.state import Record


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a register.

    Attributes:
        name: of it, and of its kind of record.
        schema: of its things.
        id: the field of a thing that is its ``entityId``.
        same: fields that make two things the same one.
        one: an owner has one thing at most.
        paged: it is listed by pages.
    """

    name: str
    schema: str
    id: str
    same: tuple[str, ...] = field(default=())
    one: bool = False
    paged: bool = False

    def make(self, service: RestService, call: Call, owner: str) -> Answer:
        """Answer a POST: the new ``entityId``."""
        refused = service.misshapen(call, self.schema, call.body)
        if refused is not None:
            return refused
        there = self._like(call, owner)
        if there is not None:
            return service.refuse(call, "duplicate", local_id=[there.key])
        entity = service.entity(call, self.name)
        call.state.put(self.name, entity, {**call.body, self.id: entity}, number=owner, at=call.request.at)
        return service.content(call, {"entityId": entity})

    def change(self, service: RestService, call: Call, owner: str) -> Answer:
        """Answer a PUT of an ``entityId``."""
        there = self._named(call, owner)
        if there is None:
            return service.refuse(call, "no-entity")
        refused = service.misshapen(call, self.schema, call.body)
        if refused is not None:
            return refused
        call.state.put(self.name, there.key, {**call.body, self.id: there.key}, number=owner, at=call.request.at)
        return service.done(call)

    def remove(self, service: RestService, call: Call, owner: str) -> Answer:
        """Answer a DELETE of an ``entityId``."""
        there = self._named(call, owner)
        if there is None:
            return service.refuse(call, "no-entity")
        call.state.remove(self.name, there.key)
        return service.done(call)

    def read(self, service: RestService, call: Call, owner: str) -> Answer:
        """Answer a GET: the things of an owner."""
        things = [record.data for record in call.state.of(self.name, owner)]
        if self.one:
            return service.content(call, things[0]) if things else service.refuse(call, "no-entity")
        return service.listed(call, things) if self.paged else service.content(call, things)

    def read_one(self, service: RestService, call: Call, owner: str) -> Answer:
        """Answer a GET of an ``entityId``."""
        there = self._named(call, owner)
        return service.refuse(call, "no-entity") if there is None else service.content(call, there.data)

    def _named(self, call: Call, owner: str) -> Record | None:
        there = call.state.get(self.name, call.get("entityId") or call.get("guid"))
        return there if there is not None and there.number == owner else None

    def _like(self, call: Call, owner: str) -> Record | None:
        told = self._identity(call.body)
        return next((one for one in call.state.of(self.name, owner) if self._identity(one.data) == told), None)

    def _identity(self, thing: Mapping[str, Any]) -> list[Any]:
        return [next(nested(thing, *path.split("/")), None) for path in self.same]


@lru_cache(maxsize=1)
def sections() -> dict[str, dict[str, Section]]:
    """By service and name."""
    read: dict[str, dict[str, Any]] = read_plain(Path(__file__).with_name("sections.yaml"))
    return {
        service: {
            name: Section(
                name, one["schema"], one["id"], tuple(one["same"]), one.get("one", False), one.get("paged", False)
            )
            for name, one in parts.items()
        }
        for service, parts in read.items()
    }
