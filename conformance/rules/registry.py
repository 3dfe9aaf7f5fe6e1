"""What a rule is, how it is registered, and what it may ask about the document.

A rule is a small function with a decorator that gives its code, title, expected shape and severity. Its docstring is
its documentation page in two parts: lines after ``RU:`` in Russian, lines after ``EN:`` in English.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from inspect import cleandoc
from typing import Final

from lxml import etree

from adapter.documents.kinds import Kind, Kinds
from adapter.errors import InternalError
from adapter.findings import EMPTY, NOWHERE, Finding, Severity, Text
from adapter.xml import HL7, PREFIXES, Element, place
from conformance.rules.values import Moment, moment

_NAMESPACES: Final = {prefix: uri for uri, prefix in PREFIXES.items()}


def tag(name: str) -> str:
    """``id`` → ``{urn:hl7-org:v3}id``, ``identity:INN`` → ``{urn:hl7-ru:identity}INN``."""
    prefix, colon, local = name.rpartition(":")
    return f"{{{_NAMESPACES[prefix + colon]}}}{local}"


_STRING: Final = etree.XPath("string()", smart_strings=False)


def text_of(element: Element) -> str:
    """The text of ``element`` without comments, as XPath sees it."""
    return str(_STRING(element)) if len(element) else element.text or ""


EFFECTIVE_TIME: Final = f"{{{HL7}}}effectiveTime"


class Document:
    """The document under check, as rules see it.

    Args:
        root: the root element.
        kind: kind of the document, ``None`` where it is unknown or not the only one.
        kinds: the catalogue that ``kind`` is of, for the titles of its successors.
        today: day of the check.
    """

    def __init__(self, root: Element, kind: Kind | None, kinds: Kinds | None, today: date) -> None:
        self.root, self.kind, self.kinds, self.today = root, kind, kinds, today

    @property
    def strict(self) -> bool:
        """The kind is of the generations whose rules test formats that the newest generation lets pass."""
        return self.kind is not None and self.kind.generation in {"legacy", "G2"}

    @cached_property
    def created(self) -> Moment | None:
        """``ClinicalDocument/effectiveTime`` where it holds a real day."""
        element = self.root.find(EFFECTIVE_TIME)
        found = moment(element.get("value", "")) if element is not None else None
        return found if found is not None and found.day is not None else None


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule is broken. What is not given here is the rule's own.

    Attributes:
        element: where, if not at the element that was checked.
    """

    severity: Severity | None = None
    message: Text = EMPTY
    hint: Text = EMPTY
    element: Element | None = None


BROKEN: Final = Broken()

ElementCheck = Callable[[Element, Document], Broken | None]
ValueCheck = Callable[[str], bool]
#: A cheap question about an element, asked once for all rules that share it; they run only where the answer is yes.
Gate = Callable[[Element], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """A registered rule.

    Attributes:
        code: stable code of its findings.
        name: name of its function.
        title: what is wrong, without any value.
        hint: the expected shape.
        page: documentation page.
    """

    code: str
    name: str
    severity: Severity
    title: Text
    hint: Text
    page: Text

    def finding(self, at: Element | None, xpath: str, problem: Broken) -> Finding:
        """The finding for this rule broken at the element ``at``, whose place is ``xpath``; ``None``: no document."""
        return Finding(
            code=self.code,
            severity=problem.severity or self.severity,
            message=problem.message if problem.message != EMPTY else self.title,
            hint=problem.hint if problem.hint != EMPTY else self.hint,
            place=NOWHERE if at is None else place(at),
            xpath=xpath,
            rule=self.name,
        )


#: Every rule by its code.
RULES: Final[dict[str, Rule]] = {}
#: Checks of elements by tag and gate, checks of attributes by name (without a namespace).
ELEMENT_CHECKS: Final[dict[str, dict[Gate | None, list[tuple[Rule, ElementCheck]]]]] = {}
ATTRIBUTE_CHECKS: Final[dict[str, list[tuple[Rule, ValueCheck]]]] = {}


def element_rule(
    code: str,
    title: Text,
    hint: Text,
    *,
    on: tuple[str, ...],
    given: Gate | None = None,
    severity: Severity = Severity.ERROR,
) -> Callable[[ElementCheck], ElementCheck]:
    """Register a check of every element named in ``on``; it returns ``None`` or what is broken."""

    def register(check: ElementCheck) -> ElementCheck:
        rule = _register(code, title, hint, severity, check)
        for name in on:
            ELEMENT_CHECKS.setdefault(tag(name), {}).setdefault(given, []).append((rule, check))
        return check

    return register


def attribute_rule(
    code: str, title: Text, hint: Text, *, on: str, severity: Severity = Severity.ERROR
) -> Callable[[ValueCheck], ValueCheck]:
    """Register a check of every attribute named ``on``, whatever element it is at; it returns whether it is fine."""

    def register(check: ValueCheck) -> ValueCheck:
        ATTRIBUTE_CHECKS.setdefault(on, []).append((_register(code, title, hint, severity, check), check))
        return check

    return register


def _register(code: str, title: Text, hint: Text, severity: Severity, check: ElementCheck | ValueCheck) -> Rule:
    if code in RULES:
        raise InternalError(f"two rules have the code {code}")
    name = check.__name__
    rule = RULES[code] = Rule(code, name, severity, title, hint, page(check.__doc__ or ""))
    return rule


def page(docstring: str) -> Text:
    """The two parts of a docstring: after ``RU:`` and after ``EN:``; empty where there is none."""
    parts = re.split(r"^(RU|EN):[ \n]", cleandoc(docstring), flags=re.MULTILINE)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    return Text(found.get("RU", "").strip(), found.get("EN", "").strip())
