"""What a replay would change: the Bundle converted again with the catalogue as it is now, and compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from adapter.errors import UsageError
from adapter.facts import II
from adapter.findings import Finding, Text
from adapter.pipeline.model import ProductRow
from adapter.pipeline.ports import MadeDocument, Maker
from adapter.xml import parse
from conformance.compare import Comparison, compare

if TYPE_CHECKING:
    from adapter.pipeline.journal import Journal


@dataclass(frozen=True, slots=True)
class Preview:
    """One document of a Bundle, as it is and as it would be.

    Attributes:
        status: ``new`` where there is none yet, ``gone`` where it would not be made any more, ``failed`` where it would
            not pass its check.
        product: as it is in the journal; ``None`` for a new one.
        findings: of the conversion now.
        comparison: of the two documents, where both exist; it holds values.
    """

    kind: str
    focus: str
    status: Literal["same", "changed", "new", "gone", "failed"]
    product: ProductRow | None
    findings: tuple[Finding, ...] = ()
    comparison: Comparison | None = None


async def preview(journal: Journal, row_id: UUID, maker: Maker) -> list[Preview]:
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
    numbers = {_set(one.set_id): one.version for one in known if one.set_id and one.version}
    made = await maker.make(
        data, fhir_version=submission.fhir_version, organisation=submission.organisation, versions=numbers
    )
    if made.refused:
        raise UsageError(made.findings[0].message)
    found = {_place(one): one for one in made.documents}
    previews = [await _known(journal, one, found.pop(_place(one), None)) for one in known]
    return previews + ([] if product else list(_new(found.values())))


async def _known(journal: Journal, product: ProductRow, made: MadeDocument | None) -> Preview:
    if made is None:
        return Preview(product.kind, product.focus, "gone", product)
    before = await journal.document(product.id)
    comparison = compare(parse(before), parse(made.data)) if before is not None and made.data is not None else None
    if not made.ok:
        status: Literal["same", "changed", "failed"] = "failed"
    else:
        status = "same" if before == made.data else "changed"
    return Preview(product.kind, product.focus, status, product, made.findings, comparison)


def _new(documents: Iterable[MadeDocument]) -> Iterator[Preview]:
    for one in documents:
        yield Preview(one.kind, one.focus, "new" if one.ok else "failed", None, one.findings)


def _place(one: ProductRow | MadeDocument) -> tuple[int, str, str]:
    return one.bundle, one.route, one.focus


def _set(text: str) -> II:
    root, _, extension = text.partition("^")
    return II(root, extension)
