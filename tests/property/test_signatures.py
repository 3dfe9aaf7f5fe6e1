"""Signatures of arbitrary bytes, and the DER that they are written in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.errors import SigningError
from adapter.signing import der, parse_certificate, verify_cms, verify_raw
from adapter.signing.cms import parse
from adapter.signing.local import AssemblingSigner, RsaSigner, open_gost
from tests.signing import ALGORITHMS, Pair, need, openssl_verify

MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@pytest.fixture(scope="module", params=ALGORITHMS)
def signed_with(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Pair, AssemblingSigner]:
    need(request.param)
    pair = Pair(tmp_path_factory.mktemp("keys"), request.param)
    make: Callable[..., AssemblingSigner] = RsaSigner if request.param == "rsa" else open_gost
    return pair, make(pair.certificate, pair.key, b"")


@given(content=st.binary(max_size=5000), at=MOMENTS)
def test_any_content_is_signed_and_verified(signed_with, content: bytes, at: datetime) -> None:
    pair, signer = signed_with
    container = verify_cms(signer.cms(content, at=at), content)
    assert container.signing_time == at.replace(microsecond=0)
    assert verify_raw(pair.certificate, content, signer.raw(content))


@settings(max_examples=10)
@given(content=st.binary(max_size=5000))
def test_openssl_agrees(tmp_path_factory: pytest.TempPathFactory, signed_with, content: bytes) -> None:
    pair, signer = signed_with
    signature = signer.cms(content, at=datetime(2026, 11, 24, tzinfo=UTC))
    folder: Path = tmp_path_factory.mktemp("openssl")
    assert openssl_verify(folder, pair.file, signature, content, gost=pair.algorithm != "rsa") == ""


@given(content=st.binary(max_size=300), other=st.binary(max_size=300))
def test_a_signature_is_of_its_content_alone(signed_with, content: bytes, other: bytes) -> None:
    _, signer = signed_with
    signature = signer.cms(content, at=datetime(2026, 11, 24, tzinfo=UTC))
    if content != other:
        with pytest.raises(SigningError):
            verify_cms(signature, other)


@given(data=st.data())
def test_changed_bytes_are_refused_in_one_way(signed_with, data: st.DataObject) -> None:
    """Certificates and containers come from outside, too: whatever they hold, the one error or an answer."""
    pair, signer = signed_with
    for whole in (pair.certificate.der, signer.cms(b"content", at=datetime(2026, 11, 24, tzinfo=UTC))):
        broken = bytearray(whole)
        for at in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=3)):
            broken[at] = data.draw(st.integers(0, 255))
        with suppress(SigningError):
            verify_raw(parse_certificate(bytes(broken)), b"content", bytes(64))
        with suppress(SigningError):
            verify_cms(bytes(broken), b"content")


@given(data=st.binary(max_size=400) | st.binary(max_size=400).map(lambda body: der.sequence(der.sequence(body))))
def test_garbage_is_refused_in_one_way(data: bytes) -> None:
    with pytest.raises(SigningError):
        parse(data)


@given(body=st.binary(max_size=70_000), tag=st.sampled_from([0x02, 0x04, 0x30, 0xA0]))
def test_elements_are_read_as_written(body: bytes, tag: int) -> None:
    whole = der.tlv(tag, body)
    assert der.only(whole) == der.Node(tag, body, whole)
    with pytest.raises(der.DerError):
        der.only(whole + b"\x00")
    with pytest.raises(der.DerError):
        der.only(whole[:-1])


@given(st.lists(st.binary(max_size=200).map(lambda body: der.tlv(der.OCTET_STRING, body)), max_size=6))
def test_a_set_has_the_order_of_der(elements: list[bytes]) -> None:
    read = [node.whole for node in der.only(der.set_of(*elements)).children()]
    assert read == sorted(elements)


@given(st.integers(-(2**200), 2**200) | st.integers(-(2**17), 2**17))
def test_integers(value: int) -> None:
    body = der.only(der.integer(value)).body
    assert int.from_bytes(body, signed=True) == value
    # The shortest form: nine leading bits that are alike are one octet too many.
    assert len(body) == 1 or int.from_bytes(body[:2]) >> 7 not in (0, 0x1FF)


@given(st.tuples(st.integers(0, 2), st.integers(0, 39)), st.lists(st.integers(0, 2**40), min_size=1, max_size=12))
def test_object_identifiers(start: tuple[int, int], rest: list[int]) -> None:
    dotted = ".".join(map(str, (*start, *rest)))
    assert _arcs(der.only(der.oid(dotted)).body) == [start[0] * 40 + start[1], *rest]


def _arcs(body: bytes) -> list[int]:
    arcs, value = [], 0
    for octet in body:
        value = value << 7 | octet & 0x7F
        if octet < 0x80:
            arcs.append(value)
            value = 0
    return arcs


@given(MOMENTS, st.integers(-14, 14))
def test_times(moment: datetime, hours: int) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(hours=hours)))
    assert der.read_time(der.only(der.time(elsewhere))) == moment.replace(microsecond=0)
