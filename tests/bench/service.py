"""``make bench``: what the service costs: Bundles acknowledged, and documents brought to their number.

Everything is real and on this machine: PostgreSQL with fsync, HTTP, RSA signatures, the stand with its own checks in a
process of its own. Every process's share of the processor is told, because they share its cores. The floor comes from
the same run: a bare FastAPI echo, a bare INSERT and COMMIT, one signature by the ``openssl`` command.

``--minutes N`` keeps sending for N minutes and tells how memory grows; ``--bundles N`` is the size of the other parts.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

import aiohttp
import asyncpg
import psutil

from adapter.nsi.importer import import_folder
from adapter.pipeline.postgres import Cluster
from conformance.packs import PackStore
from tests.bench.measure import table

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("EGISZ_SHARED", ROOT.parent / "shared"))
BUNDLE = (ROOT / "examples" / "bundles" / "170-r4-frcore.json").read_bytes()
#: Senders at once.
SENDERS = 16
#: What is aimed at on two cores, printed beside what was measured.
AIM_ACKNOWLEDGED = "aim: 500/s, p99 50 ms"
AIM_REGISTERED = "aim: 60 a second"
API, STAND, ECHO = 18080, 18090, 18100


class Refused(Exception):
    """A part of the service did not do what it was asked."""


@dataclass
class Process:
    """A command in the background, with the processes that it starts."""

    name: str
    popen: subprocess.Popen[bytes]
    _before: float = 0.0

    def processes(self) -> list[psutil.Process]:
        own = psutil.Process(self.popen.pid)
        return [own, *own.children(recursive=True)]

    def seconds(self) -> float:
        """Processor seconds so far, children included."""
        return sum(one.cpu_times().user + one.cpu_times().system for one in self.processes())

    def memory(self) -> float:
        """Resident megabytes, children included."""
        return sum(one.memory_info().rss for one in self.processes()) / 2**20


@dataclass
class Bench:
    """The processes of one run."""

    home: Path
    environment: dict[str, str]
    database: str
    token: str = ""
    running: list[Process] = field(default_factory=list)

    @contextmanager
    def process(self, name: str, *command: str) -> Iterator[Process]:
        """A command of ``egisz``, or any with an absolute path, stopped at the end."""
        words = [str(Path(sys.executable).with_name("egisz")), *command] if command[0] != sys.executable else command
        log = (self.home / f"{name}.log").open("wb")
        made = Process(name, subprocess.Popen(words, env=self.environment, stdout=log, stderr=log, cwd=ROOT))
        self.running.append(made)
        try:
            yield made
        finally:
            self.running.remove(made)
            made.popen.terminate()
            made.popen.wait(60)

    def sign_in(self) -> None:
        """The token for trials that the service has printed, as one that lives as long as the run."""
        lines = (self.home / "serve.log").read_text(encoding="utf-8").splitlines()
        self.token = next((one for one in lines if one.startswith("eyJ")), self.token)

    def postgres(self) -> list[psutil.Process]:
        """The server and its backends, which are nobody's children here."""
        folder = str(self.home / "data")
        found = [one for one in psutil.process_iter(["cmdline"]) if folder in " ".join(one.info["cmdline"] or ())]
        return [process for one in found for process in (one, *one.children(recursive=True))]

    def shares(self) -> dict[str, float]:
        """Processor seconds by part."""
        parts = {one.name: one.seconds() for one in self.running}
        parts["PostgreSQL"] = sum(_seconds(one) for one in self.postgres())
        return parts


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


@asynccontextmanager
async def _session(token: str) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json", "Prefer": "return=minimal"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=SENDERS)) as session:
        yield session


async def post(url: str, token: str, bundles: Iterator[bytes]) -> tuple[float, list[float]]:
    """Send all from several senders at once: seconds in all, and of each."""
    times: list[float] = []
    async with _session(token) as session:

        async def sender() -> None:
            for data in bundles:
                begun = time.perf_counter()
                async with session.post(url, data=data) as answer:
                    await answer.read()
                    if answer.status not in (200, 202):
                        raise Refused(f"{answer.status}: {await answer.text()}")
                times.append(time.perf_counter() - begun)

        begun = time.perf_counter()
        await asyncio.gather(*(sender() for _ in range(SENDERS)))
        return time.perf_counter() - begun, times


