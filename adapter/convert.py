"""A Bundle in, checked documents and messages out: read, plan, map, render, check. Pure but for the checker's clock."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from adapter.catalogue import Catalogue
from adapter.documents.header import Header
from adapter.documents.render import Renderer
from adapter.documents.requirements import Requirements, Why
from adapter.errors import InputError, MappingError
from adapter.facts import II, Fact
from adapter.fhir import Graph, Reading
from adapter.findings import Finding, Place, Severity, Text
from adapter.gaps import Gaps
from adapter.mapping.editions import day_of
from adapter.mapping.mappings import Made, Mappings, Product
from adapter.mapping.run import Traced
from adapter.nsi import BookStore
from adapter.nsi.terms import Terms, load_vocabulary
from adapter.organisation import Organisation
from adapter.registers.messages import Message, Messages
from conformance import Checker, Report
from conformance.rules.lifecycle import closed_kind

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Document:
    """What became of one product.

    Attributes:
        kind: code of the kind.
        route: the route that asked for it.
        focus: FHIRPath of the resource that it is about.
        name: file name by kind, set and version; empty where the ids are unknown.
        data: the document; ``None`` where it was not made.
        findings: of the mapping, the header and the check.
        report: of the check; ``None`` where nothing was checked, or where the findings before it have errors.
        trace: how the facts came about, where asked for.
        id, set_id: of the document; ``None`` where unknown.
        version: that stands in the document; ``None`` where unknown.
        given_version: that the sender gave.
        registration: facts for its registration in РЭМД, where asked for and the document has no error.
    """

    kind: str
    route: str
    focus: str
    name: str
    data: bytes | None
    findings: tuple[Finding, ...]
    report: Report | None
    trace: tuple[Traced, ...]
    id: II | None = None
    set_id: II | None = None
    version: int | None = None
    given_version: int | None = None
    registration: Fact | None = None

    @property
    def ok(self) -> bool:
        """It was made, and no finding is an error."""
        return self.data is not None and not _erroneous(self.findings)


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of one Bundle: findings about the Bundle itself, its documents and messages of registers."""

    findings: tuple[Finding, ...]
    documents: tuple[Document, ...]
    messages: tuple[Message, ...] = ()

    @property
    def ok(self) -> bool:
        """No finding anywhere is an error."""
        made: tuple[Document | Message, ...] = (*self.documents, *self.messages)
        return not _erroneous(self.findings) and all(one.ok for one in made)


