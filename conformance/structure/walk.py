"""One walk over a document: every element against its table; a finding is made only where something is wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from lxml import etree

from adapter.xml import Element
from conformance.structure.node import NULL, NULL_BIT, TYPE, Case, Node, Slot, Term, Value, first

#: Sequences of children that a node remembers; more than any honest document has.
_REMEMBERED: Final = 256
#: The text of an element and of everything in it.
_string: Final = etree.XPath("string()", smart_strings=False)

_Queue = list[tuple[Element, Node]]


@dataclass(frozen=True, slots=True)
class Broken:
    """Something is wrong at ``element``: ``code`` says what, ``name`` which part of the structure."""

    code: str
    element: Element
    rule: str
    name: str = ""
    expected: str = ""


def walk(root: Element, document: Node) -> list[Broken]:
    """Everything that is wrong, in no particular order."""
    broken: list[Broken] = []
    queue: _Queue = [(root, document)]
    for element, node in queue:
        present, known = 0, node.attributes
        for name, value in element.items():
            attribute = known.get(name)
            if attribute is None or not attribute[1](value):
                present = -1
                break
            present |= attribute[0]
        if present < 0 or (
            present & node.required != node.required and (present < NULL_BIT or present & node.always != node.always)
        ):
            present = _attributes(element, node, broken)
        if not node.skip:
            _content(element, node, present >= NULL_BIT, queue, broken)
    return broken


def _content(element: Element, node: Node, null: bool, queue: _Queue, broken: list[Broken]) -> None:
    """Text, children and rules of an element; the children go to ``queue``."""
    text = element.text
    if len(element):
        _children(element, node, null, queue, broken)
        if node.text is not None and not null and not node.text[0](_string(element)):
            broken.append(_text(element, node, node.text))
    else:
        if node.needs_children and not null:
            _plan(element, node, [], null, broken)
        if node.text is not None and not null and not node.text[0](text or ""):
            broken.append(_text(element, node, node.text))
    if text is not None and node.text is None and not node.mixed and not text.isspace():
        broken.append(Broken("STR11", element, node.path))
    if node.rules:
        _rules(element, node, broken)


def _children(element: Element, node: Node, null: bool, queue: _Queue, broken: list[Broken]) -> None:
    """The children, comments among them perhaps; an accepted sequence is remembered with the node of each."""
    children, keyed = element[:], node.keyed
    if keyed:
        signature = tuple([keyed[c.tag].key(c) if c.tag in keyed else c.tag for c in children])
    else:
        signature = tuple([c.tag for c in children])
    plan = node.plans.get(signature)
    if plan is not None:
        queue.extend(zip(children, plan, strict=True))
        return
    elements = [child for child in children if isinstance(child.tag, str)]
    before = len(broken)
    pairs = _plan(element, node, elements, null, broken)
    if len(broken) == before and len(pairs) == len(children) and not null:
        if len(node.plans) >= _REMEMBERED:
            node.plans.clear()
        node.plans[signature] = tuple([below for _, below in pairs])
    queue.extend(pairs)


def _text(element: Element, node: Node, value: Value) -> Broken:
    empty = not (element.text or "").strip()
    return Broken("STR11" if empty else "STR09", element, node.path, "", value.expected)


def _attributes(element: Element, node: Node, broken: list[Broken]) -> int:
    """Say which attributes are wrong; the mask of those that are there, with NULL_BIT for a null element."""
    present = 0
    for name, value in element.items():
        attribute = node.attributes.get(name)
        if attribute is None:
            if node.open and name != NULL:
                continue
            code = "STR07" if name == NULL else "STR10"
            broken.append(Broken(code, element, node.path, name if name in (NULL, TYPE) else ""))
            present |= NULL_BIT if name == NULL else 0
            continue
        present |= attribute.bit
        if not attribute.check(value):
            expected = attribute.value
            broken.append(Broken(_code(name, value, expected), element, node.path, name, expected.expected))
    missing = (node.required if present < NULL_BIT else node.always) & ~present
    if missing:
        for name, attribute in node.attributes.items():
            if attribute.bit & missing:
                broken.append(Broken("STR05", element, node.path, name, attribute.value.expected))
    return present


def _code(name: str, value: str, expected: Value) -> str:
    if not value:
        return "STR05"
    if name == NULL:
        return "STR07"
    if expected.book:
        return "STR06"
    return "STR04" if expected.expected.startswith("=") and name != TYPE else "STR09"


class _Order:
    """Finds the child that is out of order as a schema does: the one that stands where a required one is due."""

    def __init__(self, node: Node, children: list[Element]) -> None:
        self._due = [slot.index for slot in node.slots.values() if slot.least]
        self._ahead = Counter(slot.index for child in children if (slot := node.slots.get(str(child.tag))))
        self._last = -1
        self._excused: set[int] = set()

    def wrong(self, slot: Slot) -> bool:
        """Take the next child; whether it is out of order."""
        index = slot.index
        self._ahead[index] -= 1
        late = {due for due in self._due if self._last < due < index and self._ahead[due]} - self._excused
        wrong = bool(late) or (index < self._last and index not in self._excused)
        self._excused |= late
        self._last = max(self._last, index)
        return wrong


def _plan(element: Element, node: Node, children: list[Element], null: bool, broken: list[Broken]) -> _Queue:
    """The node of every child that has one; what is wrong with the sequence goes to ``broken``."""
    pairs: _Queue = []
    counts: Counter[str] = Counter()
    cases: Counter[tuple[str, str | None]] = Counter()
    order = _Order(node, children) if node.ordered else None
    for child in children:
        tag = str(child.tag)
        slot = node.slots.get(tag)
        if slot is None:
            if not node.open:
                broken.append(Broken("STR03", child, node.path))
            continue
        counts[tag] += 1
        if order is not None and order.wrong(slot):
            broken.append(Broken("STR08", child, node.path, slot.name))
        if counts[tag] > slot.most:
            broken.append(Broken("STR02", child, node.path, slot.name, str(slot.most)))
        below = _below(child, slot, counts[tag], cases, broken, node)
        if below is not None:
            pairs.append((child, below))
    if not null:
        _missing(element, node, counts, cases, broken)
    for choice in node.choices:
        number = sum(counts[tag] for tag in choice.tags)
        if number > choice.most or (number < choice.least and not null):
            code = "STR02" if number > choice.most else "STR01"
            broken.append(Broken(code, element, node.path, choice.names))
    return pairs


def _below(
    child: Element,
    slot: Slot,
    position: int,
    cases: Counter[tuple[str, str | None]],
    broken: list[Broken],
    node: Node,
) -> Node | None:
    if slot.switch is None:
        return slot.nodes[min(position, len(slot.nodes)) - 1]
    key = slot.switch.key(child)
    case: Case | None = slot.switch.otherwise if key[1] is None else slot.switch.cases[key[1]]
    if case is None:
        known = "|".join(slot.switch.cases)
        at = slot.switch.place(child)
        broken.append(Broken("STR04", at, node.path, f"{slot.name}/{slot.switch.by}", "=" + known))
        return None
    cases[key] += 1
    if cases[key] > case.most:
        broken.append(Broken("STR02", child, case.node.path, slot.name, str(case.most)))
    return case.node


def _missing(
    element: Element, node: Node, counts: Counter[str], cases: Counter[tuple[str, str | None]], broken: list[Broken]
) -> None:
    for tag, slot in node.slots.items():
        if counts[tag] < slot.least:
            broken.append(Broken("STR01", element, node.path, slot.name))
        if slot.switch is None:
            continue
        branches = [*slot.switch.cases.values(), *([slot.switch.otherwise] if slot.switch.otherwise else [])]
        for case in branches:
            if cases[tag, case.key] < case.least:
                name = f"{slot.name}[{slot.switch.by}={case.key}]" if case.key else slot.name
                broken.append(Broken("STR01", element, case.node.path, name))


def _rules(element: Element, node: Node, broken: list[Broken]) -> None:
    """An element that is missing breaks a ``then`` only where that asks for it: cardinalities say the rest."""
    seen: dict[str, Element | None] = {"": element}
    for rule in node.rules:
        if not all(_holds(_at(element, term, seen), term) for term in rule.when):
            continue
        for term in rule.then:
            found = _at(element, term, seen)
            if found is None and term.test not in {"present", "given"}:
                continue
            if not _holds(found, term):
                at = element if found is None else found
                broken.append(Broken("STR12", at, node.path, term.path, _expected(term)))


def _at(element: Element, term: Term, seen: dict[str, Element | None]) -> Element | None:
    """The element of a term; several terms look at the same."""
    if term.where not in seen:
        seen[term.where] = element.find(term.search) if term.search else first(element, term.steps)
    return seen[term.where]


def _holds(found: Element | None, term: Term) -> bool:
    if found is None:
        return term.test == "absent"
    if term.attribute:
        value = found.get(term.attribute)
        if term.value is None:
            return (value is None) == (term.test == "absent")
        return value is not None and bool(term.value.check(value))
    null = found.get(NULL) is not None
    if term.value is not None:
        text = _string(found) if len(found) else found.text or ""
        return not null and bool(term.value.check(text))
    return term.test == "present" or (term.test != "absent" and null == (term.test == "null"))


def _expected(term: Term) -> str:
    return term.value.expected if term.value is not None else term.test
