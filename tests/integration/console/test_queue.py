"""The queue: finding, paging, and moving one or many after a look at what would happen."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from adapter.api.console.session import Role
from tests.integration.console.conftest import Desk
from tests.journal import fill

DOCUMENTS = 1000
HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>{{ 7*7 }}"


@pytest.fixture(scope="module", autouse=True)
def filled(desk: Desk) -> None:
    async def run() -> None:
        await fill(desk.service.journal, DOCUMENTS, days=3, now=desk.clock() - timedelta(seconds=1))

    desk.wait(run)


@pytest.fixture(autouse=True)
def operator(desk: Desk) -> None:
    desk.sign_in(Role.OPERATOR)


def rows(page: str) -> list[str]:
    return re.findall(r'<input type="checkbox" name="ids" value="([^"]+)"', page)


def row(desk: Desk, where: str, *arguments: Any) -> Any:
    return desk.query(f"select * from egisz.product where {where} order by id limit 1", *arguments)[0]


def test_pages_go_by_key_through_everything_once(desk: Desk) -> None:
    seen: list[str] = []
    path = "/console/queue"
    while path:
        page = desk.get(path)
        seen += rows(page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = html.unescape(following.group(1)) if following else ""
    expected = [str(one["id"]) for one in desk.query("select id from egisz.product order by created_at desc, id desc")]
    assert seen == expected


def test_a_row_that_comes_meanwhile_moves_no_page(desk: Desk) -> None:
    first = desk.get("/console/queue?state=registered")
    following = html.unescape(re.search(r'rel="next" href="([^"]+)"', first).group(1))  # type: ignore[union-attr]
    before = rows(desk.get(following))
    desk.query("update egisz.product set created_at = now() where id = $1", UUID(before[0]))
    assert rows(desk.get(following)) == [*before[1:], *rows(desk.get(following))[-1:]]


@pytest.mark.parametrize(
    ("what", "where"),
    [
        ("local_uid", "state = 'registered'"),
        ("local_uid", "version is null"),
        ("set_id", "state = 'held'"),
        ("emdr_id", "state = 'registered'"),
        ("id", "state = 'rejected'"),
        ("submission_id", "state = 'dead'"),
    ],
)
def test_a_number_finds_its_document(desk: Desk, what: str, where: str) -> None:
    one = row(desk, where)
    assert rows(desk.http.get("/console/queue", params={"q": str(one[what])}).text) == [str(one["id"])]


def test_the_extension_of_a_number_and_a_message_in_any_spelling_are_found(desk: Desk) -> None:
    one = row(desk, "state = 'registered'")
    extension = one["set_id"].partition("^")[2]
    assert rows(desk.get(f"/console/queue?q={extension}")) == [str(one["id"])]
    message = desk.query("select * from egisz.message where product_id = $1 and direction = 'out'", one["id"])[0]
    spelled = f"urn:uuid:{UUID(message['message_id'])}"
    assert rows(desk.get(f"/console/queue?q={spelled}")) == [str(one["id"])]
    answer = desk.query("select * from egisz.message where product_id = $1 and direction = 'in'", one["id"])[0]
    assert rows(desk.get(f"/console/queue?q={answer['message_id']}")) == [str(one["id"])]
    assert "Nothing was found by this number." in desk.get("/console/queue?q=nobody")
    desk.query("update egisz.product set unrz = 'Z-1' where id = $1", one["id"])
    assert rows(desk.get("/console/queue?q=Z-1")) == [str(one["id"])]


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ("state=failed", "state in ('rejected', 'dead')"),
        ("state=waiting", "state in ('checked', 'signed', 'sent', 'awaiting')"),
        ("state=held", "state = 'held'"),
        ("state=failed&class=check", "stopped_at = 'check'"),
        ("class=permanent", "error ->> 'class' = 'permanent'"),
        ("code=INVALID_DOCTOR", "error -> 'codes' ? 'INVALID_DOCTOR'"),
        ("code=NSI01", """findings @> '[{"code": "NSI01"}]'"""),
        ("kind=170&state=failed", "kind = '170' and state in ('rejected', 'dead')"),
        ("organisation=1.2.643.5.1.13.13.12.2.78.1", "organisation = '1.2.643.5.1.13.13.12.2.78.1'"),
    ],
)
def test_a_filter_finds_what_it_says(desk: Desk, asked: str, where: str) -> None:
    expected = desk.query(f"select id from egisz.product where {where} order by created_at desc, id desc limit 50")
    assert expected
    assert rows(desk.get(f"/console/queue?{asked}")) == [str(one["id"]) for one in expected]


@pytest.mark.parametrize(
    "asked", ["state=nowhere", "since=yesterday", "after=x", "after=2026-01-01~x", "until=9999999"]
)
def test_a_malformed_filter_is_told(desk: Desk, asked: str) -> None:
    answer = desk.http.get(f"/console/queue?{asked}")
    assert answer.status_code == 400
    assert "The filter is wrong" in answer.text


@pytest.mark.parametrize("field", ["q", "kind", "organisation", "class", "code"])
def test_hostile_text_of_an_address_is_text(desk: Desk, field: str) -> None:
    page = desk.http.get("/console/queue", params={field: HOSTILE}).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;" in page


def test_hostile_text_of_the_journal_is_text(desk: Desk) -> None:
    one = row(desk, "state = 'rejected' and stopped_at = 'check'")
    names = ("kind", "organisation", "set_id", "emdr_id", "unrz")
    for name in names:
        desk.query(f"update egisz.product set {name} = $2 where id = $1", one["id"], HOSTILE)
    error = f'{{"class": "{HOSTILE[:8]}", "ru": "<b>x</b>", "en": "<b>x</b>", "codes": ["<i>c</i>"]}}'
    desk.query("update egisz.product set error = $2::jsonb where id = $1", one["id"], error)
    try:
        for path in (f"/console/queue?q={one['id']}", "/console/?period=month"):
            page = desk.get(path)
            assert "<script>alert" not in page
            assert not re.search("<b>x|<i>c|<img", page)
            assert "&lt;script&gt;" in page
    finally:
        for name in (*names, "error"):
            desk.query(f"update egisz.product set {name} = $2 where id = $1", one["id"], one[name])


def dry_run(desk: Desk, move: str, **fields: Any) -> str:
    answer = desk.post("/console/queue/dry-run", move=move, **fields)
    assert answer.status_code == 200, answer.text
    text: str = answer.text
    return text


def confirmed(desk: Desk, page: str) -> str:
    """Send the form of a dry run; the page of the job."""
    form = page.split('action="/console/queue/move"', 1)[1].split("</form>", 1)[0]
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form):
        fields.setdefault(name, []).append(html.unescape(value))
    answer = desk.http.post("/console/queue/move", data=fields)
    assert answer.status_code == 303, answer.text
    return desk.get(answer.headers["location"])


def test_one_is_held_released_and_dropped_after_a_look(desk: Desk) -> None:
    one = row(desk, "state = 'signed'")
    for move, state in (("hold", "held"), ("release", "checked"), ("drop", "dead")):
        page = dry_run(desk, move, ids=str(one["id"]))
        assert "would be done" in page
        assert row(desk, "id = $1", one["id"])["state"] != state, "a look changes nothing"
        assert "Done: <strong>1</strong> of 1" in confirmed(desk, page)
        assert row(desk, "id = $1", one["id"])["state"] == state
    audit = desk.query("select event from egisz.audit where event->>'entity' = $1", f"Task/{one['id']}")
    assert len(audit) == 3
    assert all('"console:ivanov"' in one["event"] for one in audit)


def test_many_are_replayed_and_what_cannot_be_is_told(desk: Desk) -> None:
    where = "state in ('rejected', 'dead') and error ->> 'class' = 'permanent'"
    able = desk.query(f"select id from egisz.product where {where}")
    page = dry_run(desk, "replay", state="failed", **{"class": "permanent", "scope": "all"})
    assert f"Replay: {len(able)}" in page
    assert f"Done: <strong>{len(able)}</strong> of {len(able)}" in confirmed(desk, page)
    assert not desk.query(f"select id from egisz.product where {where}")


def test_a_move_that_cannot_be_made_is_told_before(desk: Desk) -> None:
    registered, held = row(desk, "state = 'registered'"), row(desk, "state = 'held'")
    page = dry_run(desk, "release", ids=[str(registered["id"]), str(held["id"])])
    assert "state: registered" in page
    assert "Release: 1" in page
    done = confirmed(desk, page)
    assert "Done: <strong>1</strong> of 2" in done
    assert "cannot release: the state is registered" in done


def test_what_comes_after_the_look_is_not_moved(desk: Desk) -> None:
    page = dry_run(desk, "drop", state="awaiting", scope="all")
    late = row(desk, "state = 'sent'")
    desk.query(
        "update egisz.product set state = 'awaiting', created_at = now() + interval '1 hour' where id = $1", late["id"]
    )
    confirmed(desk, page)
    assert [one["id"] for one in desk.query("select id from egisz.product where state = 'awaiting'")] == [late["id"]]


def test_nothing_marked_is_nothing_done(desk: Desk) -> None:
    answer = desk.post("/console/queue/dry-run", move="replay", scope="marked")
    assert answer.status_code == 400
    assert "Nothing is marked." in answer.text
    assert desk.post("/console/queue/dry-run", move="delete", ids="x").status_code == 400


def test_an_author_looks_and_moves_nothing(desk: Desk) -> None:
    desk.sign_in(Role.AUTHOR)
    assert 'name="move"' not in desk.get("/console/queue")
    one = row(desk, "state = 'registered'")
    for path in ("/console/queue/dry-run", "/console/queue/move"):
        answer = desk.post(path, move="drop", ids=str(one["id"]))
        assert answer.status_code == 403
        assert "This needs the role “operator”." in answer.text


def test_bundles_are_listed_and_moved(desk: Desk) -> None:
    some = "(select id from egisz.submission limit 1)"
    one = desk.query(f"update egisz.submission set state = 'refused' where id = {some} returning id")[0]
    page = desk.get("/console/queue?what=bundles&state=failed")
    assert rows(page) == [str(one["id"])]
    assert rows(desk.get(f"/console/queue?what=bundles&q={one['id']}")) == [str(one["id"])]
    page = dry_run(desk, "replay", what="bundles", ids=str(one["id"]))
    assert "Done: <strong>1</strong> of 1" in confirmed(desk, page)
    assert desk.query("select state from egisz.submission where id = $1", one["id"])[0]["state"] == "accepted"


def test_a_job_of_another_time_is_not_there(desk: Desk) -> None:
    assert desk.http.get(f"/console/queue/jobs/{UUID(int=1)}").status_code == 404
