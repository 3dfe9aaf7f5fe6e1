"""Who gets in, with what, and for how long."""

from __future__ import annotations

import re

import pytest

from adapter.api.console.session import Role
from tests.integration.console.conftest import Desk


@pytest.fixture(autouse=True)
def nobody(desk: Desk) -> None:
    """Nobody is signed in."""
    desk.http.cookies.clear()


def test_without_a_session_there_is_the_form_and_then_the_page_that_was_asked_for(desk: Desk) -> None:
    answer = desk.http.get("/console/books?q=1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console/sign-in?next=/console/books%3Fq%3D1"
    page = desk.get(answer.headers["location"])
    assert 'name="next" value="/console/books?q=1"' in page
    ticket = desk.sessions.ticket("ivanov", [Role.OPERATOR], now=desk.clock())
    answer = desk.http.post("/console/sign-in", data={"ticket": ticket, "next": "/console/books?q=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/books?q=1")


def test_the_cookie_is_strict_and_out_of_reach_of_scripts(desk: Desk) -> None:
    ticket = desk.sessions.ticket("ivanov", [Role.OPERATOR], now=desk.clock())
    cookie = desk.http.post("/console/sign-in", data={"ticket": ticket}).headers["set-cookie"]
    assert cookie.startswith("__Host-egisz-console=")
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}


def test_a_ticket_is_good_once_and_not_for_long(desk: Desk) -> None:
    ticket = desk.sessions.ticket("ivanov", [Role.OPERATOR], now=desk.clock())
    assert desk.http.post("/console/sign-in", data={"ticket": ticket}).status_code == 303
    again = desk.http.post("/console/sign-in", data={"ticket": ticket})
    assert again.status_code == 403
    assert "used already" in again.text
    late = desk.sessions.ticket("ivanov", [Role.OPERATOR], now=desk.clock())
    desk.clock.pass_by(901)
    assert desk.http.post("/console/sign-in", data={"ticket": late}).status_code == 403


def test_a_session_is_no_ticket_and_a_ticket_no_session(desk: Desk) -> None:
    ticket = desk.sessions.ticket("ivanov", [Role.OPERATOR], now=desk.clock())
    desk.http.cookies.set("__Host-egisz-console", ticket)
    assert desk.http.get("/console/").status_code == 303
    desk.sign_in()
    cookie = desk.http.cookies["__Host-egisz-console"]
    desk.http.cookies.clear()
    assert desk.http.post("/console/sign-in", data={"ticket": cookie}).status_code == 403


def test_a_link_with_a_ticket_does_not_use_it_up(desk: Desk) -> None:
    ticket = desk.sessions.ticket("ivanov", [Role.OPERATOR], now=desk.clock())
    for _ in range(2):
        assert ticket in desk.get(f"/console/sign-in?ticket={ticket}")
    assert desk.http.post("/console/sign-in", data={"ticket": ticket}).status_code == 303


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/console/\\evil", "/fhir", "/console/../x\n"]
)
def test_nobody_is_sent_elsewhere_after_signing_in(desk: Desk, target: str) -> None:
    ticket = desk.sessions.ticket("ivanov", [Role.OPERATOR], now=desk.clock())
    answer = desk.http.post("/console/sign-in", data={"ticket": ticket, "next": target})
    assert answer.headers["location"] == "/console/"
    assert desk.http.get("/console/lang/en", params={"next": target}).headers["location"] == "/console/"


def test_a_session_ends_by_itself_and_by_hand(desk: Desk) -> None:
    desk.sign_in()
    cookie = desk.http.cookies["__Host-egisz-console"]
    assert desk.post("/console/sign-out").status_code == 303
    desk.http.cookies.clear()
    desk.http.cookies.set("__Host-egisz-console", cookie)
    assert desk.http.get("/console/").status_code == 303, "a stolen cookie is good no more"
    desk.sign_in()
    cookie = desk.http.cookies["__Host-egisz-console"]
    desk.clock.pass_by(12 * 3600 + 1)
    desk.http.cookies.clear()
    desk.http.cookies.set("__Host-egisz-console", cookie)
    assert desk.http.get("/console/").status_code == 303


def test_a_form_of_another_site_is_refused(desk: Desk) -> None:
    desk.sign_in()
    assert desk.http.post("/console/sign-out").status_code == 403, "without the token"
    token = desk.form_token()
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        answer = desk.http.post("/console/sign-out", data={"form_token": token}, headers=headers)
        assert answer.status_code == 403, headers
    other = desk.sessions.begin("petrov", [Role.AUTHOR], now=desk.clock())
    answer = desk.http.post("/console/sign-out", data={"form_token": desk.sessions.form_token(other)})
    assert answer.status_code == 403, "the token of another session"
    desk.get("/console/")


def test_signing_in_and_out_is_in_the_audit(desk: Desk) -> None:
    desk.sign_in(name="auditov")
    desk.post("/console/sign-out")
    rows = desk.query("select event->>'entity' as entity from egisz.audit where event->>'agent' = 'console:auditov'")
    assert [row["entity"] for row in rows] == ["Device/console-sign-in", "Device/console-sign-out"]


def test_every_answer_says_what_may_run_in_it(desk: Desk) -> None:
    desk.sign_in()
    for path in ("/console/", "/console/sign-in", "/console/nowhere", "/console"):
        answer = desk.http.get(path)
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", answer.text)


def test_an_unknown_page_is_a_page(desk: Desk) -> None:
    assert desk.http.get("/console/nowhere").status_code == 303
    desk.sign_in()
    answer = desk.http.get("/console/nowhere")
    assert answer.status_code == 404
    assert "There is no such page." in answer.text


def test_the_reader_chooses_the_language(desk: Desk) -> None:
    assert "Sign in to the console" in desk.get("/console/sign-in")
    assert "Вход в консоль" in desk.get("/console/sign-in", **{"Accept-Language": "ru-RU,ru;q=0.9"})
    assert desk.http.get("/console/lang/ru?next=/console/sign-in").headers["location"] == "/console/sign-in"
    assert 'lang="ru"' in desk.get("/console/sign-in")
    assert desk.http.get("/console/lang/xx").status_code == 404


def test_assets_are_kept_for_ever_and_only_what_is_listed_is_served(desk: Desk) -> None:
    page = desk.get("/console/sign-in")
    path = page.split('rel="stylesheet" href="', 1)[1].split('"', 1)[0]
    answer = desk.http.get(path)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/css")
    for wrong in ("/console/assets/0/static/../session.py", "/console/assets/x/static/console.css"):
        assert desk.http.get(wrong).status_code == 404
