"""Access to elements: closures for ``name``, ``name.given``, ``value`` and ``x[0]``."""

from __future__ import annotations

from typing import Any

from adapter.findings import Text
from adapter.mapping.fhirpath.choices import CHOICES
from adapter.mapping.fhirpath.code import Code, Env, Value, items, mismatch, only, shape

_ABSTRACT = frozenset({"Resource", "DomainResource"})
_NOT_DOMAIN = frozenset({"Bundle", "Parameters", "Binary"})
_SPELLINGS = {name: frozenset(names) for name, names in CHOICES.items()}
_WHOLE = Text("целое число", "an integer")


def focus() -> Code:
    """``$this``"""
    return Code(lambda item, _env: item, first=lambda item, _env: item)


def root_member(name: str) -> Code:
    """``name`` of the focus; a leading type name is the focus itself where it is of that type."""
    if name[:1].isupper():
        return Code(_typed(name))
    if name in CHOICES:
        return Code(_choice(name))

    def value(item: Any, _env: Env) -> Any:
        if item.__class__ is dict:
            found = item.get(name)
            return present(found) if found.__class__ is list else found
        return spread(item, name) if item.__class__ is list else None

    def first(item: Any, env: Env) -> Any:
        found = value(item, env) if item.__class__ is not dict else item.get(name)
        if found.__class__ is list:
            return next((one for one in found if one is not None), None)
        return found

    return Code(value, first=first, member=name)


def _typed(name: str) -> Value:
    def value(item: Any, _env: Env) -> Any:
        return item if is_resource(item, name) else None

    return value


def is_resource(item: Any, name: str) -> bool:
    """Whether an item is a resource of the type, or of a type derived from it."""
    kind = item.get("resourceType") if isinstance(item, dict) else None
    if kind is None or kind == name:
        return kind is not None
    return name in _ABSTRACT and (name == "Resource" or kind not in _NOT_DOMAIN)


def _choice(name: str) -> Value:
    def value(item: Any, _env: Env) -> Any:
        if item.__class__ is dict:
            return get(item, name)
        return spread(item, name) if item.__class__ is list else None

    return value


def of_type(found: Any, name: str) -> Any:
    """The resources of a type among some items."""
    return shape([one for one in items(found) if is_resource(one, name)])


def _any_of(item: dict[str, Any], known: frozenset[str]) -> Any:
    for key, value in item.items():
        if key in known:
            return value
    return None


def present(found: list[Any]) -> list[Any]:
    """A list of JSON without the nulls that keep the place of primitives without a value."""
    return [item for item in found if item is not None] if None in found else found


def get(item: dict[str, Any], name: str) -> Any:
    """The element of one object, in its cheapest shape."""
    found = item.get(name)
    if found is None:
        return _any_of(item, _SPELLINGS[name]) if name in _SPELLINGS else None
    return present(found) if found.__class__ is list else found


def spread(found: list[Any], name: str) -> Any:
    """The element of every object of a list."""
    result: list[Any] = []
    spellings = _SPELLINGS.get(name)
    for item in found:
        if item.__class__ is dict:
            value = item.get(name)
            if value is None and spellings is not None:
                value = _any_of(item, spellings)
            if value.__class__ is list:
                result += present(value)
            elif value is not None:
                result.append(value)
    return shape(result)


def member(source: Code, name: str) -> Code:
    """``source.name``"""
    of = source.value
    if name in CHOICES:
        return Code(_stepwise(of, name))

    def value(item: Any, env: Env) -> Any:
        found = of(item, env)
        if found.__class__ is dict:
            inner = found.get(name)
            return present(inner) if inner.__class__ is list else inner
        return spread(found, name) if found.__class__ is list else None

    return Code(value)


def _stepwise(of: Value, name: str) -> Value:
    def value(item: Any, env: Env) -> Any:
        found = of(item, env)
        if found.__class__ is dict:
            return get(found, name)
        return spread(found, name) if found.__class__ is list else None

    return value


def chain(names: tuple[str, ...]) -> Code:
    """``a.b.c`` of the focus, without a call for each step; none of the names is one of several types or a type."""

    def value(item: Any, _env: Env) -> Any:
        for name in names:
            if item.__class__ is dict:
                item = item.get(name)
            elif item.__class__ is list:
                item = spread(item, name)
            else:
                return None
        return present(item) if item.__class__ is list else item

    return Code(value, first=_first_of_chain(names))


def _first_of_chain(names: tuple[str, ...]) -> Value:
    depth = len(names)

    def descend(item: Any, at: int) -> Any:
        while at < depth:
            if item.__class__ is dict:
                item = item.get(names[at])
                at += 1
            elif item.__class__ is list:
                return in_list(item, at)
            else:
                return None
        return in_list(item, at) if item.__class__ is list else item

    def in_list(found: list[Any], at: int) -> Any:
        # The first item may lack what the second has: name[0] without given.
        for item in found:
            value = descend(item, at)
            if value is not None:
                return value
        return None

    def first(item: Any, _env: Env) -> Any:
        return descend(item, 0)

    return first


def indexed(source: Code, index: Code) -> Code:
    """``source[index]``"""
    of, number = source.value, index.value
    if index.literal.__class__ is int:
        return _fixed(of, index.literal) if index.literal else Code(source.first, first=source.first)

    def value(item: Any, env: Env) -> Any:
        at = whole(number(item, env), "[]")
        return None if at is None else pick(of(item, env), at)

    return Code(value, first=value)


def _fixed(of: Value, at: int) -> Code:
    def value(item: Any, env: Env) -> Any:
        return pick(of(item, env), at)

    return Code(value, first=value)


def pick(found: Any, at: int) -> Any:
    """The item at a place, ``None`` outside of the collection."""
    if found.__class__ is list:
        return found[at] if 0 <= at < len(found) else None
    return found if at == 0 else None


def whole(value: Any, what: str) -> int | None:
    """An argument that is one integer, or empty."""
    number = only(value, what)
    if number is None or number.__class__ is int:
        return number
    raise mismatch(what, _WHOLE)
