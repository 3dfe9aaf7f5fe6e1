"""A journal of any size, made by rows, as it looks after weeks of work; the same but for its times."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from adapter.findings import Finding, Place, Severity, Text
from adapter.pipeline import Journal
from adapter.pipeline.model import Trouble, dump_findings

ORGANISATIONS = ("1.2.643.5.1.13.13.12.2.77.99999", "1.2.643.5.1.13.13.12.2.78.1", "1.2.643.5.1.13.13.12.2.50.7")
KINDS = ("170", "204", "142", "163", "185", "191", "195", "119", "227", "144", "49", "52", "33", "5", "42", "43", "80")
#: State, where it stopped, and how many of a thousand fare so.
FATES = (
    ("registered", "", 915),
    ("rejected", "check", 32),
    ("rejected", "send", 14),
    ("dead", "send", 6),
    ("dead", "operator", 3),
    ("checked", "", 8),
    ("signed", "", 4),
    ("sent", "", 4),
    ("awaiting", "", 9),
    ("held", "", 5),
)
_PERMANENT = (
    Trouble("permanent", Text("Сведения о враче неверны.", "Facts of the doctor are wrong."), ("INVALID_DOCTOR",)),
    Trouble("permanent", Text("Пациент не найден.", "No such patient."), ("PATIENT_NOT_FOUND",)),
    Trouble("by-text", Text("Внутренняя ошибка РЭМД.", "An internal error of РЭМД."), ("RUNTIME_ERROR",)),
)
_TRANSPORT = Trouble("transport", Text("Нет ответа РЭМД.", "No answer of РЭМД."), ())
_OPERATOR = Trouble("operator", Text("Снято с отправки оператором.", "Dropped by the operator."), ())
_CODES = ("NSI01", "SCH01", "REQ01", "NSI02", "XSD01", "SNILS1")


@dataclass(frozen=True, slots=True)
class Payloads:
    """Ids of the payloads that all rows share."""

    bundle: int
    document: int
    registration: int
    message: int


async def fill(
    journal: Journal,
    documents: int,
    *,
    bundle: bytes = b"{}",
    document: bytes = b"<ClinicalDocument xmlns='urn:hl7-org:v3'/>",
    days: float = 30,
    now: datetime | None = None,
) -> list[UUID]:
    """Put so many documents of the last days into a journal, each with its Bundle, moves and messages; their ids."""
    now = now or journal.clock()
    async with journal.database.connection() as connection:
        shared = Payloads(
            *[
                await journal.vault.put(connection, data, purpose)
                for data, purpose in (
                    (bundle, "bundle"),
                    (document, "document"),
                    (b"{}", "registration"),
                    (b"<Envelope/>", "message"),
                )
            ]
        )
        rows = list(_rows(documents, days, now, shared))
        for table, columns in _COLUMNS.items():
            records = [record for row in rows for record in row[table]]
            await connection.copy_records_to_table(table, records=records, columns=columns, schema_name="egisz")  # type: ignore[attr-defined]
        await connection.execute("analyze")
    return [record[0] for row in rows for record in row["product"]]


_COLUMNS = {
    "submission": (
        "id", "client", "organisation", "identity", "content_digest", "version", "chain", "media_type", "fhir_version",
        "payload_id", "state", "received_at", "changed_at", "give_up_at",
    ),
    "product": (
        "id", "submission_id", "client", "organisation", "bundle", "route", "focus", "kind", "set_id", "version",
        "local_uid", "content_digest", "state", "stopped_at", "attempts", "error", "findings", "document_id",
        "registration_id", "signatures", "emdr_id", "created_at", "changed_at", "registered_at", "give_up_at",
    ),
    "submission_product": ("submission_id", "product_id"),
    "move": ("product_id", "name", "before", "after", "at"),
    "message": (
        "product_id", "direction", "operation", "message_id", "relates_to", "request_id", "at", "answered_at",
        "outcome", "codes",
    ),
}  # fmt: skip


def _rows(count: int, days: float, now: datetime, shared: Payloads) -> Iterator[dict[str, Sequence[tuple[Any, ...]]]]:
    random_ = random.Random(7)
    fates = random_.choices(FATES, [fate[2] for fate in FATES], k=count)
    for number in range(count):
        came = now - timedelta(days=days) * ((count - number) / count)
        state, stopped_at, _ = fates[number]
        if state in ("checked", "signed", "sent", "awaiting"):
            # What is on its way came within the last hours.
            came = now - timedelta(seconds=random_.uniform(1, 7200))
        yield _row(number, came, state, stopped_at, random_, shared)


def _row(
    number: int, came: datetime, state: str, stopped_at: str, random_: random.Random, shared: Payloads
) -> dict[str, Sequence[tuple[Any, ...]]]:
    submission, product = _uuid(random_, came), _uuid(random_, came)
    organisation = random_.choices(ORGANISATIONS, (70, 25, 5))[0]
    digest = random_.randbytes(32)
    changed = came + timedelta(seconds=random_.uniform(1, 40))
    checked = stopped_at != "check"
    error, findings = _troubles(state, stopped_at, random_)
    registered = state == "registered"
    message, later = random_.randbytes(16).hex().upper(), came + timedelta(hours=72)
    left = state in ("registered", "awaiting", "sent") or stopped_at == "send"
    return {
        "submission": [
            (submission, "mis", organisation, digest, digest, 1, digest, "application/fhir+json", "R4", shared.bundle,
             "converted", came, came, later)
        ],
        "product": [
            (product, submission, "mis", organisation, 0, "route", "Bundle.entry[0].resource", random_.choice(KINDS),
             f"{organisation}.100.1.1.50^N-{number:07}", 1 if checked else None, str(_uuid(random_, came)), digest,
             state, stopped_at, random_.randrange(3), error, findings, shared.document, shared.registration, 2,
             f"00.26.11.{number:09}" if registered else None, came, changed, changed if registered else None, later)
        ],
        "submission_product": [(submission, product)],
        "move": _moves(product, state, checked, came),
        "message": [
            (product, "out", "registerDocument", message, "", shared.message, came, changed, "accepted", []),
            (product, "in", "sendRegisterDocumentResult", random_.randbytes(16).hex().upper(), message, shared.message,
             changed, changed, "registered" if registered else "refused", []),
        ] if left else [],
    }  # fmt: skip


def _moves(product: UUID, state: str, checked: bool, came: datetime) -> list[tuple[Any, ...]]:
    names = [("make" if checked else "fail_check", None, "checked" if checked else "rejected")]
    if state == "registered":
        names += [("sign", "checked", "signed"), ("send", "signed", "sent"), ("acknowledge", "sent", "awaiting"),
                  ("register", "awaiting", "registered")]  # fmt: skip
    return [(product, *name, came + timedelta(seconds=step)) for step, name in enumerate(names)]


def _troubles(state: str, stopped_at: str, random_: random.Random) -> tuple[str | None, str]:
    error: Trouble | None = None
    findings: tuple[Finding, ...] = ()
    if stopped_at == "check":
        findings = tuple(_finding(random_.choice(_CODES), random_) for _ in range(random_.randint(1, 5)))
    elif stopped_at == "operator":
        error = _OPERATOR
    elif state == "rejected":
        error = random_.choice(_PERMANENT)
    elif state == "dead" or (state == "signed" and random_.random() < 0.5):
        error = _TRANSPORT
    return error.to_json() if error else None, dump_findings(findings)


def _finding(code: str, random_: random.Random) -> Finding:
    line = random_.randint(5, 400)
    return Finding(
        code,
        Severity.ERROR,
        Text("Кода нет в справочнике.", "The code is not in the book."),
        Text("Возьмите код из справочника.", "Take a code of the book."),
        Place(line, 5, "Bundle.entry[3].resource.code"),
        "/ClinicalDocument/component/structuredBody/component[1]/section/entry[1]/observation/code",
        "rule",
    )


def _uuid(random_: random.Random, at: datetime) -> UUID:
    value = int(at.timestamp() * 1000) << 80 | random_.getrandbits(80)
    value = value & ~(0xF << 76) | 7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
