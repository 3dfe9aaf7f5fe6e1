"""The support bundle of a Task: what happened and when, by which version of what; nothing of a patient.

Ids that the service made, numbers that the state gave, codes, states, counts, times. Not the id of a document nor of
its set, which a sender may have given; not a text of a finding; no name of a client.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any, Final, Literal, get_origin
from uuid import UUID

import orjson

from adapter import __version__
from adapter.catalogue import Catalogue
from adapter.errors import UsageError
from adapter.findings import Text
from adapter.pipeline.database import Connection, Database
from adapter.pipeline.statements import sql
from adapter.settings import Settings

FORMAT: Final = 1
_LIBRARIES: Final = ("asyncpg", "elementpath", "fastapi", "fhir.resources", "lxml", "pgqueuer", "zeep")
#: A path of elements, as FHIR and documents name them; predicates and strings are not part of one.
_PATH: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}(\[[0-9]+\])?([./][A-Za-z][A-Za-z0-9]{0,63}(\[[0-9]+\])?)*")
#: Codes of the state are words of Latin capitals; those of other services stand after their name, and may be numbers.
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_.-]{0,79}|[a-z0-9-]{1,30}:([0-9]{1,5}|[A-Z][A-Z0-9_.-]{0,39})")


async def support_bundle(database: Database, settings: Settings, ident: UUID) -> dict[str, Any]:
    """Everything that a developer needs about a Task, or about one document.

    Args:
        ident: of the Task, or of the DocumentReference.

    Raises:
        UsageError: there is neither.
    """
    async with database.connection() as connection:
        submissions = await connection.fetch(sql("support_submissions"), ident)
        if not submissions:
            raise UsageError(Text(f"нет Task или документа {ident}", f"there is no Task or document {ident}"))
        products = await connection.fetch(sql("support_products"), ident)
        server = await connection.fetchrow(sql("support_database"))
        return {
            "format": FORMAT,
            "made_at": datetime.now().astimezone(),
            "versions": {**_versions(settings), "postgresql": server["version"], "migrations": server["applied"]},
            "settings": _settings(settings),
            "tasks": [await _told(connection, row, "submission") for row in submissions],
            "products": [await _told(connection, row, "product") for row in products],
        }


async def _told(connection: Connection, row: Mapping[str, Any], kind: str) -> dict[str, Any]:
    ident = row["id"]
    told = {
        **dict(row),
        "error": _trouble(row["error"]),
        "findings": [_finding(one) for one in orjson.loads(row["findings"])],
        "moves": [dict(one) for one in await connection.fetch(sql("support_moves"), ident)],
        "jobs": [dict(one) for one in await connection.fetch(sql("support_jobs"), str(ident))],
    }
    if kind == "product":
        messages = await connection.fetch(sql("support_messages"), ident)
        told["messages"] = [{**dict(one), "codes": _codes(one["codes"])} for one in messages]
        told["notices"] = [dict(one) for one in await connection.fetch(sql("support_notices"), ident)]
    return told


def _trouble(stored: str | None) -> dict[str, Any] | None:
    if stored is None:
        return None
    facts = orjson.loads(stored)
    return {"class": facts["class"], "codes": _codes(facts["codes"])}


def _codes(codes: list[str]) -> list[str]:
    return [one if _CODE.fullmatch(one) else "?" for one in codes]


def _finding(one: Mapping[str, Any]) -> dict[str, Any]:
    paths = {key: one[key] for key in ("fhirpath", "xpath") if _PATH.fullmatch(one[key])}
    return {key: one[key] for key in ("code", "severity", "rule", "line", "column")} | paths


def _versions(settings: Settings) -> dict[str, Any]:
    from adapter.mapping.mappings import Mappings
    from adapter.nsi import BookStore
    from conformance.packs import PackStore

    catalogue = Catalogue(settings.catalogue)
    books, packs = BookStore(settings.nsi_dir, catalogue), PackStore(settings.packs_dir).packs()
    return {
        "egisz-adapter": __version__,
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "kinds": sorted(Mappings.load(catalogue).documents),
        "own_catalogue": settings.catalogue is not None,
        "packs": {one.kind: {"edition": one.label, "digest": one.digest} for one in packs},
        "books": [
            {"oid": oid, "version": number, "rows": books.is_complete(oid, number)} for oid, number in books.books()
        ],
    }


def _settings(settings: Settings) -> dict[str, Any]:
    """Settings that are numbers, or one of a few words; never an address, a path or a secret."""
    found = {}
    for name, field in Settings.model_fields.items():
        if field.annotation in (int, float, bool) or get_origin(field.annotation) is Literal:
            found[f"EGISZ_{name.upper()}"] = getattr(settings, name)
    return found
