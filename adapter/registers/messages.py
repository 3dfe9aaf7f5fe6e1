"""Messages of registers: the facts of a map of ``mappings/registers``, in the form that the register takes.

A map with a ``message`` makes up to five facts: ``body``, what is sent; ``operation``, which service of the register
takes it; ``key``, what its address needs (the number of the record that is changed); ``id``, what tells the message
from others of its sender and stays when it is sent again; ``subject``, who or what it is about, where messages of
several products about one thing have to leave in order. A message with an error is not to be sent.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from lxml import etree

from adapter import xml
from adapter.catalogue import Catalogue
from adapter.documents.header import Header
from adapter.documents.identity import derived_id, identity_of
from adapter.documents.render import DECLARATION, Renderer
from adapter.documents.requirements import Gap, Why
from adapter.errors import InputError, InternalError, UsageError
from adapter.facts import Fact, plain
from adapter.fhir import Graph
from adapter.findings import EMPTY, Finding, Place, Severity, Text
from adapter.gaps import Gaps
from adapter.mapping.keys import SCHEMAS
from adapter.mapping.mappings import Made, Mappings, Product
from adapter.mapping.model import MessageForm
from adapter.mapping.run import Traced
from adapter.nsi.terms import Terms
from adapter.organisation import Organisation
from adapter.registers.jsonform import Fault, dumped, load_form

SUFFIXES: Final = {"json": ".json", "soap": ".xml", "xml": ".xml"}
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_WANTED: Final = {
    "type": Text("ожидается тип {}", "the type {} is expected"),
    "enum": Text("ожидается одно из {}", "one of {} is expected"),
    "const": Text("ожидается {}", "{} is expected"),
    "pattern": Text("не подходит к образцу {}", "it does not match {}"),
    "format": Text("неверный номер или вид: {}", "a wrong number or shape: {}"),
    "minLength": Text("знаков меньше {}", "fewer characters than {}"),
    "maxLength": Text("знаков больше {}", "more characters than {}"),
    "minItems": Text("элементов меньше {}", "fewer items than {}"),
    "maxItems": Text("элементов больше {}", "more items than {}"),
    "minimum": Text("меньше {}", "less than {}"),
    "maximum": Text("больше {}", "more than {}"),
}

#: The bytes, what does not fit the schema, and what was found besides.
Written = tuple[bytes | None, list[Fault], list[Finding]]


@dataclass(frozen=True, slots=True)
class Message:
    """What became of one message.

    Attributes:
        product: id of its map.
        route: the route that asked for it.
        focus: FHIRPath of the resource that it is about.
        id: what tells it from other messages of the product and stays when it is sent again.
        subject: messages of the register with the same one leave in order; by default the record, else the message.
        name: file name by product and id.
        form: ``json``, ``soap`` (``data`` is the element of the Body) or ``xml``.
        operation: the service of the register that takes it; empty where there is but one.
        key: what the address of the service needs.
        data: the message; ``None`` where it was not made.
        findings: of the mapping and of the schema.
        trace: how the facts came about, where asked for.
    """

    product: str
    route: str
    focus: str
    id: str
    subject: str
    name: str
    form: str
    operation: str
    key: dict[str, str]
    data: bytes | None
    findings: tuple[Finding, ...]
    trace: tuple[Traced, ...]

    @property
    def ok(self) -> bool:
        """It was made, and no finding is an error."""
        return self.data is not None and not _erroneous(self.findings)

    @property
    def record(self) -> str:
        """The id of the record whose number it is about."""
        return self.key.get("record") or self.id


class Messages:
    """Makes messages; make one and keep it.

    Args:
        catalogue: where the schemas are.
        mappings: maps of the catalogue.
        renderer: of the templates of the catalogue.
        gaps: tells what is missing.
    """

    def __init__(self, catalogue: Catalogue, mappings: Mappings, renderer: Renderer, gaps: Gaps) -> None:
        self._catalogue, self._mappings, self._renderer, self._gaps = catalogue, mappings, renderer, gaps

    def make(
        self,
        product: Product,
        graph: Graph,
        organisation: Organisation,
        terms: Terms,
        *,
        traced: bool = False,
        records: Mapping[str, str] = MappingProxyType({}),
    ) -> Message:
        """The message of a product.

        Args:
            traced: keep how each fact came about.
            records: numbers that registers have given, by the id of a record: the fact ``key.record``, else ``id``.
                Maps read the number as ``%number``.

        Raises:
            UsageError: the catalogue is wrong: a fact has no place in the schema, a file is absent.
        """
        spec = self._mappings.message_of(product.document)
        if spec is None or spec.message is None:
            raise InternalError("a document was asked for as a message")
        form = spec.message
        run = partial(self._mappings.facts, product, graph, organisation, terms)
        made = run(traced=traced)
        key, ident = _key(made), _id(product, made, graph, organisation)
        number = records.get(key.get("record") or ident)
        if number is not None:
            made = run(traced=traced, number=number)
            key, ident = _key(made), _id(product, made, graph, organisation)
        body = getattr(made.facts, "body", None)
        operation = str(getattr(made.facts, "operation", None) or "")
        data: bytes | None = None
        faults: list[Fault] = []
        findings = [*made.findings]
        if isinstance(body, Fact):
            data, faults, more = self._written(form, body, operation)
            if data is None or not _erroneous(findings):
                # After an error of ours the schema would say the same once more, in terms of the message.
                findings += more
        if faults:
            trace = made.trace or run(traced=True, number=number).trace
            findings += self._told(product.document, faults, trace, made)
        elif data is None and not _erroneous(findings):
            findings.append(_not_made(product.document))
        return Message(
            product.document,
            product.route,
            product.place(graph),
            ident,
            _extension(plain(getattr(made.facts, "subject", None))) or key.get("record") or ident,
            _name(product.document, ident) + SUFFIXES[form.form],
            form.form,
            operation,
            key,
            data,
            # A worker who stands in a message several times is told of once.
            tuple(dict.fromkeys(findings)),
            made.trace,
        )

    def _written(self, form: MessageForm, body: Fact, operation: str) -> Written:
        path = self._catalogue.file(f"{SCHEMAS}/{form.schema}")
        if form.form == "json":
            schema = load_form(path)
            message = schema.fitted(body)
            return dumped(message), list(schema.faults(message)), []
        if form.form == "soap":
            from adapter.transport.schema import load_schema

            name = form.element if not form.element.endswith("}") else form.element + operation
            wsdl = load_schema(path)
            absent = [Fault(one, "required", None) for one in wsdl.missing(name, body)]
            try:
                element = wsdl.build(name, body)
            except UsageError as error:
                # What is absent says it better.
                return None, absent or [Fault("", "wsdl", error.text)], []
            etree.indent(element, "  ")
            data = DECLARATION + etree.tostring(element, encoding="UTF-8") + b"\n"
            # zeep writes a value whatever its type: what it may be is looked at by the XSD, where one stands beside.
            checked = path.with_suffix(".xsd").is_file() and not absent
            return data, absent, _invalid(path.with_suffix(".xsd"), data) if checked else []
        return self._rendered(form, body)

    def _rendered(self, form: MessageForm, body: Fact) -> Written:
        try:
            data = self._renderer.render(form.template, body, Header())
        except InputError as error:
            return None, [], [error.finding]
        return data, [], _invalid(self._catalogue.file(f"{SCHEMAS}/{form.schema}"), data)

    def _told(self, product: str, faults: Iterable[Fault], trace: tuple[Traced, ...], made: Made) -> Iterator[Finding]:
        """Faults as findings; what the mapping has told of is not told again."""
        faults = list(faults)
        gaps = [Gap(f"body.{fault.path}", Why.MISSING) for fault in faults if fault.keyword == "required"]
        yield from self._gaps.findings(product, gaps, trace, made.findings)
        told = {finding.rule for finding in made.findings if finding.severity is Severity.ERROR}
        for fault in faults:
            if fault.keyword == "required":
                continue
            path = f"body.{fault.path}".rstrip(".")
            place, hint, rule = self._gaps.where(path, trace)
            if rule not in told:
                yield _misfit(product, path, fault, place, hint)


def _invalid(xsd: Path, data: bytes) -> list[Finding]:
    from conformance.xsd import load_schema

    return load_schema(xsd).validate(xml.parse(data))


def _misfit(product: str, path: str, fault: Fault, place: str, hint: Text) -> Finding:
    wanted = fault.wanted
    if isinstance(wanted, Text):
        said = wanted
    else:
        text = _WANTED.get(fault.keyword, Text("правило «{}» схемы", "the rule «{}» of the schema"))
        value = fault.keyword if fault.keyword not in _WANTED else _listed(wanted)
        said = Text(text.ru.format(value), text.en.format(value))
    return Finding(
        "MSG01",
        Severity.ERROR,
        Text(f"«{path}» не подходит регистру: {said.ru}.", f"«{path}» does not fit the register: {said.en}."),
        hint,
        Place(fhirpath=place),
        "",
        f"{product}.{Gap(path, Why.MISSING).rule}",
    )


def _listed(wanted: Any) -> str:
    return ", ".join(str(one) for one in wanted) if isinstance(wanted, list) else str(wanted)


def _not_made(product: str) -> Finding:
    return Finding(
        "MAP01",
        Severity.ERROR,
        Text("Сообщение не создано: нет его содержания.", "Not made: the message has no content."),
        EMPTY,
        Place(),
        "",
        f"{product}.body",
    )


def _erroneous(findings: Iterable[Finding]) -> bool:
    return any(one.severity is Severity.ERROR for one in findings)


def _id(product: Product, made: Made, graph: Graph, organisation: Organisation) -> str:
    """The fact ``id``; else one derived from the focus and its patient, since some senders number resources anew."""
    given = _extension(plain(getattr(made.facts, "id", None)))
    if given:
        return given
    focus = product.focus
    parts = [identity_of(one, graph.full_url(one) or "") for one in (focus, *_patients(focus, graph))]
    return derived_id(organisation.root, (product.document, *parts)).extension


def _patients(focus: dict[str, Any], graph: Graph) -> Iterator[dict[str, Any]]:
    for name in ("patient", "subject"):
        reference = focus.get(name)
        patient = graph.resolve(reference) if isinstance(reference, dict) else None
        if patient is not None:
            yield patient


def _key(made: Made) -> dict[str, str]:
    return {name: _extension(part) for name, part in (plain(getattr(made.facts, "key", None)) or {}).items()}


def _extension(given: Any) -> str:
    """The text of an id, with or without a root."""
    return str(given.get("extension") or "") if isinstance(given, dict) else str(given or "")


def _name(product: str, text: str) -> str:
    """``<product>_<id>``; an id that is no file name is shortened and told by its digest."""
    safe = _UNSAFE.sub("-", text)[:60]
    if safe != text:
        safe += "-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{product}_{safe}"
