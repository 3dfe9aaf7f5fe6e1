"""The ``egisz`` command. Exit codes: 0 ok, 1 findings, 2 usage, 3 environment."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from adapter import __version__
from adapter.cli import (
    audit,
    check,
    client,
    compare,
    convert,
    doctor,
    explain,
    nsi,
    outbox,
    packs,
    serve,
    sign,
    stand,
    support,
    worker,
)
from adapter.cli import map as mapping
from adapter.errors import EgiszError
from adapter.log import configure
from adapter.settings import settings

app = typer.Typer(
    name="egisz",
    help="FHIR → СЭМД и регистры ЕГИСЗ: проверка и преобразование / check and convert.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("check")(check.check)
app.command("compare")(compare.compare)
app.command("convert")(convert.convert)
app.command("doctor")(doctor.doctor)
app.command("explain")(explain.explain)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("support-bundle")(support.support_bundle)
app.command("stand")(stand.stand)
app.add_typer(mapping.app, name="map")
app.add_typer(packs.app, name="packs")
app.add_typer(nsi.app, name="nsi")
app.add_typer(sign.app, name="sign")
app.add_typer(outbox.app, name="outbox")
app.add_typer(client.app, name="client")
app.add_typer(audit.app, name="audit")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"egisz-adapter {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version and exit")
    ] = False,
) -> None:
    """FHIR → СЭМД и регистры ЕГИСЗ."""


def main() -> None:
    """Entry point of the console script: errors of the project become one line and an exit code."""
    try:
        configure(settings().log_level)
        app()
    except EgiszError as error:
        typer.echo(f"egisz: {error.text.get(settings().lang)}", err=True)
        sys.exit(error.exit_code)
