"""Where the data are: disk, keys, database, queue."""

from __future__ import annotations

import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Final

from adapter.doctor.line import Line, Mark, clock
from adapter.errors import DatabaseError
from adapter.findings import EMPTY, Text
from adapter.settings import Settings

DISK: Final = Text("место на диске", "disk")
KEYS: Final = Text("ключи хранения", "keys of storage")
DATABASE: Final = Text("база данных", "database")
#: Free bytes below which a database soon stops: a warning, an error.
_LOW: Final = 5 * 2**30
_OUT: Final = 2**29
_AWAY: Final = Text(
    "Проверьте EGISZ_DATABASE_URL и работает ли сервер; схему обновляет запуск с EGISZ_MIGRATE=all.",
    "Check EGISZ_DATABASE_URL and the server; a start with EGISZ_MIGRATE=all brings the schema up to date.",
)
_EMBEDDED_AWAY: Final = Text(
    "Причина в конце <данные>/postgres/log; частая — кончилось место. Освободите его: работающая служба поднимет базу "
    "сама, остановленную запустите. Принятое цело. Схему обновляет запуск с EGISZ_MIGRATE=all.",
    "The reason is at the end of <data>/postgres/log; often the disk is full. Free some: a running service starts the "
    "database by itself, one that was stopped has to be started. What was accepted is whole. A start with "
    "EGISZ_MIGRATE=all brings the schema up to date.",
)
_KEEP_KEYS: Final = Text(
    "Копию держите отдельно: без неё данные не прочесть. В рабочей установке задайте EGISZ_KEYS.",
    "Keep a copy elsewhere: without it the data cannot be read. In production set EGISZ_KEYS.",
)


async def disk(settings: Settings) -> AsyncIterator[Line]:
    """Free space, and who may look into the data directory."""
    part = DISK
    # The embedded database may have a disk of its own.
    folder = next(one for one in (settings.data / "postgres", settings.data, *settings.data.parents) if one.exists())
    free = shutil.disk_usage(folder).free
    mark = Mark.ERROR if free < _OUT else Mark.WARNING if free < _LOW else Mark.OK
    size = f"{free / 2**30:.1f}"
    hint = EMPTY if mark is Mark.OK else Text("Освободите место или храните меньше.", "Free some, or keep less.")
    yield Line(part, mark, Text(f"свободно {size} ГиБ", f"{size} GiB free"), hint)
    if settings.data.exists() and stat.S_IMODE(settings.data.stat().st_mode) & 0o006:
        yield Line(
            Text("папка данных", "data folder"),
            Mark.WARNING,
            Text("открыта другим пользователям", "open to other users"),
            Text(f"chmod o-rwx {settings.data}", f"chmod o-rwx {settings.data}"),
        )


async def database(settings: Settings) -> AsyncIterator[Line]:
    """PostgreSQL, its schema, its clock, the keys of its payloads, its queue."""
    from adapter.pipeline.database import Database
    from adapter.pipeline.statements import sql

    part = DATABASE
    if _not_made_yet(settings):
        yield Line(
            part,
            Mark.WARNING,
            Text("встроенная, ещё не создана", "embedded, not made yet"),
            Text("Её создаст egisz serve при первом запуске.", "egisz serve makes it when it first starts."),
        )
        return
    try:
        opened = await Database.open(settings.model_copy(update={"migrate": "check"}), connections=2)
    except DatabaseError as error:
        yield Line(part, Mark.ERROR, error.text, _AWAY if settings.database_url is not None else _EMBEDDED_AWAY)
        return
    try:
        async with opened.connection() as connection:
            told = await connection.fetchrow(sql("doctor_server"))
            sealed_with = {row["key_id"] for row in await connection.fetch(sql("doctor_key_ids"))}
            queue = await connection.fetchrow(sql("doctor_stuck"))
    finally:
        await opened.close()
    version = told["version"]
    yield Line(part, Mark.OK, Text(f"PostgreSQL {version}, схема на месте", f"PostgreSQL {version}, schema ok"))
    if told["fsync"] != "on":
        yield Line(
            part,
            Mark.ERROR,
            Text("fsync выключен: принятое может пропасть", "fsync is off: what was accepted may be lost"),
            Text("Включите fsync в postgresql.conf.", "Switch fsync on in postgresql.conf."),
        )
    apart = abs((told["now"] - datetime.now(UTC)).total_seconds())
    yield clock(Text("часы базы данных", "clock of the database"), apart)
    for line in (*_missing_keys(settings, sealed_with), *_queue(queue["late"], queue["dead"])):
        yield line


def _not_made_yet(settings: Settings) -> bool:
    return settings.database_url is None and not (settings.data / "postgres" / "PG_VERSION").is_file()


def _missing_keys(settings: Settings, sealed_with: set[str]) -> Iterator[Line]:
    """Keys that the database needs and the settings do not have: its payloads cannot be read."""
    from adapter.pipeline.vault import load_keys

    if settings.keys is None and not settings.keys_file.exists():
        missing = sealed_with
    else:
        missing = sealed_with - set(load_keys(settings).ring)
    if missing:
        names = ", ".join(sorted(missing))
        yield Line(
            KEYS,
            Mark.ERROR,
            Text(f"нет ключей, которыми зашифрованы данные: {names}", f"keys that seal the data are missing: {names}"),
            Text(
                "Верните их в EGISZ_KEYS или в файл ключей из резервной копии.",
                "Put them back into EGISZ_KEYS, or the file of keys, from the backup.",
            ),
        )


def _queue(late: int, dead: int) -> Iterator[Line]:
    part = Text("очередь", "queue")
    if late:
        yield Line(
            part,
            Mark.WARNING,
            Text(f"заданий, которые ждут дольше 10 минут: {late}", f"jobs that wait for more than 10 minutes: {late}"),
            Text("Работает ли egisz worker (или egisz serve)?", "Is egisz worker (or egisz serve) running?"),
        )
    if dead:
        yield Line(
            part,
            Mark.WARNING,
            Text(f"остановлено, ждёт человека: {dead}", f"stopped, waits for a person: {dead}"),
            Text("egisz outbox ls --state dead", "egisz outbox ls --state dead"),
        )
    if not (late or dead):
        yield Line(part, Mark.OK, Text("ничего не застряло", "nothing is stuck"))


async def keys(settings: Settings) -> AsyncIterator[Line]:
    """The keys of stored payloads."""
    from adapter.pipeline.vault import load_keys

    part = KEYS
    beside = settings.keys is None
    if beside and not settings.keys_file.exists():
        yield Line(
            part,
            Mark.WARNING,
            Text("ещё нет: будут созданы рядом с данными", "none yet: they will be made beside the data"),
            _KEEP_KEYS,
        )
        return
    keys = load_keys(settings)
    yield Line(part, Mark.OK, Text(f"ключей: {len(keys.ring)}", f"keys: {len(keys.ring)}"))
    if beside:
        file = settings.keys_file
        yield Line(part, Mark.WARNING, Text(f"лежат рядом с данными: {file}", f"beside the data: {file}"), _KEEP_KEYS)
