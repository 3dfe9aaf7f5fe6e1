"""NDJSON: one resource or Bundle a line; single resources are grouped into one Bundle a patient.

The groups depend on the input alone: patients in the order in which they first occur, resources in the order of
their lines. What no patient owns (organizations, staff, places) goes into the Bundle of every patient whose resources
refer to it, directly or over other such resources; what nobody refers to makes a last Bundle, so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from adapter.errors import InputError
from adapter.fhir.graph import Graph
from adapter.fhir.model import FhirLimits, Resource
from adapter.fhir.text import decode, refuse
from adapter.findings import Finding, Place, Text

#: Elements that say whose a resource is, the surest first.
_OWNERS: Final = ("patient", "subject", "beneficiary", "for", "individual")


class Line(NamedTuple):
    """One line that was read: its value, 1-based number, and findings."""

    value: Resource
    number: int
    findings: list[Finding]


def read_lines(data: bytes, limits: FhirLimits) -> tuple[list[Line], list[Finding]]:
    """The objects of the lines, and findings of lines that cannot be read.

    Raises:
        InputError: FHIR05, too many lines.
    """
    found: list[Line] = []
    refused: list[Finding] = []
    for number, text in enumerate(data.splitlines(), start=1):
        if not text.strip():
            continue
        if len(found) >= limits.max_entries:
            raise too_many(limits)
        try:
            value, findings = decode(text, limits)
        except InputError as error:
            refused.append(_at(error.finding, number))
            continue
        if isinstance(value, dict) and isinstance(value.get("resourceType"), str):
            found.append(Line(value, number, [_at(finding, number) for finding in findings]))
        else:
            refused.append(_at(not_fhir().finding, number))
    return found, refused


def _at(finding: Finding, line: int) -> Finding:
    place = Place(line, finding.place.column, finding.place.fhirpath)
    return Finding(finding.code, finding.severity, finding.message, finding.hint, place)


def group(lines: list[Line]) -> list[list[Line]]:
    """Lines of single resources by patient."""
    graph = Graph(collection([line.value for line in lines]))
    numbers = {id(line.value): index for index, line in enumerate(lines)}
    owners = _owners(graph, lines)
    groups: dict[int | str, list[int]] = {}
    for index, owner in enumerate(owners):
        if owner is not None:
            groups.setdefault(owner, []).append(index)
    used: set[int] = set()
    links = [_links(graph, line.value, numbers) for line in lines]
    for members in groups.values():
        members[:] = sorted(_closure(members, owners, links))
        used.update(members)
    rest = [index for index in range(len(lines)) if index not in used]
    return [[lines[index] for index in members] for members in (*groups.values(), *([rest] if rest else []))]


def _owners(graph: Graph, lines: list[Line]) -> list[int | str | None]:
    """The patient of each line: the number of its Patient, or the reference where that is not in the input."""
    numbers = {id(line.value): index for index, line in enumerate(lines)}
    owners: list[int | str | None] = [_owner(graph, line.value, numbers) for line in lines]
    changed = True
    while changed:  # a resource without a patient of its own belongs to that of its encounter
        changed = False
        for index, line in enumerate(lines):
            encounter = line.value.get("encounter")
            if owners[index] is None and isinstance(encounter, dict):
                target = graph.resolve(encounter)
                owners[index] = owners[numbers[id(target)]] if target is not None and id(target) in numbers else None
                changed = changed or owners[index] is not None
    return owners


def _owner(graph: Graph, resource: Resource, numbers: dict[int, int]) -> int | str | None:
    if resource["resourceType"] == "Patient":
        return numbers[id(resource)]
    for name in _OWNERS:
        value = resource.get(name)
        for reference in value if isinstance(value, list) else (value,):
            if not isinstance(reference, dict):
                continue
            target = graph.resolve(reference)
            if target is not None and target.get("resourceType") == "Patient" and id(target) in numbers:
                return numbers[id(target)]
            literal = reference.get("reference")
            if target is None and isinstance(literal, str) and "Patient/" in literal:
                return literal
    return None


def _links(graph: Graph, resource: Resource, numbers: dict[int, int]) -> set[int]:
    """The lines that a resource refers to."""
    targets = (graph.resolve(node) for node in graph.references(resource))
    return {numbers[id(target)] for target in targets if target is not None and id(target) in numbers}


def _closure(members: list[int], owners: list[int | str | None], links: list[set[int]]) -> set[int]:
    found = set(members)
    todo = list(members)
    while todo:
        for index in links[todo.pop()]:
            if index not in found and owners[index] is None:
                found.add(index)
                todo.append(index)
    return found


def collection(resources: list[Resource]) -> Resource:
    """Resources as a Bundle."""
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}


def too_many(limits: FhirLimits) -> InputError:
    """The refusal of an input with too many resources."""
    return refuse(
        "FHIR05",
        Text(f"Ресурсов больше допустимого: {limits.max_entries}.", f"More than {limits.max_entries} resources."),
        Text(
            "Разделите Bundle или поднимите предел EGISZ_FHIR_MAX_ENTRIES.",
            "Split the Bundle, or raise the limit EGISZ_FHIR_MAX_ENTRIES.",
        ),
    )


def not_fhir() -> InputError:
    """The refusal of a value that is no resource."""
    return refuse(
        "FHIR08",
        Text("Это не ресурс FHIR.", "This is not a FHIR resource."),
        Text(
            "Нужен объект JSON с resourceType (Bundle или ресурс), XML или NDJSON: по одному ресурсу в строке.",
            "A JSON object with resourceType (a Bundle or a resource) is due, XML, or NDJSON: a resource a line.",
        ),
    )


def iter_resources(bundle: Resource) -> Iterator[Any]:
    """The values of ``entry.resource``, whatever they are."""
    entries = bundle.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and "resource" in entry:
            yield entry["resource"]
