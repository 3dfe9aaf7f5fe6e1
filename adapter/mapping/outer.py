"""Which variables a map reads from where it is used.

A ``let`` is visible in maps that are used. A map that reads none of them gives the same facts of the same focus
wherever it is used, so they need to be made only once.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapter.mapping.model import Field, MapSpec

#: Set by the expression itself, or constant.
_INNER = frozenset({"context", "ucum", "sct", "loinc"})


def outer(spec: MapSpec, maps: Mapping[str, MapSpec]) -> frozenset[str]:
    """Names without ``%`` that a map and the maps it uses read and that neither defines."""
    return _of_map(spec, maps, frozenset())


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
