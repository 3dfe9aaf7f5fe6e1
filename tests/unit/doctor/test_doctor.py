"""``egisz doctor``: every line is seen well, doubtful and wrong, wherever it can be."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from adapter.doctor import CHECKS, Line, Mark, content, examine, network, storage
from adapter.findings import Text
from adapter.pipeline import Journal
from adapter.pipeline.postgres import Cluster
from adapter.settings import Settings
from adapter.signing.testkeys import Subject, make_keyring
from conformance.packs import PackStore
from tests.database import fresh_database, running_cluster, service_settings, template
from tests.signing import OGRN, SNILS, Pair

OID = "1.2.643.5.1.13.13.12.2.77.99999"
OK, WARNING, ERROR = Mark.OK, Mark.WARNING, Mark.ERROR
Said = list[tuple[Mark, str]]


def looked(check: Callable[[Settings], Any], settings: Settings) -> list[Line]:
    async def lines() -> list[Line]:
        return [line async for line in check(settings)]

    return asyncio.run(lines())


def marks(check: Callable[[Settings], Any], settings: Settings, part: Text | None = None) -> list[Mark]:
    found = [line for line in looked(check, settings) if part is None or line.part == part]
    assert all(line.hint.ru and line.hint.en for line in found if line.mark is not OK), found
    return [line.mark for line in found]


@pytest.fixture
def bare(tmp_path: Path) -> Settings:
    """Settings of a new installation."""
    return Settings(data=tmp_path / "data")


# -- disk ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("free", "mark"), [(2**40, OK), (2**30, WARNING), (2**20, ERROR)])
def test_disk(free: int, mark: Mark, bare: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert marks(storage.disk, bare) == [mark]


@pytest.mark.parametrize(("mode", "expected"), [(0o700, [OK]), (0o755, [OK, WARNING])])
def test_the_data_directory_is_private(
    mode: int, expected: list[Mark], bare: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**40))
    bare.data.mkdir()
    bare.data.chmod(mode)
    assert marks(storage.disk, bare) == expected


# -- keys of storage ----------------------------------------------------------------------------------


def test_keys(bare: Settings) -> None:
    assert marks(storage.keys, bare) == [WARNING]
    assert not bare.keys_file.exists(), "the doctor makes nothing"
    bare.data.mkdir()
    bare.keys_file.write_text(f"k1:{'A' * 43}=\n")
    bare.keys_file.chmod(0o600)
    assert marks(storage.keys, bare) == [OK, WARNING]
    assert marks(storage.keys, service_settings("", bare.data)) == [OK]


def test_keys_that_others_may_read_are_an_error(bare: Settings) -> None:
    bare.data.mkdir()
    bare.keys_file.write_text(f"k1:{'A' * 43}=\n")
    bare.keys_file.chmod(0o644)
    assert [line.mark for line in examined(bare) if line.part == storage.KEYS] == [ERROR]


def examined(settings: Settings) -> list[Line]:
    return looked(examine, settings)


# -- database -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_cluster() as cluster:
        yield template(cluster)


@pytest.fixture
def service(server: str, tmp_path: Path) -> Iterator[Settings]:
    with fresh_database(server) as url:
        yield service_settings(url, tmp_path)


@pytest.fixture
def safe(service: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """As ``service``; the tests' server runs without fsync, and the doctor is told that it does not."""
    from adapter.pipeline import statements

    told = dict(statements.statements())
    told["doctor_server"] = told["doctor_server"].replace("current_setting('fsync')", "'on'")
    monkeypatch.setattr(statements, "statements", lambda: told)
    return service


def test_database_that_is_well(safe: Settings) -> None:
    lines = looked(storage.database, safe)
    assert [line.mark for line in lines] == [OK, OK, OK]
    assert "PostgreSQL" in lines[0].said.en


def test_database_without_fsync(service: Settings) -> None:
    assert marks(storage.database, service, storage.DATABASE) == [OK, ERROR]


def test_database_that_is_not_there(bare: Settings) -> None:
    assert marks(storage.database, bare) == [WARNING]
    away = Settings(database_url="postgresql://egisz@127.0.0.1:1/egisz", data=bare.data)
    assert marks(storage.database, away) == [ERROR]


def test_database_without_our_schema(server: str, tmp_path: Path) -> None:
    assert marks(storage.database, service_settings(server, tmp_path)) == [ERROR]


