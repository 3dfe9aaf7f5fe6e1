"""One walk over a document: every element against its table; a finding is made only where something is wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from adapter.xml import Element
from conformance.structure.node import NULL, TYPE, Case, Node, Rule, Slot, Term, Value

#: Sequences of children that a node remembers; more than any honest document has.
_REMEMBERED: Final = 256


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
    queue: list[tuple[Element, Node]] = [(root, document)]
    for element, node in queue:
        present, null, known = 0, False, node.attributes
        for name, value in element.items():
            attribute = known.get(name)
            if attribute is None or (attribute[1] is not None and not attribute[1](value)):
                present = -1
                break
            present |= attribute[0]
            if name == NULL:
                null = attribute[0] == 0
        if present < 0 or (present & node.required != node.required and not null):
            null = _attributes(element, node, broken)
        if node.skip:
            continue
        children = element[:]
        if children:
            text = element.text
            if text is not None and not node.mixed and not text.isspace() and text and node.text is None:
                broken.append(Broken("STR11", element, node.path))
            _children(element, node, children, null, queue, broken)
        elif node.text is not None:
            check = node.text[0]
            if check is not None and not null and not check(element.text or ""):
                broken.append(_text(element, node, node.text))
        else:
            if node.needs_children and not null:
                _plan(element, node, [], null, broken)
            text = element.text
            if text is not None and not node.mixed and not text.isspace():
                broken.append(Broken("STR11", element, node.path))
        if node.rules:
            for rule in node.rules:
                _rule(element, node, rule, broken)
    return broken


def _children(
    element: Element,
    node: Node,
    children: list[Element],
    null: bool,
    queue: list[tuple[Element, Node]],
    broken: list[Broken],
) -> None:
    keyed = node.keyed
    if keyed:
        signature = tuple([keyed[c.tag].key(c) if c.tag in keyed else c.tag for c in children])
    else:
        signature = tuple([c.tag for c in children])
    plan = node.plans.get(signature)
    if plan is not None:
        queue.extend(zip(children, plan, strict=True))
        return
    elements = [child for child in children if isinstance(child.tag, str)]
    if node.text is not None and not elements:
        text = (element.text or "") + "".join(child.tail or "" for child in children)
        if node.text.check is not None and not null and not node.text.check(text):
            broken.append(_text(element, node, node.text))
    before = len(broken)
    pairs = _plan(element, node, elements, null, broken)
    if len(broken) == before and len(elements) == len(children) and not null:
        if len(node.plans) >= _REMEMBERED:
            node.plans.clear()
        node.plans[signature] = tuple([below for _, below in pairs])
    queue.extend(pairs)


def _text(element: Element, node: Node, value: Value) -> Broken:
    empty = not (element.text or "").strip()
    return Broken("STR11" if empty else "STR09", element, node.path, "", value.expected)


def _attributes(element: Element, node: Node, broken: list[Broken]) -> bool:
    """Say which attributes are wrong; whether the element is null."""
    null, present = False, 0
    for name, value in element.items():
        attribute = node.attributes.get(name)
        if attribute is None:
            code = "STR07" if name == NULL else "STR10"
            broken.append(Broken(code, element, node.path, name if name in (NULL, TYPE) else ""))
            null = null or name == NULL
            continue
        present |= attribute.bit
        if name == NULL and attribute.bit == 0:
            null = True
        if attribute.check is not None and not attribute.check(value):
            broken.append(Broken(_code(name, value, attribute.value), element, node.path, name, attribute.value.expected))
    if not null and present & node.required != node.required:
        for name, attribute in node.attributes.items():
            if attribute.bit and not present & attribute.bit:
                broken.append(Broken("STR05", element, node.path, name, attribute.value.expected))
    return null


def _code(name: str, value: str, expected: Value) -> str:
    if not value:
        return "STR05"
    if name == NULL:
        return "STR07"
    if expected.book:
        return "STR06"
    return "STR04" if expected.expected.startswith("=") and name != TYPE else "STR09"


def _plan(
    element: Element, node: Node, children: list[Element], null: bool, broken: list[Broken]
) -> list[tuple[Element, Node]]:
    """The node of every child that has one; what is wrong with the sequence goes to ``broken``."""
    pairs: list[tuple[Element, Node]] = []
    counts: Counter[str] = Counter()
    cases: Counter[tuple[str, str | None]] = Counter()
    last = -1
    for child in children:
        slot = node.slots.get(child.tag)
        if slot is None:
            broken.append(Broken("STR03", child, node.path))
            continue
        counts[child.tag] += 1
        if node.ordered and slot.index < last:
            broken.append(Broken("STR08", child, node.path, slot.name))
        last = max(last, slot.index)
        if counts[child.tag] > slot.most:
            broken.append(Broken("STR02", child, node.path, slot.name, str(slot.most)))
        below = _below(child, slot, counts[child.tag], cases, broken, node)
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
        broken.append(Broken("STR04", child, node.path, f"{slot.name}/{slot.switch.by}", "=" + known))
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


def _rule(element: Element, node: Node, rule: Rule, broken: list[Broken]) -> None:
    """An element that is missing breaks a ``then`` only where that asks for it: cardinalities say the rest."""
    if not all(any(_holds(found, term) for found in _select(element, term)) for term in rule.when):
        return
    for term in rule.then:
        for found in _select(element, term):
            if found is None and term.test not in {"present", "given"}:
                continue
            if not _holds(found, term):
                broken.append(Broken("STR12", element if found is None else found, node.path, term.path, _expected(term)))


def _select(element: Element, term: Term) -> list[Element | None]:
    """The elements at the path; one ``None`` where there is none."""
    found = [element]
    for step in term.steps:
        found = [child for parent in found for child in parent.iterchildren(step)]
    return list(found) if found else [None]


def _holds(found: Element | None, term: Term) -> bool:
    if found is None:
        return term.test == "absent"
    if term.attribute:
        value = found.get(term.attribute)
        if term.value is None:
            return (value is None) == (term.test == "absent")
        return value is not None and (term.value.check is None or bool(term.value.check(value)))
    if term.value is not None:
        return found.get(NULL) is None and (term.value.check is None or bool(term.value.check(found.text or "")))
    if term.test == "null":
        return found.get(NULL) is not None
    return term.test == "present" or (term.test == "given" and found.get(NULL) is None)


def _expected(term: Term) -> str:
    return term.value.expected if term.value is not None else term.test
