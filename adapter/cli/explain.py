"""``egisz explain``: what the code of a finding means."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from adapter.errors import UsageError
from adapter.findings import Text
from adapter.settings import settings


class Language(StrEnum):
    """Languages of the texts."""

    RU = "ru"
    EN = "en"


def explain(
    code: Annotated[
        str | None,
        typer.Argument(metavar="[CODE]", help="код сообщения, без него список / code of a finding, or the list"),
    ] = None,
    lang: Annotated[Language | None, typer.Option("--lang", help="язык, иначе EGISZ_LANG / language")] = None,
) -> None:
    """Что значит код сообщения и как исправить / what the code of a finding means and how to mend it."""
    from conformance.codes import TOPICS, all_codes

    language = lang.value if lang else settings().lang
    if code is not None:
        typer.echo(_page(code, language))
        return
    topic = ""
    for known in all_codes().values():
        if known.topic != topic:
            topic = known.topic
            typer.echo(f"\n{TOPICS[topic].get(language)}")
        typer.echo(f"  {known.code:<6} {known.severity.value:<8} {known.title.get(language)}")


def _page(code: str, language: str) -> str:
    from conformance.codes import all_codes, nearest

    known = all_codes().get(code.upper())
    if known is None:
        close = ", ".join(nearest(code))
        raise UsageError(
            Text(
                f"кода {code} нет" + (f"; похожие: {close}" if close else "; список: egisz explain"),
                f"there is no code {code}" + (f"; close to it: {close}" if close else "; the list: egisz explain"),
            )
        )
    return f"{known.code} ({known.severity.value}): {known.title.get(language)}\n\n{known.page.get(language)}"
