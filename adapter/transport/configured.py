"""The client and the answers as the settings of this process want them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, cast

from adapter.errors import UsageError
from adapter.findings import Text
from adapter.transport.answers import Answers
from adapter.transport.content import Checksum
from adapter.transport.remd import Endpoint, RemdClient
from adapter.transport.schema import CALLBACK_WSDL, SERVICE_WSDL, load_schema
from adapter.transport.security import SIX, Security, Verifier

if TYPE_CHECKING:
    from adapter.settings import Settings
    from adapter.signing.port import Signer
    from adapter.transport.http import Http

_PARTS: Final = {"all": SIX, "body": ("Body",)}


def remd_client(
    settings: Settings, http: Http, *, signer: Signer | None, verifier: Verifier | None = None
) -> RemdClient:
    """The client of РЭМД.

    Args:
        settings: ``remd_*``.
        http: sends messages.
        signer: the key of our system (``Keyring.transport()``); ``None`` leaves messages unsigned.
        verifier: of answers.

    Raises:
        UsageError: the address or the id of our system is not set, or the WSDL cannot be read.
    """
    if not settings.remd_url or not settings.remd_client_id:
        raise UsageError(
            Text(
                "не заданы EGISZ_REMD_URL и EGISZ_REMD_CLIENT_ID",
                "EGISZ_REMD_URL and EGISZ_REMD_CLIENT_ID are not set",
            )
        )
    endpoint = Endpoint(
        settings.remd_url,
        settings.remd_client_id,
        # Behind ИПС the address is that of the service, too.
        settings.remd_to if settings.remd_to is not None else settings.remd_url,
        settings.remd_reply_to,
        settings.remd_message_id,
        settings.remd_content_type,
    )
    return RemdClient(
        http,
        endpoint,
        load_schema(settings.remd_wsdl or SERVICE_WSDL),
        security=_security(settings, signer),
        verifier=verifier,
        checksum=_checksum(settings),
    )


def callback_answers(settings: Settings, *, signer: Signer | None) -> Answers:
    """What writes our answers to РЭМД.

    Args:
        settings: ``remd_*``.
        signer: as of :func:`remd_client`.

    Raises:
        UsageError: the WSDL cannot be read.
    """
    # An answer to ИПС is signed over its Body alone.
    security = None if signer is None else Security(signer, settings.remd_algorithms, _PARTS["body"])
    schema = load_schema(settings.remd_callback_wsdl or CALLBACK_WSDL)
    return Answers(settings.remd_client_id, schema, security, _checksum(settings))


def _security(settings: Settings, signer: Signer | None) -> Security | None:
    return None if signer is None else Security(signer, settings.remd_algorithms, _PARTS[settings.remd_signed])


def _checksum(settings: Settings) -> Checksum:
    over, _, sign = settings.remd_checksum.partition("-")
    return Checksum(cast(Literal["base64", "bytes"], over), sign == "signed")
