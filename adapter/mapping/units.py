"""Units of measurement: UCUM ↔ the book of units, 1.2.643.5.1.13.13.11.1358.

The book's own column ``UCUM`` is the crosswalk. It spells UCUM in several ways (``ml`` and ``mL``, ``10^9`` and
``10*3``, ``kg/m^2`` and ``W/m2``), as senders do, so spellings are compared folded. A code of UCUM that several rows
share is told apart by the sender's name of the unit, else by ``columns`` of the vocabulary, else it is a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

from adapter.facts import Quantity
from adapter.findings import Text
from adapter.mapping.conversion import ConversionError
from adapter.mapping.identifiers import string_of
from adapter.mapping.run import Run

BOOK: Final = "1.2.643.5.1.13.13.11.1358"
UCUM: Final = "https://unitsofmeasure.org"

_TRANSLATION: Final = re.compile(r"(?:.*/)?iso21090-PQ-translation", re.IGNORECASE)
_ANNOTATION: Final = re.compile(r"\{[^}]*\}")
_LITRE: Final = re.compile(r"(?<![A-Za-z\[])(da|[fpnumcdhk]?)L(?![A-Za-z])")
_POWER: Final = re.compile(r"(?<=[a-z])(-?[0-9]+)(?![^\[]*\])")


@lru_cache(maxsize=4096)
def folded(code: str) -> str:
    """A code of UCUM for comparing: litre is ``l``, powers are written with ``^``, ``/min`` is ``1/min``.

    An annotation says nothing in UCUM, but rows of the book are made of it: it goes by :func:`plain` only.
    """
    text = code.strip().replace("*", "^").replace("[iU]", "[IU]")
    text = _POWER.sub(r"^\1", _LITRE.sub(r"\1l", text))
    return f"1{text}" if text.startswith("/") else text


def plain(code: str) -> str:
    """A code of UCUM without annotations: ``{beats}/min`` is ``/min``, ``{tablet}`` is ``1``."""
    return _ANNOTATION.sub("", code) or "1"


def quantity(value: Any, arguments: Mapping[str, Any], run: Run) -> Quantity:
    """Quantity → value, unit for reading, its code in 11.1358 and its code in UCUM.

    Either of the two codes may be the primary one; the other may stand in the extension iso21090-PQ-translation.
    Nothing is recomputed: a translation with another number is passed over.

    Args:
        value: a Quantity, or another element whose parts ``value`` and ``code`` of the arguments name, such as
            Timing.repeat (``period`` and ``periodUnit``).
    """
    name = str(arguments.get("value", "value"))
    if not isinstance(value, dict) or value.get(name) is None:
        raise ConversionError("Ожидается Quantity со значением.", "A Quantity with a value is expected.")
    if value.get("comparator"):
        raise ConversionError(
            "Знаку сравнения (comparator) в документе нет места.", "The document has no place for a comparator."
        )
    number = plain_number(value[name])
    if "code" in arguments:
        value = {"value": value[name], "system": UCUM, "code": value.get(str(arguments["code"]))}
    spellings = [value, *_translations(value, number)]
    codes = _codes(spellings, run)
    # The extension holds the quantity of CDA, so its unit is UCUM in intent, even one that is no valid UCUM.
    ucum = next((ucum for one in spellings if (ucum := _ucum(one, run, sure=one is not value))), "")
    unit = value.get("unit") or value.get("code") or ""
    coding = run.terms.coding(BOOK, codes[0]) if len(codes) == 1 else None
    if coding is None:
        found = Quantity(number, unit, None, ucum or unit)
        if unit:
            raise _without_translation(found, codes)
        return found
    return Quantity(number, coding.display, coding, ucum or run.terms.cell(BOOK, coding.code, "UCUM") or coding.display)


def plain_number(value: Any) -> str:
    """A number as the sender wrote it, without an exponent."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ConversionError("Ожидается число.", "A number is expected.") from None
    if not number.is_finite():
        raise ConversionError("Ожидается число.", "A number is expected.")
    return format(number, "f")


def _translations(value: Mapping[str, Any], number: str) -> Iterator[Mapping[str, Any]]:
    """The same quantity in other code systems."""
    for extension in value.get("extension") or ():
        other = extension.get("valueQuantity") if isinstance(extension, dict) else None
        if not isinstance(other, dict) or not _TRANSLATION.fullmatch(str(extension.get("url", ""))):
            continue
        if other.get("value") is None or Decimal(plain_number(other["value"])) == Decimal(number):
            yield other


def _system(value: Mapping[str, Any], run: Run) -> str:
    return run.identifiers.book(string_of(value, "system"))


def _ucum(value: Mapping[str, Any], run: Run, *, sure: bool) -> str:
    """The unit in UCUM as the sender wrote it. What is no valid UCUM stands in ``unit``, without a code."""
    system, code = _system(value, run), value.get("code") or ""
    if code:
        return code if system == UCUM else ""
    unit = value.get("unit") or ""
    return unit if system != BOOK and (sure or unit.isascii()) else ""


def _codes(spellings: list[Mapping[str, Any]], run: Run) -> list[str]:
    """Codes of the book, of the first spelling that leads to any; several where none decides.

    One alone may be the sender's, which the book need not have.
    """
    own = [one["code"] for one in spellings if one.get("code") and _system(one, run) == BOOK]
    if own:
        return own[:1]
    find = run.terms.find
    several: list[str] = []
    for one in spellings:
        code, unit = one.get("code") or "", one.get("unit") or ""
        named = find(BOOK, "SHORTNAME", unit) if unit else []
        if not code:
            # What is no valid UCUM is sent without a code.
            code = unit if not named and unit.isascii() else ""
        by_code: list[str] = []
        if code and _system(one, run) in ("", UCUM):
            by_code = find(BOOK, "UCUM", code, fold=folded) or find(BOOK, "UCUM", plain(code), fold=folded)
        # The name decides among rows that share the code; against the code it does not count.
        agree = [found for found in named if folded(run.terms.cell(BOOK, found, "UCUM") or "") == folded(code)]
        found = agree if len(agree) == 1 else by_code or named
        if len(found) == 1:
            return found
        several = several or found
    return several


def _without_translation(found: Quantity, codes: list[str]) -> ConversionError:
    if len(codes) > 1:
        listed = ", ".join(codes)
        return ConversionError(
            f"Единице соответствует несколько кодов справочника {BOOK}: {listed}.",
            f"The unit has several counterparts in the book {BOOK}: {listed}.",
            _HINT,
            code="MAP03",
            result=found,
        )
    return ConversionError(
        f"Единице нет соответствия в справочнике {BOOK} (или справочник не импортирован).",
        f"The unit has no counterpart in the book {BOOK} (or the book is not imported).",
        _HINT,
        code="MAP02",
        result=found,
    )


_HINT: Final = Text(
    f"Передайте единицу кодом справочника {BOOK} или UCUM.", f"Send the unit as a code of the book {BOOK}, or of UCUM."
)
