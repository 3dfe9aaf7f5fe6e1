"""The body of a request: limits, packing, and what is looked at before it is stored."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from adapter.api.incoming import Incoming, receive
from adapter.errors import RequestRefused

JSON = "application/fhir+json"
BUNDLE = (
    b'{"resourceType":"Bundle","type":"transaction","identifier":{"system":"urn:a","value":"7"},"entry":['
    b'{"resource":{"resourceType":"Organization","identifier":[{"system":"x","value":"urn:oid:1.2.3"}]}},'
    b'{"resource":{"resourceType":"Patient","identifier":[{"value":"4.5.6"}]}},{"request":{}}]}'
)
XML = (
    b'<Bundle xmlns="http://hl7.org/fhir"><identifier><system value="urn:a"/><value value="7"/></identifier>'
    b'<type value="document"/><entry><resource><Organization><identifier><value value="1.2.3"/></identifier>'
    b"</Organization></resource></entry></Bundle>"
)

PACKED = gzip.compress(BUNDLE)


def received(
    data: bytes, content_type: str = JSON, *, packing: str = "", limit: int = 10_000, piece: int = 50
) -> Incoming:
    headers = [(b"content-type", content_type.encode())]
    if packing:
        headers.append((b"content-encoding", packing.encode()))
    request = Request({"type": "http", "method": "POST", "headers": headers, "path": "/fhir", "query_string": b""})

    async def stream() -> AsyncIterator[bytes]:
        for start in range(0, len(data), piece):
            yield data[start : start + piece]

    request.stream = stream  # type: ignore[method-assign] - the one part of a request that matters here
    return asyncio.run(receive(request, limit))


def status(*args: Any, **options: Any) -> int:
    with pytest.raises(RequestRefused) as refusal:
        received(*args, **options)
    return refusal.value.status


@pytest.mark.parametrize(("data", "content_type"), [(BUNDLE, JSON), (XML, "application/fhir+xml")])
def test_what_is_looked_at(data: bytes, content_type: str) -> None:
    incoming = received(data, content_type)
    assert incoming.data == data
    assert incoming.identifier == "urn:a|7"
    assert incoming.organisations == {"1.2.3"}


def test_a_packed_body_is_unpacked() -> None:
    assert received(PACKED, packing="gzip").data == BUNDLE


def test_a_bomb_is_refused() -> None:
    assert status(gzip.compress(b" " * 50_000_000), packing="gzip", piece=100_000) == 413


@pytest.mark.parametrize("data", [PACKED[:-5], BUNDLE, PACKED[:40] + b"xxxx"], ids=["cut off", "not packed", "changed"])
def test_broken_packing(data: bytes) -> None:
    assert status(data, packing="gzip") == 400


@pytest.mark.parametrize(
    ("data", "content_type", "code"),
    [
        (b"{", JSON, 400),
        (b"", JSON, 400),
        (b'"Bundle"', JSON, 400),
        (b'{"resourceType":"Patient"}', JSON, 422),
        (b'{"resourceType":"Bundle","type":"searchset"}', JSON, 422),
        (b'{"resourceType":"Bundle","type":"batch","entry":{}}', JSON, 422),
        (BUNDLE, "text/plain", 415),
        (b"<Bundle/>", "text/xml", 422),
        (b"<Bundle", "text/xml", 400),
        (b'<!DOCTYPE a><Bundle xmlns="http://hl7.org/fhir"/>', "text/xml", 400),
        (b" " * 10_001, JSON, 413),
    ],
)
def test_refusals(data: bytes, content_type: str, code: int) -> None:
    assert status(data, content_type) == code


@given(st.binary(max_size=200), st.sampled_from([JSON, "text/xml"]))
def test_any_body_is_answered(data: bytes, content_type: str) -> None:
    try:
        received(data, content_type)
    except RequestRefused as refusal:
        assert 400 <= refusal.status < 500


def test_a_refusal_quotes_nothing() -> None:
    with pytest.raises(RequestRefused) as refusal:
        received(b'{"resourceType":"Bundle","type":"batch","identifier":"Secretov"}')
    assert "Secretov" not in repr(refusal.value.findings)
