"""Regular expressions of XPath → Python."""

from __future__ import annotations

import re

import pytest

from adapter.errors import SchematronError
from conformance.xpath.regex import translate


def matches(pattern: str, text: str) -> bool:
    return re.compile(translate(pattern)).search(text) is not None


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("^a$", "a", True),
        ("^a$", "a\n", False),
        ("^[0-9]{3}[-\\s]{0,1}$", "123-", True),
        ("^[0-9]{3}[-\\s]{0,1}$", "123\t", True),
        ("^\\s$", "\u00a0", False),
        ("^.$", "\n", False),
        ("^.$", "\r", False),
        ("^.$", "\u2028", True),
        ("^\\d$", "٣", True),
        ("^[^a]$", "\n", True),
        ("^[a-z-[aeiou]]$", "b", True),
        ("^[a-z-[aeiou]]$", "e", False),
        ("^[^a-z-[A]]$", "A", False),
        ("^[^a-z-[A]]$", "B", True),
        ("^\\i\\c*$", "имя-1", True),
        ("^\\i$", "1", False),
        ("^\\p{Lu}$", "Ж", True),
        ("^\\P{L}$", "Ж", False),
        ("^\\w$", "_", False),
        ("^\\w$", "ж", True),
        ("(a|b)+?c", "xabc", True),
        ("[.\\-+]", "+", True),
        ("a{2,}", "aaa", True),
        ("^(?:a)$", "a", True),
        ("x|", "", True),
        ("\\.\\[\\]\\^\\$", ".[]^$", True),
    ],
)
def test_meaning(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


@pytest.mark.parametrize(
    "pattern",
    ["(a", "a)", "[a", "*a", "a**", "\\", "\\q", "[z-a]", "(a)\\1", "\\p{IsCyrillic}", "[a-[b]c]", "{2}", "a]"],
)
def test_refused(pattern: str) -> None:
    with pytest.raises(SchematronError):
        translate(pattern)
