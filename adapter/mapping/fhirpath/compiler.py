"""Syntax tree to closures."""

from __future__ import annotations

import difflib

from adapter.findings import Text
from adapter.mapping.fhirpath import filtering, navigation, strings
from adapter.mapping.fhirpath.choices import CHOICES
from adapter.mapping.fhirpath.code import Code, constant
from adapter.mapping.fhirpath.operators import OPERATORS, signed
from adapter.mapping.fhirpath.paths import chain, focus, indexed, member, root_member
from adapter.mapping.fhirpath.site import BadArgument, Function, Site, Unsupported
from adapter.mapping.fhirpath.syntax import (
    Binary,
    Call,
    Empty,
    Index,
    Literal,
    Member,
    Node,
    Special,
    TypeTest,
    Unary,
    Variable,
)
from adapter.mapping.fhirpath.tokens import fault

FUNCTIONS: dict[str, Function] = {**filtering.FUNCTIONS, **strings.FUNCTIONS, **navigation.FUNCTIONS}
#: Functions of fhirpathpy that are not compiled here.
INTERPRETED = frozenset(
    {"aggregate", "avg", "convertsToQuantity", "decode", "encode", "exp", "ln", "log", "max", "min", "power", "sqrt"}
    | {"sum", "toQuantity", "type"}
)
# A mapping gives the same facts for the same Bundle, and no value of a patient reaches an output.
_REFUSED = {
    "now": Text("время меняет результат от запуска к запуску", "the clock changes the result from run to run"),
    "today": Text("дата меняет результат от запуска к запуску", "the clock changes the result from run to run"),
    "timeOfDay": Text("время меняет результат от запуска к запуску", "the clock changes the result from run to run"),
    "trace": Text("данные пациента попали бы в журнал", "data of a patient would reach the log"),
}
KNOWN_VARIABLES = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}


def compile_tree(text: str, tree: Node) -> Code:
    """The closures of an expression.

    Raises:
        MappingError: unknown function, wrong number of arguments, a constant that can never be right.
        Unsupported: the expression is right, but outside of the subset.
    """
    compiler = _Compiler(text)
    try:
        return compiler.code(tree)
    except BadArgument as error:
        raise fault(text, error.at, error.reason.ru, error.reason.en) from error


class _Compiler:
    def __init__(self, text: str) -> None:
        self.text = text

    def code(self, node: Node | None) -> Code:
        match node:
            case Member():
                return self.member(node)
            case Index(source=source, index=index):
                return indexed(self.code(source), self.code(index))
            case Unary(op=op, operand=operand):
                return signed(op, self.code(operand))
            case Binary(op=op, left=left, right=right):
                return OPERATORS[op](self.code(left), self.code(right))
            case TypeTest():
                return navigation.type_test(node, self.code)
            case Call():
                return self.call(node)
        return _leaf(node)

    def member(self, node: Member) -> Code:
        names = plain_names(node)
        if len(names) > 1:
            return chain(names)
        if is_focus(node.source):
            return root_member(node.name)
        return member(self.code(node.source), node.name)

    def call(self, node: Call) -> Code:
        function = FUNCTIONS.get(node.name)
        if function is None:
            self.without_function(node)
            raise Unsupported(node.at, f"{node.name}()")
        given = len(node.arguments)
        if not function.least <= given <= function.most:
            counts = str(function.least)
            if function.least != function.most:
                counts += f"–{function.most}"
            raise fault(
                self.text,
                node.at,
                f"{node.name}(): аргументов {given}, ожидается {counts}",
                f"{node.name}(): {given} arguments, expected {counts}",
            )
        arguments = tuple(self.code(argument) for argument in node.arguments)
        return function.build(Site(node, self.code(node.source), arguments, self.code))

    def without_function(self, node: Call) -> None:
        """Raise where nobody knows the function, or where it must not be used."""
        refusal = _REFUSED.get(node.name)
        if refusal is not None:
            ru, en = f"{node.name}() запрещена: {refusal.ru}", f"{node.name}() is forbidden: {refusal.en}"
            raise fault(self.text, node.at, ru, en)
        if node.name in INTERPRETED:
            return
        ru, en = f"нет функции {node.name}()", f"no function {node.name}()"
        near = difflib.get_close_matches(node.name, [*FUNCTIONS, *INTERPRETED, "is", "as", "ofType"], 1)
        if near:
            ru, en = f"{ru}; возможно, {near[0]}()?", f"{en}; did you mean {near[0]}()?"
        raise fault(self.text, node.at, ru, en)


def _leaf(node: Node | None) -> Code:
    match node:
        case None | Special(name="this"):
            return focus()
        case Special(name="index"):
            return Code(lambda _item, env: env.index)
        case Literal(value=value):
            return constant(value)
        case Empty():
            return constant(None)
        case Variable(name=name):
            return _variable(name)
    raise Unsupported(node.at, type(node).__name__)


def is_focus(node: Node | None) -> bool:
    return node is None or (isinstance(node, Special) and node.name == "this")


def plain_names(node: Node | None) -> tuple[str, ...]:
    """The names of a path of plain members from the focus; empty for everything else."""
    names: list[str] = []
    while isinstance(node, Member) and node.name not in CHOICES:
        names.append(node.name)
        node = node.source
    if not names or not is_focus(node) or names[-1][:1].isupper():
        return ()
    return tuple(reversed(names))


def _variable(name: str) -> Code:
    if name in KNOWN_VARIABLES:
        return constant(KNOWN_VARIABLES[name])

    return Code(lambda _item, env: env[name])
