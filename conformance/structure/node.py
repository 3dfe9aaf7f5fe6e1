"""Structures compiled to tables: what an element may have, by name, ready for one walk over a document."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast

from adapter.errors import MappingError
from adapter.xml import PREFIXES, XSI, Element
from conformance.structure.source import Source, Written, expand, merge, parse, unknown

#: Says whether a value fits. All of them run in C.
Check = Callable[[str], object]
#: Lets everything through: a type is true.
FREE: Final[Check] = type

TYPE: Final = f"{{{XSI}}}type"
NULL: Final = "nullFlavor"
#: The bit of a nullFlavor that makes an element null.
NULL_BIT: Final = 1 << 60
MANY: Final = 1 << 30
_NAMESPACES: Final = {prefix.rstrip(":"): uri for uri, prefix in PREFIXES.items()}
_CODED: Final = ("codeSystemName", "codeSystemVersion", "displayName")
#: A code has no spaces inside.
_CODE: Final = re.compile(r"\s*\S+\s*")


def first(element: Element, steps: tuple[str, ...]) -> Element | None:
    """The first element at a path of children."""
    found: Element | None = element
    for step in steps:
        for child in cast(Element, found):
            if child.tag == step:
                found = child
                break
        else:
            return None
    return found


class Value(NamedTuple):
    """What an attribute or a text must be.

    Attributes:
        check: judges a value.
        expected: the shape in words of the structure: ``=RU``, ``~oid``, ``any``, ``free``.
        book: it is the OID of a book.
    """

    check: Check
    expected: str
    book: bool = False


class Attribute(NamedTuple):
    """An attribute that an element may have; ``bit`` is its place in the mask of required ones (0 = optional)."""

    bit: int
    check: Check
    value: Value


@dataclass(slots=True)
class Slot:
    """The children of one name.

    Attributes:
        index: position among the names, for the order.
        least, most: how many.
        nodes: by position; the last one serves all that follow.
        switch: chooses the node instead, by something inside the child.
    """

    name: str
    index: int
    least: int
    most: int
    nodes: tuple[Node, ...] = ()
    switch: Switch | None = None


@dataclass(slots=True)
class Case:
    """One branch of a switch."""

    key: str | None
    node: Node
    least: int
    most: int


@dataclass(slots=True)
class Switch:
    """Tells children of one name apart by an attribute in or under them (``observation/code/@code``)."""

    by: str
    tag: str
    steps: tuple[str, ...]
    attribute: str
    cases: Mapping[str, Case]
    otherwise: Case | None

    def key(self, element: Element) -> tuple[str, str | None]:
        """The name of the child with its case; ``None`` for a value that has none."""
        found = first(element, self.steps)
        value = None if found is None else found.get(self.attribute)
        if value is None or value in self.cases:
            return self.tag, value
        # A schema looks past spaces at the edges; only a rule that counts the required ones does not.
        bare = self.cases.get(value.strip())
        return self.tag, None if bare is None or bare.least else bare.key

    def place(self, element: Element) -> Element:
        """The element that has the attribute, or the deepest one on the way to it."""
        for step in self.steps:
            element = next(element.iterchildren(step), element)
        return element


class Choice(NamedTuple):
    """Of these names so many must stand, taken together."""

    tags: frozenset[str]
    names: str
    least: int
    most: int


class Term(NamedTuple):
    """One condition of a rule: a path and what must hold there; ``search``: a path whose steps name an attribute."""

    path: str
    where: str
    steps: tuple[str, ...]
    search: str
    attribute: str
    test: str
    value: Value | None


class Rule(NamedTuple):
    """When all of ``when`` hold, all of ``then`` must."""

    when: tuple[Term, ...]
    then: tuple[Term, ...]


@dataclass(slots=True, eq=False)
class Node:
    """What one element must be like.

    Attributes:
        path: where in the structure, the id of the rule.
        attributes: by name in Clark notation.
        required: mask of the attributes that must be there unless the element is null.
        always: mask of those that must be there even then: a datatype.
        text: what it must be; ``None`` for none.
        skip: nothing below is looked at.
        mixed: text may stand between children.
        open: attributes and children that are not named may stand.
        slots: children by name in Clark notation.
        keyed: the switches among them.
        needs_children: some must be there.
        plans: accepted sequences of children, with the node of each.
    """

    path: str
    attributes: dict[str, Attribute] = field(default_factory=dict)
    required: int = 0
    always: int = 0
    text: Value | None = None
    skip: bool = False
    mixed: bool = False
    ordered: bool = True
    open: bool = False
    slots: dict[str, Slot] = field(default_factory=dict)
    keyed: dict[str, Switch] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    rules: tuple[Rule, ...] = ()
    needs_children: bool = False
    plans: dict[Any, tuple[Node, ...]] = field(default_factory=dict)


def clark(name: str) -> str:
    """``identity:Props`` → ``{urn:hl7-ru:identity}Props``; a bare name is HL7's."""
    prefix, colon, local = name.rpartition(":")
    if prefix not in _NAMESPACES:
        raise MappingError(f"unknown prefix in {name!r}; known: {', '.join(sorted(filter(None, _NAMESPACES)))}")
    return f"{{{_NAMESPACES[prefix]}}}{local}" if colon or not prefix else local


