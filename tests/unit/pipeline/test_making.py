"""Conversion in a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
from multiprocessing import active_children
from pathlib import Path

import pytest

from adapter.catalogue import Catalogue
from adapter.errors import EnvironmentProblem, InternalError
from adapter.facts import II
from adapter.organisation import load_organisation
from adapter.pipeline import making
from adapter.pipeline.making import ProcessMaker
from adapter.pipeline.ports import Made
from adapter.registers.registration import load_registration
from adapter.settings import settings

BUNDLE = Path(__file__).parents[3] / "examples" / "bundles" / "170-r4-frcore.json"
FICTIVE = load_organisation(Catalogue()).oid


async def _make(maker: ProcessMaker, data: bytes, organisation: str = FICTIVE, **more: dict[II, int]) -> Made:
    return await maker.make(data, fhir_version="", organisation=organisation, **more)


def test_documents_registrations_and_refusals_come_from_another_process() -> None:
    async def scenario() -> None:
        maker = ProcessMaker()
        try:
            made = await _make(maker, BUNDLE.read_bytes())
            (document,) = made.documents
            assert not made.refused and document.ok and document.set_id is not None
            registration = load_registration(document.registration or b"")
            assert registration.localUid == document.local_uid
            (again,) = (await _make(maker, BUNDLE.read_bytes(), versions={document.set_id: 4})).documents
            assert (document.version, again.version) == (1, 4) and again.local_uid != document.local_uid
            refused = await _make(maker, b"{}")
            assert refused.refused and refused.findings[0].code.startswith("FHIR")
            with pytest.raises(EnvironmentProblem, match=r"1\.2\.3"):
                await _make(maker, BUNDLE.read_bytes(), "1.2.3")
        finally:
            maker.close()

    asyncio.run(scenario())


def test_a_process_that_dies_is_made_again() -> None:
    async def scenario() -> None:
        maker = ProcessMaker()
        try:
            await _make(maker, b"{}")
            assert maker._pool is not None
            for process in list(maker._pool._processes):
                os.kill(process, signal.SIGKILL)
            with pytest.raises(EnvironmentProblem, match="died"):
                await _make(maker, b"{}")
            assert (await _make(maker, b"{}")).refused
        finally:
            maker.close()

    asyncio.run(scenario())


def test_a_conversion_that_hangs_is_killed() -> None:
    async def scenario() -> None:
        maker = ProcessMaker(limit=0.001)
        try:
            with pytest.raises(EnvironmentProblem, match="in time"):
                await _make(maker, BUNDLE.read_bytes())
            maker._limit = 60
            assert (await _make(maker, b"{}")).refused
        finally:
            maker.close()
        assert not [one for one in active_children() if one.is_alive()]

    asyncio.run(scenario())


def test_an_error_of_a_conversion_crosses_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Made:
        raise ValueError("Иванов")

    monkeypatch.setattr(making, "make", broken)
    failure = making._safely(making.make, (b"", "", "", {}))
    assert isinstance(failure, making.Failure) and failure.bug
    assert "Иванов" not in failure.text.ru + failure.text.en

    def refused(*_: object) -> Made:
        raise InternalError("a promise")

    monkeypatch.setattr(making, "make", refused)
    assert making._safely(making.make, (b"", "", "", {})) == making.Failure(InternalError("a promise").text, bug=True)
    settings.cache_clear()
