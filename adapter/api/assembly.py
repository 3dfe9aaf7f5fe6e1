"""The parts of the service as the settings want them."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapter.api.access import Access
from adapter.api.clients import StoredClients
from adapter.api.console.bulk import Bulk
from adapter.api.console.oidc import Provider
from adapter.api.console.parts import Console
from adapter.api.console.queries import Queries
from adapter.api.console.session import Sessions
from adapter.api.fer import Fer
from adapter.api.networks import networks
from adapter.api.service import Service
from adapter.api.trial import Trial
from adapter.api.trust import Callbacks
from adapter.bulk import Setup, make_converter
from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.fhir import FhirLimits
from adapter.organisation import Organisations
from adapter.pipeline import Journal
from adapter.pipeline.audit import Audit
from adapter.pipeline.fer import StoredSessions
from adapter.registers.fer.config import XSD, load_facts
from adapter.settings import Settings
from adapter.signing import Keyring
from adapter.transport.configured import callback_answers
from adapter.transport.http import AioHttp
from adapter.transport.security import Verifier, load_trusted


class Converters:
    """The converter of each organisation, over one catalogue that is loaded at the first use."""

    def __init__(self, settings: Settings) -> None:
        self._known = Organisations(Catalogue(settings.catalogue), settings.organisations_dir)
        self._shared: Converter | None = None

    def __call__(self, oid: str) -> Converter:
        """The converter of an organisation.

        Raises:
            EgiszError: the catalogue or the configuration of the organisation is wrong or absent.
        """
        if self._shared is None:
            self._shared = make_converter(Setup(None, None, FhirLimits.configured()))
        return self._shared.sent_by(self._known.find(oid))


@asynccontextmanager
async def opened(settings: Settings, base_url: str) -> AsyncIterator[Service]:
    """The parts of the application over the database of the settings.

    Args:
        base_url: address of the service as callers know it.

    Raises:
        EgiszError: the database cannot be used, or a setting is wrong.
    """
    journal = await Journal.open(settings, connections=20)
    try:
        parts = assembled(settings, base_url.rstrip("/"), journal)
        try:
            async with parts.fer.http:
                yield parts
        finally:
            if parts.console is not None:
                await parts.console.close()
    finally:
        await journal.close()


def assembled(settings: Settings, base_url: str, journal: Journal) -> Service:
    """The parts of the application over an open journal.

    Raises:
        EgiszError: a setting is wrong.
    """
    converters = Converters(settings)
    return Service(
        journal=journal,
        access=Access(
            StoredClients(journal.database),
            # Tokens are good in every process over the same database, and in no other installation.
            hmac.digest(journal.vault.secret, b"access tokens", "sha256"),
            f"{base_url}/auth/token",
            certificate_header=settings.mtls_header,
            proxies=settings.mtls_proxies.split(),
        ),
        audit=Audit(journal.database),
        trial=Trial(converters),
        callbacks=_callbacks(settings),
        fer=_fer(settings, journal, converters),
        base=f"{base_url}/fhir",
        limit=settings.fhir_max_bytes,
        lang=settings.lang,
        clock=journal.clock,
        console=_console(settings, base_url, journal) if settings.console else None,
    )


def _console(settings: Settings, base_url: str, journal: Journal) -> Console:
    queries, bulk = Queries(journal.database), Bulk(journal, Audit(journal.database))
    sessions, base = console_sessions(journal), f"{base_url}/console"
    provider = Provider(settings, sessions, base) if settings.console_oidc_issuer else None
    return Console(settings, sessions, queries, bulk, base, provider)


def console_sessions(journal: Journal) -> Sessions:
    """Sessions of the console, good in every process over the same database."""
    return Sessions(journal.database, hmac.digest(journal.vault.secret, b"console", "sha256"))


def _fer(settings: Settings, journal: Journal, converters: Converters) -> Fer:
    catalogue = Catalogue(settings.catalogue)
    return Fer(
        settings.organisations_dir,
        load_facts(catalogue),
        catalogue.file(XSD),
        converters,
        StoredSessions(journal.database, journal.vault),
        AioHttp(timeout=settings.http_timeout),
    )


def _callbacks(settings: Settings) -> Callbacks:
    signer = None
    if settings.signing_file.is_file():
        keyring = Keyring.load(settings.signing_file, libcrypto=settings.libcrypto, openssl=settings.openssl)
        signer = keyring.transport()
    trusted = load_trusted(settings.callback_trust) if settings.callback_trust else None
    return Callbacks(
        callback_answers(settings, signer=signer),
        Verifier(trusted) if trusted is not None else None,
        networks(settings.callback_networks.split(), "EGISZ_CALLBACK_NETWORKS"),
    )
