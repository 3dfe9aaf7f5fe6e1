"""The Ministry's own packs: installed, verified, downloaded from a local copy of the public collection."""

from __future__ import annotations

import asyncio
import json
import zipfile
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from conformance.packs import Outcome, PackStore
from conformance.packs.fetch import fetch
from conformance.packs.sources import FileSource, load_sources

pytestmark = pytest.mark.packs


@pytest.fixture(scope="module")
def kinds(packs_source: Path) -> dict[str, dict[str, object]]:
    """``pack.json`` by kind."""
    return {path.parent.name: json.loads(path.read_text()) for path in packs_source.glob("*/pack.json")}


@pytest.fixture(scope="module")
def store(packs_source: Path, tmp_path_factory: pytest.TempPathFactory) -> PackStore:
    store = PackStore(tmp_path_factory.mktemp("store"))
    store.install(packs_source)
    return store


def test_all_are_installed_and_sound(store: PackStore, kinds: dict[str, dict[str, object]]) -> None:
    assert {pack.kind for pack in store.packs()} == set(kinds)
    assert [finding for pack in store.packs() for finding in store.verify(pack)] == []


def test_the_manifest_says_what_the_publisher_says(store: PackStore, kinds: dict[str, dict[str, object]]) -> None:
    for edition in store.inventory().editions:
        record, published = edition.manifest, kinds[edition.pack.kind]
        counts = {name: published["schematron"][name] for name in ("patterns", "rules", "asserts", "reports")}
        assert record.counts.model_dump() == {**counts, "malformed": 0}
        assert record.xsd is not None
        assert record.xsd.model_dump() == published["xsd"]
        assert {name: digest for name, digest in record.files.items() if name != "pack.json"} == published["sha256"]


def test_without_pack_json_the_same_is_found_out(
    store: PackStore, packs_source: Path, kinds: dict[str, dict[str, object]], tmp_path: Path
) -> None:
    """The layout of the public collection, in a zip: same editions, templates and families."""
    archive = tmp_path / "collection-main.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for kind in kinds:
            for file in sorted((packs_source / kind).rglob("*")):
                name = file.relative_to(packs_source / kind).as_posix()
                if file.is_file() and name != "pack.json":
                    inside = f"data/{name}" if name == f"{kind}.sch" else f"data/{kind}/{name}"
                    zipped.write(file, f"collection-main/{inside}")
    other = PackStore(tmp_path / "store")
    other.install(archive)
    for pack in store.packs():
        twin = other.find(pack.kind)
        assert twin is not None
        assert (twin.label, twin.digest, twin.template_ids, twin.xsd_family, twin.title) == (
            pack.label,
            pack.digest,
            pack.template_ids,
            pack.xsd_family,
            pack.title,
        )


def test_the_pins_are_those_of_the_tested_packs(kinds: dict[str, dict[str, object]]) -> None:
    collection = load_sources()["collection"]
    assert isinstance(collection, FileSource)
    assert {kind: dict(pins) for kind, pins in collection.kinds.items()} == {
        kind: published["sha256"] for kind, published in kinds.items()
    }


async def _download(packs_source: Path, root: Path, kind: str) -> Outcome:
    async def serve(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        return web.FileResponse(packs_source / kind / name.removeprefix(f"{kind}/"))

    app = web.Application()
    app.router.add_get("/data/{name:.+}", serve)
    async with TestServer(app) as server:
        return await fetch(root, kind, base_url=str(server.make_url("/")))


@pytest.mark.parametrize("kind", ["119", "204"])
def test_download(store: PackStore, packs_source: Path, tmp_path: Path, kind: str) -> None:
    outcome = asyncio.run(_download(packs_source, tmp_path / "store", kind))
    installed = store.find(kind)
    assert installed is not None
    assert [item.pack.label for item in outcome.installed] == [installed.label]
