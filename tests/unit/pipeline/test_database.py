"""The embedded cluster, and migrations."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from adapter.errors import DatabaseError
from adapter.pipeline.database import Database, Migration, migrate, migrations
from adapter.pipeline.postgres import Cluster
from adapter.settings import Settings
from tests.database import FAST

_FIRST = Migration("0001_a.pre", False, "create table egisz.a (x int)", "1")
_POST = Migration("0001_a.post", True, "create table egisz.b (x int)", "2")
_NEXT = Migration("0002_c.pre", False, "create table egisz.c (x int); select 1/0", "3")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server may enter when the tests run as root, which pytest's own may not be."""
    made = Path(tempfile.mkdtemp(prefix="egisz-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_processes_share_a_cluster_and_the_last_stops_it(folder: Path) -> None:
    first, second = Cluster(folder / "postgres", FAST), Cluster(folder / "postgres", FAST)
    url = first.start()
    assert second.start() == url
    code = (
        "import sys; from pathlib import Path; from adapter.pipeline.postgres import Cluster\n"
        "Cluster(Path(sys.argv[1])).start(); sys.stdout.flush(); import os; os._exit(9)"
    )
    # A process that dies without a word; and nothing is printed on the way.
    died = subprocess.run([sys.executable, "-c", code, str(folder / "postgres")], capture_output=True, check=False)
    assert (died.returncode, died.stdout) == (9, b"")
    first.stop()
    assert second.running()
    second.stop()
    assert not second.running()
    # And again, over what is there.
    assert first.start() == url
    first.stop()


def test_a_cluster_whose_making_was_cut_short_is_made_again(folder: Path) -> None:
    cluster = Cluster(folder / "postgres", FAST)
    cluster.folder.mkdir()
    (cluster.folder / "base").mkdir()
    cluster.start()
    assert cluster.running()
    cluster.stop()


def test_a_long_path_gets_its_socket_elsewhere(folder: Path) -> None:
    cluster = Cluster(folder / ("x" * 100) / "postgres", FAST)
    url = cluster.start()
    try:
        assert asyncio.run(_value(url, "select 1")) == 1
        assert len(url) < 100
    finally:
        cluster.stop()
    assert not Path(url.partition("host=")[2]).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may not run PostgreSQL")
def test_root_is_told_which_folder_is_closed(folder: Path) -> None:
    folder.chmod(0o700)
    with pytest.raises(DatabaseError, match="EGISZ_DATA"):
        Cluster(folder / "data" / "postgres", FAST).start()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_no_cluster_says_why(folder: Path) -> None:
    cluster = Cluster(folder / "postgres", (*FAST, "no_such_setting=1"))
    with pytest.raises(DatabaseError, match="pg_ctl"):
        cluster.start()
    assert not cluster.running()


def test_a_database_that_is_not_there_is_one_error(tmp_path: Path) -> None:
    conf = Settings(database_url=SecretStr(f"postgresql://x@/x?host={tmp_path}"), data=tmp_path)
    with pytest.raises(DatabaseError, match="unreachable") as error:
        asyncio.run(Database.open(conf))
    assert str(tmp_path) not in str(error.value)


def test_migrations_are_applied_once_and_in_order(database: str) -> None:
    async def scenario() -> None:
        connection = await asyncpg.connect(database)
        await connection.execute("drop schema egisz cascade")
        assert await migrate(connection, "pre", [_FIRST, _POST]) == ["0001_a.pre"]
        assert await migrate(connection, "all", [_FIRST, _POST]) == ["0001_a.post"]
        assert await migrate(connection, "all", [_FIRST, _POST]) == []
        assert await migrate(connection, "check", [_FIRST, _POST]) == []
        with pytest.raises(DatabaseError, match="not applied"):
            await migrate(connection, "check", [_FIRST, _POST, _NEXT])
        with pytest.raises(DatabaseError, match="changed"):
            await migrate(connection, "all", [Migration("0001_a.pre", False, "", "other"), _POST])
        with pytest.raises(DatabaseError, match="newer"):
            await migrate(connection, "all", [_FIRST])
        # A file that fails leaves nothing of itself.
        with pytest.raises(asyncpg.DivisionByZeroError):
            await migrate(connection, "all", [_FIRST, _POST, _NEXT])
        assert await connection.fetchval("select to_regclass('egisz.c')") is None
        await connection.close()

    asyncio.run(scenario())


def test_several_processes_may_migrate_at_once(database: str) -> None:
    async def scenario() -> None:
        connections = [await asyncpg.connect(database) for _ in range(4)]
        await connections[0].execute("drop schema egisz cascade")
        done = await asyncio.gather(*(migrate(one) for one in connections))
        assert sorted(map(len, done)) == [0, 0, 0, len(migrations())]
        for one in connections:
            await one.close()

    asyncio.run(scenario())


def test_a_check_of_an_empty_database_changes_nothing(database: str) -> None:
    async def scenario() -> None:
        connection = await asyncpg.connect(database)
        await connection.execute("drop schema egisz cascade")
        with pytest.raises(DatabaseError, match="not applied"):
            await migrate(connection, "check")
        assert not await connection.fetchval("select exists (select from pg_namespace where nspname = 'egisz')")
        await connection.close()

    asyncio.run(scenario())


async def _value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()
