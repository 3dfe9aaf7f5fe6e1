"""``egisz support-bundle``: what to send to the developers about a Task."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import orjson
import typer

from adapter.cli.output import write
from adapter.settings import settings


def support_bundle(
    task: Annotated[UUID, typer.Argument(metavar="TASK", help="номер Task или документа / id of a Task or document")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", dir_okay=False, help="файл, иначе вывод / a file, default: stdout")
    ] = None,
) -> None:
    """Собрать сведения для поддержки, JSON без данных пациентов / facts for support, JSON without data of patients.

    Номера сообщений, коды, состояния и времена переходов, УНРЗ и emdrId, версии программы, пакетов и справочников.
    MessageIDs, codes, states and times of moves, УНРЗ and emdrId, versions of the program, packs and books.
    """
    from adapter.pipeline.database import Database
    from adapter.pipeline.support import support_bundle as collected

    async def run() -> dict[str, Any]:
        async with Database.opened(settings(), connections=2) as database:
            return await collected(database, settings(), task)

    options = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
    data = orjson.dumps(asyncio.run(run()), default=str, option=options)  # asyncpg's UUID is one of its own
    write(data.decode(), output)
