"""XSLT 3.0 from a Schematron, in three forms.

``oracle_stylesheet``
    every failure and dynamic error with its place, as lines ``rule id|kind|place``;
``lean_stylesheet``
    the ids of failed rules and nothing else: the fastest form known to us;
``svrl_stylesheet``
    an SVRL report (``svrl:fired-rule``, ``svrl:failed-assert`` with text and location), pattern by pattern as
    the public skeletons do it.

The semantics are those of ISO Schematron: a rule applies to the nodes that its context matches as an XSLT
pattern (elements, and the root, whose place is ``/``); within a ``pattern`` element the first rule that
matches a node is the only one that applies to it. Every pattern is therefore an XSLT mode with one template
a rule, the earlier rule with the higher priority. Patterns of one rule need no mode of their own: they
share one, and ``xsl:next-match`` goes on to the next of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from adapter.xml import HL7, PREFIXES, parse

SCH = "{http://purl.oclc.org/dsdl/schematron}"
#: The namespace of helpers inside the stylesheets.
_OWN = "urn:egisz:oracle"


@dataclass(frozen=True, slots=True)
class Check:
    """An ``assert`` or a ``report``: ``fires`` is the XPath that is true where the document is at fault."""

    rule_id: str
    kind: str
    test: str
    text: str

    @property
    def fires(self) -> str:
        """The XPath of the fault."""
        return f"not({self.test})" if self.kind == "assert" else f"boolean({self.test})"


@dataclass(frozen=True, slots=True)
class Rule:
    """A ``rule`` element."""

    context: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A Schematron as read: namespaces by prefix, and the patterns, each a tuple of rules."""

    namespaces: dict[str, str]
    patterns: tuple[tuple[Rule, ...], ...]

    @property
    def rule_ids(self) -> list[str]:
        """Ids of all asserts and reports, in the order of the file."""
        return [check.rule_id for rules in self.patterns for rule in rules for check in rule.checks]


def read(path: Path) -> Source:
    """Read a ``.sch``.

    Raises:
        ValueError: a construct that these stylesheets do not speak (the official packs have none of them).
    """
    root = parse(path.read_bytes()).getroot()
    for unknown in ("let", "include", "extends", "phase", "diagnostics", "key"):
        if root.find(f".//{SCH}{unknown}") is not None:
            raise ValueError(f"{path.name}: {unknown} is not supported")
    seen: Counter[int] = Counter()

    def check(element) -> Check:
        line = element.sourceline
        seen[line] += 1
        suffix = f"#{seen[line]}" if seen[line] > 1 else ""
        text = " ".join("".join(element.itertext()).split())
        return Check(f"{path.name}:{line}{suffix}", element.tag.removeprefix(SCH), element.get("test"), text)

    def rule(element) -> Rule:
        context = element.get("context")
        if any(re.match(r"@|[\w-]+\(", split_pattern(path, "/")[-1]) for path in split_pattern(context, "|")):
            raise ValueError(f"{path.name}:{element.sourceline}: only elements and the root are walked")
        return Rule(context, tuple(check(child) for child in element.iterchildren(f"{SCH}assert", f"{SCH}report")))

    return Source(
        {ns.get("prefix"): ns.get("uri") for ns in root.iterchildren(f"{SCH}ns")},
        tuple(
            tuple(rule(element) for element in pattern.iterchildren(f"{SCH}rule"))
            for pattern in root.iterchildren(f"{SCH}pattern")
        ),
    )


def _open(source: Source, namespace: str, output: str, extra: str = "") -> str:
    declared = "".join(f" xmlns:{prefix}={quoteattr(uri)}" for prefix, uri in source.namespaces.items())
    return (
        f'<xsl:stylesheet version="3.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" '
        f'xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:own="{_OWN}"{declared}{extra} '
        f"xpath-default-namespace={quoteattr(namespace)}>\n<xsl:output {output}/>\n"
    )


def _template(rule: Rule, mode: str, priority: int, body: str) -> str:
    return (
        f"<xsl:template match={quoteattr(rule.context)} mode={quoteattr(mode)} "
        f'priority="{priority}">{body}</xsl:template>\n'
    )


