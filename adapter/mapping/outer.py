"""Which variables a map reads from where it is used.

A ``let`` is visible in maps that are used. A map that reads none of them gives the same facts of the same focus
wherever it is used, so they need to be made only once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from adapter.mapping.model import Field, MapSpec

#: Set by the expression itself, or constant.
_INNER = frozenset({"context", "ucum", "sct", "loinc"})


def outer(spec: MapSpec, maps: Mapping[str, MapSpec]) -> frozenset[str]:
    """Names without ``%`` that a map and the maps it uses read and that neither defines."""
    return _of_map(spec, maps, frozenset())


def read_by(fields: Iterable[Field], maps: Mapping[str, MapSpec]) -> frozenset[str]:
    """Names without ``%`` that some fields and the maps they use read and do not define."""
    return _of_fields(list(fields), maps, frozenset())


def needed(let: Mapping[str, Field], fields: Iterable[Field], maps: Mapping[str, MapSpec]) -> Mapping[str, Field]:
    """The variables of ``let`` that some fields read, themselves or through others of them."""
    names: set[str] = set()
    new = {*_read(fields, maps)}
    while new := (new & let.keys()) - names:
        names |= new
        new = {*_read([let[name] for name in new], maps)}
    return {name: rule for name, rule in let.items() if name in names}


def _read(fields: Iterable[Field], maps: Mapping[str, MapSpec]) -> frozenset[str]:
    """The same as `read_by`, with what a field reads of its own variables."""
    return (
        frozenset[str]()
        .union(*(_of_field(replace(one, let={}), maps, frozenset()) for one in fields))
        .union(*(_read(one.let.values(), maps) for one in fields))
    )


def _of_map(spec: MapSpec, maps: Mapping[str, MapSpec], open_: frozenset[str]) -> frozenset[str]:
    fields = [*spec.let.values(), *spec.fields.values()]
    return _of_fields(fields, maps, open_ | {spec.id}) - spec.let.keys()


def _of_fields(fields: list[Field], maps: Mapping[str, MapSpec], open_: frozenset[str]) -> frozenset[str]:
    return frozenset[str]().union(*(_of_field(one, maps, open_) for one in fields))


def _of_field(spec: Field, maps: Mapping[str, MapSpec], open_: frozenset[str]) -> frozenset[str]:
    names = frozenset[str]().union(*(one.variables for one in spec.expressions())) - _INNER
    nested = _of_fields(list(spec.fields.values()), maps, open_)
    names |= nested - {"implied"} if spec.identifier else nested
    names |= _of_fields(list(spec.let.values()), maps, open_)
    # A map that is open reads what is being collected already.
    if spec.use and spec.use not in open_:
        names |= _of_map(maps[spec.use], maps, open_)
    return names - spec.let.keys()
