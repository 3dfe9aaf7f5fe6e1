"""The ways of values: from elements of a Bundle through facts to the places where a document says them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile
from typing import Any, Final

from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.documents.marking import MarkingRenderer, Marks
from adapter.errors import InternalError
from adapter.facts import II, Coding, Fact, Null, Quantity
from adapter.fhir import Graph, Reading
from adapter.lineage.codes import Rows
from adapter.mapping.lint.walk import Walk
from adapter.mapping.mappings import Made, Product
from adapter.mapping.model import Field
from adapter.mapping.run import Traced

_VARIABLE: Final = re.compile(r"%\w+")
#: Shapes of facts that have no parts of their own.
_SIMPLE: Final = frozenset({"nothing", "string", "boolean", "integer", "ii", "coding", "quantity"})
#: Parts of facts that are values themselves.
_PARTS: Final = frozenset({*Coding._fields, *II._fields, *Quantity._fields})


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters of a line of a document.

    Attributes:
        way: number of the way that it is the end of; -1 for what the template says by itself.
    """

    text: str
    way: int = -1


@dataclass(frozen=True, slots=True)
class Way:
    """The way of one fact.

    Attributes:
        number: of the way, in the order in which the facts are made.
        fact: path of the fact.
        value: in words; empty for a fact that is made of others.
        rule, file, line: the rule that made it, and where it stands.
        expression: the alternative that gave the value, or the sort of source that has no expression.
        place: FHIRPath of what the rule was applied to.
        elements: FHIRPaths of the elements that gave it, ``%org…`` for the sender's configuration; of the fact that it
            is a part of, where it has none itself.
        concept: concept map that translated it; ``row`` is its file and line, where one says it of this code.
        written: lines of the document that say it, from 1.
    """

    number: int
    fact: str
    value: str
    rule: str
    file: str
    line: int
    expression: str
    place: str
    elements: tuple[str, ...]
    concept: str
    row: str
    written: tuple[int, ...]

    @property
    def depth(self) -> int:
        """How many facts it is a part of."""
        return self.fact.count(".") + self.fact.count("[")

    @property
    def name(self) -> str:
        """Its name among the parts of the fact that it is a part of."""
        return self.fact.rpartition(".")[2]

    @property
    def source(self) -> str:
        """What gave it: ``element``, ``organisation``, ``mapping`` (a constant), ``focus`` (worked out)."""
        if any(not one.startswith("%org") for one in self.elements):
            return "element"
        if self.elements:
            return "organisation"
        return "mapping" if self.expression.startswith(("constant", "coding: ", "'")) or not self.place else "focus"


@dataclass(frozen=True, slots=True)
class Share:
    """How many values of a document lead where.

    Attributes:
        values: values that facts gave.
        ruled: of these, how many have a rule with its file and line.
        elements, organisation, mapping, focus: by :attr:`Way.source`.
    """

    values: int
    ruled: int
    elements: int
    organisation: int
    mapping: int
    focus: int


@dataclass(frozen=True)
class Lineage:
    """The ways of a document.

    Attributes:
        kind: of the document.
        lines: of the document, with the ends of the ways.
        ways: in the order of their numbers.
        facts: of the document.
    """

    kind: str
    lines: tuple[tuple[Piece, ...], ...]
    ways: tuple[Way, ...]
    facts: Fact

    @property
    def text(self) -> str:
        """The document."""
        return "\n".join("".join(piece.text for piece in line) for line in self.lines)

    @cached_property
    def by_element(self) -> Mapping[str, tuple[int, ...]]:
        """Numbers of the ways that begin at an element."""
        found: dict[str, list[int]] = {}
        for way in self.ways:
            for element in way.elements:
                found.setdefault(element, []).append(way.number)
        return {element: tuple(numbers) for element, numbers in found.items()}

    @cached_property
    def by_rule(self) -> Mapping[str, int]:
        """Number of the first way through a rule."""
        found: dict[str, int] = {}
        for way in self.ways:
            found.setdefault(way.rule, way.number)
        return found

    @property
    def share(self) -> Share:
        """How many values of the document lead where."""
        ends = [self.ways[piece.way] for line in self.lines for piece in line if piece.way >= 0]
        sources = [way.source for way in ends]
        return Share(
            len(ends),
            sum(bool(way.rule and way.file and way.line) for way in ends),
            *(sources.count(name) for name in ("element", "organisation", "mapping", "focus")),
        )


