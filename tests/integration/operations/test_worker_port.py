"""``egisz worker`` tells how it is, where a port is named for that."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.service import PATIENCE, egisz, environment, free_port

BUNDLE = Path(__file__).parents[3] / "examples" / "bundles" / "170-r4-frcore.json"
WORKER = [str(Path(sys.executable).with_name("egisz")), "worker"]


def _read(port: int, path: str) -> str:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
                assert answer.status == 200
                return str(answer.read().decode())
        except URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_tells_its_health_and_metrics_and_stops_when_it_is_told(
    database: str, tmp_path: Path, number: signal.Signals
) -> None:
    port = free_port()
    variables = environment(database, tmp_path, EGISZ_REMD_URL="http://127.0.0.1:9/", EGISZ_WORKER_PORT=str(port))
    egisz(variables, "sign", "test-keys", str(tmp_path / "data"), "--rsa", "--for", str(BUNDLE))
    with subprocess.Popen(WORKER, env=variables) as process:
        try:
            assert json.loads(_read(port, "/health/live")) == {"status": "live"}
            assert json.loads(_read(port, "/health/ready")) == {"status": "ready", "waiting": []}
            assert 'egisz_jobs{stage="sign",status="queued"} 0.0' in _read(port, "/metrics")
            process.send_signal(number)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()


def test_a_port_that_is_taken_is_told(database: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        variables = environment(database, tmp_path, EGISZ_REMD_URL="http://127.0.0.1:9/", EGISZ_WORKER_PORT=port)
        egisz(variables, "sign", "test-keys", str(tmp_path / "data"), "--rsa", "--for", str(BUNDLE))
        done = subprocess.run(
            WORKER, env=variables, capture_output=True, encoding="utf-8", check=False, timeout=PATIENCE
        )
    assert done.returncode == 2
    assert f"127.0.0.1:{port}" in done.stderr
