"""Numbers with check digits and other fixed forms, by the names that mappings and schemas of messages call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from conformance.rules.values import is_enp, is_guid, is_inn, is_ogrn, is_ogrnip, is_oid, is_snils, is_snils_shape

FORMATS: Final[Mapping[str, Callable[[str], bool]]] = {
    "snils": lambda value: is_snils_shape(value) and is_snils(value),
    "inn": is_inn,
    "ogrn": lambda value: is_ogrn(value) or is_ogrnip(value),
    "enp": is_enp,
    "oid": is_oid,
    "guid": is_guid,
}
