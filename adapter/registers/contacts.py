"""How an organisation reaches the services of registers: the part ``services`` of its file. No secret stands there.

::

    services:
      vaccination-register: {url: "https://ips…/vaccine", token: {file: secrets/vaccine}}
      n3: {urls: {pix: "https://…/PixService.svc", emk: "https://…/EMKService.svc"}, guid: {env: N3_GUID}}
      frmr: {url: "https://ips…/frmr", jwt: {system: 0f8f…, audience: "https://ips…"}}
      vzn: {folder: out/vzn}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from adapter.catalogue import Catalogue
from adapter.findings import Text
from adapter.mapping.models import FileModel, validated
from adapter.mapping.yaml import Map, load
from adapter.registers.services import Service, Services
from adapter.signing.config import Secret

Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$")]


class Jwt(FileModel):
    """A token that is made for each request, signed with the key of our system (``transport`` of the keys).

    Attributes:
        system: ``sub``, the id of our system in ЕГИСЗ.
        audience: ``aud``; by default the host of the service.
        minutes: how long it is good.
    """

    system: Annotated[str, Field(min_length=1)]
    audience: str = ""
    minutes: Annotated[int, Field(ge=1, le=60)] = 5


class Contact(FileModel):
    """How one service is reached.

    Attributes:
        url: its address; what an operation has as path is added to it.
        urls: its addresses by the names of the service, where it has several.
        folder: files are laid down there instead of being sent; relative to the file of the organisation.
        token: of a bearer.
        guid: that N3 has given to our system.
        jwt: see there.
        register_name: name of what is behind the address: the journal keeps the numbers of each by itself. To be
            given where the organisation moves to another register of the same service (N3 of another operator).
    """

    url: Url | None = None
    urls: dict[str, Url] = {}  # noqa: RUF012 - pydantic copies it
    folder: str = ""
    token: Secret | None = None
    guid: Secret | None = None
    jwt: Jwt | None = None
    register_name: Annotated[str, Field(alias="register")] = ""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(map(bool, (self.url, self.urls, self.folder))) != 1:
            raise ValueError("needs one of url, urls, folder")
        if sum(one is not None for one in (self.token, self.guid, self.jwt)) > 1:
            raise ValueError("needs at most one of token, guid, jwt")
        return self

    def address(self, endpoint: str) -> str:
        """The address of an endpoint, without a slash at its end; empty for a folder."""
        return (self.urls.get(endpoint) or self.url or "").rstrip("/")

    @property
    def authentication(self) -> str:
        """Which way of authentication it has."""
        return "bearer" if self.token else "guid" if self.guid else "jwt" if self.jwt else "none"


class _Part(FileModel):
    services: dict[str, Contact]


@dataclass(frozen=True, slots=True)
class Contacts:
    """The services that an organisation reaches, by id.

    Attributes:
        folder: of its file: relative paths of secrets and folders begin there.
    """

    by_service: Mapping[str, Contact]
    folder: Path

    def of(self, service: str) -> Contact | None:
        """How a service is reached; ``None``: it is not."""
        return self.by_service.get(service)


def register_of(values: Mapping[str, Any], service: str) -> str:
    """The name of the register that an organisation reaches by a service: of its file, as it was read for mappings."""
    contact = (values.get("services") or {}).get(service) or {}
    return str(contact.get("register") or "")


_NAMES: Final = {field.alias or name for model in (Contact, Jwt, Secret) for name, field in model.model_fields.items()}


def read_contacts(path: Path, services: Services, name: str = "") -> Contacts:
    """Read the part ``services`` of the file of an organisation; without one nothing is reached.

    Raises:
        MappingError: it is wrong, names a service that is not there, or lacks what the service needs.
    """
    raw = load(path, name or str(path))
    part = raw.get("services")
    if part is None:
        return Contacts({}, path.parent)
    if not isinstance(part, Map):
        raise raw.error("services: ожидаются службы", "services: a mapping of services is expected", value="services")
    only = Map(raw.file, raw.spot)
    only["services"], only.spots["services"] = part, raw.spots["services"]
    contacts = validated(only, _Part, names=_NAMES).services
    for key, contact in contacts.items():
        service = services.by_id.get(key)
        if service is None:
            known = ", ".join(services.by_id)
            raise part.error(f"нет службы «{key}»; есть: {known}", f"no service «{key}»; there are: {known}", key=key)
        for problem in _problems(service, contact):
            raise part.error(f"{key}: {problem.ru}", f"{key}: {problem.en}", key=key)
    return Contacts(contacts, path.parent)


def _problems(service: Service, contact: Contact) -> list[Text]:
    found = []
    if contact.folder and service.form != "file":
        found.append(Text("служба не принимает файлы", "the service takes no files"))
    wanted = set(service.endpoints)
    if set(contact.urls) != wanted and not contact.url and not contact.folder:
        names = ", ".join(service.endpoints) or "url"
        found.append(Text(f"нужны адреса: {names}", f"needs the addresses: {names}"))
    if contact.authentication not in service.authentication and not contact.folder:
        names = ", ".join(service.authentication)
        found.append(Text(f"способ входа не подходит: {names}", f"another way of authentication is needed: {names}"))
    return found


def contacts_of(catalogue: Catalogue, services: Services, folder: Path, oid: str) -> Contacts:
    """The contacts of an organisation: of its file ``<OID>.yaml`` in a folder; the built-in one reaches none.

    Raises:
        MappingError: its file is wrong.
    """
    path = folder / f"{oid}.yaml"
    if path.is_file():
        return read_contacts(path, services)
    return read_contacts(catalogue.file("mappings/organisation.yaml"), services, "mappings/organisation.yaml")
