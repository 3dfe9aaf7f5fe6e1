"""``make bench``: what the pages of the console cost with a long journal.

Everything is real and on this machine: PostgreSQL, HTTP, a session. Each page is asked for again and again, the first
time untold, so that nothing of it is in a cache of ours; the overview is asked past its cache. A page that is slower
than the limit at its median fails the run.

``--documents N`` is the length of the journal.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from urllib.parse import quote

import aiohttp
from pydantic import SecretStr

from adapter.api.assembly import console_sessions
from adapter.api.console.session import Role
from adapter.pipeline import Journal
from adapter.pipeline.postgres import Cluster
from adapter.settings import Settings
from tests.bench.measure import table
from tests.bench.service import API, Bench, ready
from tests.journal import fill

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = (ROOT / "examples" / "bundles" / "170-r4-frcore.json").read_bytes()
DOCUMENT = (ROOT / "examples" / "documents" / "170-vaccination.xml").read_bytes()
#: Milliseconds that a page may take.
LIMIT = 200.0
ROUNDS = 9


async def filled(settings: Settings, documents: int) -> tuple[str, dict[str, str]]:
    """A ticket, and the pages to ask for by name."""
    journal = await Journal.open(settings, connections=2)
    try:
        await fill(journal, documents, bundle=BUNDLE, document=DOCUMENT)
        async with journal.database.connection() as connection:
            one = await connection.fetchrow(
                "select id, emdr_id, set_id, created_at from egisz.product where state = 'registered' "
                "order by created_at offset $1 limit 1",
                documents // 2,
            )
            message = await connection.fetchval("select message_id from egisz.message where product_id = $1", one["id"])
        ticket = console_sessions(journal).ticket("bench", list(Role), now=journal.clock())
    finally:
        await journal.close()
    key = quote(f"{one['created_at'].isoformat()}~{one['id']}")
    pages = {
        "overview, a day": "/console/",
        "overview, a week": "/console/?period=week",
        "overview, a month": "/console/?period=month",
        "queue, everything": "/console/queue",
        "queue, from the middle": f"/console/queue?after={key}",
        "queue, failed": "/console/queue?state=failed",
        "queue, held of one organisation": "/console/queue?state=held&organisation=1.2.643.5.1.13.13.12.2.50.7",
        "queue, a kind": "/console/queue?kind=204",
        "queue, class of error": "/console/queue?class=permanent",
        "queue, code of a finding": "/console/queue?code=NSI01",
        "queue, code that nobody has": "/console/queue?code=NONE",
        "queue, emdrId": f"/console/queue?q={one['emdr_id']}",
        "queue, number of a document": f"/console/queue?q={quote(one['set_id'].partition('^')[2])}",
        "queue, id of a message": f"/console/queue?q={message}",
        "queue, Bundles": "/console/queue?what=bundles",
        "document": f"/console/documents/{one['id']}",
        "books and packs": "/console/books",
    }
    return ticket, pages


async def asked(session: aiohttp.ClientSession, path: str) -> float:
    """Milliseconds of a page."""
    begun = time.perf_counter()
    async with session.get(path) as answer:
        await answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status}")
    return (time.perf_counter() - begun) * 1000


async def form_token(session: aiohttp.ClientSession) -> str:
    async with session.get("/console/queue") as answer:
        return (await answer.text()).split('name="form_token" value="', 1)[1].split('"', 1)[0]


async def looked(session: aiohttp.ClientSession, token: str) -> float:
    """Milliseconds of a look at what a move of everything that failed would do."""
    fields = {"form_token": token, "move": "replay", "scope": "all", "state": "failed"}
    begun = time.perf_counter()
    async with session.post("/console/queue/dry-run", data=fields) as answer:
        await answer.read()
        if answer.status != 200:
            raise SystemExit(f"dry run: {answer.status}")
    return (time.perf_counter() - begun) * 1000


def told(times: list[float]) -> str:
    """The median and the worst."""
    return f"p50 {median(times):6.1f} ms   worst {max(times):6.1f} ms"


async def measured(home: Path, cluster: Cluster, documents: int) -> bool:
    """All pages; whether each keeps the limit."""
    data = home / "data"
    settings = Settings(data=data, database_url=SecretStr(cluster.url))
    begun = time.perf_counter()
    ticket, pages = await filled(settings, documents)
    print(f"journal of {documents} documents made in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EGISZ_")}
    environment |= {"EGISZ_DATA": str(data), "EGISZ_DATABASE_URL": cluster.url, "EGISZ_CACHE": str(home / "cache")}
    for name in ("EGISZ_PACKS", "EGISZ_NSI"):
        if name in os.environ:
            environment[name] = os.environ[name]
    bench = Bench(home, environment, cluster.url)
    address, jar = f"http://127.0.0.1:{API}", aiohttp.CookieJar(unsafe=True)
    slow = False
    with bench.process("serve", "serve", "--port", str(API), "--no-worker"):
        await ready(f"{address}/health/ready")
        async with aiohttp.ClientSession(address, cookie_jar=jar) as session:
            async with session.post("/console/sign-in", data={"ticket": ticket, "next": "/console/"}) as answer:
                if answer.status != 200:
                    raise SystemExit(f"signing in: {answer.status}")
            rows = {}
            for name, path in pages.items():
                times = []
                for _ in range(ROUNDS + 1):
                    if name.startswith("overview"):
                        await asyncio.sleep(4)  # longer than it is kept
                    times.append(await asked(session, path))
                rows[name] = told(times[1:])
                slow = slow or median(times[1:]) > LIMIT
            token = await form_token(session)
            times = [await looked(session, token) for _ in range(ROUNDS)]
            rows["a look at replaying all that failed"] = told(times)
            slow = slow or median(times) > LIMIT
            table(f"console: pages over {documents} documents", rows)
    return not slow


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=100_000)
    count = parser.parse_args().documents
    with tempfile.TemporaryDirectory(prefix="egisz-bench-") as folder:
        home = Path(folder)
        for one in (home, home / "data"):
            one.mkdir(exist_ok=True)
            one.chmod(0o711)
        cluster = Cluster(home / "data" / "postgres")
        cluster.start()
        try:
            kept = asyncio.run(measured(home, cluster, count))
        finally:
            cluster.stop()
    if not kept:
        raise SystemExit(f"a page takes more than {LIMIT:.0f} ms")


if __name__ == "__main__":
    main()
