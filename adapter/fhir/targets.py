"""Which resource of a Bundle a reference means.

The order, as FHIR has it (bundle.html#references): ``#id`` inside the resource, the exact ``fullUrl``, the relative
reference at the base of the referring entry, then ``Type/id``. Beside the standard: an absolute URL that ends in
``Type/id`` also means an entry without a web address of its own, ``urn:uuid:X`` also means a resource whose id is X,
and a Reference by identifier is searched in the Bundle.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import cached_property
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from adapter.fhir.model import Resource
from adapter.fhir.systems import canonical_system
from adapter.findings import Finding, Place, Severity, Text

_TYPE_ID: Final = re.compile(r"(?:^|/)([A-Z][A-Za-z]{1,63})/([A-Za-z0-9.\-]{1,255})(?:/_history/[^/]*)?$")
_DEFINITION: Final = "http://hl7.org/fhir/StructureDefinition/"


class Unresolved(Enum):
    """Why a reference has no target."""

    CONTAINED = auto()
    LOCAL = auto()
    EXTERNAL = auto()
    LOGICAL = auto()
    CONDITION = auto()
    SEVERAL = auto()
    SHAPE = auto()


class Target(NamedTuple):
    """What a reference means: a resource, or why there is none; neither where it points to nothing on purpose."""

    resource: Resource | None = None
    reason: Unresolved | None = None


def type_and_id(reference: str) -> tuple[str, str, str] | None:
    """Type, id and what stands before them in ``Type/id`` or a URL that ends so."""
    found = _TYPE_ID.search(reference)
    return (found[1], found[2], reference[: found.start()]) if found else None


class Resources:
    """The resources of a Bundle with their keys.

    Attributes:
        all: resources in the order of the Bundle; of a ``history`` all versions, the newest of each answers references.
        entries: the same with the number of their entry.
        full_urls: ``fullUrl`` by ``id()`` of the resource.
        repeated: findings about a ``fullUrl`` or ``Type/id`` that stands twice.
    """

    def __init__(self, bundle: Resource) -> None:
        self.entries: list[tuple[int, Resource]] = []
        self.full_urls: dict[int, str] = {}
        self.repeated: list[Finding] = []
        self._by_url: dict[str, Resource] = {}
        self._by_key: dict[str, Resource] = {}
        self._web = False  # whether an entry has a web address, so that relative references depend on it
        history = bundle.get("type") == "history"
        entries = bundle.get("entry")
        for index, entry in enumerate(entries if entries.__class__ is list else ()):
            resource = entry.get("resource") if entry.__class__ is dict else None
            if resource.__class__ is dict and resource.get("resourceType").__class__ is str:
                self.entries.append((index, resource))
                self._add(index, entry, resource, history=history)
        self.all = [resource for _, resource in self.entries]

    def _add(self, index: int, entry: Resource, resource: Resource, *, history: bool) -> None:
        url, name = entry.get("fullUrl"), resource.get("id")
        key = f"{resource['resourceType']}/{name}" if name.__class__ is str else ""
        first: Resource | None = None
        if url.__class__ is str and url:
            self.full_urls[id(resource)] = url
            self._web = self._web or url.startswith("http")
            first = self._by_url.setdefault(url, resource)
        elif key:
            first = self._by_key.get(key, resource)
        if key:
            self._by_key.setdefault(key, resource)
        if first is not None and first is not resource and not history:
            self.repeated.append(_repeated(index, same=first == resource))

    def need_owner(self, nodes: list[Resource]) -> bool:
        """Whether it matters where a Reference stands: for ``#id``, and where an entry has a web address."""
        if self._web:
            return True
        literals = (node.get("reference") for node in nodes)
        return any(literal.__class__ is str and literal[:1] == "#" for literal in literals)

    def find(self, node: Resource, resource: Resource) -> Target:
        """The target of the Reference ``node`` that stands in ``resource``."""
        literal = node.get("reference")
        if literal.__class__ is not str:
            return self._logical(node) if literal is None else Target()  # CodeableReference.reference is an object
        if literal.startswith("#"):
            return _contained(literal[1:], resource)
        target = self._by_url.get(literal)
        if target is None and not self._web:
            target = self._by_key.get(literal)
        if target is not None:
            return Target(target)
        found = self._literal(literal, resource)
        if found.resource is None and node.get("identifier").__class__ is dict:
            logical = self._logical(node)
            return logical if logical.resource is not None else found
        return found

    def _literal(self, literal: str, resource: Resource) -> Target:
        if "?" in literal:
            return self._conditional(literal)
        if literal.startswith("urn:"):
            same = self._by_id.get(literal.rpartition(":")[2])
            return Target(same) if same is not None else Target(reason=Unresolved.LOCAL)
        parts = type_and_id(literal)
        if parts is None:
            return Target(reason=Unresolved.EXTERNAL if "://" in literal else Unresolved.SHAPE)
        name, key, base = parts
        if not base:
            own = type_and_id(self.full_urls.get(id(resource), ""))
            near = self._by_url.get(f"{own[2]}/{name}/{key}") if own else None
            if near is not None:
                return Target(near)
        target = self._by_key.get(f"{name}/{key}")
        if target is not None and (not base or self._same_base(base, target)):
            return Target(target)
        return Target(reason=Unresolved.EXTERNAL if "://" in base else Unresolved.LOCAL)

    def _same_base(self, base: str, target: Resource) -> bool:
        """Whether a resource found by Type/id may be the one at ``base``: not where it has another web address."""
        own = type_and_id(self.full_urls.get(id(target), ""))
        return own is None or not own[2] or canonical_system(own[2]) == canonical_system(base)

    @cached_property
    def _by_id(self) -> dict[str, Resource]:
        found: dict[str, Resource] = {}
        for resource in self.all:
            if resource.get("id").__class__ is str:
                found.setdefault(resource["id"], resource)
        return found

    @cached_property
    def _by_identifier(self) -> dict[tuple[str, str], list[Resource]]:
        found: dict[tuple[str, str], list[Resource]] = {}
        for resource in self.all:
            own = resource.get("identifier")
            for one in own if own.__class__ is list else (own,):
                key = _key(one)
                if key is not None and not any(other is resource for other in found.setdefault(key, [])):
                    found[key].append(resource)
        return found

    def _logical(self, node: Resource) -> Target:
        key = _key(node.get("identifier"))
        if key is None:
            return Target()
        name = node.get("type")
        return self._one(key, name.removeprefix(_DEFINITION) if name.__class__ is str else "")

    def _conditional(self, literal: str) -> Target:
        name, _, query = literal.partition("?")
        terms = parse_qsl(query, keep_blank_values=True)
        if len(terms) != 1 or terms[0][0] != "identifier":
            return Target(reason=Unresolved.CONDITION)
        system, bar, value = terms[0][1].partition("|")
        if not bar:
            system, value = "", system
        return self._one((canonical_system(system), value), name.rpartition("/")[2])

    def _one(self, key: tuple[str, str], name: str) -> Target:
        answers = self._by_identifier.get(key, [])
        if name:
            answers = [one for one in answers if one["resourceType"] == name]
        if not answers:
            return Target(reason=Unresolved.LOGICAL)
        if all(_same(one, answers[0]) for one in answers[1:]):
            return Target(answers[0])
        return Target(reason=Unresolved.SEVERAL)


