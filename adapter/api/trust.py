"""Whether a message is from РЭМД: a trusted certificate has signed it, or it comes from a network that is trusted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adapter.api.networks import Network, within
from adapter.api.refusals import refused
from adapter.errors import InputError
from adapter.findings import Text
from adapter.log import get_logger
from adapter.transport.answers import Answers
from adapter.transport.envelope import Envelope
from adapter.transport.security import Verifier


@dataclass(frozen=True, slots=True)
class Callbacks:
    """How messages of РЭМД are taken.

    Attributes:
        answers: writes our answers.
        verifier: of their signatures; ``None``: no certificate is trusted.
        networks: where unsigned messages may come from.
    """

    answers: Answers
    verifier: Verifier | None
    networks: tuple[Network, ...]

    def believe(self, envelope: Envelope, peer: str, *, at: datetime) -> None:
        """Whether a message is from РЭМД.

        Args:
            peer: address of the other end; empty where it is not known who stands behind it.

        Raises:
            RequestRefused: 403.
        """
        reason: tuple[str, ...] = ()
        if self.verifier is not None:
            try:
                self.verifier.verify(envelope.root, at=at)
            except InputError as error:
                reason = (error.finding.code,)
            else:
                return
        if within(peer, self.networks):
            return
        get_logger().warning("callback.refused", code=",".join(reason) or "API02")
        raise refused(
            403,
            "API02",
            Text("Сообщение не подписано тем, кому доверяют.", "Nobody who is trusted has signed the message."),
            Text(
                "Доверие задают EGISZ_CALLBACK_TRUST и EGISZ_CALLBACK_NETWORKS.",
                "EGISZ_CALLBACK_TRUST and EGISZ_CALLBACK_NETWORKS say whom to trust.",
            ),
        )
