"""The operations that ФЭР calls, for one organisation: read from the МИС, answered by maps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Final, Protocol

from adapter.convert import Converter
from adapter.facts import Fact
from adapter.registers.fer.booking import Booked, Desk
from adapter.registers.fer.config import Facts, Part
from adapter.registers.fer.people import Person, find_people
from adapter.registers.fer.plan import Parameter, bookable, graph_of, message, parts, points, told
from adapter.registers.fer.resources import Resource, digits_of, reference, zone_of
from adapter.registers.fer.soap import Asked, malformed, written
from adapter.registers.fer.timetable import Period, Timetable
from adapter.transport.fhir import FhirClient

#: Longest period that is asked about at once: more would read the whole МИС.
_LONGEST: Final = timedelta(days=92)


class Sessions(Protocol):
    """Where sessions are kept; see :class:`adapter.pipeline.fer.StoredSessions`."""

    async def remember(self, organisation: str, session: str, patient: str, *, now: datetime, until: datetime) -> None:
        """Keep whose session it is."""

    async def patient(self, organisation: str, session: str, *, now: datetime) -> str | None:
        """Whose session it is."""

    def booking(self, *parts: str) -> str:
        """The number of a booking."""


@dataclass(frozen=True, slots=True, repr=False)
class Answered:
    """An answer, and whose data the request was about: ``Type/id``, with the action of the audit; empty: nobody's."""

    data: bytes
    patient: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Registry:
    """Answers ФЭР for one organisation.

    Attributes:
        xsd: what answers have to fit.
        client: of the FHIR server of its МИС.
        converter: of the organisation: its maps make the answers.
    """

    part: Part
    facts: Facts
    xsd: Path
    client: FhirClient
    converter: Converter
    sessions: Sessions

    async def answer(self, asked: Asked, *, now: datetime) -> Answered:
        """Answer a request.

        Raises:
            InputError: FER02, an element is missing or malformed; FER04, the answer cannot be told.
            FhirRefused, TransportFailed: the МИС does not answer.
            DatabaseError: the sessions cannot be reached.
        """
        return await _OPERATIONS[asked.operation](self, asked, now)

    # -- what there is ------------------------------------------------------------------------------------------------

    async def organisations(self, asked: Asked, _now: datetime) -> Answered:
        """GetMOInfoExtended."""
        timetable = self._timetable()
        parameters = [_session(asked)]
        for oid in self._oids():
            units = await timetable.organisation(oid)
            if units:
                parameters.append(parts("organisation", told("oid", oid), points("resource", reference(units[0]))))
        return await self._told(asked, "fer-organisations", parameters, timetable.resources)

    async def posts(self, asked: Asked, _now: datetime) -> Answered:
        """GetServicePostSpecsInfo."""
        oid = asked.wanted("MO_Id")
        timetable = self._timetable()
        found = await timetable.bookables(oid) if oid in self._oids() else []
        names: dict[str, str] = {}
        for code, name in (post for one in found for post in one.posts):
            names[code] = names.get(code) or name
        posts = [
            {"name": "post", "valueCoding": {"code": code, **({"display": name} if name else {})}}
            for code, name in sorted(names.items())
        ]
        return await self._told(asked, "fer-posts", [_session(asked), *posts], [])

    async def resources(self, asked: Asked, now: datetime) -> Answered:
        """GetMOResourceInfo."""
        period = _period(asked)
        wanted = set(asked.texts("Service_Posts", "Post", "Post_Id"))
        named = asked.texts("MO_OID_List", "MO_OID")
        timetable = self._timetable()
        parameters = [_session(asked)]
        for oid in self._oids():
            if named and oid not in named:
                continue
            found = [one for one in await timetable.bookables(oid) if _in_post(one.posts, wanted)]
            await timetable.fill(found, period, now=now)
            for one in found:
                parameter = one.parameter
                parameter["part"] += timetable.days(one)
                parameters.append(parameter)
        return await self._told(asked, "fer-resources", parameters, timetable.resources)

    async def schedule(self, asked: Asked, now: datetime) -> Answered:
        """GetScheduleInfo."""
        period = _period(asked)
        wanted = set(asked.texts("Service_Post", "Post", "Post_Id"))
        oid, snils = asked.wanted("MO_OID"), digits_of(asked.text("Specialist_SNILS"))
        timetable = self._timetable()
        found = await timetable.bookables(oid, snils=snils) if oid in self._oids() else []
        found = [one for one in found if _in_post(one.posts, wanted)]
        await timetable.fill(found, period, now=now)
        slots = {reference(slot): slot for one in found for slot in one.slots}
        ordered = sorted(slots, key=lambda name: (timetable.start(slots[name]), name))
        parameters = [_session(asked), *(points("slot", name) for name in ordered)]
        return await self._told(asked, "fer-schedule", parameters, timetable.resources)

    # -- who it is for, and booking -----------------------------------------------------------------------------------

    async def patient(self, asked: Asked, now: datetime) -> Answered:
        """GetPatientInfo: begins a session."""
        session = asked.wanted("Session_ID")
        found = await find_people(self.client, Person.of(asked))
        if len(found) != 1:
            status = self._status("several-patients" if found else "no-patient")
            return await self._told(asked, "fer-patient", [_session(asked), *status], [])
        patient = reference(found[0])
        until = now + timedelta(minutes=self.part.session_minutes)
        await self.sessions.remember(self._oid, session, patient, now=now, until=until)
        parameters = [_session(asked), points("patient", patient), *self._status("done")]
        # Of the patient the answer has the id alone.
        bare: Resource = {"resourceType": "Patient", "id": found[0]["id"]}
        return await self._told(asked, "fer-patient", parameters, [bare], patient, "R")

    async def create(self, asked: Asked, now: datetime) -> Answered:
        """CreateAppointment."""
        session, slot = asked.wanted("Session_ID"), asked.wanted("Slot_Id")
        patient = await self.sessions.patient(self._oid, session, now=now)
        if patient is None:
            booked = Booked("no-session")
        else:
            booked = await self._desk().book(
                slot,
                patient,
                lambda number: self.sessions.booking(self._oid, session, patient, slot, str(number)),
                lambda schedule: self._timetable().serves(schedule, self._oids()),
                now=now,
            )
        parameters = [_session(asked), *self._status(booked.status)]
        if booked.number and booked.slot is not None:
            parameters += [told("booking", booked.number), points("slot", reference(booked.slot))]
        slots = [booked.slot] if booked.slot is not None else []
        return await self._told(asked, "fer-appointment", parameters, slots, patient or "", "C")

    async def cancel(self, asked: Asked, _now: datetime) -> Answered:
        """CancelAppointment."""
        booked = await self._desk().cancel(asked.wanted("Book_Id_Mis"))
        return await self._told(asked, "fer-cancelled", self._status(booked.status), [], booked.patient, "U")

    # -- parts --------------------------------------------------------------------------------------------------------

    @property
    def _oid(self) -> str:
        return self.converter.organisation.oid

    def _oids(self) -> tuple[str, ...]:
        return self.part.organisations or (self._oid,)

    def _desk(self) -> Desk:
        return Desk(self.client, zone_of(self.converter.organisation.zone))

    def _timetable(self) -> Timetable:
        def tell(parameters: list[Parameter], resources: list[Resource]) -> list[Fact]:
            graph, focus = graph_of(parameters, resources, self.client.base)
            return [bookable(self.converter, graph, one) for one in focus["parameter"]] if parameters else []

        return Timetable(self.client, zone_of(self.converter.organisation.zone), tell)

    def _status(self, name: str) -> list[Parameter]:
        word = self.facts.statuses[name]
        return [told("status", word.code), told("comment", word.text)]

    async def _told(
        self,
        asked: Asked,
        product: str,
        parameters: list[Parameter],
        resources: list[Resource],
        patient: str = "",
        action: str = "",
    ) -> Answered:
        made = await asyncio.to_thread(
            message, self.converter, self.xsd, product, parameters, resources, self.client.base
        )
        return Answered(written(made, asked), patient, action)


_OPERATIONS: Final[dict[str, Callable[[Registry, Asked, datetime], Awaitable[Answered]]]] = {
    "GetPatientInfo": Registry.patient,
    "GetMOInfoExtended": Registry.organisations,
    "GetServicePostSpecsInfo": Registry.posts,
    "GetMOResourceInfo": Registry.resources,
    "GetScheduleInfo": Registry.schedule,
    "CreateAppointment": Registry.create,
    "CancelAppointment": Registry.cancel,
}


def _session(asked: Asked) -> Parameter:
    return told("Session_ID", asked.wanted("Session_ID"))


def _in_post(posts: list[tuple[str, str]], wanted: set[str]) -> bool:
    """Whether one of the posts is wanted; any where none is named."""
    return not wanted or any(code in wanted for code, _ in posts)


def _period(asked: Asked) -> Period:
    first, last = asked.day("Start_Date_Range"), asked.day("End_Date_Range")
    if last - first > _LONGEST:
        raise malformed("End_Date_Range", "не дальше 92 дней", "a day within 92 days")
    start, end = asked.time("Start_Time_Range", time.min), asked.time("End_Time_Range", time.max)
    return Period(first, last, start, end)