def _one_walk(source: Source, body: Callable[[Check], str]) -> Iterator[str]:
    """One pass over root and elements: the shared mode, and the modes of patterns with several rules."""
    total = sum(len(rules) for rules in source.patterns)
    modes = ["single"] + [f"p{n}" for n, rules in enumerate(source.patterns) if len(rules) > 1]
    for mode in modes:
        yield f'<xsl:mode name="{mode}" on-no-match="deep-skip" on-multiple-match="use-last"/>\n'
    calls = "".join(f'<xsl:apply-templates select="." mode="{mode}"/>' for mode in modes)
    yield f'<xsl:template match="/"><xsl:for-each select="/, //*">{calls}</xsl:for-each></xsl:template>\n'
    rank = total
    for n, rules in enumerate(source.patterns):
        for rule in rules:
            checks = "".join(body(check) for check in rule.checks)
            if len(rules) > 1:
                yield _template(rule, f"p{n}", rank, checks)
            else:
                yield _template(rule, "single", rank, checks + "<xsl:next-match/>")
            rank -= 1


def lean_stylesheet(path: Path, *, namespace: str = HL7) -> str:
    """Ids only: the fastest stylesheet that we can generate.

    Selecting a rule's nodes costs Saxon less than matching every node against every rule (1.6 against 2.4 ms
    for a 170 of 19 KB), so this form has no modes: contexts become selections, and what earlier rules of a
    pattern match is taken away from the later ones.

    Args:
        path: the ``.sch``.
        namespace: where un-prefixed names of the Schematron live; empty for documents without a default
            namespace.
    """
    source = read(path)
    groups: dict[str, list[Check]] = {}
    for rules in source.patterns:
        for n, rule in enumerate(rules):
            before = [_selection(r.context) for r in rules[:n] if _may_overlap(r.context, rule.context)]
            selection = _selection(rule.context)
            if before:
                selection = f"({selection}) except ({' | '.join(before)})"
            groups.setdefault(selection, []).extend(rule.checks)

    def loop(selection: str, checks: list[Check]) -> str:
        tests = "".join(f"<xsl:if test={quoteattr(c.fires)}>{c.rule_id}\n</xsl:if>" for c in checks)
        return f"<xsl:for-each select={quoteattr(selection)}>{tests}</xsl:for-each>\n"

    return (
        _open(source, namespace, 'method="text"')
        + '<xsl:template match="/"><xsl:variable name="own:roots" select="//ClinicalDocument"/>\n'
        + "".join(loop(selection, checks) for selection, checks in groups.items())
        + "</xsl:template></xsl:stylesheet>"
    )


def split_pattern(pattern: str, separator: str) -> list[str]:
    """Parts of ``pattern`` between separators that stand outside predicates, parentheses and literals."""
    parts, depth, quote = [""], 0, ""
    for char in pattern:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "[(":
            depth += 1
        elif char in "])":
            depth -= 1
        elif char == separator and depth == 0:
            parts.append("")
            continue
        parts[-1] += char
    return [part.strip() for part in parts]


def _selection(pattern: str) -> str:
    """The expression that selects, from the root, all nodes that the XSLT pattern matches."""

    def alternative(path: str) -> str:
        if path.startswith("/"):
            return path
        if path.startswith("ClinicalDocument/"):
            return "$own:roots" + path.removeprefix("ClinicalDocument")
        return "//" + path

    return " | ".join(alternative(path) for path in split_pattern(pattern, "|"))


def _may_overlap(one: str, other: str) -> bool:
    """Whether two patterns could match the same node, judged by the name of the last step."""

    def names(pattern: str) -> set[str]:
        return {split_pattern(path, "/")[-1].partition("[")[0].strip() for path in split_pattern(pattern, "|")}

    first, second = names(one), names(other)
    return any("*" in name for name in first | second) or not first.isdisjoint(second)


