"""Regular expressions of XPath (``matches``) → Python's ``re``.

The dialects differ where it matters here: ``$`` in Python also matches before a last newline, ``.`` excludes other
characters, ``\\s`` is wider in Python, ``\\w`` is defined by Unicode categories in XML Schema, ``\\i`` and ``\\c`` (XML
names), ``\\p{…}`` and subtraction of classes have no counterpart. The expression is parsed and written anew; what is
not XPath is refused.

Source: W3C XML Schema Part 2, appendix F; XPath and XQuery Functions and Operators 3.1, section 5.6.1.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from adapter.errors import SchematronError

Ranges = tuple[tuple[int, int], ...]

_LAST: Final = sys.maxunicode
_SINGLE: Final = {"n": "\n", "r": "\r", "t": "\t"}
_LITERAL_ESCAPES: Final = set("\\|.-^?*+{}()[]$")
_QUANTIFIER: Final = re.compile(r"[*+?]\??|\{[0-9]+(?:,[0-9]*)?\}\??")
_SPACE: Final[Ranges] = ((0x9, 0xA), (0xD, 0xD), (0x20, 0x20))


def _where(test: Callable[[str], bool]) -> Ranges:
    """Ranges of code points for which ``test`` holds."""
    found: list[tuple[int, int]] = []
    start = -1
    for point in range(_LAST + 2):
        inside = point <= _LAST and test(chr(point))
        if inside and start < 0:
            start = point
        elif not inside and start >= 0:
            found.append((start, point - 1))
            start = -1
    return tuple(found)


@lru_cache(maxsize=64)
def _category(prefix: str) -> Ranges:
    return _where(lambda char: unicodedata.category(char).startswith(prefix))


@lru_cache(maxsize=1)
def _word() -> Ranges:
    return _where(lambda char: unicodedata.category(char)[0] not in "PZC")


@lru_cache(maxsize=1)
def _name_start() -> Ranges:
    return (
        (0x3A, 0x3A), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x2FF),
        (0x370, 0x37D), (0x37F, 0x1FFF), (0x200C, 0x200D), (0x2070, 0x218F), (0x2C00, 0x2FEF),
        (0x3001, 0xD7FF), (0xF900, 0xFDCF), (0xFDF0, 0xFFFD), (0x10000, 0xEFFFF),
    )  # fmt: skip


@lru_cache(maxsize=1)
def _name_char() -> Ranges:
    extra = ((0x2D, 0x2E), (0x30, 0x39), (0xB7, 0xB7), (0x300, 0x36F), (0x203F, 0x2040))
    return _normal((*_name_start(), *extra))


def _normal(ranges: Ranges) -> Ranges:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def _complement(ranges: Ranges) -> Ranges:
    found: list[tuple[int, int]] = []
    next_free = 0
    for low, high in _normal(ranges):
        if low > next_free:
            found.append((next_free, low - 1))
        next_free = high + 1
    if next_free <= _LAST:
        found.append((next_free, _LAST))
    return tuple(found)


def _subtract(ranges: Ranges, minus: Ranges) -> Ranges:
    return _complement((*_complement(ranges), *minus))


def _write(ranges: Ranges) -> str:
    """A Python character class; the empty class matches nothing."""
    ranges = _normal(ranges)
    if not ranges:
        return r"(?!)"

    def char(point: int) -> str:
        return re.escape(chr(point)) if point < 0x80 else f"\\U{point:08x}"

    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return char(ranges[0][0])
    return "[" + "".join(char(a) if a == b else f"{char(a)}-{char(b)}" for a, b in ranges) + "]"


_SHORTHANDS: Final[dict[str, Callable[[], Ranges]]] = {
    "s": lambda: _SPACE,
    "d": lambda: _category("Nd"),
    "w": _word,
    "i": _name_start,
    "c": _name_char,
}


class _Parser:
    """Recursive descent over the grammar of appendix F with the anchors and reluctant quantifiers of XPath."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def fail(self, reason: str) -> SchematronError:
        return SchematronError(f"a regular expression that XPath does not allow ({reason})", construct=self.text)

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        char = self.peek()
        if not char:
            raise self.fail("it ends too early")
        self.at += 1
        return char

    def parse(self) -> str:
        result = self.alternatives()
        if self.peek():
            raise self.fail("unbalanced parenthesis")
        return result

    def alternatives(self) -> str:
        branches = [self.branch()]
        while self.peek() == "|":
            self.at += 1
            branches.append(self.branch())
        return "|".join(branches)

    def branch(self) -> str:
        pieces: list[str] = []
        while self.peek() and self.peek() not in "|)":
            pieces.append(self.atom() + self.quantifier())
        return "".join(pieces)

    def quantifier(self) -> str:
        match = _QUANTIFIER.match(self.text, self.at)
        if not match:
            return ""
        self.at = match.end()
        return match.group()

    def atom(self) -> str:
        char = self.take()
        if char == "(":
            return self.group()
        if char == "[":
            return _write(self.char_class())
        if char == "\\":
            return self.escape()
        if char == ".":
            return r"[^\n\r]"
        if char in "^$":
            return r"(?:\A)" if char == "^" else r"(?:\Z)"
        if char in "?*+{}]":
            raise self.fail(f"«{char}» without escape")
        return re.escape(char)

    def group(self) -> str:
        if self.text.startswith("?:", self.at):
            self.at += 2
        inner = self.alternatives()
        if self.peek() != ")":
            raise self.fail("unbalanced parenthesis")
        self.at += 1
        return f"(?:{inner})"

    def escape(self) -> str:
        char = self.peek()
        if char.isdigit():
            raise self.fail("back references are outside the subset")
        return _write(self.escaped())

    def escaped(self) -> Ranges:
        """The set of characters of an escape, after the backslash."""
        char = self.take()
        if char in _SINGLE:
            char = _SINGLE[char]
        elif char in "pP":
            return self.property(char == "P")
        elif char.lower() in _SHORTHANDS:
            chosen = _SHORTHANDS[char.lower()]()
            return _complement(chosen) if char.isupper() else chosen
        elif char not in _LITERAL_ESCAPES:
            raise self.fail(f"unknown escape «\\{char}»")
        return ((ord(char), ord(char)),)

    def property(self, negative: bool) -> Ranges:
        match = re.compile(r"\{(L|M|N|P|Z|S|C)([a-z]?)\}").match(self.text, self.at)
        if not match:
            raise self.fail("only general categories are supported in \\p{…}")
        self.at = match.end()
        chosen = _category(match.group(1) + match.group(2))
        return _complement(chosen) if negative else chosen

    def char_class(self) -> Ranges:
        """A class after its ``[``, with negation and subtraction."""
        negative = self.peek() == "^"
        if negative:
            self.at += 1
        ranges: list[tuple[int, int]] = []
        first = True
        while True:
            if self.peek() == "]" and not first:
                self.at += 1
                chosen = tuple(ranges)
                return _complement(chosen) if negative else chosen
            if self.text.startswith("-[", self.at) and not first:
                self.at += 2
                minus = self.char_class()
                if self.take() != "]":
                    raise self.fail("a subtraction must close its class")
                chosen = tuple(ranges)
                return _subtract(_complement(chosen) if negative else chosen, minus)
            ranges.extend(self.class_item())
            first = False

    def class_item(self) -> Ranges:
        low = self.class_char()
        is_single = len(low) == 1 and low[0][0] == low[0][1]
        if self.peek() != "-" or self.text[self.at + 1 : self.at + 2] in {"]", "["} or not is_single:
            return low
        self.at += 1
        high = self.class_char()
        if len(high) != 1 or high[0][0] != high[0][1] or high[0][0] < low[0][0]:
            raise self.fail("a range that is not a range")
        return ((low[0][0], high[0][0]),)

    def class_char(self) -> Ranges:
        char = self.take()
        if char == "\\":
            return self.escaped()
        if char in "[]":
            raise self.fail(f"«{char}» inside a class without escape")
        return ((ord(char), ord(char)),)


@lru_cache(maxsize=512)
def translate(pattern: str) -> str:
    """The Python regular expression for ``search`` that says the same as ``matches(…, pattern)``.

    Raises:
        SchematronError: not a regular expression of XPath, or a back reference or Unicode block.
    """
    translated = _Parser(pattern).parse()
    try:
        re.compile(translated)
    except (re.error, OverflowError):
        raise SchematronError("a regular expression that XPath does not allow", construct=pattern) from None
    return translated
