"""``egisz console``: letting people in."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from adapter.api.console.session import Role
from adapter.settings import settings

app = typer.Typer(
    name="console",
    help="Консоль в браузере: впустить человека / the console: let a person in.",
    no_args_is_help=True,
)


@app.callback()
def console() -> None:
    """Консоль в браузере: впустить человека / the console: let a person in."""


@app.command()
def token(
    role: Annotated[
        list[Role], typer.Option("--role", help="роль: operator, author; можно обе / one of them, or both")
    ],
    name: Annotated[
        str, typer.Option("--for", metavar="NAME", help="кто это будет в журнале доступа / who it is in the audit")
    ] = "token",
) -> None:
    """Одноразовый вход, на 15 минут / a link and a code to sign in once, within 15 minutes."""
    from adapter.api.assembly import console_sessions
    from adapter.pipeline import Journal

    conf = settings()

    async def run() -> str:
        journal = await Journal.open(conf, connections=2)
        try:
            return console_sessions(journal).ticket(name, role, now=datetime.now(UTC))
        finally:
            await journal.close()

    made = asyncio.run(run())
    if conf.base_url:
        typer.echo(f"{conf.base_url.rstrip('/')}/console/sign-in?ticket={made}")
    typer.echo(made)
