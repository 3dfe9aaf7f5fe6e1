"""``egisz send``: messages of registers of a Bundle to their services, at once and without the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adapter.cli.output import Format, print_json, say, write_file
from adapter.errors import UsageError
from adapter.findings import Severity, Text
from adapter.settings import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapter.convert import Converter
    from adapter.fhir import Reading
    from adapter.registers.contacts import Contacts
    from adapter.registers.messages import Message
    from adapter.registers.sending import Make, Sent
    from adapter.registers.services import Services
    from adapter.signing.port import Signer


def send(
    bundle: Annotated[
        Path, typer.Argument(metavar="BUNDLE", exists=True, dir_okay=False, help="Bundle, JSON или XML / JSON or XML")
    ],
    *,
    product: Annotated[
        list[str] | None,
        typer.Option(
            "--product", metavar="N", help="какое, можно несколько; иначе по маршрутам / which; else by routes"
        ),
    ] = None,
    to: Annotated[
        str, typer.Option("--to", metavar="URL", help="адрес вместо указанного в services / instead of services")
    ] = "",
    number: Annotated[
        str, typer.Option("--number", help="номер записи в регистре (УНРЗ) / number of the record in the register")
    ] = "",
    exchange: Annotated[
        Path | None,
        typer.Option(
            "--exchange", metavar="DIR", file_okay=False, help="записать запросы и ответы / write requests and answers"
        ),
    ] = None,
    org: Annotated[
        Path | None, typer.Option("--org", exists=True, dir_okay=False, help="настройки организации / organisation")
    ] = None,
    catalogue: Annotated[
        Path | None, typer.Option("--catalogue", exists=True, file_okay=False, help="своя папка поверх / overlay")
    ] = None,
    fhir_version: Annotated[
        str | None,
        typer.Option("--fhir-version", metavar="R4|R4B|R5", help="вместо определения / instead of detecting"),
    ] = None,
    output_format: Annotated[
        Format, typer.Option("--format", "-f", help="вид ответа / form of the answer")
    ] = Format.TEXT,
) -> None:
    """Отправить сообщения регистров сразу, без журнала / send messages of registers at once, without the journal.

    Для пробы и отладки: повторы, очерёдность и учёт — дело службы (egisz serve). Номер, который дал регистр, служит
    следующим сообщениям того же вызова. Коды возврата: 0 всё принято, 1 есть ошибки, 2 неверный вызов, 3 среда.
    """
    from adapter.bulk import Setup, make_converter
    from adapter.catalogue import Catalogue
    from adapter.fhir import FhirLimits, read_file
    from adapter.registers.contacts import read_contacts
    from adapter.registers.services import Services

    files = Catalogue(catalogue or settings().catalogue)
    services = Services.load(files)
    converter = make_converter(Setup(catalogue, org, FhirLimits.configured(), fhir_version))
    if not product:
        converter, product = _by_routes(converter, services)
    elif unknown := [one for one in product if services.of(one) is None]:
        known = ", ".join(services.by_product)
        raise UsageError(
            Text(f"это не сообщения: {unknown}; есть: {known}", f"no messages: {unknown}; there are: {known}")
        )
    path = org or files.file("mappings/organisation.yaml")
    contacts = _reached(read_contacts(path, services), services, to)
    sent: list[Sent] = []
    for reading in read_file(bundle, version=fhir_version, limits=FhirLimits.configured()):

        def make(one: str, known: Mapping[str, str], reading: Reading = reading) -> Sequence[Message]:
            return converter.convert(reading, products=(one,), records=known).messages

        sent += asyncio.run(_send(make, product, services, contacts, converter.organisation.oid, number))
    if exchange is not None:
        _write_exchange(exchange, sent)
    if output_format is Format.JSON:
        print_json([_entry(one) for one in sent])
    else:
        _table(sent)
    if not sent or not all(one.ok for one in sent):
        raise typer.Exit(1)


def _reached(contacts: Contacts, services: Services, to: str) -> Contacts:
    """The contacts of the organisation, all of them at another address where one is given."""
    from adapter.registers.contacts import Contact, Contacts

    if not to:
        return contacts
    if not to.startswith(("http://", "https://")):
        raise UsageError(Text("--to: нужен адрес http(s)", "--to: an address of http(s) is needed"))
    there = Contact(url=to)
    found = {
        name: contacts.by_service.get(name, there).model_copy(update={"url": to, "urls": {}, "folder": ""})
        for name in services.by_id
    }
    return Contacts(found, contacts.folder)


def _by_routes(converter: Converter, services: Services) -> tuple[Converter, list[str]]:
    """What the routes of the organisation make of messages, and a converter that makes nothing besides."""
    from dataclasses import replace

    organisation, routes = converter.organisation, converter.mappings.routes
    wanted = [one for route in routes for one in organisation.products(route) if services.of(one) is not None]
    if not wanted:
        raise UsageError(
            Text(
                "маршруты организации не создают сообщений: дайте --product или включите их в routes",
                "the routes of the organisation make no messages: give --product, or switch them on in routes",
            )
        )
    # A message that is asked for is made by a route that is off, too, unless the organisation says that it is.
    off = {route.id: None for route in routes if not organisation.products(route)}
    return converter.sent_by(replace(organisation, routes={**organisation.routes, **off})), wanted


async def _send(
    make: Make, products: Sequence[str], services: Services, contacts: Contacts, organisation: str, number: str
) -> list[Sent]:
    from adapter.registers.delivery import RegisterDelivery
    from adapter.registers.sending import Sender
    from adapter.transport.http import AioHttp

    async with AioHttp(timeout=settings().http_timeout) as http:
        delivery = RegisterDelivery(services, lambda _: contacts, http, _signer)
        sender = Sender(make, delivery, services, organisation, number)
        return [one async for one in sender.send(products)]


def _signer() -> Signer | None:
    from adapter.signing import Keyring

    config = settings()
    return Keyring.load(config.signing_file, libcrypto=config.libcrypto, openssl=config.openssl).transport()


def _write_exchange(folder: Path, sent: list[Sent]) -> None:
    """Requests as they went, but for tokens, and the answers."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, one in enumerate(sent, 1):
        if one.delivered is not None:
            name = f"{place:02}-{one.message.product}"
            write_file(folder / f"{name}.request.txt", one.delivered.request)
            write_file(folder / f"{name}.answer.txt", one.delivered.response)


