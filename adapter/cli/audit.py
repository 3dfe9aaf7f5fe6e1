"""``egisz audit``: the chain of accesses and disclosures."""

from __future__ import annotations

import asyncio
from typing import Annotated

import orjson
import typer

from adapter import __version__
from adapter.findings import Text
from adapter.settings import settings

app = typer.Typer(
    name="audit",
    help="Журнал доступа: проверить, выгрузить / the audit: verify, export.",
    no_args_is_help=True,
)


@app.command()
def verify(
    expect: Annotated[
        str | None,
        typer.Option("--expect", metavar="N:HASH", help="начало, сохранённое раньше / a head that was kept before"),
    ] = None,
) -> None:
    """Проверить цепочку / verify the chain.

    Выводит её конец: сохраните его отдельно и дайте следующей проверке / prints its head: keep it elsewhere.
    Коды возврата / exit codes: 0 цепочка цела, 1 нарушена / broken.
    """
    from adapter.pipeline.audit import Audit, Head
    from adapter.pipeline.database import Database

    async def run() -> bool:
        async with Database.opened(settings()) as database:
            found = await Audit(database).verify(Head.parse(expect) if expect else None)
        if found.broken:
            text = Text(f"Цепочка нарушена на записи {found.broken}.", f"The chain is broken at row {found.broken}.")
        elif not found.expected:
            text = Text(
                "Сохранённого конца в цепочке нет: она обрезана или переписана.",
                "The kept head is not on the chain: it was cut off or rewritten.",
            )
        else:
            text = Text(
                f"Цепочка цела, записей: {found.head.position}.", f"The chain holds: {found.head.position} rows."
            )
        typer.echo(text.get(settings().lang))
        typer.echo(str(found.head))
        if found.waiting:
            waits = Text(
                f"Ещё не сцеплено: {found.waiting}, старшая ждёт {found.waiting_seconds:.0f} с.",
                f"Not chained yet: {found.waiting}, the oldest for {found.waiting_seconds:.0f} s.",
            )
            typer.echo(waits.get(settings().lang))
        return found.ok

    if not asyncio.run(run()):
        raise typer.Exit(1)


@app.command()
def export() -> None:
    """Выгрузить как FHIR AuditEvent, по одному на строке / export as AuditEvents of FHIR, one a line."""
    from adapter.pipeline.audit import Audit, audit_event
    from adapter.pipeline.database import Database

    async def run() -> None:
        async with Database.opened(settings()) as database:
            async for row in Audit(database).rows():
                typer.echo(orjson.dumps(audit_event(row, f"egisz-adapter {__version__}")).decode())

    asyncio.run(run())
