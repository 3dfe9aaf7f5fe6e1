"""What the stand refuses: requests, files, signatures, certificates, documents that the engine finds wrong."""

from __future__ import annotations

import asyncio
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from adapter.stand.processing import Timing
from adapter.stand.service import Entrance
from adapter.stand.validation import ProcessValidator
from adapter.transport.content import Checksum
from adapter.transport.errors import error_book
from adapter.transport.security import Verifier
from tests.integration.stand.conftest import (
    CLIENT,
    OID,
    OTHER,
    UID,
    Keys,
    Mis,
    document,
    pair,
    refused,
    registration,
    run,
)


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
