"""Translated regular expressions match what SaxonC's ``matches()`` matches."""

from __future__ import annotations

import functools
import re

import pytest
import saxonche
from hypothesis import assume, event, given
from hypothesis import strategies as st

from adapter.errors import SchematronError
from conformance.xpath.regex import translate
from tests.oracle.saxon import processor
from tests.oracle.stylesheet import read

#: Where the dialects differ: line ends, spaces that only Python takes for such, digits of other scripts, letters,
#: marks, symbols, name characters.
ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFZ0123456789-_.:+^]\\ \t\n\r\x0b\x85\xa0\u2028Яё٣·№́€😀,()/@"


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@functools.cache
def _xpath() -> saxonche.PyXPathProcessor:
    xpath = processor().new_xpath_processor()
    xpath.set_language_version("3.1")
    return xpath


def saxon_matches(text: str, regex: str) -> bool | None:
    """``None`` = not a regular expression for Saxon."""
    try:
        return _xpath().effective_boolean_value(f"matches({quoted(text)}, {quoted(regex)})")
    except saxonche.PySaxonApiError:
        return None


class Grammar:
    """Draws regular expressions of XPath.

    A repeated group is flat, greedy, holds no anchor and never matches nothing: Saxon is wrong or gives up on
    others (``(?:a?$){2}$`` does not match "b" there, nor does ``^(.*?|:)*?$`` match "2").
    """

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def pick(self, *options: str) -> str:
        return self.draw(st.sampled_from(options))

    def regex(self, depth: int, *, solid: bool = False) -> str:
        return "|".join(self.branch(depth, solid=solid) for _ in range(self.draw(st.integers(1, 2))))

    def branch(self, depth: int, *, solid: bool) -> str:
        if solid:
            return "".join(self.atom() + self.pick("", "+", "{2}") for _ in range(self.draw(st.integers(1, 3))))
        pieces = "".join(self.piece(depth) for _ in range(self.draw(st.integers(0, 3))))
        return self.pick("", "^") + pieces + self.pick("", "$")

    def piece(self, depth: int) -> str:
        if depth and self.draw(st.booleans()):
            quantifier = self.pick("", "", "?", "*", "+", "{2}", "{1,}")
            return f"{self.pick('(', '(?:')}{self.regex(depth - 1, solid=quantifier != '')})" + quantifier
        quantifiers = ("", "", "", "?", "*", "+", "{2}", "{1,2}", "{0,1}", "{1,}", "*?", "+?")
        return self.atom() + self.pick(*quantifiers)

    def atom(self) -> str:
        kind = self.pick("char", "char", "dot", "escape", "class")
        if kind == "escape":
            return self.escape()
        if kind == "class":
            return self.char_class(1)
        return "." if kind == "dot" else self.pick("a", "b", "0", "Я", "-", ":", " ", "№")

    def escape(self) -> str:
        return "\\" + self.pick(*"dDsSwWiIcCnrt.+-^$()[]{}|?*\\", r"p{L}", r"P{Nd}", r"p{Lu}", r"p{Z}")

    def char_class(self, depth: int) -> str:
        items = "".join(
            self.pick("a", "b", "0-9", "a-z", "А-Я", ".", r"\d", r"\s", r"\w", r"\c", r"\-", "_", " ", r"\S", "$", "+")
            for _ in range(self.draw(st.integers(1, 3)))
        )
        body = self.pick("", "", "^", "-") + items
        # A hyphen before a subtraction is refused by ours, which is safe, and no pack has it.
        end = "-" + self.char_class(0) if depth and self.draw(st.booleans()) else self.pick("", "", "-")
        return f"[{body}{end}]"


@st.composite
def regexes(draw: st.DrawFn) -> str:
    return Grammar(draw).regex(2)


TEXTS = st.text(ALPHABET, max_size=8)


def texts_like(regex: str) -> st.SearchStrategy[str]:
    """Strings that match or nearly do; Python reads a regex of the packs well enough for that."""
    like = st.from_regex(re.compile(regex, re.ASCII), alphabet=st.sampled_from(ALPHABET))
    return st.one_of(TEXTS, like, like.map("{}\n".format), like.map("\n{}".format), like.map(" {}".format))


@given(regexes(), TEXTS)
def test_random_expressions(regex, text):
    try:
        translated = translate(regex)
    except SchematronError:
        assert saxon_matches("", regex) is None, "a regular expression of XPath was refused"
        event("refused by both")
        return
    expected = saxon_matches(text, regex)
    assume(expected is not None)
    event(f"matches: {expected}")
    assert (re.search(translated, text) is not None) == expected


@pytest.mark.parametrize("regex", ["^*a", "a$+", "^?a", "a{2,1}"])
def test_shapes_that_random_expressions_leave_out(regex):
    try:
        translated = translate(regex)
    except SchematronError:
        return
    assert (re.search(translated, "a") is not None) == saxon_matches("a", regex)


@pytest.mark.packs
def test_expressions_of_the_packs(packs_source):
    found = set()
    for path in sorted(packs_source.glob("*/*.sch")):
        for rules in read(path).patterns:
            tests = [check.test for rule in rules for check in rule.checks]
            contexts = [rule.context for rule in rules]
            for expression in tests + contexts:
                found.update(re.findall(r"matches\([^']*'([^']*)'\s*\)", expression))
    assert len(found) > 10

    @given(st.data(), st.sampled_from(sorted(found)))
    def check(data, regex):
        translated = translate(regex)
        text = data.draw(texts_like(regex))
        assert (re.search(translated, text) is not None) == saxon_matches(text, regex)

    check()
