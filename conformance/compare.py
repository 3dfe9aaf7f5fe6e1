"""Two CDA documents compared value by value.

A value is an attribute or a run of text that is not blank. Every value of the expected document is equal, different or
missing in the actual one; a value that only the actual one has is extra. Comments, processing instructions, prefixes
and white space do not count.

Siblings are paired name by name:

* An element is known by its code (``code/@code``, else the roots of its ``templateId``), a wrapper such as ``entry`` by
  the one structured element within it, an ``id`` or ``templateId`` by its root. Siblings of one key are paired first,
  wherever they stand.
* Among siblings of one key those pair that share most of their values, then the nearest. Text elements without
  attributes (parts of a name) and everything in a narrative are a sequence instead: pairs never cross.
* What is left is paired in the same way whatever its key, but two sections or clinical statements of different codes
  only where they share at least two thirds of their values: a code that was changed is one difference, another
  statement is another statement.

So one missing section leaves the rest of the document as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lxml import etree

from adapter.findings import Text
from adapter.xml import HL7, XSI, Element, ElementTree, Locator, qname
from conformance.alignment import in_any_order, in_sequence

_XSI_TYPE: Final = f"{{{XSI}}}type"
_NAMES: Final = (
    "act",
    "encounter",
    "observation",
    "observationMedia",
    "organizer",
    "procedure",
    "section",
    "substanceAdministration",
    "supply",
)
_STATEMENTS: Final = frozenset(f"{{{HL7}}}{name}" for name in _NAMES)
_NARRATIVE: Final = f"{{{HL7}}}text"
#: Structured elements that a wrapper may hold one in another and still be known by the innermost.
_WRAPPED: Final = 3
#: Shared values, of 1, from which two statements of different codes are one statement with a changed code.
_SAME_STATEMENT: Final = 2 / 3


class Verdict(StrEnum):
    """What became of a value."""

    EQUAL = "equal"
    DIFFERENT = "different"
    MISSING = "missing"
    EXTRA = "extra"


@dataclass(frozen=True, slots=True)
class Value:
    """One value and what became of it.

    Attributes:
        verdict: see :class:`Verdict`.
        xpath: place in the expected document; of an extra value in the actual one.
        line: line there, 0 unknown.
        expected: the value wanted; ``None`` for an extra one.
        actual: the value found; ``None`` for a missing one.
        actual_xpath: place in the actual document; empty for a missing value.
        actual_line: line there, 0 unknown.
        reason: why the value need not be equal; ``None`` where nobody explains it.
    """

    verdict: Verdict
    xpath: str
    line: int
    expected: str | None
    actual: str | None
    actual_xpath: str = ""
    actual_line: int = 0
    reason: Text | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All values in document order; extra ones stand after the values of the element that holds them."""

    values: tuple[Value, ...]

    def count(self, verdict: Verdict, *, explained: bool = False) -> int:
        """Values of a verdict without (or with) an explanation."""
        return sum(one.verdict is verdict and (one.reason is not None) is explained for one in self.values)

    @property
    def total(self) -> int:
        """Values of the expected document."""
        return sum(one.verdict is not Verdict.EXTRA for one in self.values)

    @property
    def share(self) -> float:
        """Equal values in per cent of the expected ones; 100 where nothing is expected."""
        return 100.0 * self.count(Verdict.EQUAL) / self.total if self.total else 100.0

    @property
    def ok(self) -> bool:
        """Nothing is different or missing without an explanation."""
        return not self.count(Verdict.DIFFERENT) and not self.count(Verdict.MISSING)


def compare(expected: ElementTree, actual: ElementTree) -> Comparison:
    """Compare two documents; see the module for what is paired with what."""
    return Comparison(tuple(_Walk().values(expected.getroot(), actual.getroot())))


@dataclass(frozen=True, slots=True)
class _Node:
    """One value of a document, before it has met the other document's."""

    step: str
    value: str
    same: str
    owner: Element


