"""The port: what the rest of the program knows of a key."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from adapter.signing.certificate import SigningCertificate


class Signer(Protocol):
    """One key with its certificate. Safe in several threads; calls may block (a process, a network service).

    Every method raises :class:`adapter.errors.SigningError` where the key cannot be used.
    """

    @property
    def certificate(self) -> SigningCertificate:
        """The certificate of the key."""
        ...

    def cms(self, content: bytes, *, at: datetime) -> bytes:
        """A detached CMS signature of ``content``, DER, CAdES-BES.

        Signed attributes: content type, signing time, message digest, signing-certificate-v2. An external signing tool
        sets its own clock's signing time instead of ``at``.
        """
        ...

    def raw(self, data: bytes) -> bytes:
        """A plain signature of ``data``, for WS-Security.

        GOST R 34.10-2012: 64 (128) octets, **s first, then r**, both big-endian. It is the order of RFC 4491 and
        RFC 9215, of CryptoPro and of OpenSSL's engine, in XML-DSig and in CMS alike. RSA: PKCS #1 v1.5 with SHA-256.
        """
        ...

    def digest(self, data: bytes) -> bytes:
        """The digest that goes with :meth:`raw`: GOST R 34.11-2012 of the size of the key, or SHA-256."""
        ...
