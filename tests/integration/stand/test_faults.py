"""What goes wrong with documents on demand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapter.errors import TransportFailed, UsageError
from adapter.stand.app import Options, create_stand
from adapter.stand.faults import FAULTS, Faults
from tests.integration.stand.conftest import (
    CLIENT,
    OID,
    UID,
    Keys,
    pair,
    refused,
    run,
)


def test_nothing_is_taken_behind_a_gateway_that_is_down(keys: Keys) -> None:
    async def work() -> None:
        async with pair(keys, faults=["unavailable*1"]) as two:
            with pytest.raises(TransportFailed) as caught:
                await two.register()
            assert caught.value.status == 503
            assert (await two.register()).ok
            assert (await two.result()).ok
            assert len(two.mis.results) == 1

    run(work())


def test_a_lost_answer(keys: Keys) -> None:
    async def work() -> None:
        async with pair(keys, faults=["lost*1"]) as two:
            with pytest.raises(TransportFailed):
                await two.register(message_id=CLIENT)
            assert (await two.result()).ok
            again = await two.register(message_id=CLIENT)
            assert again.verdict is not None
            assert again.verdict.error_class == "done"

    run(work())


def test_a_slow_answer_is_no_answer(keys: Keys) -> None:
    async def work() -> None:
        async with pair(keys, faults=["slow=1"]) as two:
            two.http._timeout = 0.2
            with pytest.raises(TransportFailed):
                await two.register()

    run(work())


def test_refusals_at_once(keys: Keys) -> None:
    async def work() -> None:
        async with pair(keys, faults=["refuse*1", "fault*1"]) as two:
            # Both are drawn by one message; the fault goes first.
            got = await two.register()
            assert got.verdict is not None
            assert got.verdict.error_class == "temporary"
            assert await two.put_faults("refuse=RATE_LIMIT") == 200
            got = await two.register()
            assert got.verdict is not None
            assert (got.verdict.codes, got.verdict.retry_after) == (("RATE_LIMIT",), 60)
            assert await two.put_faults("no-such") == 400
            assert await two.put_faults() == 200
            assert (await two.register()).ok

    run(work())


@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        ("reject=INTERNAL_ERROR", ["INTERNAL_ERROR"]),
        ("several", ["NO_SNILS", "WRONG_CREATION_DATE", "VALIDATION_ERROR"]),
        ("recipient", ["RECIPIENT_INFO_MISMATCH"]),
    ],
)
def test_refusals_by_callback(keys: Keys, fault: str, codes: list[str]) -> None:
    async def work() -> None:
        async with pair(keys, faults=[fault]) as two:
            assert (await two.register()).ok
            await refused(two, *codes)

    run(work())


def test_silence(keys: Keys) -> None:
    async def work() -> None:
        async with pair(keys, faults=["silent"]) as two:
            assert (await two.register()).ok
            while not await two.listed():
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            assert two.mis.results == []
            got, records = await two.client.search({"organization": OID}, message_id=CLIENT, at=datetime.now(UTC))
            assert got.ok
            assert records[0].local_uid == UID

    run(work())


@pytest.mark.parametrize(
    ("fault", "oks"),
    [
        ("duplicate", [True, True]),
        ("contradict", [False, True]),
        ("early", [False, True]),
        ("stray", [True, False]),
        ("late=0", [True]),
    ],
)
def test_results_in_odd_orders(keys: Keys, fault: str, oks: list[bool]) -> None:
    async def work() -> None:
        async with pair(keys, faults=[fault]) as two:
            assert (await two.register()).ok
            await two.result(len(oks))
            assert [one.ok for one in two.mis.results] == oks
            if fault == "duplicate":
                assert two.mis.results[0].message_id == two.mis.results[1].message_id

    run(work())


@pytest.mark.parametrize("fault", ["warnings", "spelling", "old"])
def test_odd_forms_of_success(keys: Keys, fault: str) -> None:
    async def work() -> None:
        async with pair(keys, faults=[fault]) as two:
            acknowledged = await two.register(message_id=CLIENT)
            result = await two.result()
            assert acknowledged.ok
            assert result.ok
            assert result.relates_to == CLIENT.replace("-", "").upper()
            assert [one.code for one in result.warnings] == (["IPS_VALIDATION_WARNING"] if fault == "warnings" else [])
            if fault == "old":
                assert (result.status, result.soap) == ("OK", "http://schemas.xmlsoap.org/soap/envelope/")

    run(work())


def test_every_fault_is_tried_here() -> None:
    here = Path(__file__).read_text("utf-8")
    assert [name for name in FAULTS if f'"{name}' not in here] == []


@pytest.mark.parametrize("text", ["", "nothing", "slow=x", "reject*", "reject=*2", "*2"])
def test_unknown_faults_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        create_stand(Options(faults=[text]))


def test_counts_of_faults() -> None:
    faults = Faults(["reject=A*1", "reject=B", "slow=1*2"])
    assert [faults.draw() for _ in range(3)] == [
        {"reject": "A", "slow": "1"},
        {"reject": "B", "slow": "1"},
        {"reject": "B"},
    ]