def _why(one: Sent) -> Text | None:
    if one.delivered is not None and one.delivered.verdict is not None:
        return one.delivered.verdict.advice
    return one.problem


def _entry(one: Sent) -> dict[str, Any]:
    why = _why(one)
    return {
        "product": one.message.product,
        "focus": one.message.focus,
        "operation": one.message.operation,
        "ok": one.ok,
        "number": one.number,
        "codes": list(one.delivered.verdict.codes) if one.delivered and one.delivered.verdict else [],
        "text": why._asdict() if why else None,
        "findings": [
            {"code": each.code, "severity": each.severity, "rule": each.rule, "message": each.message._asdict()}
            for each in one.message.findings
        ],
    }


def _table(sent: list[Sent]) -> None:
    if not sent:
        typer.echo(say("нет сообщений", "no messages"))
    for one in sent:
        number = f"  № {one.number}" if one.number else ""
        typer.echo(f"{'OK' if one.ok else '!!'}  {one.message.product}  {one.message.operation}{number}")
        why = _why(one)
        if why is not None:
            typer.echo(f"      {why.get(settings().lang)}")
        for each in one.message.findings:
            if each.severity is Severity.ERROR:
                message = each.message.get(settings().lang)
                typer.echo(f"      {each.code} {message} [{each.rule}] {each.place.fhirpath}".rstrip())
