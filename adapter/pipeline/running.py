"""A worker as the settings of this process want it: real keys, the real client of РЭМД, processes that convert."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from adapter.catalogue import Catalogue
from adapter.organisation import Organisations
from adapter.pipeline.journal import Journal
from adapter.pipeline.making import ProcessMaker
from adapter.pipeline.periodic import Books, Periodic
from adapter.pipeline.remd import KeyringSigning, RemdDelivery
from adapter.pipeline.retry import Backoff
from adapter.pipeline.stages import AT_NEIGHBOUR, Ports, Stages
from adapter.pipeline.webhooks import Webhooks
from adapter.pipeline.worker import Pace, Worker
from adapter.registers.contacts import Contacts, contacts_of
from adapter.registers.delivery import RegisterDelivery
from adapter.registers.services import Services
from adapter.signing import Keyring, load_rules
from adapter.transport.configured import remd_client
from adapter.transport.http import AioHttp

if TYPE_CHECKING:
    from adapter.settings import Settings

#: Seconds for a client to take a notice.
_HOOK_TIMEOUT: Final = 10.0


@asynccontextmanager
async def configured_worker(
    journal: Journal, settings: Settings, *, pace: Pace | None = None, backoff: Backoff | None = None
) -> AsyncIterator[Worker]:
    """A worker on a journal; what it needs is closed afterwards.

    Args:
        pace: how it takes jobs.
        backoff: of what fails.

    Raises:
        UsageError: the keys, or the address and id in РЭМД, are not configured.
        MappingError: ``signing.yaml`` or the rules of signing are wrong.
    """
    catalogue = Catalogue(settings.catalogue)
    keyring = Keyring.load(settings.signing_file, libcrypto=settings.libcrypto, openssl=settings.openssl)
    services = Services.load(catalogue)
    maker = ProcessMaker(settings.convert_processes)
    try:
        async with (
            AioHttp(timeout=settings.http_timeout, connections=AT_NEIGHBOUR) as http,
            AioHttp(timeout=settings.http_timeout, connections=AT_NEIGHBOUR) as registers,
            # Connections of their own: a client that hangs must not take those to the state.
            AioHttp(timeout=min(settings.http_timeout, _HOOK_TIMEOUT)) as hooks,
        ):
            ports = Ports(
                maker,
                KeyringSigning(keyring, load_rules(catalogue), ogrn_of(catalogue, settings)),
                RemdDelivery(remd_client(settings, http, signer=keyring.transport())),
                services,
                _register_delivery(catalogue, services, settings, keyring, registers),
                Webhooks(journal, hooks),
            )
            answer_within = timedelta(hours=settings.answer_hours)
            stages = Stages(journal, ports, backoff=backoff or Backoff(), answer_within=answer_within)
            pace = pace or Pace(heartbeat=timedelta(seconds=settings.worker_heartbeat))
            yield Worker(journal, stages, Periodic(journal, settings, books=_books(settings)), pace)
    finally:
        await asyncio.to_thread(maker.close)


def ogrn_of(catalogue: Catalogue, settings: Settings) -> Callable[[str], str]:
    """The ОГРН of an organisation by its OID, as its file says; empty where it says none."""
    organisations = Organisations(catalogue, settings.organisations_dir)

    @lru_cache(maxsize=1000)
    def ogrn(organisation: str) -> str:
        return str(organisations.find(organisation).values.get("ogrn", ""))

    return ogrn


def _register_delivery(
    catalogue: Catalogue, services: Services, settings: Settings, keyring: Keyring, http: AioHttp
) -> RegisterDelivery:
    @lru_cache(maxsize=1000)
    def contacts(organisation: str) -> Contacts:
        return contacts_of(catalogue, services, settings.organisations_dir, organisation)

    return RegisterDelivery(services, contacts, http, keyring.transport)


def _books(settings: Settings) -> Books | None:
    """The daily sync of the reference books, where there is a key for it; converters read them once restarted."""
    key = settings.nsi_key
    if key is None:
        return None

    async def fetched() -> None:
        from adapter.nsi.sync import connect, sync

        async with connect(settings.nsi_url, key.get_secret_value(), timeout=settings.http_timeout) as client:
            await sync(client, (), settings.nsi_dir)

    # A loop of its own: a big book takes seconds to read.
    return lambda: asyncio.to_thread(lambda: asyncio.run(fetched()))