def test_embedded_database_is_looked_at() -> None:
    home = tempfile.mkdtemp(prefix="egisz-doctor-")  # pytest's own folders are closed to the user of the server
    settings = Settings(data=Path(home))
    cluster = Cluster(settings.data / "postgres")
    cluster.start()
    try:
        assert marks(storage.database, settings) == [ERROR], "the schema is not there yet"
        assert cluster.running(), "the doctor leaves what others use"
    finally:
        cluster.stop()
        shutil.rmtree(home)


@pytest.mark.parametrize(("apart", "mark"), [(1, OK), (3600, ERROR)])
def test_clock_of_the_database(apart: int, mark: Mark, safe: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(seconds=apart)

    monkeypatch.setattr(storage, "datetime", Clock)
    found = [line.mark for line in looked(storage.database, safe) if "clock" in line.part.en]
    assert found == [mark]


async def sealed(settings: Settings) -> None:
    journal = await Journal.open(settings)
    await journal.close()


def test_keys_that_the_data_need(safe: Settings) -> None:
    asyncio.run(sealed(safe))
    assert marks(storage.database, safe, storage.KEYS) == []
    other = safe.model_copy(update={"keys": None})
    assert marks(storage.database, other, storage.KEYS) == [ERROR]
    other.keys_file.write_text(f"k2:{'B' * 43}=\n")
    other.keys_file.chmod(0o600)
    assert marks(storage.database, other, storage.KEYS) == [ERROR]


def test_queue(safe: Settings) -> None:
    async def stuck() -> None:
        journal = await Journal.open(safe)
        await journal.accept(
            client="mis",
            organisation=OID,
            data=b"{}",
            media_type="application/fhir+json",
            fhir_version="",
            idempotency_key=None,
            bundle_identifier=None,
        )
        async with journal.database.connection() as connection:
            await connection.execute("update egisz.pgqueuer set execute_after = now() - interval '1 hour'")
            await connection.execute("update egisz.submission set state = 'dead'")
        await journal.close()

    queue = Text("очередь", "queue")
    assert marks(storage.database, safe, queue) == [OK]
    asyncio.run(stuck())
    assert marks(storage.database, safe, queue) == [WARNING, WARNING]

    async def dropped() -> None:
        journal = await Journal.open(safe)
        async with journal.database.connection() as connection:
            await connection.execute("""update egisz.submission set error = '{"class": "operator"}'""")
        await journal.close()

    asyncio.run(dropped())
    assert marks(storage.database, safe, queue) == [WARNING], "what was dropped waits for nobody"


# -- content ------------------------------------------------------------------------------------------


def test_organisations(bare: Settings) -> None:
    assert marks(content.organisations, bare) == [WARNING]
    bare.organisations_dir.mkdir(parents=True)
    text = f"oid: {OID}\nmis: {{number: 1, instance: 50}}\nzone: '+0300'\n"
    (bare.organisations_dir / f"{OID}.yaml").write_text(text)
    assert [line.mark for line in looked(content.organisations, bare)] == [OK]
    (bare.organisations_dir / "1.2.643.1.yaml").write_text(text)
    assert sorted(line.mark for line in looked(content.organisations, bare)) == [ERROR, OK]


@pytest.mark.packs
def test_packs(packs_source: Path, bare: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert marks(content.packs, bare) == [OK, WARNING]
    pack = PackStore(bare.packs_dir).install(packs_source / "204")[0]
    lines = looked(content.packs, bare)
    assert [line.mark for line in lines] == [OK, WARNING]
    assert lines[0].said.en.startswith("installed: 1 of ")
    rules = pack.schematrons[0]
    rules.write_bytes(rules.read_bytes() + b"\n")
    assert marks(content.packs, bare) == [OK, WARNING, ERROR]


@pytest.mark.books
def test_books(nsi_source: Path, bare: Settings) -> None:
    from adapter.nsi.importer import import_folder

    assert marks(content.books, bare) == [WARNING]
    import_folder(nsi_source, bare.nsi_dir)
    assert marks(content.books, bare) == [OK]


def test_signing_keys(bare: Settings, tmp_path: Path) -> None:
    assert marks(content.signing, bare) == [WARNING]
    path = make_keyring(tmp_path / "keys", "rsa", [SNILS], organisation=OID, ogrn=OGRN)
    lines = looked(content.signing, bare.model_copy(update={"signing": path}))
    assert {line.mark for line in lines} == {WARNING}, "RSA is for stands only"
    (tmp_path / "keys" / "person-1.key").unlink()
    lines = looked(content.signing, bare.model_copy(update={"signing": path}))
    assert {line.mark for line in lines if "person-1" in line.part.en} == {WARNING, ERROR}
    (tmp_path / "keys" / "person-1.crt").write_text("")
    lines = looked(content.signing, bare.model_copy(update={"signing": path}))
    assert {line.mark for line in lines if "person-1" in line.part.en} == {ERROR}


def test_a_signing_key_that_is_well(bare: Settings, tmp_path: Path) -> None:
    from tests.signing import need

    need("gost2012-256")
    path = make_keyring(tmp_path / "keys", "gost2012-256", [SNILS], organisation=OID, ogrn=OGRN)
    assert set(marks(content.signing, bare.model_copy(update={"signing": path}))) == {OK}


def test_a_certificate_near_its_end(bare: Settings, tmp_path: Path) -> None:
    last = datetime.now(UTC) + timedelta(days=3)
    pair = Pair(tmp_path, "rsa", Subject("Тест", snils=SNILS), last=last)
    path = tmp_path / "signing.yaml"
    path.write_text(
        f'keys:\n  - {{name: one, method: rsa, certificate: {pair.file}, key: {pair.key}, person: "{SNILS}"}}\n'
    )
    said = [line.said.en for line in looked(content.signing, bare.model_copy(update={"signing": path}))]
    assert any(text.startswith("The certificate expires, days left: ") for text in said)


def test_a_file_of_keys_that_is_wrong_is_one_line(bare: Settings) -> None:
    bare.data.mkdir()
    bare.signing_file.write_text("keys: 7\n")
    assert [line.mark for line in examined(bare) if line.part == content.SIGNING] == [ERROR]
    assert network.REMD in {line.part for line in examined(bare)}, "the others are looked at nevertheless"


# -- РЭМД ---------------------------------------------------------------------------------------------


@pytest.fixture
def remd() -> Iterator[Callable[[Settings, float], list[Line]]]:
    """Looks at a РЭМД on this machine, whose clock is apart from ours."""

    async def look(settings: Settings, apart: float) -> list[Line]:
        async def answer(_request: web.Request) -> web.Response:
            date = format_datetime(datetime.now(UTC) + timedelta(seconds=apart), usegmt=True)
            return web.Response(status=405, headers={"Date": date})

        app = web.Application()
        app.router.add_get("/", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        made = settings.model_copy(update={"remd_url": f"http://127.0.0.1:{port}/"})
        try:
            return [line async for line in network.endpoints(made)]
        finally:
            await runner.cleanup()

    yield lambda settings, apart: asyncio.run(look(settings, apart))


@pytest.fixture
def known(bare: Settings) -> Settings:
    return bare.model_copy(update={"remd_client_id": "c", "remd_reply_to": "https://clinic.example/ips/emdr"})


def test_remd_that_answers(remd: Any, known: Settings) -> None:
    assert [line.mark for line in remd(known, 0)] == [OK, OK, OK]


def test_remd_with_another_clock(remd: Any, known: Settings) -> None:
    assert [line.mark for line in remd(known, 1000)] == [OK, ERROR, OK]


def test_remd_that_cannot_answer_us(remd: Any, bare: Settings) -> None:
    assert [line.mark for line in remd(bare, 0)] == [OK, OK, ERROR, ERROR]


def test_remd_that_is_not_there(known: Settings) -> None:
    assert marks(network.endpoints, known) == [WARNING]
    away = known.model_copy(update={"remd_url": "http://127.0.0.1:1/"})
    assert marks(network.endpoints, away) == [ERROR, OK]


def test_remd_far_away_whose_messages_nobody_vouches_for(known: Settings, tmp_path: Path) -> None:
    far = known.model_copy(update={"remd_url": "http://nowhere.invalid/"})
    assert marks(network.endpoints, far) == [ERROR, WARNING]
    trusting = far.model_copy(update={"callback_trust": tmp_path / "ips.pem"})
    assert marks(network.endpoints, trusting) == [ERROR, OK]


def test_a_proxy_on_this_machine_behind_which_anybody_is_believed(remd: Any, known: Settings) -> None:
    public = known.model_copy(update={"base_url": "https://clinic.example"})
    assert [line.mark for line in remd(public, 0)] == [OK, OK, ERROR, OK]
    closed = public.model_copy(update={"callback_networks": ""})
    assert [line.mark for line in remd(closed, 0)] == [OK, OK, OK]


# -- all together -------------------------------------------------------------------------------------


def test_a_new_installation_has_no_errors_and_nothing_is_made(bare: Settings) -> None:
    lines = examined(bare)
    assert ERROR not in {line.mark for line in lines}
    assert {line.part for line in lines} >= set(CHECKS.values())
    assert not bare.data.exists()
