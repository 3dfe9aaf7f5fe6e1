"""One run of a mapping: what it may look at, what it found, what it traced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from adapter.facts import II, Coding, Null
from adapter.findings import EMPTY, Finding, Place, Severity, Text

_SHAPES: Final = {type(None): "nothing", str: "string", bool: "boolean", int: "integer", II: "ii"}

if TYPE_CHECKING:
    from adapter.fhir.graph import Graph
    from adapter.mapping.identifiers import Identifiers
    from adapter.mapping.model import Field
    from adapter.nsi.terms import Terms
    from adapter.organisation import Organisation


@dataclass(frozen=True, slots=True)
class Traced:
    """How a fact came about.

    Attributes:
        path: the fact, from the product: ``patient.addresses[1].line``; a ``let`` is ``%name``.
        rule: id of the rule.
        place: FHIRPath of the focus.
        expression: the alternative that gave the value; ``identifier: kind``, ``coding: …``, ``constant``.
        concept: concept map that translated it.
        shape: type of the value; never the value.
    """

    path: str
    rule: str
    place: str
    expression: str
    concept: str
    shape: str


@dataclass(slots=True)
class Run:
    """The state of making the facts of one product."""

    graph: Graph
    organisation: Organisation
    identifiers: Identifiers
    terms: Terms
    findings: list[Finding] = field(default_factory=list)
    trace: list[Traced] | None = None
    #: The fact that is being made, from the outermost inwards; kept by traced closures only.
    path: list[str] = field(default_factory=list)

    def find(self, code: str, severity: Severity, spec: Field, focus: Any, message: Text, hint: Text = EMPTY) -> None:
        """Add a finding of a rule at ``focus``."""
        at = path_of(self.graph, focus)
        self.findings.append(Finding(code, severity, message, hint, Place(fhirpath=spec.place(at)), "", spec.rule))


def shape_of(value: Any) -> str:
    """The type of a fact in the words of the language; never its value."""
    if isinstance(value, Null):
        return f"null {value.flavor}"
    if isinstance(value, list):
        return f"list of {len(value)}"
    if isinstance(value, dict):
        return str(value.get("resourceType") or "element")
    if isinstance(value, Coding):
        return "coding"
    return _SHAPES.get(type(value)) or type(value).__name__.lower()


def path_of(graph: Graph, node: Any) -> str:
    """FHIRPath of a node of the Bundle, found by identity; empty where it is not one.

    Called for findings and traces only, so it searches instead of keeping paths.
    """
    if not isinstance(node, dict):
        return ""
    for resource in graph.all():
        if resource is node:
            return graph.path(resource)
    for resource in graph.all():
        inside = _inside(resource, node)
        if inside is not None:
            return graph.path(resource) + inside
    return ""


def _inside(value: Any, wanted: Mapping[str, Any]) -> str | None:
    if value is wanted:
        return ""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        if isinstance(part, dict | list):
            inside = _inside(part, wanted)
            if inside is not None:
                return (f".{key}" if isinstance(key, str) else f"[{key}]") + inside
    return None
