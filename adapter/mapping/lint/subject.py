"""What the rules of lint look at, worked out once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from adapter.catalogue import Catalogue
from adapter.errors import MappingError
from adapter.findings import EMPTY, Finding, Place, Severity, Text
from adapter.mapping.fhirpath.syntax import Empty
from adapter.mapping.lint.walk import Slot, Walk
from adapter.mapping.mappings import Mappings
from adapter.mapping.model import Field, MapSpec
from adapter.mapping.yaml import Map, load
from adapter.nsi.terms import Terms
from adapter.organisation import Organisation

#: A document or message, the walk from it, and its facts.
Walked = tuple[MapSpec, Walk, Mapping[str, Slot]]


@dataclass
class Subject:
    """A catalogue and what is known of it."""

    catalogue: Catalogue
    mappings: Mappings
    organisation: Organisation
    terms: Terms

    @cached_property
    def documents(self) -> list[Walked]:
        """Every document that is made (it has a template)."""
        return [self._walked(spec) for spec in self.mappings.documents.values() if spec.template]

    @cached_property
    def messages(self) -> list[Walked]:
        """Every message that is made of resources."""
        return [self._walked(spec) for spec in self.mappings.registers.values() if spec.message is not None]

    @property
    def walks(self) -> list[Walked]:
        """Everything that is made."""
        return [*self.documents, *self.messages]

    def _walked(self, spec: MapSpec) -> Walked:
        walk = Walk(self.mappings.maps)
        return spec, walk, walk.start(spec)

    @cached_property
    def orphans(self) -> list[tuple[MapSpec, Walk]]:
        """Maps that no document or message reaches, walked from themselves."""
        used = {name for _, walk, _ in self.walks for name in walk.maps}
        found = []
        for spec in self.mappings.maps.values():
            if spec.id not in used:
                walk = Walk(self.mappings.maps)
                walk.start(spec)
                found.append((spec, walk))
        return found

    @cached_property
    def bases(self) -> frozenset[tuple[str, bool]]:
        """Ids that others extend, with whether they are documents."""
        groups = ((self.mappings.maps, False), (self.mappings.documents, True))
        return frozenset((spec.extends, document) for group, document in groups for spec in group.values())

    @cached_property
    def concept_files(self) -> dict[str, Map]:
        """Concept maps as they are written, by id, for places."""
        found: dict[str, Map] = {}
        for name, path in self.catalogue.files("mappings/concepts").items():
            raw = load(path, f"mappings/concepts/{name}")
            found[str(raw.get("concepts"))] = raw
        return found


def is_nothing(rule: Field) -> bool:
    """Whether a rule says on purpose that there is never a value: ``{}``."""
    return bool(rule.sources) and all(isinstance(source.tree, Empty) for source in rule.sources)


def at_rule(code: str, severity: Severity, rule: Field, message: Text, hint: Text = EMPTY) -> Finding:
    """A finding at a rule."""
    return Finding(code, severity, message, hint, Place(rule.line, file=rule.file), rule=rule.rule)


def at_key(code: str, severity: Severity, raw: Map, key: str, message: Text, hint: Text = EMPTY) -> Finding:
    """A finding at a key of a file."""
    line, column = raw.spots.get(key, raw.spot)
    return Finding(code, severity, message, hint, Place(line, column, file=raw.file))


def at_file(code: str, severity: Severity, file: str, rule: str, message: Text, hint: Text = EMPTY) -> Finding:
    """A finding about a file as a whole."""
    return Finding(code, severity, message, hint, Place(1, file=file), rule=rule)


def part(raw: Map, key: str) -> Any:
    """A part of a file that the loader has seen to be there."""
    try:
        return raw[key]
    except KeyError as error:
        raise MappingError(Text(f"нет ключа «{key}»", f"the key «{key}» is missing"), file=raw.file) from error
