"""What the functions made of maps call: the rare paths of a field, and variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from adapter.errors import ExpressionError, MappingError
from adapter.facts import Coding, Fact, Null
from adapter.findings import Finding, Place, Severity, Text
from adapter.mapping.absence import CONCEPT, reasons
from adapter.mapping.concepts import ConceptMap
from adapter.mapping.conversion import ConversionError
from adapter.mapping.converters import Converter
from adapter.mapping.fhirpath import Env
from adapter.mapping.fhirpath.inline import NAMES as EXPRESSIONS
from adapter.mapping.model import Field
from adapter.mapping.run import Run, Traced, path_of, shape_of
from adapter.xml import FORBIDDEN

#: From a run, the variables and a focus to a fact.
Closure = Callable[[Run, Env, Any], Any]

_NO_PLACE: Final = Text("В документе нет места для значения.", "The document has no place for the value.")


class Lets(Env):
    """Variables that are worked out when first asked for."""

    __slots__ = ("_focus", "_lets", "_open", "_run")

    def __init__(self, outer: Env, lets: Mapping[str, Closure], run: Run, focus: Any) -> None:
        self.graph, self.outer, self.index = outer.graph, outer, None
        self._lets, self._run, self._focus = lets, run, focus
        self._open: list[str] = []

    def __missing__(self, name: str) -> Any:
        let = self._lets.get(name)
        if let is None:
            return super().__missing__(name)
        if name in self._open:
            raise MappingError(Text(f"имя %{name} определено через себя", f"%{name} is defined through itself"))
        self._open.append(name)
        try:
            value = self[name] = let(self._run, self, self._focus)
        finally:
            # One that failed fails again where it is asked for again, for the same reason.
            self._open.remove(name)
        return value

    def knows(self, name: str) -> bool:
        return name in self._lets or super().knows(name)


def about(env: Env, focus: Any) -> Env:
    """The variables inside a focus: a resource is ``%resource``."""
    if focus.__class__ is dict and "resourceType" in focus:
        return env.inner({"resource": focus})
    return env


def implied(run: Run, env: Env, identifier: Any) -> Env:
    """The variables inside an identifier: what its system implies is ``%implied``."""
    return env.inner({"implied": run.identifiers.implied(identifier)})


def identifier_in(run: Run, kind: str, found: Any) -> Any:
    """The first identifier of a kind among some items: Identifiers, or what has them."""
    for item in found if found.__class__ is list else () if found is None else (found,):
        inner = item.get("identifier") if item.__class__ is dict and "value" not in item else item
        identifier = run.identifier(kind, inner)
        if identifier is not None:
            return identifier
    return None


def clean(run: Run, spec: Field, result: Any, focus: Any) -> Any:
    """What XML can carry; a text of blanks is nothing. Looks into what converters make: ids, quantities, facts."""
    if result.__class__ is Coding:
        # Of a book; one whose name is the sender's is a BorrowedCoding.
        return result
    if isinstance(result, str):
        # What can be printed has no control characters and is no blank but a space.
        if not result.isprintable() and FORBIDDEN.search(result):
            _forbidden(run, spec, focus)
            return None
        return result if result and not result.isspace() else None
    parts = result if isinstance(result, tuple) else result.__dict__.values() if isinstance(result, Fact) else ()
    for part in parts:
        if isinstance(part, str) and not part.isprintable() and FORBIDDEN.search(part):
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


def conversion(spec: Field, function: Converter, arguments: Mapping[str, Any]) -> Callable[[Run, Any], Any]:
    """A converter in a field."""

    def convert(run: Run, value: Any) -> Any:
        try:
            result = function(value, arguments, run)
        except ConversionError as error:
            result = error.result
            severity = Severity.ERROR if result is None else Severity.WARNING
            run.find(error.code, severity, spec, value, error.message, error.hint)
        return clean(run, spec, result, value)

    return convert


def translation(spec: Field, concept: ConceptMap) -> Callable[[Run, Any], Any]:
    """A concept map in a field."""

    def translate(run: Run, value: Any) -> Any:
        found = concept.translate(run, spec, value, value)
        return found if found.__class__ is Coding else clean(run, spec, found, value)

    return translate


def failed(run: Run, spec: Field, focus: Any, error: ExpressionError) -> None:
    """An expression does not fit the data."""
    run.find("MAP04", Severity.ERROR, spec, focus, error.text)


def ending(spec: Field, concepts: Mapping[str, ConceptMap]) -> Callable[[Run, Env, Any, int, Any], Any]:
    """What is done at the end of a field where something was found since ``before``, or nothing came."""
    absent = Null(spec.absent) if spec.absent else None
    reason = _reason(spec, concepts) if spec.given is not None else None

    def end(run: Run, env: Env, focus: Any, before: int, result: Any) -> Any:
        found = run.findings
        if len(found) > before:
            run.put_at(focus, spec, before)
        if result is not None and result != []:
            return result
        if reason is not None:
            flavor = reason(run, env, focus)
            if flavor is not None:
                # What the sender says of the absence stands in place of what was found amiss.
                del found[before:]
                return flavor
        if spec.required is not None and len(found) == before:
            _missing(run, spec, focus, spec.required)
        return [] if absent is None and spec.each else absent

    return end


def _missing(run: Run, spec: Field, focus: Any, severity: Severity) -> None:
    run.find(
        "MAP01",
        severity,
        spec,
        focus,
        Text(f"Нет обязательного значения «{spec.rule}».", f"The required value «{spec.rule}» has no source."),
        spec.advice(focus.get("resourceType", "") if isinstance(focus, dict) else ""),
    )


def _reason(spec: Field, concepts: Mapping[str, ConceptMap]) -> Closure:
    """The nullFlavor that the sender gives and the place takes, or ``None``."""
    given, why, concept = spec.given, reasons(spec), concepts[CONCEPT]
    # The reason stands in the Identifier, if the field says nothing else.
    in_identifier = spec.identifier and not (given and given.sources)
    flavors = given.flavors if given is not None else {}

    def reason(run: Run, env: Env, focus: Any) -> Null | None:
        at = _identified(run, env, spec, focus) if in_identifier else focus
        for expression in why:
            for value in expression.all(at, env):
                said = concept.translate(run, spec, value, at)
                if isinstance(said, Null) and said.flavor in flavors:
                    return Null(flavors[said.flavor])
        return None

    return reason


def _identified(run: Run, env: Env, spec: Field, focus: Any) -> Any:
    """The identifier of a field."""
    if not spec.sources:
        return run.identifier(spec.identifier, focus.get("identifier")) if isinstance(focus, dict) else None
    found = (identifier_in(run, spec.identifier, source.all(focus, env)) for source in spec.sources)
    return next((one for one in found if one is not None), None)


def drop(run: Run, env: Env, spec: Field, focus: Any) -> None:
    """A note where something is there that the fact has no place for."""
    try:
        items = spec.dropped.all(focus, env) if spec.dropped is not None else ()
    except ExpressionError as error:
        failed(run, spec, focus, error)
        return
    for item in items:
        place = Place(fhirpath=path_of(run.graph, item) or spec.place(path_of(run.graph, focus)))
        run.findings.append(Finding("MAP05", Severity.NOTE, _NO_PLACE, place=place, rule=spec.rule))


# -- traces -----------------------------------------------------------------------------------------


def enter(run: Run, spec: Field) -> int:
    """Begin a fact: its line of the trace will stand before those of the facts inside it."""
    assert run.trace is not None
    name = spec.rule.rpartition(".")[2]
    run.path.append(f".{name}" if run.path else name)
    return len(run.trace)


def leave(run: Run, env: Env, spec: Field, focus: Any, at: int, result: Any) -> None:
    """The fact is made, or absent."""
    assert run.trace is not None
    won, elements = ("", ()) if result is None else _origin(run, spec, env, focus)
    place = run.origins.path(focus) if isinstance(focus, dict) else ""
    if spec.rule.rpartition(".")[2].startswith("%") and not isinstance(result, str | bool | int):
        run.origins.note(result, elements)
    run.trace.insert(at, Traced("".join(run.path), spec.rule, place, won, spec.concept, shape_of(result), elements))
    run.path.pop()


def _origin(run: Run, spec: Field, env: Env, focus: Any) -> tuple[str, tuple[str, ...]]:
    """The alternative that gave a value, or the sort of source that has no expression; and the elements it read."""
    if spec.identifier:
        found = run.origins.path(_identified(run, env, spec, focus))
        return f"identifier: {spec.identifier}", (f"{found}.value",) if found else ()
    if spec.coding is not None:
        return f"coding: {'#'.join(spec.coding)}", ()
    if spec.constant is not None:
        return "constant", ()
    # Read again for the trace alone; a value came, so none of them up to the one that gave it can fail.
    for item in spec.sources:
        if item.all(focus, env):
            return item.text, run.origins.elements(item, focus, env)
    return "", ()


#: What every module of maps may name.
NAMES: Final[dict[str, Any]] = {
    **EXPRESSIONS,
    "ExpressionError": ExpressionError,
    "Fact": Fact,
    "Lets": Lets,
    "Null": Null,
    "about": about,
    "clean": clean,
    "drop": drop,
    "enter": enter,
    "failed": failed,
    "identifier_in": identifier_in,
    "implied": implied,
    "leave": leave,
}
