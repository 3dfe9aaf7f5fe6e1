"""Identity of documents and of what they name: roots and extensions, from the Bundle or derived from it.

Everything here is a pure function of its arguments: the same Bundle and configuration give the same ids. See
``docs/explanation/document-identity.md``.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

from adapter.facts import II

#: Namespace of derived ids: never change it, or every derived id changes.
_NAMESPACE: Final = uuid.UUID("5e1b6c1f-3a0d-5d7e-9a53-2c40b6a1f7d1")
_LOCAL: Final = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+\.100(?:\.(?:0|[1-9][0-9]*))+\.([1-9][0-9]*)")
_VERSION: Final = re.compile(r"[1-9][0-9]{0,8}")
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
        if identifier.get("value"):
            return f"{identifier.get('system', '')}|{identifier['value']}"
    if resource.get("id"):
        return f"{resource.get('resourceType', '')}/{resource['id']}"
    return _HISTORY.sub("", full_url)


def own_id(base: str, suffix: Suffix | str, resource: Mapping[str, Any], full_url: str = "") -> II | None:
    """The id of a patient, an encounter, a card or a worker in the МИС, made of what the resource has.

    The extension is the value of the first identifier without more ado, or the id, or the UUID of the fullUrl; it is
    free text. ``None`` where the resource has none of them.
    """
    identity = identity_of(resource, full_url)
    if not identity:
        return None
    system, bar, value = identity.partition("|")
    if not bar:
        value = system.rpartition("/")[2].rpartition(":")[2]
    return II(local_root(base, suffix), value)


def set_id(base: str, kind: str, identity: str, patient: str = "") -> II:
    """The id of the set that all versions of a document share.

    Args:
        base: see `local_root`.
        kind: code N in 11.1520: one resource may yield documents of several kinds.
        identity: see `identity_of`, of the resource that the document is about.
        patient: extension of the patient's id, so that ids which are unique in one Bundle only (``Immunization/1``)
            never put documents of two patients into one set.
    """
    return II(local_root(base, Suffix.SET), _derived(base, kind, patient, identity))


def document_id(base: str, of_set: II, version: int) -> II:
    """The id of one version of a document: derived from its set and version number."""
    return II(local_root(base, Suffix.DOCUMENT), _derived(base, of_set.root, of_set.extension, str(version)))


def version_number(candidates: Iterable[object]) -> int:
    """The first candidate that is a whole number above zero, else 1.

    Candidates are what FHIR says about the version, best first: Composition.version, Composition.meta.versionId …; a
    versionId may be any text, and only a number tells which version is newer.
    """
    for candidate in candidates:
        text = str(candidate).strip()
        if _VERSION.fullmatch(text):
            return int(text)
    return 1


def _derived(*parts: str) -> str:
    # Lengths keep ("a", "bc") and ("ab", "c") apart.
    return str(uuid.uuid5(_NAMESPACE, "".join(f"{len(part)}:{part}" for part in parts)))
