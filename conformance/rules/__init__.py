"""Rules of our own: invariants of every СЭМД that need no pack and no book, always on.

One pass over the elements that some rule looks at, and one look at each attribute name; a finding is built only
where a rule is broken. Each rule is documented by its docstring (``egisz explain CODE``).
"""

from __future__ import annotations

from datetime import date
from typing import Final

from lxml import etree

from adapter.documents.kinds import Kind, Kinds
from adapter.findings import Finding
from adapter.xml import Element, ElementTree, Locator
from conformance.rules import contacts, identifiers, lifecycle, oids, times
from conformance.rules.registry import (
    ATTRIBUTE_CHECKS,
    ELEMENT_CHECKS,
    RULES,
    Broken,
    Document,
    ElementCheck,
    Gate,
    Rule,
)

__all__ = ["RULES", "Rule", "run_rules"]

#: The modules whose import registers the rules.
MODULES: Final = (identifiers, oids, times, contacts, lifecycle)

_CHECKS: Final[dict[object, tuple[tuple[Gate | None, tuple[tuple[Rule, ElementCheck], ...]], ...]]] = {
    name: tuple((gate, tuple(checks)) for gate, checks in gates.items()) for name, gates in ELEMENT_CHECKS.items()
}
_ATTRIBUTES: Final = [
    (etree.XPath(f"//@{name}", smart_strings=False), etree.XPath(f"//*[@{name}]"), name, tuple(checks))
    for name, checks in ATTRIBUTE_CHECKS.items()
]


def run_rules(tree: ElementTree, *, kind: Kind | None, kinds: Kinds | None = None, today: date) -> list[Finding]:
    """Run every rule on a document.

    Args:
        tree: the parsed document.
        kind: its kind, ``None`` where unknown: rules about the kind are silent then, and rules that differ between
            generations of kinds give warnings.
        kinds: the catalogue, for the titles of successors.
        today: day of the check.

    Returns:
        Findings in document order, by code at one place.
    """
    document = Document(tree.getroot(), kind, kinds, today)
    broken: list[tuple[Rule, Element, Broken]] = []
    for element in document.root.iter(*ELEMENT_CHECKS):
        for gate, checks in _CHECKS[element.tag]:
            if gate is None or gate(element):
                for rule, check in checks:
                    problem = check(element, document)
                    if problem is not None:
                        broken.append((rule, element, problem))
    broken.extend(_attributes(document.root))
    return _findings(document.root, broken) if broken else []


def _attributes(root: Element) -> list[tuple[Rule, Element, Broken]]:
    """Distinct values are judged first; elements are looked at only where one of them is bad."""
    broken: list[tuple[Rule, Element, Broken]] = []
    for values, elements, name, checks in _ATTRIBUTES:
        distinct = set(values(root))
        for rule, check in checks:
            bad = {value for value in distinct if not check(value)}
            if bad:
                broken.extend((rule, element, Broken()) for element in elements(root) if element.get(name) in bad)
    return broken


def _findings(root: Element, broken: list[tuple[Rule, Element, Broken]]) -> list[Finding]:
    found = [
        (element if problem.element is None else problem.element, rule, problem) for rule, element, problem in broken
    ]
    locate = Locator()
    if len(found) > 1:
        wanted = {element for element, _, _ in found}
        order = {element: position for position, element in enumerate(root.iter("*")) if element in wanted}
        found.sort(key=lambda item: (order[item[0]], item[1].code))
    return [rule.finding(element, locate(element), problem) for element, rule, problem in found]
