"""Numbers, addresses and tokens of the console."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.api.console.charts import columns, nice
from adapter.api.console.filters import Filter, key_of, key_text
from adapter.api.console.guard import PageRefused, local
from adapter.api.console.queries import Key, uuid_of
from adapter.api.console.rendering import grouped
from adapter.api.console.session import Role, Sessions, named
from adapter.errors import UsageError

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
SESSIONS = Sessions(cast(Any, None), b"s" * 32)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@given(st.integers(0, 10**12))
def test_a_scale_holds_its_value_and_wastes_little(value: int) -> None:
    top = nice(value)
    assert top >= value
    assert top % 4 == 0
    assert top <= max(4, value * 2)


@given(st.dictionaries(st.integers(0, 23), st.integers(1, 10**6), max_size=24))
def test_bars_stay_in_the_box_and_add_up(values: dict[int, int]) -> None:
    hour = timedelta(hours=1)
    made = columns(
        {NOW + index * hour: {"registered": value, "failed": 1} for index, value in values.items()},
        NOW,
        hour,
        24,
        lambda number, begin: "",
    )
    assert sum(bar.value for bar in made.bars) == sum(values.values()) + len(values)
    for bar in made.bars:
        assert made.left <= bar.x < bar.x + bar.width <= made.width
        assert -1.5 <= bar.y < bar.y + bar.height <= made.base + 0.2
    assert len(made.rows) == len(values)


@given(
    st.builds(
        Filter,
        st.sampled_from(["documents"]),
        st.text(max_size=50).map(str.strip),
        st.sampled_from(["", "failed", "waiting", "registered"]),
        since=st.none() | TIMES,
        until=st.none() | TIMES,
    )
)
def test_an_address_says_what_was_asked(asked: Filter) -> None:
    query = parse_qs(urlsplit(asked.address()).query, keep_blank_values=True)
    assert Filter.of(lambda name: query.get(name, [""])[0]) == asked


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_filter_is_read_or_refused(name: str, value: str) -> None:
    for field in ("q", "state", "since", "until", "what", name):
        try:
            Filter.of(lambda asked, field=field: value if asked == field else "")
        except PageRefused as error:
            assert error.status == 400


@given(TIMES, st.uuids())
def test_the_key_of_a_page_comes_back(at: datetime, ident: UUID) -> None:
    assert key_of(key_text(Key(at, ident))) == Key(at, ident)


@given(st.text(max_size=60))
def test_any_key_is_read_or_refused(text: str) -> None:
    try:
        assert key_of(text) is None or text
    except PageRefused as error:
        assert error.status == 400


@given(st.text(max_size=60))
def test_nobody_is_sent_out_of_the_console(text: str) -> None:
    for target in (text, f"/console/{text}", f"//{text}", f"/console/../{text}"):
        found = local(target)
        assert found.startswith("/console/")
        assert urlsplit(found).netloc == ""
        assert ".." not in found
        assert "\n" not in found


@given(st.text(max_size=80))
def test_a_token_for_one_use_is_none_for_another(name: str) -> None:
    try:
        token = SESSIONS.ticket(name, [Role.AUTHOR], now=NOW)
    except UsageError:
        with pytest.raises(UsageError):
            named(name)
        return
    assert SESSIONS.read("ticket", token, now=NOW) is not None
    assert SESSIONS.read("session", token, now=NOW) is None
    assert SESSIONS.read("ticket", token, now=NOW + timedelta(minutes=16)) is None
    assert Sessions(cast(Any, None), b"t" * 32).read("ticket", token, now=NOW) is None
    assert SESSIONS.read("ticket", f"{token[:-2]}{'AA' if token[-2:] != 'AA' else 'BB'}", now=NOW) is None


@given(st.text(max_size=60))
def test_any_text_is_a_uuid_or_none(text: str) -> None:
    found = uuid_of(text)
    assert found is None or isinstance(found, UUID)


def test_thousands_stand_apart() -> None:
    assert grouped(1234567) == "1\u202f234\u202f567"
