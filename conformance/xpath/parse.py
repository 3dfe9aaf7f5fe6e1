"""XPath text → :mod:`conformance.xpath.ast`. elementpath parses; its evaluation is not used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar, Final

from adapter.errors import SchematronError
from conformance.xpath.ast import (
    DESCENDANTS,
    SELF,
    Apply,
    Binary,
    Call,
    Current,
    Expr,
    Filter,
    If,
    Items,
    Literal,
    Path,
    Step,
    Union,
)

Token = Any  # elementpath's tokens are made dynamically and have no useful static type


class UndeclaredPrefixError(SchematronError):
    """A name uses a prefix that the Schematron does not declare: the rule is malformed, not unsupported."""


@cache
def _parser() -> Any:
    """XPath 3.1 plus ``current()`` of XSLT, which Schematron tests may call.

    Imported when a rule is first parsed: with compiled rules in the cache none ever is, and the import takes a tenth of
    the start of a command.
    """
    from elementpath.xpath31 import XPath31Parser

    class Parser(XPath31Parser):
        pass

    Parser.method(Parser.function("current", nargs=0))
    return Parser


_AXES: Final = frozenset(
    {
        "ancestor", "ancestor-or-self", "child", "descendant", "descendant-or-self",
        "following-sibling", "parent", "preceding-sibling", "self", "attribute",
    }
)  # fmt: skip
_BINARY: Final = frozenset({"and", "or", "=", "!=", "<", "<=", ">", ">=", "+", "-"})
_KIND_TESTS: Final = frozenset({"text", "node", "comment"})
#: What elementpath raises for a prefix that is not declared.
_UNKNOWN_PREFIX: Final = "XPST0081"


def parse(expression: str, namespaces: Mapping[str, str]) -> Expr:
    """Parse an XPath 3.1 expression of the subset.

    Args:
        expression: the text of a ``test`` or ``context``.
        namespaces: declared prefixes; un-prefixed names stay un-prefixed.

    Raises:
        UndeclaredPrefixError: a prefix is not declared.
        SchematronError: not XPath, or outside the subset (the construct is named).
    """
    from elementpath.exceptions import ElementPathError

    try:
        token = _parser()(namespaces=dict(namespaces)).parse(expression)
    except ElementPathError as error:
        if getattr(error, "code", "").endswith(_UNKNOWN_PREFIX):
            raise UndeclaredPrefixError("undeclared prefix", construct=expression) from None
        raise SchematronError("not a valid XPath expression", construct=expression) from None
    return _Converter().expr(token)


class _Converter:
    """Walks elementpath's tokens by their symbol."""

    _handlers: ClassVar[dict[str, str]] = {
        "(string)": "_literal", "(integer)": "_literal", "(decimal)": "_literal", "(float)": "_literal",
        "[": "_bracket", ",": "_items", "(": "_group", "/": "_slash", "//": "_slashes", "|": "_union",
        "union": "_union", "if": "_if", "current": "_current",
    }  # fmt: skip

    def expr(self, token: Token) -> Expr:
        symbol = token.symbol
        step = self._step(token)
        if step is not None:
            return Path((step,))
        if symbol in _BINARY and len(token) == 2:
            return Binary(symbol, self.expr(token[0]), self.expr(token[1]))
        if symbol in self._handlers:
            handler: Callable[[Token], Expr] = getattr(self, self._handlers[symbol])
            return handler(token)
        if token.label == "function":
            return Call(symbol, tuple(self.expr(argument) for argument in token))
        raise SchematronError(f"the construct «{symbol}» is outside the subset", construct=token.source)

    def _step(self, token: Token) -> Step | None:
        symbol = token.symbol
        if symbol == ".":
            return SELF
        if symbol == "..":
            return Step("parent", "node()")
        if symbol == "@":
            return Step("attribute", self._test(token[0]))
        if symbol in _AXES and len(token) == 1 and token.label != "function":
            return Step(symbol, self._test(token[0]))
        test = self._try_test(token)
        return None if test is None else Step("child", test)

    def _test(self, token: Token) -> str:
        test = self._try_test(token)
        if test is None:
            raise SchematronError("a node test that is outside the subset", construct=token.source)
        return test

    @staticmethod
    def _try_test(token: Token) -> str | None:
        symbol = token.symbol
        if symbol == "(name)":
            return str(token.value)
        if symbol == "*" and len(token) == 0:
            return "*"
        if symbol == ":":
            return f"{token[0].value}:{'*' if token[1].symbol == '*' else token[1].value}"
        if symbol in _KIND_TESTS and len(token) == 0:
            return f"{symbol}()"
        return None

    @staticmethod
    def _literal(token: Token) -> Expr:
        value = token.value
        return Literal(float(value) if isinstance(value, Decimal) else value)

    def _items(self, token: Token) -> Expr:
        flat: list[Expr] = []
        for child in token:
            item = self.expr(child)
            flat.extend(item.items if isinstance(item, Items) else (item,))
        return Items(tuple(flat))

    def _group(self, token: Token) -> Expr:
        return self.expr(token[0]) if len(token) else Items(())

    def _bracket(self, token: Token) -> Expr:
        if token.label == "array":
            return self._items(token)
        base, predicate = self.expr(token[0]), self.expr(token[1])
        if isinstance(base, Path) and token[0].symbol not in {"/", "//", "("}:
            last = base.steps[-1]
            step = Step(last.axis, last.test, (*last.predicates, predicate))
            return Path((*base.steps[:-1], step), base.start)
        if isinstance(base, Filter):
            return Filter(base.base, (*base.predicates, predicate))
        return Filter(base, (predicate,))

    def _slash(self, token: Token) -> Expr:
        return self._path(token, ())

    def _slashes(self, token: Token) -> Expr:
        return self._path(token, (DESCENDANTS,))

    def _path(self, token: Token, between: tuple[Step, ...]) -> Expr:
        if len(token) == 0:
            return Path((), "/")
        if len(token) == 1:
            return self._join(Path((), "/"), between, token[0])
        return self._join(self.expr(token[0]), between, token[1])

    def _join(self, left: Expr, between: tuple[Step, ...], right: Token) -> Expr:
        tail = self.expr(right)
        if isinstance(left, Path):
            steps, start = left.steps, left.start
        else:
            steps, start = (), left
        if isinstance(tail, Path) and tail.start == "":
            return Path((*steps, *between, *tail.steps), start)
        if isinstance(tail, Call) and not between:
            return Apply(left, tail)
        raise SchematronError("a step that is outside the subset", construct=right.source)

    def _union(self, token: Token) -> Expr:
        items: list[Expr] = []
        for child in token:
            item = self.expr(child)
            items.extend(item.items if isinstance(item, Union) else (item,))
        return Union(tuple(items))

    def _if(self, token: Token) -> Expr:
        return If(self.expr(token[0]), self.expr(token[1]), self.expr(token[2]))

    @staticmethod
    def _current(_token: Token) -> Expr:
        return Current()
