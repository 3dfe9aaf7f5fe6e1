"""Scopes of SMART Backend Services: ``system/Type.permission`` in the writing of version 1 and of version 2."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_SCOPE: Final = re.compile(r"system/(\*|[A-Z][A-Za-z]+)\.(read|write|\*|c?r?u?d?s?)")
_VERSION_1: Final = {"read": "rs", "write": "cud", "*": "cruds"}

#: What this server has, for ``smart-configuration``.
SUPPORTED: Final = (
    "system/*.read",
    "system/*.write",
    "system/Bundle.c",
    "system/Task.r",
    "system/DocumentReference.rs",
    "system/Binary.r",
    "system/*.cruds",
)


@dataclass(frozen=True, slots=True)
class Scopes:
    """What a caller may do: letters of ``cruds`` by type of resource, ``*`` for any type."""

    granted: frozenset[str]

    def allow(self, resource_type: str, letter: str) -> bool:
        """Whether one of ``cruds`` is granted for a type."""
        return any(letter in _letters(scope, resource_type) for scope in self.granted)

    def narrowed(self, asked: Iterable[str]) -> Scopes:
        """The scopes of ``asked`` that are granted as a whole, by themselves or by wider ones."""
        return Scopes(frozenset(scope for scope in asked if self._covers(scope)))

    def _covers(self, scope: str) -> bool:
        match = _SCOPE.fullmatch(scope)
        if match is None or not match[2]:
            return False
        return all(self.allow(match[1], letter) for letter in _VERSION_1.get(match[2], match[2]))


def parse_scopes(texts: Iterable[str]) -> Scopes:
    """Scopes as they are written; what is no scope of a system is left out, for it grants nothing here."""
    return Scopes(frozenset(text for text in texts if (match := _SCOPE.fullmatch(text)) and match[2]))


def _letters(scope: str, resource_type: str) -> str:
    match = _SCOPE.fullmatch(scope)
    if match is None or match[1] not in ("*", resource_type):
        return ""
    return _VERSION_1.get(match[2], match[2])