def _attribute_name(name: str) -> str:
    return clark(name) if ":" in name else name


class Compiler:
    """Compiles one structure. A block that holds itself becomes one node that holds itself."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._open: dict[str, Node] = {}

    def document(self) -> Node:
        """The node of the root element."""
        return self._node(self._source.document, "")

    def _node(self, written: Any, path: str) -> Node:
        block = written if isinstance(written, str) else (written or {}).get("is", "")
        name = str(block).partition(" ")[0]
        plain = isinstance(written, str) or set(written or {}) <= {"is", "card"}
        if name and plain and name in self._open:
            return self._open[name]
        node = Node(path or "/")
        if name and plain:
            self._open[name] = node
        try:
            self._fill(node, expand(written, self._source.blocks, path), path)
        except MappingError as error:
            if error.file:
                raise
            raise MappingError(error.reason, file=f"{self._source.name}.yaml") from None
        finally:
            if name and plain:
                del self._open[name]
        return node

    def _fill(self, node: Node, spec: Written, path: str) -> None:
        self._attributes(node, spec, path)
        text = spec.get("text", "none")
        node.skip, node.mixed = text == "skip", text in {"mixed", "mixed any"}
        node.text = None if text in {"none", "skip", "mixed"} else self._value(str(text).removeprefix("mixed "), path)
        node.open = bool(spec.get("open", False))
        node.ordered = spec.get("order", "fixed") != "any" and not node.open
        for index, (name, child) in enumerate(spec.get("children", {}).items()):
            slot = self._slot(str(name), index, child, f"{path}/{name}" if path else str(name))
            node.slots[clark(slot.name)] = slot
            if slot.switch is not None:
                node.keyed[slot.switch.tag] = slot.switch
        node.choices = tuple(self._choice(choice, path) for choice in spec.get("one_of", ()))
        node.rules = tuple(self._rule(rule, path) for rule in spec.get("rules", ()))
        node.needs_children = any(_least(slot) for slot in node.slots.values()) or any(c.least for c in node.choices)

    def _attributes(self, node: Node, spec: Written, path: str) -> None:
        written = dict(spec.get("attributes", {}))
        if "book" in spec:
            for name in _CODED:
                written.setdefault(name, "any")
            self._attribute(node, "code", Value(_CODE.fullmatch, "any"))
            self._attribute(node, "codeSystem", self._books(spec["book"], path))
        if "codes" in spec:
            written["code"] = [str(code) for code in spec["codes"]]
        for name, value in written.items():
            optional, _, rest = str(value).partition(" ") if isinstance(value, str) else ("", "", "")
            if optional == "optional":
                self._attribute(node, name, self._value(rest or "any", f"{path}/@{name}"), required=False)
            else:
                self._attribute(node, name, self._value(value, f"{path}/@{name}"))
        null = spec.get("nullFlavor", "forbidden")
        if null != "forbidden":
            allowed = self._source.null_flavors if null == "any" else null if isinstance(null, list) else [null]
            # Where any will do only the schema looks, and it looks past spaces at the edges.
            loose = re.compile(rf"\s*({'|'.join(allowed)})\s*").fullmatch
            check: Check = loose if null == "any" else frozenset(allowed).__contains__
            # Where the schema skips an element, its being null is all that the rules look at.
            check = FREE if spec.get("open", False) else check
            node.attributes[NULL] = Attribute(NULL_BIT, check, Value(check, "=" + "|".join(allowed)))

    def _books(self, written: Any, path: str) -> Value:
        """OIDs that a code may come from; ``any`` book at all."""
        if written == "any":
            return Value(bool, written)
        books = written if isinstance(written, list) else [written]
        if not all(isinstance(book, str) for book in books):
            raise MappingError(f'{path}: an OID must stand in quotes, or YAML reads a number: book: "11.1040"')
        oids = [self._oid(book) for book in books]
        return Value(frozenset(oids).__contains__, "=" + "|".join(oids), True)

    @staticmethod
    def _attribute(node: Node, name: str, value: Value, *, required: bool = True) -> None:
        bit = 1 << len(node.attributes) if required else 0
        node.required |= bit
        node.always |= bit if name == "xsi:type" else 0
        node.attributes[_attribute_name(name)] = Attribute(bit, value.check, value)

    def _oid(self, short: str) -> str:
        for beginning, full in self._source.short_oids.items():
            if short.startswith(beginning):
                return full + short[len(beginning) :]
        return short

    def _value(self, written: Any, path: str) -> Value:
        """``any`` (not empty), ``free``, ``=RU``, ``=a|b``, ``~pattern``, or a list of values."""
        if isinstance(written, list):
            written = "=" + "|".join(map(str, written))
        written = str(written)
        if written == "any":
            return Value(bool, written)
        if written == "free":
            return Value(FREE, written)
        if written.startswith("="):
            return Value(frozenset(written[1:].split("|")).__contains__, written)
        if written.startswith("~") and written[1:] in self._source.patterns:
            return Value(re.compile(self._source.patterns[written[1:]]).fullmatch, written)
        known = ", ".join(f"~{name}" for name in self._source.patterns)
        raise MappingError(f"{path}: {written!r} is no value: any, free, =TEXT, or one of the patterns {known}")

    def _slot(self, name: str, index: int, child: Any, path: str) -> Slot:
        if isinstance(child, list):
            items = [parse(item, path) for item in child]
            cards = [_card(expand(item, self._source.blocks, path), path) for item in items]
            nodes = tuple(self._node(item, f"{path}[{n}]") for n, item in enumerate(items, 1))
            return Slot(name, index, sum(card[0] for card in cards), min(MANY, sum(card[1] for card in cards)), nodes)
        spec = expand(child, self._source.blocks, path)
        least, most = _card(spec, path)
        if "by" not in spec:
            return Slot(name, index, least, most, (self._node(child, path),))
        switch = self._switch(name, spec, path)
        return Slot(name, index, least, most, (), switch)

    def _switch(self, name: str, spec: Written, path: str) -> Switch:
        steps, _, attribute = str(spec["by"]).rpartition("@")
        shared = {key: value for key, value in spec.items() if key not in {"by", "cases", "otherwise", "card"}}
        cases = {
            str(key): self._case(str(key), shared, branch, f"{path}{{{key}}}")
            for key, branch in spec.get("cases", {}).items()
        }
        other = spec.get("otherwise", "forbidden")
        return Switch(
            str(spec["by"]),
            clark(name),
            tuple(clark(step) for step in steps.split("/") if step),
            _attribute_name(attribute),
            cases,
            None if other == "forbidden" else self._case(None, shared, other, path),
        )

    def _case(self, key: str | None, shared: Written, branch: Any, path: str) -> Case:
        spec = merge(shared, branch, self._source.blocks, path) if shared else branch
        least, most = _card(expand(branch, self._source.blocks, path), path, default="0..*")
        return Case(key, self._node(spec, path), least, most)

    def _choice(self, written: Written, path: str) -> Choice:
        least, most = _card(written, path)
        names = [str(name) for name in written["of"]]
        return Choice(frozenset(clark(name) for name in names), ", ".join(names), least, most)

    def _rule(self, written: Written, path: str) -> Rule:
        unknown(written, frozenset({"when", "then"}), "", f"{path}: rule")
        parts = ([self._term(place, test, path) for place, test in written[part].items()] for part in ("when", "then"))
        return Rule(*map(tuple, parts))

    def _term(self, place: str, test: Any, path: str) -> Term:
        """``null``, ``given`` (there and not null), ``absent``, ``present``, or a value of an attribute."""
        plain = "@" not in place or place.endswith("]")
        steps, _, attribute = (place, "", "") if plain else place.rpartition("@")
        words = "null" if test is None else str(test)
        value = None if words in {"null", "given", "absent", "present"} else self._value(test, f"{path}: {place}")
        return Term(
            place,
            steps,
            tuple(clark(step) for step in steps.split("/") if step and "[" not in steps),
            "/".join(map(_searched, steps.split("/"))) if "[" in steps else "",
            _attribute_name(attribute) if attribute else "",
            "value" if value is not None else words,
            value,
        )


def _searched(step: str) -> str:
    """``participant[@typeCode='REF']`` in Clark notation."""
    name, bracket, condition = step.partition("[")
    return clark(name) + bracket + condition


def _least(slot: Slot) -> int:
    if slot.switch is None:
        return slot.least
    return slot.least + sum(case.least for case in slot.switch.cases.values())


def _card(spec: Written, path: str, default: str = "1") -> tuple[int, int]:
    """``1``, ``0..1``, ``2..*`` as (least, most)."""
    least, dots, most = str(spec.get("card", default)).partition("..")
    try:
        return int(least), MANY if most == "*" else int(most if dots else least)
    except ValueError:
        raise MappingError(f"{path}: {spec.get('card')!r} is no cardinality: 1, 0..1, 1..*") from None
