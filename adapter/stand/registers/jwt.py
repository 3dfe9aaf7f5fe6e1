"""The token of ФРМР and ФРМО, checked as far as the facts go (docs/reference/registers-frmr.md).

Not an ordinary JWS: with a GOST key the signature is a detached CMS over ``header.payload`` without the certificate,
which stands in the header. Whom the certificate belongs to is not looked at.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any, Final

import orjson

from adapter.errors import SigningError
from adapter.signing.certificate import SigningCertificate, parse_certificate
from adapter.signing.verify import verify_cms, verify_raw

#: Seconds by which clocks may differ; what ЕГИСЗ bears is not known.
SKEW: Final = 60
_ALGORITHMS: Final = {"ECGOST3410-2012": ("gost2012-256", "gost2012-512"), "RS256": ("rsa",)}


def wrong_with(token: str, at: datetime) -> str:
    """What is wrong with a token; ``""`` where nothing is.

    Args:
        token: without ``Bearer``.
        at: now, aware.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return "not a JWT"
    header, payload, signature = (_decoded(part) for part in parts)
    told, claims = _object(header), _object(payload)
    if told is None or claims is None or not signature:
        return "not a JWT"
    return _claims(claims, at.timestamp()) or _signed(told, ".".join(parts[:2]).encode(), signature, at)


def _claims(claims: dict[str, Any], now: float) -> str:
    for name in ("sub", "aud"):
        if not isinstance(claims.get(name), str) or not claims[name]:
            return f"{name} is missing"
    for name in ("iat", "exp"):
        if type(claims.get(name)) is not int:
            return f"{name} is missing"
    if claims["iat"] > now + SKEW:
        return "iat is in the future"
    return "exp is past" if claims["exp"] < now - SKEW else ""


def _signed(header: dict[str, Any], content: bytes, signature: bytes, at: datetime) -> str:
    keys = _ALGORITHMS.get(header["alg"]) if isinstance(header.get("alg"), str) else None
    chain = header.get("x5c")
    if keys is None:
        return f"alg is not one of {', '.join(_ALGORITHMS)}"
    if not isinstance(chain, list) or not chain or not isinstance(chain[0], str):
        return "x5c has no certificate"
    try:
        certificate = parse_certificate(base64.b64decode(chain[0], validate=True))
        if certificate.algorithm not in keys:
            return "alg does not go with the key of the certificate"
        if not certificate.valid_on(at):
            return "the certificate is not valid today"
        return "" if _verified(certificate, content, signature) else "the signature is wrong"
    except ValueError:
        return "x5c is not Base64"
    except SigningError as error:
        return error.text.en


def _verified(certificate: SigningCertificate, content: bytes, signature: bytes) -> bool:
    if certificate.algorithm == "rsa":
        return verify_raw(certificate, content, signature)
    # Another certificate inside would sign in the name of the one in the header.
    return verify_cms(signature, content, certificates=[certificate.der]).certificate.der == certificate.der


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _decoded(part: str) -> bytes:
    """Base64url without padding; empty where it is none."""
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""