class _Walk:
    def __init__(self) -> None:
        self._locate = Locator()
        self._bags: dict[Element, Counter[tuple[str, str]]] = {}

    def values(self, expected: Element, actual: Element) -> Iterator[Value]:
        """In document order; a stack, because a document may be deeper than Python recurses."""
        todo: list[tuple[Element | None, Element | None]] = [(expected, actual)]
        if expected.tag != actual.tag:
            todo = [(None, actual), (expected, None)]
        while todo:
            mine, other = todo.pop()
            if mine is not None and other is not None:
                yield from self._own(mine, other)
                todo.extend(reversed(self._children(mine, other)))
            elif mine is not None:
                yield from (self._alone(node, Verdict.MISSING) for node in _within(mine))
            elif other is not None:
                yield from (self._alone(node, Verdict.EXTRA) for node in _within(other))

    def _alone(self, node: _Node, verdict: Verdict) -> Value:
        place, line = self._place(node)
        if verdict is Verdict.EXTRA:
            return Value(verdict, place, line, None, node.value, place, line)
        return Value(verdict, place, line, node.value, None)

    def _place(self, node: _Node) -> tuple[str, int]:
        return f"{self._locate(node.owner)}/{node.step}", node.owner.sourceline or 0

    def _both(self, mine: _Node, other: _Node) -> Value:
        verdict = Verdict.EQUAL if mine.same == other.same else Verdict.DIFFERENT
        (place, line), (actual_place, actual_line) = self._place(mine), self._place(other)
        return Value(verdict, place, line, mine.value, other.value, actual_place, actual_line)

    def _own(self, mine: Element, other: Element) -> Iterator[Value]:
        """Attributes by name, runs of text as a sequence."""
        left = {node.step: node for node in _attributes(mine)}
        right = {node.step: node for node in _attributes(other)}
        for step, node in left.items():
            yield self._both(node, right[step]) if step in right else self._alone(node, Verdict.MISSING)
        yield from (self._alone(node, Verdict.EXTRA) for step, node in right.items() if step not in left)
        runs, others = list(_texts(mine)), list(_texts(other))
        pairs = in_sequence(runs, others, lambda one, two: float(one.same == two.same))
        for one, two in pairs:
            yield self._both(runs[one], others[two]) if two is not None else self._alone(runs[one], Verdict.MISSING)
        met = {two for _, two in pairs}
        yield from (self._alone(node, Verdict.EXTRA) for index, node in enumerate(others) if index not in met)

    def _children(self, mine: Element, other: Element) -> list[tuple[Element | None, Element | None]]:
        """The children in the order of the expected document, then what only the actual one has."""
        found: dict[Element, Element] = {}
        left, right = _by_tag(mine), _by_tag(other)
        for tag, ours in left.items():
            found.update(self._paired(ours, right.get(tag, [])))
        taken = set(found.values())
        children: list[tuple[Element | None, Element | None]] = [
            (child, found.get(child)) for child in mine.iterchildren(etree.Element)
        ]
        return children + [(None, child) for child in other.iterchildren(etree.Element) if child not in taken]

    def _paired(self, ours: Sequence[Element], theirs: Sequence[Element]) -> Iterator[tuple[Element, Element]]:
        """Siblings of one name: a sequence, or those of one key and then the rest."""
        if all(_is_sequence(one) for one in (*ours, *theirs)):
            pairs = in_sequence(ours, theirs, self._likeness)
            yield from ((ours[one], theirs[two]) for one, two in pairs if two is not None)
            return
        left, right = _by_key(ours), _by_key(theirs)
        found: dict[Element, Element] = {}
        for key, mine in left.items():
            found.update(self._matched(mine, right.get(key, []), others=False))
        yield from found.items()
        taken = set(found.values())
        rest = [one for one in ours if one not in found], [one for one in theirs if one not in taken]
        yield from self._matched(*rest, others=True)

    def _matched(
        self, ours: Sequence[Element], theirs: Sequence[Element], *, others: bool
    ) -> Iterator[tuple[Element, Element]]:
        """Siblings of one key, or ``others`` of different ones, by likeness."""
        if len(ours) == len(theirs) == 1 and not (others and _are_other(ours[0], theirs[0])):
            yield ours[0], theirs[0]  # nothing to choose, so nothing to count
            return
        pairs = in_any_order(ours, theirs, self._likeness_of_others if others else self._likeness)
        yield from ((ours[one], theirs[two]) for one, two in pairs if two is not None)

    def _likeness_of_others(self, one: Element, two: Element) -> float:
        """Likeness of siblings of different keys; negative for statements of which neither can be the other."""
        found = self._likeness(one, two)
        return -1.0 if found < _SAME_STATEMENT and _are_other(one, two) else found

    def _likeness(self, one: Element, two: Element) -> float:
        """Values in common, from 0 to 1 (the coefficient of Dice); 1 for two elements without values."""
        left, right = self._bag(one), self._bag(two)
        total = left.total() + right.total()
        return 2 * (left & right).total() / total if total else 1.0

    def _bag(self, element: Element) -> Counter[tuple[str, str]]:
        if element not in self._bags:
            self._bags[element] = Counter(
                (_below(node.owner, element) + node.step, node.same) for node in _within(element)
            )
        return self._bags[element]


