"""``egisz outbox``."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID, uuid4

import pytest
import structlog
from typer.testing import CliRunner

from adapter.cli import app
from adapter.errors import UsageError
from adapter.log import configure
from adapter.pipeline import making
from adapter.pipeline.ports import Made
from adapter.settings import Settings, settings
from adapter.transport.errors import ErrorClass
from tests.unit.pipeline.doubles import JsonMaker, benched, bundle, letter, letters, refused, send


@pytest.fixture
def command(service: Settings, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def] # a fixture
    """Run ``egisz outbox``."""
    assert service.database_url is not None and service.keys is not None
    monkeypatch.setenv("EGISZ_DATABASE_URL", service.database_url.get_secret_value())
    monkeypatch.setenv("EGISZ_KEYS", service.keys.get_secret_value())
    monkeypatch.setenv("EGISZ_LANG", "en")
    settings.cache_clear()
    configure("error")

    def run(*arguments: object, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["outbox", *(str(one) for one in arguments)], env={"COLUMNS": "200"})
        assert result.exit_code == code, result.output + repr(result.exception)
        return result.output

    yield run
    settings.cache_clear()
    structlog.reset_defaults()


@pytest.fixture
def stopped(service: Settings) -> UUID:
    """A document that nobody answers for, given up."""

    async def scenario() -> UUID:
        async with benched(service) as bench:
            bench.registry.silent = True
            accepted = await send(bench.journal, bundle("Иванов"))
            await bench.work()
            await bench.forward(hours=100)
            await bench.work()
            return (await bench.one(accepted)).id

    return asyncio.run(scenario())


def test_what_stopped_is_listed_and_shown(command, stopped: UUID) -> None:  # type: ignore[no-untyped-def] # a fixture
    listed = command("ls")
    assert str(stopped) in listed and "dead" in listed and "send" in listed
    assert "Documents: dead 1" in listed
    (row,) = json.loads(command("ls", "--format", "json"))["products"]
    assert (row["id"], row["state"], row["error"]["class"]) == (str(stopped), "dead", "transport")
    assert json.loads(command("ls", "--state", "held", "--format", "json"))["products"] == []
    shown = command("show", stopped)
    assert "give_up: sent → dead" in shown and "registerDocument" in shown
    assert "Иванов" not in listed + shown
    moves = [one["name"] for one in json.loads(command("show", stopped, "-f", "json"))["moves"]]
    assert moves == ["make", "sign", "send", "send", "give_up"]


def test_replay_hold_release_drop(command, stopped: UUID) -> None:  # type: ignore[no-untyped-def] # a fixture
    assert command("replay", "--stopped-at", "sign").strip() == "nothing to replay"
    assert command("replay", "--stopped-at", "send").split() == [str(stopped), "checked"]
    assert command("hold", stopped).split() == [str(stopped), "held"]
    assert command("release", stopped).split() == [str(stopped), "checked"]
    assert command("drop", stopped).split() == [str(stopped), "dead"]
    assert "the state is dead" in command("hold", stopped, code=1)
    assert "there is no" in command("drop", uuid4(), code=1)


def test_nothing_is_replayed_without_being_named() -> None:
    result = CliRunner().invoke(app, ["outbox", "replay"])
    assert isinstance(result.exception, UsageError)


def test_a_dry_run_says_what_would_change(  # type: ignore[no-untyped-def] # a fixture
    command, stopped: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mended(JsonMaker):
        def __init__(self, *_: object) -> None:
            super().__init__()

        async def make(self, data: bytes, **more) -> Made:  # type: ignore[no-untyped-def] # as the one it mends
            return await super().make(data.replace("Иванов".encode("unicode-escape"), b"Petrov"), **more)

        def close(self) -> None:
            pass

    monkeypatch.setattr(making, "ProcessMaker", Mended)
    told = command("replay", stopped, "--dry-run")
    assert "would change" in told and "different" in told
    assert "Иванов" not in told and "Petrov" not in told
    with_values = command("replay", stopped, "--dry-run", "--values")
    assert "− Иванов" in with_values and "+ Petrov" in with_values
    (one,) = json.loads(command("replay", stopped, "--dry-run", "-f", "json"))
    assert [(each["status"], len(each["changes"])) for each in one["documents"]] == [("changed", 1)]
    # Nothing was done.
    assert json.loads(command("ls", "--format", "json"))["products"][0]["state"] == "dead"


def test_a_dry_run_of_a_message_shows_it_as_it_would_leave(  # type: ignore[no-untyped-def] # a fixture
    command, service: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the number that its record has by now, place by place."""

    async def scenario() -> tuple[UUID, UUID]:
        async with benched(service) as bench:
            bench.services.numbers = {"create": "8817"}
            bench.services.says = [refused(ErrorClass.PERMANENT)]
            first = await send(bench.journal, letters(letter("vaccination-record", "v1", "Иванов", change="update")))
            await bench.work()
            other = letter("vaccination-record", "v2", "other", record="v1")
            second = await send(bench.journal, letters(other, patient="p2"))
            await bench.work()
            return (await bench.one(first)).id, (await bench.one(second)).id

    stopped, registered = asyncio.run(scenario())

    class Closable(JsonMaker):
        def close(self) -> None:
            pass

    monkeypatch.setattr(making, "ProcessMaker", Closable)
    told = command("replay", stopped, registered, "--dry-run")
    assert "would change" in told and "the same" in told and "different /operation" in told and "Иванов" not in told
    (one, _) = json.loads(command("replay", stopped, registered, "--dry-run", "--values", "-f", "json"))
    (changed,) = one["documents"][0]["changes"]
    assert (changed["before"], changed["after"]) == ('"create"', '"update"')
    command("replay", stopped)
    listed = json.loads(command("ls", "--format", "json"))["products"]
    assert [(one["kind"], one["state"]) for one in listed] == [("vaccination-record", "checked")]
    assert command("hold", stopped).split() == [str(stopped), "held"]
    assert command("release", stopped).split() == [str(stopped), "checked"]
    assert command("drop", stopped).split() == [str(stopped), "dead"]
    shown = command("show", stopped)
    assert "prepare: checked → signed" in shown and "create" in shown and "Иванов" not in shown
