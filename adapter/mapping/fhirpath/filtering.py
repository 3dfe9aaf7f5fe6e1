"""Functions on collections (N1, 5.1 to 5.4): ``exists``, ``where``, ``first``, ``combine``, ``iif`` and others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapter.findings import Text
from adapter.mapping.fhirpath.code import Code, Env, Truth, boolean, items, mismatch, shape
from adapter.mapping.fhirpath.equality import contains, unique
from adapter.mapping.fhirpath.operators import union
from adapter.mapping.fhirpath.paths import whole
from adapter.mapping.fhirpath.site import Function, Site
from adapter.mapping.fhirpath.syntax import uses_index

_BOOLEANS = Text("логические значения", "booleans")


def _where(site: Site) -> Code:
    of, criterion = site.source.value, site.arguments[0].truth
    if uses_index(site.node.arguments[0]):
        return Code(_numbered_where(site))

    def value(item: Any, env: Env) -> Any:
        found = of(item, env)
        if found.__class__ is list:
            return shape([one for one in found if criterion(one, env)])
        return found if found is not None and criterion(found, env) else None

    def first(item: Any, env: Env) -> Any:
        found = of(item, env)
        if found.__class__ is list:
            for one in found:
                if criterion(one, env):
                    return one
            return None
        return found if found is not None and criterion(found, env) else None

    return Code(value, first=first)


def _numbered_where(site: Site) -> Callable[[Any, Env], Any]:
    of, criterion = site.source.value, site.arguments[0].truth

    def value(item: Any, env: Env) -> Any:
        found = items(of(item, env))
        return shape([one for at, one in enumerate(found) if criterion(one, env.at(at))])

    return value


def _criterion(site: Site) -> Callable[[Any, Env], list[bool | None]]:
    """The verdicts of the criterion for each item."""
    of, criterion = site.source.value, site.arguments[0].truth
    if uses_index(site.node.arguments[0]):
        return lambda item, env: [criterion(one, env.at(at)) for at, one in enumerate(items(of(item, env)))]
    return lambda item, env: [criterion(one, env) for one in items(of(item, env))]


def _exists(site: Site) -> Code:
    if site.arguments:
        verdicts = _criterion(site)
        return boolean(lambda item, env: any(verdicts(item, env)))
    of = site.source.value

    def truth(item: Any, env: Env) -> bool:
        found = of(item, env)
        return found is not None and found != []

    return boolean(truth)


def _empty(site: Site) -> Code:
    of = site.source.value

    def truth(item: Any, env: Env) -> bool:
        found = of(item, env)
        return found is None or found == []

    return boolean(truth)


def _all(site: Site) -> Code:
    verdicts = _criterion(site)
    return boolean(lambda item, env: all(verdicts(item, env)))


def _not(site: Site) -> Code:
    of = site.source.truth

    def truth(item: Any, env: Env) -> bool | None:
        found = of(item, env)
        return None if found is None else not found

    return boolean(truth)


def _booleans(verdict: Callable[[list[Any]], bool]) -> Callable[[Site], Code]:
    def build(site: Site) -> Code:
        of = site.source.value

        def truth(item: Any, env: Env) -> bool:
            found = items(of(item, env))
            if any(one.__class__ is not bool for one in found):
                raise mismatch(site.name, _BOOLEANS)
            return verdict(found)

        return boolean(truth)

    return build


def _select(site: Site) -> Code:
    of, projection = site.source.value, site.arguments[0].value
    numbered = uses_index(site.node.arguments[0])

    def value(item: Any, env: Env) -> Any:
        result: list[Any] = []
        for at, one in enumerate(items(of(item, env))):
            result += items(projection(one, env.at(at) if numbered else env))
        return shape(result)

    return Code(value)


def _repeat(site: Site) -> Code:
    of, projection = site.source.value, site.arguments[0].value

    def value(item: Any, env: Env) -> Any:
        result: list[Any] = []
        queue = list(items(of(item, env)))
        while queue:
            found = [one for one in items(projection(queue.pop(0), env)) if not contains(result, one)]
            result += found
            queue += found
        return shape(result)

    return Code(value)


def _first(site: Site) -> Code:
    return Code(site.source.first, first=site.source.first)


def _last(site: Site) -> Code:
    of = site.source.value

    def value(item: Any, env: Env) -> Any:
        found = of(item, env)
        if found.__class__ is list:
            return found[-1] if found else None
        return found

    return Code(value, first=value)


def _single(site: Site) -> Code:
    of = site.source.value

    def value(item: Any, env: Env) -> Any:
        return site.one(of(item, env))

    return Code(value, first=value)


def _count(site: Site) -> Code:
    of = site.source.value

    def value(item: Any, env: Env) -> int:
        return len(items(of(item, env)))

    return Code(value, first=value)


def _from(site: Site, cut: Callable[[list[Any], int], list[Any]]) -> Code:
    of = site.source.value
    number = site.arguments[0].value

    def value(item: Any, env: Env) -> Any:
        amount = whole(number(item, env), site.name)
        return None if amount is None else shape(cut(items(of(item, env)), max(amount, 0)))

    return Code(value)


def _skip(site: Site) -> Code:
    return _from(site, lambda found, amount: found[amount:])


def _take(site: Site) -> Code:
    return _from(site, lambda found, amount: found[:amount])


def _of_list(change: Callable[[list[Any]], list[Any]]) -> Callable[[Site], Code]:
    def build(site: Site) -> Code:
        of = site.source.value
        return Code(lambda item, env: shape(change(items(of(item, env)))))

    return build


def _of_two(change: Callable[[list[Any], list[Any]], list[Any]]) -> Callable[[Site], Code]:
    def build(site: Site) -> Code:
        of, other = site.source.value, site.arguments[0].value
        return Code(lambda item, env: shape(change(items(of(item, env)), items(other(item, env)))))

    return build


def _relation(holds: Callable[[list[Any], list[Any]], bool]) -> Callable[[Site], Code]:
    def build(site: Site) -> Code:
        of, other = site.source.value, site.arguments[0].value
        return boolean(lambda item, env: holds(items(of(item, env)), items(other(item, env))))

    return build


def _subset(inner: list[Any], outer: list[Any]) -> bool:
    return all(contains(outer, item) for item in inner)


def _coalesce(site: Site) -> Code:
    alternatives = [argument.value for argument in site.arguments]

    def value(item: Any, env: Env) -> Any:
        for alternative in alternatives:
            found = alternative(item, env)
            if found is not None and found != []:
                return found
        return None

    return Code(value)


def _iif(site: Site) -> Code:
    condition: Truth = site.arguments[0].truth
    yes = site.arguments[1].value
    no = site.arguments[2].value if len(site.arguments) > 2 else None

    def value(item: Any, env: Env) -> Any:
        if condition(item, env):
            return yes(item, env)
        return None if no is None else no(item, env)

    return Code(value)


def _is_distinct(site: Site) -> Code:
    of = site.source.value

    def truth(item: Any, env: Env) -> bool:
        found = items(of(item, env))
        return len(unique(found)) == len(found)

    return boolean(truth)


FUNCTIONS: dict[str, Function] = {
    "where": Function(1, 1, _where),
    "exists": Function(0, 1, _exists),
    "any": Function(1, 1, _exists),
    "empty": Function(0, 0, _empty),
    "all": Function(1, 1, _all),
    "not": Function(0, 0, _not),
    "allTrue": Function(0, 0, _booleans(all)),
    "anyTrue": Function(0, 0, _booleans(any)),
    "allFalse": Function(0, 0, _booleans(lambda found: not any(found))),
    "anyFalse": Function(0, 0, _booleans(lambda found: not all(found))),
    "select": Function(1, 1, _select),
    "repeat": Function(1, 1, _repeat),
    "first": Function(0, 0, _first),
    "last": Function(0, 0, _last),
    "tail": Function(0, 0, _of_list(lambda found: found[1:])),
    "skip": Function(1, 1, _skip),
    "take": Function(1, 1, _take),
    "single": Function(0, 0, _single),
    "count": Function(0, 0, _count),
    "distinct": Function(0, 0, _of_list(unique)),
    "isDistinct": Function(0, 0, _is_distinct),
    "union": Function(1, 1, lambda site: union(site.source, site.arguments[0])),
    "combine": Function(1, 1, _of_two(lambda left, right: left + right)),
    "intersect": Function(1, 1, _of_two(lambda left, right: unique([item for item in left if contains(right, item)]))),
    "exclude": Function(1, 1, _of_two(lambda left, right: [item for item in left if not contains(right, item)])),
    "subsetOf": Function(1, 1, _relation(_subset)),
    "supersetOf": Function(1, 1, _relation(lambda left, right: _subset(right, left))),
    "coalesce": Function(1, 9, _coalesce),
    "iif": Function(2, 3, _iif),
}
