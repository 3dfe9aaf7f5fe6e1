"""The database of the service: the embedded cluster or the operator's own, its pool, its migrations."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from adapter.errors import DatabaseError, InternalError
from adapter.findings import Text
from adapter.log import get_logger
from adapter.pipeline.jobs import queries_on, queue_settings
from adapter.pipeline.postgres import Cluster
from adapter.pipeline.statements import FOLDER
from adapter.pipeline.supervisor import Supervisor
from adapter.pipeline.wake import Waker, begin
from adapter.settings import Settings

#: Advisory lock of whoever migrates; any number of our own.
_MIGRATING: Final = 0x45474953_4D494752
_FILE: Final = re.compile(r"(\d{4})_\w+\.(pre|post)\.sql")
_TABLE: Final = """
create schema if not exists egisz;
create table if not exists egisz.migration (
    name text primary key,
    digest text not null,
    applied_at timestamptz not null default now()
)
"""
Migrate = Literal["all", "pre", "check"]


class Connection(Protocol):
    """What the journal needs of asyncpg's connection, which has no types of its own."""

    async def execute(self, query: str, *args: Any) -> str: ...
    async def executemany(self, command: str, args: Iterable[Sequence[Any]]) -> None: ...
    async def fetch(self, query: str, *args: Any) -> list[Any]: ...
    async def fetchrow(self, query: str, *args: Any) -> Any: ...
    async def fetchval(self, query: str, *args: Any) -> Any: ...
    def transaction(self) -> AbstractAsyncContextManager[Any]: ...


