"""Delivery of messages to services of registers: one way each for REST, SOAP and files; what differs else is data.

A register answers at once. Where no answer came nobody knows whether it has the message: it is sent once more, and
"the record is there" then gives the number that was missed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode, urlsplit
from uuid import UUID

from lxml import etree

from adapter import xml
from adapter.cache import write_whole
from adapter.errors import EnvironmentProblem, SigningError, UsageError
from adapter.findings import Text
from adapter.registers.answers import Said, number_in, said
from adapter.registers.contacts import Contact, Contacts
from adapter.registers.services import Operation, Question, Service, Services
from adapter.registers.tokens import jwt
from adapter.signing.port import Signer
from adapter.transport.envelope import CONTENT_TYPE, SOAP11
from adapter.transport.errors import ErrorClass, Verdict
from adapter.transport.http import AnyHttp, HttpAnswer

_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_]+)\}")
_BREAK: Final = b"\n\n"
_THERE: Final = Text(
    "Запись уже есть; её номер принят, отправляется изменение.",
    "The record is there; its number is taken over, a change is sent.",
)


@dataclass(frozen=True, slots=True, repr=False)
class Outgoing:
    """A message to be delivered (:class:`adapter.registers.messages.Message`).

    Attributes:
        organisation: OID of the sender.
        number: of its record, that it was made with.
    """

    product: str
    operation: str
    key: Mapping[str, str]
    id: str
    name: str
    data: bytes
    organisation: str
    number: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Delivered:
    """What became of a message.

    Attributes:
        ok: the register has it.
        number: of its record, that the register gave or told of.
        change: the record was there: the message is to be made anew with ``number`` and sent as a change.
        verdict: why not, or in which words it was there already.
        request, response: the exchange, without secrets.
    """

    ok: bool
    number: str | None
    change: bool
    verdict: Verdict | None
    request: bytes
    response: bytes


class RegisterDelivery:
    """Delivers messages.

    Args:
        services: of the catalogue.
        contacts: of an organisation, by its OID; may raise :class:`~adapter.errors.UsageError`.
        http: sends requests.
        signer: the key of our system, for tokens that are signed.
    """

    def __init__(
        self,
        services: Services,
        contacts: Callable[[str], Contacts],
        http: AnyHttp,
        signer: Callable[[], Signer | None] = lambda: None,
    ) -> None:
        self._services, self._contacts, self._http, self._signer = services, contacts, http, signer

    async def deliver(self, message: Outgoing, *, message_id: UUID, at: datetime) -> Delivered:
        """Deliver one.

        Args:
            message_id: of the attempt, sent as ``X-Request-ID``.
            at: the time of tokens.

        Raises:
            TransportFailed: no answer came: nobody knows whether it was taken.
            UsageError: the organisation has no address of the service, or the operation is unknown.
            SigningError: the token cannot be made.
        """
        service = self._services.of(message.product)
        if service is None:
            raise UsageError(Text(f"нет службы для {message.product}", f"no service takes {message.product}"))
        contacts = self._contacts(message.organisation)
        contact = contacts.of(service.id)
        if contact is None:
            raise UsageError(
                Text(
                    f"в настройках организации нет адреса службы {service.id} (services)",
                    f"the organisation's file has no address of the service {service.id} (services)",
                )
            )
        operation = service.operations.get(message.operation)
        if operation is None:
            raise UsageError(
                Text(f"у службы {service.id} нет такой операции", f"the service {service.id} has no such operation")
            )
        if contact.folder:
            return await asyncio.to_thread(_laid_down, message, operation, contacts, contact)
        return await _Exchange(self._http, self._signer, service, operation, message, contacts, contact).run(
            message_id, at
        )


@dataclass(slots=True)
class _Exchange:
    """One delivery over HTTP."""

    http: AnyHttp
    signer: Callable[[], Signer | None]
    service: Service
    operation: Operation
    message: Outgoing
    contacts: Contacts
    contact: Contact
    requests: list[bytes] = field(default_factory=list)
    responses: list[bytes] = field(default_factory=list)
    secret: str = ""

    async def run(self, message_id: UUID, at: datetime) -> Delivered:
        headers = await self._headers(message_id, at)
        if self.operation.before is not None:
            number, answer = await self._ask(self.operation.before, headers)
            if number is not None:
                return self._done(Said(False, number, Verdict(ErrorClass.DONE, _THERE), change=True))
            if answer.status >= 500 or answer.status in {401, 403, 408, 429}:
                # Whether it is there is not known: nothing is made twice.
                return self._done(said(self.service, self.message.operation, answer, None))
        answer = await self._send(headers)
        what = said(self.service, self.message.operation, answer, self.operation.number)
        if what.taken and self.operation.after is not None:
            number, _ = await self._ask(self.operation.after, headers)
            what = Said(True, number or what.number, what.verdict)
        return self._done(what)

    def _done(self, what: Said) -> Delivered:
        return Delivered(
            what.taken, what.number, what.change, what.verdict, _BREAK.join(self.requests), _BREAK.join(self.responses)
        )

    async def _headers(self, message_id: UUID, at: datetime) -> dict[str, str]:
        headers = {"X-Request-ID": str(message_id)}
        secret = self.contact.token or self.contact.guid
        if secret is not None:
            self.secret = await asyncio.to_thread(secret.read, self.contacts.folder)
        elif self.contact.jwt is not None:
            self.secret = await asyncio.to_thread(self._jwt, at)
        if self.secret and self.contact.guid is None:
            headers["Authorization"] = f"Bearer {self.secret}"
        return headers

    def _jwt(self, at: datetime) -> str:
        signer, wanted = self.signer(), self.contact.jwt
        assert wanted is not None, "asked for where there is one"
        if signer is None:
            raise SigningError(
                Text("нет ключа системы (transport) для JWT", "there is no key of the system (transport) for a JWT"),
                "permanent",
            )
        address = urlsplit(self.contact.address(self._endpoint))
        audience = wanted.audience or f"{address.scheme}://{address.netloc}"
        return jwt(wanted.system, audience, signer, at=at, life=timedelta(minutes=wanted.minutes))

    @property
    def _endpoint(self) -> str:
        return self.service.products[self.message.product].endpoint

    async def _send(self, headers: Mapping[str, str]) -> HttpAnswer:
        if self.service.form == "soap":
            action = f'"{self.operation.action}"'
            headers = {**headers, "Content-Type": CONTENT_TYPE[SOAP11], "SOAPAction": action}
            url = self.contact.address(self._endpoint)
            return await self._request("POST", url, _envelope(self.message.data, self.secret), headers)
        kind = "application/json" if self.service.form == "rest" else "application/xml"
        method, path = self._call()
        url = self._url(path)
        return await self._request(method, url, self.message.data, {**headers, "Content-Type": kind})

    async def _ask(self, question: Question, headers: Mapping[str, str]) -> tuple[str | None, HttpAnswer]:
        """The number of the record, ``None`` where it is not there."""
        answer = await self._request("GET", self._url(question.path or self._call()[1]), None, headers)
        return (number_in(answer, question.number) if 200 <= answer.status < 300 else None), answer

    def _call(self) -> tuple[str, str]:
        """Method and path; by default the name of the operation has them."""
        method, _, path = self.message.operation.partition(" ")
        return self.operation.method or method, self.operation.path or path

    def _url(self, path: str) -> str:
        key = self.message.key

        def part(match: re.Match[str]) -> str:
            if not key.get(match.group(1)):
                raise UsageError(
                    Text(
                        f"нет «{match.group(1)}» для адреса {self.service.id}",
                        f"«{match.group(1)}» is missing for the address of {self.service.id}",
                    )
                )
            return quote(key[match.group(1)], safe="")

        url = f"{self.contact.address(self._endpoint)}/{_PLACEHOLDER.sub(part, path)}"
        if not self.service.parameters:
            return url
        given = {name: value for name, value in key.items() if value and name != "record"}
        return f"{url}?{urlencode(given)}" if given else url

    async def _request(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> HttpAnswer:
        # What is kept has the message as it was made: neither the token nor the guid.
        told = b"" if body is None else self.message.data
        asked = urlsplit(url)._replace(scheme="", netloc="").geturl()
        self.requests.append(f"{method} {asked}\n\n".encode() + told)
        answer = await self.http.request(method, url, body, {"Accept": "*/*", **headers})
        kept = f"{answer.status} {answer.content_type}\n\n".encode() + answer.body
        # An answer may quote the request.
        self.responses.append(kept.replace(self.secret.encode(), b"***") if self.secret else kept)
        return answer


def _envelope(data: bytes, guid: str) -> bytes:
    """A message of SOAP 1.1; ``guid`` is the first element of the operation, in its namespace."""
    element = xml.parse(data).getroot()
    if guid:
        token = etree.Element(f"{{{etree.QName(element).namespace}}}guid")
        token.text = guid
        element.insert(0, token)
    root = etree.Element(f"{{{SOAP11}}}Envelope", nsmap={"soap": SOAP11})
    etree.SubElement(root, f"{{{SOAP11}}}Body").append(element)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _laid_down(message: Outgoing, operation: Operation, contacts: Contacts, contact: Contact) -> Delivered:
    """A file for the upload; it counts as sent, its number is not known."""
    path = contacts.folder / contact.folder / message.name
    try:
        write_whole(path, message.data)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise EnvironmentProblem(Text(f"файл не записан: {reason}", f"the file is not written: {reason}")) from error
    number = operation.number.constant if operation.number and operation.number.constant else None
    return Delivered(True, number, False, None, f"FILE {message.name}".encode(), b"")
