"""The HTTP port over real sockets: connections used again, bounds, and no answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from adapter.errors import TransportFailed
from adapter.transport.http import AioHttp

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[str]:
    running = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}/x"
    finally:
        running.close()


async def request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    return head + await reader.readexactly(length)


def answered(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: text/xml", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_a_connection_is_used_again() -> None:
    seen: list[object] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer)
        for turn in range(3):
            got = await request(reader)
            assert got.endswith(b"body")
            assert b"SOAPAction: x" in got
            writer.write(answered(b"answer %d" % turn, "500 No" if turn else "200 OK"))
        writer.close()

    async def work() -> None:
        async with server(serve) as url, AioHttp() as http:
            answers = [await http.post(url, b"body", {"SOAPAction": "x"}) for _ in range(3)]
            assert [(one.status, one.body) for one in answers] == [
                (200, b"answer 0"),
                (500, b"answer 1"),
                (500, b"answer 2"),
            ]
            assert answers[0].content_type == "text/xml"
        assert len(seen) == 1

    asyncio.run(work())


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request(reader)
    await asyncio.sleep(3)
    writer.close()


async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request(reader)
    writer.close()


async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request(reader)
    writer.write(answered(b"x" * 50)[:-10])
    writer.close()


async def large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request(reader)
    writer.write(answered(b"x" * 5000))
    writer.close()


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request(reader)
    writer.write(b"garbage\r\n\r\n")
    writer.close()


@pytest.mark.parametrize("serve", [silent, closing, cut, large, garbage])
def test_no_answer_is_one_error(serve: Serve) -> None:
    async def work() -> None:
        async with server(serve) as url, AioHttp(timeout=0.3, max_bytes=1000) as http:
            with pytest.raises(TransportFailed) as caught:
                await http.post(url, b"secret", {})
            assert "secret" not in str(caught.value)
            assert "127.0.0.1" not in str(caught.value)

    asyncio.run(work())


def test_nobody_there_and_no_address() -> None:
    async def work() -> None:
        async with AioHttp() as http:
            for url in ("http://127.0.0.1:1/", "nothing", ""):
                with pytest.raises(TransportFailed):
                    await http.post(url, b"", {})

    asyncio.run(work())


def test_redirects_are_not_followed() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(answered(b"", "302 Found", "Location: http://127.0.0.1:1/"))
        writer.close()

    async def work() -> None:
        async with server(serve) as url, AioHttp() as http:
            assert (await http.post(url, b"", {})).status == 302

    asyncio.run(work())
