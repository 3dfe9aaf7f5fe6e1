"""``egisz client|audit|doctor`` on a real database, as an operator calls them."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from adapter.api.access import Access
from adapter.api.clients import StoredClients
from adapter.cli import app
from adapter.errors import UsageError
from adapter.pipeline import Journal
from adapter.pipeline.audit import Audit, Head
from adapter.pipeline.database import Database
from adapter.settings import Settings, settings
from tests.signing import Pair

OID = "1.2.643.5.1.13.13.12.2.77.99999"
HEAVY = ("fastapi", "uvicorn", "asyncpg", "pgqueuer", "zeep", "aiohttp", "jwt", "cryptography", "prometheus_client")
Egisz = Callable[..., Result]


@pytest.fixture
def egisz(service: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Egisz]:
    """Runs the command line on a database of this test alone."""
    assert service.database_url is not None and service.keys is not None
    monkeypatch.setenv("EGISZ_DATABASE_URL", service.database_url.get_secret_value())
    monkeypatch.setenv("EGISZ_KEYS", service.keys.get_secret_value())
    monkeypatch.setenv("EGISZ_LANG", "en")
    settings.cache_clear()
    yield lambda *arguments: CliRunner().invoke(app, list(map(str, arguments)))
    settings.cache_clear()


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_command_line_starts_without_the_service() -> None:
    program = f"import sys, adapter.cli; print(sorted({{*{HEAVY}, 'adapter.cli.serve'}} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    assert told.stdout.strip() == "[]"


def test_commands_of_the_service_are_there() -> None:
    told = CliRunner().invoke(app, ["--help"]).stdout
    for name in ("serve", "worker", "stand", "doctor", "support-bundle", "outbox", "client", "audit"):
        assert re.search(rf"^\W*{name} ", told, re.MULTILINE), name
        assert f"egisz {name}" in CliRunner().invoke(app, [name, "-h"], prog_name="egisz").stdout
    assert CliRunner().invoke(app, ["nothing"]).exit_code == 2


# -- client -------------------------------------------------------------------------------------------


def public(key: Any) -> bytes:
    made: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return made


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (rsa.generate_private_key(65537, 2048), "RS384"),
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
    ],
)
def test_a_client_that_is_added_gets_a_token(
    egisz: Egisz, service: Settings, tmp_path: Path, key: Any, algorithm: str
) -> None:
    file = tmp_path / "mis.pem"
    file.write_bytes(public(key))
    done(egisz("client", "add", "mis", "--organisation", OID, "--key", file))
    assert asyncio.run(_token(service, key, algorithm))["scope"] == "system/Task.r"


async def _token(service: Settings, key: Any, algorithm: str) -> dict[str, Any]:
    import jwt

    from adapter.api.access import ASSERTION_TYPE

    now = datetime.now(UTC)
    claims = {
        "iss": "mis",
        "sub": "mis",
        "aud": "https://c/auth/token",
        "jti": algorithm,
        "exp": int(now.timestamp()) + 100,
    }
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": jwt.encode(claims, key, algorithm=algorithm),
        "scope": "system/Task.r",
    }
    database = await Database.open(service)
    try:
        return await Access(StoredClients(database), b"s" * 32, "https://c/auth/token").token(form, now=now)
    finally:
        await database.close()


def test_a_client_with_keys_of_several_kinds(egisz: Egisz, service: Settings, tmp_path: Path) -> None:
    keys = [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())]
    arguments: list[Any] = []
    for number, key in enumerate(keys):
        (tmp_path / f"{number}.pem").write_bytes(public(key))
        arguments += ["--key", tmp_path / f"{number}.pem"]
    done(egisz("client", "add", "mis", "--organisation", OID, *arguments))
    assert asyncio.run(_token(service, keys[1], "ES384"))
    assert asyncio.run(_token(service, keys[0], "PS384"))


def test_the_private_part_of_a_key_is_left_where_it_is(egisz: Egisz, service: Settings, tmp_path: Path) -> None:
    from jwt.algorithms import ECAlgorithm

    key = ec.generate_private_key(ec.SECP384R1())
    file = tmp_path / "mis.jwk"
    file.write_text(json.dumps({"keys": [json.loads(ECAlgorithm.to_jwk(key))]}))
    assert '"d"' in file.read_text()
    done(egisz("client", "add", "mis", "--organisation", OID, "--key", file))

    async def kept() -> dict[str, Any]:
        database = await Database.open(service)
        try:
            client = await StoredClients(database).find("mis")
        finally:
            await database.close()
        assert client is not None
        return dict(client.keys)

    (stored,) = asyncio.run(kept())["keys"]
    assert "d" not in stored and stored["x"]


def test_clients_are_listed_changed_and_disabled(egisz: Egisz, tmp_path: Path) -> None:
    pair = Pair(tmp_path, "rsa")
    done(egisz("client", "add", "mis", "--organisation", OID, "--certificate", pair.file))
    more = ("--organisation", OID, "--organisation", "1.2.643.1", "--scope", "system/Task.r")
    done(egisz("client", "add", "mis", *more, "--certificate", pair.file))
    (one,) = json.loads(done(egisz("client", "ls", "--format", "json")))
    assert one == {
        "id": "mis",
        "organisations": [OID, "1.2.643.1"],
        "scopes": ["system/Task.r"],
        "keys": 0,
        "certificate": True,
        "disabled": False,
    }
    assert done(egisz("client", "ls")).startswith("mis  active  0 JWK + mTLS")
    done(egisz("client", "disable", "mis"))
    assert done(egisz("client", "ls")).startswith("mis  disabled")
    assert isinstance(egisz("client", "disable", "mis").exception, UsageError)


@pytest.mark.parametrize(
    "arguments",
    [("--scope", "system/Nothing.x"), (), ("--key", "README.md"), ("--certificate", "README.md")],
    ids=["scope", "no key", "no public key", "no certificate"],
)
def test_a_client_that_cannot_be(egisz: Egisz, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "README.md").write_text("nothing")
    given = [tmp_path / one if one == "README.md" else one for one in arguments]
    assert isinstance(egisz("client", "add", "mis", "--organisation", OID, *given).exception, UsageError)


def test_a_client_is_told_by_a_webhook(egisz: Egisz, service: Settings, tmp_path: Path) -> None:
    done(egisz("client", "add", "mis", "--organisation", OID, "--certificate", Pair(tmp_path, "rsa").file))
    first = done(egisz("client", "webhook", "mis", "--url", "https://mis.example/hook")).strip()
    second = done(egisz("client", "webhook", "mis", "--url", "https://mis.example/hook")).strip()
    assert len(first) > 30 and first != second
    assert asyncio.run(_webhook(service)) == ("https://mis.example/hook", second.encode())
    assert done(egisz("client", "webhook", "mis")) == ""
    assert asyncio.run(_webhook(service)) == (None, None)
    assert isinstance(egisz("client", "webhook", "nobody", "--url", "https://x").exception, UsageError)
    assert isinstance(egisz("client", "webhook", "mis", "--url", "ftp://x").exception, UsageError)


async def _webhook(service: Settings) -> tuple[str | None, bytes | None]:
    journal = await Journal.open(service)
    try:
        async with journal.database.connection() as connection:
            row = await connection.fetchrow("select webhook_url, webhook_secret from egisz.client where id = 'mis'")
            kept = row["webhook_secret"]
            return row["webhook_url"], kept and await journal.vault.get(connection, kept, "webhook")
    finally:
        await journal.close()


# -- audit --------------------------------------------------------------------------------------------


async def _accesses(service: Settings, count: int, *, seal: bool = True) -> None:
    database = await Database.open(service)
    audit = Audit(database)
    for number in range(count):
        await audit.access("mis", "R", "Task", str(number))
    if seal:
        await audit.seal()
    await database.close()


def test_the_audit_is_verified(egisz: Egisz, service: Settings) -> None:
    asyncio.run(_accesses(service, 3))
    asyncio.run(_accesses(service, 1, seal=False))
    text, head, waits = done(egisz("audit", "verify")).splitlines()
    assert text == "The chain holds: 3 rows."
    assert Head.parse(head).position == 3
    assert waits.startswith("Not chained yet: 1")
    asyncio.run(_accesses(service, 2))
    assert done(egisz("audit", "verify", "--expect", head)).startswith("The chain holds: 6 rows.")
    assert isinstance(egisz("audit", "verify", "--expect", "hello").exception, UsageError)
    never = egisz("audit", "verify", "--expect", f"3:{'00' * 32}")
    assert never.exit_code == 1 and "cut off" in never.stdout


def test_the_audit_is_exported_as_fhir(egisz: Egisz, service: Settings) -> None:
    from fhir.resources.R4B.auditevent import AuditEvent

    async def disclosed() -> None:
        database = await Database.open(service)
        await Audit(database).disclosure("remd", "d-1")
        await database.close()

    asyncio.run(disclosed())
    asyncio.run(_accesses(service, 2))
    events = [AuditEvent.model_validate_json(line) for line in done(egisz("audit", "export")).splitlines()]
    assert [one.entity[0].what.reference for one in events] == ["DocumentReference/d-1", "Task/0", "Task/1"]
    assert [one.type.code for one in events] == ["110106", "rest", "rest"]


# -- doctor -------------------------------------------------------------------------------------------


def test_doctor_tells_and_exits_with_one(egisz: Egisz) -> None:
    """The tests' server runs without fsync, which is an error."""
    told = egisz("doctor", "--format", "json")
    assert told.exit_code == 1
    lines = json.loads(told.stdout)
    assert {line["mark"] for line in lines} == {"ok", "warning", "error"}
    text = egisz("doctor")
    assert text.exit_code == 1
    assert "fsync is off" in text.stdout and "→ Switch fsync on" in text.stdout


def test_doctor_of_a_new_installation_is_content(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EGISZ_DATA", str(tmp_path / "data"))
    settings.cache_clear()
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 0
