"""Certificates of the keyring that end soon, have ended, or cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from adapter.errors import EgiszError
from adapter.findings import Text
from adapter.settings import Settings
from adapter.signing.keyring import Keyring

#: Days before its end from which a certificate is shown.
DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Ending:
    """A key whose certificate needs a person.

    Attributes:
        name: of the key in ``signing.yaml``; of the file, where that cannot be read.
        ends: ``None`` where it cannot be read.
        problem: why it cannot.
    """

    name: str
    ends: datetime | None
    problem: Text | None = None


_known: dict[Path, tuple[float, list[Ending]]] = {}


def certificates(settings: Settings, now: datetime) -> list[Ending]:
    """The certificates that need a person within :data:`DAYS`, the first to end first."""
    path = settings.signing_file
    if not path.is_file():
        return []
    # A certificate that is replaced under its name is noticed within a minute.
    stamp = path.stat().st_mtime + now.timestamp() // 60
    if path not in _known or _known[path][0] != stamp:
        _known[path] = stamp, _read(settings)
    until = now + timedelta(days=DAYS)
    return [one for one in _known[path][1] if one.ends is None or one.ends <= until]


def _read(settings: Settings) -> list[Ending]:
    path = settings.signing_file
    try:
        keyring = Keyring.load(path, libcrypto=settings.libcrypto, openssl=settings.openssl)
    except EgiszError as error:
        return [Ending(path.name, None, error.text)]
    found = [
        Ending(key.entry.name, key.certificate.not_after)
        if key.certificate is not None
        else Ending(key.entry.name, None, key.problem.text if key.problem else None)
        for key in keyring
    ]
    return sorted(found, key=lambda one: (one.ends is not None, one.ends or datetime.min, one.name))
