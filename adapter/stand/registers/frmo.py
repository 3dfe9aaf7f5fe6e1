"""ФРМО over REST: the card of an organisation that is there, its departments with OIDs of their own, its sections."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from adapter.stand.registers.contract import Answer
from adapter.stand.registers.rest import Call, Handler, RestService, Way, nested
from adapter.stand.registers.sections import sections

_MO: Final = re.compile(r"1\.2\.643\.5\.1\.13\.13\.12\.[0-9]+\.[0-9]+\.[0-9]+")
_FIRST: Final = 100_001
_PARTS: Final = (("departHospital", "hospitalSubdivision"), ("departReg", "room"))
_LABORATORIES: Final = "departLabs"


class Frmo(RestService):
    """See the module.

    Args:
        organisations: OIDs of those that have a card; empty: any OID of an МО has one.
    """

    def __init__(self, *, signed: bool = False, organisations: frozenset[str] = frozenset()) -> None:
        super().__init__("frmo", signed=signed)
        self._organisations = organisations

    def ways(self) -> Sequence[Way]:
        """See :class:`~adapter.stand.registers.rest.RestService`."""
        ways = [
            Way("GET", "org", self._list),
            Way("PUT", "org", self._change),
            Way("DELETE", "org", self._close),
            Way("GET", "org/depart", self._owned(self._list_departs)),
            Way("POST", "org/depart", self._owned(self._make_depart)),
            Way("PUT", "org/depart", self._owned(self._change_depart)),
            Way("DELETE", "org/depart", self._owned(self._remove_depart)),
            Way("GET", "org/depart/{depart}", self._owned(self._read_depart)),
        ]
        for name, section in sections()["frmo"].items():
            path = f"org/{name}"
            ways += [
                Way("GET", path, self._of_organisation(section.read)),
                Way("GET", f"{path}/get", self._of_organisation(section.read_one)),
                Way("POST", path, self._of_organisation(section.make)),
                Way("PUT", path, self._of_organisation(section.change)),
                Way("DELETE", path, self._of_organisation(section.remove)),
            ]
        return [*ways, Way("GET", "org/{oid}", self._read)]

    # -- the organisation ---------------------------------------------------------------------------------------------

    def _list(self, call: Call) -> Answer:
        kind = call.get("orgTypeId")
        cards = [record.data for record in call.state.all("org")]
        return self.listed(call, [one for one in cards if kind in {"", _code(one, "orgType", "code")}])

    def _read(self, call: Call) -> Answer:
        there = call.state.get("org", call.args["oid"])
        return self.refuse(call, "no-organisation") if there is None else self.content(call, there.data)

    def _change(self, call: Call) -> Answer:
        oid = call.get("oid")
        refused = self._no_card(call, oid) or self.misshapen(call, "frmo-org", call.body)
        if refused is not None:
            return refused
        if call.body.get("oid") not in {None, oid}:
            return self.refuse(call, "other-organisation")
        call.state.put("org", oid, {**call.body, "oid": oid}, at=call.request.at)
        return self.done(call)

    def _close(self, call: Call) -> Answer:
        oid, reason = call.get("oid"), call.get("deleteReason")
        there = call.state.get("org", oid)
        if there is None:
            return self.refuse(call, "no-organisation")
        if not (reason.isascii() and reason.isdigit() and len(reason) < 10):
            return self.refuse(call, "parameter", "deleteReason")
        day = call.request.at.date().isoformat() + "T00:00:00Z"
        data = {**there.data, "deleteDate": day, "deleteReason": {"id": int(reason)}}
        call.state.put("org", oid, data, at=call.request.at)
        return self.done(call)

    def _no_card(self, call: Call, oid: str) -> Answer | None:
        known = oid in self._organisations if self._organisations else _MO.fullmatch(oid)
        return None if known else self.refuse(call, "no-organisation")

    # -- departments --------------------------------------------------------------------------------------------------

    def _list_departs(self, call: Call, oid: str) -> Answer:
        kind = call.get("departTypeId")
        departs = [record.data for record in call.state.of("depart", oid)]
        return self.listed(call, [one for one in departs if kind in {"", _code(one, "departTypeId", "id")}])

    def _read_depart(self, call: Call, oid: str) -> Answer:
        there = call.state.get("depart", call.args["depart"])
        if there is None or there.number != oid:
            return self.refuse(call, "no-depart")
        return self.content(call, there.data)

    def _make_depart(self, call: Call, oid: str) -> Answer:
        refused = self.misshapen(call, "frmo-depart", call.body) or self._wrong_parts(call, "")
        if refused is not None:
            return refused
        name = call.body["departName"]
        there = next((one for one in call.state.of("depart", oid) if one.data["departName"] == name), None)
        if there is not None:
            return self.refuse(call, "duplicate", local_id=[there.key])
        depart = f"{oid}.0.{call.state.next('depart', _FIRST)}"
        call.state.put("depart", depart, {**call.body, "oid": depart}, number=oid, at=call.request.at)
        return self.content(call, {"entityId": depart})

    def _change_depart(self, call: Call, oid: str) -> Answer:
        depart = call.get("entityId")
        there = call.state.get("depart", depart)
        if there is None or there.number != oid:
            return self.refuse(call, "no-depart")
        refused = self.misshapen(call, "frmo-depart", call.body) or self._wrong_parts(call, depart)
        if refused is not None:
            return refused
        if call.body.get("oid") not in {None, depart}:
            return self.refuse(call, "other-organisation")
        call.state.put("depart", depart, {**call.body, "oid": depart}, number=oid, at=call.request.at)
        return self.done(call)

    def _remove_depart(self, call: Call, oid: str) -> Answer:
        there = call.state.get("depart", call.get("entityId"))
        if there is None or there.number != oid:
            return self.refuse(call, "no-depart")
        call.state.remove("depart", there.key)
        return self.done(call)

    def _wrong_parts(self, call: Call, depart: str) -> Answer | None:
        """A refusal of parts of a department that share an OID, or have that of another department."""
        parts: list[Any] = [oid for path in _PARTS for oid in nested(call.body, *path, "oid")]
        parts += nested(call.body, _LABORATORIES, "labOid")
        if len(set(parts)) != len(parts):
            return self.refuse(call, "same-oid")
        if depart and any(not part.startswith(f"{depart}.") for part in parts if part):
            return self.refuse(call, "other-depart")
        return None

    # -- sections -----------------------------------------------------------------------------------------------------

    def _of_organisation(self, answer: Callable[[RestService, Call, str], Answer]) -> Handler:
        return self._owned(lambda call, oid: answer(self, call, oid))

    def _owned(self, answer: Callable[[Call, str], Answer]) -> Handler:
        """A handler for what belongs to an organisation, whose OID is a parameter."""

        def handler(call: Call) -> Answer:
            oid = call.get("oid")
            if not oid:
                return self.refuse(call, "parameter", "oid")
            return self._no_card(call, oid) or answer(call, oid)

        return handler


def _code(thing: Any, *path: str) -> str:
    return str(next(nested(thing, *path), ""))
