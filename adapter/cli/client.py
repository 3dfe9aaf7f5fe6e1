"""``egisz client``: who may call the service, and for which organisations."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import orjson
import typer

from adapter.cli.output import Format, print_json, say
from adapter.errors import UsageError
from adapter.findings import Text
from adapter.settings import settings

if TYPE_CHECKING:
    from adapter.api.clients import StoredClients

app = typer.Typer(
    name="client",
    help="Кто может обращаться к службе / who may call the service.",
    no_args_is_help=True,
)
Result = TypeVar("Result")
#: What a sender needs, and no more.
DEFAULT_SCOPES = ("system/Bundle.c", "system/Task.r", "system/DocumentReference.rs", "system/Binary.r")


@app.command()
def add(
    client: Annotated[str, typer.Argument(metavar="ID", help="имя клиента / name of the client")],
    *,
    organisation: Annotated[
        list[str],
        typer.Option("--organisation", metavar="OID", help="OID в ФРМО; можно несколько / repeatable"),
    ],
    key: Annotated[
        list[Path] | None,
        typer.Option(
            "--key", exists=True, dir_okay=False, help="открытый ключ, JWK, JWK Set или PEM / public key; repeatable"
        ),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", exists=True, dir_okay=False, help="сертификат для mTLS, PEM / for mTLS, PEM"),
    ] = None,
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="области, по умолчанию отправителя / default: a sender's")
    ] = None,
) -> None:
    """Завести клиента или изменить его / register a client, or change one."""
    from adapter.api.scopes import parse_scopes

    scopes = scope or list(DEFAULT_SCOPES)
    if wrong := sorted(set(scopes) - parse_scopes(scopes).granted):
        raise UsageError(Text(f"неизвестная область: {wrong[0]}", f"no such scope: {wrong[0]}"))
    if not key and certificate is None:
        raise UsageError(Text("нужен --key или --certificate", "--key or --certificate is needed"))
    keys = {"keys": [one for path in key or () for one in _public_keys(path)]}
    fingerprint = _fingerprint(certificate) if certificate else None
    _with_clients(lambda clients: clients.add(client, organisation, keys, scopes, fingerprint))
    typer.echo(say(f"Клиент {client}: ключей {len(keys['keys'])}.", f"Client {client}: {len(keys['keys'])} keys."))


@app.command("ls")
def list_clients(
    output_format: Annotated[Format, typer.Option("--format", help="text or json")] = Format.TEXT,
) -> None:
    """Показать клиентов / list the clients."""
    rows = _with_clients(lambda clients: clients.all())
    listed = [
        {
            "id": row["id"],
            "organisations": row["organisations"],
            "scopes": row["scopes"],
            "keys": len(orjson.loads(row["keys"])["keys"]),
            "certificate": row["certificate"] is not None,
            "disabled": row["disabled_at"] is not None,
        }
        for row in rows
    ]
    if output_format is Format.JSON:
        print_json(listed)
        return
    for one in listed:
        state = say("отключён", "disabled") if one["disabled"] else say("действует", "active")
        proof = f"{one['keys']} JWK" + (" + mTLS" if one["certificate"] else "")
        typer.echo(f"{one['id']}  {state}  {proof}  {', '.join(one['organisations'])}  {' '.join(one['scopes'])}")


@app.command()
def disable(client: Annotated[str, typer.Argument(metavar="ID", help="имя клиента / name of the client")]) -> None:
    """Отключить клиента; действует в течение пяти секунд / let a client in no more; within five seconds."""
    if not _with_clients(lambda clients: clients.disable(client)):
        raise UsageError(Text(f"нет действующего клиента {client}", f"there is no active client {client}"))


@app.command()
def webhook(
    client: Annotated[str, typer.Argument(metavar="ID", help="имя клиента / name of the client")],
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="куда сообщать; без неё — никуда / where to; none: nowhere"),
    ] = None,
) -> None:
    """Сообщать клиенту об итогах его документов / tell a client of the final states of its documents.

    Выводит новый секрет, которым подписаны сообщения; второй раз его не узнать.
    Prints a new secret that signs the messages; it is not shown again.
    """
    import secrets

    from adapter.pipeline import Journal
    from adapter.pipeline.webhooks import set_webhook

    if url is not None and not url.startswith(("https://", "http://")):
        raise UsageError(Text("ожидается адрес http(s)", "an address of http(s) is expected"))
    secret = secrets.token_urlsafe(32)

    async def run() -> None:
        journal = await Journal.open(settings(), connections=2)
        try:
            await set_webhook(journal, client, url, secret.encode())
        finally:
            await journal.close()

    asyncio.run(run())
    if url is not None:
        typer.echo(secret)


def _with_clients(work: Callable[[StoredClients], Awaitable[Result]]) -> Result:
    from adapter.api.clients import StoredClients
    from adapter.pipeline.database import Database

    async def run() -> Result:
        async with Database.opened(settings()) as database:
            return await work(StoredClients(database))

    return asyncio.run(run())


def _public_keys(path: Path) -> list[dict[str, Any]]:
    """Keys of a file as JWK, without their private parts should there be any.

    Raises:
        UsageError: no public key for an algorithm of SMART.
    """
    import jwt
    from cryptography.hazmat.primitives import serialization

    data = path.read_bytes()
    try:
        if b"-----BEGIN" in data:
            found = [serialization.load_pem_public_key(data)]
        else:
            value = orjson.loads(data)
            found = [jwt.PyJWK.from_dict(one).key for one in value.get("keys", [value])]
    except (ValueError, TypeError, AttributeError, jwt.PyJWTError):
        raise UsageError(Text(f"не открытый ключ: {path}", f"not a public key: {path}")) from None
    return [_jwk(key.public_key() if hasattr(key, "public_key") else key) for key in found]


def _jwk(key: Any) -> dict[str, Any]:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

    if isinstance(key, rsa.RSAPublicKey):
        return RSAAlgorithm.to_jwk(key, as_dict=True)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return ECAlgorithm.to_jwk(key, as_dict=True)
    return OKPAlgorithm.to_jwk(key, as_dict=True)


def _fingerprint(path: Path) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(hashes.SHA256()).hex()
    except ValueError:
        raise UsageError(Text(f"не сертификат PEM: {path}", f"not a PEM certificate: {path}")) from None
