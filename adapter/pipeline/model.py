"""Rows of the journal as values."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from adapter.findings import Finding, Place, Severity, Text


class SubmissionState(StrEnum):
    """States of a submission (``transitions.yaml``)."""

    ACCEPTED = "accepted"
    HELD = "held"
    CONVERTED = "converted"
    REFUSED = "refused"
    DEAD = "dead"


class State(StrEnum):
    """States of a product (``transitions.yaml``)."""

    CHECKED = "checked"
    SIGNED = "signed"
    SENT = "sent"
    AWAITING = "awaiting"
    HELD = "held"
    REGISTERED = "registered"
    REJECTED = "rejected"
    DEAD = "dead"

    @classmethod
    def final(cls) -> frozenset[State]:
        """Nothing more will happen by itself."""
        return frozenset({cls.REGISTERED, cls.REJECTED, cls.DEAD})


def new_id() -> UUID:
    """A UUID of version 7: time first, so that rows that come together stand together, and 74 random bits."""
    value = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of an accepted Bundle.

    Attributes:
        submission_id: the task of the client.
        created: it is new; ``False``: the same was accepted before.
        version: 1, or more for changed content under the same identifier.
        row: the whole of it.
    """

    submission_id: UUID
    created: bool
    version: int
    row: SubmissionRow


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something stopped or is tried again; never a value of a document.

    Attributes:
        error_class: of `adapter.transport.errors.ErrorClass`, or ``internal`` (a bug), ``operator`` (a decision).
        text: what went wrong and what to do.
        codes: of the state's error book.
    """

    error_class: str
    text: Text
    codes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """As it is stored."""
        return dumps({"class": self.error_class, "ru": self.text.ru, "en": self.text.en, "codes": self.codes})

    @classmethod
    def of_json(cls, stored: str | None) -> Trouble | None:
        """As it was stored."""
        if stored is None:
            return None
        facts = orjson.loads(stored)
        return cls(facts["class"], Text(facts["ru"], facts["en"]), tuple(facts["codes"]))


@dataclass(frozen=True, slots=True)
class SubmissionRow:
    """A Bundle that was accepted.

    Attributes:
        seq: number of arrival.
        step: number of moves so far.
        findings: about the Bundle itself; those of its documents are with the products.
        payload_id: of the Bundle; ``None`` once it is no longer kept.
    """

    id: UUID
    seq: int
    client: str
    organisation: str
    version: int
    chain: bytes
    media_type: str
    fhir_version: str
    payload_id: int | None
    state: SubmissionState
    step: int
    attempts: int
    error: Trouble | None
    findings: tuple[Finding, ...]
    received_at: datetime
    changed_at: datetime
    give_up_at: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> SubmissionRow:
        """Of a row of the database."""
        return cls(**{**_values(cls, row), "state": SubmissionState(row["state"])})


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A document, or a message of a register, on its way.

    Attributes:
        submission_id: the first submission that yielded it.
        bundle: number of the Bundle in that submission, from 0.
        focus: FHIRPath of the resource that it is about.
        set_id: ``root^extension``; ``None`` where it has none.
        version: in its set; ``None`` for a document that failed its check and never left.
        local_uid: extension of the document's id, by which РЭМД knows it.
        stopped_at: stage that stopped it, with ``rejected`` and ``dead``.
        document_id, registration_id: payloads: the document and the facts of its registration; of a message its bytes,
            and what is needed to send it.
        signatures: how many there are.
        unrz: number that a register has given to the record.
        message_key, record_key: of a message; ``None`` of a document.
        ask_at: when an unanswered message is asked about.
    """

    id: UUID
    submission_id: UUID
    client: str
    organisation: str
    bundle: int
    route: str
    focus: str
    kind: str
    set_id: str | None
    version: int | None
    given_version: int | None
    local_uid: str | None
    content_digest: bytes | None
    predecessor: UUID | None
    state: State
    step: int
    stopped_at: str
    attempts: int
    error: Trouble | None
    findings: tuple[Finding, ...]
    document_id: int | None
    registration_id: int | None
    signatures: int
    emdr_id: str | None
    unrz: str | None
    created_at: datetime
    changed_at: datetime
    registered_at: datetime | None
    give_up_at: datetime
    ask_at: datetime | None
    message_key: bytes | None
    record_key: bytes | None

    @property
    def has_document(self) -> bool:
        """There is a document, and it is still kept."""
        return self.document_id is not None and self.message_key is None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> ProductRow:
        """Of a row of the database."""
        return cls(**{**_values(cls, row), "state": State(row["state"])})


@dataclass(frozen=True, slots=True)
class SignatureRow:
    """A signature of a document: detached CMS, DER."""

    role: str
    data: bytes


@dataclass(frozen=True, slots=True)
class MoveRow:
    """A move that was made."""

    name: str
    before: str | None
    after: str
    at: datetime


def _values(cls: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: row[name] for name in cls.__dataclass_fields__}
    values["error"] = Trouble.of_json(values["error"])
    values["findings"] = load_findings(values["findings"])
    return values


def dumps(value: Any) -> str:
    """JSON as the database takes it."""
    return orjson.dumps(value).decode()


def dump_findings(findings: tuple[Finding, ...]) -> str:
    """Findings as they are stored."""
    return dumps(
        [
            {
                "code": one.code,
                "severity": one.severity,
                "message": one.message._asdict(),
                "hint": one.hint._asdict(),
                "fhirpath": one.place.fhirpath,
                "line": one.place.line,
                "column": one.place.column,
                "xpath": one.xpath,
                "rule": one.rule,
            }
            for one in findings
        ]
    )


@lru_cache(maxsize=256)
def load_findings(stored: str) -> tuple[Finding, ...]:
    """Findings as they were stored. A row is read several times on its way: the last ones are remembered."""
    return tuple(
        Finding(
            one["code"],
            Severity(one["severity"]),
            Text(**one["message"]),
            Text(**one["hint"]),
            Place(one["line"], one["column"], one["fhirpath"]),
            one["xpath"],
            one["rule"],
        )
        for one in orjson.loads(stored)
    )
