"""One document: the ways of its values, its exchange with the state, its versions; and the Bundle that it came in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from adapter.api.console.bulk import MOVES
from adapter.api.console.exchange import events, explained, told
from adapter.api.console.guard import pages, signed_in, viewed
from adapter.api.console.parts import console
from adapter.api.console.queue import number
from adapter.api.console.rendering import page
from adapter.api.console.session import Role, Session
from adapter.api.console.words import title, tone, word
from adapter.api.service import service
from adapter.errors import EnvironmentProblem
from adapter.findings import Finding, Severity, Text
from adapter.lineage.bundles import rows
from adapter.lineage.looking import Looked, Question, Spot, look
from adapter.lineage.ways import Way
from adapter.pipeline import Journal
from adapter.pipeline.model import ProductRow
from adapter.pipeline.statements import sql
from adapter.pipeline.states import product_machine, submission_machine
from adapter.sides import Side, compared

router = pages()
_TOOK_LONG: Final = Text(
    "Пути значений не построить: преобразование не закончилось.", "No ways: the conversion did not end."
)


@dataclass(frozen=True, slots=True)
class Told:
    """A finding with its place.

    Attributes:
        number: from 1, in the order in which they were found.
    """

    number: int
    finding: Finding
    spot: Spot

    @property
    def tone(self) -> str:
        """How bad it is."""
        return {Severity.ERROR: "bad", Severity.WARNING: "warn"}.get(self.finding.severity, "plain")


@router.get("/documents/{ident}")
async def document(request: Request, ident: UUID) -> Response:
    """The four panes."""
    session, row = await _opened(request, ident)
    journal = service(request).journal
    looked = await _looked(request, row)
    findings = [
        Told(index, finding, spot)
        for index, (finding, spot) in enumerate(zip(row.findings, looked.spots, strict=True), 1)
    ]
    return page(
        request,
        "document.html.j2",
        **await _common(journal, session, row),
        looked=looked,
        facts=_facts(looked.ways),
        rows_of={one.path: place for place, one in enumerate(looked.bundle, 1) if one.path},
        findings=sorted(findings, key=lambda one: [*Severity].index(one.finding.severity)),
        by_line=_by(findings, "line"),
        by_row=_by(findings, "row"),
        by_way=_by(findings, "way"),
        author=session.allows(Role.AUTHOR),
    )


@router.get("/documents/{ident}/exchange")
async def exchange(request: Request, ident: UUID) -> Response:
    """What happened, and what was said."""
    session, row = await _opened(request, ident)
    journal = service(request).journal
    return page(
        request,
        "document-exchange.html.j2",
        **await _common(journal, session, row),
        events=await events(journal, row),
        codes=[explained(code) for code in (row.error.codes if row.error else ())],
    )


@router.get("/documents/{ident}/versions")
async def versions(request: Request, ident: UUID) -> Response:
    """The versions of its set; with ``with`` two of them side by side."""
    session, row = await _opened(request, ident)
    journal = service(request).journal
    found = await _versions(journal, row)
    other = next((one for one in found if str(one.id) == request.query_params.get("with", "")), None)
    if other is None:
        other = next((one for one in reversed(found) if (one.version or 0) < (row.version or 0)), None)
    sides: list[Side] = []
    if other is not None and other.id != row.id:
        await _told(request, session, other)
        older, newer = sorted((other, row), key=lambda one: (one.version or 0, one.created_at))
        sides = compared(await journal.document(older.id) or b"", await journal.document(newer.id) or b"")
    else:
        older = newer = row
    return page(
        request,
        "document-versions.html.j2",
        **await _common(journal, session, row),
        versions=found,
        older=older,
        newer=newer,
        sides=sides,
    )


@router.get("/documents/{ident}/content")
async def content(request: Request, ident: UUID) -> Response:
    """The document or message itself, to be kept as a file."""
    _, row = await _opened(request, ident)
    data = await service(request).journal.document(row.id)
    if data is None:
        raise HTTPException(404)
    form, suffix = ("application/json", "json") if data.lstrip()[:1] in (b"{", b"[") else ("application/xml", "xml")
    return Response(
        data, media_type=form, headers={"Content-Disposition": f'attachment; filename="{row.kind}-{ident}.{suffix}"'}
    )


@router.get("/bundles/{ident}")
async def bundle(request: Request, ident: UUID) -> Response:
    """A Bundle, and what became of it."""
    session = await signed_in(request)
    journal = service(request).journal
    row = await journal.submission(ident)
    if row is None:
        raise HTTPException(404)
    await viewed(request, session, row.id, resource="Bundle")
    data = await journal.bundle(ident)
    return page(
        request,
        "bundle.html.j2",
        row=row,
        products=await journal.products(ident),
        moves=await journal.submission_moves(ident),
        lines=await _source(request, data, row.fhir_version),
        allowed=_allowed(session, submission_machine(), row.state),
        word=word,
        told=told,
        tone=tone,
        title=title,
        number=number,
    )


async def _opened(request: Request, ident: UUID) -> tuple[Session, ProductRow]:
    """Who looks, and at what; the audit has it by then."""
    session = await signed_in(request)
    row = await service(request).journal.product(ident)
    if row is None:
        raise HTTPException(404)
    await _told(request, session, row)
    return session, row


async def _told(request: Request, session: Session, row: ProductRow) -> None:
    await viewed(request, session, row.id, resource="Basic" if row.message_key is not None else "DocumentReference")


async def _common(journal: Journal, session: Session, row: ProductRow) -> dict[str, Any]:
    """What the head of every page about a product shows."""
    return {
        "row": row,
        "number": number,
        "title": title,
        "tone": tone,
        "word": word,
        "many": len(await _versions(journal, row)),
        "allowed": _allowed(session, product_machine(), row.state),
    }


def _allowed(session: Session, machine: Any, state: str) -> list[str]:
    """Moves that the person may ask for."""
    if not session.allows(Role.OPERATOR):
        return []
    return [name for name in MOVES if machine.allows(name, state)]


async def _versions(journal: Journal, row: ProductRow) -> list[ProductRow]:
    if row.set_id is None:
        return [row]
    async with journal.database.connection() as connection:
        found = [ProductRow.of(one) for one in await connection.fetch(sql("console_versions"), row.set_id)]
    return found if any(one.id == row.id for one in found) else [*found, row]


async def _looked(request: Request, row: ProductRow) -> Looked:
    """The panes, worked out aside from the answers of the service."""
    journal = service(request).journal
    submission = await journal.submission(row.submission_id)
    question = Question(
        await journal.bundle(row.submission_id),
        submission.fhir_version if submission is not None else "",
        row.organisation,
        row.bundle,
        row.kind,
        row.route,
        row.focus,
        row.unrz if row.message_key is not None else row.version,
        await journal.document(row.id),
        row.findings,
    )
    try:
        return await console(request).maker().do(look, question)
    except EnvironmentProblem as error:
        spots = tuple(Spot() for _ in row.findings)
        return Looked(
            (), (), (), (), spots, None, Text(*(f"{a} {b}" for a, b in zip(_TOOK_LONG, error.text, strict=True)))
        )


async def _source(request: Request, data: bytes | None, version: str) -> Sequence[Any]:
    """The lines of a Bundle; those of the bytes where it cannot be read."""
    if data is None:
        return ()
    return await console(request).maker().do(source_lines, data, version)


def source_lines(data: bytes, version: str) -> tuple[Any, ...]:
    """The lines of what was sent; in a process that converts."""
    from adapter.errors import InputError
    from adapter.fhir import FhirLimits, read
    from adapter.lineage.bundles import Row

    try:
        readings = read(data, version=version or None, limits=FhirLimits.configured())
    except InputError:
        return tuple(Row(0, "", line, False, "") for line in data.decode("utf-8", "replace")[:1_000_000].split("\n"))
    return tuple(row for reading in readings for row in rows(reading.bundle, "Bundle", lambda _: ()))


def _by(findings: Sequence[Told], name: str) -> Mapping[int, list[Told]]:
    found: dict[int, list[Told]] = {}
    for one in findings:
        found.setdefault(getattr(one.spot, name), []).append(one)
    return found


def _facts(ways: Sequence[Way]) -> list[Way]:
    """The facts that are there: those with a value, and what they are parts of; without variables on the way."""
    shown = [way for way in ways if "%" not in way.fact]
    full = {way.fact for way in shown if way.value or way.written}
    around = {fact[:at] for fact in full for at, letter in enumerate(fact) if letter in ".["}
    return [way for way in shown if way.fact in full or way.fact in around]
