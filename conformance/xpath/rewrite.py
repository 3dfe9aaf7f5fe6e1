"""XPath 3.1 of the Ministry's Schematron → XPath 1.0 with a handful of extension functions (:mod:`.functions`).

What each construct becomes:

==========================  =========================================================================
``x = ['a', 'b']``          ``(x = 'a' or x = 'b')``
``count(a = 'b')``          ``1`` (a comparison is one boolean)
``matches(a, 'r')``         ``e:m(string(a), 'k')``, ``k`` names ``r`` in the table of patterns
``if (c) then t else e``    ``((c) and (t)) or (not(c) and (e))``, as a boolean
``a/f(x)``                  ``e:one(count(a)) and a[f(x)]``
``a = 3``                   ``e:compare(a, '=', 3)``, which casts as XPath 2.0 does
un-prefixed element         ``h:name``, bound to ``urn:hl7-org:v3``
==========================  =========================================================================

XPath 2.0 raises a dynamic error where a function that takes one value is given several; the extension functions
raise there too, in the same order of evaluation. Comparisons that mean something else in XPath 1.0 (strings with
``<``, a boolean with a node) are refused rather than approximated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

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
from conformance.xpath.parse import parse
from conformance.xpath.regex import translate
from conformance.xpath.rewritten import (
    FALSE,
    TRUE,
    Kind,
    Rewritten,
    constant_comparison,
    counts_up_to,
    may_fail,
    quote,
    spelled_out,
    unsupported,
)

_EQUALITY: Final = frozenset({"=", "!="})
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ELEMENT_AXES: Final = frozenset(
    {
        "ancestor", "ancestor-or-self", "child", "descendant", "descendant-or-self",
        "following-sibling", "parent", "preceding-sibling", "self",
    }
)  # fmt: skip


class Rewriter:
    """Rewrites parsed expressions.

    Args:
        patterns: table of Python regular expressions by key, filled while rewriting; the extension functions read it.
    """

    _handlers: ClassVar[dict[type, str]] = {
        Literal: "_literal", Path: "_path", Binary: "_binary", Call: "_call", Union: "_union", If: "_if",
        Apply: "_apply", Filter: "_filter", Current: "_current",
    }  # fmt: skip

    def __init__(self, patterns: dict[str, str]) -> None:
        self.patterns = patterns
        self._depth = 0

    # -- expressions ------------------------------------------------------------------------------

    def rewrite(self, expr: Expr) -> Rewritten:
        """Rewrite any expression of the subset.

        Raises:
            SchematronError: it cannot be said faithfully in XPath 1.0.
        """
        if isinstance(expr, Items):
            raise unsupported("a list of values outside a comparison")
        handler: Callable[[Expr], Rewritten] = getattr(self, self._handlers[type(expr)])
        return handler(expr)

    def boolean(self, expr: Expr) -> Rewritten:
        """Rewrite to a boolean: the effective boolean value."""
        inner = self.rewrite(expr)
        if inner.kind is Kind.BOOLEAN:
            return inner
        text = f"boolean({inner.xpath})"
        return Rewritten(text, Kind.BOOLEAN, f"not({inner.xpath})", inner.uses_current)

    @staticmethod
    def _literal(expr: Literal) -> Rewritten:
        if isinstance(expr.value, str):
            return Rewritten(quote(expr.value), Kind.STRING)
        return Rewritten(repr(expr.value), Kind.NUMBER)

    def _current(self, _expr: Current) -> Rewritten:
        if self._depth == 0:
            return Rewritten(".", Kind.NODES, single=True)
        return Rewritten("$current", Kind.NODES, uses_current=True, single=True)

    def _union(self, expr: Union) -> Rewritten:
        parts = [self._nodes(item, "|") for item in expr.items]
        return Rewritten(
            "(" + " | ".join(part.xpath for part in parts) + ")",
            Kind.NODES,
            uses_current=any(part.uses_current for part in parts),
        )

    def _if(self, expr: If) -> Rewritten:
        condition, then, other = (self.boolean(part) for part in (expr.condition, expr.then, expr.otherwise))
        return Rewritten(
            f"(({condition.xpath} and {then.xpath}) or ({condition.negated} and {other.xpath}))",
            Kind.BOOLEAN,
            uses_current=any(part.uses_current for part in (condition, then, other)),
        )

    def _apply(self, expr: Apply) -> Rewritten:
        path = self._nodes(expr.path, "/")
        self._depth += 1
        call = self.boolean(expr.call)
        self._depth -= 1
        if call.kind is not Kind.BOOLEAN or expr.call.name not in {
            "not",
            "boolean",
            "empty",
            "exists",
            "matches",
        }:
            raise unsupported("a function as the last step that does not give a boolean", expr.call.name)
        text = f"{spelled_out(path.xpath)}[{call.xpath}]"
        guard = "" if path.single else f"e:one(count({path.xpath})) and "
        return Rewritten(f"({guard}boolean({text}))", Kind.BOOLEAN, uses_current=path.uses_current or call.uses_current)

    def _filter(self, expr: Filter) -> Rewritten:
        base = self._nodes(expr.base, "[")
        text, current = self._predicates(expr.predicates)
        return Rewritten(f"({base.xpath}){text}", Kind.NODES, uses_current=base.uses_current or current)

    def _nodes(self, expr: Expr, where: str) -> Rewritten:
        inner = self.rewrite(expr)
        if inner.kind is not Kind.NODES:
            raise unsupported(f"«{where}» on something that is not a node")
        return inner

    # -- paths ------------------------------------------------------------------------------------

    def _path(self, path: Path) -> Rewritten:
        uses_current = False
        if path.start == "":
            prefix, single = "", True
        elif path.start == "/":
            prefix, single = "/", False
        else:
            assert not isinstance(path.start, str)
            base = self._nodes(path.start, "/")
            prefix, single, uses_current = base.xpath + "/", base.single, base.uses_current
        if not path.steps:
            return Rewritten("/", Kind.NODES, single=True)
        parts: list[str] = []
        for step in path.steps:
            text, current = self.step(step)
            parts.append(text)
            uses_current = uses_current or current
            single = single and (step.axis in {"attribute", "self", "parent"}) and not step.test.endswith("*")
        text = "/".join(parts).replace("/descendant-or-self::node()/", "//")
        if prefix == "/" and path.steps[0] == DESCENDANTS:
            text = "//" + text.removeprefix("descendant-or-self::node()/")
            prefix = ""
        return Rewritten(prefix + text, Kind.NODES, uses_current=uses_current, single=single)

    def step(self, step: Step) -> tuple[str, bool]:
        """Text of one step, and whether it needs ``$current``."""
        if step == SELF:
            return ".", False
        if step.axis == "parent" and step.test == "node()" and not step.predicates:
            return "..", False
        predicates, current = self._predicates(step.predicates)
        return self.bare_step(step) + predicates, current

    @staticmethod
    def bare_step(step: Step) -> str:
        """Text of a step without its predicates."""
        test = step.test
        if step.axis in _ELEMENT_AXES and test != "*" and ":" not in test and not test.endswith("()"):
            test = "h:" + test
        if step.axis == "attribute":
            return "@" + test
        return test if step.axis == "child" else f"{step.axis}::{test}"

    def predicate(self, expr: Expr) -> Rewritten:
        """Rewrite a predicate; a number stays a number (a position)."""
        self._depth += 1
        inner = self.rewrite(expr)
        self._depth -= 1
        if inner.kind is Kind.STRING:
            return Rewritten(f"boolean({inner.xpath})", Kind.BOOLEAN, uses_current=inner.uses_current)
        return inner

    def _predicates(self, predicates: tuple[Expr, ...]) -> tuple[str, bool]:
        parts = [self.predicate(predicate) for predicate in predicates]
        return "".join(f"[{part.xpath}]" for part in parts), any(part.uses_current for part in parts)

    # -- operators --------------------------------------------------------------------------------

    def _binary(self, expr: Binary) -> Rewritten:
        if expr.op in {"and", "or"}:
            left, right = self.boolean(expr.left), self.boolean(expr.right)
            if expr.op == "or" and left.match and right.match and left.match[0] == right.match[0]:
                # One call for alternatives over the same text: a call into Python is dear.
                return self._match(left.match[0], f"{left.match[1]}|{right.match[1]}", left.uses_current)
            return Rewritten(
                f"({left.xpath} {expr.op} {right.xpath})",
                Kind.BOOLEAN,
                uses_current=left.uses_current or right.uses_current,
            )
        if expr.op in {"+", "-"}:
            return self._arithmetic(expr)
        return self._comparison(expr)

    def _arithmetic(self, expr: Binary) -> Rewritten:
        left, right = self.rewrite(expr.left), self.rewrite(expr.right)
        if left.kind is not Kind.NUMBER or right.kind is not Kind.NUMBER:
            raise unsupported(f"«{expr.op}» on something that is not a number")
        return Rewritten(
            f"({left.xpath} {expr.op} {right.xpath})",
            Kind.NUMBER,
            uses_current=left.uses_current or right.uses_current,
        )

    def _comparison(self, expr: Binary) -> Rewritten:
        lefts = expr.left.items if isinstance(expr.left, Items) else (expr.left,)
        rights = expr.right.items if isinstance(expr.right, Items) else (expr.right,)
        op = expr.op
        span = counts_up_to(op, lefts, rights)
        if span is not None:
            rights, op = (Literal(span),), "<="
        pairs = [self._compare(op, self.rewrite(a), self.rewrite(b)) for a in lefts for b in rights]
        if TRUE in pairs and not any(may_fail(pair.xpath) for pair in pairs):
            return TRUE
        pairs = [pair for pair in pairs if pair != FALSE]
        if len(pairs) < 2:
            return pairs[0] if pairs else FALSE
        return Rewritten(
            "(" + " or ".join(pair.xpath for pair in pairs) + ")",
            Kind.BOOLEAN,
            uses_current=any(pair.uses_current for pair in pairs),
        )

    @staticmethod
    def _compare(op: str, left: Rewritten, right: Rewritten) -> Rewritten:
        kinds = {left.kind, right.kind}
        numbers = kinds == {Kind.NUMBER}
        strings = kinds <= {Kind.NODES, Kind.STRING}
        booleans = kinds == {Kind.BOOLEAN}
        constant = constant_comparison(op, left, right)
        if constant is not None:
            return constant
        uses_current = left.uses_current or right.uses_current
        if (left.kind, right.kind) == (Kind.NODES, Kind.NUMBER):
            return Rewritten(f"e:compare({left.xpath}, '{op}', {right.xpath})", Kind.BOOLEAN, "", uses_current)
        if (left.kind, right.kind) == (Kind.NUMBER, Kind.NODES):
            mirrored = _MIRRORED.get(op, op)
            return Rewritten(f"e:compare({right.xpath}, '{mirrored}', {left.xpath})", Kind.BOOLEAN, "", uses_current)
        if not (numbers or (op in _EQUALITY and (strings or booleans))):
            raise unsupported(
                f"«{op}» between {left.kind.value} and {right.kind.value} means something else in XPath 1.0",
                f"{left.xpath} {op} {right.xpath}",
            )
        return Rewritten(f"({left.xpath} {op} {right.xpath})", Kind.BOOLEAN, "", uses_current)

    # -- functions --------------------------------------------------------------------------------

    _calls: ClassVar[dict[str, tuple[str, int, int]]] = {
        "not": ("_not", 1, 1), "boolean": ("_boolean", 1, 1), "empty": ("_empty", 1, 1),
        "exists": ("_exists", 1, 1), "count": ("_count", 1, 1), "matches": ("_matches", 2, 2),
        "last": ("_number_call", 0, 0), "position": ("_number_call", 0, 0),
        "true": ("_constant", 0, 0), "false": ("_constant", 0, 0),
        "string-length": ("_string_call", 1, 1), "normalize-space": ("_string_call", 1, 1),
        "string": ("_string_call", 1, 1), "substring": ("_substring", 2, 3),
        "contains": ("_string_call", 2, 2), "starts-with": ("_string_call", 2, 2),
        "concat": ("_string_call", 2, 99),
    }  # fmt: skip
    _result: ClassVar[dict[str, Kind]] = {
        "string-length": Kind.NUMBER, "contains": Kind.BOOLEAN, "starts-with": Kind.BOOLEAN,
    }  # fmt: skip

    def _call(self, call: Call) -> Rewritten:
        name, least, most = self._calls.get(call.name, ("", 0, 0))
        if not name:
            raise unsupported("a function that is outside the subset", call.name + "()")
        if not least <= len(call.args) <= most:
            raise unsupported("a wrong number of arguments", call.name + "()")
        handler: Callable[[Call], Rewritten] = getattr(self, name)
        return handler(call)

    def _not(self, call: Call) -> Rewritten:
        inner = self.boolean(call.args[0])
        return Rewritten(inner.negated, Kind.BOOLEAN, inner.xpath, inner.uses_current)

    def _boolean(self, call: Call) -> Rewritten:
        return self.boolean(call.args[0])

    def _empty(self, call: Call) -> Rewritten:
        inner = self._nodes(call.args[0], "empty()")
        return Rewritten(f"not({inner.xpath})", Kind.BOOLEAN, f"boolean({inner.xpath})", inner.uses_current)

    def _exists(self, call: Call) -> Rewritten:
        inner = self._nodes(call.args[0], "exists()")
        return Rewritten(f"boolean({inner.xpath})", Kind.BOOLEAN, f"not({inner.xpath})", inner.uses_current)

    def _count(self, call: Call) -> Rewritten:
        inner = self.rewrite(call.args[0])
        if inner.kind is not Kind.NODES:
            if may_fail(inner.xpath):
                raise unsupported("count() of a value that may be a dynamic error", call.name + "()")
            return Rewritten("1", Kind.NUMBER)
        return Rewritten(f"count({inner.xpath})", Kind.NUMBER, uses_current=inner.uses_current)

    def _number_call(self, call: Call) -> Rewritten:
        if self._depth == 0:
            raise unsupported("a position outside a predicate", call.name + "()")
        return Rewritten(f"{call.name}()", Kind.NUMBER)

    @staticmethod
    def _constant(call: Call) -> Rewritten:
        return Rewritten(f"{call.name}()", Kind.BOOLEAN, "false()" if call.name == "true" else "true()")

    def _text(self, expr: Expr, function: str) -> Rewritten:
        """An argument that takes one string; several nodes are a dynamic error, raised when it is evaluated."""
        inner = self.rewrite(expr)
        if inner.kind is Kind.STRING:
            return inner
        if inner.kind is not Kind.NODES:
            raise unsupported(f"{function}() of something that is not a string")
        text = f"string({inner.xpath})"
        if not inner.single:
            text = f"e:single({text}, count({inner.xpath}))"
        return Rewritten(text, Kind.STRING, uses_current=inner.uses_current)

    def _string_call(self, call: Call) -> Rewritten:
        args = [self._text(argument, call.name) for argument in call.args]
        return Rewritten(
            f"{call.name}({', '.join(argument.xpath for argument in args)})",
            self._result.get(call.name, Kind.STRING),
            uses_current=any(argument.uses_current for argument in args),
        )

    def _substring(self, call: Call) -> Rewritten:
        text, *numbers = call.args
        parts = [self._text(text, "substring"), *(self.rewrite(number) for number in numbers)]
        if any(part.kind is not Kind.NUMBER for part in parts[1:]):
            raise unsupported("substring() from something that is not a number")
        return Rewritten(
            f"substring({', '.join(part.xpath for part in parts)})",
            Kind.STRING,
            uses_current=any(part.uses_current for part in parts),
        )

    def _matches(self, call: Call) -> Rewritten:
        text = self._text(call.args[0], "matches")
        pattern = call.args[1]
        if isinstance(pattern, Literal) and isinstance(pattern.value, str):
            return self._match(text.xpath, translate(pattern.value), text.uses_current)
        regex = self._text(pattern, "matches")
        return Rewritten(
            f"e:dynamic({text.xpath}, {regex.xpath})",
            Kind.BOOLEAN,
            uses_current=text.uses_current or regex.uses_current,
        )

    def _match(self, text: str, regex: str, uses_current: bool) -> Rewritten:
        key = hashlib.sha256(regex.encode()).hexdigest()[:12]
        self.patterns[key] = regex
        return Rewritten(f"e:m({text}, '{key}')", Kind.BOOLEAN, uses_current=uses_current, match=(text, regex))


def rewrite(expression: str, namespaces: Mapping[str, str], patterns: dict[str, str] | None = None) -> Rewritten:
    """Rewrite one expression of a Schematron test; see :class:`Rewriter` for ``patterns``."""
    return Rewriter({} if patterns is None else patterns).rewrite(parse(expression, namespaces))
