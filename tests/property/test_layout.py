"""A Bundle laid out for reading is the same Bundle."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from adapter.playground.layout import laid_out

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_it_holds_the_same(value: object) -> None:
    text = json.dumps(value)
    made = laid_out(text)
    assert json.loads(made) == value
    assert laid_out(made) == made


def test_each_element_has_its_line_and_numbers_their_digits() -> None:
    assert laid_out('{"a":[1.10,{}],"b":"{\\"x\\":1}"}') == (
        '{\n  "a": [\n    1.10,\n    {}\n  ],\n  "b": "{\\"x\\":1}"\n}'
    )


@given(st.text())
def test_what_is_no_json_stays(text: str) -> None:
    try:
        json.loads(text)
    except ValueError:
        assert laid_out(text) == text
