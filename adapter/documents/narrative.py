"""The narrative of a section, made from the facts that its entries are made from.

A body template lists rows of facts and captions beside the entries, so that what a doctor reads and what a machine
reads agree::

    <text><table><tbody>
    {{ v.group|row("Прививка") }}
    {{ v.time|moment|row("Дата") }}
    </tbody></table></text>

A row whose facts are all absent is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from markupsafe import Markup

from adapter.documents.elements import escaped, markup
from adapter.facts import Coding, Null, Quantity

_TIME: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(?:[+-]\d{4})?")


def moment(fact: str | Null | None) -> str | Null | None:
    """A time of HL7 as a person writes it: ``15.02.2024 10:15``; any other text as it is."""
    if fact is None or isinstance(fact, Null):
        return fact
    match = _TIME.fullmatch(fact)
    if match is None:
        return fact
    year, month, day, hour, minute, second = match.groups()
    date = f"{day}.{month}.{year}"
    if hour is None:
        return date
    return f"{date} {hour}:{minute}" + (f":{second}" if second not in (None, "00") else "")


def spoken(fact: Any) -> str:
    """A fact in words; empty where it is absent.

    Codings are read by their display name, quantities as ``36,6 °C`` (a comma, as Russian writes it; the entries keep
    the point), booleans as ``да`` and ``нет``, lists with semicolons.
    """
    if fact is None or isinstance(fact, Null):
        return ""
    if isinstance(fact, Coding):
        return fact.display
    if isinstance(fact, Quantity):
        return f"{fact.value.replace('.', ',')} {fact.unit}".rstrip()
    if isinstance(fact, bool):
        return "да" if fact else "нет"
    if isinstance(fact, list):
        return "; ".join(part for part in map(spoken, fact) if part)
    return str(fact)


def diagnosed(fact: Coding | Null | None, words: str | None = None) -> str:
    """A diagnosis as a doctor writes it: ``I10 Гипертензия``, by ``words`` of the sender where there are any."""
    if fact is None or isinstance(fact, Null):
        return words or ""
    return f"{fact.code} {words or fact.display}"


def formulated(diagnoses: Iterable[Any]) -> str | None:
    """Diagnoses (``kind``, ``diagnosis``, ``text``) in one text, each after its kind; ``None`` where there are none."""
    words = (f"{spoken(one.kind)}: {diagnosed(one.diagnosis, one.text)}".removeprefix(": ") for one in diagnoses)
    return "; ".join(words) or None


def row(fact: Any, caption: str, *more: Any) -> Markup:
    """A row of a narrative table: a caption, and the fact with ``more`` after commas; empty where there are none."""
    words = ", ".join(part for part in map(spoken, (fact, *more)) if part)
    return markup(f"<tr><th>{escaped(caption)}</th><td>{escaped(words)}</td></tr>") if words else Markup()
