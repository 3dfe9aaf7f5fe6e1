"""What a replay would change: the Bundle converted again with the catalogue as it is now, and compared.

A message of a register is made with the number that its record has now, so that what would be sent is what is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import orjson

from adapter.errors import UsageError
from adapter.facts import II
from adapter.findings import Finding, Text
from adapter.pipeline.model import ProductRow, State
from adapter.pipeline.planning import NUMBERLESS, Planned, place, plan
from adapter.pipeline.ports import MadeDocument, MadeMessage, Maker
from adapter.registers.services import Services
from adapter.xml import parse
from conformance.compare import Comparison, Value, Verdict, compare

if TYPE_CHECKING:
    from adapter.pipeline.journal import Journal


@dataclass(frozen=True, slots=True)
class Preview:
    """One document or message of a Bundle, as it is and as it would be.

    Attributes:
        status: ``new`` where there is none yet, ``gone`` where it would not be made any more, ``failed`` where it would
            not pass its check.
        product: as it is in the journal; ``None`` for a new one.
        findings: of the conversion now.
        comparison: of the two, where both exist; it holds values. Places of a JSON message are JSON pointers.
    """

    kind: str
    focus: str
    status: Literal["same", "changed", "new", "gone", "failed"]
    product: ProductRow | None
    findings: tuple[Finding, ...] = ()
    comparison: Comparison | None = None


async def preview(journal: Journal, row_id: UUID, maker: Maker, services: Services) -> list[Preview]:
    """Convert a submission, or that of a product, again, and write nothing.

    Raises:
        UsageError: there is none of that id, or its Bundle is no longer kept.
        EgiszError: the catalogue or the configuration of the organisation is wrong.
    """
    product = await journal.product(row_id)
    submission = await journal.submission(product.submission_id if product else row_id)
    data = await journal.bundle(submission.id) if submission else None
    if submission is None or data is None:
        raise UsageError(
            Text(f"Bundle {row_id} нет или он уже не хранится", f"there is no Bundle {row_id}, or it is not kept")
        )
    known = [product] if product else await journal.products(submission.id)
    documents = [one for one in known if one.message_key is None]
    numbers = {_set(one.set_id): one.version for one in documents if one.set_id and one.version}
    sender = {"fhir_version": submission.fhir_version, "organisation": submission.organisation}
    made = await maker.make(data, **sender, versions=numbers)
    if made.refused:
        raise UsageError(made.findings[0].message)
    messages = await plan(
        journal,
        services,
        submission.organisation,
        made.messages,
        lambda records: maker.messages(data, **sender, numbers=records),
    )
    all_made: list[MadeDocument | MadeMessage] = [*made.documents, *map(_alone, messages)]
    found = {place(one): one for one in all_made}
    previews = [await _known(journal, one, found.pop(place(one), None)) for one in known]
    return previews + ([] if product else list(_new(found.values())))


async def _known(journal: Journal, product: ProductRow, made: MadeDocument | MadeMessage | None) -> Preview:
    if made is None:
        return Preview(product.kind, product.focus, "gone", product)
    if _has_come(product, made):
        return Preview(product.kind, product.focus, "same", product, made.findings)
    before = await journal.document(product.id)
    comparison = _compared(before, made.data) if before is not None and made.data is not None else None
    if not made.ok:
        status: Literal["same", "changed", "failed"] = "failed"
    else:
        status = "same" if before == made.data else "changed"
    return Preview(product.kind, product.focus, status, product, made.findings, comparison)


def _has_come(product: ProductRow, made: MadeDocument | MadeMessage) -> bool:
    """The register has that content: its number since then makes another message of it, but none that would be sent."""
    return isinstance(made, MadeMessage) and product.state is State.REGISTERED and made.digest == product.content_digest


def _new(made: Iterable[MadeDocument | MadeMessage]) -> Iterator[Preview]:
    for one in made:
        yield Preview(one.kind, one.focus, "new" if one.ok else "failed", None, one.findings)


def _alone(planned: Planned) -> MadeMessage:
    """A message as it would leave, if nothing that goes before it gave a number."""
    message = planned.message
    return replace(message, ok=False, findings=(*message.findings, NUMBERLESS)) if planned.lacks_number else message


def _compared(before: bytes, after: bytes) -> Comparison:
    if before[:1] == b"<":
        return compare(parse(before), parse(after))
    old, new = (dict(_leaves(orjson.loads(data), "")) for data in (before, after))
    return Comparison(tuple(_value(path, old.get(path), new.get(path)) for path in dict.fromkeys((*old, *new))))


def _value(path: str, old: str | None, new: str | None) -> Value:
    if old is None or new is None:
        verdict = Verdict.EXTRA if old is None else Verdict.MISSING
    else:
        verdict = Verdict.EQUAL if old == new else Verdict.DIFFERENT
    return Value(verdict, path, 0, old, new, path if new is not None else "")


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """The values of a JSON message by their pointers."""
    if isinstance(value, dict | list) and value:
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(part, f"{path}/{key}")
    else:
        yield path, orjson.dumps(value).decode()


def _set(text: str) -> II:
    root, _, extension = text.partition("^")
    return II(root, extension)
