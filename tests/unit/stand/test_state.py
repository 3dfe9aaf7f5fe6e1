"""What registers of the stand hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.errors import EnvironmentProblem
from adapter.stand.registers.state import Record, Store
from tests.unit.stand.conftest import AT


def test_what_was_written_before_a_failure_is_forgotten() -> None:
    store = Store()
    with pytest.raises(ZeroDivisionError), store.service("a") as state:
        state.put("kind", "key", {}, at=AT)
        raise ZeroDivisionError
    with store.service("a") as state:
        assert state.all() == []
        state.put("kind", "key", {}, at=AT)
    with store.service("a") as state:
        assert state.all() == [Record("kind", "key", "", {})]


def test_services_kinds_and_counters_are_apart() -> None:
    store = Store()
    with store.service("a") as one:
        one.put("kind", "key", {"n": 1}, number="7", at=AT)
        one.put("kind", "key", {"n": 2}, number="8", at=AT)
        one.put("other", "key", {}, number="8", at=AT)
        assert [one.next("x"), one.next("x"), one.next("y", 5)] == [1, 2, 5]
        assert one.by_number("kind", "7") is None
        assert one.of("kind", "8") == [Record("kind", "key", "8", {"n": 2})]
        assert [record.kind for record in one.all()] == ["kind", "other"]
    with store.service("b") as two:
        assert (two.all(), two.get("kind", "key"), two.next("x")) == ([], None, 1)
        assert two.remove("kind", "key") is False


def test_a_file_that_is_no_state(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"no database" * 100)
    with pytest.raises(EnvironmentProblem):
        Store(tmp_path / "state")
