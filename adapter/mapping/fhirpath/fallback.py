"""Expressions outside of the compiled subset run on fhirpathpy: slow, but by the same rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cache
from typing import Any

from adapter.errors import ExpressionError
from adapter.findings import Text
from adapter.mapping.fhirpath.code import Code, Env, items, shape
from adapter.mapping.fhirpath.moments import Moment
from adapter.mapping.fhirpath.navigation import same_url
from adapter.mapping.fhirpath.strings import plain_text


def interpreted(text: str, variables: Iterable[str]) -> Code:
    """The expression on fhirpathpy, which is loaded when it is first evaluated.

    Args:
        variables: the names that the expression reads.
    """
    wanted = tuple(variables)

    def value(item: Any, env: Env) -> Any:
        from fhirpathpy import apply_parsed_path

        evaluate: Any = apply_parsed_path  # without types
        given = {name: items(env[name]) for name in wanted if env.knows(name)}
        options = {"returnRawData": True, "userInvocationTable": dialect_functions(env)}
        try:
            found = evaluate(items(item), _parsed(text), given, _model(), options)
        except ExpressionError:
            raise
        except Exception as error:  # noqa: BLE001 # fhirpathpy raises bare Exception, with values in the message
            kind = type(error).__name__
            raise ExpressionError(
                Text(f"выражение не применимо к данным ({kind})", f"the expression does not fit the data ({kind})")
            ) from None
        return shape([_plain(one) for one in items(found)])

    return Code(value)


@cache
def _parsed(text: str) -> Any:
    from fhirpathpy import parser

    untyped: Any = parser.parse
    return untyped(text)


@cache
def _model() -> dict[str, Any]:
    """Types of R5, completed by those that only R4 has."""
    from fhirpathpy.models import models

    r4, r5 = models["r4"], models["r5"]
    merged: dict[str, Any] = {table: {**r4[table], **r5[table]} for table in r5}
    for path, kinds in r4["choiceTypePaths"].items():
        known = merged["choiceTypePaths"][path]
        merged["choiceTypePaths"][path] = [*known, *(kind for kind in kinds if kind not in known)]
    return merged


def dialect_functions(env: Env) -> dict[str, Any]:
    """The functions that we add or understand differently, as fhirpathpy takes them."""

    def resolve(found: list[Any]) -> list[Any]:
        graph = env.graph
        resolved = [graph.resolve(one) for one in found if isinstance(one, dict)] if graph else []
        return [one for one in resolved if one is not None]

    def one_of(_found: list[Any], name: str) -> list[Any]:
        return env.graph.of_type(name) if env.graph else []

    def extension(found: list[Any], url: str) -> list[Any]:
        listed = [one for host in found if isinstance(host, dict) for one in host.get("extension", ())]
        return [one for one in listed if same_url(url, one.get("url", ""))]

    def plain(found: list[Any]) -> list[Any]:
        texts = [plain_text(one) for one in found if isinstance(one, str)]
        return [one for one in texts if one is not None]

    def entry(fn: Callable[..., list[Any]], *arity: str) -> dict[str, Any]:
        return {"fn": fn, "arity": {len(arity): list(arity)}}

    return {
        "resolve": entry(resolve),
        "oneOf": entry(one_of, "String"),
        "extension": entry(extension, "String"),
        "plainText": entry(plain),
    }


def _plain(node: Any) -> Any:
    """A result of fhirpathpy as JSON has it; objects are those of the document."""
    from fhirpathpy.engine.nodes import FP_Quantity, FP_Type, ResourceNode

    value = node.data if isinstance(node, ResourceNode) else node
    if isinstance(value, FP_Quantity):
        return {"value": value.value, "unit": str(value.unit).strip("'")}
    if isinstance(value, FP_Type):
        return Moment(str(value))
    return Decimal(str(value)) if isinstance(value, float) else value
