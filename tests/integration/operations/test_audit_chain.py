"""The chain of the audit: whoever has the rights of the database itself changes it, and is found out."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adapter.pipeline.audit import Audit, Head, Verification, link
from adapter.pipeline.database import Connection, Database
from adapter.settings import Settings
from tests.database import fresh_database, service_settings


@asynccontextmanager
async def _chain(service: Settings, length: int) -> AsyncIterator[tuple[Audit, Connection, Head]]:
    """A sealed chain, a connection that no trigger holds back, and the head of the chain."""
    database = await Database.open(service, connections=2)
    try:
        audit = Audit(database)
        async with database.connection() as connection:
            await connection.execute("set session_replication_role = replica")
            await connection.execute("truncate egisz.audit restart identity")
            # The unique index would stop what a thorough hand does in two steps.
            await connection.execute("alter table egisz.audit drop constraint if exists audit_position_key")
            for number in range(length):
                await audit.access("mis", "R", "Task", f"{number}")
            assert await audit.seal() == length
            yield audit, connection, (await audit.verify()).head
    finally:
        await database.close()


async def _change(connection: Connection, row: int, _other: int) -> None:
    await connection.execute(
        """update egisz.audit set event = jsonb_set(event, '{agent}', '"nobody"') where position = $1""", row
    )


async def _redate(connection: Connection, row: int, _other: int) -> None:
    await connection.execute("update egisz.audit set at = at + interval '1 microsecond' where position = $1", row)


async def _remove(connection: Connection, row: int, _other: int) -> None:
    await connection.execute("delete from egisz.audit where position = $1", row)


async def _remove_and_close_up(connection: Connection, row: int, _other: int) -> None:
    await _remove(connection, row, 0)
    await connection.execute("update egisz.audit set position = position - 1 where position > $1", row)


async def _insert(connection: Connection, row: int, _other: int) -> None:
    await connection.execute("update egisz.audit set position = position + 1 where position >= $1::bigint", row)
    await connection.execute(
        """insert into egisz.audit (event, position, previous, hash)
        select event, $1::bigint, previous, hash from egisz.audit where position = $1::bigint + 1""",
        row,
    )


async def _swap(connection: Connection, row: int, other: int) -> None:
    await connection.execute(
        """update egisz.audit set position = case position when $1 then $2::bigint else $1::bigint end
        where position in ($1::bigint, $2::bigint)""",
        row,
        other,
    )


async def _rewrite(connection: Connection, row: int, _other: int) -> None:
    """Changes a row and makes every hash after it anew: a chain like any other."""
    await _change(connection, row, 0)
    rows = await connection.fetch("select position, at, event::text, previous, hash from egisz.audit order by position")
    previous = bytes(32)
    for one in rows:
        made = link(previous, one["at"], one["event"])
        await connection.execute(
            "update egisz.audit set previous = $2, hash = $3 where position = $1", one["position"], previous, made
        )
        previous = made


async def _cut(connection: Connection, row: int, _other: int) -> None:
    await connection.execute("delete from egisz.audit where position >= $1", row)


#: What breaks the chain itself, and what only a head that was kept elsewhere tells.
BREAKS = (_change, _redate, _remove, _remove_and_close_up, _insert, _swap)
HIDES = (_rewrite, _cut)


async def _tampered(service: Settings, length: int, hand: Any, row: int, other: int) -> tuple[Verification, ...]:
    async with _chain(service, length) as (audit, connection, head):
        assert (await audit.verify(head)).ok
        await hand(connection, row, other)
        return await audit.verify(), await audit.verify(head)


@pytest.fixture(scope="module")
def one_database(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with fresh_database(server) as url:
        yield service_settings(url, tmp_path_factory.mktemp("audit"))


@pytest.mark.parametrize("hand", [*BREAKS, *HIDES])
def test_each_is_found_out(one_database: Settings, hand: Any) -> None:
    alone, against_head = asyncio.run(_tampered(one_database, 4, hand, 2, 3))
    assert not against_head.ok
    assert alone.ok == (hand in HIDES)
    if hand in BREAKS:
        assert alone.broken == 2
        assert alone.head.position == 1
    assert alone.expected


@settings(max_examples=40)
@given(
    length=st.integers(1, 6), hand=st.sampled_from((*BREAKS, *HIDES)), row=st.integers(1, 6), other=st.integers(1, 6)
)
def test_wherever_it_is(one_database: Settings, length: int, hand: Any, row: int, other: int) -> None:
    assume(max(row, other) <= length and (hand is not _swap or row != other))
    _, against_head = asyncio.run(_tampered(one_database, length, hand, row, other))
    assert not against_head.ok


def test_a_chain_that_only_grew_holds(one_database: Settings) -> None:
    async def grown() -> None:
        async with _chain(one_database, 3) as (audit, _, head):
            for number in range(3):
                await audit.disclosure("remd", str(number))
            assert await audit.seal() == 3
            found = await audit.verify(head)
            assert found.ok and found.head.position == 6

    asyncio.run(grown())


@pytest.mark.parametrize(
    "statement",
    [
        """update egisz.audit set event = '{"type": "rest"}' where position = 1""",
        "update egisz.audit set at = now() where position is null",
        "update egisz.audit set hash = null, previous = null, position = null where position = 1",
        "delete from egisz.audit",
        "truncate egisz.audit",
    ],
)
def test_the_service_itself_cannot_change_it(service: Settings, statement: str) -> None:
    async def tried() -> None:
        database = await Database.open(service)
        audit = Audit(database)
        try:
            await audit.access("mis", "R", "Task", "1")
            await audit.seal()
            await audit.access("mis", "R", "Task", "2")
            async with database.pool.acquire() as connection:
                with pytest.raises(asyncpg.RaiseError, match="append-only"):
                    await connection.execute(statement)
        finally:
            await database.close()

    asyncio.run(tried())


SEALER = """
import asyncio, os
from pathlib import Path
from adapter.pipeline.audit import Audit
from adapter.pipeline.database import Database
from adapter.settings import Settings

async def main():
    database = await Database.open(Settings(database_url=os.environ["URL"], data=Path(os.environ["HOME"])))
    audit, own = Audit(database), 0
    async with asyncio.timeout(60):
        while True:
            own += await audit.seal()
            async with database.connection() as connection:
                if await connection.fetchval("select count(*) from egisz.audit where position is not null") == 400:
                    break
    print(own)
    await database.close()

asyncio.run(main())
"""


def _sealers(url: str, home: str, count: int) -> Sequence[subprocess.Popen[str]]:
    environment = {**os.environ, "URL": url, "HOME": home}
    return [
        subprocess.Popen([sys.executable, "-c", SEALER], env=environment, stdout=subprocess.PIPE, encoding="utf-8")
        for _ in range(count)
    ]


def test_two_processes_seal_at_once(service: Settings) -> None:
    assert service.database_url is not None
    sealers = _sealers(service.database_url.get_secret_value(), str(service.data), 2)

    async def busy() -> Verification:
        database = await Database.open(service)
        audit = Audit(database)
        try:
            for portion in range(20):
                await asyncio.gather(*(audit.access("mis", "R", "Task", f"{portion}-{one}") for one in range(20)))
            for one in sealers:
                await asyncio.to_thread(one.wait, 90)
            return await audit.verify()
        finally:
            await database.close()

    found = asyncio.run(busy())
    assert all(one.returncode == 0 for one in sealers)
    assert sum(int(one.stdout.read()) for one in sealers if one.stdout) == 400
    assert found.ok and found.head.position == 400 and found.waiting == 0
