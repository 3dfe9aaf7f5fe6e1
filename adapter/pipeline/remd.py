"""The ports of the pipeline over the keyring and the client of РЭМД."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from adapter.errors import InternalError, SigningError
from adapter.facts import Fact
from adapter.findings import Text
from adapter.pipeline.model import ProductRow, SignatureRow
from adapter.pipeline.ports import Answer, Found, Signatures
from adapter.registers.registration import load_registration, signers_of
from adapter.signing import Keyring, Person, SigningRules, make_signatures, plan_signatures
from adapter.signing.cms import signing_time
from adapter.transport.callbacks import FileRequest, RegistrationResult, parse_callback
from adapter.transport.errors import Verdict
from adapter.transport.remd import RemdClient, Signature

_TO_COME: Final = Text(
    "Время документа ещё не настало: подпись ждёт. Сверьте часы МИС и этой машины.",
    "The time of the document is still to come: its signature waits. Check the clocks of the МИС and of this machine.",
)
#: Documents signed at once: keys may be processes and services that are waited for.
_SIGNING: Final = 8
ORGANISATION: Final = "organisation"
#: A document is searched for from a day before it was made: clocks differ.
_BEFORE: Final = timedelta(days=1)


class KeyringSigning:
    """Signs with the keys of the keyring, by the rules of the kind.

    Args:
        ogrn: the ОГРН of an organisation, by its OID; empty where its file has none.
    """

    def __init__(self, keyring: Keyring, rules: SigningRules, ogrn: Callable[[str], str]) -> None:
        self._keyring, self._rules, self._ogrn = keyring, rules, ogrn
        # Threads of its own: a token that hangs must not hold those that look names up.
        self._threads = ThreadPoolExecutor(_SIGNING, "sign")

    async def sign(self, product: ProductRow, document: bytes, registration: bytes, *, at: datetime) -> Signatures:
        """See :class:`adapter.pipeline.ports.Signing`; in a thread, because a key may be a process or a service."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._sign, product, document, registration, at)

    def _sign(self, product: ProductRow, document: bytes, registration: bytes, at: datetime) -> Signatures:
        facts = load_registration(registration)
        created = _created(facts)
        if created > at:
            # The clock of the sender is ahead of ours, or ours was set back: no signature may precede its document.
            raise SigningError(_TO_COME, "temporary")
        plan = plan_signatures(
            product.kind,
            signers_of(facts),
            organisation=product.organisation,
            ogrn=self._ogrn(product.organisation),
            keyring=self._keyring,
            rules=self._rules,
            created=created,
            now=at,
        )
        if not plan.ready:
            return Signatures((), plan.findings)
        made = make_signatures(plan, document, at=at)
        rows = (SignatureRow(one.person.role if one.person else ORGANISATION, one.data) for one in made)
        return Signatures(tuple(rows), plan.findings)


class RemdDelivery:
    """Sends to РЭМД and reads what it says."""

    def __init__(self, client: RemdClient) -> None:
        self._client = client

    async def send(
        self,
        product: ProductRow,
        registration: bytes,
        signatures: tuple[SignatureRow, ...],
        *,
        message_id: UUID,
        at: datetime,
    ) -> Answer:
        """See :class:`adapter.pipeline.ports.Delivery`."""
        facts = load_registration(registration)
        said = await self._client.register(facts, signed_by(facts, signatures), message_id=message_id, at=at)
        return Answer(said.ok, said.verdict, said.request, said.response)

    def signed_at(self, signatures: tuple[SignatureRow, ...]) -> datetime | None:
        """See :class:`adapter.pipeline.ports.Delivery`."""
        return max((signing_time(one.data) for one in signatures), default=None)

    async def send_file(self, request: bytes, document: bytes, *, message_id: UUID, at: datetime) -> Answer:
        """See :class:`adapter.pipeline.ports.Delivery`."""
        asked = parse_callback(request)
        if not isinstance(asked, FileRequest):
            raise InternalError("a stored request for a file is read as another message")
        said = await self._client.send_file(asked, document, message_id=message_id, at=at)
        return Answer(said.ok, said.verdict, said.request, said.response)

    async def find(self, product: ProductRow, registration: bytes, *, at: datetime) -> Found | None:
        """See :class:`adapter.pipeline.ports.Delivery`; by organisation, kind, days and patient, then by its id."""
        facts = load_registration(registration)
        query: dict[str, str | datetime] = {
            "organization": str(getattr(facts, "organization", product.organisation)),
            "kind": product.kind,
            "registerDateBegin": product.created_at - _BEFORE,
            "registerDateEnd": at + _BEFORE,
        }
        snils = getattr(getattr(facts, "patient", None), "snils", None)
        if isinstance(snils, str):
            query["patientSnils"] = snils
        _, records = await self._client.search(query, message_id=uuid4(), at=at)
        for record in records:
            if record.local_uid == product.local_uid and record.emdr_id:
                return Found(record.emdr_id, record.facts.get("registered_at"))
        return None

    def result(self, raw: bytes) -> RegistrationResult:
        """See :class:`adapter.pipeline.ports.Delivery`."""
        callback = parse_callback(raw)
        if not isinstance(callback, RegistrationResult):
            raise InternalError("a stored result is read as another message")
        return callback

    def judge(self, result: RegistrationResult) -> Verdict:
        """See :class:`adapter.pipeline.ports.Delivery`."""
        return self._client.errors.classify(result.errors)


def signed_by(registration: Fact, signatures: tuple[SignatureRow, ...]) -> list[Signature]:
    """Signatures with the СНИЛС of who made them: people sign in the order of the registration, each once."""
    people: dict[str, Person] = {}
    for person in signers_of(registration):
        people.setdefault(person.snils, person)
    personal = [one for one in signatures if one.role != ORGANISATION]
    return [
        *(Signature(row.data, one.snils, one.role) for row, one in zip(personal, people.values(), strict=True)),
        *(Signature(one.data) for one in signatures if one.role == ORGANISATION),
    ]


def _created(registration: Fact) -> datetime:
    return datetime.fromisoformat(str(getattr(registration, "creationDateTime", "")))
