"""What happened to a product, in order: its moves, and the messages to and from the state."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import orjson
from lxml import etree

from adapter import xml
from adapter.catalogue import read_plain
from adapter.errors import XmlRefused
from adapter.findings import Text
from adapter.pipeline import Journal
from adapter.pipeline.keys import Sealed
from adapter.pipeline.model import MoveRow, ProductRow
from adapter.pipeline.statements import sql
from adapter.transport.errors import ErrorItem, error_book

FILE: Final = Path(__file__).with_name("document.yaml")
#: Characters of a word of Base64 that nobody reads.
_LONG: Final = re.compile(r"[A-Za-z0-9+/=\s]{400,}")
#: Most characters of a message that a page shows.
_SHOWN: Final = 60_000


@dataclass(frozen=True, slots=True)
class Code:
    """A code of the state, explained.

    Attributes:
        error_class: what it means for the document, as the words of the console name it.
    """

    code: str
    error_class: str
    advice: Text


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        title: what it was.
        tone: ``good``, ``wait``, ``warn``, ``bad`` or ``plain``.
        direction: ``out`` or ``in`` of a message; empty of a move.
        before, after: states, of a move.
        message_id, relates_to: of a message.
        outcome: of a message, in words.
        bodies: what was said, with a caption each.
    """

    at: datetime
    title: Text
    tone: str = "plain"
    direction: str = ""
    before: str = ""
    after: str = ""
    message_id: str = ""
    relates_to: str = ""
    attempt: int = 0
    answered_at: datetime | None = None
    outcome: Text = Text("", "")  # noqa: RUF009 - is immutable
    codes: tuple[Code, ...] = ()
    bodies: tuple[tuple[Text, str], ...] = ()


_SENT: Final = Text("Отправлено", "Sent")
_ANSWERED: Final = Text("Ответ", "Answer")
_CAME: Final = Text("Получено", "Received")
_TONES: Final = {"registered": "good", "there": "good", "acknowledged": "wait", "served": "good", "again": "warn"}
_MOVE_TONES: Final = {"registered": "good", "rejected": "bad", "dead": "bad", "held": "warn"}


async def events(journal: Journal, product: ProductRow) -> list[Event]:
    """Everything that happened to a product, the first first."""
    moves = await journal.product_moves(product.id)
    async with journal.database.connection() as connection:
        rows = await connection.fetch(sql("console_messages"), product.id)
    found = [_moved(move) for move in moves]
    for row in rows:
        bodies = []
        for part, caption in (("request", _SENT if row["direction"] == "out" else _CAME), ("response", _ANSWERED)):
            if row[f"{part}_data"] is not None:
                sealed = Sealed(row[f"{part}_key"], row[f"{part}_nonce"], row[f"{part}_data"])
                bodies.append((caption, readable(await journal.vault.open_sealed(sealed, "message"))))
        found.append(_said(row, tuple(bodies)))
    return sorted(found, key=lambda event: event.at)


def _moved(move: MoveRow) -> Event:
    tone = _MOVE_TONES.get(move.after, "plain")
    return Event(move.at, told("moves", move.name), tone, before=move.before or "", after=move.after)


def _said(row: Mapping[str, Any], bodies: tuple[tuple[Text, str], ...]) -> Event:
    outcome = row["outcome"]
    if not outcome and row["direction"] == "out" and row["answered_at"] is None:
        outcome = "unanswered"
    return Event(
        row["at"],
        Text(row["operation"], row["operation"]),
        _TONES.get(outcome, "bad" if row["codes"] or outcome in ("refused", "rejected") else "plain"),
        row["direction"],
        message_id=row["message_id"],
        relates_to=row["relates_to"],
        attempt=row["attempt"],
        answered_at=row["answered_at"],
        outcome=told("outcomes", outcome) if outcome else Text("", ""),
        codes=tuple(explained(code, row["operation"]) for code in row["codes"]),
        bodies=bodies,
    )


def explained(code: str, operation: str = "registerDocument") -> Code:
    """What a code of the state means; one of another service is told as it is."""
    service, mark, _ = code.partition(":")
    if mark and service not in ("soap", "http"):
        return Code(code, "", Text("", ""))
    verdict = error_book().classify([ErrorItem(code)], operation=operation)
    return Code(code, verdict.error_class.value, verdict.advice)


def readable(data: bytes) -> str:
    """A message for a person: indented, without long words of Base64, and not too long."""
    text = data.decode("utf-8", "replace")
    try:
        if text.lstrip()[:1] == "<":
            tree = xml.parse(data)
            etree.indent(tree, "  ")
            text = etree.tostring(tree, encoding="unicode")
        elif text.lstrip()[:1] in ("{", "["):
            text = orjson.dumps(orjson.loads(data), option=orjson.OPT_INDENT_2).decode()
    except (XmlRefused, orjson.JSONDecodeError):
        # Such things come, too: a page of a gateway, half a message.
        pass
    text = _LONG.sub(lambda word: f"{word[0].strip()[:24]}… [{len(word[0])}]", text)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def told(part: str, name: str) -> Text:
    """A word of the page; what has none is told as it is."""
    known = _words().get(part, {}).get(name)
    return Text(known["ru"], known["en"]) if known else Text(name, name)


@lru_cache(maxsize=1)
def _words() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    found: Mapping[str, Any] = read_plain(FILE)
    return found
