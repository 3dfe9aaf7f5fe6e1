"""What the pipeline needs of its neighbours; tests give doubles, the service the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from adapter.facts import II
from adapter.findings import Finding
from adapter.pipeline.model import ProductRow, SignatureRow
from adapter.transport.callbacks import RegistrationResult
from adapter.transport.errors import Verdict

#: Numbers of records by the ids of these, by product.
Numbers = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class MadeDocument:
    """A product of a conversion.

    Attributes:
        bundle: number of the Bundle in the submission, from 0.
        route: the route that asked for it.
        focus: FHIRPath of the resource that it is about.
        kind: code of the kind.
        ok: it was made, and no finding is an error; then nothing below is ``None``, but for ``given_version``.
        data: the document.
        registration: facts for its registration, JSON.
        set_id: of the document.
        version: that stands in ``data``.
        given_version: that the sender gave.
        local_uid: extension of the document's id.
    """

    bundle: int
    route: str
    focus: str
    kind: str
    ok: bool
    findings: tuple[Finding, ...] = ()
    data: bytes | None = None
    registration: bytes | None = None
    set_id: II | None = None
    version: int | None = None
    given_version: int | None = None
    local_uid: str | None = None


@dataclass(frozen=True, slots=True)
class MadeMessage:
    """A message of a register that a conversion made.

    Attributes:
        bundle, route, focus: as of a document.
        kind: id of its product.
        sound: it was made, and no finding is an error.
        ok: it goes on its way; a message that waits for a number need not be sound.
        data: the message; ``None`` where it was not made.
        digest: of what it is without a number: the same content has the same. ``None`` where it was not made.
        id: what tells it from others of its product and stays when it is sent again.
        subject: messages about the same one leave in order.
        record: the id of the record whose number it is about.
        register: which of the registers of a service the organisation reaches; empty where there is but one.
        name, operation, key: see :class:`adapter.registers.messages.Message`.
        number: of the record, which it was made with.
    """

    bundle: int
    route: str
    focus: str
    kind: str
    sound: bool
    ok: bool
    findings: tuple[Finding, ...] = ()
    data: bytes | None = None
    digest: bytes | None = None
    id: str = ""
    subject: str = ""
    record: str = ""
    register: str = ""
    name: str = ""
    operation: str = ""
    key: Mapping[str, str] = field(default_factory=dict)
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a Bundle.

    Attributes:
        refused: it could not be read at all, or its planning failed.
        findings: about the Bundle itself.
    """

    refused: bool
    findings: tuple[Finding, ...]
    documents: tuple[MadeDocument, ...] = ()
    messages: tuple[MadeMessage, ...] = ()


class Maker(Protocol):
    """Makes documents and messages of Bundles."""

    async def make(
        self, data: bytes, *, fhir_version: str, organisation: str, versions: Mapping[II, int] | None = None
    ) -> Made:
        """Convert and check.

        Args:
            data: of the submission.
            fhir_version: empty to detect it.
            organisation: OID of the sender.
            versions: numbers that documents of these sets take instead of the sender's; their ids are then derived.

        Raises:
            EgiszError: of the environment or the catalogue; a Bundle that is wrong raises nothing.
        """
        ...

    async def messages(
        self, data: bytes, *, fhir_version: str, organisation: str, numbers: Numbers
    ) -> tuple[MadeMessage, ...]:
        """Make messages once more, with the numbers of their records; others of these products may be among them.

        Args:
            numbers: by the id of the record, of each product that is wanted.

        Raises:
            EgiszError: see :meth:`make`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Signatures:
    """The signatures of a document, or why there are none.

    Attributes:
        items: in the order in which they were made.
        findings: with an error among them it was not signed.
    """

    items: tuple[SignatureRow, ...]
    findings: tuple[Finding, ...] = ()


class Signing(Protocol):
    """Signs documents."""

    async def sign(self, product: ProductRow, document: bytes, registration: bytes, *, at: datetime) -> Signatures:
        """Make all signatures of a document.

        Raises:
            SigningError: a key or a tool cannot be used, or the document's time is still to come.
        """
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said at once.

    Attributes:
        ok: it has taken the message; for registration that is not the final result.
        verdict: what its errors mean, where it said no.
        request, response: bytes on the wire, for the exchange log.
    """

    ok: bool
    verdict: Verdict | None
    request: bytes
    response: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """A document that the state has.

    Attributes:
        emdr_id: its number.
    """

    emdr_id: str
    registered_at: datetime | None = None


class Delivery(Protocol):
    """Sends documents to a register of the state and asks about them."""

    async def send(
        self,
        product: ProductRow,
        registration: bytes,
        signatures: tuple[SignatureRow, ...],
        *,
        message_id: UUID,
        at: datetime,
    ) -> Answer:
        """Send a document for registration.

        Raises:
            NetworkError: no answer came: nobody knows whether it was taken.
        """
        ...

    async def send_file(self, request: bytes, document: bytes, *, message_id: UUID, at: datetime) -> Answer:
        """Send a file that was asked for, as a message of its own.

        Args:
            request: the message that asked, as it came.

        Raises:
            NetworkError: no answer came.
        """
        ...

    def signed_at(self, signatures: tuple[SignatureRow, ...]) -> datetime | None:
        """The latest time that signatures state, which no request may precede; ``None`` where they state none."""
        ...

    async def find(self, product: ProductRow, registration: bytes, *, at: datetime) -> Found | None:
        """Ask whether the state has it; ``None``: it has not.

        Raises:
            NetworkError: no answer came.
        """
        ...

    def result(self, raw: bytes) -> RegistrationResult:
        """A stored callback, read again."""
        ...

    def judge(self, result: RegistrationResult) -> Verdict:
        """What the errors of a result mean."""
        ...
