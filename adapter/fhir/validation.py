"""Structural validation of a Bundle, resource by resource.

The accepting path is a compiled JSON Schema made from the models of fhir.resources. Where it says no,
:mod:`adapter.fhir.explain` says why and fhir.resources is asked as well: its places that are not named yet become
findings too, and where neither names any, the resource is accepted. One bad resource does not hide the others.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from adapter.fhir import data
from adapter.fhir.explain import bad_value, explain, not_confirmed
from adapter.fhir.model import FhirVersion, Resource
from adapter.fhir.paths import join
from adapter.fhir.schema import validator
from adapter.fhir.structure import Structure, Type, structure
from adapter.findings import Finding, Place, Severity, Text


def validate(bundle: Resource, version: FhirVersion) -> list[Finding]:
    """Findings of structure in the order of the Bundle; none for a valid one.

    Args:
        bundle: a Bundle as JSON has it; any other resource is checked as well.
        version: release whose structure is meant.
    """
    name = bundle.get("resourceType")
    return list(_resource(bundle, version, name if isinstance(name, str) and data.is_name(name) else "Resource"))


def _resource(resource: Resource, version: FhirVersion, path: str) -> Iterator[Finding]:
    name = resource.get("resourceType")
    if not isinstance(name, str):
        yield _no_type(path)
        return
    try:
        accepts = validator(version.name, name)
    except KeyError:
        yield _unknown_type(name, version, path)
        return
    if not accepts.is_valid(resource):
        yield from _refused(structure(version.name), name, resource, path)
    yield from _inner(resource, version, path)


def _inner(resource: Resource, version: FhirVersion, path: str) -> Iterator[Finding]:
    for where, inner in inner_resources(resource):
        yield from _resource(inner, version, path + where)


def inner_resources(resource: Resource) -> Iterator[tuple[str, Resource]]:
    """The resources directly inside a resource with the rest of their path: contained, of a Bundle, of Parameters."""
    contained = resource.get("contained")
    if contained is not None:
        for index, one in _objects(contained):
            yield f".contained[{index}]", one
    name = resource.get("resourceType")
    if name == "Bundle":
        for index, entry in _objects(resource.get("entry")):
            if entry.get("resource").__class__ is dict:
                yield f".entry[{index}].resource", entry["resource"]
            response = entry.get("response")
            if response.__class__ is dict and response.get("outcome").__class__ is dict:
                yield f".entry[{index}].response.outcome", response["outcome"]
        if resource.get("issues").__class__ is dict:
            yield ".issues", resource["issues"]
    elif name == "Parameters":
        yield from _parameters(resource, "parameter", "")


def _parameters(holder: Resource, element: str, path: str) -> Iterator[tuple[str, Resource]]:
    for index, one in _objects(holder.get(element)):
        here = f"{path}.{element}[{index}]"
        if one.get("resource").__class__ is dict:
            yield f"{here}.resource", one["resource"]
        yield from _parameters(one, "part", here)


def _objects(items: Any) -> Iterator[tuple[int, Resource]]:
    if items.__class__ is list:
        for index, item in enumerate(items):
            if item.__class__ is dict:
                yield index, item


def _refused(types: Structure, name: str, resource: Resource, path: str) -> Iterator[Finding]:
    one = types.resource(name)
    if one is None:  # the schema exists, so the type does
        raise KeyError(name)
    found = list(explain(types, one, resource, path))
    yield from found
    from adapter.fhir.models import problems

    named = {finding.place.fhirpath for finding in found}
    for problem in problems(types.release, _without_inner(resource)):
        here = join(problem.steps, path)
        if not any(_same_place(here, other) for other in named):
            named.add(here)
            kind = _type_at(types, one, problem.steps)
            yield bad_value(here, kind) if kind else not_confirmed(here, problem.kind)


def _same_place(here: str, other: str) -> bool:
    """Whether one path is the other or lies below it: both speak of the same fault."""
    return here == other or here.startswith((f"{other}.", f"{other}[")) or other.startswith((f"{here}.", f"{here}["))


def _type_at(types: Structure, one: Type, steps: tuple[str | int, ...]) -> str:
    """The primitive type at a place; empty where it is none."""
    current: Type | None = one
    found = ""
    for part in steps:
        if isinstance(part, int):
            continue
        field = current.fields.get(part) if current is not None else None
        if field is None:
            return ""
        found = field.type if field.primitive else ""
        current = None if field.primitive or field.type == "Resource" else types.type(field.type)
    return found


def _without_inner(resource: Resource) -> Resource:
    """A copy without the resources inside it: they are judged by themselves."""
    copy = {key: value for key, value in resource.items() if key not in {"contained", "issues"}}
    if resource["resourceType"] == "Bundle" and isinstance(copy.get("entry"), list):
        copy["entry"] = [_bare(entry) for entry in copy["entry"]]
    elif resource["resourceType"] == "Parameters" and isinstance(copy.get("parameter"), list):
        copy["parameter"] = [_bare(one) for one in copy["parameter"]]
    return copy


def _bare(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    copy = {key: value for key, value in entry.items() if key != "resource" or not isinstance(value, dict)}
    if isinstance(copy.get("response"), dict):
        copy["response"] = {key: value for key, value in copy["response"].items() if key != "outcome"}
    if isinstance(copy.get("part"), list):
        copy["part"] = [_bare(one) for one in copy["part"]]
    return copy


def _no_type(path: str) -> Finding:
    return Finding(
        "FHIR09",
        Severity.ERROR,
        Text("У ресурса нет resourceType.", "The resource has no resourceType."),
        Text("Укажите тип ресурса, например Patient.", "State the type of the resource, Patient for one."),
        Place(fhirpath=path),
    )


def _unknown_type(name: str, version: FhirVersion, path: str) -> Finding:
    if version is FhirVersion.R4 and name in data.words("r4", "removed"):
        return Finding(
            "FHIR19",
            Severity.NOTE,
            Text(
                "Структура ресурса не проверена: этот тип есть только в R4.",
                "The structure of the resource was not checked: R4 alone has this type.",
            ),
            place=Place(fhirpath=path),
        )
    near = difflib.get_close_matches(name, data.words("resources", "common"), n=1)
    return Finding(
        "FHIR09",
        Severity.ERROR,
        Text(
            f"Такого типа ресурса нет в FHIR {version.value}; ресурс не проверен.",
            f"FHIR {version.value} has no such type of resource; the resource was not checked.",
        ),
        Text(
            f"Похожее имя: {near[0]}." if near else "Проверьте имя типа и версию FHIR.",
            f"A similar name: {near[0]}." if near else "Check the name of the type and the version of FHIR.",
        ),
        Place(fhirpath=path),
    )
