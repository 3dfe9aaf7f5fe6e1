"""A real browser at a real ``egisz serve``.

Playwright drives the Chromium of the machine; where there is none, or no Playwright, these tests are skipped by name.
What was looked at is kept as pictures in ``out/console/``.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from adapter.api.assembly import console_sessions
from adapter.api.console.session import Role
from adapter.nsi.importer import import_folder
from adapter.pipeline import Journal
from tests.database import service_settings
from tests.fixtures import database_url, server
from tests.journal import fill
from tests.service import Served, environment, serving

__all__ = ["database_url", "server"]

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "out" / "console"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
#: What axe calls worse than moderate.
SERIOUS = ("serious", "critical")
DOCUMENTS = 3000
DESKTOP, TABLET = {"width": 1440, "height": 900}, {"width": 820, "height": 1180}


def chromium() -> str:
    """The browser of the machine."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")


def apart(work: Any) -> Any:
    """The result of a coroutine, run where Playwright's loop does not run."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


@dataclass
class Site:
    """The running service with what tests change behind it."""

    served: Served
    url: str
    home: Path
    tickets: list[str] = field(default_factory=list)

    def ticket(self, *roles: Role) -> str:
        """A code to sign in with."""

        async def made() -> str:
            journal = await Journal.open(service_settings(self.url, self.home / "data"), connections=2)
            try:
                return console_sessions(journal).ticket("Иванова И. И.", roles or list(Role), now=journal.clock())
            finally:
                await journal.close()

        return str(apart(made()))

    def query(self, statement: str, *arguments: Any) -> list[Any]:
        """Rows of the database."""
        import asyncpg

        async def run() -> list[Any]:
            connection = await asyncpg.connect(self.url)
            try:
                found: list[Any] = await connection.fetch(statement, *arguments)
                return found
            finally:
                await connection.close()

        rows: list[Any] = apart(run())
        return rows


@pytest.fixture(scope="module")
def site(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service over a journal of some thousand documents, and nobody who works on them."""
    chromium()
    home = tmp_path_factory.mktemp("browser")
    bundle = (ROOT / "examples" / "bundles" / "170-r4-frcore.json").read_bytes()
    document = (ROOT / "examples" / "documents" / "170-vaccination.xml").read_bytes()

    async def filled() -> None:
        journal = await Journal.open(service_settings(database_url, home / "data"), connections=2)
        try:
            await fill(journal, DOCUMENTS, bundle=bundle, document=document)
        finally:
            await journal.close()

    apart(filled())
    books = ROOT.parent / "shared" / "nsi"
    if books.is_dir():
        import_folder(books, home / "data" / "nsi")
    with serving(environment(database_url, home), home, "--no-worker") as served:
        yield Site(served, database_url, home)


@pytest.fixture(scope="module")
def browser(site: Site) -> Iterator[Any]:
    """The browser; made after the service, whose end would not wait in Playwright's loop."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        made = running.chromium.launch(executable_path=chromium())
        yield made
        made.close()


@dataclass
class Visitor:
    """A person at the browser.

    Attributes:
        page: Playwright's.
        complaints: what the browser has complained of: errors of scripts, things that the policy forbids.
        hosts: whom it has asked for anything.
    """

    page: Any
    site: Site
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def sign_in(self, *roles: Role) -> None:
        """As a person does with a link that was printed."""
        self.go(f"/console/sign-in?ticket={self.site.ticket(*roles)}")
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/console/")

    def go(self, path: str) -> None:
        """Open a page."""
        self.page.goto(self.site.served.base + path)

    def looked_at(self, name: str) -> None:
        """Keep a picture of the page, and have it looked at for what shuts people out."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
        if AXE.is_file():
            self.page.evaluate(AXE.read_text("utf-8"))
            found = self.page.evaluate("axe.run()")["violations"]
            told = [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in SERIOUS]
            assert told == [], name
        assert self.complaints == [], name


@contextmanager
def visiting(site: Site, browser: Any, **options: Any) -> Iterator[Visitor]:
    """A browser of a person of its own."""
    given = {"viewport": DESKTOP, "locale": "ru-RU", "timezone_id": "Europe/Moscow", **options}
    context = browser.new_context(**given)
    page = context.new_page()
    page.set_default_timeout(15_000)
    visitor = Visitor(page, site)
    page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    page.on("console", lambda one: visitor.complaints.append(one.text) if one.type in ("error", "warning") else None)
    page.on("request", lambda one: visitor.hosts.add(one.url.split("/")[2]))
    try:
        yield visitor
        assert visitor.hosts <= {site.served.base.split("/")[2]}, "nobody else is asked for anything"
    finally:
        context.close()


@pytest.fixture
def visitor(site: Site, browser: Any) -> Iterator[Visitor]:
    """A person with both roles, signed in."""
    with visiting(site, browser) as made:
        made.sign_in()
        yield made
