"""The overview: every number is that of the list behind it."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from tests.integration.console.conftest import Desk
from tests.journal import fill

DOCUMENTS = 1500


@pytest.fixture(scope="module", autouse=True)
def filled(desk: Desk) -> None:
    async def run() -> None:
        await fill(desk.service.journal, DOCUMENTS, now=desk.clock() - timedelta(seconds=1))

    desk.wait(run)
    desk.sign_in()


def links(page: str) -> dict[str, str]:
    """Address of the queue → the number that leads there."""
    found = re.findall(r'<a class="[^"]*" href="(/console/queue\?[^"]*)">([^<]+)</a>', page)
    return {html.unescape(path): number.replace("\u202f", "") for path, number in found}


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_every_number_leads_to_as_many_rows(desk: Desk, period: str) -> None:
    found = links(desk.get(f"/console/?period={period}"))
    assert len(found) > 20
    for path, number in found.items():
        if "what=bundles" in path:
            continue
        page = desk.get(path)
        counted = re.search(r"Found: <strong>([^<]*)</strong>", page)
        assert counted is not None, path
        assert counted.group(1).replace("\u202f", "") == number, path


def test_the_columns_and_the_table_beside_them_say_the_same(desk: Desk) -> None:
    page = desk.get("/console/?period=week")
    chart = page.split('<svg class="chart"', 1)[1].split("</svg>", 1)[0]
    bars = re.findall(r"<title>[^<]*: ([0-9\u202f]+)</title>", chart)
    table = page.split('<details data-keep="hours">', 1)[1].split("</details>", 1)[0]
    cells = re.findall(r'<a class="" href="[^"]*">([0-9\u202f]+)</a>', table)
    assert sorted(bars) == sorted(cells)
    assert sum(int(one.replace("\u202f", "")) for one in bars) > DOCUMENTS / 6


def test_what_waits_tells_since_when(desk: Desk) -> None:
    assert re.search(r"the oldest waits for <strong>1 h( \d+ min)?</strong>", desk.get("/console/"))


def test_the_numbers_are_sent_again_when_they_change(desk: Desk) -> None:
    assert desk.service.console is not None
    desk.service.console.leaving = True  # the stream tells what there is, and ends
    try:
        answer = desk.http.get("/console/overview/live")
    finally:
        desk.service.console.leaving = False
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.status_code == 200


def test_an_empty_journal_has_an_overview(desk: Desk, database: str, tmp_path: object) -> None:
    from pathlib import Path

    from tests.database import service_settings
    from tests.integration.console.conftest import at_desk

    with at_desk(service_settings(database, Path(str(tmp_path)))) as other:
        other.sign_in()
        page = other.get("/console/")
        assert "Nothing came in during this period." in page
        assert "There are none." in other.get("/console/queue")
        assert "There are none." in other.get("/console/queue?what=bundles")
