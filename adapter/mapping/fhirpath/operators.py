"""Operators: closures for ``=``, ``and``, ``|``, ``+`` and the others."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from adapter.findings import Text
from adapter.mapping.fhirpath.code import (
    NOTHING,
    Code,
    Env,
    Truth,
    Value,
    boolean,
    constant,
    items,
    mismatch,
    only,
    shape,
)
from adapter.mapping.fhirpath.equality import (
    contains,
    equal_collections,
    equivalent_collections,
    exact,
    is_number,
    order,
    unique,
)
from adapter.mapping.fhirpath.moments import Moment

_NUMBERS = Text("числа", "numbers")
_SUMMANDS = Text("два числа или две строки", "two numbers or two strings")
_STRING = Text("строка", "a string")


def equals(left: Code, right: Code) -> Code:
    """``=``"""
    if _plain_string(right.literal):
        return boolean(_equals_string(left, right.literal))
    if _plain_string(left.literal):
        return boolean(_equals_string(right, left.literal))
    one, other = left.value, right.value
    return boolean(lambda item, env: equal_collections(one(item, env), other(item, env)))


def _plain_string(literal: Any) -> bool:
    return isinstance(literal, str) and not isinstance(literal, Moment)


def _equals_string(operand: Code, wanted: str) -> Truth:
    of, name = operand.value, operand.member

    def of_any(item: Any, env: Env) -> bool | None:
        found = of(item, env)
        return found == wanted if found.__class__ is str else equals_word(found, wanted)

    def of_member(item: Any, env: Env) -> bool | None:
        if item.__class__ is dict:
            found = item.get(name)
            if found.__class__ is str:
                return bool(found == wanted)
        return equals_word(of(item, env), wanted)

    return of_any if name is None else of_member


def equals_word(found: Any, wanted: str) -> bool | None:
    """Whether a collection is one string that is no date."""
    if found.__class__ is list:
        return (len(found) == 1 and found[0] == wanted) if found else None
    return None if found is None else bool(found == wanted)


def differs(left: Code, right: Code) -> Code:
    """``!=``"""
    same = equals(left, right).truth

    def truth(item: Any, env: Env) -> bool | None:
        verdict = same(item, env)
        return None if verdict is None else not verdict

    return boolean(truth)


def like(left: Code, right: Code) -> Code:
    """``~``"""
    one, other = left.value, right.value
    return boolean(lambda item, env: equivalent_collections(one(item, env), other(item, env)))


def unlike(left: Code, right: Code) -> Code:
    """``!~``"""
    one, other = left.value, right.value
    return boolean(lambda item, env: not equivalent_collections(one(item, env), other(item, env)))


def _ordering(op: str, accepts: Callable[[int], bool]) -> Callable[[Code, Code], Code]:
    def build(left: Code, right: Code) -> Code:
        one, other = left.value, right.value

        def truth(item: Any, env: Env) -> bool | None:
            first, second = only(one(item, env), op), only(other(item, env), op)
            if first is None or second is None:
                return None
            verdict = order(first, second, op)
            return None if verdict is None else accepts(verdict)

        return boolean(truth)

    return build


def both(left: Code, right: Code) -> Code:
    """``and``"""
    one, other = left.truth, right.truth

    def truth(item: Any, env: Env) -> bool | None:
        first = one(item, env)
        if first is False:
            return False
        second = other(item, env)
        return second if first or second is False else None

    return boolean(truth)


def either(left: Code, right: Code) -> Code:
    """``or``"""
    one, other = left.truth, right.truth

    def truth(item: Any, env: Env) -> bool | None:
        first = one(item, env)
        if first:
            return True
        second = other(item, env)
        return second if first is False or second else None

    return boolean(truth)


def one_of_both(left: Code, right: Code) -> Code:
    """``xor``"""
    one, other = left.truth, right.truth

    def truth(item: Any, env: Env) -> bool | None:
        first, second = one(item, env), other(item, env)
        return None if first is None or second is None else first is not second

    return boolean(truth)


def implies(left: Code, right: Code) -> Code:
    """``implies``"""
    one, other = left.truth, right.truth

    def truth(item: Any, env: Env) -> bool | None:
        first = one(item, env)
        if first is False:
            return True
        second = other(item, env)
        return second if first or second else None

    return boolean(truth)


def is_in(left: Code, right: Code) -> Code:
    """``in``"""
    one, other = left.value, right.value
    words = frozenset(items(right.literal) if right.literal is not NOTHING else ())
    if words and all(map(_plain_string, words)):
        return boolean(_in_words(one, words))

    def truth(item: Any, env: Env) -> bool | None:
        wanted = only(one(item, env), "in")
        return None if wanted is None else contains(items(other(item, env)), wanted)

    return boolean(truth)


def _in_words(one: Value, words: frozenset[str]) -> Truth:
    return lambda item, env: in_words(one(item, env), words)


def in_words(wanted: Any, words: frozenset[str]) -> bool | None:
    """Whether a collection is one of some strings."""
    if wanted.__class__ is not str:
        wanted = only(wanted, "in")
    return None if wanted is None else isinstance(wanted, str) and wanted in words


def has(left: Code, right: Code) -> Code:
    """``contains``"""
    return is_in(right, left)


def union(left: Code, right: Code) -> Code:
    """``|``: the items of both, without repetitions."""
    one, other = left.value, right.value
    if left.literal is not NOTHING and right.literal is not NOTHING:
        return constant(shape(unique(items(left.literal) + items(right.literal))))
    return Code(lambda item, env: joined(one(item, env), other(item, env)))


def joined(one: Any, other: Any) -> Any:
    """The items of two collections, without repetitions."""
    return shape(unique(items(one) + items(other)))


def concatenate(left: Code, right: Code) -> Code:
    """``&``: like ``+`` of strings, but an empty operand is an empty string."""
    one, other = left.value, right.value

    def value(item: Any, env: Env) -> str:
        return _string(one(item, env)) + _string(other(item, env))

    return Code(value, first=value)


def _string(found: Any) -> str:
    text = only(found, "&")
    if text is None:
        return ""
    if not isinstance(text, str):
        raise mismatch("&", _STRING)
    return text


def calculate(apply: Callable[..., Any], *numbers: Any) -> Any:
    """A result, empty where it cannot be represented (N1, 6.6)."""
    try:
        return apply(*numbers)
    except ArithmeticError:
        return None


def _arithmetic(op: str, apply: Callable[[Any, Any], Any]) -> Callable[[Code, Code], Code]:
    def build(left: Code, right: Code) -> Code:
        one, other = left.value, right.value

        def value(item: Any, env: Env) -> Any:
            first, second = only(one(item, env), op), only(other(item, env), op)
            if first is None or second is None:
                return None
            if is_number(first) and is_number(second):
                return calculate(apply, exact(first), exact(second))
            if op == "+" and isinstance(first, str) and isinstance(second, str):
                return first + second
            raise mismatch(op, _SUMMANDS if op == "+" else _NUMBERS)

        return Code(value, first=value)

    return build


def _quotient(left: Any, right: Any) -> Decimal | None:
    return Decimal(left) / Decimal(right) if right else None


def _whole_quotient(left: Any, right: Any) -> int | None:
    return int(Decimal(left) // Decimal(right)) if right else None


def _remainder(left: Any, right: Any) -> Any:
    if not right:
        return None
    # Decimal truncates, as FHIRPath's div does; int of Python rounds down.
    rest = Decimal(left) % Decimal(right)
    return int(rest) if isinstance(left, int) and isinstance(right, int) else rest


def signed(op: str, operand: Code) -> Code:
    """``-x``, ``+x``"""
    if is_number(operand.literal):
        return constant(-operand.literal if op == "-" else operand.literal)
    of = operand.value

    def value(item: Any, env: Env) -> Any:
        number = only(of(item, env), op)
        if number is None:
            return None
        if not is_number(number):
            raise mismatch(op, _NUMBERS)
        return -number if op == "-" else number

    return Code(value, first=value)


OPERATORS: dict[str, Callable[[Code, Code], Code]] = {
    "=": equals,
    "!=": differs,
    "~": like,
    "!~": unlike,
    "<": _ordering("<", lambda verdict: verdict < 0),
    "<=": _ordering("<=", lambda verdict: verdict <= 0),
    ">": _ordering(">", lambda verdict: verdict > 0),
    ">=": _ordering(">=", lambda verdict: verdict >= 0),
    "and": both,
    "or": either,
    "xor": one_of_both,
    "implies": implies,
    "in": is_in,
    "contains": has,
    "|": union,
    "&": concatenate,
    "+": _arithmetic("+", lambda left, right: left + right),
    "-": _arithmetic("-", lambda left, right: left - right),
    "*": _arithmetic("*", lambda left, right: left * right),
    "/": _arithmetic("/", _quotient),
    "div": _arithmetic("div", _whole_quotient),
    "mod": _arithmetic("mod", _remainder),
}
