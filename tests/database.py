"""A real PostgreSQL for tests: one cluster a run, shared by its processes; a new database for each test that asks."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg

from adapter.pipeline.database import migrate
from adapter.pipeline.postgres import Cluster
from adapter.settings import Settings

#: A test database need not survive the machine.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=200")
#: Seconds after which a cluster that nobody uses is left from a run that was killed.
_ABANDONED_AFTER = 600


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """The cluster of this run; the last process to leave removes it."""
    _remove_abandoned()
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    folder = Path(tempfile.gettempdir()) / f"egisz-test-{run[:12]}"
    cluster = Cluster(folder / "postgres", FAST)
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()
        if not cluster.running():
            shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned() -> None:
    """Clusters of runs that were killed: nobody uses them, and nobody would stop them."""
    for folder in Path(tempfile.gettempdir()).glob("egisz-test-*"):
        with suppress(OSError):
            cluster = Cluster(folder / "postgres", FAST)
            if time.time() - folder.stat().st_mtime > _ABANDONED_AFTER and cluster.running():
                cluster.start()
                cluster.stop()
                if not cluster.running():
                    shutil.rmtree(folder, ignore_errors=True)


def template(cluster: Cluster) -> str:
    """URL of the cluster's own database, with a migrated one to copy beside it, named by process."""
    asyncio.run(_template(cluster.url))
    return cluster.url


def _name() -> str:
    return f"template_{os.getpid()}"


async def _template(url: str) -> None:
    own = await asyncpg.connect(url)
    # Folders of tests have fixtures of their own, and a process may run several folders.
    if not await own.fetchval("select exists (select from pg_database where datname = $1)", _name()):
        await own.execute(f"create database {_name()}")
        connection = await asyncpg.connect(at(url, _name()))
        await migrate(connection)
        await connection.close()
    await own.close()


def at(url: str, name: str) -> str:
    """The same server, another database."""
    return url.replace("/egisz?", f"/{name}?")


@contextmanager
def fresh_database(url: str) -> Iterator[str]:
    """URL of a new migrated database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    asyncio.run(_execute(url, f"create database {name} template {_name()}"))
    try:
        yield at(url, name)
    finally:
        asyncio.run(_execute(url, f"drop database {name} with (force)"))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def service_settings(url: str, data: Path, **more: Any) -> Settings:
    """Settings of a service on a database."""
    return Settings(database_url=url, data=data, keys="k1:" + "A" * 43 + "=", **more)
