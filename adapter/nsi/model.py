"""What a reference book is: identifiers, versions, passports."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Root of the books of ФНСИ; ``11.1005`` and ``99.2.48`` are short for OIDs under it.
ROOT = "1.2.643.5.1.13.13."
#: Rows on one page of the REST service (its ``size`` parameter, and one ``partK.json``).
PAGE_ROWS = 2000

_SHORT = re.compile(r"(?:11|99\.2)\.\d+")
_OID = re.compile(r"[0-2](?:\.(?:0|[1-9]\d*))+")


def expand_oid(oid: str) -> str:
    """The full OID of a short one: ``11.1005`` → ``1.2.643.5.1.13.13.11.1005``; others unchanged."""
    return ROOT + oid if _SHORT.fullmatch(oid) else oid


def short_oid(oid: str) -> str:
    """The short form of a full OID where there is one; others unchanged."""
    short = oid.removeprefix(ROOT)
    return short if _SHORT.fullmatch(short) else oid


def is_oid(text: str) -> bool:
    """Whether ``text`` is an OID in dotted form."""
    return len(text) <= 128 and _OID.fullmatch(text) is not None


def version_key(version: str) -> tuple[tuple[int, str], ...]:
    """Sorting key of versions: ``7.9`` before ``7.10``; parts that are not numbers come first."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in version.split("."))


def oid_key(oid: str) -> tuple[tuple[int, str], ...]:
    """Sorting key of OIDs, arc by arc."""
    return version_key(oid)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a book: its name as in the rows, ФНСИ data type, title in Russian."""

    name: str
    type: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Passport:
    """A book in one version, as ФНСИ describes it.

    Attributes:
        oid: the OID that was asked for. ФНСИ answers an older OID of a book with the passport of the current
            one, and documents are checked by the OID that they quote.
        version: ``major.minor``.
        full_name: what ``codeSystemName`` must be, unless overridden.
        rows_count: rows that ФНСИ holds, whether or not they are stored here.
        columns: in the order of the passport.
        primary, value: key columns by the passport; ``None`` where it names none.
        other_oids: every other OID of the same book.
        updated: ``DD.MM.YYYY HH:MM``, empty where unknown.
    """

    oid: str
    version: str
    full_name: str
    rows_count: int
    columns: tuple[Column, ...] = ()
    primary: str | None = None
    value: str | None = None
    other_oids: tuple[str, ...] = ()
    updated: str = ""

    @property
    def pages(self) -> int:
        """Number of pages of rows in the REST form."""
        return -(-self.rows_count // PAGE_ROWS)
