"""Networks that the settings trust, and who belongs to them."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from starlette.requests import Request

from adapter.errors import UsageError
from adapter.findings import Text

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Headers by which a proxy says that it is one.
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


def networks(names: Sequence[str], setting: str) -> tuple[Network, ...]:
    """Networks as they are written.

    Args:
        setting: where, for the error.

    Raises:
        UsageError: one is none.
    """
    try:
        return tuple(ipaddress.ip_network(one) for one in names)
    except ValueError:
        raise UsageError(Text(f"{setting}: не сети", f"{setting}: not networks")) from None


def within(peer: str, trusted: Sequence[Network]) -> bool:
    """Whether an address belongs to one of the networks; what is no address belongs to none."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in trusted)


def peer_of(request: Request) -> str:
    """Who sends; nobody where a proxy stands between, whose address says nothing of who is behind it."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return ""
    return request.client.host
