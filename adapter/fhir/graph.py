"""The resources of a Bundle by type, and what their references point to.

One walk prepares everything: ``resolve`` afterwards is one look-up by the identity of the Reference. References that
point nowhere, or to several resources, are findings.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from json import dumps
from typing import Final

from adapter.fhir.model import FhirVersion, Resource
from adapter.fhir.paths import find_paths
from adapter.fhir.targets import Resources, Unresolved
from adapter.findings import Finding, Place, Severity, Text

_REFERENCE_KEYS: Final = frozenset({"reference", "identifier", "type", "display", "id", "extension", "_display"})

#: Types of Bundle in which the order of entries has a meaning.
_ORDERED: Final = frozenset({"document", "message", "history"})

#: References whose number is all that there is: (type of the resource, "" for any object; element). Nobody sends as a
#: resource the office that issued a document (its number is the code of the office), nor the card that an encounter is
#: recorded in; documents want nothing of them but the number. A constant, not data of the catalogue: both are the
#: published practice of RuCore, which every mapping reads alike. What a sender leaves out otherwise (partOf of an
#: Organization) is told.
_NUMBERED: Final = (("", "assigner"), ("Encounter", "partOf"))


class Graph:
    """A Bundle as a graph of resources.

    Args:
        bundle: the Bundle as JSON has it; it is not changed, and must not change while the graph lives.
        version: release of FHIR it is written in.
    """

    def __init__(self, bundle: Resource, version: FhirVersion | str = FhirVersion.R4) -> None:
        self.bundle = bundle
        self.version = FhirVersion(version)
        self._types: dict[str, list[Resource]] = {}
        self._paths: dict[int, str] = {}
        self._parents: dict[int, Resource] = {}
        self._links: dict[int, Resource] = {}
        self._failed: dict[int, Unresolved] = {}
        self._resources = Resources(bundle)
        for resource in self._resources.all:
            self._types.setdefault(resource["resourceType"], []).append(resource)
        if bundle.get("type") not in _ORDERED:
            self._types = {name: self._in_stable_order(some) for name, some in self._types.items()}
        self._link()

    def all(self) -> list[Resource]:
        """Every resource of the Bundle in its order, without contained ones."""
        return self._resources.all

    def of_type(self, name: str) -> list[Resource]:
        """The resources of a type, without contained ones: in the order of the Bundle where its type gives it a meaning
        (document, message, history), else by id, so that the order of sending changes no document.
        """
        return self._types.get(name, [])

    def resolve(self, reference: Resource) -> Resource | None:
        """The resource that a Reference of this Bundle points to.

        Args:
            reference: the Reference itself, not a copy: it is found by identity.
        """
        return self._links.get(id(reference))

    def references(self, resource: Resource) -> list[Resource]:
        """Every Reference in a resource."""
        return _references([resource])

    def path(self, resource: Resource) -> str:
        """FHIRPath of a resource: ``Bundle.entry[3].resource``, for a contained one with ``.contained[0]``.

        Raises:
            KeyError: the resource is not of this Bundle.
        """
        if not self._paths:
            for index, one in self._resources.entries:
                here = f"Bundle.entry[{index}].resource"
                self._paths[id(one)] = here
                for number, inner in enumerate(contained(one)):
                    self._paths[id(inner)] = f"{here}.contained[{number}]"
        return self._paths[id(resource)]

    def parent(self, resource: Resource) -> Resource | None:
        """The resource that contains ``resource``; ``None`` where it stands by itself."""
        if not self._parents:
            for one in self._resources.all:
                self._parents.update({id(inner): one for inner in contained(one)})
        return self._parents.get(id(resource))

    def full_url(self, resource: Resource) -> str | None:
        """``fullUrl`` of the entry that holds ``resource``."""
        return self._resources.full_urls.get(id(resource))

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """References that lead nowhere or to several resources, and resources that stand twice."""
        return (*self._resources.repeated, *self._unresolved())

    def _in_stable_order(self, resources: list[Resource]) -> list[Resource]:
        if len(resources) == 1:
            return resources
        keys: list[tuple[str, ...]] = [(str(one.get("id") or ""), self.full_url(one) or "") for one in resources]
        if len(set(keys)) < len(keys):
            # Nothing but their content tells them apart; default: decimals.
            keys = [(*key, dumps(one, sort_keys=True, default=str)) for key, one in zip(keys, resources, strict=True)]
        order = sorted(range(len(keys)), key=keys.__getitem__)
        return [resources[index] for index in order]

    def _link(self) -> None:
        """Find the target of every Reference."""
        nodes = _references(self._resources.all)
        if not self._resources.need_owner(nodes):
            self._find(nodes, self.bundle)
            return
        for resource in self._resources.all:
            self._find(_references([resource]), resource)

    def _find(self, nodes: list[Resource], owner: Resource) -> None:
        find, links = self._resources.find, self._links
        for node in nodes:
            target, reason = find(node, owner)
            if target is not None:
                links[id(node)] = target
            elif reason is not None:
                self._failed[id(node)] = reason

    def _unresolved(self) -> Iterator[Finding]:
        failed = self._failed
        if Unresolved.LOGICAL in failed.values():
            # Many a Bundle has no other, and to find the path of one takes long.
            numbered = _numbered(self._resources.all)
            failed = {
                node: reason
                for node, reason in failed.items()
                if reason is not Unresolved.LOGICAL or node not in numbered
            }
        for resource in self._resources.all if failed else ():
            for path, node in find_paths(resource, self.path(resource), failed.keys()):
                yield _finding(failed[node], path)


def contained(resource: Resource) -> list[Resource]:
    """The resources inside a resource."""
    inner = resource.get("contained")
    if inner.__class__ is not list:
        return []
    return [one for one in inner if one.__class__ is dict]


def _references(resources: list[Resource]) -> list[Resource]:
    """Every Reference in some resources."""
    found: list[Resource] = []
    for level in _levels(resources):
        found += [node for node in level if "reference" in node or ("identifier" in node and _is_logical(node))]
    return found


def _numbered(resources: list[Resource]) -> set[int]:
    """Identities of the references of ``_NUMBERED``."""
    return {
        id(node[name])
        for level in _levels(resources)
        for node in level
        for kind, name in _NUMBERED
        if name in node and kind in ("", node.get("resourceType"))
    }


def _levels(resources: list[Resource]) -> Iterator[list[Resource]]:
    """The objects of some resources, level by level over all of them: faster than by recursion or one by one."""
    level = resources
    while level:
        yield level
        values = [value for node in level for value in node.values() if value.__class__ is not str]
        level = [value for value in values if value.__class__ is dict]
        lists = [value for value in values if value.__class__ is list]
        level += [item for items in lists for item in items if item.__class__ is dict]


def _is_logical(node: Resource) -> bool:
    return node["identifier"].__class__ is dict and node.keys() <= _REFERENCE_KEYS


def _finding(reason: Unresolved, path: str) -> Finding:
    code = "FHIR22" if reason is Unresolved.SEVERAL else "FHIR20"
    severity = Severity.NOTE if reason in {Unresolved.EXTERNAL, Unresolved.LOGICAL} else Severity.WARNING
    message, hint = _TEXTS[reason]
    return Finding(code, severity, message, hint, Place(fhirpath=path))


_TEXTS: Final[dict[Unresolved, tuple[Text, Text]]] = {
    Unresolved.CONTAINED: (
        Text(
            "Ссылка на вложенный ресурс, которого нет.", "The reference is to a contained resource that is not there."
        ),
        Text(
            "Добавьте ресурс с этим id в contained того же ресурса.",
            "Add a resource with this id to contained of the same resource.",
        ),
    ),
    Unresolved.LOCAL: (
        Text(
            "Ссылка на ресурс, которого нет в Bundle.", "The reference is to a resource that the Bundle does not have."
        ),
        Text(
            "Добавьте ресурс в Bundle; fullUrl записи или Type/id должны совпадать со ссылкой.",
            "Add the resource to the Bundle; fullUrl of its entry, or Type/id, must equal the reference.",
        ),
    ),
    Unresolved.EXTERNAL: (
        Text("Ссылка ведёт за пределы Bundle.", "The reference leads out of the Bundle."),
        Text(
            "По сети ссылки не читаются. Если ресурс нужен документу, добавьте его в Bundle.",
            "References are not fetched. If the document needs the resource, add it to the Bundle.",
        ),
    ),
    Unresolved.LOGICAL: (
        Text(
            "В Bundle нет ресурса с идентификатором из ссылки.",
            "The Bundle has no resource with the identifier of this reference.",
        ),
        Text(
            "Если ресурс нужен документу, добавьте его в Bundle с этим identifier.",
            "If the document needs the resource, add it to the Bundle with this identifier.",
        ),
    ),
    Unresolved.CONDITION: (
        Text(
            "Условная ссылка не по identifier: она не вычисляется.",
            "The conditional reference is not by identifier: it is not evaluated.",
        ),
        Text("Запишите её как Type?identifier=system|value.", "Write it as Type?identifier=system|value."),
    ),
    Unresolved.SEVERAL: (
        Text("Ссылке отвечают несколько ресурсов.", "Several resources answer the reference."),
        Text(
            "Ссылайтесь по fullUrl или Type/id, или уточните type ссылки.",
            "Refer by fullUrl or Type/id, or state type of the reference.",
        ),
    ),
    Unresolved.SHAPE: (
        Text("Ссылку нельзя прочитать.", "The reference cannot be read."),
        Text(
            "reference это Type/id, URL, urn:uuid:… или #id.",
            "reference is Type/id, a URL, urn:uuid:… or #id.",
        ),
    ),
}
