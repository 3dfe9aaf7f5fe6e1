"""Whom the service talks to: РЭМД, and its way back to us."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from adapter.doctor.line import Line, Mark, clock
from adapter.findings import Text
from adapter.settings import Settings

REMD: Final = Text("РЭМД", "РЭМД")
_TIMEOUT: Final = 5.0
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


async def endpoints(settings: Settings) -> AsyncIterator[Line]:
    """РЭМД answers, its clock, and its way back to us."""
    part = REMD
    if not settings.remd_url:
        yield Line(
            part,
            Mark.WARNING,
            Text("адрес не задан: документы не отправятся", "no address: documents are not sent"),
            Text("EGISZ_REMD_URL; для проб — egisz stand", "EGISZ_REMD_URL; for trials: egisz stand"),
        )
        return
    line, date = await reached(part, settings.remd_url)
    yield line
    if (theirs := _http_date(date)) is not None:
        apart = abs((theirs - datetime.now(UTC)).total_seconds())
        yield clock(Text("часы РЭМД", "clock of РЭМД"), apart)
    for line in _ways_back(settings):
        yield line


async def reached(part: Text, url: str) -> tuple[Line, str]:
    """Whether an address answers, and the header ``Date`` of the answer, else empty."""
    from aiohttp import ClientError, ClientSession, ClientTimeout

    try:
        # Any answer will do: a SOAP service has none of its own for a GET.
        async with (
            ClientSession(timeout=ClientTimeout(total=_TIMEOUT)) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            status, date = answer.status, answer.headers.get("Date", "")
    except (ClientError, TimeoutError, OSError, ValueError) as error:
        name = type(error).__name__
        hint = Text("Проверьте адрес, VPN и межсетевой экран.", "Check the address, the VPN and the firewall.")
        return Line(part, Mark.ERROR, Text(f"не отвечает: {name}", f"does not answer: {name}"), hint), ""
    return Line(part, Mark.OK, Text(f"отвечает (HTTP {status})", f"answers (HTTP {status})")), date


def _http_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _believes_loopback(settings: Settings) -> bool:
    try:
        networks = [ipaddress.ip_network(one) for one in settings.callback_networks.split()]
    except ValueError:
        return False  # the service does not start with it, and says why
    return any(ipaddress.ip_address(one) in network for network in networks for one in ("127.0.0.1", "::1"))


def _ways_back(settings: Settings) -> Iterator[Line]:
    """What answers of РЭМД need to find us, and to be believed."""
    part = Text("ответы РЭМД", "answers of РЭМД")
    lacking = [f"EGISZ_{name.upper()}" for name in ("remd_client_id", "remd_reply_to") if not getattr(settings, name)]
    for name in lacking:
        yield Line(
            part,
            Mark.ERROR,
            Text(f"не задана {name}", f"{name} is not set"),
            Text("docs/howto/run-the-service.ru.md", "docs/howto/run-the-service.md"),
        )
    if settings.base_url and urlsplit(settings.base_url).hostname not in _LOOPBACK and _believes_loopback(settings):
        yield Line(
            part,
            Mark.ERROR,
            Text(
                "за прокси на этой машине поверят любому: в EGISZ_CALLBACK_NETWORKS есть 127.0.0.0/8",
                "behind a proxy on this machine anybody is believed: EGISZ_CALLBACK_NETWORKS has 127.0.0.0/8",
            ),
            Text(
                "Задайте EGISZ_CALLBACK_TRUST и пустую EGISZ_CALLBACK_NETWORKS.",
                "Set EGISZ_CALLBACK_TRUST, and EGISZ_CALLBACK_NETWORKS to nothing.",
            ),
        )
    near = urlsplit(settings.remd_url).hostname in _LOOPBACK
    if settings.callback_trust is None and not near:
        yield Line(
            part,
            Mark.WARNING,
            Text("верим только сетям EGISZ_CALLBACK_NETWORKS", "only EGISZ_CALLBACK_NETWORKS are believed"),
            Text(
                "Задайте EGISZ_CALLBACK_TRUST: сертификаты, которыми подписывает ИПС.",
                "Set EGISZ_CALLBACK_TRUST: the certificates that ИПС signs with.",
            ),
        )
    elif not lacking:
        yield Line(part, Mark.OK, Text("настроены", "configured"))
