"""ФРМР over REST: the person of a worker, who is told by a number of his own, and the sections about him."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from adapter.mapping.formats import FORMATS
from adapter.stand.registers.contract import Answer
from adapter.stand.registers.rest import Call, Handler, RestService, Way
from adapter.stand.registers.sections import Section, sections
from adapter.stand.registers.state import Record

#: Of these the address must say whether the worker is a medical one.
_TOLD_MR: Final = frozenset({"prof"})
_FULL: Final = {
    "card": "personCard", "prof": "educationProf", "postgraduate": "educationPostgraduate", "cert": "educationCert",
    "ext": "educationExt", "common": "educationCommon", "qualification": "personQualification",
}  # fmt: skip


class Frmr(RestService):
    """See the module."""

    def __init__(self, *, signed: bool = False) -> None:
        super().__init__("frmr", signed=signed)

    def ways(self) -> Sequence[Way]:
        """See :class:`~adapter.stand.registers.rest.RestService`."""
        ways = [
            Way("GET", "person", self._read),
            Way("POST", "person", self._make),
            Way("PUT", "person", self._change),
            Way("DELETE", "person", self._remove),
            Way("GET", "person/full", self._read_full),
            Way("GET", "person/list", self._list),
            Way("GET", "person/accreditation", self._accreditation),
        ]
        for name, section in sections()["frmr"].items():
            path = f"person/{name}"
            ways += [
                Way("GET", path, self._of_worker(section, section.read)),
                Way("POST", path, self._of_worker(section, section.make)),
                Way("PUT", path, self._of_worker(section, section.change)),
                Way("DELETE", path, self._of_worker(section, section.remove)),
            ]
        return ways

    # -- the person ---------------------------------------------------------------------------------------------------

    def _read(self, call: Call) -> Answer:
        refused = self._asked(call, mr=True)
        there = self._worker(call)
        return refused or (self.refuse(call, "no-person") if there is None else self.content(call, _told(there)))

    def _make(self, call: Call) -> Answer:
        refused = self._asked(call, mr=True, who=False) or self._wrong_person(call)
        if refused is not None:
            return refused
        there = self._worker(call) or call.state.get("person", _key(call.body))
        if there is not None:
            return self.refuse(call, "duplicate", local_id=[there.data["entityId"]])
        number = f"{call.request.at.year}.{call.state.next('oid'):07d}"
        data = {**call.body, "entityId": self.entity(call, "person")}
        call.state.put("person", _key(call.body), data, number=number, at=call.request.at)
        return self.content(call, {"entityId": data["entityId"]})

    def _change(self, call: Call) -> Answer:
        refused = self._asked(call, mr=True)
        there = self._worker(call)
        if refused is not None or there is None:
            return refused or self.refuse(call, "no-person")
        refused = self._wrong_person(call)
        if refused is not None:
            return refused
        if call.body.get("oid") not in {None, there.number}:
            return self.refuse(call, "other-worker")
        other = call.state.get("person", _key(call.body))
        if other is not None and other.number != there.number:
            return self.refuse(call, "duplicate", local_id=[other.data["entityId"]])
        call.state.remove("person", there.key)
        data = {**call.body, "entityId": there.data["entityId"]}
        call.state.put("person", _key(call.body), data, number=there.number, at=call.request.at)
        return self.done(call)

    def _remove(self, call: Call) -> Answer:
        refused = self._asked(call, mr=True)
        there = self._worker(call)
        if refused is not None or there is None:
            return refused or self.refuse(call, "no-person")
        call.state.remove("person", there.key)
        return self.done(call)

    def _read_full(self, call: Call) -> Answer:
        refused = self._asked(call, mr=True)
        there = self._worker(call)
        if refused is not None or there is None:
            return refused or self.refuse(call, "no-person")
        full = _told(there)
        for name, section in sections()["frmr"].items():
            things = [record.data for record in call.state.of(section.name, there.number)]
            full[_FULL[name]] = (things[0] if things else None) if section.one else things
        return self.content(call, full)

    def _list(self, call: Call) -> Answer:
        if not call.get("mo"):
            return self.refuse(call, "parameter", "mo")
        return self.listed(call, [_told(record) for record in call.state.all("person")])

    def _accreditation(self, call: Call) -> Answer:
        refused = self._asked(call, mr=True)
        there = self._worker(call)
        if refused is not None or there is None:
            return refused or self.refuse(call, "no-person")
        return self.content(call, {"accreditationProcedures": []})

    # -- sections -----------------------------------------------------------------------------------------------------

    def _of_worker(self, section: Section, answer: Callable[[RestService, Call, str], Answer]) -> Handler:
        """The handler of a section: ``answer`` for the worker whom the parameters name."""

        def handler(call: Call) -> Answer:
            card = section.name == "card"
            refused = self._asked(call, mr=section.name in _TOLD_MR, mo=not card, name=card)
            there = self._worker(call)
            if refused is not None or there is None:
                return refused or self.refuse(call, "no-person")
            return (self._wrong_card(call, there) if card else None) or answer(self, call, there.number)

        return handler

    def _wrong_card(self, call: Call, there: Record) -> Answer | None:
        """A refusal of a card of another worker, or of a department of another organisation."""
        card = call.body
        if card.get("oid") is not None and card["oid"] != there.number:
            return self.refuse(call, "other-worker")
        depart, organisation = card.get("nrPmuDepartId"), card.get("organization")
        alien = isinstance(depart, str) and not depart.startswith(f"{organisation}.")
        return self.refuse(call, "other-depart") if alien else None

    # -- parameters and rules -----------------------------------------------------------------------------------------

    def _asked(
        self, call: Call, *, mr: bool = False, mo: bool = False, name: bool = False, who: bool = True
    ) -> Answer | None:
        """A refusal of parameters that are not as the table of them says; ``who``: they must tell a worker."""
        by_document = bool(call.get("documentId") and call.get("number"))
        if mr and call.get("mr") not in {"true", "false"}:
            return self.refuse(call, "parameter", "mr")
        if (mo or (mr and call.get("mr") == "true")) and not call.get("mo"):
            return self.refuse(call, "parameter", "mo")
        if name and not by_document and not call.get("lastName"):
            return self.refuse(call, "parameter", "lastName")
        if who and not (by_document or call.get("oid") or call.get("snils")):
            return self.refuse(call, "parameter", "oid, snils, documentId")
        if call.get("snils") and not FORMATS["snils"](call.get("snils")):
            return self.refuse(call, "parameter", "snils")
        return None

    def _worker(self, call: Call) -> Record | None:
        """The worker whom the parameters name; one is enough, all that are given must be his."""
        oid, snils = call.get("oid"), call.get("snils")
        there = call.state.by_number("person", oid) if oid else None
        if there is None and snils:
            there = call.state.get("person", f"snils {snils}")
        if there is None and call.get("number"):
            wanted = (call.get("documentId"), call.get("serial"), call.get("number"))
            there = next((one for one in call.state.all("person") if wanted in _documents(one.data)), None)
        if there is None or (oid and there.number != oid) or (snils and there.data.get("snils") not in {None, snils}):
            return None
        return there

    def _wrong_person(self, call: Call) -> Answer | None:
        refused = self.misshapen(call, "frmr-person", call.body)
        if refused is not None:
            return refused
        if call.get("snils") and call.body.get("snils") not in {None, call.get("snils")}:
            return self.refuse(call, "other-worker")
        return self.refuse(call, "nobody") if not call.body.get("snils") and not _documents(call.body) else None


def _key(person: Mapping[str, Any]) -> str:
    """By which a person is told: the СНИЛС, else the first document."""
    return f"snils {person['snils']}" if person.get("snils") else f"document {' '.join(_documents(person)[0])}"


def _documents(person: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(kind, series, number) of each document that has a number."""
    return [
        (str(one.get("documentId") or ""), one.get("serial") or "", one["number"])
        for one in person.get("documents") or ()
        if one.get("number")
    ]


def _told(there: Record) -> dict[str, Any]:
    """A person as GET tells it."""
    return {**{name: value for name, value in there.data.items() if name != "entityId"}, "oid": there.number}
