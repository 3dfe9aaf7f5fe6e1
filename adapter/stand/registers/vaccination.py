"""The register of the vaccinated (COVID-19, 2021): records of a person and a vaccine, told by their УНРЗ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import orjson

from adapter.stand.registers.contract import Answer
from adapter.stand.registers.rest import Call, RestService, Way, nested
from adapter.stand.registers.state import Record

#: An УНРЗ has 16 digits, the first of a vaccination is 9.
_FIRST: Final = 9_000_000_000_000_001
_MALE: Final = 1


class VaccinationRegister(RestService):
    """See the module."""

    def __init__(self, *, signed: bool = False) -> None:
        super().__init__("vaccination-register", signed=signed)

    def ways(self) -> Sequence[Way]:
        """See :class:`~adapter.stand.registers.rest.RestService`."""
        record = "record/{reg_id}"
        return (
            Way("POST", "record", self._create),
            Way("GET", record, self._read),
            Way("PUT", f"{record}/reg", self._update),
            Way("PUT", f"{record}/person", self._person),
            Way("POST", f"{record}/complication", self._add_complication),
            Way("PUT", f"{record}/complication/{{date}}", self._change_complication),
            Way("DELETE", f"{record}/complication/{{date}}", self._remove_complication),
            Way("POST", f"{record}/pregnancy", self._add_pregnancy),
            Way("PUT", f"{record}/pregnancy/{{date}}", self._change_pregnancy),
            Way("DELETE", f"{record}/pregnancy/{{date}}", self._remove_pregnancy),
            Way("POST", f"{record}/dairy", self._diary),
        )

    # -- the record ---------------------------------------------------------------------------------------------------

    def _create(self, call: Call) -> Answer:
        refused = self.misshapen(call, "vaccination-record", call.body, lists=False)
        if refused is not None:
            return refused
        reg, person = call.body["reg"], call.body.get("person")
        if not isinstance(person, dict):
            return self.refuse(call, "invalid", "person: required")
        refused = self._wrong_person(call, person) or self._wrong_stages(call, reg, person)
        if refused is not None:
            return refused
        key = _key(person, reg["vaccine"])
        there = call.state.get("record", key)
        if there is not None:
            return self.refuse(call, "duplicate", there.number)
        number = str(call.state.next("unrz", _FIRST))
        data = {"reg": reg, "person": person, "person_id": self.entity(call, "person")}
        call.state.put("record", key, data, number=number, at=call.request.at)
        return Answer(201, orjson.dumps({"reg_id": number, "person_id": data["person_id"]}))

    def _read(self, call: Call) -> Answer:
        there = self._there(call)
        if there is None:
            return self.refuse(call, "no-record")
        return Answer(200, orjson.dumps({"reg_id": there.number, **there.data}))

    def _update(self, call: Call) -> Answer:
        there = self._there(call)
        if there is None:
            return self.refuse(call, "no-record")
        refused = self.misshapen(call, "vaccination-record", call.body, lists=False)
        if refused is not None:
            return refused
        reg = call.body["reg"]
        refused = self._wrong_stages(call, reg, there.data["person"])
        if refused is not None:
            return refused
        return self._kept(call, there, {**there.data, "reg": reg})

    def _person(self, call: Call) -> Answer:
        there = self._there(call)
        if there is None:
            return self.refuse(call, "no-record")
        refused = self.misshapen(call, "vaccination-person", call.body, lists=False)
        if refused is not None:
            return refused
        person = dict(call.body)
        refused = self._wrong_person(call, person) or self._wrong_stages(call, there.data["reg"], person)
        return refused or self._kept(call, there, {**there.data, "person": person})

    def _kept(self, call: Call, there: Record, data: Mapping[str, Any]) -> Answer:
        """Keep what a record has become; another person or vaccine may be those of another record."""
        key = _key(data["person"], data["reg"]["vaccine"])
        other = call.state.get("record", key)
        if other is not None and other.number != there.number:
            return self.refuse(call, "duplicate", other.number)
        call.state.remove("record", there.key)
        call.state.put("record", key, data, number=there.number, at=call.request.at)
        return Answer(200, orjson.dumps({"reg_id": there.number, "person_id": data["person_id"]}))

    # -- what is told of a record -------------------------------------------------------------------------------------

    def _add_complication(self, call: Call) -> Answer:
        return self._add(call, "complication", "vaccination-complication", "exam_date")

    def _change_complication(self, call: Call) -> Answer:
        return self._change(call, "complication", "vaccination-complication", "exam_date")

    def _remove_complication(self, call: Call) -> Answer:
        return self._remove(call, "complication")

    def _add_pregnancy(self, call: Call) -> Answer:
        there = self._there(call)
        if there is not None and there.data["person"].get("gender") == _MALE:
            return self.refuse(call, "male")
        return self._add(call, "pregnancy", "vaccination-pregnancy", "estimated_date")

    def _change_pregnancy(self, call: Call) -> Answer:
        return self._change(call, "pregnancy", "vaccination-pregnancy", "estimated_date")

    def _remove_pregnancy(self, call: Call) -> Answer:
        return self._remove(call, "pregnancy")

    def _diary(self, call: Call) -> Answer:
        there = self._there(call)
        if there is None:
            return self.refuse(call, "no-record")
        key = f"{there.number} {call.state.next('dairy')}"
        call.state.put("dairy", key, call.body, number=there.number, at=call.request.at)
        return Answer(201, orjson.dumps({"reg_id": there.number}))

    def _add(self, call: Call, kind: str, schema: str, day: str) -> Answer:
        there = self._there(call)
        if there is None:
            return self.refuse(call, "no-record")
        refused = self.misshapen(call, schema, call.body, lists=False) or self._future(call, day, call.body[day])
        if refused is not None:
            return refused
        # The day tells one from another in the paths of the register: what comes again for it is the same thing.
        key = f"{there.number} {call.body[day]}"
        status = 201 if call.state.get(kind, key) is None else 200
        call.state.put(kind, key, call.body, number=there.number, at=call.request.at)
        return Answer(status, orjson.dumps({"reg_id": there.number}))

    def _change(self, call: Call, kind: str, schema: str, day: str) -> Answer:
        key = f"{call.args['reg_id']} {call.args['date']}"
        if call.state.get(kind, key) is None:
            return self.refuse(call, "no-record")
        answer = self._add(call, kind, schema, day)
        if answer.status >= 400:
            return answer
        if call.body[day] != call.args["date"]:
            call.state.remove(kind, key)
        return Answer(200, answer.body)

    def _remove(self, call: Call, kind: str) -> Answer:
        if not call.state.remove(kind, f"{call.args['reg_id']} {call.args['date']}"):
            return self.refuse(call, "no-record")
        return Answer(200, orjson.dumps({"reg_id": call.args["reg_id"]}))

    def _there(self, call: Call) -> Record | None:
        return call.state.by_number("record", call.args["reg_id"])

    # -- rules --------------------------------------------------------------------------------------------------------

    def _wrong_person(self, call: Call, person: Mapping[str, Any]) -> Answer | None:
        if not person.get("snils") and not any(nested(person, "sub_insurance", "policy_number")):
            return self.refuse(call, "nobody")
        return self._future(call, "birth_date", person["birth_date"])

    def _wrong_stages(self, call: Call, reg: Mapping[str, Any], person: Mapping[str, Any]) -> Answer | None:
        numbers = sorted({int(stage["stage_number"]) for stage in reg["sub_stages"]})
        if numbers != list(range(1, len(numbers) + 1)) or len(numbers) != len(reg["sub_stages"]):
            return self.refuse(call, "stages")
        for exam in nested(reg, "sub_stages", "sub_exams"):
            refused = self._future(call, "exam_date", exam["exam_date"])
            if refused is not None:
                return refused
            if person.get("gender") == _MALE and exam.get("pregnancy"):
                return self.refuse(call, "male")
        return None

    def _future(self, call: Call, name: str, value: str) -> Answer | None:
        """A refusal of a day that is none, or is to come; a date of birth that is expected may be."""
        try:
            day = date.fromisoformat(value)
        except ValueError:
            return self.refuse(call, "invalid", f"{name}: date")
        coming = day > call.request.at.date() and name != "estimated_date"
        return self.refuse(call, "future", name) if coming else None


def _key(person: Mapping[str, Any], vaccine: int) -> str:
    """By which the register tells a record: the person, and the vaccine."""
    policy = next(nested(person, "sub_insurance", "policy_number"), "")
    who = person.get("snils") or f"{policy} {person['birth_date']}"
    return f"{who} {vaccine}"
