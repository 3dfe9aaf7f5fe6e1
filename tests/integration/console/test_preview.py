"""What a replay would change in a document is told before, without a value of it."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from adapter.api.console.session import Role
from tests.integration.console.conftest import Desk
from tests.journal import fill

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def ident(desk: Desk) -> UUID:
    """A document whose Bundle is kept."""

    async def run() -> list[UUID]:
        bundle = (EXAMPLES / "bundles" / "170-r4-frcore.json").read_bytes()
        return await fill(desk.service.journal, 1, bundle=bundle)

    made: list[UUID] = desk.wait(run)
    desk.query("update egisz.product set state = 'rejected', version = null where id = $1", made[0])
    return made[0]


def test_a_look_at_one_document_offers_it(desk: Desk, ident: UUID) -> None:
    desk.sign_in(Role.OPERATOR)
    page = desk.post("/console/queue/dry-run", move="replay", ids=str(ident)).text
    assert f'href="/console/queue/preview/{ident}"' in page


def test_it_tells_what_would_become_of_the_document(desk: Desk, ident: UUID) -> None:
    desk.sign_in(Role.OPERATOR)
    page = desk.get(f"/console/queue/preview/{ident}")
    assert "What would change in the document" in page
    assert "would not be made" in page, "the row names a place that no document of the Bundle is about"
    part = desk.get(f"/console/queue/preview/{ident}", **{"HX-Request": "true"})
    assert "<html" not in part
    assert "would not be made" in part


def test_it_is_for_operators(desk: Desk, ident: UUID) -> None:
    desk.sign_in(Role.AUTHOR)
    assert desk.http.get(f"/console/queue/preview/{ident}").status_code == 403


def test_a_bundle_that_is_not_kept_is_told(desk: Desk, ident: UUID) -> None:
    desk.sign_in(Role.OPERATOR)
    desk.query("update egisz.submission set payload_id = null")
    answer = desk.http.get(f"/console/queue/preview/{ident}")
    assert answer.status_code == 400
    assert "it is not kept" in answer.text
    page = desk.post("/console/queue/dry-run", move="replay", ids=str(ident)).text
    assert "the Bundle is no longer kept" in page
