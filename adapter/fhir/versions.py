"""Which release of FHIR a Bundle is written in.

In this order: the caller's word; a declaration in the Bundle (an extension or element ``fhirVersion``, a profile with
``|4.0.1`` or of ``hl7.org/fhir/5.0``); elements and shapes that only one of R4/R4B and R5 has, each a vote; the
profiles of Russian guides. R4 and R4B differ in no resource that is mapped, so R4 stands for both where nothing
declares R4B and no resource type of R4B occurs. A Bundle that fits all releases is read as R4: it means the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

from adapter.errors import UsageError
from adapter.fhir import data
from adapter.fhir.model import FhirVersion, Resource
from adapter.fhir.structure import Type, structure
from adapter.fhir.systems import canonical_system
from adapter.fhir.validation import inner_resources
from adapter.findings import Finding, Place, Severity, Text

_NUMBER: Final = re.compile(r"(4\.0|4\.3|5\.0)(?:\.\d+)?(?:-\w+)?")
_NUMBERS: Final = {"4.0": FhirVersion.R4, "4.3": FhirVersion.R4B, "5.0": FhirVersion.R5}
_CORE_PROFILE: Final = re.compile(r"https?://hl7\.org/fhir/(4\.0|4\.3|5\.0)/")


def parse_version(text: str) -> FhirVersion:
    """``R4``, ``R4B``, ``R5``, ``4.0``, ``4.0.1`` and the like.

    Raises:
        UsageError: none of them.
    """
    found = _number(text) or FhirVersion.__members__.get(text.strip().upper())
    if found is None:
        raise UsageError(
            Text("Версия FHIR должна быть R4, R4B или R5.", "The version of FHIR must be R4, R4B or R5."),
        )
    return found


def detect(bundle: Resource, *, shapes: bool = True) -> tuple[FhirVersion, list[Finding]]:
    """The release of a Bundle, with a finding where its parts disagree.

    Args:
        shapes: whether lists and single values count: in XML they look alike.
    """
    resources = list(_resources(bundle))
    declared = {version for one in resources for version in _declared(one)}
    if len(declared) == 1:
        return declared.pop(), []
    four = five = 0
    for one in resources:
        of_four, of_five = _votes(one, shapes=shapes)
        four, five = four + of_four, five + of_five
    if five > four:
        version = FhirVersion.R5
    elif declared or four or five:
        version = _r4_or_r4b(resources, declared)
    else:
        version = _by_profile(resources) or _r4_or_r4b(resources, declared)
    mixed = (four and five) or len(declared) > 1
    return version, [_mixed(version)] if mixed else []


def _number(text: str) -> FhirVersion | None:
    found = _NUMBER.fullmatch(text.strip())
    return _NUMBERS[found[1]] if found else None


def _resources(resource: Resource) -> Iterator[Resource]:
    yield resource
    for _, inner in inner_resources(resource):
        if isinstance(inner.get("resourceType"), str):
            yield from _resources(inner)


def _declared(resource: Resource) -> Iterator[FhirVersion]:
    texts: list[Any] = [resource.get("fhirVersion")]
    meta = resource.get("meta")
    if isinstance(meta, dict):
        for extension in _list(meta.get("extension")):
            url = extension.get("url") if isinstance(extension, dict) else None
            if isinstance(url, str) and canonical_system(url).replace("-", "").endswith("fhirversion"):
                texts += [value for name, value in extension.items() if name.startswith("value")]
        for profile in _list(meta.get("profile")):
            if isinstance(profile, str) and "hl7.org/fhir/" in profile:
                core = _CORE_PROFILE.match(profile)
                texts.append(core[1] if core else profile.partition("|")[2])
    for text in texts:
        version = _number(text) if isinstance(text, str) else None
        if version is not None:
            yield version


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


class _Evidence(NamedTuple):
    """What tells R4/R4B from R5 in a resource type.

    Attributes:
        four, five: elements that only R4B or only R5 has.
        lists: elements of both, whether R5 has a list where R4B has none, or the other way round.
        inside: the same names of elements one level down.
    """

    four: frozenset[str]
    five: frozenset[str]
    lists: dict[str, bool]
    inside: dict[str, tuple[frozenset[str], frozenset[str]]]


@lru_cache(maxsize=512)
def _evidence(name: str) -> _Evidence | None:
    """``None`` for a type that only one of the releases has, or none."""
    old, new = structure("R4B").resource(name), structure("R5").resource(name)
    if old is None or new is None:
        return None
    both = old.fields.keys() & new.fields.keys()
    lists = {key: new.fields[key].many for key in both if old.fields[key].many != new.fields[key].many}
    inside = {}
    for key in both:
        before, after = _type("R4B", old, key), _type("R5", new, key)
        if before is not None and after is not None and before.fields.keys() != after.fields.keys():
            names = (
                frozenset(before.fields) - frozenset(after.fields),
                frozenset(after.fields) - frozenset(before.fields),
            )
            inside[key] = names
    return _Evidence(
        frozenset(old.fields) - frozenset(new.fields), frozenset(new.fields) - frozenset(old.fields), lists, inside
    )


def _type(release: str, one: Type, key: str) -> Type | None:
    field = one.fields[key]
    return None if field.primitive or field.type == "Resource" else structure(release).type(field.type)


def _votes(resource: Resource, *, shapes: bool) -> tuple[int, int]:
    """Votes of one resource for R4/R4B and for R5."""
    name = resource["resourceType"]
    evidence = _evidence(name)
    if evidence is None:
        old, new = structure("R4B").resource(name), structure("R5").resource(name)
        return int(old is not None and new is None), int(new is not None and old is None)
    keys = resource.keys()
    four, five = len(evidence.four & keys), len(evidence.five & keys)
    if shapes:
        for key in evidence.lists.keys() & keys:
            if isinstance(resource[key], list) is evidence.lists[key]:
                five += 1
            else:
                four += 1
    for key in evidence.inside.keys() & keys:
        of_four, of_five = evidence.inside[key]
        value = resource[key]
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, dict):
                four += len(of_four & item.keys())
                five += len(of_five & item.keys())
    return four, five


def _r4_or_r4b(resources: list[Resource], declared: set[FhirVersion]) -> FhirVersion:
    added = data.words("r4", "added")
    if FhirVersion.R4B in declared or any(one["resourceType"] in added for one in resources):
        return FhirVersion.R4B
    return FhirVersion.R4


def _by_profile(resources: list[Resource]) -> FhirVersion | None:
    for one in resources:
        meta = one.get("meta")
        for profile in _list(meta.get("profile")) if isinstance(meta, dict) else ():
            for beginning, release in data.load()["profiles"].items():
                if isinstance(profile, str) and canonical_system(profile).startswith(beginning):
                    return FhirVersion[release]
    return None


def _mixed(version: FhirVersion) -> Finding:
    return Finding(
        "FHIR16",
        Severity.WARNING,
        Text(
            f"В Bundle смешаны элементы разных версий FHIR; прочитан как {version.name}.",
            f"The Bundle mixes elements of different releases of FHIR; it was read as {version.name}.",
        ),
        Text(
            "Передавайте ресурсы одной версии или укажите её явно.",
            "Send resources of one release, or state which it is.",
        ),
        Place(fhirpath="Bundle"),
    )
