"""Text of FHIRPath (N1, the whole grammar) to a syntax tree; errors name the column."""

from __future__ import annotations

from decimal import Decimal

from adapter.errors import MappingError
from adapter.mapping.fhirpath.syntax import (
    Binary,
    Call,
    Empty,
    Index,
    Literal,
    Member,
    Node,
    QuantityLiteral,
    Special,
    TypeTest,
    Unary,
    Variable,
)
from adapter.mapping.fhirpath.tokens import Token, fault, literal_value, tokenize

_LEVELS: tuple[tuple[str, ...], ...] = (
    ("implies",),
    ("or", "xor"),
    ("and",),
    ("in", "contains"),
    ("=", "~", "!=", "!~"),
    ("<=", "<", ">", ">="),
    ("|",),
    ("is", "as"),
    ("+", "-", "&"),
    ("*", "/", "div", "mod"),
)
_PRECEDENCE = {op: level for level, ops in enumerate(_LEVELS) for op in ops}
_TYPE_LEVEL = _PRECEDENCE["is"]
_UNARY_LEVEL = len(_LEVELS)
_UNITS = ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
_CALENDAR_UNITS = frozenset(_UNITS) | {unit + "s" for unit in _UNITS}
_SPECIALS = frozenset({"this", "index", "total"})
_TYPE_FUNCTIONS = frozenset({"is", "as", "ofType"})
# Deep nesting would end in a RecursionError, here or in the compiler.
_DEEPEST = 60
_LONGEST = 400


def parse(text: str) -> Node:
    """The tree of an expression.

    Raises:
        MappingError: with the column of the first word that does not fit.
    """
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        if len(self.tokens) > _LONGEST:
            ru, en = "выражение слишком длинное", "the expression is too long"
            raise fault(text, self.tokens[_LONGEST].at, ru, en)
        self.at = 0
        self.depth = 0

    def whole(self) -> Node:
        node = self.expression(0)
        if self.here.kind != "end":
            raise self.unexpected("оператор или конец выражения", "an operator or the end of the expression")
        return node

    @property
    def here(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def sees(self, op: str) -> bool:
        return self.here.kind == "op" and self.here.text == op

    def expect(self, op: str) -> None:
        if not self.sees(op):
            raise self.unexpected(f"«{op}»", f"'{op}'")
        self.at += 1

    def unexpected(self, ru: str, en: str) -> MappingError:
        found = self.here
        if found.kind == "end":
            return fault(self.text, found.at, f"выражение оборвано, ожидается {ru}", f"unexpected end, expected {en}")
        word = found.text if found.kind in ("op", "name") else found.kind
        return fault(self.text, found.at, f"лишнее {word}, ожидается {ru}", f"unexpected {word}, expected {en}")

    def expression(self, level: int) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            ru, en = "выражение слишком глубоко вложено", "the expression is nested too deep"
            raise fault(self.text, self.here.at, ru, en)
        node = self.unary()
        while (precedence := self.operator_level()) >= level:
            token = self.take()
            if precedence == _TYPE_LEVEL:
                node = TypeTest(token.at, token.text, node, self.type_name())
            else:
                node = Binary(token.at, token.text, node, self.expression(precedence + 1))
        self.depth -= 1
        return node

    def operator_level(self) -> int:
        token = self.here
        return _PRECEDENCE.get(token.text, -1) if token.kind in ("op", "name") else -1

    def unary(self) -> Node:
        if self.sees("+") or self.sees("-"):
            token = self.take()
            return Unary(token.at, token.text, self.expression(_UNARY_LEVEL))
        node = self.term()
        while True:
            if self.sees("."):
                self.at += 1
                node = self.invocation(node)
            elif self.sees("["):
                at = self.take().at
                node = Index(at, node, self.expression(0))
                self.expect("]")
            else:
                return node

    def term(self) -> Node:
        token = self.here
        if token.kind in ("string", "moment"):
            self.at += 1
            return Literal(token.at, literal_value(token))
        if token.kind == "number":
            self.at += 1
            return self.number(token)
        if token.kind == "name" and token.text in ("true", "false"):
            self.at += 1
            return Literal(token.at, token.text == "true")
        if token.kind == "op" and token.text in "({%":
            self.at += 1
            return self.bracketed(token)
        return self.invocation(None)

    def bracketed(self, token: Token) -> Node:
        if token.text == "(":
            node = self.expression(0)
            self.expect(")")
            return node
        if token.text == "{":
            self.expect("}")
            return Empty(token.at)
        if self.here.kind not in ("name", "quoted", "string"):
            raise self.unexpected("имя переменной", "the name of a variable")
        return Variable(token.at, self.take().text)

    def number(self, token: Token) -> Node:
        unit = self.here
        if unit.kind == "string" or (unit.kind == "name" and unit.text in _CALENDAR_UNITS):
            self.at += 1
            written = f"'{unit.text}'" if unit.kind == "string" else unit.text
            return QuantityLiteral(token.at, Decimal(token.text), written)
        return Literal(token.at, literal_value(token))

    def invocation(self, source: Node | None) -> Node:
        token = self.here
        if token.kind == "special":
            name = token.text[1:]
            if name not in _SPECIALS or source is not None:
                raise self.unexpected("$this, $index или $total", "$this, $index or $total")
            self.at += 1
            return Special(token.at, name)
        if token.kind not in ("name", "quoted"):
            raise self.unexpected("имя элемента, функция или значение", "an element, a function or a value")
        self.at += 1
        if not self.sees("("):
            return Member(token.at, source, token.text)
        self.at += 1
        if token.text in _TYPE_FUNCTIONS:
            node: Node = TypeTest(token.at, token.text, source, self.type_name())
        else:
            node = Call(token.at, source, token.text, self.arguments())
        self.expect(")")
        return node

    def arguments(self) -> tuple[Node, ...]:
        if self.sees(")"):
            return ()
        found = [self.expression(0)]
        while self.sees(","):
            self.at += 1
            found.append(self.expression(0))
        return tuple(found)

    def type_name(self) -> str:
        parts: list[str] = []
        while True:
            if self.here.kind not in ("name", "quoted"):
                raise self.unexpected("имя типа", "the name of a type")
            parts.append(self.take().text)
            if not self.sees("."):
                return ".".join(parts)
            self.at += 1