def numbered(first: int, count: int) -> Iterator[bytes]:
    """Bundles about different patients."""
    return (BUNDLE.replace(b"2001", str(number).encode()) for number in range(first, first + count))


async def ready(url: str) -> None:
    """Wait until something answers there."""
    async with aiohttp.ClientSession() as session:
        for _ in range(600):
            try:
                async with session.get(url) as answer:
                    if answer.status < 500:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
    raise Refused(f"{url} does not answer")


def told(seconds: float, times: list[float]) -> str:
    """A rate and its latencies."""
    cuts = quantiles(times, n=100)
    return f"{len(times) / seconds:6.0f}/s   p50 {median(times) * 1000:6.1f} ms   p99 {cuts[98] * 1000:6.1f} ms"


async def floors(bench: Bench, count: int) -> dict[str, str]:
    """What none of it can go below."""
    rows = {}
    with bench.process("echo", sys.executable, "-m", "tests.bench.echo", str(ECHO)):
        await ready(f"http://127.0.0.1:{ECHO}/")
        rows["bare FastAPI echo"] = told(*await post(f"http://127.0.0.1:{ECHO}/", "", numbered(1, count)))
    rows["bare INSERT and COMMIT, 8 connections"] = told(*await _inserts(bench.database, count))
    rows["signature by the openssl command"] = _openssl(bench)
    return rows


async def _inserts(url: str, count: int) -> tuple[float, list[float]]:
    times: list[float] = []
    async with asyncpg.create_pool(url, min_size=8, max_size=8) as pool:
        await pool.execute("create table if not exists bench_floor (id bigserial primary key, data bytea)")
        numbers = iter(range(count))

        async def writer() -> None:
            for _ in numbers:
                begun = time.perf_counter()
                await pool.execute("insert into bench_floor (data) values ($1)", BUNDLE)
                times.append(time.perf_counter() - begun)

        begun = time.perf_counter()
        await asyncio.gather(*(writer() for _ in range(8)))
        seconds = time.perf_counter() - begun
        await pool.execute("drop table bench_floor")
    return seconds, times


def _openssl(bench: Bench) -> str:
    key = bench.home / "data" / "organisation"
    command = ["openssl", "cms", "-sign", "-binary", "-signer", f"{key}.crt", "-inkey", f"{key}.key", "-outform", "DER"]
    times = []
    for _ in range(10):
        begun = time.perf_counter()
        subprocess.run(command, input=BUNDLE, check=True, capture_output=True)
        times.append(time.perf_counter() - begun)
    return f"{median(times) * 1000:6.1f} ms (RSA, a process a signature)"


async def acknowledged(bench: Bench, count: int) -> dict[str, str]:
    """Bundles stored and answered, nobody working on them."""
    with bench.process("serve", "serve", "--port", str(API), "--no-worker"):
        await ready(f"http://127.0.0.1:{API}/health/ready")
        bench.sign_in()
        url = f"http://127.0.0.1:{API}/fhir"
        await post(url, bench.token, numbered(10_000_000, 100))
        before = bench.shares()
        seconds, times = await post(url, bench.token, numbered(20_000_000, count))
        rows = {f"{SENDERS} senders, {len(BUNDLE) / 1000:.0f} KB": f"{told(seconds, times)}   ({AIM_ACKNOWLEDGED})"}
        rows |= _shares(before, bench.shares(), count, seconds)
        rows |= await floors(bench, count)
    return rows


def _shares(before: Mapping[str, float], after: Mapping[str, float], count: int, seconds: float) -> dict[str, str]:
    used = {name: after[name] - before.get(name, 0.0) for name in after}
    return {
        f"  processor of {name}": f"{value / count * 1000:6.2f} ms each   {value / seconds * 100:4.0f} % of a core"
        for name, value in used.items()
    }


