"""Sync with the public REST service of ФНСИ: passports, versions, pages of rows.

Methods used: ``GET /port/rest/passport?userKey&identifier[&version]`` and
``GET /port/rest/data?userKey&identifier&version&page&size``. That a passport asked for without a version is
that of the current version is inferred [INF]; a method that lists versions is not known to us, so older
versions are fetched only where they are named.

The access key is a query parameter of the service. It therefore appears in no error, log or redirect: errors
name the method, the book and the host, and redirects are refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from adapter.errors import BookError, NetworkError, UsageError
from adapter.nsi.model import PAGE_ROWS, Passport, expand_oid, is_oid, short_oid
from adapter.nsi.rest import Page, decode_page, decode_passport
from adapter.nsi.store import BookStore
from adapter.nsi.writer import writing

#: Largest answer accepted, bytes. A page of 2000 rows of the widest book kept here is 3 MB.
MAX_ANSWER = 128 * 1024 * 1024

#: Called as pages come: pages done, pages in all, short label of the book.
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A book to sync; ``version`` is empty for the current one."""

    oid: str
    version: str = ""

    @classmethod
    def parse(cls, text: str) -> Wanted:
        """``11.1005``, ``11.1005@2.24`` or the same with a full OID.

        Raises:
            UsageError: the text is neither.
        """
        oid, at, version = text.partition("@")
        wanted = cls(expand_oid(oid), version)
        if not is_oid(wanted.oid) or bool(at) != bool(version):
            raise UsageError(f"not a book: {text} (expected OID or OID@VERSION, e.g. 11.1005@2.24)")
        return wanted


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What became of one book: ``fetched`` is false where the version was stored already."""

    oid: str
    version: str
    rows: int
    fetched: bool


class NsiClient:
    """The REST service; made by :func:`connect`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        key: str,
        attempts: int,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._host = urlsplit(url).hostname or "?"
        self._key = key
        self._attempts = attempts
        self._sleep = sleep

    async def passport(self, wanted: Wanted) -> Passport:
        """The passport of a book, under the OID that was asked for.

        Raises:
            NetworkError: no usable answer.
            BookError: the service knows no such book or version, or its answer is broken.
        """
        query = {"identifier": wanted.oid} | ({"version": wanted.version} if wanted.version else {})
        source = f"passport of {wanted.oid}" + (f" version {wanted.version}" if wanted.version else "")
        passport = decode_passport(await self._get("passport", query, source), source)
        if wanted.version and passport.version != wanted.version:
            raise BookError(f"{source}: the service answered with another version")
        if passport.oid == wanted.oid:
            return passport
        if wanted.oid not in passport.other_oids:
            raise BookError(f"{source}: the service answered with another book")
        others = (passport.oid, *(oid for oid in passport.other_oids if oid != wanted.oid))
        return replace(passport, oid=wanted.oid, other_oids=others)

    async def page(self, passport: Passport, number: int) -> tuple[int, Page]:
        """Page ``number`` (from 1) of the rows of a book: number of rows, and the page."""
        source = f"page {number} of {passport.oid} version {passport.version}"
        query = {
            "identifier": passport.oid,
            "version": passport.version,
            "page": str(number),
            "size": str(PAGE_ROWS),
        }
        return decode_page(await self._get("data", query, source), source)

    async def _get(self, method: str, query: dict[str, str], source: str) -> bytes:
        attempt = 0
        while True:
            attempt += 1
            answer = await self._try(method, query)
            if isinstance(answer, bytes):
                return answer
            if attempt >= self._attempts or not answer.again:
                tried = f" ({attempt} attempts)" if attempt > 1 else ""
                raise NetworkError(f"{self._host}: {source}: {answer.text}{tried}")
            await self._sleep(2.0 ** (attempt - 1))

    async def _try(self, method: str, query: dict[str, str]) -> bytes | _Problem:
        """One request. Exceptions of the client are reduced to their type: texts may hold the address."""
        try:
            async with self._session.get(
                f"{self._url}/port/rest/{method}",
                params={"userKey": self._key, **query},
                allow_redirects=False,
            ) as answer:
                if answer.status != 200:
                    return _Problem(f"HTTP {answer.status}", again=answer.status >= 500 or answer.status == 429)
                data = bytearray()
                async for chunk in answer.content.iter_chunked(1 << 16):
                    data += chunk
                    if len(data) > MAX_ANSWER:
                        return _Problem(f"the answer is larger than {MAX_ANSWER} bytes", again=False)
                return bytes(data)
        except TimeoutError:
            return _Problem("no answer in time", again=True)
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            return _Problem(f"cannot be reached ({type(error).__name__})", again=False)
        except aiohttp.ClientError as error:
            return _Problem(f"the connection broke ({type(error).__name__})", again=True)


@dataclass(frozen=True, slots=True)
class _Problem:
    """Why a request failed, and whether trying again makes sense."""

    text: str
    again: bool


@asynccontextmanager
async def connect(
    url: str,
    key: str,
    *,
    timeout: float = 30.0,
    attempts: int = 4,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[NsiClient]:
    """A client of the service at ``url``.

    Args:
        url: base address, e.g. ``https://nsi.rosminzdrav.ru``.
        key: access key, sent as ``userKey``.
        timeout: seconds for one request.
        attempts: how often a request is tried while the service answers 5xx or 429, is late, or breaks off.
        sleep: waits between attempts (1, 2, 4 … seconds).
    """
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout), trust_env=True) as session:
        yield NsiClient(session, url, key, attempts, sleep)


async def sync(
    client: NsiClient,
    wanted: Sequence[Wanted],
    root: Path,
    progress: Progress = lambda _done, _total, _label: None,
) -> list[SyncResult]:
    """Fetch the versions that are missing or are stored without rows, one book after another.

    A book is held in memory while it comes and is stored when it is whole, so a failure keeps the books
    before it.

    Args:
        client: from :func:`connect`.
        wanted: the books; where empty, every book of the store is brought to its current version.
        root: folder of the store.
        progress: told of each page.

    Raises:
        UsageError: nothing is wanted and the store is empty.
        NetworkError: the service gives no usable answer; names the book.
        BookError: the service knows no such book or version, its answer is broken, or the store is.
    """
    stored = BookStore(root)
    wanted = wanted or [Wanted(oid) for oid, _ in stored.books()]
    if not wanted:
        raise UsageError("the store of books is empty: name the books, e.g. egisz nsi sync 11.1005 99.2.48")
    return [await _sync_one(client, one, stored, progress) for one in dict.fromkeys(wanted)]


async def _sync_one(client: NsiClient, wanted: Wanted, stored: BookStore, progress: Progress) -> SyncResult:
    known = stored.passport(wanted.oid, wanted.version)
    passport = known if known is not None else await client.passport(wanted)
    if stored.is_complete(passport.oid, passport.version):
        return SyncResult(passport.oid, passport.version, passport.rows_count, fetched=False)
    label = f"{short_oid(passport.oid)} {passport.version}"
    pages = []
    for number in range(1, passport.pages + 1):
        progress(number - 1, passport.pages, label)
        pages.append(await client.page(passport, number))
    with writing(stored.root) as writer:
        writer.add(passport, pages)
    progress(passport.pages, passport.pages, label)
    return SyncResult(passport.oid, passport.version, passport.rows_count, fetched=True)