def _below(element: Element, top: Element) -> str:
    path = ""
    while element is not top:
        path = f"{qname(str(element.tag))}/{path}"
        parent = element.getparent()
        assert parent is not None, "an element of the subtree"
        element = parent
    return path


def _by_tag(element: Element) -> dict[str, list[Element]]:
    found: dict[str, list[Element]] = {}
    for child in element.iterchildren(etree.Element):
        found.setdefault(str(child.tag), []).append(child)
    return found


def _by_key(elements: Sequence[Element]) -> dict[str | None, list[Element]]:
    found: dict[str | None, list[Element]] = {}
    for element in elements:
        found.setdefault(_key(element), []).append(element)
    return found


def _within(top: Element) -> Iterator[_Node]:
    for element in top.iter(etree.Element):
        yield from _attributes(element)
        yield from _texts(element)


def _attributes(element: Element) -> Iterator[_Node]:
    for name in map(str, element.keys()):
        value = element.get(name, "")
        yield _Node(f"@{qname(name)}", value, _expanded(value, element) if name == _XSI_TYPE else value, element)


def _expanded(name: str, element: Element) -> str:
    """A qualified name with its namespace instead of the prefix, which each document chooses for itself."""
    prefix, _, local = name.strip().rpartition(":")
    known = element.nsmap
    return str(etree.QName(known.get(prefix or None, prefix) or None, local))


def _texts(element: Element) -> Iterator[_Node]:
    """Runs of text between child elements, white space normalised; a comment does not end a run."""
    runs = [element.text or ""]
    for child in element:
        if isinstance(child.tag, str):
            runs.append("")
        runs[-1] += child.tail or ""
    plain = [" ".join(run.split()) for run in runs]
    found = [run for run in plain if run]
    for index, run in enumerate(found, 1):
        yield _Node("text()" if len(found) == 1 else f"text()[{index}]", run, run, element)


def _key(element: Element) -> str | None:
    """What the element is known by among siblings of its name, ``None`` for nothing."""
    for _ in range(_WRAPPED + 1):
        structured = [child for child in element.iterchildren(etree.Element) if _structured(child)]
        own = _own_key(element)
        if own is not None or len(structured) != 1 or element.tag in _STATEMENTS:
            return own
        element = structured[0]
    return None


def _own_key(element: Element) -> str | None:
    if etree.QName(element).localname in {"id", "templateId"}:
        return element.get("root")
    code = element.find(f"{{{HL7}}}code")
    if code is not None and code.get("code"):
        return f"code {code.get('code')}"
    roots = sorted(one.get("root", "") for one in element.iterchildren(f"{{{HL7}}}templateId"))
    return f"template {' '.join(roots)}" if roots else None


def _structured(element: Element) -> bool:
    """It has child elements and is no narrative."""
    return element.tag != _NARRATIVE and next(element.iterchildren(etree.Element), None) is not None


def _is_statement(element: Element) -> bool:
    """It is a section or a clinical statement, or wraps one."""
    return any(one.tag in _STATEMENTS for one in (element, *element.iterchildren(etree.Element)))


def _are_other(one: Element, two: Element) -> bool:
    """Both are statements, and each has a key."""
    return _is_statement(one) and _is_statement(two) and _key(one) is not None and _key(two) is not None


def _is_sequence(element: Element) -> bool:
    """Order among siblings of this kind says something: text without attributes, and all of a narrative."""
    if not len(element) and not element.attrib:
        return True
    return next(element.iterancestors(_NARRATIVE), None) is not None
