"""One run of a mapping: what it may look at, what it found, what it traced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from adapter.facts import II, Coding, Null
from adapter.findings import EMPTY, Finding, Place, Severity, Text

_SHAPES: Final = {type(None): "nothing", str: "string", bool: "boolean", int: "integer", II: "ii"}

if TYPE_CHECKING:
    from adapter.fhir.graph import Graph
    from adapter.mapping.identifiers import Identifiers
    from adapter.mapping.model import Field
    from adapter.mapping.origins import Origins
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
        elements: FHIRPaths of the elements that gave the value, ``%org…`` of the sender's configuration; empty for what
            the mapping itself says.
    """

    path: str
    rule: str
    place: str
    expression: str
    concept: str
    shape: str
    elements: tuple[str, ...] = ()


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
    _origins: Origins | None = field(default=None, init=False)
    #: Facts that maps made, with their focus and its resource, by map and the identities of those.
    made: dict[tuple[str, int, int], tuple[Any, Any, Any]] = field(default_factory=dict)
    #: By kind the identifiers of what was looked at, with that, by its identity.
    kinds: dict[int, tuple[Mapping[str, Mapping[str, Any]], Any]] = field(default_factory=dict)

    @property
    def origins(self) -> Origins:
        """Where the nodes of the Bundle stand; for traces."""
        if self._origins is None:
            from adapter.mapping.origins import Origins

            self._origins = Origins(self.graph.bundle, self.organisation.values)
        return self._origins

    def identifier(self, kind: str, identifiers: Any) -> Mapping[str, Any] | None:
        """The first identifier of a kind in ``Resource.identifier`` (a list, or one in R4 Composition)."""
        if identifiers is None:
            return None
        known = self.kinds.get(id(identifiers))
        if known is None:
            known = self.kinds[id(identifiers)] = self._by_kind(identifiers), identifiers
        return known[0].get(kind)

    def _by_kind(self, identifiers: Any) -> dict[str, Mapping[str, Any]]:
        items = [identifiers] if isinstance(identifiers, dict) else identifiers if isinstance(identifiers, list) else ()
        found: dict[str, Mapping[str, Any]] = {}
        for item in items:
            if isinstance(item, dict):
                found.setdefault(self.identifiers.kind(item), item)
        return found

    def find(self, code: str, severity: Severity, spec: Field, focus: Any, message: Text, hint: Text = EMPTY) -> None:
        """Add a finding of a rule at ``focus``: what the rule is applied to, or the value that it took."""
        at = path_of(self.graph, focus)
        if not at.rstrip("[]0123456789").endswith(spec.place("x")[1:]):
            at = spec.place(at)
        self.findings.append(Finding(code, severity, message, hint, Place(fhirpath=at), "", spec.rule))

    def put_at(self, focus: Any, spec: Field, first: int) -> None:
        """Findings of a rule, from ``first`` on, that were made about a bare value get the place of its focus."""
        bare, at = spec.place(""), path_of(self.graph, focus)
        for index, finding in enumerate(self.findings[first:], first):
            if finding.rule == spec.rule and finding.place.fhirpath == bare:
                self.findings[index] = replace(finding, place=Place(fhirpath=spec.place(at)))


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


def path_within(resource: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    """FHIRPath of a part of a resource from there: ``.qualification[0]``; empty where it is none."""
    return _inside(resource, part) or ""


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
