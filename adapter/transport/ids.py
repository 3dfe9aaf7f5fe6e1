"""Ids of messages: the same one is met with and without dashes, as a URN, in angle brackets, in either case."""

from __future__ import annotations

import re
from typing import Final

_BLANK: Final = re.compile(r"[\s<>-]+")
_PREFIX: Final = re.compile(r"(?:(?:URN:)?UUID:)+")


def normalise_message_id(text: str) -> str:
    """The one spelling under which a message id is compared and kept.

    White space, angle brackets, dashes and the prefixes ``urn:uuid:`` and ``uuid:`` are taken away; upper case.
    Idempotent; empty where nothing is left.
    """
    # Upper case may lengthen a letter (ß), so it goes first.
    plain = _BLANK.sub("", text.upper())
    match = _PREFIX.match(plain)
    return plain[match.end() :] if match else plain
