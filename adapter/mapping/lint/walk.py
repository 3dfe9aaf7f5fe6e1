"""What a document can reach: its rules, the maps and concept maps it uses, the shape of its facts.

Nothing is run. Names of a ``let`` are visible in maps that are used, too, so the walk goes the way of the evaluator:
from a document through its fields, with the names in scope.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from adapter.facts import II, Coding, Quantity
from adapter.findings import Text
from adapter.mapping.absence import CONCEPT
from adapter.mapping.lint.types import Inference, Kinds, Problem, described, union
from adapter.mapping.model import Field, MapSpec

#: Variables that are always there.
BUILTIN: Final = frozenset({"resource", "bundle", "org", "number", "implied", "context", "ucum", "sct", "loinc"})

_NAMED: Final[Mapping[str, tuple[str, ...]]] = {
    "ii": II._fields,
    "mis-ii": II._fields,
    "derived-ii": II._fields,
    "coding": Coding._fields,
    "quantity": Quantity._fields,
    "telecom": ("value", "use"),
    "series-number": ("series", "number"),
}
#: Converters that give whatever they are given.
_NEUTRAL: Final = frozenset({"first", "last"})


@dataclass(frozen=True, eq=False)
class Shape:
    """What can be asked of a value.

    Attributes:
        facts: its facts, where it is made of ``fields`` or by a map.
        names: its attributes, where it is of a type with attributes (a coding, an id, a quantity).
    """

    facts: Mapping[str, Slot] | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Slot:
    """A fact: the rule that makes it, and what it can be (several where alternatives differ).

    Attributes:
        shapes: what one value can be; empty where it is a plain value.
        many: it is a list.
        kinds: FHIR types of a value that is taken as it is.
    """

    rule: Field
    shapes: tuple[Shape, ...]
    many: bool
    kinds: Kinds = None


class Scope:
    """Names of ``let`` that are visible, each with the scope it was defined in.

    Attributes:
        focus: FHIR types of the focus.
        resource: types of ``%resource``.
    """

    def __init__(self, lets: Mapping[str, Field], outer: Scope | None, focus: Kinds, resource: Kinds) -> None:
        self._lets, self._outer = lets, outer
        self.focus, self.resource = focus, resource

    def find(self, name: str) -> tuple[Field, Scope] | None:
        """The rule of a name, and the scope in which it is worked out."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope._lets:
                return scope._lets[name], scope
            scope = scope._outer
        return None


def key(rule: Field) -> str:
    """What tells rules apart: an inherited rule and the one that replaced it may have the same id."""
    return f"{rule.rule}@{rule.file}:{rule.line}"


