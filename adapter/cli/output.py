"""Where commands write: standard output, or files of which a failure is said in one line."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import orjson
import typer

from adapter.errors import EnvironmentProblem
from adapter.findings import Text
from adapter.settings import settings


class Format(StrEnum):
    """The two forms of what most commands print."""

    TEXT = "text"
    JSON = "json"


def say(ru: str, en: str) -> str:
    """A text in the language of the settings."""
    return Text(ru, en).get(settings().lang)


def print_json(value: object) -> None:
    """A value as JSON, to standard output."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def write(text: str, output: Path | None = None) -> None:
    """To a file, or to standard output.

    Raises:
        EnvironmentProblem: the file cannot be written.
    """
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_file(output, text.encode("utf-8"))


def write_file(path: Path, data: bytes) -> None:
    """Write a file.

    Raises:
        EnvironmentProblem: it cannot be written.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise EnvironmentProblem(Text(f"не записано в {path}: {reason}", f"not written to {path}: {reason}")) from error
