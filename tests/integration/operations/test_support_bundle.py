"""``egisz support-bundle``: enough for a developer, nothing about a patient (see test_canary for the rest)."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from adapter import __version__
from adapter.cli.support import support_bundle as command
from adapter.errors import EnvironmentProblem, UsageError
from adapter.findings import Finding, Place, Severity, Text
from adapter.pipeline.database import Database
from adapter.pipeline.model import dump_findings
from adapter.pipeline.support import support_bundle
from adapter.settings import Settings, settings
from tests.unit.pipeline.doubles import Bench, benched, bundle, send


async def _collected(service: Settings, ident: UUID) -> dict[str, Any]:
    database = await Database.open(service)
    try:
        return await support_bundle(database, service, ident)
    finally:
        await database.close()


async def _registered(bench: Bench) -> tuple[UUID, UUID]:
    """A document that was refused once for a while and is registered; its Task and itself."""
    accepted = await send(bench.journal, bundle("Тестов"))
    await bench.work()
    first = bench.registry.sent[-1][1]
    await bench.come("C1", first, "INTERNAL_ERROR")
    await bench.forward(hours=1)
    await bench.work()
    await bench.come("C2", bench.registry.sent[-1][1], emdr_id="170.77.26.11.000000001")
    return accepted.submission_id, (await bench.one(accepted)).id


@pytest.fixture
def ids(service: Settings) -> tuple[UUID, UUID]:
    async def made() -> tuple[UUID, UUID]:
        async with benched(service) as bench:
            return await _registered(bench)

    return asyncio.run(made())


def test_what_happened_and_when(service: Settings, ids: tuple[UUID, UUID]) -> None:
    told = asyncio.run(_collected(service, ids[0]))
    assert told["versions"]["egisz-adapter"] == __version__
    assert {"170", "204"} <= set(told["versions"]["kinds"])
    assert told["versions"]["migrations"][0] == "0001_journal.pre"
    assert told["settings"]["EGISZ_RETRY_HOURS"] == 72.0
    (task,), (product,) = told["tasks"], told["products"]
    assert [one["name"] for one in task["moves"]] == ["accept", "convert"]
    assert [one["after"] for one in product["moves"]][-1] == "registered"
    assert all(one["at"] for one in product["moves"])
    assert (product["emdr_id"], product["state"], product["kind"]) == ("170.77.26.11.000000001", "registered", "170")
    came = [
        (one["message_id"], one["outcome"], one["codes"]) for one in product["messages"] if one["direction"] == "in"
    ]
    assert came == [("C1", "again", ["INTERNAL_ERROR"]), ("C2", "registered", [])]
    assert len([one for one in product["messages"] if one["direction"] == "out"]) == 2


def test_a_document_leads_to_the_same(service: Settings, ids: tuple[UUID, UUID]) -> None:
    by_task, by_document = (asyncio.run(_collected(service, one)) for one in ids)
    assert by_task["tasks"] == by_document["tasks"]
    assert by_task["products"] == by_document["products"]


def test_nothing_that_a_sender_wrote(service: Settings, ids: tuple[UUID, UUID]) -> None:
    text = json.dumps(asyncio.run(_collected(service, ids[0])), default=str, ensure_ascii=False)
    for one in ("Тестов", "mis", ".100.1.1.50", "AAAA", "127.0.0.1", str(service.data)):
        assert one not in text, one


def test_findings_by_code_and_place_alone(service: Settings, ids: tuple[UUID, UUID]) -> None:
    plain = Finding("MAP01", Severity.ERROR, Text("Тестов", "Testov"), Text("к нему", "to him"), rule="170.x")
    here = Finding("FHIR01", Severity.NOTE, Text("a", "a"), place=Place(3, 4, "Bundle.entry[0].resource.name[1]"))
    there = Finding("FHIR02", Severity.NOTE, Text("a", "a"), place=Place(fhirpath="Patient.extension('urn:Testov')"))

    async def found() -> list[Any]:
        database = await Database.open(service)
        async with database.connection() as connection:
            await connection.execute("update egisz.product set findings = $1", dump_findings((plain, here, there)))
        await database.close()
        products = (await _collected(service, ids[1]))["products"]
        return list(products[0]["findings"])

    first, second, third = asyncio.run(found())
    assert first == {"code": "MAP01", "severity": "error", "rule": "170.x", "line": 0, "column": 0}
    assert second["fhirpath"] == "Bundle.entry[0].resource.name[1]"
    assert "fhirpath" not in third


def test_the_command(
    service: Settings, ids: tuple[UUID, UUID], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert service.database_url is not None
    monkeypatch.setenv("EGISZ_DATABASE_URL", service.database_url.get_secret_value())
    settings.cache_clear()
    command(ids[0])
    shown = json.loads(capsys.readouterr().out)
    command(ids[0], output=tmp_path / "task.json")
    written = json.loads((tmp_path / "task.json").read_bytes())
    assert written["products"] == shown["products"] != []
    with pytest.raises(UsageError):
        command(UUID(int=7))
    with pytest.raises(EnvironmentProblem):
        command(ids[0], output=tmp_path / "none" / "task.json")
    settings.cache_clear()
