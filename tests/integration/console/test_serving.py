"""``egisz serve`` with the console: the command that lets people in, the switch, and the end of what stays open."""

from __future__ import annotations

import signal
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import pytest

from tests.service import Served, egisz, environment, serving


def browser(service: Served) -> OpenerDirector:
    """Somebody who has signed in with a code of the command."""
    printed = egisz(service.environment, "console", "token", "--role", "operator", "--for", "ivanova").splitlines()
    opener = build_opener(HTTPCookieProcessor(CookieJar()))
    form = urlencode({"ticket": printed[-1], "next": "/console/queue"}).encode()
    page = opener.open(f"{service.base}/console/sign-in", form, timeout=30)
    assert page.url == f"{service.base}/console/queue"
    return opener


def test_a_code_of_the_command_lets_in_and_an_open_page_does_not_hold_up_the_end(database: str, tmp_path: Path) -> None:
    with serving(environment(database, tmp_path), tmp_path, "--no-worker") as service:
        stream = browser(service).open(f"{service.base}/console/overview/live", timeout=60)
        assert stream.readline() == b"retry: 2000\n"
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(60) == 0
        assert b"event: numbers" in stream.read()


def test_the_console_can_be_off(database: str, tmp_path: Path) -> None:
    with (
        serving(environment(database, tmp_path, EGISZ_CONSOLE="false"), tmp_path, "--no-worker") as service,
        pytest.raises(HTTPError, match="404"),
    ):
        build_opener().open(f"{service.base}/console/", timeout=30)


def test_a_name_that_the_audit_cannot_tell_is_refused(database: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="a name has 1 to 64 printable characters"):
        egisz(environment(database, tmp_path), "console", "token", "--role", "author", "--for", "a\nb")


def test_the_link_is_printed_where_the_address_is_known(database: str, tmp_path: Path) -> None:
    variables = environment(database, tmp_path, EGISZ_BASE_URL="https://clinic.example/")
    printed = egisz(variables, "console", "token", "--role", "author", "--role", "operator").splitlines()
    assert printed[0] == f"https://clinic.example/console/sign-in?ticket={printed[1]}"
