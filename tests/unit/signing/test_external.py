"""Keys outside: a command without a shell, and a signing service."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from adapter.errors import SigningError
from adapter.signing import verify_cms, verify_raw
from adapter.signing.external import CommandSigner, HttpSigner
from adapter.signing.local import RsaSigner
from adapter.signing.testkeys import Subject
from tests.signing import NOW, Pair, openssl_verify

CONTENT = b"content; $(touch x) 'quoted'"


def openssl(pair: Pair) -> list[str]:
    engine = [] if pair.algorithm == "rsa" else ["-engine", "gost", "-md", "md_gost12_" + pair.algorithm[-3:]]
    keys = ["-signer", str(pair.file), "-inkey", str(pair.key)]
    return ["openssl", "cms", "-sign", *engine, "-cades", "-binary", *keys]


def script(folder: Path, body: str) -> list[str]:
    file = folder / "tool.py"
    file.write_text(body, "utf-8")
    return [sys.executable, str(file)]


# -- command -----------------------------------------------------------------------------------------


def test_a_command_with_files(tmp_path: Path, pair: Pair) -> None:
    signer = CommandSigner(pair.certificate, [*openssl(pair), "-outform", "DER", "-in", "{input}", "-out", "{output}"])
    signature = signer.cms(CONTENT, at=NOW)
    assert openssl_verify(tmp_path, pair.file, signature, CONTENT, gost=pair.algorithm != "rsa") == ""


def test_a_command_with_streams_and_pem(rsa: Pair) -> None:
    signer = CommandSigner(rsa.certificate, [*openssl(rsa), "-outform", "PEM"])
    assert verify_cms(signer.cms(CONTENT, at=NOW), CONTENT).certificate == rsa.certificate


def test_a_plain_signature_by_a_command(rsa: Pair) -> None:
    raw = ["openssl", "dgst", "-sha256", "-sign", str(rsa.key), "-out", "{output}", "{input}"]
    signer = CommandSigner(rsa.certificate, openssl(rsa), raw_command=raw)
    assert verify_raw(rsa.certificate, CONTENT, signer.raw(CONTENT))
    assert signer.digest(CONTENT) == RsaSigner(rsa.certificate, rsa.key, b"").digest(CONTENT)
    with pytest.raises(SigningError, match="raw_command"):
        CommandSigner(rsa.certificate, openssl(rsa)).raw(CONTENT)


def test_no_shell_reads_the_arguments(tmp_path: Path, rsa: Pair) -> None:
    marker = tmp_path / "marker"
    seen = tmp_path / "seen.json"
    command = script(tmp_path, f"import sys, json\njson.dump(sys.argv[1:], open({str(seen)!r}, 'w'))\n")
    signer = CommandSigner(rsa.certificate, [*command, f"$(touch {marker})", "; false", "{other}", "{input}"])
    with pytest.raises(SigningError):
        signer.cms(CONTENT, at=NOW)
    arguments = json.loads(seen.read_text())
    assert arguments[:3] == [f"$(touch {marker})", "; false", "{other}"]
    assert not marker.exists()
    assert not Path(arguments[3]).exists(), "the content is removed"


def test_files_for_the_tool_are_private(tmp_path: Path, rsa: Pair) -> None:
    seen = tmp_path / "mode"
    command = script(
        tmp_path, f"import os, sys\nopen({str(seen)!r}, 'w').write(oct(os.stat(os.path.dirname(sys.argv[1])).st_mode))"
    )
    with pytest.raises(SigningError):
        CommandSigner(rsa.certificate, [*command, "{input}"]).cms(CONTENT, at=NOW)
    assert seen.read_text().endswith("700")


def test_a_slow_command_is_killed_with_its_children(tmp_path: Path, rsa: Pair) -> None:
    child = tmp_path / "child"
    body = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(child)!r}, 'w').write(str(child.pid))\ntime.sleep(60)\n"
    )
    signer = CommandSigner(rsa.certificate, script(tmp_path, body), timeout=3)
    with pytest.raises(SigningError, match="in time") as caught:
        signer.cms(CONTENT, at=NOW)
    assert caught.value.error_class == "temporary"
    pid = int(child.read_text())
    for _ in range(100):
        state = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout
        if not state.strip() or state.strip().startswith("Z"):
            return
        time.sleep(0.05)
    os.kill(pid, 9)
    pytest.fail("the child lives on")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("import sys\nprint('PIN 123456', file=sys.stderr)\nprint('PIN 123456')\nsys.exit(3)", "exit code 3"),
        ("print('PIN 123456')", "not CMS"),
        ("", "CMS"),
    ],
)
def test_what_a_tool_says_is_never_shown(tmp_path: Path, rsa: Pair, body: str, expected: str) -> None:
    with pytest.raises(SigningError, match=expected) as caught:
        CommandSigner(rsa.certificate, script(tmp_path, body)).cms(CONTENT, at=NOW)
    shown: BaseException | None = caught.value
    while shown is not None:
        assert "123456" not in str(shown)
        shown = shown.__cause__ or shown.__context__


def test_a_command_that_is_not_there(rsa: Pair) -> None:
    with pytest.raises(SigningError, match="not started") as caught:
        CommandSigner(rsa.certificate, ["no-such-signing-tool"]).cms(CONTENT, at=NOW)
    assert caught.value.error_class == "permanent"


def test_a_command_that_makes_no_file(tmp_path: Path, rsa: Pair) -> None:
    with pytest.raises(SigningError, match="did not make its file"):
        CommandSigner(rsa.certificate, [*script(tmp_path, ""), "{output}"]).cms(CONTENT, at=NOW)


def test_a_signature_of_another_key_or_content_is_refused(tmp_path: Path, rsa: Pair) -> None:
    other = Pair(tmp_path, "rsa", Subject("Другой"), stem="other")
    with pytest.raises(SigningError, match="another certificate"):
        CommandSigner(rsa.certificate, [*openssl(other), "-outform", "DER"]).cms(CONTENT, at=NOW)
    fixed = tmp_path / "fixed"
    fixed.write_bytes(b"another content")
    command = [*openssl(rsa), "-outform", "DER", "-in", str(fixed), "-out", "{output}"]
    with pytest.raises(SigningError, match="another content"):
        CommandSigner(rsa.certificate, command).cms(CONTENT, at=NOW)


def test_a_signature_that_lacks_an_attribute_is_refused(rsa: Pair) -> None:
    command = [part for part in openssl(rsa) if part != "-cades"]
    with pytest.raises(SigningError, match="signing-certificate-v2"):
        CommandSigner(rsa.certificate, [*command, "-outform", "DER"]).cms(CONTENT, at=NOW)


# -- service -----------------------------------------------------------------------------------------


class Service:
    """A signing service on loopback: what it was sent, and what it answers."""

    def __init__(self, answer: Callable[[dict[str, str]], tuple[int, bytes]]) -> None:
        self.requests: list[dict[str, str]] = []
        self.tokens: list[str | None] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.requests.append(body)
                service.tokens.append(self.headers["Authorization"])
                status, data = answer(body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/sign"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[dict[str, str]], tuple[int, bytes]]], Service]]:
    services: list[Service] = []

    def start(answer: Callable[[dict[str, str]], tuple[int, bytes]]) -> Service:
        services.append(Service(answer))
        return services[-1]

    yield start
    for service in services:
        service.close()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_a_service_of_containers(serve, rsa: Pair) -> None:
    own = RsaSigner(rsa.certificate, rsa.key, b"")
    service = serve(
        lambda body: (200, json.dumps({"signature": b64(own.cms(base64.b64decode(body["content"]), at=NOW))}).encode())
    )
    signer = HttpSigner(rsa.certificate, service.url, request={"content": "{content}"}, token="secret-token")
    assert verify_cms(signer.cms(CONTENT, at=NOW), CONTENT).signing_time == NOW
    assert service.requests == [{"content": b64(CONTENT)}]
    assert service.tokens == ["Bearer secret-token"]
    with pytest.raises(SigningError, match="digest"):
        signer.raw(CONTENT)


def test_a_service_of_plain_signatures(tmp_path: Path, serve, rsa: Pair) -> None:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(rsa.key.read_bytes(), None)

    def answer(body: dict[str, str]) -> tuple[int, bytes]:
        return 200, key.sign(base64.b64decode(body["hash"]), PKCS1v15(), Prehashed(SHA256()))

    service = serve(answer)
    signer = HttpSigner(
        rsa.certificate, service.url, request={"hash": "{digest}", "alg": "{algorithm}", "key": "k-1"}, answer=""
    )
    signature = signer.cms(CONTENT, at=NOW)
    assert openssl_verify(tmp_path, rsa.file, signature, CONTENT, gost=False) == ""
    assert signature == RsaSigner(rsa.certificate, rsa.key, b"").cms(CONTENT, at=NOW)
    assert verify_raw(rsa.certificate, CONTENT, signer.raw(CONTENT))
    assert {(body["alg"], body["key"]) for body in service.requests} == {("rsa", "k-1")}
    assert b64(CONTENT) not in json.dumps(service.requests), "the content stays here"
    assert service.tokens == [None, None]


@pytest.mark.parametrize(
    ("status", "error_class"),
    [(400, "permanent"), (401, "permanent"), (302, "permanent"), (429, "temporary"), (503, "temporary")],
)
def test_refusals_of_a_service(serve, rsa: Pair, status: int, error_class: str) -> None:
    service = serve(lambda _body: (status, b"token secret-token is wrong"))
    signer = HttpSigner(rsa.certificate, service.url, request={"content": "{content}"}, token="secret-token")
    with pytest.raises(SigningError, match=f"HTTP {status}") as caught:
        signer.cms(CONTENT, at=NOW)
    assert caught.value.error_class == error_class
    assert "secret" not in str(caught.value)
    assert len(service.requests) == 1, "redirects are not followed: they would take the token along"


@pytest.mark.parametrize(
    "answer", [b"", b"no json", b"[]", b"{}", b'{"signature": 1}', b'{"signature": "***"}', b'{"signature": ""}']
)
def test_answers_that_hold_no_signature(serve, rsa: Pair, answer: bytes) -> None:
    signer = HttpSigner(rsa.certificate, serve(lambda _body: (200, answer)).url, request={"content": "{content}"})
    with pytest.raises(SigningError) as caught:
        signer.cms(CONTENT, at=NOW)
    assert caught.value.error_class == "permanent"


def test_a_service_that_does_not_answer(serve, rsa: Pair) -> None:
    closed = serve(lambda _body: (200, b""))
    closed.close()
    with pytest.raises(SigningError) as caught:
        HttpSigner(rsa.certificate, closed.url, request={"content": "{content}"}).cms(CONTENT, at=NOW)
    assert caught.value.error_class == "transport"
    silent = threading.Event()
    service = serve(lambda _body: (200 if silent.wait(10) else 500, b""))
    with pytest.raises(SigningError) as caught:
        HttpSigner(rsa.certificate, service.url, request={"content": "{content}"}, timeout=0.3).cms(CONTENT, at=NOW)
    silent.set()
    assert caught.value.error_class == "transport"
