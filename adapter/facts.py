"""Facts: the light objects that a mapping makes and templates read (``docs/reference/facts.md``).

Attribute objects rather than dicts: Jinja reads attributes in half the time. They are immutable by convention, not by
check: making one is on the hot path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Coding(NamedTuple):
    """A code of a reference book, complete: what a coded element of CDA needs.

    Attributes:
        system: OID of the book.
        system_name: full name of the book.
        version: version of the book that ``display`` was taken from.
    """

    code: str
    system: str
    system_name: str
    version: str
    display: str


class II(NamedTuple):
    """An instance identifier: OID and extension."""

    root: str
    extension: str


class Quantity(NamedTuple):
    """A measured value.

    Attributes:
        value: the number as the sender wrote it.
        unit: unit for reading.
        translation: the unit in 11.1358.
        ucum: the unit in UCUM, as sent or as the book says; what a document carries as ``unit``.
    """

    value: str
    unit: str
    translation: Coding | None
    ucum: str = ""


class Null(NamedTuple):
    """A fact that is not there, with the reason (a nullFlavor)."""

    flavor: str

    def __bool__(self) -> bool:
        return False


def plain(value: Any) -> Any:
    """Facts as plain values: dicts, lists, strings, numbers; what is absent or null is left out."""
    if isinstance(value, Fact):
        return {name: plain(part) for name, part in value if part is not None and not isinstance(part, Null)}
    if isinstance(value, list):
        return [plain(part) for part in value if part is not None and not isinstance(part, Null)]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        parts = zip(value._fields, value, strict=True)
        return {name: plain(part) for name, part in parts if part is not None and part != ""}
    return value


def fact(value: Any) -> Any:
    """Plain values as facts: a dict becomes a :class:`Fact`, whatever it was before."""
    if isinstance(value, dict):
        return Fact({name: fact(part) for name, part in value.items()})
    return [fact(part) for part in value] if isinstance(value, list) else value


class Fact:
    """Named facts as attributes; a field without a value is ``None``."""

    __slots__ = ("__dict__",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__.update(values)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(self.__dict__.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fact) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment] # holds lists

    def __repr__(self) -> str:
        # Names only: a fact holds a patient's values, and a repr ends up in logs and tracebacks.
        return f"Fact({', '.join(self.__dict__)})"
