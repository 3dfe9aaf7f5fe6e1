"""The ``egisz`` command. Exit codes: 0 ok, 1 findings, 2 usage, 3 environment."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

from adapter import __version__
from adapter.cli import check, compare, convert, explain, nsi, packs, sign
from adapter.cli import map as mapping
from adapter.errors import EgiszError
from adapter.log import configure
from adapter.settings import settings

#: Commands of the service, with their modules: read when they are asked for, so that a check starts without them.
_SERVICE: Final = {
    "serve": "serve",
    "worker": "worker",
    "stand": "stand",
    "doctor": "doctor",
    "support-bundle": "support",
    "outbox": "outbox",
    "client": "client",
    "audit": "audit",
    "console": "console",
    "send": "send",
}


class _Commands(TyperGroup):
    """The commands that are always here, and those of the service."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *(name for name in _SERVICE if name not in self.commands)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in _SERVICE and cmd_name not in self.commands:
            self.commands[cmd_name] = _service_command(cmd_name)
        return super().get_command(ctx, cmd_name)


def _service_command(name: str) -> Any:
    module = import_module(f"adapter.cli.{_SERVICE[name]}")
    around = typer.Typer(add_completion=False, context_settings=_CONTEXT)
    if hasattr(module, "app"):
        around.add_typer(module.app, name=name)
    else:
        around.command(name)(getattr(module, name.replace("-", "_")))
    # A command alone would be made without its name.
    around.callback()(lambda: None)
    return get_group(around).commands[name]


_CONTEXT: Final = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(
    name="egisz",
    cls=_Commands,
    help="FHIR → СЭМД и регистры ЕГИСЗ: проверка и преобразование / check and convert.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=_CONTEXT,
)
app.command("check")(check.check)
app.command("compare")(compare.compare)
app.command("convert")(convert.convert)
app.command("explain")(explain.explain)
app.add_typer(mapping.app, name="map")
app.add_typer(packs.app, name="packs")
app.add_typer(nsi.app, name="nsi")
app.add_typer(sign.app, name="sign")


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
