"""FHIRPath as lines of Python inside the function of a map: what most expressions consist of costs no call.

The closures of the compiler say what an expression means; here are the forms that are written out instead. Whatever
has no form of its own is a call of its closure. A property test holds that both give the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from adapter.mapping.fhirpath.choices import CHOICES
from adapter.mapping.fhirpath.code import only, shape
from adapter.mapping.fhirpath.compiler import KNOWN_VARIABLES, compile_tree, is_focus, plain_names
from adapter.mapping.fhirpath.equality import equal_collections
from adapter.mapping.fhirpath.expression import Expression
from adapter.mapping.fhirpath.forms import (
    always_single,
    are_words,
    is_resource_test,
    is_word,
    is_written,
    known,
    position,
    sides,
    words_of,
)
from adapter.mapping.fhirpath.navigation import extensions, resolve_all, with_url
from adapter.mapping.fhirpath.operators import equals_word, in_words, joined
from adapter.mapping.fhirpath.paths import get, of_type, pick, present, spread
from adapter.mapping.fhirpath.strings import regex, replacement, single_string
from adapter.mapping.fhirpath.syntax import (
    Binary,
    Call,
    Empty,
    Index,
    Literal,
    Member,
    Node,
    TypeTest,
    Variable,
    uses_index,
)
from adapter.mapping.writer import Writer

#: Loops inside each other that are written out; Python has a limit of twenty blocks.
_DEEPEST: Final = 4
#: ``x.name('text')`` in Python, ``x`` being a string; those with a regular expression have lines of their own.
_STRINGS: Final = {
    "contains": "{1} in {0}",
    "startsWith": "{0}.startswith({1})",
    "endsWith": "{0}.endswith({1})",
    "lower": "{0}.lower()",
    "upper": "{0}.upper()",
    "trim": "{0}.strip()",
    "matches": "",
    "replaceMatches": "",
}


def first_of(found: list[Any]) -> Any:
    """The first item of a list of JSON, whose nulls are no items."""
    for item in found:
        if item is not None:
            return item
    return None


def truth_of(found: Any) -> bool | None:
    """A collection as one boolean."""
    found = only(found, "true/false")
    return found if found is None or found is False else True


NAMES: Final[dict[str, Any]] = {
    "equal": equal_collections,
    "equals_word": equals_word,
    "extensions": extensions,
    "first_of": first_of,
    "get": get,
    "in_words": in_words,
    "joined": joined,
    "of_type": of_type,
    "pick": pick,
    "present": present,
    "resolve_all": resolve_all,
    "shape": shape,
    "single_string": single_string,
    "spread": spread,
    "truth_of": truth_of,
    "with_url": with_url,
}


def each_of(found: str) -> str:
    """What a loop goes over: the items of a collection in its cheapest shape."""
    return f"{found} if {found}.__class__ is list else () if {found} is None else ({found},)"


class Inliner:
    """Writes one expression.

    Args:
        writer: takes the lines; its names hold :data:`NAMES`.
        expression: what is written.
        env: name of the environment in the code.

    Each method writes lines and returns the name of the variable that then holds the result: ``value`` a collection in
    its cheapest shape, ``first`` its first item or ``None``, ``truth`` true, false or ``None``.
    """

    def __init__(self, writer: Writer, expression: Expression, env: str) -> None:
        self._writer, self._expression, self._env = writer, expression, env
        # Both need more than the closure of a part of the tree.
        self._whole = not expression.native or "context" in expression.variables
        self._depth = 0

    def value(self, focus: str) -> str:
        """Every item."""
        return self._called(self._expression.all, focus) if self._whole else self._value(self._expression.tree, focus)

    def first(self, focus: str) -> str:
        """The first item."""
        return self._called(self._expression.first, focus) if self._whole else self._first(self._expression.tree, focus)

    def truth(self, focus: str) -> str:
        """Whether it holds."""
        return self._called(self._expression.truth, focus) if self._whole else self._truth(self._expression.tree, focus)

    # -- the three forms of a node ----------------------------------------------------------------------

    def _value(self, node: Node | None, focus: str) -> str:
        if is_focus(node):
            return focus
        match node:
            case Empty():
                return self._set("None")
            case Literal(value=value):
                return self._set(self._writer.constant(value))
            case Variable(name=name):
                return (
                    self._set(f"{self._env}[{name!r}]") if name not in KNOWN_VARIABLES else self._closure(node, focus)
                )
            case Member():
                return self._member(node, focus)
            case Index(source=source) if (at := position(node)) is not None:
                return self._set(f"pick({self._value(source, focus)}, {at})") if at else self._first(source, focus)
            case Binary(op=op, left=left, right=right) if self._has_form(node):
                return self._union(left, right, focus) if op == "|" else self._truth(node, focus)
            case TypeTest(op="ofType", source=source, type_name=kind) if is_resource_test(node):
                found = self._value(source, focus)
                fits = f"{found}.__class__ is dict and {found}.get('resourceType') == {kind!r}"
                return self._set(f"{found} if {fits} else of_type({found}, {kind!r})")
            case Call():
                return self._call(node, focus)
        return self._closure(node, focus)

    def _first(self, node: Node | None, focus: str) -> str:
        match node:
            case Call(name="first", source=source, arguments=()):
                return self._first(source, focus)
            case Index(source=source) if position(node) == 0:
                return self._first(source, focus)
            case Call(name="where") if self._loops(node):
                return self._first_where(node, focus)
            case Member(name=name) if plain_names(node) == (name,):
                found = self._step(focus, name)
                return self._set(f"first_of({found}) if {found}.__class__ is list else {found}")
            case Literal() | Empty():
                return self._value(node, focus)
        if always_single(node):
            return self._value(node, focus)
        if not self._has_form(node):
            return self._called(compile_tree(self._expression.text, known(node)).first, focus)
        found = self._value(node, focus)
        if found == focus:
            return found
        return self._set(f"{found} if {found}.__class__ is not list else {found}[0] if {found} else None")

    def _truth(self, node: Node | None, focus: str) -> str:
        match node:
            case Binary(op="=", left=left, right=right):
                return self._equal(left, right, focus)
            case Binary(op="!=", left=left, right=right):
                same = self._equal(left, right, focus)
                return self._set(f"None if {same} is None else not {same}")
            case Binary(op="and", left=left, right=right):
                return self._joined(left, right, focus, "{0} is False", "False", "{1} if {0} or {1} is False else None")
            case Binary(op="or", left=left, right=right):
                return self._joined(left, right, focus, "{0}", "True", "{1} if {0} is False or {1} else None")
            case Binary(op="in", left=left, right=right) if words := words_of(right):
                found, listed = self._value(left, focus), self._writer.constant(words, "words")
                return self._set(f"{found} in {listed} if {found}.__class__ is str else in_words({found}, {listed})")
            case Call(name="not", source=source, arguments=()):
                found = self._truth(source, focus)
                return self._set(f"None if {found} is None else not {found}")
            case Call(name="exists" | "empty" as name, source=source, arguments=()):
                # A union is empty where all its sides are.
                values = [self._value(side, focus) for side in sides(source)]
                empty = " and ".join(f"({one} is None or ({one}.__class__ is list and not {one}))" for one in values)
                return self._set(empty if name == "empty" else f"not ({empty})")
            case Call(name="exists" | "any") if self._loops(node):
                return self._any(node, focus)
        if not self._has_form(node):
            return self._called(compile_tree(self._expression.text, known(node)).truth, focus)
        found = self._value(node, focus)
        return self._set(f"{found} if {found} is None or {found}.__class__ is bool else truth_of({found})")

    # -- parts of them ----------------------------------------------------------------------------------

    def _has_form(self, node: Node | None) -> bool:
        """Whether ``_value`` writes a node out instead of calling its closure."""
        if is_focus(node):
            return True
        match node:
            case Literal() | Empty() | Variable() | Member():
                return True
            case Index():
                return position(node) is not None
            case TypeTest():
                return is_resource_test(node)
            case Binary():
                return is_written(node)
            case Call(name="where" | "exists" | "any", arguments=(_,)):
                return self._loops(node)
            case Call(name=name, arguments=arguments):
                if name in {"first", "exists", "empty", "not", "resolve"}:
                    return not arguments
                if name == "extension":
                    # That of a primitive stands beside it: birthDate.extension(…) reads _birthDate.
                    return not isinstance(node.source, Member) and are_words(node)
                return name == "iif" or (name in _STRINGS and are_words(node))
        return False

    def _call(self, node: Call, focus: str) -> str:
        name, source = node.name, node.source
        if not self._has_form(node):
            return self._closure(node, focus)
        if name in {"exists", "empty", "not", "any"}:
            return self._truth(node, focus)
        if name == "first":
            return self._first(source, focus)
        if name == "where":
            return self._where(node, focus)
        if name == "iif":
            return self._iif(node, focus)
        if name == "extension":
            return self._extension(node, focus)
        found = self._value(source, focus)
        if name == "resolve":
            graph = f"{self._env}.graph"
            linked = f"{graph}.resolve({found}) if {found}.__class__ is dict"
            return self._set(f"{linked} else None if {found} is None else resolve_all({found}, {graph})")
        text = self._set(f"{found} if {found}.__class__ is str else single_string({found}, {f'{name}()'!r})")
        words = [str(one.value) for one in node.arguments if isinstance(one, Literal)]
        return self._set(f"None if {text} is None else {self._applied(name, text, words)}")

    def _extension(self, node: Call, focus: str) -> str:
        found, url = self._value(node.source, focus), node.arguments[0]
        assert isinstance(url, Literal)
        of_one = f"{found}.get('extension') if {found}.__class__ is dict"
        some = self._set(f"{of_one} else None if {found} is None else extensions({found})")
        return self._set(f"with_url({some}, {str(url.value)!r}) if {some}.__class__ is list else None")

    def _applied(self, name: str, text: str, words: list[str]) -> str:
        """A function of a string."""
        if name == "matches":
            return f"{self._writer.constant(regex(words[0]), 'regex')}.search({text}) is not None"
        if name == "replaceMatches":
            return f"{self._writer.constant(regex(words[0]), 'regex')}.sub({replacement(words[1])!r}, {text})"
        return _STRINGS[name].format(text, *map(repr, words))

    def _member(self, node: Member, focus: str) -> str:
        names = plain_names(node)
        if not names:
            if is_focus(node.source) and node.name[:1].isupper():
                return self._closure(node, focus)
            found, names = self._value(node.source, focus), (node.name,)
        else:
            found = focus
        for name in names:
            found = self._step(found, name)
        return self._set(f"present({found}) if {found}.__class__ is list else {found}")

    def _step(self, found: str, name: str) -> str:
        one = f"get({found}, {name!r})" if name in CHOICES else f"{found}.get({name!r})"
        many = f"spread({found}, {name!r}) if {found}.__class__ is list else None"
        return self._set(f"{one} if {found}.__class__ is dict else {many}")

    def _equal(self, left: Node, right: Node, focus: str) -> str:
        for one, other in ((left, right), (right, left)):
            if isinstance(other, Literal) and is_word(other.value):
                found, word = self._value(one, focus), repr(other.value)
                return self._set(f"{found} == {word} if {found}.__class__ is str else equals_word({found}, {word})")
        return self._set(f"equal({self._value(left, focus)}, {self._value(right, focus)})")

    def _union(self, left: Node, right: Node, focus: str) -> str:
        one, other = self._value(left, focus), self._value(right, focus)
        # A single item has no repetitions.
        alone = f"{one} if {other} is None and {one}.__class__ is not list"
        none = f"{other} if {one} is None and {other}.__class__ is not list"
        return self._set(f"{alone} else {none} else joined({one}, {other})")

    def _joined(self, left: Node, right: Node, focus: str, ends: str, verdict: str, both: str) -> str:
        one, result = self._truth(left, focus), self._writer.fresh("t")
        with self._writer.block(f"if {ends.format(one)}:"):
            self._writer.line(f"{result} = {verdict}")
        with self._writer.block("else:"):
            other = self._truth(right, focus)
            self._writer.line(f"{result} = {both.format(one, other)}")
        return result

    def _iif(self, node: Call, focus: str) -> str:
        condition, result = self._truth(node.arguments[0], focus), self._writer.fresh()
        with self._writer.block(f"if {condition}:"):
            self._writer.line(f"{result} = {self._value(node.arguments[1], focus)}")
        with self._writer.block("else:"):
            other = self._value(node.arguments[2], focus) if len(node.arguments) > 2 else "None"
            self._writer.line(f"{result} = {other}")
        return result

    def _loop(self, node: Call, focus: str, result: str, start: str, then: Callable[[str], None]) -> str:
        """For each item of the source that fits the criterion."""
        found, item = self._value(node.source, focus), self._writer.fresh("one")
        self._writer.line(f"{result} = {start}")
        self._depth += 1
        with (
            self._writer.block(f"for {item} in {each_of(found)}:"),
            self._writer.block(f"if {self._truth(node.arguments[0], item)}:"),
        ):
            then(item)
        self._depth -= 1
        return result

    def _where(self, node: Call, focus: str) -> str:
        result = self._writer.fresh("some")
        self._loop(node, focus, result, "[]", lambda item: self._writer.line(f"{result}.append({item})"))
        return self._set(f"shape({result})")

    def _first_where(self, node: Call, focus: str) -> str:
        result = self._writer.fresh()

        def then(item: str) -> None:
            self._writer.line(f"{result} = {item}")
            self._writer.line("break")

        return self._loop(node, focus, result, "None", then)

    def _any(self, node: Call, focus: str) -> str:
        result = self._writer.fresh("t")
        # All are looked at, since one further on may not fit the criterion at all.
        return self._loop(node, focus, result, "False", lambda _item: self._writer.line(f"{result} = True"))

    def _loops(self, node: Call) -> bool:
        return self._depth < _DEEPEST and len(node.arguments) == 1 and not uses_index(node.arguments[0])

    def _closure(self, node: Node | None, focus: str) -> str:
        return self._called(compile_tree(self._expression.text, known(node)).value, focus)

    def _called(self, closure: Any, focus: str) -> str:
        return self._set(self._call_of(closure, focus))

    def _call_of(self, closure: Any, focus: str) -> str:
        return f"{self._writer.constant(closure, 'path')}({focus}, {self._env})"

    def _set(self, text: str) -> str:
        name = self._writer.fresh()
        self._writer.line(f"{name} = {text}")
        return name
