"""Books and packs: what is installed, what is open, what uses what, and looking up a code."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapter.catalogue import Catalogue
from adapter.documents.kinds import load_kinds
from adapter.nsi.importer import import_folder
from tests.database import service_settings
from tests.integration.console.conftest import Desk, at_desk

OID = "1.2.643.5.1.13.13.11.1040"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, database_url: str, nsi_source: Path) -> Iterator[Desk]:
    """The console with the books at hand."""
    home = tmp_path_factory.mktemp("shelf")
    import_folder(nsi_source, home / "nsi")
    with at_desk(service_settings(database_url, home)) as desk:
        desk.sign_in()
        yield desk


def test_kinds_that_are_made_are_listed_without_any_pack(desk: Desk) -> None:
    desk.sign_in()
    page = desk.get("/console/books")
    row = page.split('id="kind-170"', 1)[1].split("</tr>", 1)[0]
    assert "egisz packs fetch 170" in row
    assert re.search(r'<span class="badge (good|bad|warn)">', row)
    assert f'href="#book-{OID}"' in row, "the sex of the patient"
    assert "not installed" in page.split(f'id="book-{OID}"', 1)[1].split("</tr>", 1)[0]


def test_whether_a_kind_is_open_today_is_told(desk: Desk) -> None:
    desk.sign_in()
    told = dict(re.findall(r'<tr id="kind-(\d+)">.*?badge (\w+)', desk.get("/console/books"), re.DOTALL))
    today = desk.clock().astimezone().date()
    kinds = {kind.code: kind for kind in load_kinds(Catalogue())}
    assert {code for code, badge in told.items() if badge == "good"} == {
        code for code in told if kinds[code].open_on(today)
    }


@pytest.mark.books
def test_a_book_tells_its_versions_and_who_uses_it(shelf: Desk) -> None:
    row = shelf.get("/console/books").split(f'id="book-{OID}"', 1)[1].split("</tr>", 1)[0]
    assert f'href="/console/books/{OID}/' in row
    assert "170" in row


@pytest.mark.books
def test_a_code_is_found_by_itself_and_by_its_name(shelf: Desk) -> None:
    page = shelf.get("/console/books")
    address = html.unescape(re.search(rf'href="(/console/books/{OID}/[^"]+)"', page).group(1))  # type: ignore[union-attr]
    whole = shelf.get(address)
    rows = re.findall(r'<th scope="row" class="mono nowrap">([^<]*)</th><td>([^<]*)</td>', whole)
    assert rows
    code, name = rows[0]
    for asked in (code, name.split()[0].upper()):
        assert (code, name) in re.findall(
            r'<th scope="row" class="mono nowrap">([^<]*)</th><td>([^<]*)</td>',
            shelf.http.get(address, params={"q": asked}).text,
        )
    assert "Nothing was found." in shelf.http.get(address, params={"q": "<script>alert(1)</script>"}).text


@pytest.mark.books
def test_a_long_book_goes_page_by_page(shelf: Desk) -> None:
    page = shelf.get("/console/books")
    longest = max(
        re.findall(r'href="(/console/books/[^"]+)">[^<]*</a> <span class="dim nowrap">([0-9\u202f]+)', page),
        key=lambda one: int(one[1].replace("\u202f", "")),
    )[0]
    seen: list[str] = []
    address = html.unescape(longest)
    for _ in range(3):
        page = shelf.get(address)
        seen += re.findall(r'<th scope="row" class="mono nowrap">([^<]*)</th>', page)
        address = html.unescape(re.search(r'rel="next" href="([^"]+)"', page).group(1))  # type: ignore[union-attr]
    assert len(seen) == len(set(seen)) == 300


def test_an_unknown_book_is_not_there(desk: Desk) -> None:
    desk.sign_in()
    assert desk.http.get("/console/books/1.2.3/1.0").status_code == 404
