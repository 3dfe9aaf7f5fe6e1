"""Where commands write: standard output, or files of which a failure is said in one line."""

from __future__ import annotations

from pathlib import Path

import typer

from adapter.errors import EnvironmentProblem
from adapter.findings import Text


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
