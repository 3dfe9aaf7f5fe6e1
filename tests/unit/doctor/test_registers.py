"""What the doctor says of the services of registers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapter.doctor import Line, Mark
from adapter.doctor.registers import services
from adapter.settings import Settings
from tests.signing import Pair, need

OK, ERROR = Mark.OK, Mark.ERROR
OID = "1.2.643.5.1.13.13.12.2.77.99999"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(data=tmp_path / "data")
    made.organisations_dir.mkdir(parents=True)
    (made.organisations_dir / "token").write_text("secret", "utf-8")
    (made.organisations_dir / "empty").write_text("", "utf-8")
    return made


def looked(settings: Settings, configured: str) -> list[Line]:
    """Look at an organisation whose services are at ``HOST``."""

    async def lines() -> list[Line]:
        async with TestServer(web.Application()) as server:
            text = configured.replace("HOST", str(server.make_url("/r")))
            (settings.organisations_dir / f"{OID}.yaml").write_text(f"oid: {OID}\nservices: {text}\n", "utf-8")
            return [line async for line in services(settings)]

    found = asyncio.run(lines())
    assert all(line.hint.ru and line.hint.en for line in found if line.mark is not OK)
    return found


def marks(settings: Settings, configured: str) -> list[Mark]:
    return [line.mark for line in looked(settings, configured)]


def test_nothing_is_configured(settings: Settings) -> None:
    (line,) = looked(settings, "{}")
    assert (line.mark, line.said.en) == (OK, "none is configured")


def test_a_service_that_answers(settings: Settings) -> None:
    (line,) = looked(settings, "{vaccination-register: {url: 'HOST', token: {file: token}}}")
    assert (line.mark, line.said.en, line.part.en) == (OK, "answers (HTTP 404)", f"vaccination-register, {OID}")


def test_each_address_is_asked_once(settings: Settings) -> None:
    assert marks(settings, "{n3: {urls: {pix: 'HOST/pix', emk: 'HOST/emk'}, guid: {file: token}}}") == [OK, OK]
    assert marks(settings, "{n3: {urls: {pix: 'HOST', emk: 'HOST'}, guid: {file: token}}}") == [OK]


def test_nobody_answers(settings: Settings) -> None:
    assert marks(settings, "{vaccination-register: {url: 'http://127.0.0.1:9', token: {file: token}}}") == [ERROR]


@pytest.mark.parametrize("secret", ["nowhere", "empty"])
def test_a_secret_that_is_not_there(settings: Settings, secret: str) -> None:
    found = looked(settings, f"{{vaccination-register: {{url: 'HOST', token: {{file: {secret}}}}}}}")
    assert [line.mark for line in found] == [ERROR, OK]


def test_a_wrong_part_is_told_and_the_others_are_looked_at(settings: Settings) -> None:
    (settings.organisations_dir / "0.yaml").write_text("services: {nowhere: {}}\n", "utf-8")
    assert marks(settings, "{vaccination-register: {url: 'HOST', token: {file: token}}}") == [ERROR, OK]


def test_a_token_that_is_made_needs_the_key_of_the_system(settings: Settings) -> None:
    need("rsa")
    configured = "{frmr: {url: 'HOST', jwt: {system: s}}}"
    keys = settings.signing_file
    keys.parent.mkdir(parents=True, exist_ok=True)
    Pair(keys.parent, "rsa", stem="system")
    entry = "keys: [{name: s, method: rsa, certificate: system.crt, key: system.key, ROLE}]\n"
    keys.write_text(entry.replace("ROLE", f"organisation: {OID}"), "utf-8")
    found = looked(settings, configured)
    assert [line.mark for line in found] == [ERROR, OK]
    assert "no key of the system" in found[0].said.en
    keys.write_text(entry.replace("ROLE", "transport: true"), "utf-8")
    assert marks(settings, configured) == [OK]


def test_folders(settings: Settings) -> None:
    assert marks(settings, "{vzn: {folder: out/vzn}}") == [OK]
    assert marks(settings, "{vzn: {folder: token}}") == [ERROR]
