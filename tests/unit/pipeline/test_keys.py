"""Sealed payloads and their keys."""

from __future__ import annotations

import asyncio
import base64
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from adapter.errors import DatabaseError, UsageError
from adapter.pipeline.keys import Keys, Sealed, keyed_hash
from adapter.settings import Settings
from tests.unit.pipeline.doubles import bundle, opened, send


def _key(number: int) -> str:
    return f"k{number}:" + base64.b64encode(bytes([number]) * 32).decode()


@given(st.binary(max_size=2000), st.booleans())
def test_what_is_sealed_opens(data: bytes, rotated: bool) -> None:
    old = Keys.parse(_key(1))
    sealed = old.seal(data, "bundle")
    ring = Keys.parse(f"{_key(2)}, {_key(1)}") if rotated else old
    assert ring.open(sealed, "bundle") == data
    assert len(data) < 32 or data not in sealed.data


def test_each_seal_is_another() -> None:
    keys = Keys.parse(_key(1))
    assert keys.seal(b"x", "bundle") != keys.seal(b"x", "bundle")


@pytest.mark.parametrize("change", ["data", "nonce", "purpose", "key"])
def test_what_was_changed_does_not_open(change: str) -> None:
    keys = Keys.parse(f"{_key(1)} {_key(2)}")
    sealed = keys.seal(b"x" * 300, "bundle")
    data = bytes([sealed.data[0] ^ 1]) + sealed.data[1:] if change == "data" else sealed.data
    nonce = os.urandom(12) if change == "nonce" else sealed.nonce
    key_id = "k2" if change == "key" else sealed.key_id
    with pytest.raises(DatabaseError):
        keys.open(Sealed(key_id, nonce, data), "document" if change == "purpose" else "bundle")


def test_a_key_that_is_not_there_is_named() -> None:
    sealed = Keys.parse(_key(1)).seal(b"x", "bundle")
    with pytest.raises(DatabaseError, match="k1"):
        Keys.parse(_key(2)).open(sealed, "bundle")


@pytest.mark.parametrize("text", ["", "k1", "k1:AAAA", ":" + "A" * 43 + "=", "k1:" + "!" * 44, f"{_key(1)},{_key(1)}"])
def test_keys_that_are_malformed_are_not_quoted(text: str) -> None:
    with pytest.raises(UsageError) as error:
        Keys.parse(text)
    assert "AAAA" not in str(error.value) and "!!" not in str(error.value)


def test_a_file_of_keys_is_made_once_and_is_private(tmp_path: Path) -> None:
    first, again = Keys.of_file(tmp_path / "keys"), Keys.of_file(tmp_path / "keys")
    assert first == again and (tmp_path / "keys").stat().st_mode & 0o777 == 0o600
    (tmp_path / "keys").chmod(0o640)
    with pytest.raises(UsageError, match="0600"):
        Keys.of_file(tmp_path / "keys")


def test_parts_of_a_hash_do_not_run_together() -> None:
    assert keyed_hash(b"s", "a", "bc") != keyed_hash(b"s", "ab", "c") != keyed_hash(b"t", "ab", "c")


def test_keys_are_rotated_and_identities_stay(service: Settings) -> None:
    async def scenario() -> None:
        async with opened(service.model_copy(update={"keys": SecretStr(_key(1))})) as journal:
            first = await send(journal, bundle("a"), identifier="x")
        async with opened(service.model_copy(update={"keys": SecretStr(f"{_key(2)} {_key(1)}")})) as journal:
            assert await journal.vault.rotate(journal.database) == 1
            assert await journal.vault.rotate(journal.database) == 0
        async with opened(service.model_copy(update={"keys": SecretStr(_key(2))})) as journal:
            assert await journal.bundle(first.submission_id) == bundle("a")
            again = await send(journal, bundle("a"), identifier="x")
            assert (again.submission_id, again.created) == (first.submission_id, False)
        with pytest.raises(DatabaseError, match="k2"):
            async with opened(service.model_copy(update={"keys": SecretStr(_key(1))})):
                pass

    asyncio.run(scenario())


def test_nothing_of_a_bundle_is_plain_in_the_database(service: Settings) -> None:
    async def scenario() -> None:
        async with opened(service) as journal:
            await send(journal, bundle("Иванов", patient="SNILS-77"), identifier="urn:x|secret-name")
            async with journal.database.connection() as connection:
                tables = await connection.fetch("select tablename from pg_tables where schemaname = 'egisz'")
                for table in tables:
                    rows = await connection.fetch(f"select t::text as row from egisz.{table['tablename']} t")
                    text = " ".join(row["row"] for row in rows)
                    for value in ("Иванов", "SNILS-77", "secret-name", b"SNILS-77".hex(), b"secret-name".hex()):
                        assert value not in text, table["tablename"]

    asyncio.run(scenario())