async def registered(bench: Bench, count: int, workers: int) -> dict[str, str]:
    """Documents from the Bundle to the number, by so many workers."""
    first = 30_000_000 + workers * 1_000_000
    with (
        bench.process("stand", "stand", "--port", str(STAND), "--delay", "0"),
        bench.process("serve", "serve", "--port", str(API), "--no-worker"),
        _workers(bench, workers),
    ):
        await ready(f"http://127.0.0.1:{API}/health/ready")
        await ready(f"http://127.0.0.1:{STAND}/admin/documents")
        bench.sign_in()
        url = f"http://127.0.0.1:{API}/fhir"
        await post(url, bench.token, numbered(first, 40))
        await _settled(bench, 0)
        before, begun = bench.shares(), time.perf_counter()
        await post(url, bench.token, numbered(first + 1000, count))
        await _settled(bench, 0)
        seconds = time.perf_counter() - begun
        rows = {f"workers: {workers}": f"{count / seconds:6.1f} documents a second   ({AIM_REGISTERED})"}
        return rows | _shares(before, bench.shares(), count, seconds)


@contextmanager
def _workers(bench: Bench, count: int) -> Iterator[None]:
    if not count:
        yield
        return
    with bench.process(f"worker {count}", "worker"), _workers(bench, count - 1):
        yield


async def _settled(bench: Bench, waiting: int) -> None:
    """Wait until nothing waits any more."""
    connection = await asyncpg.connect(bench.database)
    question = (
        "select (select count(*) from egisz.submission where state = 'accepted') + (select count(*) from egisz.product "
        "where state in ('checked', 'signed', 'sent', 'awaiting'))"
    )
    try:
        while await connection.fetchval(question) > waiting:
            await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def steady(bench: Bench, minutes: float) -> dict[str, str]:
    """Memory while Bundles keep coming."""
    rows = {}
    with (
        bench.process("stand", "stand", "--port", str(STAND), "--delay", "0"),
        bench.process("serve", "serve", "--port", str(API), "--no-worker"),
        bench.process("worker", "worker"),
    ):
        await ready(f"http://127.0.0.1:{API}/health/ready")
        bench.sign_in()
        begun, number = time.monotonic(), 60_000_000
        marks = [minutes * 60 * part / 6 for part in range(1, 7)]
        while marks:
            await post(f"http://127.0.0.1:{API}/fhir", bench.token, numbered(number, 50))
            number += 50
            await _settled(bench, 100)
            if time.monotonic() - begun >= marks[0]:
                marks.pop(0)
                sizes = "   ".join(f"{one.name} {one.memory():.0f} MB" for one in bench.running)
                rows[f"after {(time.monotonic() - begun) / 60:.1f} min, {number - 60_000_000} Bundles"] = sizes
    return rows


def prepared(home: Path, database: str) -> Bench:
    """Packs, books and keys for a run."""
    if (SHARED / "packs").is_dir():
        PackStore(home / "packs").install(SHARED / "packs")
        import_folder(SHARED / "nsi", home / "nsi")
    data = home / "data"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EGISZ_")} | {
        "EGISZ_DATA": str(data),
        "EGISZ_PACKS": str(home / "packs"),
        "EGISZ_NSI": str(home / "nsi"),
        "EGISZ_CACHE": str(home / "cache"),
        "EGISZ_REMD_URL": f"http://127.0.0.1:{STAND}/remd",
        "EGISZ_REMD_CLIENT_ID": "00000000-0000-4000-8000-000000000001",
        "EGISZ_REMD_REPLY_TO": f"http://127.0.0.1:{API}/ips/emdr",
    }
    bench = Bench(home, environment, database)
    command = [str(Path(sys.executable).with_name("egisz")), "sign", "test-keys", str(data), "--rsa"]
    subprocess.run([*command, "--for", str(ROOT / "examples" / "bundles")], env=environment, check=True)
    return bench


async def measured(bench: Bench, bundles: int, minutes: float) -> None:
    """All parts."""
    table("acknowledged: POST /fhir, durable", await acknowledged(bench, bundles))
    for workers in (1, 2):
        rows = await registered(bench, bundles // 4, workers)
        table("end to end: convert, check, sign (RSA), register at the stand, callback", rows)
    if minutes:
        table("memory", await steady(bench, minutes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundles", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="egisz-bench-") as folder:
        home = Path(folder)
        for one in (home, home / "data"):
            one.mkdir(exist_ok=True)
            one.chmod(0o711)
        # Held here, so that it outlives the services of the parts.
        cluster = Cluster(home / "data" / "postgres")
        cluster.start()
        try:
            asyncio.run(measured(prepared(home, cluster.url), asked.bundles, asked.minutes))
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
