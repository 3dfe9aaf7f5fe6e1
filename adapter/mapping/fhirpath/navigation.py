"""Functions of FHIR (references, extensions, resources of a Bundle) and types of items."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from adapter.findings import Text
from adapter.mapping.fhirpath.choices import CHOICES, is_datatype, names_of_type
from adapter.mapping.fhirpath.code import Code, Env, Graph, boolean, items, mismatch, only, shape
from adapter.mapping.fhirpath.paths import is_resource, of_type, present
from adapter.mapping.fhirpath.site import BadArgument, Function, Site, Unsupported
from adapter.mapping.fhirpath.syntax import Member, Node, TypeTest

_BUNDLE = Text("Bundle вокруг ресурса", "a Bundle around the resource")
_STRING = Text("строка", "a string")


def _graph(site: Site, env: Env) -> Graph:
    if env.graph is None:
        raise mismatch(site.name, _BUNDLE)
    return env.graph


def _resolve(site: Site) -> Code:
    of = site.source.value

    def value(item: Any, env: Env) -> Any:
        found = of(item, env)
        if found is None:
            return None
        return resolve_all(found, _graph(site, env))

    return Code(value)


def resolve_all(found: Any, graph: Graph) -> Any:
    """What some References point to."""
    if found.__class__ is dict:
        return graph.resolve(found)
    resolved = (graph.resolve(one) for one in items(found) if one.__class__ is dict)
    return shape([one for one in resolved if one is not None])


def _one_of(site: Site) -> Code:
    name = site.constant(0)
    if not isinstance(name, str):
        reason = Text("ожидается имя типа в кавычках", "the name of a type in quotes is expected")
        raise BadArgument(site.node.arguments[0].at, reason)
    return Code(lambda _item, env: shape(_graph(site, env).of_type(name)))


@lru_cache(maxsize=4096)
def canonical(url: str) -> tuple[str, str, bool]:
    """How the URL of an extension is compared: without scheme and case, its last segment, whether it is relative."""
    bare = url.strip().lower().removeprefix("https://").removeprefix("http://").rstrip("/")
    last = bare.replace(":", "/").rpartition("/")[2]
    return bare, last, last == bare


def same_url(left: str, right: str) -> bool:
    """Whether two URLs name one extension in any dialect; a relative one matches by the last segment."""
    if left == right:
        return True
    one, other = canonical(left), canonical(right)
    return one[0] == other[0] or (one[2] is not other[2] and one[1] == other[1])


def _extension(site: Site) -> Code:
    hosts = _hosts(site)
    argument = site.arguments[0].value

    def value(item: Any, env: Env) -> Any:
        url = only(argument(item, env), site.name)
        if url is None:
            return None
        if not isinstance(url, str):
            raise mismatch(site.name, _STRING)
        return with_url(extensions(hosts(item, env)), url)

    return Code(value)


def extensions(hosts: Any) -> list[Any]:
    """Every extension of some items."""
    found = [host.get("extension") for host in items(hosts) if host.__class__ is dict]
    return [one for some in found if some.__class__ is list for one in some]


def with_url(found: list[Any], url: str) -> Any:
    """The extensions that a URL names, in any dialect."""
    return shape([one for one in found if _has_url(one, url)])


def _has_url(extension: Any, url: str) -> bool:
    have = extension.get("url") if extension.__class__ is dict else None
    return isinstance(have, str) and same_url(url, have)


def _hosts(site: Site) -> Callable[[Any, Env], list[Any]]:
    """What may bear extensions: the items, and for ``birthDate`` also ``_birthDate`` beside it."""
    node = site.node.source
    if not isinstance(node, Member):
        of = site.source.value
        return lambda item, env: items(of(item, env))
    parents = site.compile(node.source).value
    names = [name for one in (node.name, *CHOICES.get(node.name, ())) for name in (one, f"_{one}")]

    def hosts(item: Any, env: Env) -> list[Any]:
        found = [parent for parent in items(parents(item, env)) if parent.__class__ is dict]
        return [one for parent in found for name in names if name in parent for one in items(parent[name])]

    return hosts


def _children(site: Site) -> Code:
    of = site.source.value
    return Code(lambda item, env: shape([child for one in items(of(item, env)) for child in children(one)]))


def children(item: Any) -> list[Any]:
    """The child elements of one item, in the order of the document."""
    if item.__class__ is not dict:
        return []
    inner = (items(value) for name, value in item.items() if name != "resourceType" and name[:1] != "_")
    return [child for found in inner for child in present(found)]


def _descendants(site: Site) -> Code:
    of = site.source.value

    def value(item: Any, env: Env) -> Any:
        result: list[Any] = []
        level = items(of(item, env))
        while level:
            level = [child for one in level for child in children(one)]
            result += level
        return shape(result)

    return Code(value)


def _has_value(site: Site) -> Code:
    of = site.source.value

    def truth(item: Any, env: Env) -> bool:
        found = items(of(item, env))
        return len(found) == 1 and found[0].__class__ is not dict

    return boolean(truth)


def _get_value(site: Site) -> Code:
    of = site.source.value

    def value(item: Any, env: Env) -> Any:
        one = shape(items(of(item, env)))
        return None if one.__class__ in (dict, list) else one

    return Code(value, first=value)


def type_test(node: TypeTest, compile_: Callable[[Node | None], Code]) -> Code:
    """``is``, ``as``, ``ofType``.

    JSON does not say of which type an item is: the name of the element does for ``value``, and resources do it.
    """
    name = node.type_name.removeprefix("FHIR.")
    source = node.source
    if isinstance(source, Member) and source.name in CHOICES:
        return _choice_test(node, source, name, compile_)
    if name.startswith("System.") or is_datatype(name) or not name[:1].isupper():
        raise Unsupported(node.at, f"{node.op} {node.type_name}")
    of = compile_(source).value
    if node.op == "ofType":
        return Code(lambda item, env: of_type(of(item, env), name))
    return _single_test(node.op, of, lambda one: is_resource(one, name))


def _single_test(op: str, of: Callable[[Any, Env], Any], fits: Callable[[Any], bool]) -> Code:
    def truth(item: Any, env: Env) -> bool | None:
        one = only(of(item, env), op)
        return None if one is None else fits(one)

    def value(item: Any, env: Env) -> Any:
        one = only(of(item, env), op)
        return one if one is not None and fits(one) else None

    return boolean(truth) if op == "is" else Code(value, first=value)


def _choice_test(node: TypeTest, source: Member, kind: str, compile_: Callable[[Node | None], Code]) -> Code:
    parents = compile_(source.source).value
    names = names_of_type(source.name, kind)

    def value(item: Any, env: Env) -> Any:
        found = [parent for parent in items(parents(item, env)) if parent.__class__ is dict]
        return shape([one for parent in found for name in names for one in items(parent.get(name))])

    if node.op == "ofType":
        return Code(value)
    untyped = compile_(source).value

    def truth(item: Any, env: Env) -> bool | None:
        return None if only(untyped(item, env), node.op) is None else value(item, env) is not None

    def cast(item: Any, env: Env) -> Any:
        return value(item, env) if truth(item, env) else None

    return boolean(truth) if node.op == "is" else Code(cast, first=cast)


FUNCTIONS: dict[str, Function] = {
    "resolve": Function(0, 0, _resolve),
    "oneOf": Function(1, 1, _one_of),
    "extension": Function(1, 1, _extension),
    "children": Function(0, 0, _children),
    "descendants": Function(0, 0, _descendants),
    "hasValue": Function(0, 0, _has_value),
    "getValue": Function(0, 0, _get_value),
}
