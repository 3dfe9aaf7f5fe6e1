"""What can be booked in a МИС and when: workers and rooms of an organisation, their schedules and free slots."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from adapter.log import get_logger
from adapter.registers.fer.plan import Parameter, parts, points, told
from adapter.registers.fer.resources import (
    Resource,
    digits_of,
    identifiers,
    is_id,
    local,
    locals_,
    moment,
    reference,
    snils_spellings,
)
from adapter.transport.fhir import FhirClient

#: How deep departments of departments are looked for.
_LEVELS: Final = 4

#: Facts of what can be booked, by its parameter: of the map ``fer-bookable``.
Told = Callable[[list[Parameter], list[Resource]], list[Any]]


@dataclass(slots=True)
class Bookable:
    """A worker in a post, or a room.

    Attributes:
        actor: PractitionerRole or HealthcareService.
        oid: of the organisation.
        facts: see :data:`Told`.
        schedules: its own.
        slots: free ones, by their time.
    """

    actor: Resource
    oid: str
    facts: Any = None
    schedules: list[Resource] = field(default_factory=list)
    slots: list[Resource] = field(default_factory=list)

    @property
    def parameter(self) -> Parameter:
        """What names it in an answer."""
        return parts("resource", told("oid", self.oid), points("actor", reference(self.actor)))

    @property
    def posts(self) -> list[tuple[str, str]]:
        """Code and name of its posts."""
        return [(one.Post_Id, one.Post_Name or "") for one in self.facts.Service_Posts if isinstance(one.Post_Id, str)]

    @property
    def snils(self) -> str:
        """Of the worker; empty for a room."""
        return "" if self.facts.Specialist is None else self.facts.Specialist.SNILS or ""


@dataclass(frozen=True, slots=True)
class Period:
    """Days, and the time of each day, both with their ends."""

    first: date
    last: date
    start: time = time.min
    end: time = time.max

    def has(self, at: datetime) -> bool:
        """Whether a local time is within."""
        return self.first <= at.date() <= self.last and self.start <= at.time() <= self.end


@dataclass(slots=True)
class Timetable:
    """Reads a МИС.

    Attributes:
        resources: everything that was read and that an answer may point to.
    """

    client: FhirClient
    zone: tzinfo
    tell: Told
    resources: list[Resource] = field(default_factory=list)

    async def organisation(self, oid: str) -> list[Resource]:
        """An organisation by its OID, and its departments; nothing where the МИС does not know it."""
        named = await self.client.search("Organization", [("identifier", f"{oid},urn:oid:{oid}")])
        # A server may take the values of identifiers for more than they are.
        level = [one for one in named if any(value in (oid, f"urn:oid:{oid}") for _, value in identifiers(one))]
        found = {reference(one): one for one in level if one.get("active") is not False}
        level = list(found.values())
        for _ in range(_LEVELS):
            below = await self.client.search_each("Organization", "partof", [reference(one) for one in level])
            level = [one for one in below if reference(one) not in found and one.get("active") is not False]
            if not level:
                break
            found |= {reference(one): one for one in level}
        self.resources += found.values()
        return list(found.values())

    async def bookables(self, oid: str, *, snils: str | None = None) -> list[Bookable]:
        """Who and what can be booked in an organisation.

        Args:
            snils: of the worker; empty: rooms alone; ``None``: all.
        """
        units = [reference(one) for one in await self.organisation(oid)]
        if not units:
            return []
        actors: list[Resource] = []
        if snils is None or snils:
            actors += await self._roles(units, snils)
        if not snils:
            services = await self.client.search_each("HealthcareService", "organization", units)
            actors += [one for one in services if local(one.get("providedBy"), self.client.base) in units]
        actors = [one for one in actors if one.get("active") is not False]
        places = [text for one in actors for text in locals_(one.get("location"), self.client.base)]
        self.resources += actors
        self.resources += await self._by_id("Location", places)
        found = [Bookable(one, oid) for one in actors]
        facts = await asyncio.to_thread(self.tell, [one.parameter for one in found], self.resources)
        for one, its in zip(found, facts, strict=True):
            one.facts = its
        return [one for one in found if snils is None or one.snils == snils]

    async def _roles(self, units: Collection[str], snils: str | None) -> list[Resource]:
        base = self.client.base
        if snils is None:
            roles = await self.client.search_each("PractitionerRole", "organization", units)
            workers = await self._by_id("Practitioner", [local(one.get("practitioner"), base) for one in roles])
        else:
            spelled = ",".join(snils_spellings(snils))
            workers = [
                one
                for one in await self.client.search("Practitioner", [("identifier", spelled)])
                if any(digits_of(value) == snils for _, value in identifiers(one))
            ]
            names = [reference(one) for one in workers]
            roles = await self.client.search_each("PractitionerRole", "practitioner", names)
        self.resources += workers
        known = {reference(one) for one in workers if one.get("active") is not False}
        return [
            one
            for one in roles
            if local(one.get("organization"), base) in units and local(one.get("practitioner"), base) in known
        ]

    async def serves(self, schedule: Resource, oids: Sequence[str]) -> bool:
        """Whether somebody or something of a schedule belongs to one of the organisations."""
        base = self.client.base
        units = {reference(one) for oid in oids for one in await self.organisation(oid)}
        actors = locals_(schedule.get("actor"), base)
        roles = await self._by_id("PractitionerRole", actors)
        if not roles:
            workers = [one for one in actors if one.startswith("Practitioner/")]
            roles = await self.client.search_each("PractitionerRole", "practitioner", workers)
        services = await self._by_id("HealthcareService", actors)
        homes = [local(one.get("organization"), base) for one in roles if one.get("active") is not False]
        homes += [local(one.get("providedBy"), base) for one in services if one.get("active") is not False]
        return any(home in units for home in homes)

    async def fill(self, found: Sequence[Bookable], period: Period, *, now: datetime) -> None:
        """Give what can be booked its schedules and free slots of a period, each to one of them alone."""
        base = self.client.base
        owners: dict[str, Bookable] = {}
        for one in found:
            owners.setdefault(reference(one.actor), one)
        for one in found:
            # A schedule of a worker who does not say in which post is of the first one that was asked for.
            if worker := local(one.actor.get("practitioner"), base):
                owners.setdefault(worker, one)
        schedules = await self.client.search_each("Schedule", "actor", owners)
        owned: dict[str, Bookable] = {}
        for schedule in schedules:
            actors = locals_(schedule.get("actor"), base)
            owner = _owner(actors, owners)
            if owner is not None and schedule.get("active") is not False:
                owner.schedules.append(schedule)
                owned[reference(schedule)] = owner
        places = [text for one in schedules for text in locals_(one.get("actor"), base)]
        self.resources += schedules
        self.resources += await self._by_id("Location", places)
        await self._slots(owned, period, now)

    async def _slots(self, owned: dict[str, Bookable], period: Period, now: datetime) -> None:
        low = datetime.combine(period.first, time.min, self.zone)
        high = datetime.combine(period.last + timedelta(days=1), time.min, self.zone)
        when = [("status", "free"), ("start", f"ge{low.isoformat()}"), ("start", f"lt{high.isoformat()}")]
        timed: list[tuple[datetime, Resource]] = []
        unreadable = 0
        for slot in await self.client.search_each("Slot", "schedule", owned, when):
            start, end = moment(slot.get("start"), self.zone), moment(slot.get("end"), self.zone)
            if slot.get("status") != "free" or local(slot.get("schedule"), self.client.base) not in owned:
                continue
            if start is None or end is None or not is_id(slot["id"]):
                unreadable += 1
            elif start >= now and period.has(start):
                timed.append((start, slot))
        if unreadable:
            get_logger().warning("fer.slots_unreadable", count=unreadable)
        for _, slot in sorted(timed, key=lambda one: (one[0], one[1]["id"])):
            owned[local(slot["schedule"], self.client.base)].slots.append(slot)
        self.resources += [slot for _, slot in timed]

    async def _by_id(self, kind: str, references: Sequence[str]) -> list[Resource]:
        """Resources of a type; references to others are passed over."""
        wanted = [text.partition("/")[2] for text in references if text.startswith(f"{kind}/")]
        return await self.client.search_each(kind, "_id", wanted)

    def start(self, slot: Resource) -> datetime:
        """When a slot that was found begins."""
        start = moment(slot["start"], self.zone)
        assert start is not None, "looked at before"
        return start

    def days(self, one: Bookable) -> list[Parameter]:
        """The days of the free slots of a resource, with their number."""
        counted: dict[date, int] = {}
        for slot in one.slots:
            day = self.start(slot).date()
            counted[day] = counted.get(day, 0) + 1
        return [
            parts("day", {"name": "date", "valueDate": day.isoformat()}, {"name": "free", "valueInteger": number})
            for day, number in sorted(counted.items())
        ]


def _owner(actors: Sequence[str], owners: dict[str, Bookable]) -> Bookable | None:
    """Whose a schedule is: of the role that it names, else of the worker, else of the room."""
    for kind in ("PractitionerRole/", "Practitioner/", "HealthcareService/"):
        for one in actors:
            if one.startswith(kind) and one in owners:
                return owners[one]
    return None
