"""Keys of payloads at rest, and the secret of keyed hashes.

A payload is a document or a Bundle; it is sealed with AES-256-GCM. The first key of the ring seals, every key opens:
rotation puts a new key first and keeps the old one until nothing is sealed with it any more.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapter.errors import DatabaseError, UsageError
from adapter.findings import Text

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
#: First byte of what is sealed: how the rest is packed.
_PLAIN, _DEFLATED = b"\x00", b"\x01"
#: Shorter payloads gain nothing.
_PACK_FROM: Final = 256
#: The fastest: the best level gains a fifth more and takes five times as long.
_LEVEL: Final = 1


@dataclass(frozen=True, slots=True)
class Sealed:
    """A payload as it is stored."""

    key_id: str
    nonce: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Keys:
    """The ring of keys.

    Attributes:
        current: id of the key that seals.
        ring: every key by its id.
    """

    current: str
    ring: Mapping[str, bytes]

    @classmethod
    def parse(cls, text: str) -> Keys:
        """Read ``id:base64`` items, separated by commas or white space; the first is current.

        Raises:
            UsageError: an item is malformed; the message never quotes it.
        """
        ring: dict[str, bytes] = {}
        for number, item in enumerate(text.replace(",", " ").split(), start=1):
            key_id, colon, encoded = item.partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                key = b""
            if not colon or not key_id or len(key) != KEY_BYTES or key_id in ring:
                raise UsageError(
                    Text(
                        f"EGISZ_KEYS: ключ {number} неверен, нужно «имя:base64 от {KEY_BYTES} байт», имена разные",
                        f"EGISZ_KEYS: key {number} is malformed: «id:base64 of {KEY_BYTES} bytes», ids differ",
                    )
                )
            ring[key_id] = key
        if not ring:
            raise UsageError(Text("EGISZ_KEYS пуст", "EGISZ_KEYS is empty"))
        return cls(next(iter(ring)), ring)

    @classmethod
    def of_file(cls, path: Path) -> Keys:
        """The keys of a file that only its owner may read; made with one new key where there is none."""
        try:
            # O_EXCL: of two processes that start together one makes the file.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(descriptor, "w") as file:
                file.write(f"k1:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}\n")
                file.flush()
                os.fsync(file.fileno())
        if path.stat().st_mode & 0o077:
            raise UsageError(
                Text(
                    f"{path}: файл ключей доступен другим, нужны права 0600",
                    f"{path}: others may read it, set mode 0600",
                )
            )
        return cls.parse(path.read_text())

    def seal(self, data: bytes, purpose: str) -> Sealed:
        """Pack and encrypt.

        Args:
            purpose: what it is; a payload opens for the same purpose only, so none can be put in another's place.
        """
        packed = _DEFLATED + zlib.compress(data, _LEVEL) if len(data) >= _PACK_FROM else _PLAIN + data
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(self.ring[self.current]).encrypt(nonce, packed, purpose.encode())
        return Sealed(self.current, nonce, sealed)

    def open(self, sealed: Sealed, purpose: str) -> bytes:
        """What was sealed.

        Raises:
            DatabaseError: the key is not in the ring, or the payload was changed.
        """
        key = self.ring.get(sealed.key_id)
        if key is None:
            raise DatabaseError(
                Text(
                    f"данные зашифрованы ключом «{sealed.key_id}», которого нет в EGISZ_KEYS",
                    f"a payload is sealed with the key «{sealed.key_id}», which is not in EGISZ_KEYS",
                )
            )
        try:
            packed = AESGCM(key).decrypt(sealed.nonce, sealed.data, purpose.encode())
        except InvalidTag:
            raise DatabaseError(
                Text(
                    f"данные не открываются ключом «{sealed.key_id}»: они или ключ изменены",
                    f"a payload does not open with the key «{sealed.key_id}»: it or the key was changed",
                )
            ) from None
        return zlib.decompress(packed[1:]) if packed[:1] == _DEFLATED else packed[1:]


def keyed_hash(secret: bytes, *parts: str | bytes) -> bytes:
    """Hash of parts in order, which nobody can make or guess without the secret."""
    message = hmac.new(secret, digestmod=hashlib.sha256)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        message.update(len(data).to_bytes(8, "big") + data)
    return message.digest()
