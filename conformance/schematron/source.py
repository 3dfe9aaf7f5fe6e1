"""Reading a ``.sch`` file: namespaces, patterns, rules, asserts, as plain values with lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapter.errors import SchematronError, XmlRefused
from adapter.xml import Element, parse

SCH: Final = "{http://purl.oclc.org/dsdl/schematron}"
_BINDINGS: Final = frozenset({"xslt2", "xslt3"})
#: Elements that carry no logic of their own.
_SILENT: Final = frozenset({SCH + name for name in ("title", "p", "diagnostics", "ns")})


@dataclass(frozen=True, slots=True)
class Check:
    """An ``assert`` (must be true) or a ``report`` (must be false).

    Attributes:
        rule: ``<file>:<line>`` of the element, with ``#n`` where a line holds several.
        report: it is a ``report``.
        message: the Ministry's text, white space folded.
    """

    rule: str
    line: int
    report: bool
    test: str
    message: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A ``rule``: what it applies to and what it checks."""

    line: int
    context: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A ``.sch`` file. ``patterns`` keeps the order of rules: the first that matches a node is applied."""

    name: str
    namespaces: dict[str, str]
    patterns: tuple[tuple[Rule, ...], ...]


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: dict[int, int] = {}

    def error(self, reason: str, element: Element, construct: str = "") -> SchematronError:
        return SchematronError(reason, file=self.path, line=element.sourceline, construct=construct)

    def attribute(self, element: Element, name: str) -> str:
        value = element.get(name)
        if value is None or not value.strip():
            raise self.error(f"the attribute {name} is missing", element)
        return value.strip()

    def children(self, element: Element, allowed: str) -> Iterator[Element]:
        """Child elements named ``allowed``; comments pass, anything else with logic is refused."""
        for child in element:
            if child.tag == SCH + allowed:
                yield child
            elif isinstance(child.tag, str) and child.tag not in _SILENT:
                raise self.error("an element that is outside the subset", child, child.tag.removeprefix(SCH))

    def check(self, element: Element) -> Check:
        line = element.sourceline or 0
        count = self._lines[line] = self._lines.get(line, 0) + 1
        rule = f"{self.path.name}:{line}" + (f"#{count}" if count > 1 else "")
        # Only the constant text: a value-of would carry a value of the document into the message.
        message = " ".join((element.text or "").split() + [word for c in element for word in (c.tail or "").split()])
        return Check(rule, line, element.tag == SCH + "report", self.attribute(element, "test"), message)

    def rule(self, element: Element) -> Rule:
        checks: list[Check] = []
        for child in element:
            if child.tag in (SCH + "assert", SCH + "report"):
                checks.append(self.check(child))
            elif isinstance(child.tag, str) and child.tag not in _SILENT:
                raise self.error("an element that is outside the subset", child, child.tag.removeprefix(SCH))
        return Rule(element.sourceline or 0, self.attribute(element, "context"), tuple(checks))

    def read(self, root: Element) -> Source:
        if root.tag != SCH + "schema":
            raise self.error("the root is not a Schematron schema", root)
        binding = root.get("queryBinding", "xslt")
        if binding not in _BINDINGS:
            raise self.error("only the query bindings xslt2 and xslt3 are supported", root, binding)
        for node in root.iter(SCH + "rule", SCH + "pattern"):
            if node.get("abstract") or node.get("is-a"):
                raise self.error("abstract rules and patterns are outside the subset", node)
        patterns = tuple(
            tuple(self.rule(rule) for rule in self.children(pattern, "rule"))
            for pattern in self.children(root, "pattern")
        )
        if not any(patterns):
            raise self.error("the schema has no rules", root)
        return Source(self.path.name, self.namespaces(root), patterns)

    def namespaces(self, root: Element) -> dict[str, str]:
        return {self.attribute(element, "prefix"): self.attribute(element, "uri") for element in root.iter(SCH + "ns")}


def read_source(path: Path) -> Source:
    """Read a Schematron file (UTF-8, with or without a byte order mark).

    Raises:
        SchematronError: unreadable, or a construct outside the subset; carries file and line.
    """
    try:
        root = parse(path.read_bytes()).getroot()
    except XmlRefused as refused:
        finding = refused.finding
        raise SchematronError(finding.message.en, file=path, line=finding.place.line) from None
    except OSError as error:
        raise SchematronError(f"cannot be read ({error.strerror})", file=path) from None
    return _Reader(path).read(root)
