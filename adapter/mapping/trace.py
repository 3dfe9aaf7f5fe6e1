"""Where facts come from: rule, place in the Bundle, expression, concept map and shape of each fact.

A trace never holds a value, so it can be sent to whoever maintains the mappings.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from adapter.catalogue import builtin_root
from adapter.fhir.graph import Graph
from adapter.fhir.model import Reading
from adapter.findings import Finding, Text
from adapter.mapping.lint.walk import Walk
from adapter.mapping.mappings import Mappings
from adapter.mapping.model import Field
from adapter.mapping.run import Traced
from adapter.nsi.terms import Terms
from adapter.organisation import Organisation

_WORDS = {
    "title": Text("Происхождение фактов", "Where facts come from"),
    "document": Text("Документ", "Document"),
    "route": Text("маршрут", "route"),
    "fact": Text("Факт", "Fact"),
    "shape": Text("Вид", "Shape"),
    "rule": Text("Правило", "Rule"),
    "place": Text("Место в Bundle", "Place in the Bundle"),
    "expression": Text("Выражение", "Expression"),
    "concept": Text("Карта понятий", "Concept map"),
    "findings": Text("Сообщения", "Findings"),
    "no_values": Text("Значений из Bundle на этой странице нет.", "This page holds no value of the Bundle."),
    "none": Text("Ни один маршрут не дал документа.", "No route made a document."),
    "filter": Text("Скрыть факты без значения", "Hide facts without a value"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One fact.

    Attributes:
        depth: how many facts it stands inside of.
        file, line: where its rule stands.
    """

    traced: Traced
    depth: int
    file: str
    line: int

    @property
    def empty(self) -> bool:
        """There is no value."""
        return self.traced.shape in {"nothing", "list of 0"}


@dataclass(frozen=True, slots=True)
class Trace:
    """One product: where it comes from, its facts in order, what was found on the way."""

    source: str
    document: str
    route: str
    focus: str
    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]


@dataclass
class Tracer:
    """Traces Bundles; make one and keep it."""

    mappings: Mappings
    organisation: Organisation
    terms: Terms

    def trace(self, reading: Reading, *, source: str = "", products: Collection[str] = ()) -> Iterator[Trace]:
        """The products of a Bundle, or those of the kinds in ``products``."""
        graph = Graph(reading.bundle, reading.version)
        today = date.today()
        for product in self.mappings.plan(graph, self.organisation, self.terms, asked=products, today=today):
            made = self.mappings.facts(product, graph, self.organisation, self.terms, traced=True)
            rules = self._rules[product.document]
            lines = tuple(_line(traced, rules.get(traced.rule)) for traced in made.trace)
            focus = product.place(graph)
            yield Trace(source, product.document, product.route, focus, lines, made.findings)

    @cached_property
    def _rules(self) -> dict[str, dict[str, Field]]:
        """Rules that each document and message reaches, by id."""
        found = {}
        for name, spec in {**self.mappings.registers, **self.mappings.documents}.items():
            walk = Walk(self.mappings.maps)
            walk.start(spec)
            found[name] = {rule.rule: rule for rule in walk.rules.values()}
        return found


def _line(traced: Traced, rule: Field | None) -> Line:
    depth = traced.path.count(".") + traced.path.count("[")
    return Line(traced, depth, rule.file if rule else "", rule.line if rule else 0)


def as_text(traces: Sequence[Trace], language: str) -> str:
    """For a terminal: a line a fact."""
    lines: list[str] = []
    for trace in traces:
        head = f"{_WORDS['document'].get(language)} {trace.document} · {_WORDS['route'].get(language)} {trace.route}"
        lines.append(" · ".join(part for part in (head, trace.focus, trace.source) if part))
        for line in trace.lines:
            one = line.traced
            where = " · ".join(part for part in (one.place, one.expression) if part)
            concept = f"  ({one.concept})" if one.concept else ""
            lines.append(
                f"  {'  ' * line.depth}{one.path.rpartition('.')[2]}  {one.shape}  [{one.rule}]  {where}{concept}"
            )
        lines += [
            f"  {finding.code} {finding.rule}  {finding.place.fhirpath}  {finding.message.get(language)}"
            for finding in trace.findings
        ]
        lines.append("")
    return "\n".join(lines or [_WORDS["none"].get(language)]) + "\n"


def as_json(traces: Sequence[Trace]) -> str:
    """The machine form; the traces of all products of all Bundles."""
    made: list[dict[str, Any]] = [
        {
            "source": trace.source,
            "document": trace.document,
            "route": trace.route,
            "focus": trace.focus,
            "facts": [{**asdict(line.traced), "file": line.file, "line": line.line} for line in trace.lines],
            "findings": [
                {"code": one.code, "severity": one.severity.value, "rule": one.rule, "place": one.place.fhirpath,
                 "message": one.message._asdict(), "hint": one.hint._asdict()}
                for one in trace.findings
            ],
        }
        for trace in traces
    ]  # fmt: skip
    return orjson.dumps({"version": 1, "traces": made}, option=orjson.OPT_INDENT_2).decode() + "\n"


def as_html(traces: Sequence[Trace], language: str) -> str:
    """One self-contained page; a content security policy allows its own style sheet and nothing else."""
    folder = builtin_root() / "templates" / "report"
    style = (folder / "trace.css").read_text("utf-8")
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template("trace.html.j2").render(
        traces=traces,
        language=language,
        t={name: text.get(language) for name, text in _WORDS.items()},
        style=Markup(style),  # noqa: S704 - our own file, shipped with the package
        style_hash=f"sha256-{digest}",
    )
