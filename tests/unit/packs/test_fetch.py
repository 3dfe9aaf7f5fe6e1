"""Downloading packs from a local server: pins, mirrors, archives, and being offline."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from adapter.errors import NetworkError, PackError, UsageError
from conformance.packs import Outcome, PackStore, sources
from conformance.packs.fetch import fetch
from conformance.packs.sources import ArchiveSource, FileSource, choose, load_sources

Folder = Callable[..., Path]
Files = Callable[..., dict[str, str]]
GUIDE = "1.2.643.5.1.13.13.15.46.2"  # of kind 170


@contextmanager
def serving(pages: dict[str, bytes]) -> Iterator[tuple[str, list[str]]]:
    """A local server with these pages; its address, and the paths asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            data = pages.get(self.path)
            if data == b"REFUSE":
                self.send_error(503)
            elif data is None:
                self.send_error(404)
            else:
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def store(tmp_path: Path) -> PackStore:
    return PackStore(tmp_path / "store")


@pytest.fixture
def pinned(files: Files, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Sources that pin our tiny pack; the pages of the collection that has it."""
    content = {name: data.encode() for name, data in files("170").items()}
    known = load_sources()
    collection = known["collection"]
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    tiny = collection.model_copy(update={"kinds": {"170": digests}})
    monkeypatch.setattr(sources, "load_sources", lambda: {**known, "collection": tiny})
    return {
        "/base/data/170.sch" if name == "170.sch" else f"/base/data/170/{name}": data for name, data in content.items()
    }


def get(store: PackStore, base: str, kind: str = "170", **options: object) -> Outcome:
    return asyncio.run(fetch(store.root, kind, base_url=base, **options))


def test_files(store: PackStore, pinned: dict[str, bytes]) -> None:
    seen: list[tuple[int, int]] = []
    with serving(pinned) as (base, asked):
        outcome = get(store, f"{base}/base/", watch=lambda done, total: seen.append((done, total)))
    [item] = outcome.installed
    assert sorted(asked) == sorted(pinned)
    assert seen == [(number, len(pinned)) for number in range(len(pinned) + 1)]
    assert (item.pack.directory / "coreschemas" / "datatypes.xsd").read_bytes() == (
        pinned["/base/data/170/coreschemas/datatypes.xsd"]
    )
    assert store.inventory().editions[0].manifest.source == "collection"


def test_another_content_is_refused_by_name(store: PackStore, pinned: dict[str, bytes]) -> None:
    pinned["/base/data/170/CDA.xsd"] += b" "
    with serving(pinned) as (base, _), pytest.raises(PackError, match=r"170/CDA\.xsd: not the file that was tested"):
        get(store, f"{base}/base")
    assert store.packs() == []


@pytest.mark.parametrize(("answer", "why"), [(None, "404"), (b"REFUSE", "503")])
def test_a_file_that_does_not_come(store: PackStore, pinned: dict[str, bytes], answer: bytes | None, why: str) -> None:
    if answer is None:
        del pinned["/base/data/170/CDA.xsd"]
    else:
        pinned["/base/data/170/CDA.xsd"] = answer
    with serving(pinned) as (base, _), pytest.raises(NetworkError, match=why):
        get(store, f"{base}/base")
    assert store.packs() == []


def test_offline(store: PackStore, pinned: dict[str, bytes]) -> None:
    with serving({}) as (base, _):
        pass  # the port is free again: nobody answers there
    with pytest.raises(NetworkError, match=r"127\.0\.0\.1: the download failed .*Everything else works") as caught:
        get(store, base)
    assert "Всё остальное работает" in caught.value.text.ru
    assert caught.value.exit_code == 3


def test_a_file_larger_than_allowed(
    store: PackStore, pinned: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    from conformance.packs import fetch as module
    from conformance.packs.archive import Limits

    monkeypatch.setattr(module, "LIMITS", Limits(file_bytes=100))
    with serving(pinned) as (base, _), pytest.raises(PackError, match="larger than 100 bytes"):
        get(store, f"{base}/base")


@pytest.mark.parametrize("guide", [GUIDE, GUIDE.rpartition(".")[0]])
def test_an_archive_of_the_guide(store: PackStore, files: Files, zipped: Folder, guide: str) -> None:
    archive = zipped(files("semd-main/170", folder="semd-main/xsd/")).read_bytes()
    with serving({f"/api/v4/projects/semd%2F{guide}/repository/archive.zip": archive}) as (base, _):
        [item] = get(store, base, source="minzdrav").installed
    assert item.pack.kind == "170"
    assert store.inventory().editions[0].manifest.source == "minzdrav"


def test_no_archive(store: PackStore) -> None:
    with serving({}) as (base, asked), pytest.raises(NetworkError, match="404"):
        get(store, base, source="minzdrav")
    assert len(asked) == 2


def test_a_page_in_place_of_an_archive(store: PackStore) -> None:
    page = b"<html>sign in</html>" * 9
    with (
        serving({f"/api/v4/projects/semd%2F{GUIDE}/repository/archive.zip": page}) as (base, _),
        pytest.raises(PackError, match="not a zip archive"),
    ):
        get(store, base, source="minzdrav")


def test_the_first_source_that_knows_the_kind() -> None:
    assert choose("170", GUIDE, None)[0] == "collection"
    assert choose("227", "1.2.643.5.1.13.13.15.13.5", None)[0] == "minzdrav"
    assert choose("170", GUIDE, "minzdrav")[0] == "minzdrav"


@pytest.mark.parametrize(
    ("kind", "guide", "name"),
    [("227", "", None), ("227", GUIDE, "collection"), ("170", GUIDE, "x"), ("../1", GUIDE, None)],
)
def test_nowhere_to_download_from(kind: str, guide: str, name: str | None) -> None:
    with pytest.raises(UsageError):
        choose(kind, guide, name)


@pytest.mark.parametrize("base", ["ftp://host/", "host/path", "", "file:///etc", "http://"])
def test_addresses(store: PackStore, base: str) -> None:
    with pytest.raises(UsageError, match="http"):
        get(store, base or "x")


def test_the_shipped_sources() -> None:
    known = load_sources()
    collection, minzdrav = known["collection"], known["minzdrav"]
    assert isinstance(collection, FileSource)
    assert isinstance(minzdrav, ArchiveSource)
    assert minzdrav.certainty == "inferred"
    for kind, pins in collection.kinds.items():
        assert {f"{kind}.sch", "CDA.xsd"} <= set(pins)
        assert collection.paths(kind)[f"{kind}.sch"] == f"data/{kind}.sch"
        assert collection.paths(kind)["CDA.xsd"] == f"data/{kind}/CDA.xsd"
