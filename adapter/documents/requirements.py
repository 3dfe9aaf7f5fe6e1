"""What the header of a kind wants and the facts do not give: checked before rendering.

The facts of the header and their marks stand in ``templates/cda/header/facts.yaml``; which parts a kind has and which
facts may be null in it are switches of its header.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, NamedTuple

from adapter.catalogue import Catalogue, read_plain
from adapter.documents.header import Header
from adapter.errors import MappingError
from adapter.facts import Fact, Null
from adapter.findings import Text

FILE: Final = "templates/cda/header/facts.yaml"


class Why(StrEnum):
    """What is wrong with a fact."""

    MISSING = "missing"
    NULL = "null"
    SURPLUS = "surplus"


class Gap(NamedTuple):
    """A fact that does not do.

    Attributes:
        path: ``patient.addresses[0].line``.
        why: it is missing; it is a null where the kind forbids one; or the kind has no place for it (a third
            address of the patient, the patient's guardian).
    """

    path: str
    why: Why

    @property
    def rule(self) -> str:
        """The path without positions: after the id of the document it is the id of the mapping rule."""
        return plain(self.path)


@dataclass(frozen=True, slots=True)
class _Slot:
    """A fact that a type has.

    Attributes:
        must: it must stand.
        null: ``"any"``, ``"kind"`` (where the switch ``nulls`` has its path) or empty.
        many: it is a list.
        of: slots of its parts.
        surplus: the kind has no place for it.
    """

    name: str
    must: bool
    null: str
    many: bool
    of: tuple[_Slot, ...]
    surplus: bool = False


class Requirements:
    """Checks facts against switches; make one and keep it.

    Args:
        catalogue: where ``templates/cda/header/facts.yaml`` is.

    Raises:
        MappingError: the file is not readable as such.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        path = catalogue.file(FILE)
        data = read_plain(path)
        try:
            self._parts: Mapping[str, str] = data.pop("parts")
            self._document = _slots(data, "document")
        except (KeyError, TypeError, AttributeError) as error:
            text = f"{type(error).__name__}: {error}"
            raise MappingError(
                Text(f"факты шапки не читаются: {text}", f"unreadable facts: {text}"), file=FILE
            ) from error
        self._plans: dict[Header, tuple[_Slot, ...]] = {}

    def missing(self, facts: Fact, header: Header) -> list[Gap]:
        """Facts of the header that ``header`` wants and that do not stand, in the order of the header.

        A fact that may be null in every kind is never missing: the template writes a nullFlavor.
        """
        plan = self._plans.get(header)
        if plan is None:
            plan = self._plans[header] = tuple(self._planned(self._document, header, ""))
        gaps: list[Gap] = []
        _check(facts, plan, "", gaps)
        addresses = getattr(getattr(facts, "patient", None), "addresses", None)
        if isinstance(addresses, list):
            surplus = range(header.max_addresses, len(addresses))
            gaps.extend(Gap(f"patient.addresses[{index}]", Why.SURPLUS) for index in surplus)
        return gaps

    def _planned(self, slots: tuple[_Slot, ...], header: Header, prefix: str) -> Iterator[_Slot]:
        """The slots as one kind wants them."""
        for slot in slots:
            path = prefix + slot.name
            switch = self._parts.get(path)
            presence = getattr(header, switch) if switch else None
            if presence == "absent" and slot.of:
                yield replace(slot, must=False, null="any", surplus=True, of=())
            if presence == "absent" or _left_out(path, header):
                continue
            wanted = presence == "required" or path in header.requires
            must = wanted if presence is not None else slot.must or wanted
            if slot.null == "kind":
                must, null = True, "any" if path in header.nulls else ""
            else:
                null = slot.null or ("any" if path in header.nulls or presence == "optional" else "")
            if path == "encounter.card":
                must = header.encounter_ids == "2..2"
            yield replace(slot, must=must, null=null, of=tuple(self._planned(slot.of, header, f"{path}.")))
        if not prefix and header.code_generation != "A":
            yield _Slot("translation", must=True, null="", many=False, of=())


def _left_out(path: str, header: Header) -> bool:
    """Facts whose element a switch leaves out."""
    if path == "service_event.performers.snils":
        return header.performer_ids == 1
    return path == "referral.registry_number" and header.referral_ids == 1


def _slots(types: Mapping[str, Mapping[str, str]], name: str) -> tuple[_Slot, ...]:
    found = []
    for fact, written in types[name].items():
        kind = written.rstrip("?~!*+")
        marks = written[len(kind) :]
        found.append(
            _Slot(
                fact,
                must=not any(mark in marks for mark in "?~*"),
                null="any" if "~" in marks else "kind" if "!" in marks else "",
                many="+" in marks or "*" in marks,
                of=_slots(types, kind) if kind != "value" else (),
            )
        )
    return tuple(found)


def _check(facts: Any, slots: tuple[_Slot, ...], prefix: str, gaps: list[Gap]) -> None:
    for slot in slots:
        value = getattr(facts, slot.name, None)
        if slot.many and isinstance(value, list):
            if slot.must and not value:
                gaps.append(Gap(prefix + slot.name, Why.MISSING))
            for index, one in enumerate(value):
                _check_one(one, slot, f"{prefix}{slot.name}[{index}]", gaps)
        else:
            _check_one(value, slot, prefix + slot.name, gaps)


def _check_one(value: Any, slot: _Slot, path: str, gaps: list[Gap]) -> None:
    if value is None or value == "":
        if slot.must:
            gaps.append(Gap(path, Why.MISSING))
    elif isinstance(value, Null):
        if not slot.null:
            gaps.append(Gap(path, Why.NULL))
    elif slot.surplus:
        gaps.append(Gap(path, Why.SURPLUS))
    elif slot.of:
        _check(value, slot.of, f"{path}.", gaps)


def plain(path: str) -> str:
    """A path without positions: ``patient.addresses[0].line`` → ``patient.addresses.line``."""
    return "".join(part.partition("]")[2] if index else part for index, part in enumerate(path.split("[")))
