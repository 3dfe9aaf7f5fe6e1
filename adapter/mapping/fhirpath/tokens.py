"""The words of FHIRPath."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

from adapter.errors import MappingError
from adapter.findings import Text
from adapter.mapping.fhirpath.moments import Moment, read

_CLOCK = r"\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?"
_WORD = re.compile(
    rf"""
    (?P<space>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<moment>@(?:T{_CLOCK}|\d{{4}}(?:-\d\d(?:-\d\d)?)?(?:T(?:{_CLOCK}(?:Z|[+-]\d\d:\d\d)?)?)?))
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<string>'(?:\\.|[^'\\])*')
  | (?P<quoted>`(?:\\.|[^`\\])*`)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<special>\$[A-Za-z]+)
  | (?P<op><=|>=|!=|!~|[-+*/&|<>=~.,()\[\]{{}}%])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "'": "'", '"': '"', "`": "`", "\\": "\\", "/": "/"}
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)


class Token(NamedTuple):
    """``kind``: ``name``, ``quoted``, ``string``, ``number``, ``moment``, ``special``, ``op``, ``end``.

    ``text`` is decoded where the kind has quotes.
    """

    kind: str
    text: str
    at: int


def fault(text: str, at: int, ru: str, en: str) -> MappingError:
    """The error for offset ``at`` of an expression."""
    line = text.count("\n", 0, at) + 1 if "\n" in text else 0
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    return MappingError(Text(ru, en), line=line, column=column)


def tokenize(text: str) -> list[Token]:
    """All words of ``text``, white space and comments left out, with one of kind ``end``."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        found = _WORD.match(text, at)
        if found is None:
            raise _unreadable(text, at)
        kind, word = str(found.lastgroup), found.group()
        if kind in ("string", "quoted"):
            word = _unescape(text, at, word)
        elif kind == "moment":
            word = word[1:]
            if read(word) is None:
                raise fault(text, at, "нет такой даты или времени", "no such date or time")
        if kind != "space":
            tokens.append(Token(kind, word, at))
        at = found.end()
    tokens.append(Token("end", "", len(text)))
    return tokens


def _unreadable(text: str, at: int) -> MappingError:
    if text[at] in "'`":
        return fault(text, at, "кавычка не закрыта", "the quote is not closed")
    if text[at] == '"':
        return fault(text, at, "строки пишут в одинарных кавычках", "strings stand in single quotes")
    return fault(text, at, f"лишний знак {text[at]}", f"unexpected character {text[at]}")


def _unescape(text: str, at: int, word: str) -> str:
    def decode(found: re.Match[str]) -> str:
        if found[1]:
            return chr(int(found[1], 16))
        if found[2] not in _ESCAPES:
            where, sequence = at + 1 + found.start(), f"\\{found[2]}"
            raise fault(
                text,
                where,
                f"{sequence} не бывает в строке; для регулярного выражения пишут \\{sequence}",
                f"{sequence} is no escape of a string; in a regular expression write \\{sequence}",
            )
        return _ESCAPES[found[2]]

    return _ESCAPE.sub(decode, word[1:-1])


def literal_value(token: Token) -> str | int | Decimal:
    """The value of a string, number or moment."""
    if token.kind == "number":
        return Decimal(token.text) if "." in token.text else int(token.text)
    return Moment(token.text) if token.kind == "moment" else token.text
