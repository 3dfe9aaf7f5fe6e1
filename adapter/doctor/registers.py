"""Services of registers that organisations send messages to: their addresses, secrets and folders."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from adapter.catalogue import Catalogue
from adapter.doctor.line import Line, Mark
from adapter.doctor.network import reached
from adapter.errors import EgiszError
from adapter.findings import Text
from adapter.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from adapter.registers.contacts import Contact

REGISTERS: Final = Text("регистры", "registers")
_HOWTO: Final = Text("docs/howto/send-register-messages.ru.md", "docs/howto/send-register-messages.md")


async def services(settings: Settings) -> AsyncIterator[Line]:
    """Each service of each organisation: what proves who we are can be read, and its addresses answer."""
    from adapter.registers.contacts import read_contacts
    from adapter.registers.services import Services

    known = Services.load(Catalogue(settings.catalogue))
    none = True
    for path in sorted(settings.organisations_dir.glob("*.yaml")):
        try:
            contacts = read_contacts(path, known)
        except EgiszError as error:
            none = False
            yield Line(REGISTERS, Mark.ERROR, error.text, _HOWTO)
            continue
        for service, contact in contacts.by_service.items():
            none = False
            part = Text(f"{service}, {path.stem}", f"{service}, {path.stem}")
            problem = _proof(settings, contact, contacts.folder) or _folder(contact, contacts.folder)
            if problem is not None:
                yield Line(part, Mark.ERROR, problem, _HOWTO)
            elif contact.folder:
                yield Line(part, Mark.OK, Text("файлы в папку", "files into a folder"))
            for url in dict.fromkeys([*contact.urls.values(), *([contact.url] if contact.url else [])]):
                yield (await reached(part, url))[0]
    if none:
        yield Line(REGISTERS, Mark.OK, Text("не настроены", "none is configured"))


def _proof(settings: Settings, contact: Contact, folder: Path) -> Text | None:
    """Why we cannot prove who we are."""
    from adapter.signing import Keyring

    secret = contact.token or contact.guid
    try:
        if secret is not None and not secret.read(folder):
            return Text("секрет пуст", "the secret is empty")
        if contact.jwt is not None:
            keyring = Keyring.load(settings.signing_file, libcrypto=settings.libcrypto, openssl=settings.openssl)
            if keyring.transport() is None:
                return Text("нет ключа системы (transport)", "there is no key of the system (transport)")
    except EgiszError as error:
        return error.text
    return None


def _folder(contact: Contact, folder: Path) -> Text | None:
    """Why no file can be laid down."""
    if not contact.folder:
        return None
    place = folder / contact.folder
    there = next(one for one in (place, *place.parents) if one.exists())
    if there.is_dir() and os.access(there, os.W_OK):
        return None
    return Text("в папку нельзя писать", "the folder cannot be written to")
