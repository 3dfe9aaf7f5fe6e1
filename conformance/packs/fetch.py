"""Downloading packs. Everything else in the project works without it."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import aiohttp
from yarl import URL

from adapter.errors import NetworkError, UsageError
from adapter.findings import Text
from adapter.settings import settings
from conformance.packs.archive import LIMITS
from conformance.packs.install import Outcome, install_source
from conformance.packs.model import refuse
from conformance.packs.official import catalogue_of_kinds
from conformance.packs.sources import FileSource, choose

#: Called with what is done and what there is to do: files of a pack, or bytes of an archive (0 = unknown).
Watch = Callable[[int, int], None]

_AT_ONCE: Final = 8
_ARCHIVE_TIMEOUTS: Final = 20  # an archive may take so many times the timeout of one request
_CHUNK: Final = 64 * 1024
_NOT_FOUND: Final = 404


def _nothing(_done: int, _total: int) -> None:
    """Nobody watches."""


async def fetch(
    root: Path,
    kind: str,
    *,
    source: str | None = None,
    base_url: str | None = None,
    watch: Watch = _nothing,
) -> Outcome:
    """Download the pack of ``kind`` and install it into the store ``root``.

    Args:
        source: name of a source in ``conformance/sources.yaml``; by default the first that has the kind.
        base_url: address of a mirror of that source.

    Raises:
        UsageError: nothing is known about where to get the kind, or a bad address.
        NetworkError: the source cannot be reached or does not have it.
        PackError: a file is not the one that was tested, or the pack was refused as a whole.
    """
    known = catalogue_of_kinds().by_code(kind)
    guide = known.guide if known else ""
    name, chosen = choose(kind, guide, source)
    base = _base(base_url or chosen.base_url)
    with tempfile.TemporaryDirectory(prefix="egisz-") as folder:
        async with _session() as session:
            client = _Client(session, base, watch)
            if isinstance(chosen, FileSource):
                place = Path(folder) / kind
                await client.files(chosen, kind, place)
            else:
                place = Path(folder) / f"{kind}.zip"
                await client.archive(chosen.paths(guide), place)
        return await asyncio.to_thread(install_source, root, place, kind=kind, source=name)


def _base(address: str) -> URL:
    try:
        url = URL(address)
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError(Text("Адрес источника должен быть http(s)://…", "The address must be http(s)://…"))
    return url


def _session() -> aiohttp.ClientSession:
    limit = settings().http_timeout
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_AT_ONCE),
        timeout=aiohttp.ClientTimeout(total=limit * _ARCHIVE_TIMEOUTS, sock_connect=limit, sock_read=limit),
        trust_env=True,  # clinics reach the internet through a proxy
        raise_for_status=True,
    )


class _Client:
    """Downloads from one base address."""

    def __init__(self, session: aiohttp.ClientSession, base: URL, watch: Watch) -> None:
        self._session, self._base, self._watch = session, base, watch

    async def files(self, source: FileSource, kind: str, folder: Path) -> None:
        """Every file of the kind into ``folder``, several at once; each must have the pinned digest."""
        paths = source.paths(kind)
        done = 0
        self._watch(done, len(paths))

        async def one(file: str, path: str) -> None:
            nonlocal done
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            if await self._download(path, target, LIMITS.file_bytes) != source.kinds[kind][file]:
                raise refuse(
                    f"{kind}/{file}",
                    "скачан не тот файл: sha256 не совпадает с проверенной версией",
                    "not the file that was tested: its sha256 differs",
                )
            done += 1
            self._watch(done, len(paths))

        try:
            async with asyncio.TaskGroup() as group:
                for file, path in paths.items():
                    group.create_task(one(file, path))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # the others were cancelled because of it

    async def archive(self, paths: Sequence[str], target: Path) -> None:
        """The first of ``paths`` that exists."""
        for path in paths:
            try:
                await self._download(path, target, LIMITS.archive_bytes, self._watch)
            except _Absent:
                continue
            return
        raise _unreachable(self._base, str(_NOT_FOUND))

    async def _download(self, path: str, target: Path, limit: int, watch: Watch = _nothing) -> str:
        """Download into ``target``; returns the sha256 of what came."""
        url = URL(f"{str(self._base).rstrip('/')}/{path}", encoded=True)
        digest = hashlib.sha256()
        size = 0
        try:
            async with self._session.get(url) as response:
                total = response.content_length or 0
                with target.open("wb") as file:
                    async for chunk in response.content.iter_chunked(_CHUNK):
                        size += len(chunk)
                        if max(size, total) > limit:
                            raise refuse(target.name, f"больше {limit} байт", f"larger than {limit} bytes")
                        digest.update(chunk)
                        file.write(chunk)
                        watch(size, total)
        except aiohttp.ClientResponseError as error:
            if error.status == _NOT_FOUND:
                raise _Absent(_unreachable(url, str(_NOT_FOUND)).text) from error
            raise _unreachable(url, str(error.status or type(error).__name__)) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(url, type(error).__name__) from error
        return digest.hexdigest()


class _Absent(NetworkError):
    """The address answers, but has no such file."""


def _unreachable(url: URL, why: str) -> NetworkError:
    return NetworkError(
        Text(
            f"{url.host}: скачать не удалось ({why}). Всё остальное работает без этого: установленные пакеты, "
            "правила и справочники; пакет можно установить из файла (egisz packs install).",
            f"{url.host}: the download failed ({why}). Everything else works without it: installed packs, rules and "
            "books; a pack can be installed from a file (egisz packs install).",
        )
    )
