"""Booking: a slot is claimed by a change of the version that was seen free, and then the Appointment is made.

Of two who book one slot, one changes its version; the other's change is refused. The claim stands in
``Slot.identifier``, so that a booking that broke off is finished when ФЭР asks again, and nobody else gets the slot
meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from adapter.errors import FhirRefused, TransportFailed
from adapter.findings import Finding, Severity, Text
from adapter.log import get_logger
from adapter.registers.fer.resources import Resource, is_id, local, locals_, moment, objects, reference
from adapter.transport.fhir import Conflict, FhirClient, version_of

#: Of Appointment.identifier, whose value is Book_Id_Mis; and of Slot.identifier, with the same value.
SYSTEM: Final = "urn:egisz-adapter:fer:booking"
#: How often a write that lost against another is tried again where nobody may be meant but us.
_TRIES: Final = 3
#: How often one request may be booked and cancelled.
_NUMBERS: Final = 20
#: What an Appointment has of its slot.
_KEPT: Final[tuple[str, ...]] = ("start", "end", "serviceCategory", "serviceType", "specialty")
Serves = Callable[[Resource], Awaitable[bool]]
#: States of an Appointment in which it takes its slot.
_STANDS: Final = frozenset({"proposed", "pending", "booked", "arrived", "checked-in", "waitlist"})
_CANCELLED: Final = "cancelled"
_CANCELLABLE: Final = frozenset({"proposed", "pending", "booked", "waitlist"})

_NO_VERSIONS: Final = Finding(
    "FCL06",
    Severity.ERROR,
    Text("Сервер FHIR МИС не ведёт версий (meta.versionId).", "The FHIR server tells no versions (meta.versionId)."),
    Text(
        "Без версий время приёма можно занять дважды: запись не делается.",
        "Without versions a slot might be booked twice: nothing is booked.",
    ),
)


@dataclass(frozen=True, slots=True)
class Booked:
    """What became of a request.

    Attributes:
        status: by its name in ``mappings/fer.yaml``.
        slot: that it is about, where there is one.
        patient: whose it is, where that is known.
        number: of the booking.
    """

    status: str
    slot: Resource | None = None
    patient: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """Books and cancels in a МИС.

    Args:
        zone: of times that the МИС writes without an offset.
    """

    client: FhirClient
    zone: tzinfo

    async def book(
        self, slot_id: str, patient: str, numbers: Callable[[int], str], serves: Serves, *, now: datetime
    ) -> Booked:
        """Book a slot for a patient; a booking of that number that is there already is that.

        Args:
            numbers: of the booking, and those after it where that was cancelled: the same for the same request.
            serves: whether slots of a schedule are offered at all.

        Raises:
            FhirRefused, TransportFailed: the МИС does not answer; whether the slot is booked is not known, and the
                same request may be sent again.
        """
        slot = await self.client.read("Slot", slot_id) if is_id(slot_id) else None
        schedule = await self._schedule(slot) if slot is not None else None
        if slot is None or schedule is None or not await serves(schedule):
            return Booked("no-slot")
        number, stands = await self._number(numbers)
        if stands:
            return Booked("done", slot, patient, number)
        start = moment(slot.get("start"), self.zone)
        if start is None or start < now:
            return Booked("past", patient=patient)
        if not number or not await self._claim(slot, number):
            return Booked("taken", patient=patient)
        await self._create(slot, schedule, patient, number)
        return Booked("done", slot, patient, number)

    async def _create(self, slot: Resource, schedule: Resource, patient: str, number: str) -> None:
        try:
            await self.client.create(self._made(slot, schedule, patient, number), unless=_named(number))
        except FhirRefused:
            await self._release(slot["id"], number)
            raise
        except TransportFailed:
            # Whether it was made is not known: look.
            if await self._appointment(number) is None:
                raise

    async def _number(self, numbers: Callable[[int], str]) -> tuple[str, bool]:
        """The number under which a request is booked, and whether it is already; empty: too often."""
        for attempt in range(_NUMBERS):
            there = await self._appointment(numbers(attempt))
            if there is None or str(there.get("status")) in _STANDS:
                return numbers(attempt), there is not None
        return "", False

    async def cancel(self, number: str) -> Booked:
        """Cancel a booking; one that is cancelled already is that.

        Raises:
            FhirRefused, TransportFailed: the МИС does not answer; the same request may be sent again.
        """
        for _ in range(_TRIES):
            there = await self._appointment(number) if is_id(number) else None
            if there is None:
                return Booked("no-booking")
            patient = self._patient(there)
            if there.get("status") != _CANCELLED:
                if str(there.get("status")) not in _CANCELLABLE:
                    return Booked("not-cancellable", patient=patient)
                try:
                    await self.client.update({**there, "status": _CANCELLED}, _version(there))
                except Conflict:
                    continue
            for one in locals_(there.get("slot"), self.client.base):
                await self._release(one.partition("/")[2], number)
            return Booked("done", patient=patient)
        raise _busy()

    async def _appointment(self, number: str) -> Resource | None:
        found = await self.client.search("Appointment", _named(number))
        return next((one for one in found if _ours(one, number)), None)

    async def _schedule(self, slot: Resource) -> Resource | None:
        kind, _, ident = local(slot.get("schedule"), self.client.base).partition("/")
        schedule = await self.client.read("Schedule", ident) if kind == "Schedule" else None
        return schedule if schedule is not None and schedule.get("active") is not False else None

    async def _claim(self, slot: Resource, number: str) -> bool:
        """Take a free slot, or find that it is ours already; ``False``: it is somebody else's."""
        if _ours(slot, number):
            return True
        if slot.get("status") != "free":
            return False
        claim = {"system": SYSTEM, "value": number}
        taken = {**slot, "status": "busy", "identifier": [*objects(slot, "identifier"), claim]}
        try:
            await self.client.update(taken, _version(slot))
        except (Conflict, TransportFailed) as error:
            # A change whose answer is lost may be sent again by the client of HTTP, and meet itself: look whose it is.
            again = await self.client.read("Slot", slot["id"])
            if again is not None and _ours(again, number):
                return True
            if isinstance(error, Conflict):
                return False
            raise
        return True

    async def _release(self, slot_id: str, number: str) -> None:
        """Let a slot that is ours be free again."""
        for _ in range(_TRIES):
            slot = await self.client.read("Slot", slot_id)
            if slot is None or not _ours(slot, number):
                return
            rest = [one for one in objects(slot, "identifier") if not _claims(one, number)]
            free = {key: value for key, value in slot.items() if key != "identifier"}
            status = "free" if slot.get("status") == "busy" else slot.get("status")
            free |= {"status": status, **({"identifier": rest} if rest else {})}
            try:
                await self.client.update(free, _version(slot))
            except Conflict:
                continue
            return
        get_logger().warning("fer.slot_left", attempt=_TRIES)
        raise _busy()

    def _made(self, slot: Resource, schedule: Resource, patient: str, number: str) -> Resource:
        actors = [patient, *locals_(schedule.get("actor"), self.client.base)]
        # Of one server, which has them of one version of FHIR.
        kept = {key: slot[key] for key in _KEPT if key in slot}
        return {
            "resourceType": "Appointment",
            "identifier": [{"system": SYSTEM, "value": number}],
            "status": "booked",
            "slot": [{"reference": reference(slot)}],
            "participant": [{"actor": {"reference": one}, "status": "accepted"} for one in actors],
            **kept,
        }

    def _patient(self, appointment: Resource) -> str:
        actors: Sequence[str] = [
            local(one.get("actor"), self.client.base) for one in objects(appointment, "participant")
        ]
        return next((one for one in actors if one.startswith("Patient/")), "")


def _named(number: str) -> list[tuple[str, str]]:
    return [("identifier", f"{SYSTEM}|{number}")]


def _claims(identifier: Resource, number: str) -> bool:
    return identifier.get("system") == SYSTEM and identifier.get("value") == number


def _ours(resource: Resource, number: str) -> bool:
    return any(_claims(one, number) for one in objects(resource, "identifier"))


def _version(resource: Resource) -> str:
    version = version_of(resource)
    if version is None:
        raise FhirRefused(_NO_VERSIONS)
    return version


def _busy() -> TransportFailed:
    return TransportFailed(
        Text("запись всё время меняет кто-то ещё", "somebody else keeps changing the appointment"), status=409
    )