def oracle_stylesheet(path: Path, *, namespace: str = HL7) -> str:
    """Lines ``rule id|assert, report or error|place``, the place as :func:`adapter.xml.locate` writes it.

    Arguments as for :func:`lean_stylesheet`.
    """
    source = read(path)

    def body(check: Check) -> str:
        def say(kind: str) -> str:
            line = f"concat('{check.rule_id}|{kind}|', own:place(.), '&#10;')"
            return f'<xsl:value-of select="{line}"/>'

        return (
            f"<xsl:try><xsl:if test={quoteattr(check.fires)}>{say(check.kind)}</xsl:if>"
            f"<xsl:catch>{say('error')}</xsl:catch></xsl:try>"
        )

    return _open(source, namespace, 'method="text"') + _PLACE + "".join(_one_walk(source, body)) + "</xsl:stylesheet>"


def svrl_stylesheet(path: Path, *, namespace: str = HL7) -> str:
    """A full SVRL report, one walk a pattern. Arguments as for :func:`lean_stylesheet`."""
    source = read(path)
    parts = [_open(source, namespace, 'method="xml" indent="no"', f' xmlns:svrl="{_SVRL}"')]
    calls = "".join(
        f'<svrl:active-pattern id="p{n}"/><xsl:apply-templates select="/" mode="p{n}"/>'
        for n in range(len(source.patterns))
    )
    parts.append(f'<xsl:template match="/"><svrl:schematron-output>{calls}</svrl:schematron-output></xsl:template>\n')
    for n, rules in enumerate(source.patterns):
        descend = f'<xsl:apply-templates select="*" mode="p{n}"/>'
        parts.append(f'<xsl:template match="/ | *" mode="p{n}" priority="-1">{descend}</xsl:template>\n')
        parts.extend(
            _template(rule, f"p{n}", len(rules) - rank, _svrl_rule(rule) + descend) for rank, rule in enumerate(rules)
        )
    return "".join(parts) + "</xsl:stylesheet>"


def _svrl_rule(rule: Rule) -> str:
    def escape(value: str) -> str:
        return quoteattr(value.replace("{", "{{").replace("}", "}}"))

    checks = "".join(
        f"<xsl:if test={quoteattr(check.fires)}>"
        f"<svrl:{_OUTCOME[check.kind]} id={escape(check.rule_id)} test={escape(check.test)}>"
        f'<xsl:attribute name="location" select="path()"/>'
        f"<svrl:text><xsl:text>{_text(check.text)}</xsl:text></svrl:text></svrl:{_OUTCOME[check.kind]}></xsl:if>"
        for check in rule.checks
    )
    return f"<svrl:fired-rule context={escape(rule.context)}/>{checks}"


def _text(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;")


_SVRL = "http://purl.oclc.org/dsdl/svrl"
_OUTCOME = {"assert": "failed-assert", "report": "successful-report"}

#: ``adapter.xml.locate`` in XSLT.
_PLACE = f"""<xsl:variable name="own:prefixes" as="map(xs:string, xs:string)" select="map{{ '': '', {
    ", ".join(f"'{uri}': '{prefix}'" for uri, prefix in PREFIXES.items())
} }}"/>
<xsl:function name="own:step" as="xs:string">
  <xsl:param name="node" as="element()"/>
  <xsl:variable name="uri" select="string(namespace-uri($node))"/>
  <xsl:variable name="name" select="($own:prefixes($uri), concat('{{', $uri, '}}'))[1] || local-name($node)"/>
  <xsl:variable name="same" select="$node/../*[node-name(.) eq node-name($node)]"/>
  <xsl:sequence select="
    if (count($same) gt 1) then concat($name, '[', count($same[. &lt;&lt; $node]) + 1, ']') else $name"/>
</xsl:function>
<xsl:function name="own:place" as="xs:string">
  <xsl:param name="node" as="node()"/>
  <xsl:sequence select="
    if ($node/self::document-node()) then '/'
    else string-join(for $n in $node/ancestor-or-self::* return concat('/', own:step($n)))"/>
</xsl:function>
"""
