"""Extension functions that rewritten expressions call, and evaluation of single expressions.

Functions live in the namespace ``E`` under the prefix ``e`` of the compiled expression only: nothing is registered
for the whole process.
"""

from __future__ import annotations

import operator
import re
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from lxml import etree

from adapter.errors import SchematronError
from adapter.xml import HL7
from conformance.xpath.regex import translate

EXTENSIONS: Final = "urn:egisz-adapter:xpath"


class DynamicError(Exception):
    """What XPath 2.0 calls a dynamic error: the rule has no answer for this document."""


@lru_cache(maxsize=256)
def _dynamic_pattern(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(translate(pattern))
    except SchematronError:
        return None


def _dynamic(_context: Any, text: str, pattern: str) -> bool:
    compiled = _dynamic_pattern(pattern)
    if compiled is None:
        raise DynamicError("the pattern is not a regular expression")
    return compiled.search(text) is not None


def _one(_context: Any, count: float) -> bool:
    if count > 1:
        raise DynamicError("one value is expected")
    return True


def _single(_context: Any, text: str, count: float) -> str:
    if count > 1:
        raise DynamicError("one value is expected")
    return text


_DOUBLE: Final = re.compile(r"[ \t\r\n]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?INF|NaN)[ \t\r\n]*")
OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def _compare(_context: Any, nodes: list[Any], sign: str, number: float) -> bool:
    """A general comparison of nodes with a number: each value is cast to ``xs:double``, or there is no answer."""
    for node in nodes:
        text = node if isinstance(node, str) else str(node.xpath("string()"))
        match = _DOUBLE.fullmatch(text)
        if match is None:
            raise DynamicError("a number is expected")
        if OPERATORS[sign](float(match.group(1)), number):
            return True
    return False


class Compiler:
    """Compiles rewritten expressions.

    Args:
        namespaces: prefixes declared by the Schematron.
        patterns: Python regular expressions by key, see :class:`conformance.xpath.rewrite.Rewriter`.

    A compiled expression serves one thread at a time (lxml locks it), so every thread has compilers of its own;
    within a thread expressions are shared between Schematrons of the same prefixes.
    """

    def __init__(self, namespaces: Mapping[str, str], patterns: Mapping[str, str]) -> None:
        self._namespaces = {**namespaces, "h": HL7, "e": EXTENSIONS}
        self._searches = {key: re.compile(pattern).search for key, pattern in patterns.items()}
        self._compiled: dict[str, etree.XPath] = {}

    def _matches(self, _context: Any, text: str, key: str) -> bool:
        return self._searches[key](text) is not None

    def add(self, patterns: Mapping[str, str]) -> None:
        """Make more patterns known."""
        for key, pattern in patterns.items():
            if key not in self._searches:
                self._searches[key] = re.compile(pattern).search

    def compile(self, xpath: str) -> etree.XPath:
        """The compiled expression for XPath 1.0 text, made once."""
        compiled = self._compiled.get(xpath)
        if compiled is None:
            compiled = self._compiled[xpath] = etree.XPath(
                xpath,
                namespaces=self._namespaces,
                extensions=self._extensions(),
                regexp=False,
                smart_strings=False,
            )
        return compiled

    def _extensions(self) -> dict[tuple[str, str], Callable[..., Any]]:
        return {
            (EXTENSIONS, "m"): self._matches,
            (EXTENSIONS, "dynamic"): _dynamic,
            (EXTENSIONS, "one"): _one,
            (EXTENSIONS, "single"): _single,
            (EXTENSIONS, "compare"): _compare,
        }


_LOCAL = threading.local()


def compiler(namespaces: Mapping[str, str], patterns: Mapping[str, str]) -> Compiler:
    """The compiler of this thread for these prefixes, knowing these patterns."""
    compilers: dict[frozenset[tuple[str, str]], Compiler] = _LOCAL.__dict__.setdefault("compilers", {})
    key = frozenset(namespaces.items())
    found = compilers.get(key)
    if found is None:
        found = compilers[key] = Compiler(namespaces, patterns)
    else:
        found.add(patterns)
    return found