class Converter:
    """Converts Bundles; make one and keep it.

    Args:
        catalogue: mappings and templates.
        books: imported reference books.
        organisation: the sender.
        checker: checks what is made; ``None`` leaves it unchecked.
        cache: folder for compiled maps and templates.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        books: BookStore,
        organisation: Organisation,
        *,
        checker: Checker | None,
        cache: Path | None = None,
    ) -> None:
        self.mappings = Mappings.load(catalogue, cache=cache)
        self.terms = Terms(books, load_vocabulary(catalogue))
        self.organisation = organisation
        self._renderer = Renderer(catalogue, self.terms, cache=cache)
        self._requirements = Requirements(catalogue)
        mappings = self.mappings
        self._gaps = Gaps([*mappings.maps.values(), *mappings.documents.values(), *mappings.registers.values()])
        self._messages = Messages(catalogue, mappings, self._renderer, self._gaps)
        self.checker = checker
        self._today = checker.today if checker is not None else date.today
        self._headers: dict[str, Header] = {}

    def sent_by(self, organisation: Organisation) -> Converter:
        """A converter for another sender, over the same mappings, templates and books."""
        other = copy(self)
        other.organisation = organisation
        return other

    def convert(
        self,
        reading: Reading,
        *,
        products: Collection[str] = (),
        traced: bool = False,
        versions: Mapping[II, int] | None = None,
        registrations: bool = False,
        records: Mapping[str, str] | None = None,
    ) -> Conversion:
        """Make the documents and messages of a Bundle.

        Args:
            reading: the Bundle as it was read.
            products: kinds and messages to make; all that the routes yield by default.
            traced: keep how each fact came about.
            versions: numbers for documents of these sets, in place of the sender's; their ids are then derived.
            records: numbers that registers have given to records, by the ids of these (:class:`Messages`).
            registrations: make the facts for registration of each document, too, and compare them with it.
        """
        graph = Graph(reading.bundle, reading.version)
        findings: list[Finding] = []
        make = self._registered if registrations else self._document
        documents: list[Document] = []
        messages: list[Message] = []
        for product in self.planned(graph, products, findings):
            if self.mappings.message_of(product.document) is None:
                documents.append(make(product, graph, traced, versions or {})[0])
            else:
                messages.append(
                    self._messages.make(
                        product, graph, self.organisation, self.terms, traced=traced, records=records or {}
                    )
                )
        return Conversion((*reading.findings, *graph.findings, *findings), tuple(documents), tuple(messages))

    def planned(
        self, graph: Graph, products: Collection[str] = (), findings: list[Finding] | None = None
    ) -> Iterator[Product]:
        """What there is to make of a Bundle; ``products`` and ``findings`` as in :meth:`convert`."""
        return self.mappings.plan(graph, self.organisation, self.terms, findings, asked=products, today=self._today())

    def message(self, product: Product, graph: Graph) -> Message:
        """A message that no route leads to: an answer to somebody who asks."""
        return self._messages.make(product, graph, self.organisation, self.terms)

    def _registered(
        self, product: Product, graph: Graph, traced: bool, versions: Mapping[II, int]
    ) -> tuple[Document, Fact]:
        """A document with the facts for its registration."""
        from adapter.registers.agreement import disagreements
        from adapter.registers.registration import REGISTRATION

        document, facts = self._document(product, graph, traced, versions)
        if document.data is None or not document.ok:
            return document, facts
        made = self.mappings.message(REGISTRATION, facts, product, graph, self.organisation, self.terms)
        findings = made.findings
        if not _erroneous(findings):
            findings += tuple(disagreements(made.facts, document.data, kinds=self.mappings.editions.kinds))
        registration = None if _erroneous(findings) else made.facts
        return replace(document, findings=(*document.findings, *findings), registration=registration), facts

    def _document(
        self, product: Product, graph: Graph, traced: bool, versions: Mapping[II, int]
    ) -> tuple[Document, Fact]:
        made = self.mappings.facts(product, graph, self.organisation, self.terms, traced=traced)
        number = versions.get(getattr(made.facts, "set_id", II("", "")))
        if number is not None:
            made = self.mappings.facts(product, graph, self.organisation, self.terms, traced=traced, number=number)
        findings = [*made.findings, *self._missing(product, made, graph)]
        data, report = None, None
        try:
            data = self.rendered(product, made.facts)
        except InputError as error:
            findings.append(error.finding)
        except MappingError as error:
            # A part that the template cannot do without is not there: said already, or the template is wrong.
            if not _erroneous(findings):
                raise
            findings.append(_not_rendered(product, error))
        name = _name(product.document, made.facts)
        if data is not None and self.checker is not None and not _erroneous(findings):
            # After an error of ours the official rules would say the same once more, in terms of CDA.
            report = self.checker.check(data, source=name, kind=product.document, count=False)
            findings.extend(report.findings)
        else:
            findings.extend(self._closed(product, made.facts))
        document = Document(
            product.document,
            product.route,
            graph.path(product.focus),
            name,
            data,
            tuple(findings),
            report,
            made.trace,
            **_identity(made.facts),
        )
        return document, made.facts

    def _closed(self, product: Product, facts: Fact) -> Iterator[Finding]:
        """That the kind is closed, which the check would say: of a document that is not checked, or not made."""
        kinds = self.mappings.editions.kinds
        kind = kinds.by_code(product.document)
        if kind is not None:
            found = closed_kind(kind, kinds, day_of(getattr(facts, "created", None)), self._today())
            if found is not None:
                yield found

    def header(self, document: str) -> Header:
        """The switches of the header of a document."""
        if document not in self._headers:
            self._headers[document] = Header.of(self.mappings.documents[document].header)
        return self._headers[document]

    def rendered(self, product: Product, facts: Fact) -> bytes:
        """The document of facts."""
        template = self.mappings.documents[product.document].template
        return self._renderer.render(template, facts, self.header(product.document))

    def _missing(self, product: Product, made: Made, graph: Graph) -> Iterator[Finding]:
        """What the header wants and the facts do not give, unless the mapping has said so."""
        gaps = self._requirements.missing(made.facts, self.header(product.document))
        if gaps:
            trace = made.trace
            if not trace and any(gap.why is not Why.SURPLUS for gap in gaps):
                # Once more, to learn which element of which resource would have given the fact; such gaps are rare.
                trace = self.mappings.facts(product, graph, self.organisation, self.terms, traced=True).trace
            yield from self._gaps.findings(product.document, gaps, trace, made.findings)


def _erroneous(findings: Iterable[Finding]) -> bool:
    return any(one.severity is Severity.ERROR for one in findings)


def _not_rendered(product: Product, error: MappingError) -> Finding:
    return Finding(
        "MAP01",
        Severity.ERROR,
        Text("Документ не создан: нет частей, без которых он невозможен.", "Not made: parts are missing."),
        error.text,
        Place(),
        "",
        product.document,
    )


def _identity(facts: Fact) -> dict[str, Any]:
    """What tells a document and its version."""
    ids = {name: getattr(facts, name, None) for name in ("id", "set_id")}
    numbers = {name: getattr(facts, name, None) for name in ("version", "given_version")}
    return {
        **{name: value if isinstance(value, II) else None for name, value in ids.items()},
        **{name: int(value) if value is not None else None for name, value in numbers.items()},
    }


def _name(kind: str, facts: Fact) -> str:
    """``<kind>_<set>_v<version>.xml``; a set id that is no file name is shortened and told by its digest."""
    set_id, version = getattr(facts, "set_id", None), getattr(facts, "version", None)
    if not isinstance(set_id, II):
        return f"{kind}_unidentified.xml"
    plain = _UNSAFE.sub("-", set_id.extension)[:60]
    if plain != set_id.extension:
        plain += "-" + hashlib.sha256(set_id.extension.encode()).hexdigest()[:8]
    return f"{kind}_{plain}_v{version}.xml"
