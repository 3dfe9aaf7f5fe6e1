"""Identity of documents and of what they name: roots and extensions, from the Bundle or derived from it.

Everything here is a pure function of its arguments: the same Bundle and configuration give the same ids. See
``docs/explanation/document-identity.md``.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

from adapter.facts import II, Fact

#: Namespace of derived ids: never change it, or every derived id changes.
_NAMESPACE: Final = uuid.UUID("5e1b6c1f-3a0d-5d7e-9a53-2c40b6a1f7d1")
_LOCAL: Final = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+\.100(?:\.(?:0|[1-9][0-9]*))+\.([1-9][0-9]*)")
_HISTORY: Final = re.compile(r"/_history/.*\Z")


class Suffix(StrEnum):
    """Last arc of a root of the sending МИС: what its extensions number."""

    PATIENT = "10"
    ENCOUNTER = "15"
    CARD = "16"
    OTHER_CARD = "17"
    SET = "50"
    DOCUMENT = "51"
    STAFF = "70"


def local_root(base: str, suffix: Suffix | str) -> str:
    """A root of the МИС.

    Args:
        base: ``<OID МО>.100.<number of the МИС>.<number of its instance>``.
        suffix: what is numbered.
    """
    return f"{base}.{suffix}"


def is_local_root(oid: str, suffix: Suffix | str) -> bool:
    """Whether ``oid`` is a root of that suffix, of any organisation and МИС."""
    match = _LOCAL.fullmatch(oid)
    return match is not None and match.group(1) == suffix


def identity_of(resource: Mapping[str, Any], full_url: str = "") -> str:
    """What tells a resource from every other one of its sender, and stays when it is sent again; empty for none.

    The first identifier with a value; else type and id; else the fullUrl (a ``urn:uuid:`` or a URL, without its
    version).

    Args:
        resource: the resource as JSON.
        full_url: ``Bundle.entry.fullUrl``.
    """
    identifiers = resource.get("identifier") or []
    for identifier in identifiers if isinstance(identifiers, list) else [identifiers]:
        if isinstance(identifier, dict) and identifier.get("value"):
            return f"{identifier.get('system', '')}|{identifier['value']}"
    if resource.get("id"):
        return f"{resource.get('resourceType', '')}/{resource['id']}"
    return _HISTORY.sub("", full_url)


def number_of(resource: Mapping[str, Any], full_url: str = "") -> str:
    """The number by which the sender knows a resource: its id, or the last part of its fullUrl; empty for neither."""
    return str(resource.get("id") or "") or _HISTORY.sub("", full_url).rpartition("/")[2].rpartition(":")[2]


def derived_id(root: str, parts: Iterable[object]) -> II:
    """An id made of what it depends on: the same parts give the same id, other parts another one.

    Args:
        root: see `local_root`.
        parts: texts and numbers in order; facts, ids and lists among them are taken apart; what is absent counts, too.
    """
    flat = list(_flat(parts))
    # Lengths keep ("a", "bc") and ("ab", "c") apart.
    return II(root, _uuid5("".join([f"{len(part)}:{part}" for part in flat])))


def _uuid5(name: str) -> str:
    """``str(uuid.uuid5(_NAMESPACE, name))`` in a third of the time."""
    digest = hashlib.sha1(_NAMESPACE.bytes + name.encode(), usedforsecurity=False).digest()
    # Version and variant (RFC 9562, 5.5) stand in the first digits of the third and fourth group.
    third, fourth = digest[6] & 0x0F | 0x50, digest[8] & 0x3F | 0x80
    text = f"{digest[:6].hex()}{third:02x}{digest[7]:02x}{fourth:02x}{digest[9:16].hex()}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _flat(parts: Iterable[object]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Fact):
            yield from _flat(vars(part).values())
        elif isinstance(part, tuple | list):
            yield from _flat(part)
        else:
            yield "" if part is None else str(part)
