"""The stand end to end over HTTP: register → getDocumentFile → result; and everything that goes wrong on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from adapter.errors import TransportFailed, UsageError
from adapter.signing.local import RsaSigner
from adapter.stand.app import Options, create_stand
from adapter.stand.faults import FAULTS, Faults
from adapter.stand.processing import Timing
from adapter.stand.service import Entrance
from adapter.stand.validation import ProcessValidator
from adapter.transport.content import Checksum
from adapter.transport.envelope import read
from adapter.transport.errors import error_book
from adapter.transport.schema import SERVICE
from adapter.transport.security import Verifier
from tests.integration.stand.conftest import CLIENT, OID, UID, Mis, Pair, bound, document, pair, registration

Keys = tuple[RsaSigner, RsaSigner]
OTHER = "7f0f3c1e-5a59-4b92-8f6f-0d2a5b6c7d8e"


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


async def refused(two: Pair, *codes: str, count: int = 1) -> None:
    """The result is a refusal with these codes."""
    result = await two.result(count)
    assert not result.ok
    assert [one.code for one in result.errors] == list(codes)
    assert await two.listed() == []


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


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        ({"file": document(family="Другой")}, ["VALIDATION_ERROR"]),
        ({"file": document(OTHER)}, ["VALIDATION_ERROR"]),
        ({"file": b"no xml", "signed": b"no xml"}, ["INVALID_CONTENT"]),
        ({"signed": b"another document"}, ["DIGEST_MISMATCH"]),
        ({"kind": "204"}, ["INVALID_DOC_CONTENT_TYPE"]),
        ({"kind": "9999"}, ["OBJECT_NOT_FOUND"]),
        ({"creationDateTime": "2044-10-05T10:10:00+03:00"}, ["WRONG_CREATION_DATE"]),
        ({"organization": OID + "1"}, ["VALIDATION_ERROR"]),
    ],
)
def test_what_is_wrong_is_refused_by_callback(keys: Keys, given: dict[str, Any], codes: list[str]) -> None:
    async def work() -> None:
        async with pair(keys) as two:
            assert (await two.register(**given)).ok
            await refused(two, *codes)
            verdict = error_book().classify(two.mis.results[0].errors)
            # A clock that is ahead is set right, and the document with it.
            assert verdict.error_class == ("temporary" if codes == ["WRONG_CREATION_DATE"] else "permanent")

    run(work())


def test_what_is_wrong_at_first_sight_is_refused_at_once(keys: Keys) -> None:
    async def work() -> None:
        async with pair(keys, entrance=Entrance(frozenset({CLIENT}))) as two:
            at = datetime.now(UTC)
            unsigned = await two.client.register(registration(), [], message_id=CLIENT, at=at)
            assert [one.code for one in unsigned.errors] == ["NO_SIGNATURE"]
            invalid = await two.register(kind="")
            assert [one.code for one in invalid.errors] == ["VALIDATION_ERROR"]
            two.client.endpoint = replace(two.client.endpoint, client_entity_id=OTHER)
            stranger = await two.register()
            assert [one.code for one in stranger.errors] == ["NO_RMIS"]

    run(work())


@pytest.mark.parametrize(
    ("mis", "code"),
    [
        (Mis(how="never"), "FILE_WAS_NOT_SENT"),
        (Mis(how="broken"), "RMIS_ERROR"),
    ],
)
def test_a_mis_that_gives_no_file(keys: Keys, mis: Mis, code: str) -> None:
    async def work() -> None:
        async with pair(keys, mis=mis, timing=Timing(file=0.1, tries=2, pause=0.01)) as two:
            assert (await two.register()).ok
            await refused(two, code)

    run(work())


def test_a_file_that_is_not_there(keys: Keys) -> None:
    async def work() -> None:
        async with pair(keys) as two:
            await two.register()
            two.mis.files.clear()
            result = await two.result()
            assert result.ok or [one.code for one in result.errors] == ["GET_DOCUMENT_FILE_ERROR"]

    run(work())


def test_a_file_with_another_checksum(keys: Keys) -> None:
    async def work() -> None:
        mis = Mis()
        mis.answers = replace(mis.answers, checksum=Checksum("bytes"))
        async with pair(keys, mis=mis) as two:
            await two.register()
            await refused(two, "GET_DOCUMENT_FILE_ERROR")

    run(work())


def test_a_file_that_nobody_asked_for(keys: Keys) -> None:
    async def work() -> None:
        from adapter.transport.callbacks import FileRequest

        async with pair(keys) as two:
            asked = FileRequest(message_id="A", written_id="a", local_uid=UID)
            got = await two.client.send_file(asked, b"<a/>", message_id=CLIENT, at=datetime.now(UTC))
            assert [one.code for one in got.errors] == ["WRONG_MESSAGE_ID"]

    run(work())


def test_signed_both_ways(keys: Keys) -> None:
    async def work() -> None:
        trusted = frozenset({keys[0].certificate.der})
        mis = Mis(verifier=Verifier(trusted, required=("Body", "MessageID", "Action")))
        entrance = Entrance(verifier=Verifier(frozenset({keys[1].certificate.der})))
        async with pair(keys, mis=mis, signs=True, signer=keys[0], entrance=entrance) as two:
            assert (await two.register()).ok
            assert (await two.result()).ok
            two.client._security = None
            unsigned = await two.register(OTHER)
            assert [one.code for one in unsigned.errors] == ["soap:Sender"]
            assert "SOAP02" in unsigned.errors[0].message

    run(work())


def test_certificates_by_date_and_person(keys: Keys) -> None:
    async def work() -> None:
        async with pair(keys[::-1], certificates=True) as two:
            await two.register()
            await refused(two, "VALUE_MISMATCH_METADATA_AND_CERTIFICATE")
        async with pair(keys, certificates=True) as two:
            await two.register()
            assert (await two.result()).ok

    run(work())


def test_the_engine_checks_the_document(keys: Keys) -> None:
    async def work() -> None:
        async with pair(keys, validate=True) as two:
            await two.register()
            result = await two.result()
            assert {one.code for one in result.errors} == {"VALIDATION_ERROR"}
            assert "ClinicalDocument" in result.errors[0].message

    run(work())


def test_an_engine_that_fails_is_an_error_of_the_service(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> list[tuple[str, str, str]]:
        raise BrokenProcessPool("killed")

    async def work() -> None:
        monkeypatch.setattr("adapter.stand.validation.NoValidator.errors", broken)
        async with pair(keys) as two:
            await two.register()
            await refused(two, "XML_VALIDATOR_ERROR")
            assert error_book().classify(two.mis.results[0].errors).error_class == "temporary"

    run(work())


def test_a_killed_engine_is_started_anew() -> None:
    async def work() -> None:
        validator = ProcessValidator()
        try:
            first = await validator.errors(document(), "170")
            assert first
            for process in validator._pool._processes.values():
                process.kill()
            assert await validator.errors(document(), "170") == first
        finally:
            await asyncio.to_thread(validator.close)

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


def free_port() -> int:
    with bound() as sock:
        return int(sock.getsockname()[1])


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


# -- faults ---------------------------------------------------------------------------------------------------------


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
