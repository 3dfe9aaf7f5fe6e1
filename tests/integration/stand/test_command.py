"""``egisz stand`` as a process: killed and started again it knows what it had registered."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapter.cli import app
from adapter.errors import TransportFailed
from adapter.signing.local import RsaSigner
from adapter.stand.faults import FAULTS
from adapter.stand.registers.faults import REGISTER_FAULTS
from adapter.transport.http import AioHttp
from adapter.transport.remd import Endpoint, RemdClient
from adapter.transport.schema import SERVICE_WSDL, load_schema
from tests.integration.stand.conftest import CLIENT, UID, Mis, Pair, bound, running

RUN = [sys.executable, "-c", "from adapter.cli import main; main()", "stand", "--no-check", "--delay", "0"]


@asynccontextmanager
async def process(port: int, *options: str) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A stand that answers; it is ended at last."""
    command = [*RUN, "--port", str(port), *options]
    started = subprocess.Popen(command, env={**os.environ, "EGISZ_LANG": "en"}, stdout=subprocess.PIPE)
    try:
        async with AioHttp() as http:
            for _ in range(400):
                assert started.poll() is None
                try:
                    await http.post(f"http://127.0.0.1:{port}/", b"", {})
                    break
                except TransportFailed:
                    await asyncio.sleep(0.05)
        yield started
    finally:
        started.kill()
        started.wait()
        assert started.stdout is not None
        started.stdout.close()


def test_killed_and_started_again(keys: tuple[RsaSigner, RsaSigner], tmp_path: Path) -> None:
    async def work() -> None:
        with bound() as sock:
            port = int(sock.getsockname()[1])
        state, mis = str(tmp_path / "stand"), Mis()
        address = f"http://127.0.0.1:{port}/"
        async with running(mis.app()) as back, AioHttp() as http:
            client = RemdClient(http, Endpoint(address, CLIENT, reply_to=back), load_schema(SERVICE_WSDL))
            two = Pair(mis, client, *keys, http, address)
            async with process(port, "--state", state) as started:
                assert (await two.register()).ok
                number = (await two.result()).emdr_id
                started.send_signal(signal.SIGKILL)
            async with process(port, "--state", state, "--callback", back) as started:
                listed = await two.listed()
                assert [(one["local_uid"], one["emdr_id"]) for one in listed] == [(UID, number)]
                started.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(started.wait, 20) in {0, -signal.SIGTERM}
            # Killed before it wrote down that the result was sent, it sends the same message again.
            assert len({one.message_id for one in mis.results}) == 1

    asyncio.run(asyncio.wait_for(work(), 60))


def test_the_list_of_faults() -> None:
    shown = CliRunner().invoke(app, ["stand", "--fault", "list"])
    assert shown.exit_code == 0
    names = [line.split("=")[0].split()[0] for line in shown.output.splitlines()]
    assert names == [*FAULTS, *(f"registers:{name}" for name in REGISTER_FAULTS)]


@pytest.mark.parametrize(
    "options", [["--fault", "nothing"], ["--fault", "frmr:nothing"], ["--fault", "frm:lost"], ["--key", "x"]]
)
def test_what_is_wrong_is_told(options: list[str]) -> None:
    done = subprocess.run([*RUN, *options], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("egisz: ")