@dataclass
class Lineages:
    """Finds the ways of documents; make one and keep it.

    Attributes:
        converter: makes the documents.
        catalogue: of the converter.
    """

    converter: Converter
    catalogue: Catalogue
    _rules: dict[str, dict[str, Field]] = field(default_factory=dict)

    @cached_property
    def _renderer(self) -> MarkingRenderer:
        return MarkingRenderer(self.catalogue, self.converter.terms, cache=self.converter.mappings.cache)

    @cached_property
    def _rows(self) -> Rows:
        return Rows(self.catalogue)

    def of(
        self, reading: Reading, kinds: Collection[str] = (), *, number: Callable[[Fact], int | None] = lambda _: None
    ) -> Iterator[tuple[Product, str, Lineage]]:
        """The products of a Bundle that are documents, each with the FHIRPath of its focus and the ways of its values.

        Args:
            kinds: only those; all where empty.
            number: from the facts of a document to the version number it gets instead of the sender's.

        Raises:
            MappingError, InputError: the document cannot be made.
        """
        graph = Graph(reading.bundle, reading.version)
        for product in self.converter.planned(graph, kinds):
            if self.converter.mappings.message_of(product.document) is None:
                yield product, product.place(graph), self.document(product, graph, number)

    def document(
        self, product: Product, graph: Graph, number: Callable[[Fact], int | None] = lambda _: None
    ) -> Lineage:
        """The ways of one document; see :meth:`of`."""
        made = self._made(product, graph, None)
        given = number(made.facts)
        if given is not None:
            made = self._made(product, graph, given)
        converter = self.converter
        template = converter.mappings.documents[product.document].template
        text, marks = self._renderer.marked(template, made.facts, converter.header(product.document))
        return self._joined(product.document, made, text, marks, graph)

    def _made(self, product: Product, graph: Graph, number: int | None) -> Made:
        converter = self.converter
        return converter.mappings.facts(
            product, graph, converter.organisation, converter.terms, traced=True, number=number
        )

    def _joined(self, kind: str, made: Made, text: str, marks: Marks, graph: Graph) -> Lineage:
        trace = {line.path: line for line in _expanded(made.trace)}
        numbers = {path: number for number, path in enumerate(trace)}
        lines = tuple(_lines(text, marks, lambda path: numbers[_nearest(path, trace)]))
        written: dict[int, list[int]] = {}
        for number, line in enumerate(lines, 1):
            for piece in line:
                if piece.way >= 0 and number not in written.setdefault(piece.way, []):
                    written[piece.way].append(number)
        rules = self.rules(kind)
        ways = tuple(
            self._way(number, line, trace, rules.get(line.rule), made.facts, tuple(written.get(number, ())), graph)
            for number, line in enumerate(trace.values())
        )
        return Lineage(kind, lines, ways, made.facts)

    def _way(
        self,
        number: int,
        line: Traced,
        trace: Mapping[str, Traced],
        rule: Field | None,
        facts: Fact,
        written: tuple[int, ...],
        graph: Graph,
    ) -> Way:
        return Way(
            number,
            line.path,
            in_words(value_at(facts, line.path)),
            line.rule,
            rule.file if rule else "",
            rule.line if rule else 0,
            line.expression,
            line.place,
            line.elements or _inherited(line, trace),
            line.concept,
            self._rows.row(line.concept, line.elements, graph.bundle) if line.concept else "",
            written,
        )

    def rules(self, kind: str) -> Mapping[str, Field]:
        """Rules that a document or message reaches, by id."""
        if kind not in self._rules:
            mappings = self.converter.mappings
            spec = mappings.documents.get(kind) or mappings.registers[kind]
            walk = Walk(mappings.maps)
            walk.start(spec)
            self._rules[kind] = {rule.rule: rule for rule in walk.rules.values()}
        return self._rules[kind]


def _lines(text: str, marks: Marks, way: Callable[[str], int]) -> Iterator[tuple[Piece, ...]]:
    """Lines of a marked text, in pieces; an end that goes over several lines is one in each of them."""
    line: list[Piece] = []
    begin, middle, end = map(re.escape, (marks.begin, marks.middle, marks.end))
    at = 0
    for match in [*re.finditer(f"{begin}([0-9]+){middle}(.*?){end}", text, re.DOTALL), None]:
        parts = [(text[at : match.start() if match else len(text)], -1)]
        if match is not None:
            parts.append((match[2], way(marks.paths[int(match[1])])))
            at = match.end()
        for words, number in parts:
            first, *others = words.split("\n")
            line.append(Piece(first, number))
            for other in others:
                yield tuple(piece for piece in line if piece.text)
                line = [Piece(other, number)]
    yield tuple(piece for piece in line if piece.text)


def _expanded(trace: Sequence[Traced]) -> Iterator[Traced]:
    """A trace in which a fact that is a variable has the parts of that, which were traced where it was worked out."""
    for line in trace:
        yield line
        if _VARIABLE.fullmatch(line.expression) is None or line.shape in _SIMPLE:
            continue
        homes = [one.path for one in trace if one.path.rpartition(".")[2] == line.expression]
        if homes:
            home = max(homes, key=lambda path: _shared(path, line.path))
            for part in trace:
                if part.path.startswith((f"{home}.", f"{home}[")):
                    yield replace(part, path=line.path + part.path[len(home) :])


def _shared(one: str, other: str) -> int:
    """How many characters two paths begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _nearest(path: str, trace: Mapping[str, Traced]) -> str:
    """The fact of a path that has a rule of its own; a converter may make parts that have none."""
    at = path
    while at not in trace:
        cut = max(at.rfind("."), at.rfind("["))
        if cut < 0:
            raise InternalError("a document says a fact that no rule made")
        at = at[:cut]
    return at


def _inherited(line: Traced, trace: Mapping[str, Traced]) -> tuple[str, ...]:
    """Elements of the nearest fact around one that has none itself, unless a constant gave it."""
    if line.expression.startswith(("constant", "coding: ", "'")) or line.shape.startswith(
        ("nothing", "null", "list of 0")
    ):
        return ()
    at = line.path
    while "." in at:
        at = at.rpartition(".")[0]
        around = trace.get(at)
        if around is not None and around.elements:
            return around.elements
    return ()


def value_at(facts: Any, path: str) -> Any:
    """The fact of a path; ``None`` where there is none."""
    found = facts
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        if name:
            found = getattr(found, name, None) if isinstance(found, Fact) or name in _PARTS else None
        else:
            found = found[int(index)] if isinstance(found, list) and int(index) < len(found) else None
        if found is None:
            return None
    return found


def in_words(value: Any) -> str:
    """A value for a person; empty for what is made of others."""
    match value:
        case None | Fact() | dict():
            return ""
        case Null():
            return f"nullFlavor {value.flavor}"
        case Coding():
            return f"{value.code} {value.display} ({value.system})"
        case II():
            return f"{value.root} {value.extension}"
        case Quantity():
            return f"{value.value} {value.ucum or value.unit}".strip()
        case list():
            return "; ".join(filter(None, map(in_words, value)))
        case _:
            return str(value)
