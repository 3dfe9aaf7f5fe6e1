"""The stand end to end over HTTP: register → getDocumentFile → result; what it holds is searched and survives it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from adapter.stand.processing import Timing
from adapter.transport.envelope import read
from adapter.transport.schema import SERVICE
from tests.integration.stand.conftest import (
    CLIENT,
    OID,
    OTHER,
    UID,
    Keys,
    Mis,
    document,
    free_port,
    pair,
    refused,
    run,
)


@pytest.mark.parametrize("how", ["answer", "message"])
def test_a_document_is_registered(keys: Keys, how: str) -> None:
    async def work() -> None:
        async with pair(keys, mis=Mis(how=how)) as two:
            acknowledged = await two.register(message_id="0000000A-0000-4000-8000-000000000001")
            assert acknowledged.ok
            result = await two.result()
            now = datetime.now(UTC)
            assert result.ok
            assert result.emdr_id == f"170.77.{result.registered_at:%y.%m}.000000001"
            assert result.registered_at is not None
            assert abs((result.registered_at - now).total_seconds()) < 60
            assert result.relates_to == "0000000A000040008000000000000001"
            assert (result.local_uid, result.document_version) == (UID, 1)
            (listed,) = await two.listed()
            assert (listed["local_uid"], listed["emdr_id"], listed["number"]) == (UID, result.emdr_id, 1)
            assert (listed["set_extension"], listed["version"]) == ("S", 1)

    run(work())


def test_sent_again_after_success_it_is_there_already(keys: Keys) -> None:
    async def work() -> None:
        async with pair(keys) as two:
            await two.register()
            emdr_id = (await two.result()).emdr_id
            again = await two.register()
            assert not again.ok
            assert again.verdict is not None
            assert (again.verdict.error_class, again.verdict.emdr_id) == ("done", emdr_id)

    run(work())


def test_the_same_message_twice_is_one_registration(keys: Keys) -> None:
    async def work() -> None:
        async with pair(keys, timing=Timing(delay=0.2, tries=1)) as two:
            first = two.register(message_id=CLIENT)
            assert all(one.ok for one in await asyncio.gather(first, two.register(message_id=CLIENT.upper())))
            await two.result()
            assert len(await two.listed()) == 1
            await asyncio.sleep(0.3)
            assert len(two.mis.results) == 1

    run(work())


def test_a_refused_message_that_is_sent_again_is_told_again(keys: Keys) -> None:
    async def work() -> None:
        async with pair(keys, faults=["reject"]) as two:
            await two.register(message_id=CLIENT)
            await refused(two, "NO_SNILS")
            assert (await two.register(message_id=CLIENT)).ok
            await refused(two, "NO_SNILS", count=2)

    run(work())


def test_versions_come_in_order(keys: Keys) -> None:
    async def work() -> None:
        async with pair(keys) as two:
            await two.register(file=document(version=2))
            assert (await two.result()).ok
            await two.register(OTHER, file=document(OTHER, version=1))
            result = await two.result(2)
            assert [one.code for one in result.errors] == ["CANT_REG_VERSION"]
            third = str(UUID(int=7))
            await two.register(third, file=document(third, version=3))
            assert (await two.result(3)).ok
            assert [one["version"] for one in await two.listed()] == [2, 3]

    run(work())


def test_a_killed_stand_goes_on_where_it_was(keys: Keys, tmp_path: Path) -> None:
    async def work() -> None:
        mis, port = Mis(), free_port()
        state = tmp_path / "stand"
        async with pair(keys, mis=mis, port=port, file=state, timing=Timing(delay=60)) as two:
            assert (await two.register()).ok
            assert await two.listed() == []
        async with pair(keys, mis=mis, port=port, file=state) as two:
            assert (await two.result()).ok
            number = (await two.listed())[0]["emdr_id"]
        async with pair(keys, mis=mis, port=port, file=state) as two:
            assert (await two.listed())[0]["emdr_id"] == number
            again = await two.register(message_id=OTHER)
            assert again.verdict is not None
            assert again.verdict.emdr_id == number
            assert len(mis.results) == 1

    run(work())


def test_searching_reading_demanding(keys: Keys) -> None:
    async def work() -> None:
        at = datetime.now(UTC)
        async with pair(keys) as two:
            await two.register()
            emdr_id = (await two.result()).emdr_id
            for query, found in (
                ({"organization": OID, "kind": "170", "patientSnils": "11223344595"}, 1),
                ({"kind": "204"}, 0),
                ({"registerDateBegin": "2020-01-01T00:00:00+03:00", "registerDateEnd": "2021-01-01T00:00:00+03:00"}, 0),
                ({"registerDateBegin": "2020-01-01T00:00:00+03:00"}, 1),
            ):
                got, records = await two.client.search(query, message_id=CLIENT, at=at)
                assert got.ok
                assert len(records) == found
            _, record = await two.client.get_item(emdr_id, message_id=CLIENT, at=at)
            assert record is not None
            assert record.local_uid == UID
            missing, _ = await two.client.get_item("170.77.26.11.999999999", message_id=CLIENT, at=at)
            assert missing.verdict is not None
            assert missing.verdict.codes == ("REGISTRY_ITEM_NOT_FOUND",)
            assert (await two.client.demand_content(emdr_id, message_id=OTHER, at=at)).ok
            while not two.mis.deliveries:
                await asyncio.sleep(0.01)
            assert two.mis.deliveries[0].data == document()
            assert two.mis.deliveries[0].relates_to == OTHER.replace("-", "").upper()
            assert not (await two.client.demand_content("1", message_id=OTHER, at=at)).ok

    run(work())


def test_what_is_no_message_of_the_service(keys: Keys) -> None:
    async def work() -> None:
        async with pair(keys) as two:
            soap = "http://www.w3.org/2003/05/soap-envelope"
            strange = f'<e:Envelope xmlns:e="{soap}"><e:Body><x xmlns="{SERVICE}"/></e:Body></e:Envelope>'
            for body in (b"", b"<a/>", b"<!DOCTYPE a><a/>", strange.encode()):
                answer = await two.http.post(two.stand, body, {})
                assert answer.status == 400
                assert read(answer.body).fault is not None

    run(work())
