"""Documents that reach the rules which an example document does not.

An example holds what its kind needs and little of what it allows, so most rules find no node in it. A graft is
made from a rule: elements along its context, attributes that its predicates ask for, and some of what its tests
look at, all set into a copy of the document. Nothing here is valid; it only has to make rules speak.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping

from lxml import etree

from adapter.xml import HL7, parse
from tests.oracle.stylesheet import Rule, Source, split_pattern

_LITERAL = re.compile(r"'[^']*'|\"[^\"]*\"")
_NAME = r"[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?"
_PATH = re.compile(rf"(?:{_NAME}/)*(?:@{_NAME}|{_NAME})(?![\w.:-]*\s*(?:\(|::))")
_EQUAL = re.compile(rf"((?:{_NAME}/)*@?{_NAME})\s*=\s*\[?\s*'([^']*)'")
_WORDS = {"and", "or", "not", "div", "mod"}
_VALUES = ("", "x", "0", "1", "20240215", "tel:+7", "1.2.643.100.3", "112-233-445 95", "RU")


def grafts(source: Source, data: bytes, *, seed: int, count: int, rules: int = 15) -> Iterator[bytes]:
    """Yield ``count`` copies of ``data`` with what ``rules`` rules of ``source`` look for, in turn over all rules."""
    choices = random.Random(seed)
    order: list[Rule] = []
    for _ in range(count):
        tree = parse(data)
        builder = _Builder(tree.getroot(), source.namespaces, choices)
        for _ in range(rules):
            if not order:
                order = [rule for pattern in source.patterns for rule in pattern]
                choices.shuffle(order)
            builder.graft(order.pop())
        yield etree.tostring(tree, encoding="UTF-8")


def _predicates(step: str) -> tuple[str, list[str]]:
    """A step's name and its predicates: ``a[b[c]][d]`` → ``a`` and ``b[c]``, ``d``."""
    name, bracket, rest = step.partition("[")
    predicates, depth, start = [], 0, 0
    for at, char in enumerate(bracket + rest):
        if char == "[":
            depth += 1
            start = at + 1 if depth == 1 else start
        elif char == "]":
            depth -= 1
            if depth == 0:
                predicates.append((bracket + rest)[start:at])
    return name.strip(), predicates


class _Builder:
    """Sets grafts into one document."""

    def __init__(self, root: etree._Element, namespaces: Mapping[str, str], choices: random.Random) -> None:
        self.root, self.choices = root, choices
        self.namespaces = dict(namespaces)

    def graft(self, rule: Rule) -> None:
        context = self.choices.choice(split_pattern(rule.context, "|"))
        steps = [step for step in split_pattern(context, "/") if step]
        if not steps or steps == ["ClinicalDocument"]:
            leaf = self.root
        else:
            node = self.root if steps[0] == "ClinicalDocument" else self._anywhere()
            for step in steps[1:] if steps[0] == "ClinicalDocument" else steps:
                node = self._step(node, step, last=step is steps[-1])
            leaf = node
        self._furnish(leaf, rule)

    def _anywhere(self) -> etree._Element:
        return self.choices.choice([self.root, *self.root.iter(f"{{{HL7}}}section", f"{{{HL7}}}patientRole")])

    def _step(self, parent: etree._Element, step: str, *, last: bool) -> etree._Element:
        name, predicates = _predicates(step)
        name = "observation" if name == "*" else name
        if not predicates and not last:
            found = parent.find(self._tag(name))
            if found is not None:
                return found
        for predicate in predicates:
            for _ in range(int(predicate) - 1 if predicate.isdigit() else 0):
                etree.SubElement(parent, self._tag(name))
        element = etree.SubElement(parent, self._tag(name))
        for predicate in predicates:
            self._satisfy(element, predicate)
        return element

    def _satisfy(self, element: etree._Element, predicate: str) -> None:
        """Make the common forms of a predicate true; others are left to chance."""
        for part in predicate.split(" and "):
            wanted = re.split(r" or |\|", part)[0].strip()
            equal = _EQUAL.match(wanted)
            if wanted.isdigit() or wanted.startswith(("not(", "ancestor::", "parent::")):
                continue
            if equal:
                self._set(element, *equal.groups())
                continue
            node = element
            steps = split_pattern(wanted, "/")
            for step in steps:
                if _PATH.fullmatch(step) and step.startswith("@"):
                    self._set(node, step, "x")
                elif _PATH.fullmatch(_predicates(step)[0]):
                    node = self._step(node, step, last=step is steps[-1])

    def _furnish(self, leaf: etree._Element, rule: Rule) -> None:
        """Give ``leaf`` some of what the tests of ``rule`` look at: nothing, once, or twice; or a nullFlavor."""
        times = self.choices.choice((0, 0, 1, 1, 2))
        for check in rule.checks:
            for path in self._paths(check.test):
                for _ in range(times):
                    self._set(leaf, path, self.choices.choice(_VALUES))
            for path, value in _EQUAL.findall(check.test) if self.choices.random() < 0.5 else ():
                self._set(leaf, path, value)
        if self.choices.random() < 0.2:
            leaf.set("nullFlavor", "NI")

    def _paths(self, expression: str) -> list[str]:
        found = _PATH.findall(_LITERAL.sub("''", expression))
        return [path for path in dict.fromkeys(found) if path not in _WORDS]

    def _set(self, element: etree._Element, path: str, value: str) -> None:
        """Make ``path`` below ``element`` anew (its inner steps where they are) and give its end ``value``."""
        *inner, end = path.split("/")
        for name in inner:
            found = element.find(self._tag(name))
            element = etree.SubElement(element, self._tag(name)) if found is None else found
        if end.startswith("@"):
            element.set(self._tag(end[1:], default=""), value)
        else:
            etree.SubElement(element, self._tag(end)).text = value

    def _tag(self, name: str, default: str = HL7) -> str:
        prefix, colon, local = name.rpartition(":")
        uri = self.namespaces[prefix] if colon else default
        return f"{{{uri}}}{local}" if uri else local
