"""N3 of the stand: a good message with something broken in it is answered in the words of N3, or taken."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapter.registers.delivery import _envelope
from adapter.transport.envelope import read
from adapter.xml import Element, parse
from tests.unit.stand.conftest import GOLDEN, Registers

_FAULT = "{http://schemas.datacontract.org/2004/07/N3.EMK.Dto.Common}RequestFault"
#: Messages in the order in which they are taken, so that a broken one meets what it is about.
SENT = [
    next(GOLDEN.glob(f"n3/case-r4-{name}_*.xml")).read_bytes()
    for name in (
        "outpatient/iemk-patient",
        "outpatient/iemk-case",
        "outpatient/iemk-vaccination",
        "outpatient/iemk-reaction",
        "outpatient/iemk-exemption",
        "outpatient/iemk-plan",
    )
]
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="￾￿"), max_size=20),
    st.sampled_from(
        [
            "",
            "-0001-01-01T00:00:00",
            "12026-01-01T00:00:00",
            "2026-02-29T00:00:00",
            "2026-01-01T24:00:00",
            "2026-01-01T00:00:00+14:00",
            "-1",
            "256",
            "1e3",
            "true",
            "x:y",
        ]
    ),
)


def elements(data: bytes) -> list[Element]:
    return list(parse(data).getroot().iter(etree.Element))


def broken(data: bytes, place: int, how: str, text: str) -> bytes:
    """The message with one element changed."""
    all_of = elements(data)
    chosen = all_of[place % len(all_of)]
    parent = chosen.getparent()
    if how == "text" or parent is None:
        chosen.text = text
    elif how == "removed":
        parent.remove(chosen)
    elif how == "twice":
        parent.insert(0, parse(etree.tostring(chosen)).getroot())
    elif how == "last":
        parent.append(chosen)
    elif how == "empty":
        chosen[:] = []
        chosen.text = None
    elif how == "comment":
        chosen.insert(0, etree.Comment("x"))
        chosen.insert(0, etree.ProcessingInstruction("x"))
    elif how == "renamed":
        chosen.tag = "{http://tempuri.org/}other"
    elif how == "nil":
        chosen.set("{http://www.w3.org/2001/XMLSchema-instance}nil", "true")
    else:
        chosen.set("{http://www.w3.org/2001/XMLSchema-instance}type", text)
    return etree.tostring(all_of[0])


HOW = ["text", "removed", "twice", "last", "empty", "comment", "renamed", "nil", "typed"]


@given(st.integers(0, len(SENT) - 1), st.integers(0, 500), st.sampled_from(HOW), TEXTS)
def test_a_good_message_with_something_broken(number: int, place: int, how: str, text: str) -> None:
    registers = Registers()
    for sent in SENT[:number]:
        assert registers.ask("n3", "POST emk", _envelope(sent, "g")).status == 200
    answer = registers.ask("n3", "POST emk", _envelope(broken(SENT[number], place, how, text), "g"))
    registers.store.close()
    body = read(answer.body).body
    assert body is not None
    if answer.status == 200:
        assert str(body.tag).endswith("Response")
        return
    assert answer.status == 500
    told = list(body.iter(_FAULT))
    # A message whose element is another has no operation: nothing within it is at fault.
    assert len(told) == 2 or b"ActionNotSupported" in answer.body


@pytest.mark.parametrize(
    ("day", "code"),
    [
        ("12026-01-01T00:00:00", b"<ErrorCode>4<"),
        ("-0001-01-01T00:00:00", b"<ErrorCode>4<"),
        ("1900-12-31T00:00:00", b"<ErrorCode>4<"),
        ("2026-11-25T00:00:00", b"<ErrorCode>4<"),
        ("2026-11-24T00:00:00", b""),
        ("1901-01-01T00:00:00", b""),
    ],
)
def test_the_day_of_birth(day: str, code: bytes) -> None:
    registers = Registers()
    root = parse(SENT[0]).getroot()
    (born,) = root.iter("{*}BirthDate")
    born.text = day
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    answer = registers.ask("n3", "POST pix", _envelope(etree.tostring(root), "g"), at=at)
    registers.store.close()
    assert code in answer.body
    assert answer.status == (500 if code else 200)
