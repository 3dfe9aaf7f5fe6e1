"""What proves to a register who sends: a bearer's token, or one that is made for each request."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Final

import orjson

from adapter.signing.cms import without_certificates
from adapter.signing.port import Signer

_GOST: Final = "ECGOST3410-2012"


def jwt(system: str, audience: str, signer: Signer, *, at: datetime, life: timedelta) -> str:
    """A token of ФРМР and ФРМО; its signature is no ordinary one of JWS (docs/reference/registers-frmr.md).

    With a GOST key it is a detached CMS without the certificate, which stands in the header [observed-M]; with an RSA
    key, as an older client has it, a plain RS256 [observed-M].

    Args:
        system: ``sub``, the id of our system.
        audience: ``aud``.
        signer: the key of our system.
        at: when it is made.
        life: how long it is good.

    Raises:
        SigningError: the key cannot be used.
    """
    certificate = signer.certificate
    rsa = certificate.algorithm == "rsa"
    header = {"alg": "RS256" if rsa else _GOST, "typ": "JWT", "x5c": [base64.b64encode(certificate.der).decode()]}
    issued = int(at.timestamp())
    payload = {"sub": system, "aud": audience, "iat": issued, "exp": issued + int(life.total_seconds())}
    signed = b".".join(_encoded(orjson.dumps(part)) for part in (header, payload))
    signature = signer.raw(signed) if rsa else without_certificates(signer.cms(signed, at=at))
    return (signed + b"." + _encoded(signature)).decode()


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
