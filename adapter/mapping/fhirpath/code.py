"""What an expression is compiled to, and the shape of the values it works on.

A collection is kept in its cheapest shape: ``None`` is the empty one, a ``list`` holds its items, everything else is a
single item. JSON has the same shapes, so that ``name.given`` needs no list of its own. Lists are never changed: they
belong to the document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from adapter.errors import ExpressionError
from adapter.findings import Text

#: Mark of a code that is not constant.
NOTHING: Any = object()
EMPTY: Final[Mapping[str, Any]] = {}


class Graph(Protocol):
    """What the compiler needs of :class:`adapter.fhir.Graph`."""

    def resolve(self, reference: dict[str, Any]) -> dict[str, Any] | None:
        """The resource that a Reference points to."""

    def of_type(self, name: str) -> list[dict[str, Any]]:
        """The resources of a type, in the order of the Bundle."""


class Env(dict[str, Any]):
    """What an expression sees besides its focus: variables by name without ``%``, each a value or a list.

    A variable that is not here is looked for outside.

    Attributes:
        graph: of the Bundle, for ``resolve()`` and ``oneOf()``.
        outer: the environment around this one.
        index: ``$index``, set by the compiled code.
    """

    __slots__ = ("graph", "index", "outer")

    def __init__(self, variables: Mapping[str, Any] = EMPTY, graph: Graph | None = None) -> None:
        if variables:
            self.update(variables)
        self.graph = graph
        self.outer: Env | None = None
        self.index: int | None = None

    def __missing__(self, name: str) -> Any:
        if self.outer is None:
            raise ExpressionError(Text(f"нет переменной %{name}", f"no variable %{name}"))
        value = self[name] = self.outer[name]
        return value

    def knows(self, name: str) -> bool:
        """Whether there is a variable of that name, here or outside."""
        return name in self or (self.outer is not None and self.outer.knows(name))

    def inner(self, variables: Mapping[str, Any] = EMPTY) -> Env:
        """An environment inside this one."""
        env = Env(variables, self.graph)
        env.outer = self
        return env

    def at(self, index: int) -> Env:
        """The same environment for the item at ``index``."""
        env = self.inner()
        env.index = index
        return env


Value = Callable[[Any, Env], Any]
Truth = Callable[[Any, Env], "bool | None"]


class Code:
    """A compiled expression.

    Attributes:
        value: ``(focus, env)`` → a collection in its cheapest shape.
        truth: ``(focus, env)`` → true, false, or ``None`` for empty: the collection as one boolean.
        first: ``(focus, env)`` → the first item or ``None``.
        literal: the collection that a constant gives, in its cheapest shape, else ``NOTHING``.
        member: name of the element where this is ``name`` of the focus and nothing more.
    """

    __slots__ = ("first", "literal", "member", "truth", "value")

    def __init__(
        self,
        value: Value,
        *,
        truth: Truth | None = None,
        first: Value | None = None,
        literal: Any = NOTHING,
        member: str | None = None,
    ) -> None:
        self.value = value
        self.truth = truth or truth_of(value)
        self.first = first or first_of(value)
        self.literal = literal
        self.member = member


def boolean(truth: Truth) -> Code:
    """A code whose value is a boolean or empty."""
    return Code(truth, truth=truth, first=truth)


def constant(value: Any) -> Code:
    """A code that always gives ``value``, a collection in its cheapest shape."""
    return Code(lambda _item, _env: value, literal=value)


def items(value: Any) -> list[Any]:
    """The collection as a list."""
    if value is None:
        return []
    return value if value.__class__ is list else [value]


def shape(found: list[Any]) -> Any:
    """A list in its cheapest shape."""
    return None if not found else found[0] if len(found) == 1 else found


def only(value: Any, what: str) -> Any:
    """The one item, or ``None``.

    Raises:
        ExpressionError: there are several.
    """
    if value.__class__ is not list:
        return value
    if len(value) > 1:
        raise ExpressionError(Text(f"{what}: значений больше одного", f"{what}: more than one item"))
    return value[0] if value else None


def mismatch(what: str, expected: Text) -> ExpressionError:
    """The error for an item of a type that ``what`` does not take."""
    return ExpressionError(Text(f"{what}: ожидается {expected.ru}", f"{what}: expected {expected.en}"))


def truth_of(value: Value) -> Truth:
    """A collection as one boolean (N1, 4.5: a single item that is no boolean is true)."""

    def truth(item: Any, env: Env) -> bool | None:
        found = value(item, env)
        if found is None or found is True or found is False:
            return found
        found = only(found, "true/false")
        return found if found is None or found is False else True

    return truth


def first_of(value: Value) -> Value:
    """The first item of a collection."""

    def first(item: Any, env: Env) -> Any:
        found = value(item, env)
        if found.__class__ is list:
            return found[0] if found else None
        return found

    return first
