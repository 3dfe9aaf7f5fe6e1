"""Where the value of a field comes from, as closures: expressions, identifiers, every item of a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapter.mapping.fhirpath import Env
from adapter.mapping.model import Field
from adapter.mapping.run import Run

#: From a run, the variables and a focus to a fact.
Closure = Callable[[Run, Env, Any], Any]


def every_item(source: Closure, one: Closure) -> Closure:
    def every(run: Run, env: Env, focus: Any) -> Any:
        made = (one(run, env, item) for item in source(run, env, focus))
        return [item for item in made if item is not None]

    return every


def traced_every(source: Closure, one: Closure) -> Closure:
    """The same with the number of each item in the path of the trace."""

    def every(run: Run, env: Env, focus: Any) -> Any:
        made: list[Any] = []
        for item in source(run, env, focus):
            run.path.append(f"[{len(made)}]")
            value = one(run, env, item)
            run.path.pop()
            if value is not None:
                made.append(value)
        return made

    return every


def every_source(spec: Field) -> Closure:
    expressions = spec.sources

    def every(_run: Run, env: Env, focus: Any) -> list[Any]:
        for expression in expressions:
            values = expression.all(focus, env)
            if values:
                return values
        return []

    return every


def first_source(spec: Field) -> Closure:
    expressions = spec.sources
    if len(expressions) == 1:
        first = expressions[0].first
        return lambda _run, env, focus: first(focus, env)

    def alternatives(_run: Run, env: Env, focus: Any) -> Any:
        for expression in expressions:
            value = expression.first(focus, env)
            if value is not None:
                return value
        return None

    return alternatives


def identified(spec: Field) -> Closure:
    kind, sources = spec.identifier, spec.sources

    def find(run: Run, env: Env, focus: Any) -> Any:
        if not sources:
            return run.identifier(kind, focus.get("identifier")) if isinstance(focus, dict) else None
        for source in sources:
            for item in source.all(focus, env):
                inner = item.get("identifier") if isinstance(item, dict) and "value" not in item else item
                found = run.identifier(kind, inner)
                if found is not None:
                    return found
        return None

    return find