def _same(one: Resource, other: Resource) -> bool:
    """Whether two entries are versions, or copies, of one resource."""
    if one["resourceType"] != other["resourceType"]:
        return False
    return one == other or (one.get("id") is not None and one.get("id") == other.get("id"))


def _key(identifier: Any) -> tuple[str, str] | None:
    """System (for comparison) and value of an Identifier."""
    if identifier.__class__ is not dict:
        return None
    system, value = identifier.get("system") or "", identifier.get("value")
    if value.__class__ is not str or not value or system.__class__ is not str:
        return None
    return canonical_system(system), value


def _contained(name: str, resource: Resource) -> Target:
    if not name:
        return Target(resource)
    inner = resource.get("contained")
    for one in inner if inner.__class__ is list else ():
        if one.__class__ is dict and one.get("id") == name:
            return Target(one)
    return Target(reason=Unresolved.CONTAINED)


def _repeated(index: int, *, same: bool) -> Finding:
    return Finding(
        "FHIR21",
        Severity.WARNING if same else Severity.ERROR,
        Text(
            "Ресурс с таким fullUrl (или Type/id) в Bundle уже есть: ссылки ведут на первый.",
            "The Bundle already has a resource with this fullUrl (or Type/id): references lead to the first.",
        ),
        Text(
            "Уберите повтор или дайте записи свой fullUrl.",
            "Remove the repetition, or give the entry a fullUrl of its own.",
        ),
        Place(fhirpath=f"Bundle.entry[{index}]"),
    )
