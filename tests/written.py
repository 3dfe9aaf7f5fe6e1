"""Expressions as the lines that the functions of maps have of them, beside their closures."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from adapter.errors import ExpressionError
from adapter.findings import Text
from adapter.mapping.fhirpath import Env, compile_expression
from adapter.mapping.fhirpath.code import items
from adapter.mapping.fhirpath.inline import NAMES, Inliner
from adapter.mapping.writer import Writer


class Written(NamedTuple):
    """The three forms of an expression."""

    value: Callable[..., Any]
    first: Callable[..., Any]
    truth: Callable[..., Any]


@cache
def written_out(text: str) -> Written:
    """An expression as functions of its lines."""
    writer = Writer(NAMES)
    for form in Written._fields:
        with writer.block(f"def {form}(focus, env):"):
            result = getattr(Inliner(writer, compile_expression(text), "env"), form)("focus")
            writer.line(f"return {result}")
    made = writer.functions(f"<{text}>")
    return Written(*(made[form] for form in Written._fields))


def same_as_written_out(text: str, focus: Any, env: Env) -> None:
    """The lines give what the closures give, errors included."""
    compiled, lines = compile_expression(text), written_out(text)
    value = _outcome(lines.value, focus, env)
    assert _same(value if isinstance(value, Text) else items(value), _outcome(compiled.all, focus, env))
    assert _same(_outcome(lines.first, focus, env), _outcome(compiled.first, focus, env))
    truth = _outcome(lines.truth, focus, env)
    assert _same(truth if isinstance(truth, Text) else truth is True, _outcome(compiled.truth, focus, env))


def _outcome(run: Callable[..., Any], *arguments: Any) -> Any:
    """What comes out, or the text of the error."""
    try:
        return run(*arguments)
    except ExpressionError as error:
        return error.text


def _same(left: Any, right: Any) -> bool:
    """Whether two results are the same: objects are those of the document, since references go by identity."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return left is right if isinstance(left, dict) else type(left) is type(right) and left == right
