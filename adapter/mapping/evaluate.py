"""Mappings → closures: each field is one function from a focus to a fact, made once and called often."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from adapter.errors import ExpressionError, MappingError
from adapter.facts import Coding, Fact, Null
from adapter.findings import Finding, Place, Severity, Text
from adapter.mapping.absence import CONCEPT, reasons
from adapter.mapping.concepts import ConceptMap
from adapter.mapping.conversion import ConversionError
from adapter.mapping.converters import CONVERTERS
from adapter.mapping.fhirpath import Env, Expression
from adapter.mapping.model import Field, MapSpec
from adapter.mapping.outer import outer
from adapter.mapping.run import Run, Traced, path_of, shape_of
from adapter.mapping.sources import Closure, every_item, every_source, first_source, identified, traced_every
from adapter.xml import FORBIDDEN

#: Variables that are the same wherever a map is used, ``%resource`` given.
_EVERYWHERE: Final = frozenset({"bundle", "org", "number", "resource"})
_NO_PLACE: Final = Text("В документе нет места для значения.", "The document has no place for the value.")


class Compiler:
    """Compiles the maps of a catalogue.

    Args:
        maps: maps by id.
        concepts: concept maps by id.
        traced: closures record how each fact came about; slower.
    """

    def __init__(self, maps: Mapping[str, MapSpec], concepts: Mapping[str, ConceptMap], *, traced: bool) -> None:
        self._maps = maps
        self._concepts = concepts
        self._traced = traced
        self._compiled: dict[str, Closure] = {}

    def map(self, spec: MapSpec) -> Closure:
        """The function of a map: a focus to a :class:`Fact`."""
        return self._facts(spec.let, spec.fields)

    def _used(self, name: str) -> Closure:
        """The function of a map that is used; made when first called, because maps may use each other."""
        compiled = self._compiled

        def use(run: Run, env: Env, focus: Any) -> Any:
            closure = compiled.get(name)
            if closure is None:
                spec = self._maps[name]
                closure = self.map(spec)
                if not self._traced and outer(spec, self._maps) <= _EVERYWHERE:
                    closure = _once(name, closure)
                compiled[name] = closure
            return closure(run, env, focus)

        return use

    def _facts(self, let: Mapping[str, Field], fields: Mapping[str, Field]) -> Closure:
        lets = [(name, self.field(spec)) for name, spec in let.items()]
        parts = [(name, self.field(spec)) for name, spec in fields.items()]

        def facts(run: Run, env: Env, focus: Any) -> Fact:
            if lets:
                env = _with_lets(lets, run, env, focus)
            return Fact({name: part(run, env, focus) for name, part in parts})

        return facts

    def field(self, spec: Field) -> Closure:
        """The function of a field."""
        value = self._guarded(spec, self._converted(spec))
        if not spec.let:
            return value
        lets = [(name, self.field(part)) for name, part in spec.let.items()]
        return lambda run, env, focus: value(run, _with_lets(lets, run, env, focus), focus)

    def _guarded(self, spec: Field, value: Closure) -> Closure:
        """Around the value: the condition before, the obligation after."""
        when = spec.when
        nothing: list[Any] | None = [] if spec.each else None
        absent = Null(spec.absent) if spec.absent else nothing
        required = spec.required
        reason = self._reason(spec) if spec.given is not None else None

        def guarded(run: Run, env: Env, focus: Any) -> Any:
            before = len(run.findings)
            try:
                if when is not None and not when.truth(focus, env):
                    return nothing
                result = value(run, env, focus)
            except ExpressionError as error:
                run.find("MAP04", Severity.ERROR, spec, focus, error.text)
                result = None
            if len(run.findings) > before:
                run.put_at(focus, spec, before)
            if result is None or result == []:
                if reason is not None:
                    flavor = reason(run, env, focus)
                    if flavor is not None:
                        # What the sender says of the absence stands in place of what was found amiss.
                        del run.findings[before:]
                        return flavor
                if required is not None and len(run.findings) == before:
                    _missing(run, spec, focus, required)
                result = absent
            return result

        whole = guarded if spec.dropped is None else _reporting(spec, spec.dropped, guarded)
        return _tracing(spec, whole) if self._traced else whole

    def _reason(self, spec: Field) -> Closure:
        """The nullFlavor that the sender gives and the place takes, or ``None``."""
        given, why, concept = spec.given, reasons(spec), self._concepts[CONCEPT]
        identifier = identified(spec) if spec.identifier and not (given and given.sources) else None
        flavors = given.flavors if given is not None else {}

        def reason(run: Run, env: Env, focus: Any) -> Null | None:
            at = identifier(run, env, focus) if identifier else focus
            for expression in why:
                for value in expression.all(at, env):
                    said = concept.translate(run, spec, value, at)
                    if isinstance(said, Null) and said.flavor in flavors:
                        return Null(flavors[said.flavor])
            return None

        return reason

    def _converted(self, spec: Field) -> Closure:
        """Source, then map or nested fields, then concept, then converters."""
        one = self._one(spec)
        source = self._source(spec)
        if source is None:
            return one
        if spec.each:
            return traced_every(source, one) if self._traced else every_item(source, one)

        def single(run: Run, env: Env, focus: Any) -> Any:
            item = source(run, env, focus)
            return None if item is None else one(run, env, item)

        return single

    @staticmethod
    def _source(spec: Field) -> Closure | None:
        """Where the value comes from; ``None`` where it is the focus itself."""
        if spec.constant is not None:
            return lambda _run, _env, _focus: spec.constant
        if spec.coding is not None:
            system, code = spec.coding
            return lambda run, _env, _focus: run.terms.coding(system, code)
        if spec.identifier:
            return identified(spec)
        if not spec.sources:
            return None
        return every_source(spec) if spec.each else first_source(spec)

    def _one(self, spec: Field) -> Closure:
        """What is done with one value."""
        steps: list[Closure] = []
        if spec.use:
            steps.append(_focused(self._used(spec.use)))
        if spec.fields:
            nested = self._facts({}, spec.fields)
            steps.append(_focused(_with_implied(nested) if spec.identifier else nested))
        if spec.concept:
            concept = self._concepts[spec.concept]
            steps.append(lambda run, _env, value: _clean(run, spec, concept.translate(run, spec, value, value), value))
        steps.extend(_conversion(spec, item.name, item.arguments) for item in spec.converters)
        if not steps:
            return _plain(spec)
        if len(steps) == 1:
            return steps[0]

        def chain(run: Run, env: Env, value: Any) -> Any:
            for step in steps:
                value = step(run, env, value)
                if value is None or isinstance(value, Null):
                    return value
            return value

        return chain


def _once(name: str, closure: Closure) -> Closure:
    """The facts of a focus made once in a run; again where something was found, so that each use tells it."""

    def once(run: Run, env: Env, focus: Any) -> Any:
        resource = env.variables["resource"]
        key = name, id(focus), id(resource)
        kept = run.made.get(key)
        if kept is not None:
            return kept[0]
        before = len(run.findings)
        facts = closure(run, env, focus)
        if len(run.findings) == before:
            # Both are kept as well: while they live, nothing else has their identity.
            run.made[key] = facts, focus, resource
        return facts

    return once


def _with_lets(lets: list[tuple[str, Closure]], run: Run, env: Env, focus: Any) -> Env:
    """Variables with names that are worked out when first asked for."""
    variables = dict(env.variables)
    inner = Env(variables, env.graph)
    for name, closure in lets:
        variables[name] = _lazy(name, closure, run, inner, focus)
    return inner


def _lazy(name: str, closure: Closure, run: Run, env: Env, focus: Any) -> Callable[[], Any]:
    done: list[Any] = []
    open_ = False

    def value() -> Any:
        nonlocal open_
        if not done:
            if open_:
                raise MappingError(Text(f"имя %{name} определено через себя", f"%{name} is defined through itself"))
            open_ = True
            done.append(closure(run, env, focus))
        return done[0]

    return value


def _focused(closure: Closure) -> Closure:
    """A map applied to a resource makes it ``%resource``."""

    def focused(run: Run, env: Env, value: Any) -> Any:
        if isinstance(value, dict) and "resourceType" in value:
            env = Env({**env.variables, "resource": value}, env.graph)
        return closure(run, env, value)

    return focused


def _with_implied(closure: Closure) -> Closure:
    """Nested fields of an identifier see what its system implies as ``%implied``."""

    def implied(run: Run, env: Env, value: Any) -> Any:
        env = Env({**env.variables, "implied": run.identifiers.implied(value)}, env.graph)
        return closure(run, env, value)

    return implied


def _plain(spec: Field) -> Closure:
    """A value that becomes a fact as it is."""
    return lambda run, _env, value: _clean(run, spec, value, value) if isinstance(value, str) else value


def _conversion(spec: Field, name: str, arguments: Mapping[str, Any]) -> Closure:
    function = CONVERTERS[name]

    def convert(run: Run, env: Env, value: Any) -> Any:
        try:
            result = function(value, arguments, run)
        except ConversionError as error:
            result = error.result
            severity = Severity.ERROR if result is None else Severity.WARNING
            run.find(error.code, severity, spec, value, error.message, error.hint)
        return _clean(run, spec, result, value)

    return convert


def _clean(run: Run, spec: Field, result: Any, focus: Any) -> Any:
    """What XML can carry; a text of blanks is nothing. Looks into what converters make: ids, quantities, facts."""
    if result.__class__ is Coding:
        # Of a book; one whose name is the sender's is a BorrowedCoding.
        return result
    if isinstance(result, str):
        if FORBIDDEN.search(result):
            _forbidden(run, spec, focus)
            return None
        return result if result.strip() else None
    parts = result if isinstance(result, tuple) else result.__dict__.values() if isinstance(result, Fact) else ()
    if any(isinstance(part, str) and FORBIDDEN.search(part) for part in parts):
        _forbidden(run, spec, focus)
        return None
    return result


def _forbidden(run: Run, spec: Field, focus: Any) -> None:
    run.find(
        "MAP04",
        Severity.ERROR,
        spec,
        focus,
        Text("В тексте есть символы, недопустимые в XML.", "The text has characters that XML cannot carry."),
        Text("Уберите управляющие символы.", "Take the control characters out."),
    )


def _missing(run: Run, spec: Field, focus: Any, severity: Severity) -> None:
    run.find(
        "MAP01",
        severity,
        spec,
        focus,
        Text(f"Нет обязательного значения «{spec.rule}».", f"The required value «{spec.rule}» has no source."),
        spec.advice(focus.get("resourceType", "") if isinstance(focus, dict) else ""),
    )


def _reporting(spec: Field, dropped: Expression, closure: Closure) -> Closure:
    """Around a field: a note where something is there that the fact has no place for."""

    def reporting(run: Run, env: Env, focus: Any) -> Any:
        for item in dropped.all(focus, env):
            place = Place(fhirpath=path_of(run.graph, item) or spec.place(path_of(run.graph, focus)))
            run.findings.append(Finding("MAP05", Severity.NOTE, _NO_PLACE, place=place, rule=spec.rule))
        return closure(run, env, focus)

    return reporting


def _tracing(spec: Field, closure: Closure) -> Closure:
    """Around a field: a line of the trace, before the lines of the facts inside it."""
    name = spec.rule.rpartition(".")[2]

    def tracing(run: Run, env: Env, focus: Any) -> Any:
        if run.trace is None:
            return closure(run, env, focus)
        run.path.append(f".{name}" if run.path else name)
        at = len(run.trace)
        result = closure(run, env, focus)
        won = "" if result is None else _origin(spec, env, focus)
        path = "".join(run.path)
        line = Traced(path, spec.rule, path_of(run.graph, focus), won, spec.concept, shape_of(result))
        run.trace.insert(at, line)
        run.path.pop()
        return result

    return tracing


def _origin(spec: Field, env: Env, focus: Any) -> str:
    """The alternative that gave a value, or the sort of source that has no expression."""
    if spec.identifier:
        return f"identifier: {spec.identifier}"
    if spec.coding is not None:
        return f"coding: {'#'.join(spec.coding)}"
    if spec.constant is not None:
        return "constant"
    # Read again for the trace alone; a value came, so none of them up to the one that gave it can fail.
    return next((item.text for item in spec.sources if item.all(focus, env)), "")