@dataclass(slots=True)
class Walk:
    """The walk from one document or map.

    Attributes:
        rules: every rule that can be reached, by :func:`key`.
        maps, concepts: ids of what is used.
        lets: keys of the ``let`` rules that are defined; ``read``: of those that an expression reads.
        undefined: rules that read a name which nothing defines.
        problems: what the expressions of rules can never do.
    """

    known: Mapping[str, MapSpec]
    rules: dict[str, Field] = field(default_factory=dict)
    maps: set[str] = field(default_factory=set)
    concepts: set[str] = field(default_factory=set)
    lets: dict[str, Field] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    undefined: list[tuple[Field, str]] = field(default_factory=list)
    problems: list[tuple[Field, Problem]] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)
    _slots: dict[tuple[int, int], Slot] = field(default_factory=dict)
    _scopes: list[Scope] = field(default_factory=list)

    def start(self, spec: MapSpec) -> Mapping[str, Slot]:
        """Walk from a map or document; gives its facts."""
        focus = sources(spec)
        return self._facts(spec.let, spec.fields, Scope({}, None, focus, focus))

    def _facts(self, let: Mapping[str, Field], fields: Mapping[str, Field], outer: Scope) -> dict[str, Slot]:
        scope = self._scope(let, outer, outer.focus)
        return {name: self._slot(rule, scope) for name, rule in fields.items()}

    def _scope(self, let: Mapping[str, Field], outer: Scope, focus: Kinds) -> Scope:
        resource = outer.resource
        if focus is not None and focus and all(any(one.resource for one in described(kind)) for kind in focus):
            resource = focus
        scope = Scope(let, outer, focus, resource)
        # Kept alive, because slots are remembered by the identity of their scope.
        self._scopes.append(scope)
        self.lets.update((key(rule), rule) for rule in let.values())
        return scope

    def _slot(self, rule: Field, outer: Scope) -> Slot:
        mark = (id(rule), id(outer))
        if mark in self._slots:
            return self._slots[mark]
        # Stands in while the rule is open: a name that is defined through itself ends here.
        self._slots[mark] = Slot(rule, (), rule.each)
        self.rules[key(rule)] = rule
        scope = self._scope(rule.let, outer, outer.focus) if rule.let else outer
        if rule.concept:
            self.concepts.add(rule.concept)
        if rule.given is not None:
            self.concepts.add(CONCEPT)
        given = tuple(self._read(rule, scope))
        kinds = self._kinds(rule, scope)
        shapes = self._shapes(rule, self._scope({}, scope, kinds), given)
        taken = not (rule.use or rule.fields or rule.concept or rule.converters)
        slot = self._slots[mark] = Slot(rule, shapes, rule.each, kinds if taken else None)
        return slot

    def _read(self, rule: Field, scope: Scope) -> Iterator[Shape]:
        """Shapes of the names that the sources of a rule read."""
        for expression in rule.expressions():
            for name in sorted(expression.variables - BUILTIN):
                found = scope.find(name)
                if found is None:
                    self.undefined.append((rule, name))
                    continue
                self.read.add(key(found[0]))
                shapes = self._slot(*found).shapes
                if expression in rule.sources:
                    yield from shapes

    def _kinds(self, rule: Field, scope: Scope) -> Kinds:
        """FHIR types of what the sources give; the focus where there is none."""
        inference = Inference(
            lambda name: self._variable(name, scope), lambda problem: self.problems.append((rule, problem))
        )
        for aside in rule.asides():
            inference.kinds(aside.tree, scope.focus)
        found = [inference.kinds(source.tree, scope.focus) for source in rule.sources]
        if rule.identifier:
            return frozenset({"Identifier"})
        if rule.constant is not None or rule.coding is not None:
            return None
        return union(found) if rule.sources else scope.focus

    def _variable(self, name: str, scope: Scope) -> Kinds:
        if name == "resource":
            return scope.resource
        if name == "bundle":
            return frozenset({"Bundle"})
        found = None if name in BUILTIN else scope.find(name)
        return None if found is None else self._slot(*found).kinds

    def _shapes(self, rule: Field, inner: Scope, given: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """What a rule makes; ``inner`` is the scope in which the focus is its value."""
        shapes = (Shape(names=Coding._fields),) if rule.coding else given
        if rule.use:
            shapes = self._used(rule, inner)
        if rule.fields:
            shapes = (Shape(self._facts({}, rule.fields, inner)),)
        if rule.concept:
            shapes = (Shape(names=Coding._fields),)
        for conversion in rule.converters:
            if conversion.name not in _NEUTRAL:
                names = _NAMED.get(conversion.name, ())
                shapes = (Shape(names=names),) if names else ()
        return shapes

    def _used(self, rule: Field, inner: Scope) -> tuple[Shape, ...]:
        name = rule.use
        self.maps.add(name)
        spec = self.known[name]
        focus = sources(spec)
        if focus is not None and inner.focus is not None and inner.focus and not focus & inner.focus:
            self.problems.append((rule, _wrong_map(spec, inner.focus)))
        if name in self._open:
            return ()
        self._open.append(name)
        shape = Shape(self._facts(spec.let, spec.fields, self._scope({}, inner, focus)))
        self._open.pop()
        return (shape,)


def sources(spec: MapSpec) -> Kinds:
    """FHIR types of the focus of a map; unknown for ``Any``."""
    return None if "Any" in spec.source else frozenset(spec.source)


def _wrong_map(spec: MapSpec, kinds: frozenset[str]) -> Problem:
    ours, theirs = ", ".join(spec.source), ", ".join(sorted(kinds))
    return Problem(
        "LNT02",
        Text(
            f"Отображение «{spec.id}» — для {ours}, а применяется к {theirs}.",
            f"The map «{spec.id}» is for {ours}, and is applied to {theirs}.",
        ),
        Text("", ""),
    )
