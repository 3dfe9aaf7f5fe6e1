"""Makes documents and messages anew with the ways of their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile
from typing import Any, Final

from lxml import etree

from adapter import xml
from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.documents.header import Header
from adapter.documents.marking import MarkingRenderer, Marks, tell
from adapter.documents.render import DECLARATION
from adapter.errors import InputError, InternalError, MappingError, UsageError
from adapter.facts import Fact
from adapter.fhir import Graph, Reading
from adapter.findings import Text
from adapter.lineage.bundles import rows
from adapter.lineage.codes import Rows
from adapter.lineage.reading import Block, read_document
from adapter.lineage.ways import Lineage, Piece, Way, in_words, value_at
from adapter.mapping.keys import SCHEMAS
from adapter.mapping.lint.walk import Walk
from adapter.mapping.mappings import Made, Product
from adapter.mapping.model import Field, MapSpec, MessageForm
from adapter.mapping.run import Traced
from adapter.registers.jsonform import load_form
from adapter.transport.schema import load_schema

_VARIABLE: Final = re.compile(r"%\w+")
#: Shapes of facts that have no parts of their own.
_SIMPLE: Final = frozenset({"nothing", "string", "boolean", "integer", "ii", "coding", "quantity"})
#: Lines of something made, and how a doctor reads it.
_Shown = tuple[tuple[tuple[Piece, ...], ...], tuple[Block, ...]]


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
        self, reading: Reading, kinds: Collection[str] = (), *, number: int | str | None = None
    ) -> Iterator[tuple[Product, str, Lineage]]:
        """The products of a Bundle, each with the FHIRPath of what it is about and the ways of its values.

        Args:
            kinds: documents and messages; all where empty.
            number: of the version, or of the record in a register, in place of the sender's.
        """
        graph = Graph(reading.bundle, reading.version)
        for product in self.converter.planned(graph, kinds):
            yield product, product.place(graph), self.product(product, graph, number)

    def product(self, product: Product, graph: Graph, number: int | str | None = None) -> Lineage:
        """The ways of one document or message; see :meth:`of`."""
        converter = self.converter
        made = converter.mappings.facts(
            product, graph, converter.organisation, converter.terms, traced=True, number=number
        )
        trace = {line.path: line for line in _expanded(made.trace)}
        numbers = {path: order for order, path in enumerate(trace)}

        def way(path: str) -> int:
            return numbers[_nearest(path, trace)]

        problem: Text | None = None
        shown: _Shown = ((), ())
        try:
            message = converter.mappings.message_of(product.document)
            shown = self._document(product, made, way) if message is None else self._message(message, made, way)
        except (InputError, MappingError, UsageError) as error:
            problem = error.finding.message if isinstance(error, InputError) else error.text
        ways = self._ways(product.document, made, trace, shown[0], graph)
        return Lineage(product.document, shown[0], ways, shown[1], problem)

    def _document(self, product: Product, made: Made, way: Callable[[str], int]) -> _Shown:
        template = self.converter.mappings.documents[product.document].template
        text, marks = self._renderer.marked(template, made.facts, self.converter.header(product.document))
        cut = _cutter(marks, way)
        # The declaration is no part of a text that is decoded.
        tree = xml.parse(text.encode())
        return tuple(_lines(cut(text))), read_document(tree, cut)

    def _message(self, spec: MapSpec, made: Made, way: Callable[[str], int]) -> _Shown:
        form, body = spec.message, getattr(made.facts, "body", None)
        if form is None or not isinstance(body, Fact):
            return (), ()
        if form.form == "json":
            written = load_form(self.catalogue.file(f"{SCHEMAS}/{form.schema}")).fitted(body)
            return _json_lines(written, way), ()
        text, marks = self._soap(form, made, body) if form.form == "soap" else self._rendered(form, body)
        return tuple(_lines(_cutter(marks, lambda path: way(f"body.{path}"))(text))), ()

    def _rendered(self, form: MessageForm, body: Fact) -> tuple[str, Marks]:
        return self._renderer.marked(form.template, body, Header())

    def _soap(self, form: MessageForm, made: Made, body: Fact) -> tuple[str, Marks]:
        """The element of a body; numbers and booleans, which a WSDL wants as such, are not marked."""
        operation = str(getattr(made.facts, "operation", None) or "")
        name = form.element if not form.element.endswith("}") else form.element + operation
        told, marks = tell(body, texts_only=True)
        wsdl = load_schema(self.catalogue.file(f"{SCHEMAS}/{form.schema}"))
        written = []
        for facts in (told, body):
            element = wsdl.build(name, facts)
            etree.indent(element, "  ")
            written.append((DECLARATION + etree.tostring(element, encoding="UTF-8") + b"\n").decode())
        plain = "".join(piece.text for piece in _cutter(marks, lambda _: 0)(written[0]))
        # What zeep changes it has not seen the value of.
        return (written[0] if plain == written[1] else written[1]), marks

    def _ways(
        self,
        kind: str,
        made: Made,
        trace: Mapping[str, Traced],
        lines: Sequence[Sequence[Piece]],
        graph: Graph,
    ) -> tuple[Way, ...]:
        written: dict[int, list[int]] = {}
        for number, line in enumerate(lines, 1):
            for piece in line:
                if piece.way >= 0 and number not in written.setdefault(piece.way, []):
                    written[piece.way].append(number)
        rules = self.rules(kind)
        return tuple(
            self._way(number, line, trace, rules.get(line.rule), made.facts, tuple(written.get(number, ())), graph)
            for number, line in enumerate(trace.values())
        )

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


def _json_lines(message: Any, way: Callable[[str], int]) -> tuple[tuple[Piece, ...], ...]:
    """The lines of a message in JSON, which has the shape of the fact ``body``."""
    lines = []
    for row in rows(message, "body", lambda _: ()):
        key = f'"{row.key}": ' if row.key else ""
        leaf = bool(row.path) and row.value not in ("{", "[")
        value = Piece(row.value, way(row.path) if leaf and row.value != "null" else -1)
        lines.append((Piece("  " * row.depth + key), value, Piece("," if row.comma else "")))
    return tuple(tuple(piece for piece in line if piece.text) for line in lines)


def _cutter(marks: Marks, way: Callable[[str], int]) -> Callable[[str], tuple[Piece, ...]]:
    """Cuts marked texts into pieces."""
    begin, middle, end = map(re.escape, (marks.begin, marks.middle, marks.end))
    told = re.compile(f"{begin}([0-9]+){middle}(.*?){end}", re.DOTALL)

    def cut(text: str) -> tuple[Piece, ...]:
        pieces: list[Piece] = []
        at = 0
        for match in told.finditer(text):
            pieces += [Piece(text[at : match.start()]), Piece(match[2], way(marks.paths[int(match[1])]))]
            at = match.end()
        pieces.append(Piece(text[at:]))
        return tuple(piece for piece in pieces if piece.text)

    return cut


def _lines(pieces: Sequence[Piece]) -> Iterator[tuple[Piece, ...]]:
    """Pieces by lines; one that goes over several lines is one in each of them."""
    line: list[Piece] = []
    for piece in pieces:
        first, *others = piece.text.split("\n")
        line.append(Piece(first, piece.way))
        for other in others:
            yield tuple(one for one in line if one.text)
            line = [Piece(other, piece.way)]
    yield tuple(one for one in line if one.text)


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