@dataclass(frozen=True, slots=True)
class Migration:
    """A file of the schema.

    Attributes:
        name: of the file without its suffix, e.g. ``0001_journal.pre``.
        post: run after every process of the version before has stopped; else before one of this version starts.
        digest: of its text.
    """

    name: str
    post: bool
    text: str
    digest: str


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """The files of a folder in order."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is None:
            raise DatabaseError(
                Text(f"имя миграции неверно: {path.name}", f"malformed name of a migration: {path.name}")
            )
        text = path.read_text(encoding="utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        found.append(Migration(path.name.removesuffix(".sql"), match.group(2) == "post", text, digest))
    return found


async def migrate(connection: Connection, mode: Migrate = "all", files: Sequence[Migration] | None = None) -> list[str]:
    """Bring the schema up to this version; several processes may try at once.

    Args:
        mode: ``pre`` leaves the files that older processes would not survive; ``check`` changes nothing.

    Returns:
        Names of what was applied.

    Raises:
        DatabaseError: a file that was applied has changed, the database is newer, or (``check``) something is missing.
    """
    wanted = migrations() if files is None else files
    await connection.execute("select pg_advisory_lock($1)", _MIGRATING)
    try:
        if mode != "check":
            await connection.execute(_TABLE)
            await _install_queue(connection)
        return await _apply(connection, mode, wanted)
    finally:
        await connection.execute("select pg_advisory_unlock($1)", _MIGRATING)


async def _apply(connection: Connection, mode: Migrate, wanted: Sequence[Migration]) -> list[str]:
    if await connection.fetchval("select to_regclass('egisz.migration')") is None:
        raise _missing(wanted[0].name)
    applied = {row["name"]: row["digest"] for row in await connection.fetch("select name, digest from egisz.migration")}
    names = {one.name for one in wanted}
    if unknown := sorted(set(applied) - names):
        raise DatabaseError(
            Text(
                f"база новее этой версии: применена миграция {unknown[0]}; обновите программу",
                f"the database is newer than this version: {unknown[0]} is applied; upgrade the program",
            )
        )
    done = []
    for one in wanted:
        if one.name in applied:
            if applied[one.name] != one.digest:
                raise DatabaseError(
                    Text(
                        f"миграция {one.name} изменена после применения",
                        f"migration {one.name} was changed once applied",
                    )
                )
        elif mode == "check":
            raise _missing(one.name)
        elif not (one.post and mode == "pre"):
            async with connection.transaction():
                await connection.execute(one.text)
                await connection.execute("insert into egisz.migration values ($1, $2)", one.name, one.digest)
            get_logger().info("database.migrated", version=one.name)
            done.append(one.name)
    return done


def _missing(name: str) -> DatabaseError:
    return DatabaseError(
        Text(
            f"миграция {name} не применена: EGISZ_MIGRATE=check",
            f"migration {name} is not applied: EGISZ_MIGRATE=check",
        )
    )


async def _install_queue(connection: Connection) -> None:
    operations = queries_on(connection)
    if await operations.schema_is_installed():
        await operations.apply_upgrade()
    else:
        async with connection.transaction():
            await operations.install()
    names = queue_settings()
    if await connection.fetchval("select tgenabled <> 'D' from pg_trigger where tgname = $1", names.trigger):
        # See adapter.pipeline.wake.
        await connection.execute(f"alter table {names.qualified.queue_table} disable trigger {names.trigger}")
    statement = operations.qbq.build_enqueue_query("skip")
    if await connection.fetchval("select prosrc from pg_proc where oid = to_regproc('egisz.enqueue')") != (
        body := f"declare enqueued record; begin for enqueued in {statement} loop end loop; end"
    ):
        await connection.execute(
            "create or replace function egisz.enqueue(integer[], text[], bytea[], interval[], text[], jsonb[])"
            f" returns void language plpgsql as $body${body}$body$"
        )


@contextmanager
def reachable() -> Iterator[None]:
    """Tell an unreachable database, or one that cannot write, from every other error.

    Raises:
        DatabaseError: it is; the message names the class of PostgreSQL's error only, which may quote a row.
    """
    import asyncpg  # type: ignore[import-untyped]  # has no stubs

    gone = (
        OSError,
        asyncpg.PostgresConnectionError,
        asyncpg.InterfaceError,
        # A connection that was cut while it was being given out.
        asyncpg.InternalClientError,
        asyncpg.CannotConnectNowError,
        asyncpg.InvalidAuthorizationSpecificationError,
        asyncpg.InvalidCatalogNameError,
        asyncpg.InsufficientResourcesError,
        asyncpg.OperatorInterventionError,
        asyncpg.PostgresSystemError,
    )
    try:
        yield
    except asyncpg.DataError as error:
        # Its message quotes the value.
        raise InternalError(f"a value does not fit its column: {type(error).__name__}") from None
    except gone as error:
        name = type(error).__name__
        raise DatabaseError(Text(f"база данных недоступна: {name}", f"the database is unreachable: {name}")) from None


async def _as_it_is(_connection: object) -> None:
    """Nothing of a session is changed here but within transactions: the usual reset would double the round trips."""


class Database:
    """A pool of connections to a migrated database."""

    def __init__(self, pool: Any, cluster: Cluster | None) -> None:
        self.pool = pool
        self._cluster = cluster
        self._supervisor = Supervisor(cluster) if cluster is not None else None
        self._waker = Waker(pool)

    @classmethod
    async def open(cls, settings: Settings, *, connections: int = 10) -> Database:
        """Connect, starting the embedded cluster where the settings name no database, and migrate.

        Args:
            connections: at most; PgQueuer keeps one of them to listen.

        Raises:
            DatabaseError: it cannot be started, reached or migrated.
        """
        import asyncpg

        cluster = None
        if settings.database_url is None:
            cluster = Cluster(settings.data.resolve() / "postgres")
            url = await asyncio.to_thread(cluster.start)
        else:
            url = settings.database_url.get_secret_value()
        try:
            with reachable():
                # A connection of its own: a migration may take longer than any statement after it.
                connection = await asyncpg.connect(url)
                try:
                    await migrate(connection, settings.migrate)
                finally:
                    await connection.close()
                pool = await asyncpg.create_pool(
                    url,
                    min_size=1,
                    max_size=connections,
                    # Of a new connection, and of a statement.
                    timeout=settings.database_timeout,
                    command_timeout=settings.database_timeout,
                    server_settings={"application_name": "egisz"},
                    reset=_as_it_is,
                )
        except BaseException:
            if cluster is not None:
                await asyncio.to_thread(cluster.stop)
            raise
        return cls(pool, cluster)

    @classmethod
    @asynccontextmanager
    async def opened(cls, settings: Settings, *, connections: int = 10) -> AsyncIterator[Database]:
        """:meth:`open`, and :meth:`close` at the end."""
        database = await cls.open(settings, connections=connections)
        try:
            yield database
        finally:
            await database.close()

    async def close(self) -> None:
        """Close the pool; stop the embedded cluster if nobody else uses it."""
        await self._waker.close()
        await self.pool.close()
        if self._supervisor is not None:
            await self._supervisor.close()
        if self._cluster is not None:
            await asyncio.to_thread(self._cluster.stop)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection in a transaction; workers are told of the jobs that it enqueues.

        Raises:
            DatabaseError: the database cannot be reached.
        """
        with reachable():
            begin()
            async with self.pool.acquire() as connection, connection.transaction():
                yield connection
            self._waker.committed()

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[Connection]:
        """A connection for one statement that is a transaction of its own; workers are told of the jobs it enqueues.

        Raises:
            DatabaseError: the database cannot be reached.
        """
        with reachable():
            begin()
            async with self.pool.acquire() as connection:
                yield connection
            self._waker.committed()

    def enqueued(self) -> None:
        """Tell workers of a job that a committed statement has enqueued."""
        self._waker.wake()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for single statements.

        Raises:
            DatabaseError: the database cannot be reached.
        """
        with reachable():
            async with self.pool.acquire() as connection:
                yield connection
