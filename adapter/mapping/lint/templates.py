"""What a template reads of the facts, without running it.

The syntax tree of Jinja is followed from the template of a document through ``extends``, ``import`` and macros, with
the shapes of the facts in place of the facts. Conditions on switches of the header are decided, of all others both
ways are taken. What cannot be followed (a filter, a function, a test) counts as reading everything below its operand,
so that nothing is called unread which may be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from jinja2 import Environment, TemplateSyntaxError, nodes

from adapter.catalogue import Catalogue
from adapter.documents.header import Header
from adapter.errors import MappingError, UsageError
from adapter.findings import Text
from adapter.mapping.lint.walk import Shape, Slot, key

#: Attributes that a null has; a template asks for them where it has made sure of one.
_OF_NULL: Final = ("flavor",)
_DEPTH: Final = 40
#: Statements that are followed from where they are called.
_FOLLOWED: Final = (nodes.Macro, nodes.Block, nodes.Extends, nodes.Import, nodes.FromImport)


class One(NamedTuple):
    """One thing that an expression may be: a fact, or an item of a fact that is a list."""

    slot: Slot | None
    shapes: tuple[Shape, ...]
    many: bool


#: All that an expression may be; empty where it is not a fact.
Value = tuple[One, ...]


class Missing(NamedTuple):
    """A template reads a fact that no rule makes."""

    file: str
    line: int
    name: str
    known: tuple[str, ...]


@dataclass
class _Module:
    """A template as others see it: its macros, and what it imports."""

    name: str
    tree: nodes.Template
    macros: dict[str, nodes.Macro] = field(default_factory=dict)
    imported: dict[str, tuple[_Module, str]] = field(default_factory=dict)
    modules: dict[str, _Module] = field(default_factory=dict)


@dataclass
class _Frame:
    """Where the walk is: the template, and the names in it; ``switches`` are the names of the header."""

    module: _Module
    names: dict[str, Value]
    switches: frozenset[str] = frozenset({"header"})


class Reader:
    """Follows templates of a catalogue.

    Attributes:
        read: keys of the rules whose facts are read.
        missing: what is read and not made.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._environment = Environment(autoescape=True)
        self._modules: dict[str, _Module] = {}
        self._seen: set[tuple[object, ...]] = set()
        self._header = Header()
        self._depth = 0
        self.read: set[str] = set()
        self.missing: set[Missing] = set()

    def document(self, template: str, facts: Mapping[str, Slot], header: Header) -> None:
        """Follow the template of a document.

        Raises:
            MappingError: a template is absent or is not one.
        """
        # Marks hold identities of shapes, which are those of this document.
        self._seen.clear()
        self._header = header
        root: Value = (One(None, (Shape(facts),), many=False),)
        module = self._module(template)
        blocks: dict[str, tuple[nodes.Block, _Module]] = {}
        while True:
            for block in module.tree.find_all(nodes.Block):
                blocks.setdefault(block.name, (block, module))
            parent = next(module.tree.find_all(nodes.Extends), None)
            if parent is None or not isinstance(parent.template, nodes.Const):
                break
            module = self._module(str(parent.template.value))
        names = {"facts": root}
        self._body(module.tree.body, _Frame(module, dict(names)))
        for block, owner in blocks.values():
            self._body(block.body, _Frame(owner, dict(names)))

    # -- templates ----------------------------------------------------------------------------------

    def _module(self, name: str) -> _Module:
        if name in self._modules:
            return self._modules[name]
        file = f"templates/{name}"
        try:
            source = self._catalogue.file(file).read_text("utf-8")
            tree = self._environment.parse(source, name)
        except UsageError as error:
            raise MappingError(Text(f"нет шаблона {name}", f"there is no template {name}"), file=file) from error
        except TemplateSyntaxError as error:
            reason = error.message or "?"
            text = Text(f"шаблон неверен: {reason}", f"the template is wrong: {reason}")
            raise MappingError(text, file=file, line=error.lineno) from error
        module = self._modules[name] = _Module(name, tree)
        module.macros = {macro.name: macro for macro in tree.find_all(nodes.Macro)}
        for one in tree.find_all(nodes.FromImport):
            if isinstance(one.template, nodes.Const):
                other = self._module(str(one.template.value))
                pairs = [item if isinstance(item, tuple) else (item, item) for item in one.names]
                module.imported.update({alias: (other, theirs) for theirs, alias in pairs})
        for one_import in tree.find_all(nodes.Import):
            if isinstance(one_import.template, nodes.Const):
                module.modules[one_import.target] = self._module(str(one_import.template.value))
        return module

    def _macro(self, called: nodes.Expr, module: _Module) -> tuple[_Module, nodes.Macro] | None:
        """The macro that a call means."""
        if isinstance(called, nodes.Getattr) and isinstance(called.node, nodes.Name):
            other = module.modules.get(called.node.name)
            return (other, other.macros[called.attr]) if other and called.attr in other.macros else None
        if not isinstance(called, nodes.Name):
            return None
        if called.name in module.macros:
            return module, module.macros[called.name]
        other, name = module.imported.get(called.name, (None, ""))
        return (other, other.macros[name]) if other and name in other.macros else None

    # -- statements ---------------------------------------------------------------------------------

    def _body(self, body: list[nodes.Node], frame: _Frame) -> None:
        for node in body:
            self._statement(node, frame)

    def _statement(self, node: nodes.Node, frame: _Frame) -> None:
        match node:
            case nodes.Output():
                for part in node.nodes:
                    self._deep(self._value(part, frame))
            case nodes.If():
                self._if(node, frame)
            case nodes.For():
                self._for(node, frame)
            case nodes.Assign(target=nodes.Name(name=name)):
                frame.names[name] = self._value(node.node, frame)
            case nodes.AssignBlock() | nodes.CallBlock():
                if isinstance(node, nodes.CallBlock):
                    self._value(node.call, frame)
                self._body(node.body, frame)
            case nodes.Include(template=nodes.Const(value=str(name))):
                module = self._module(name)
                self._body(module.tree.body, _Frame(module, dict(frame.names), frame.switches))
            case _ if not isinstance(node, _FOLLOWED):
                self._rest(node, frame)

    def _for(self, node: nodes.For, frame: _Frame) -> None:
        items = _items(self._value(node.iter, frame))
        if isinstance(node.target, nodes.Name):
            frame.names[node.target.name] = items
        if node.test is not None:
            self._value(node.test, frame)
        self._body([*node.body, *node.else_], frame)

    def _if(self, node: nodes.If, frame: _Frame) -> None:
        holds = self._truth(node.test, frame)
        if holds is not False:
            self._body(node.body, frame)
        if holds is not True:
            self._body([*node.elif_, *node.else_], frame)

    def _truth(self, test: nodes.Node, frame: _Frame) -> bool | None:
        """A condition, as far as switches of the header decide it; what is asked of facts on the way is read."""
        if isinstance(test, nodes.And | nodes.Or):
            left, ends = self._truth(test.left, frame), isinstance(test, nodes.Or)
            if left is ends:
                return ends
            right = self._truth(test.right, frame)
            return right if left is not None or right is ends else None
        if isinstance(test, nodes.Compare) and len(test.ops) == 1 and isinstance(test.ops[0].expr, nodes.Const):
            switch = test.expr
            if isinstance(switch, nodes.Getattr) and isinstance(switch.node, nodes.Name):
                known = switch.node.name in frame.switches and test.ops[0].op in {"eq", "ne"}
                if known and hasattr(self._header, switch.attr):
                    equal = getattr(self._header, switch.attr) == test.ops[0].expr.value
                    return equal is (test.ops[0].op == "eq")
        self._value(test, frame)
        return None

    def _rest(self, node: nodes.Node, frame: _Frame) -> Value:
        """Whatever stands in a node that is not followed counts as read."""
        for child in node.iter_child_nodes():
            if isinstance(child, nodes.Expr):
                self._deep(self._value(child, frame))
            else:
                self._statement(child, frame)
        return ()

    # -- expressions --------------------------------------------------------------------------------

    def _value(self, node: nodes.Node, frame: _Frame) -> Value:
        match node:
            case nodes.Name():
                return frame.names.get(node.name, ())
            case nodes.Getattr():
                return self._attribute(self._value(node.node, frame), node.attr, node.lineno, frame)
            case nodes.Getitem():
                return self._item(node, frame)
            case nodes.And() | nodes.Or():
                return (*self._value(node.left, frame), *self._value(node.right, frame))
            case nodes.CondExpr():
                self._truth(node.test, frame)
                other = self._value(node.expr2, frame) if node.expr2 is not None else ()
                return (*self._value(node.expr1, frame), *other)
            case nodes.Not() | nodes.Test() | nodes.Compare():
                return self._asked(node, frame)
            case nodes.Call():
                return self._call(node, frame)
            case _:
                return self._rest(node, frame)

    def _asked(self, node: nodes.Node, frame: _Frame) -> Value:
        """A question about facts: they are read, what is below them is not."""
        for child in node.iter_child_nodes():
            if isinstance(child, nodes.Expr):
                self._value(child, frame)
            elif isinstance(child, nodes.Operand):
                self._value(child.expr, frame)
        return ()

    def _item(self, node: nodes.Getitem, frame: _Frame) -> Value:
        value = self._value(node.node, frame)
        if isinstance(node.arg, nodes.Slice):
            return value
        if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            return self._attribute(value, node.arg.value, node.lineno, frame)
        self._deep(self._value(node.arg, frame))
        return _items(value)

    def _attribute(self, value: Value, name: str, line: int, frame: _Frame) -> Value:
        found: list[One] = []
        known: list[str] = []
        opaque = not value
        for one in value:
            opaque = opaque or not one.shapes
            for shape in one.shapes:
                slot = (shape.facts or {}).get(name)
                if slot is not None:
                    self.read.add(key(slot.rule))
                    found.append(One(slot, slot.shapes, slot.many))
                elif name in shape.names:
                    opaque = True
                known += [*(shape.facts or ()), *shape.names]
        if not found and not opaque and name not in _OF_NULL:
            self.missing.add(Missing(f"templates/{frame.module.name}", line, name, tuple(dict.fromkeys(known))))
        return tuple(found)

    def _call(self, node: nodes.Call, frame: _Frame) -> Value:
        macro = self._macro(node.node, frame.module)
        if macro is None:
            return self._rest(node, frame)
        module, body = macro
        names = dict(zip([argument.name for argument in body.args], self._arguments(node, frame), strict=False))
        for keyword in node.kwargs:
            names[keyword.key] = self._value(keyword.value, frame)
        given = zip(body.args, node.args, strict=False)
        switches = frozenset(
            ours.name for ours, theirs in given if isinstance(theirs, nodes.Name) and theirs.name in frame.switches
        )
        mark = (id(body), *sorted((name, tuple(map(_mark, value))) for name, value in names.items()))
        if mark not in self._seen and self._depth < _DEPTH:
            self._seen.add(mark)
            self._depth += 1
            self._body(body.body, _Frame(module, names, switches))
            self._depth -= 1
        return ()

    def _arguments(self, node: nodes.Call, frame: _Frame) -> Iterator[Value]:
        for argument in node.args:
            yield self._value(argument, frame)

    def _deep(self, value: Value) -> None:
        """Everything below a value is read."""
        for one in value:
            for shape in one.shapes:
                for slot in (shape.facts or {}).values():
                    if key(slot.rule) not in self.read or slot.shapes:
                        self.read.add(key(slot.rule))
                        self._deep((One(slot, slot.shapes, slot.many),))


def _mark(one: One) -> tuple[int, ...]:
    return (one.many, *map(id, one.shapes))


def _items(value: Value) -> Value:
    """The items of lists; what is not a list stays itself."""
    return tuple(one._replace(many=False) for one in value)
