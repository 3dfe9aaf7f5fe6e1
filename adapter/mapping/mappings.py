"""The mappings of a catalogue, ready to run: facts of a product, and which products a Bundle yields."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from adapter.catalogue import Catalogue
from adapter.errors import ExpressionError, UsageError
from adapter.facts import Fact, plain
from adapter.fhir.graph import Graph
from adapter.findings import Finding, Place, Severity, Text
from adapter.mapping.concepts import ConceptMap, load_concepts
from adapter.mapping.converters import CONVERTERS
from adapter.mapping.editions import Editions, day_of
from adapter.mapping.fhirpath import Env, Expression
from adapter.mapping.generate import Generator
from adapter.mapping.identifiers import Identifiers, load_identifiers
from adapter.mapping.load import load_specs, no_such
from adapter.mapping.model import MapSpec, Route
from adapter.mapping.run import Run, Traced, path_within
from adapter.mapping.runtime import Closure
from adapter.nsi.terms import Terms
from adapter.organisation import Organisation


@dataclass(frozen=True, slots=True)
class Product:
    """One thing to make.

    Attributes:
        route: id of the route that asked for it.
        document: id of the document mapping, the code of the kind; or of the message.
        focus: the resource that it is about.
        part: the part of it that the map is applied to, where the route takes parts; else ``None``.
    """

    route: str
    document: str
    focus: dict[str, Any]
    part: dict[str, Any] | None = None

    def place(self, graph: Graph) -> str:
        """FHIRPath of what it is about."""
        return graph.path(self.focus) + ("" if self.part is None else path_within(self.focus, self.part))


@dataclass(frozen=True, slots=True)
class Made:
    """The facts of a product and what was found on the way."""

    facts: Fact
    findings: tuple[Finding, ...]
    trace: tuple[Traced, ...] = ()


@dataclass(slots=True)
class Mappings:
    """Everything of ``mappings/`` that makes facts.

    Attributes:
        maps, documents: by id.
        registers: messages of registers, made of resources (they have a ``message``) or of the facts of a document.
        routes: in order.
        editions: chooses among those of a route.
        cache: folder for compiled code of the maps, ``None`` for none.
    """

    maps: dict[str, MapSpec]
    documents: dict[str, MapSpec]
    registers: dict[str, MapSpec]
    routes: list[Route]
    identifiers: Identifiers
    concepts: dict[str, ConceptMap]
    editions: Editions
    cache: Path | None = None
    _generators: dict[bool, Generator] = field(default_factory=dict)
    _functions: dict[tuple[str, bool], Closure] = field(default_factory=dict)
    _dates: dict[str, Closure] = field(default_factory=dict)

    @classmethod
    def load(cls, catalogue: Catalogue, *, cache: Path | None = None) -> Mappings:
        """Read a catalogue.

        Raises:
            MappingError: the first error, with file, line and column.
        """
        (maps, documents, registers), routes, uses = load_specs(catalogue, CONVERTERS)
        identifiers = load_identifiers(catalogue)
        concepts = load_concepts(catalogue, identifiers)
        known = {"concept": concepts, "absent": concepts, "identifier": identifiers.kinds}
        for at, key, name in uses:
            if key in known and name not in known[key]:
                raise no_such(at, key, name, known[key], Text("имя", "name"))
        return cls(maps, documents, registers, routes, identifiers, concepts, Editions(catalogue, documents), cache)

    def plan(
        self,
        graph: Graph,
        organisation: Organisation,
        terms: Terms,
        findings: list[Finding] | None = None,
        *,
        asked: Collection[str] = (),
        today: date,
    ) -> Iterator[Product]:
        """The products of a Bundle: routes in order, resources of each in the graph's stable order.

        Args:
            findings: takes MAP04 for a condition that does not fit the data; such a route makes nothing.
            asked: ids of the documents and messages that are wanted; any where empty.
            today: stands for the date of a document that gives none.
        """
        env = Env({"bundle": graph.bundle, "org": organisation.values, "number": []}, graph)
        for route in self.routes:
            candidates = self.editions.candidates(self._wanted(route, organisation, asked), route.focus, asked)
            if not candidates:
                continue
            for resource in graph.of_type(route.focus):
                inner = env.inner({"resource": resource})
                if route.when is None or _holds(route, route.when, resource, inner, graph, findings):
                    run = Run(graph, organisation, self.identifiers, terms)
                    document = self.editions.choose(candidates, partial(self._day, run, inner, resource), today)
                    for part in _parts(route, resource, inner, graph, findings):
                        yield Product(route.id, document, resource, part)

    def message_of(self, product: str) -> MapSpec | None:
        """The map of a message that is made of resources; ``None`` for a document."""
        spec = self.registers.get(product)
        return spec if spec is not None and spec.message is not None else None

    def _wanted(self, route: Route, organisation: Organisation, asked: Collection[str]) -> tuple[str, ...]:
        """What a route makes: a message that is off until somebody asks for it is made when asked for."""
        products = organisation.products(route)
        if products or not asked or route.id in organisation.routes:
            return products
        return tuple(product for product in route.products if self.message_of(product) is not None)

    def _day(self, run: Run, env: Env, focus: dict[str, Any], document: str) -> date | None:
        """The day of the fact ``created`` of a document; ``None`` where it is not given."""
        function = self._dates.get(document)
        if function is None:
            spec = self.documents[document]
            created = {name: rule for name, rule in spec.fields.items() if name == "created"}
            spec = replace(spec, fields=created, file=f"{spec.file}#created")
            function = self._dates[document] = self.generator().map(spec)
        return day_of(getattr(function(run, env, focus), "created", None))

    def facts(
        self,
        product: Product,
        graph: Graph,
        organisation: Organisation,
        terms: Terms,
        *,
        traced: bool = False,
        number: int | str | None = None,
    ) -> Made:
        """Make the facts of a product.

        Args:
            number: of the version, or of the record in a register, in place of the sender's.

        Raises:
            UsageError: there is no mapping of that document or message.
        """
        spec = self.documents.get(product.document) or self.message_of(product.document)
        if spec is None:
            raise UsageError(
                Text(
                    f"нет отображения документа {product.document}",
                    f"there is no mapping of document {product.document}",
                )
            )
        return self.apply(
            spec, product.focus, graph, organisation, terms, traced=traced, number=number, part=product.part
        )

    def apply(
        self,
        spec: MapSpec,
        focus: dict[str, Any],
        graph: Graph,
        organisation: Organisation,
        terms: Terms,
        *,
        traced: bool = False,
        number: int | str | None = None,
        part: dict[str, Any] | None = None,
    ) -> Made:
        """Apply a map or document to a focus, or to a part of it; ``number``: see `facts`."""
        versions: dict[str, str] | None = None
        if spec.header.get("versions") == "sender":
            versions = quoted_versions(graph.bundle, self.identifiers)
            terms = terms.quoting(versions)
        run = Run(graph, organisation, self.identifiers, terms, trace=[] if traced else None)
        given = [] if number is None else [str(number)]
        outer = {"bundle": graph.bundle, "org": organisation.values, "number": given, "resource": focus}
        env = Env(outer, graph)
        facts: Fact = self._function(spec, traced)(run, env, focus if part is None else part)
        if versions is not None:
            # For the codes that templates write by themselves.
            facts = Fact({**vars(facts), "versions": versions})
        return Made(facts, tuple(run.findings), tuple(run.trace or ()))

    def message(
        self, register: str, document: Fact, product: Product, graph: Graph, organisation: Organisation, terms: Terms
    ) -> Made:
        """The facts of a register's message about a document.

        Args:
            register: id of a map of ``mappings/registers``. Its focus is the facts of the document as plain values, its
                ``%resource`` what the document is about.
            document: facts of the document.

        Raises:
            UsageError: there is no such map.
        """
        spec = self.registers.get(register)
        if spec is None:
            raise UsageError(Text(f"нет отображения {register}", f"there is no mapping of {register}"))
        run = Run(graph, organisation, self.identifiers, terms)
        outer = {"bundle": graph.bundle, "org": organisation.values, "number": [], "resource": product.focus}
        facts: Fact = self._function(spec, traced=False)(run, Env(outer, graph), plain(document))
        return Made(facts, tuple(run.findings))

    def generator(self, *, traced: bool = False) -> Generator:
        """What makes functions of the maps."""
        made = self._generators.get(traced)
        if made is None:
            made = self._generators[traced] = Generator(self.maps, self.concepts, traced=traced, cache=self.cache)
        return made

    def _function(self, spec: MapSpec, traced: bool) -> Closure:
        key = (spec.file + "#" + spec.id, traced)
        function = self._functions.get(key)
        if function is None:
            function = self._functions[key] = self.generator(traced=traced).map(spec)
        return function


def _parts(
    route: Route, resource: dict[str, Any], env: Env, graph: Graph, findings: list[Finding] | None
) -> Iterator[dict[str, Any] | None]:
    """The parts of a resource that a route takes; ``None`` for the resource itself."""
    if route.each is None:
        yield None
        return
    try:
        parts = route.each.all(resource, env)
    except ExpressionError as error:
        if findings is None:
            raise
        findings.append(_unfit(route, error, graph.path(resource)))
        return
    yield from (part for part in parts if isinstance(part, dict))


def _unfit(route: Route, error: ExpressionError, place: str) -> Finding:
    return Finding("MAP04", Severity.ERROR, error.text, place=Place(fhirpath=place), rule=route.id)


def _holds(
    route: Route,
    when: Expression,
    resource: dict[str, Any],
    env: Env,
    graph: Graph,
    findings: list[Finding] | None,
) -> bool:
    try:
        return when.truth(resource, env)
    except ExpressionError as error:
        if findings is None:
            raise
        findings.append(_unfit(route, error, graph.path(resource)))
        return False


def quoted_versions(bundle: Any, identifiers: Identifiers) -> dict[str, str]:
    """Books that the CodeableConcepts of a Bundle quote in one version only: OID → version."""
    found: dict[str, set[str]] = {}
    open_ = [bundle]
    while open_:
        node = open_.pop()
        if node.__class__ is dict:
            codings = node.get("coding")
            if codings.__class__ is list:
                for coding in codings:
                    if isinstance(coding, dict) and "version" in coding and isinstance(coding.get("system"), str):
                        found.setdefault(coding["system"], set()).add(str(coding["version"]))
            else:
                open_.extend([part for part in node.values() if part.__class__ in (dict, list)])
        else:
            open_.extend([part for part in node if part.__class__ in (dict, list)])
    books: dict[str, set[str]] = {}
    for system, versions in found.items():
        books.setdefault(identifiers.book(system), set()).update(versions)
    return {book: versions.pop() for book, versions in books.items() if len(versions) == 1}
