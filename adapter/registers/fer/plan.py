"""The answer as Parameters: what was asked and what was found for it, which a map makes the message of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from adapter import xml
from adapter.convert import Converter
from adapter.errors import InputError
from adapter.fhir import FhirLimits, Graph, read
from adapter.findings import Finding, Severity, Text
from adapter.log import get_logger
from adapter.mapping.mappings import Product
from adapter.registers.fer.resources import Resource, reference
from adapter.xml import Element
from conformance.xsd import load_schema

Parameter = dict[str, Any]


def told(name: str, value: str) -> Parameter:
    """A text."""
    return {"name": name, "valueString": value}


def points(name: str, to: str) -> Parameter:
    """A reference, ``Type/id``."""
    return {"name": name, "valueReference": {"reference": to}}


def parts(name: str, *of: Parameter) -> Parameter:
    """Several under one name."""
    return {"name": name, "part": list(of)}


def graph_of(parameters: list[Parameter], resources: Iterable[Resource], base: str) -> tuple[Graph, Resource]:
    """The Parameters among the resources that they point to, and the Parameters.

    Raises:
        InputError: FER04, it cannot be read: too large, too deep.
    """
    focus = {"resourceType": "Parameters", "id": "answer", "parameter": parameters}
    whole = {reference(one): one for one in resources}
    entries = [{"fullUrl": f"{base.rstrip('/')}/{name}", "resource": one} for name, one in whole.items()]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": f"{base.rstrip('/')}/Parameters/answer", "resource": focus}, *entries],
    }
    # Read as what a sender sends: what is malformed is told of, and passed over by the maps.
    limits = FhirLimits(max_bytes=256 * 1024 * 1024, max_entries=50_000)
    try:
        reading = read(json.dumps(bundle, ensure_ascii=True).encode(), version="R4", limits=limits)[0]
    except InputError:
        raise InputError(_untold()) from None
    graph = Graph(reading.bundle, reading.version)
    return graph, graph.of_type("Parameters")[0]


def bookable(converter: Converter, graph: Graph, parameter: Parameter) -> Any:
    """Facts of what can be booked, by the map ``fer-bookable``."""
    mappings = converter.mappings
    focus = graph.of_type("Parameters")[0]
    spec = mappings.maps["fer-bookable"]
    return mappings.apply(spec, focus, graph, converter.organisation, converter.terms, part=parameter).facts


def message(
    converter: Converter, xsd: Path, product: str, parameters: list[Parameter], resources: Iterable[Resource], base: str
) -> Element:
    """The answer, as the schema has it.

    Raises:
        InputError: FER04, what the МИС has cannot be told.
    """
    graph, focus = graph_of(parameters, resources, base)
    made = converter.message(Product("", product, focus), graph)
    errors = [one for one in made.findings if one.severity is Severity.ERROR]
    if errors:
        get_logger().warning("fer.answer_incomplete", code=errors[0].code, rule=errors[0].rule, count=len(errors))
    if made.data is None:
        raise InputError(_untold())
    data = xml.parse(made.data)
    # A value that the МИС has malformed is left out: it must not take the rest of the answer with it.
    if errors and load_schema(xsd).validate(data):
        raise InputError(_untold())
    return data.getroot()


def _untold() -> Finding:
    return Finding("FER04", Severity.ERROR, Text("Ответ не составлен.", "The answer could not be made."))
