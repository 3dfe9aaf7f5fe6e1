"""Files and signatures inside messages: the bytes and their checksum."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal


@dataclass(frozen=True, slots=True)
class Checksum:
    """How РЭМД counts a checksum: the algorithm is not published.

    CRC32 over the base64 text as a signed number is what one regional client sends.

    Attributes:
        over: the base64 text, or the bytes themselves.
        signed: a signed 32-bit number.
    """

    over: Literal["base64", "bytes"] = "base64"
    signed: bool = True

    def of(self, data: bytes) -> int:
        """The checksum of a file or of a signature."""
        crc = zlib.crc32(base64.b64encode(data) if self.over == "base64" else data)
        return crc - 2**32 if self.signed and crc >= 2**31 else crc

    def content(self, data: bytes) -> Mapping[str, Any]:
        """``data`` and ``checksum`` as a message has them."""
        return {"data": data, "checksum": self.of(data)}

    def fits(self, data: bytes, told: str) -> bool:
        """Whether ``told`` is the checksum of ``data``, signed or not; an absent one fits."""
        if not told.strip():
            return True
        try:
            return (int(told) - self.of(data)) % 2**32 == 0
        except ValueError:
            return False


DEFAULT_CHECKSUM: Final = Checksum()
