"""``egisz doctor``: is everything there that the service stands on."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from adapter.cli.output import Format, print_json
from adapter.settings import settings


def doctor(
    output_format: Annotated[Format, typer.Option("--format", help="text or json")] = Format.TEXT,
) -> None:
    """Проверить, всё ли на месте для службы / is everything there that the service needs.

    Коды возврата / exit codes: 0 ошибок нет / no errors, 1 есть / some.
    """
    from adapter.doctor import Line, Mark, examine

    async def run() -> list[Line]:
        return [line async for line in examine(settings())]

    lines = asyncio.run(run())
    lang = settings().lang
    if output_format is Format.JSON:
        listed = [
            {"part": one.part.get(lang), "mark": one.mark, "said": one.said.get(lang), "hint": one.hint.get(lang)}
            for one in lines
        ]
        print_json(listed)
    else:
        signs = {Mark.OK: "OK", Mark.WARNING: "! ", Mark.ERROR: "!!"}
        colours = {Mark.OK: typer.colors.GREEN, Mark.WARNING: typer.colors.YELLOW, Mark.ERROR: typer.colors.RED}
        for one in lines:
            sign = typer.style(signs[one.mark], fg=colours[one.mark])
            typer.echo(f"{sign}  {one.part.get(lang)}: {one.said.get(lang)}")
            if one.hint.get(lang):
                typer.echo(f"      → {one.hint.get(lang)}")
    if any(line.mark is Mark.ERROR for line in lines):
        raise typer.Exit(1)
