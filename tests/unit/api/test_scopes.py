"""Scopes of SMART, in both writings."""

from __future__ import annotations

import pytest

from adapter.api.scopes import parse_scopes


@pytest.mark.parametrize(
    ("scope", "resource", "letters"),
    [
        ("system/*.*", "Task", "cruds"),
        ("system/*.read", "Task", "rs"),
        ("system/Bundle.write", "Bundle", "cud"),
        ("system/Bundle.c", "Bundle", "c"),
        ("system/DocumentReference.rs", "DocumentReference", "rs"),
        ("system/Bundle.c", "Task", ""),
        ("user/*.read", "Task", ""),
        ("system/Task.", "Task", ""),
        ("system/Task.sr", "Task", ""),  # letters have an order
        ("system/task.r", "task", ""),
    ],
)
def test_what_a_scope_allows(scope: str, resource: str, letters: str) -> None:
    scopes = parse_scopes([scope])
    assert "".join(one for one in "cruds" if scopes.allow(resource, one)) == letters


def test_a_token_gets_no_more_than_the_client_has() -> None:
    client = parse_scopes(["system/*.read", "system/Bundle.c"])
    asked = ["system/Task.r", "system/Bundle.c", "system/Bundle.write", "system/*.read", "openid"]
    assert client.narrowed(asked).granted == {"system/Task.r", "system/Bundle.c", "system/*.read"}
