"""Functions on strings and numbers and conversions (N1, 5.5 to 5.7)."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import lru_cache
from html import unescape
from typing import Any

from adapter.findings import Text
from adapter.mapping.fhirpath.code import NOTHING, Code, Env, boolean, items, mismatch, only, shape
from adapter.mapping.fhirpath.equality import exact, is_number
from adapter.mapping.fhirpath.moments import Moment, read
from adapter.mapping.fhirpath.operators import calculate
from adapter.mapping.fhirpath.site import BadArgument, Function, Site

_STRING = Text("строка", "a string")
_NUMBER = Text("число", "a number")
_WHOLE = Text("целое число", "an integer")
_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})
_INTEGER = re.compile(r"[+-]?\d+")
_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?")
_TAG = re.compile(r"<[^>]*>")

_TYPES: dict[type, tuple[Callable[[Any], bool], Text]] = {
    str: (lambda value: isinstance(value, str), _STRING),
    int: (lambda value: value.__class__ is int, _WHOLE),
}


def _function(apply: Callable[..., Any], *types: type, least: int | None = None) -> Function:
    """A function of one string; ``types`` of its arguments; empty where the string or an argument is empty."""

    def build(site: Site) -> Code:
        of = site.source.value
        arguments = [argument.value for argument in site.arguments]
        constants = [argument.literal for argument in site.arguments]
        if arguments and all(isinstance(*pair) for pair in zip(constants, types, strict=False)):
            return _with_constants(site, apply, constants)

        def value(item: Any, env: Env) -> Any:
            text = _string(site, of(item, env))
            given = [_argument(site, one(item, env), kind) for one, kind in zip(arguments, types, strict=False)]
            return None if text is None or None in given else apply(text, *given)

        return Code(value)

    return Function(len(types) if least is None else least, len(types), build)


def _with_constants(site: Site, apply: Callable[..., Any], constants: list[Any]) -> Code:
    of = site.source.value

    def value(item: Any, env: Env) -> Any:
        text = of(item, env)
        if text.__class__ is not str:
            text = _string(site, text)
        return None if text is None else apply(text, *constants)

    return Code(value)


def _string(site: Site, value: Any) -> str | None:
    return single_string(value, site.name)


def single_string(value: Any, what: str) -> str | None:
    """A collection as one string or ``None``.

    Raises:
        ExpressionError: it is something else; ``what`` is named.
    """
    one = only(value, what)
    if one is None or isinstance(one, str):
        return one
    raise mismatch(what, _STRING)


def _argument(site: Site, value: Any, kind: type) -> Any:
    one = site.one(value)
    if one is None:
        return None
    fits, expected = _TYPES[kind]
    if not fits(one):
        raise mismatch(site.name, expected)
    return one


def _substring(text: str, start: int, length: int | None = None) -> str | None:
    if not 0 <= start < len(text):
        return None
    return text[start:] if length is None else text[start : start + max(length, 0)]


def _split(text: str, separator: str) -> Any:
    return shape(text.split(separator) if separator else list(text))


def _matches(site: Site) -> Code:
    return _regex(site, lambda pattern, text: pattern.search(text) is not None)


def _replace_matches(site: Site) -> Code:
    target = site.arguments[1].value

    def replace(pattern: re.Pattern[str], text: str, item: Any, env: Env) -> str | None:
        to = _argument(site, target(item, env), str)
        return None if to is None else pattern.sub(replacement(to), text)

    return _regex_with(site, replace)


@lru_cache(maxsize=256)
def replacement(text: str) -> str:
    """What ``replaceMatches`` writes, as Python has it: ``$1`` is a group."""
    return re.sub(r"\\?\$(\d)", r"\\g<\1>", text.replace("\\", r"\\"))


def _regex(site: Site, apply: Callable[[re.Pattern[str], str], Any]) -> Code:
    return _regex_with(site, lambda pattern, text, _item, _env: apply(pattern, text))


def _regex_with(site: Site, apply: Callable[[re.Pattern[str], str, Any, Env], Any]) -> Code:
    of, expression = site.source.value, site.arguments[0].value
    constant = site.constant(0)
    known = None if constant is NOTHING else _pattern(site, constant)

    def value(item: Any, env: Env) -> Any:
        text = _string(site, of(item, env))
        pattern = known or _pattern(site, _argument(site, expression(item, env), str))
        return None if text is None or pattern is None else apply(pattern, text, item, env)

    return Code(value)


def regex(text: str) -> re.Pattern[str]:
    """A regular expression of FHIRPath: ``.`` is any character (N1, 5.6.10)."""
    return re.compile(text, re.DOTALL)


def _pattern(site: Site, text: Any) -> re.Pattern[str] | None:
    if text is None:
        return None
    try:
        return regex(text)
    except (re.error, TypeError) as error:
        at = site.node.arguments[0].at
        why = error.msg if isinstance(error, re.error) else "string expected"
        raise BadArgument(at, Text(f"не регулярное выражение: {why}", f"no regular expression: {why}")) from error


def _join(site: Site) -> Code:
    of = site.source.value
    separator = site.arguments[0].value if site.arguments else None

    def value(item: Any, env: Env) -> str | None:
        between = "" if separator is None else _argument(site, separator(item, env), str)
        found = items(of(item, env))
        if not found or between is None:
            return None
        if not all(isinstance(one, str) for one in found):
            raise mismatch(site.name, _STRING)
        return str(between.join(found))

    return Code(value)


def to_string(value: Any) -> str | None:
    """``toString()`` of one item; ``None`` for an object."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str(value)
    return format(exact(value), "f") if is_number(value) else None


