"""The page of a document: ways, findings in their places, exchange, versions; and the page of a Bundle."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from adapter.api.console.exchange import explained, readable
from adapter.api.console.session import Role
from adapter.pipeline import State
from adapter.pipeline.conversion import record
from adapter.pipeline.making import make
from adapter.pipeline.ports import MadeDocument
from adapter.settings import settings
from adapter.sides import compared
from tests.integration.console.conftest import Desk

BUNDLES = Path(__file__).parents[3] / "examples" / "bundles"
ORGANISATION = "1.2.643.5.1.13.13.12.2.77.99999"
HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>{{ 7*7 }}"


@pytest.fixture(scope="module")
def sent(desk: Desk) -> dict[str, UUID]:
    """Ids of Bundles that were accepted and converted: one as it is, one changed, one hostile."""
    text = (BUNDLES / "170-r4-rucore.json").read_text(encoding="utf-8")
    plain = json.loads(text)
    changed = json.loads(text.replace('"Т-100"', '"Т-777"'))
    hostile = json.loads(text)
    for entry in hostile["entry"]:
        resource = entry["resource"]
        if resource["resourceType"] == "Patient":
            resource["name"][0]["family"] = HOSTILE
            resource["gender"] = "unknown"
        if resource["resourceType"] == "Immunization":
            resource["lotNumber"] = HOSTILE
    found = {}
    for name, bundle in (("plain", plain), ("changed", changed), ("hostile", hostile)):
        bundle["identifier"] = {"system": "urn:test", "value": name}
        found[name] = desk.wait(_sent, desk, json.dumps(bundle, ensure_ascii=False).encode())
    return found


def whole(document: MadeDocument) -> MadeDocument:
    """As it would be with all books at hand."""
    return replace(document, ok=document.data is not None, registration=document.registration or b"{}")


async def _sent(desk: Desk, data: bytes) -> UUID:
    journal = desk.service.journal
    accepted = await journal.accept(
        client="мис", organisation=ORGANISATION, data=data, media_type="application/fhir+json", fhir_version="",
        idempotency_key=None, bundle_identifier=None,
    )  # fmt: skip

    async def remake(versions: Any) -> Any:
        again = make(data, "", ORGANISATION, versions)
        return replace(again, documents=tuple(map(whole, again.documents)))

    made = make(data, "", ORGANISATION, {})
    # Whether packs and books are here or not: the document was made, and that is what is shown.
    made = replace(made, documents=tuple(map(whole, made.documents)))
    await record(journal, accepted.row, made, remake)
    return accepted.submission_id


@pytest.fixture(autouse=True)
def operator(desk: Desk, _own_settings: None) -> Iterator[None]:
    settings.cache_clear()
    desk.sign_in(Role.OPERATOR, Role.AUTHOR)
    yield


def document_of(desk: Desk, submission: UUID) -> str:
    rows = desk.query(
        "select product.id from egisz.product join egisz.submission_product link on link.product_id = product.id"
        " where link.submission_id = $1 and kind = '170'",
        submission,
    )
    return str(rows[0]["id"])


def test_a_value_leads_through_its_fact_to_bundle_rule_and_document(desk: Desk, sent: dict[str, UUID]) -> None:
    page = desk.get(f"/console/documents/{document_of(desk, sent['plain'])}")
    way = re.search(r'<a class="v" href="#w(\d+)" data-ways="\1">Т-100</a>', page)
    assert way is not None
    number = way[1]
    assert len(re.findall(rf'href="#w{number}" data-ways="[^"]*\b{number}\b[^"]*">(?:"Т-100"|Т-100)<', page)) >= 3
    fact = page.split(f'<li id="w{number}"', 1)[1].split("</li>", 1)[0]
    assert re.search(r"mappings/resources/[a-z-]+\.yaml:[1-9]", fact)
    element = re.search(r'href="#b(\d+)">Bundle\.entry\[\d+\]\.resource\.lotNumber<', fact)
    line = re.search(r'href="#x(\d+)"', fact)
    assert element is not None
    assert line is not None
    assert "Т-100" in page.split(f'id="b{element[1]}"', 1)[1].split("</div>", 1)[0]
    assert "Т-100" in page.split(f'id="x{line[1]}"', 1)[1].split("</div>", 1)[0]


def test_hostile_text_shows_as_text(desk: Desk, sent: dict[str, UUID]) -> None:
    ident = document_of(desk, sent["hostile"])
    for path in (
        f"/console/documents/{ident}",
        f"/console/documents/{ident}/versions",
        f"/console/bundles/{sent['hostile']}",
    ):
        page = desk.get(path)
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    page = html.unescape(desk.get(f"/console/documents/{ident}"))
    assert HOSTILE in page
    assert "49" not in re.findall(r"onerror=alert\(2\)>(.{1,12})", page)[0]


def test_every_view_is_in_the_audit(desk: Desk, sent: dict[str, UUID]) -> None:
    ident = document_of(desk, sent["plain"])
    for path in ("", "/exchange", "/versions", "/content"):
        before = desk.query(
            "select count(*) from egisz.audit where event->>'entity' = $1", f"DocumentReference/{ident}"
        )
        assert desk.http.get(f"/console/documents/{ident}{path}").status_code == 200
        after = desk.query("select count(*) from egisz.audit where event->>'entity' = $1", f"DocumentReference/{ident}")
        assert after[0]["count"] == before[0]["count"] + 1, path
    desk.get(f"/console/bundles/{sent['plain']}")
    assert desk.query("select from egisz.audit where event->>'entity' = $1", f"Bundle/{sent['plain']}")


def test_versions_stand_side_by_side(desk: Desk, sent: dict[str, UUID]) -> None:
    page = desk.get(f"/console/documents/{document_of(desk, sent['changed'])}/versions")
    assert re.search(r'class="old">[^<]*Т-100', page)
    assert re.search(r'class="new">[^<]*Т-777', page)


def test_two_texts_compared() -> None:
    older = "\n".join(f"line {number}" for number in range(30)).encode()
    newer = older.replace(b"line 20", b"line twenty").replace(b"line 9\n", b"line 9\nmore\n")
    sides = compared(older, newer)
    assert [(one.left, one.right) for one in sides if one.kind != "equal"] == [("", "more"), ("line 20", "line twenty")]
    assert sides[0].skipped == 7
    assert [one.skipped for one in sides if one.skipped] == [7, 4]
    assert compared(older, older) == []


def test_the_exchange_tells_moves(desk: Desk, sent: dict[str, UUID]) -> None:
    page = desk.get(f"/console/documents/{document_of(desk, sent['plain'])}/exchange")
    assert "Made and checked" in page


def test_codes_are_explained_and_messages_readable() -> None:
    code = explained("NOT_UNIQUE_PROVIDED_ID")
    assert code.error_class == "done"
    assert code.advice.ru
    assert readable(b"<a><b>1</b></a>") == "<a>\n  <b>1</b>\n</a>"
    assert readable(b'{"a":1}') == '{\n  "a": 1\n}'
    assert readable(b"<a><b>" + b"QUJD" * 500 + b"</b></a>").count("QUJD") < 20
    assert readable(b"<html><p>gateway") == "<html><p>gateway"
    assert readable(b"\xff\xfe") == "��"


def test_what_is_not_there_is_told(desk: Desk) -> None:
    unknown = "00000000-0000-7000-8000-000000000000"
    for path in (f"documents/{unknown}", f"documents/{unknown}/exchange", f"bundles/{unknown}", "documents/x"):
        assert desk.http.get(f"/console/{path}").status_code in (400, 404), path


def test_without_signing_in_nothing_is_seen(desk: Desk, sent: dict[str, UUID]) -> None:
    ident = document_of(desk, sent["plain"])
    desk.http.cookies.clear()
    for path in ("", "/exchange", "/versions", "/content"):
        assert desk.http.get(f"/console/documents/{ident}{path}").status_code == 303


def test_a_bundle_that_is_gone_leaves_the_document(desk: Desk, sent: dict[str, UUID]) -> None:
    ident = document_of(desk, sent["changed"])
    desk.query("update egisz.submission set payload_id = null where id = $1", sent["changed"])
    page = desk.get(f"/console/documents/{ident}")
    assert "no longer kept" in page
    assert "Т-777" in page
    assert desk.query("select state from egisz.product where id = $1::uuid", UUID(ident))[0]["state"] == State.CHECKED
