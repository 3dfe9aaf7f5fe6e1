"""Elements of several types (``value[x]``): what FHIRPath calls ``value``, JSON calls ``valueQuantity``."""

from __future__ import annotations

import json
from pathlib import Path

_TABLE: dict[str, str] = json.loads(Path(__file__).with_name("choices.json").read_text(encoding="utf-8"))

#: Name of the element → its names in JSON (R4, R4B and R5 together).
CHOICES: dict[str, tuple[str, ...]] = {
    name: tuple(name + kind for kind in kinds.split()) for name, kinds in _TABLE.items()
}
#: Every datatype that an element of several types can have, with a capital letter: ``Quantity``, ``DateTime``.
DATATYPES = frozenset(kind for kinds in _TABLE.values() for kind in kinds.split())
# Type → the types that are derived from it.
_DERIVED = {
    "Quantity": ("Age", "Count", "Distance", "Duration"),
    "String": ("Code", "Id", "Markdown"),
    "Uri": ("Canonical", "Oid", "Url", "Uuid"),
    "Integer": ("PositiveInt", "UnsignedInt"),
}


def is_datatype(name: str) -> bool:
    """Whether a FHIR type, as written in an expression, is a datatype and no resource."""
    return name[:1].upper() + name[1:] in DATATYPES


def names_of_type(element: str, kind: str) -> tuple[str, ...]:
    """The JSON names that ``element.ofType(kind)`` can have: ``value``, ``string`` → ``valueString``…"""
    base = kind[:1].upper() + kind[1:]
    wanted = {element + name for name in (base, *_DERIVED.get(base, ()))}
    return tuple(name for name in CHOICES.get(element, ()) if name in wanted)