def _to_integer(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value) else None
    if isinstance(value, bool) or not is_number(value):
        return int(value) if isinstance(value, bool) else None
    return int(value) if value == int(value) else None


def _to_decimal(value: Any) -> Decimal | None:
    if isinstance(value, str):
        return Decimal(value) if _DECIMAL.fullmatch(value) else None
    return Decimal(exact(value)) if isinstance(value, bool) or is_number(value) else None


def _to_boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = to_string(value)
    if word is None:
        return None
    return True if word.lower() in _TRUE else False if word.lower() in _FALSE else None


def _to_date(value: Any) -> Moment | None:
    parts = read(value) if isinstance(value, str) else None
    return None if parts is None or parts.clock_only else Moment(value.partition("T")[0])


def _to_date_time(value: Any) -> Moment | None:
    parts = read(value) if isinstance(value, str) else None
    return None if parts is None or parts.clock_only else Moment(value)


def _to_time(value: Any) -> Moment | None:
    parts = read(value) if isinstance(value, str) else None
    return Moment(value) if parts is not None and parts.clock_only else None


def _conversion(convert: Callable[[Any], Any]) -> Function:
    def build(site: Site) -> Code:
        of = site.source.value

        def value(item: Any, env: Env) -> Any:
            one = site.one(of(item, env))
            return None if one is None else convert(one)

        return Code(value)

    return Function(0, 0, build)


def _convertible(convert: Callable[[Any], Any]) -> Function:
    def build(site: Site) -> Code:
        of = site.source.value

        def truth(item: Any, env: Env) -> bool | None:
            one = site.one(of(item, env))
            return None if one is None else convert(one) is not None

        return boolean(truth)

    return Function(0, 0, build)


def _math(apply: Callable[[Decimal], Decimal | int]) -> Function:
    def convert(site: Site) -> Code:
        of = site.source.value

        def value(item: Any, env: Env) -> Any:
            number = _number(site, of(item, env))
            return None if number is None else calculate(apply, number)

        return Code(value)

    return Function(0, 0, convert)


def _number(site: Site, value: Any) -> Any:
    number = site.one(value)
    if number is not None and not is_number(number):
        raise mismatch(site.name, _NUMBER)
    return exact(number)


def _rounding(mode: str) -> Function:
    return _math(lambda number: int(Decimal(number).to_integral_value(mode)))


def _round(site: Site) -> Code:
    of = site.source.value
    places = site.arguments[0].value if site.arguments else None

    def value(item: Any, env: Env) -> Any:
        number = _number(site, of(item, env))
        digits = 0 if places is None else _argument(site, places(item, env), int)
        if number is None or digits is None:
            return None
        return calculate(lambda: Decimal(number).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))

    return Code(value)


def plain_text(xhtml: str) -> str | None:
    """The text of a narrative (``text.div``): no tags, entities resolved; nothing where it is blank."""
    text = unescape(_TAG.sub(" ", xhtml))
    # Other white characters (a no-break space) belong to the text.
    return text.strip(" \t\r\n") if text.strip() else None


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "String": to_string,
    "Integer": _to_integer,
    "Decimal": _to_decimal,
    "Boolean": _to_boolean,
    "Date": _to_date,
    "DateTime": _to_date_time,
    "Time": _to_time,
}

FUNCTIONS: dict[str, Function] = {
    "startsWith": _function(str.startswith, str),
    "endsWith": _function(str.endswith, str),
    "contains": _function(lambda text, part: part in text, str),
    "indexOf": _function(str.find, str),
    "substring": _function(_substring, int, int, least=1),
    "replace": _function(str.replace, str, str),
    "split": _function(_split, str),
    "length": _function(len),
    "lower": _function(str.lower),
    "upper": _function(str.upper),
    "trim": _function(str.strip),
    "plainText": _function(plain_text),
    "toChars": _function(lambda text: shape(list(text))),
    "matches": Function(1, 1, _matches),
    "replaceMatches": Function(2, 2, _replace_matches),
    "join": Function(0, 1, _join),
    "abs": _math(abs),
    "ceiling": _rounding(ROUND_CEILING),
    "floor": _rounding(ROUND_FLOOR),
    "truncate": _rounding(ROUND_DOWN),
    "round": Function(0, 1, _round),
    **{f"to{name}": _conversion(convert) for name, convert in _CONVERSIONS.items()},
    **{f"convertsTo{name}": _convertible(convert) for name, convert in _CONVERSIONS.items()},
}
