"""Switches of the header (``docs/reference/facts.md``): what one kind wants of the header that all kinds share."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Final, Literal, Self, get_args, get_type_hints

from adapter.errors import MappingError
from adapter.findings import Text

Presence = Literal["required", "optional", "absent"]


@dataclass(frozen=True)
class Header:
    """Switches of one kind; defaults are what most kinds want.

    Attributes:
        xsd: ``generic`` writes ``xsi:type`` on extension elements, ``modular`` kinds reject it.
        code_generation: A: type of the document (11.1522); B: guide (99.2.1079) and the kind as translation; C: kind
            (11.1520) and the guide as translation.
        type_id: extension of ``typeId``.
        signing: ``NI``, or ``value``: time and code ``S`` of author and legal authenticator (legacy kinds).
        residence: place of ``address:residentCode`` in an address of the patient.
        max_addresses: how many addresses of the patient have a place.
        props: ``both`` wants Ogrn and Ogrnip, one of them null.
        guardian, payer, service_event, component_of, referrer, referral: presence of the part.
        payer_version: version of 11.1039 that the schema fixes, or empty.
        referral_ids: ids of ``inFulfillmentOf/order``: the document, and its number in РЭМД.
        service_time: ``interval`` (low, high) or ``value`` of ``serviceEvent/effectiveTime``.
        service_details: presence of form, type and condition of care.
        versions: ``sender``: a code keeps the version of its book that the sender quotes.
        performers: presence of performers.
        performer_organization: whether a performer's organisation has a place.
        performer_ids: 1 (staff) or 2 (and СНИЛС).
        performer_function: presence of ``functionCode``.
        encounter_time: whether ``encompassingEncounter/effectiveTime`` may stand.
        encounter_ids: ``2..2`` wants the number of the card.
        nulls: facts that may be null in this kind, as paths without positions.
        requires: facts that this kind cannot do without though others can.
    """

    xsd: Literal["modular", "generic"] = "modular"
    code_generation: Literal["A", "B", "C"] = "A"
    type_id: str = "POCD_MT000040"
    signing: Literal["NI", "value"] = "NI"
    residence: Presence = "absent"
    max_addresses: int = 2
    props: Literal["either", "both"] = "either"
    guardian: Presence = "absent"
    payer: Presence = "optional"
    payer_version: str = ""
    referrer: Presence = "absent"
    referral: Presence = "absent"
    referral_ids: Literal[1, 2] = 2
    service_event: Presence = "absent"
    service_time: Literal["interval", "value"] = "interval"
    service_details: Presence = "optional"
    performers: Presence = "required"
    performer_ids: Literal[1, 2] = 2
    performer_function: Presence = "absent"
    performer_organization: Presence = "absent"
    component_of: Presence = "absent"
    encounter_time: bool = False
    encounter_ids: Literal["1..2", "2..2"] = "2..2"
    versions: Literal["book", "sender"] = "book"
    nulls: frozenset[str] = frozenset()
    requires: frozenset[str] = frozenset()

    @cached_property
    def cd(self) -> str:
        """``xsi:type`` of coded extension elements."""
        return "CD" if self.xsd == "generic" else ""

    @cached_property
    def st(self) -> str:
        """``xsi:type`` of extension elements with text."""
        return "ST" if self.xsd == "generic" else ""

    @cached_property
    def ts(self) -> str:
        """``xsi:type`` of extension elements with a time."""
        return "TS" if self.xsd == "generic" else ""

    @classmethod
    def of(cls, switches: Mapping[str, Any]) -> Self:
        """Read switches.

        Raises:
            MappingError: an unknown switch or value; names the nearest valid one.
        """
        values: dict[str, Any] = {}
        for name, given in switches.items():
            if name not in _ALLOWED:
                raise _error(
                    switches, name, f"неизвестный переключатель «{name}»", f"unknown switch «{name}»", _ALLOWED
                )
            values[name] = _value(switches, name, given)
        return cls(**values)


_HINTS: Final = get_type_hints(Header)
_ALLOWED: Final[Mapping[str, tuple[Any, ...]]] = {
    field.name: get_args(_HINTS[field.name]) if get_args(_HINTS[field.name]) != (str,) else ()
    for field in fields(Header)
}


def _value(switches: Mapping[str, Any], name: str, given: Any) -> Any:
    hint, allowed = _HINTS[name], _ALLOWED[name]
    if allowed:
        # YAML gives 1 where the switch says 1, but "1..2" and A as text: compare as text.
        for value in allowed:
            if str(value) == str(given):
                return value
        raise _error(switches, name, f"«{name}»: нет такого значения", f"«{name}»: no such value", allowed)
    if hint == frozenset[str]:
        if isinstance(given, str) or not all(isinstance(item, str) for item in given or ()):
            raise _error(switches, name, f"«{name}» — список фактов", f"«{name}» is a list of facts")
        return frozenset(given or ())
    if hint is bool and not isinstance(given, bool):
        raise _error(switches, name, f"«{name}» — true или false", f"«{name}» is true or false")
    if hint is int and not (isinstance(given, int) and given > 0):
        raise _error(switches, name, f"«{name}» — число больше нуля", f"«{name}» is a number above zero")
    return "" if given is None else str(given) if hint is str else given


def _error(switches: Mapping[str, Any], name: str, ru: str, en: str, valid: Any = ()) -> MappingError:
    names = [str(value) for value in valid]
    near = difflib.get_close_matches(name, names, n=1) or names
    if names:
        ru, en = f"{ru}; есть: {', '.join(near)}", f"{en}; there is: {', '.join(near)}"
    file = getattr(switches, "file", "")
    line, column = getattr(switches, "spots", {}).get(name, (0, 0))
    return MappingError(Text(ru, en), file=file, line=line, column=column)
