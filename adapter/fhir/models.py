"""What the models of fhir.resources say, as :class:`~adapter.fhir.structure.Type`, and their verdict on a resource.

The one module that imports fhir.resources: it costs a quarter of a second and is imported where it is needed only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from fhir_core.fhirabstractmodel import FHIRAbstractModel
from fhir_core.utils import determine_version_prefix, get_fhir_type_name, is_list_type
from pydantic import ValidationError

from adapter.fhir import data
from adapter.fhir.primitives import PRIMITIVES
from adapter.fhir.structure import Choice, Field, Type

Model = type[FHIRAbstractModel]


@lru_cache(maxsize=512)
def model(release: str, name: str) -> Model | None:
    """The model of a type; ``None`` where the release has none of this name. R4 has no package: R4B stands for it."""
    if release == "R4" and name in data.words("r4", "added"):
        return None
    if release == "R5":
        from fhir.resources import get_fhir_model_class
    else:
        from fhir.resources.R4B import get_fhir_model_class
    try:
        return get_fhir_model_class(name)
    except ValueError:  # the library's word for an unknown name
        return None


def describe(release: str, name: str, known: Collection[str]) -> list[Type]:
    """A type and all types that it is made of, without those in ``known``; nothing where there is no such type."""
    found: dict[str, Type] = {}
    todo = [name]
    while todo:
        one = todo.pop()
        if one in found or one in known:
            continue
        described = _describe(release, one)
        if described is None:
            continue
        found[one] = described
        todo += [field.type for field in described.fields.values() if not field.primitive]
    return list(found.values())


def _describe(release: str, name: str) -> Type | None:
    cls = model(release, name)
    if cls is None:
        return None
    prefix = determine_version_prefix(cls.__module__)
    fields: dict[str, Field] = {}
    required: list[str] = []
    choices: dict[str, tuple[bool, list[str]]] = {}
    for key, info in cls.model_fields.items():
        alias = info.alias or key
        if alias == "fhir_comments":  # of DSTU2; no release that is read has it
            continue
        if release == "R4" and name == "Extension" and alias in data.words("r4", "extension_values"):
            continue
        extra: Any = info.json_schema_extra or {}
        codes = data.codes(release, name, alias)
        fields[alias] = Field(get_fhir_type_name(info, prefix), is_list_type(info), codes)
        if info.is_required():
            required.append(alias)
        if extra.get("one_of_many"):
            group = choices.setdefault(extra["one_of_many"], (extra["one_of_many_required"], []))
            group[1].append(alias)
    # The lists below are constants of the class; the method is not a class method only by accident.
    values = [alias for alias, _ in cls.get_required_fields(cls.model_construct())]
    return Type(
        name,
        cls.has_resource_base(),
        fields,
        tuple(required),
        tuple(values),
        tuple(Choice(key, bool(must), tuple(names)) for key, (must, names) in choices.items()),
    )


class Problem(NamedTuple):
    """A place that fhir.resources refuses: steps from the resource, and the kind of its error."""

    steps: tuple[str | int, ...]
    kind: str


def problems(release: str, resource: dict[str, Any]) -> list[Problem]:
    """The verdict of fhir.resources on one resource."""
    cls = model(release, str(resource.get("resourceType")))
    if cls is None:
        return [Problem((), "unknown_type")]
    try:
        cls.model_validate(resource)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return list(_problems(found))
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        # The library stumbles over shapes that it does not expect, a contained resource of an unknown type for one.
        return [Problem((), type(error).__name__)]
    return []


def _problems(errors: list[Any]) -> Iterator[Problem]:
    for error in errors:
        steps = tuple(step for step in error["loc"] if isinstance(step, int) or _is_element(step))
        yield Problem(steps, error["type"])


def _is_element(step: str) -> bool:
    """Whether a step is an element, and not the name of a validator that the library puts into the place."""
    return step not in {"root", "resource_type"} and step not in PRIMITIVES and "[" not in step and "-" not in step
