"""Small parts: moves that are allowed, delays, patients of a Bundle, ids."""

from __future__ import annotations

import uuid
from datetime import timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.errors import InternalError
from adapter.facts import Fact
from adapter.findings import Finding, Place, Severity, Text
from adapter.pipeline import SignatureRow, State, SubmissionState
from adapter.pipeline.model import Trouble, dump_findings, load_findings, new_id
from adapter.pipeline.patients import patients_of
from adapter.pipeline.remd import ORGANISATION, signed_by
from adapter.pipeline.retry import Backoff
from adapter.pipeline.statements import statements
from adapter.pipeline.states import product_machine, submission_machine


def test_the_table_of_moves_and_the_states_of_rows_are_the_same() -> None:
    assert product_machine().states == set(State) and product_machine().final == State.final()
    assert submission_machine().states == set(SubmissionState)


@pytest.mark.parametrize(
    ("name", "state"), [("register", "registered"), ("sign", None), ("make", "checked"), ("no", "sent")]
)
def test_a_move_that_is_not_allowed_is_a_bug(name: str, state: str | None) -> None:
    with pytest.raises(InternalError):
        product_machine().move(name, state)


def test_every_state_but_registered_can_be_left_and_every_one_is_reached() -> None:
    for machine in (product_machine(), submission_machine()):
        reached = {move.after for move in machine.moves.values()}
        left = set().union(*(move.before for move in machine.moves.values()))
        assert reached == machine.states
        assert machine.states - left <= {"registered"}


@given(st.integers(1, 10_000), st.floats(0, 1), st.none() | st.floats(1, 3600))
def test_delays_grow_within_bounds(attempts: int, jitter: float, least: float | None) -> None:
    backoff = Backoff(jitter=lambda: jitter)
    delay = backoff.delay(attempts, least=least)
    assert delay >= timedelta(seconds=max(1, least or 0))
    assert delay <= max(backoff.longest, timedelta(seconds=(least or 0) * 1.25))
    if least is None:
        assert delay <= backoff.delay(attempts + 1)


_KEYS = ("resourceType", "entry", "resource", "identifier", "id", "value")
_PATIENT = {"resourceType": "Patient", "id": "1", "identifier": [{"system": "urn:x", "value": "7"}]}
_XML = """<Bundle xmlns="http://hl7.org/fhir"><entry><resource><Patient><id value="1"/><identifier>
<system value="urn:x"/><value value="7"/></identifier></Patient></resource></entry></Bundle>"""


def test_patients_of_json_and_xml_are_the_same() -> None:
    json = orjson.dumps({"resourceType": "Bundle", "entry": [{"resource": _PATIENT}, {"resource": _PATIENT}]})
    assert patients_of(json) == patients_of(_XML.encode()) == ("urn:x|7",)
    assert patients_of(b"\xef\xbb\xbf" + _XML.encode()) == ("urn:x|7",)
    nested = orjson.dumps({"resourceType": "Bundle", "entry": [{"resource": orjson.loads(json)}]})
    assert patients_of(nested) == ("urn:x|7",)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["Patient", "Bundle", "x"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5),
        max_leaves=20,
    )
)
def test_patients_of_anything(value: object) -> None:
    assert isinstance(patients_of(orjson.dumps(value)), tuple)


@given(st.binary(max_size=50))
def test_patients_of_bytes(data: bytes) -> None:
    assert isinstance(patients_of(data), tuple)


def test_ids_are_of_version_7_and_rise() -> None:
    ids = [new_id() for _ in range(100)]
    assert len(set(ids)) == 100
    assert all(one.version == 7 and one.variant == uuid.RFC_4122 for one in ids)
    assert [one.int >> 80 for one in ids] == sorted(one.int >> 80 for one in ids)


def test_what_is_stored_comes_back() -> None:
    findings = (
        Finding(
            "MAP01", Severity.WARNING, Text("р", "e"), Text("п", "h"), Place(3, 4, "Bundle.entry[0]"), "/a", "rule"
        ),
    )
    assert load_findings(dump_findings(findings)) == findings
    trouble = Trouble("temporary", Text("р", "e"), ("A", "B"))
    assert Trouble.of_json(trouble.to_json()) == trouble
    assert Trouble.of_json(None) is None


def test_statements_are_there() -> None:
    assert all(text and not text.startswith("-- name") for text in statements().values())


def _signer(snils: str, role: str) -> Fact:
    return Fact({"snils": snils, "role": Fact({"code": role}), "position": None})


def test_signatures_are_those_of_the_people_in_their_order() -> None:
    registration = Fact(
        {"signers": [_signer("1", "AUTHOR"), _signer("2", "HEAD"), _signer("1", "LEGAL_AUTHENTICATOR")]}
    )
    rows = (SignatureRow("AUTHOR", b"a"), SignatureRow("HEAD", b"b"), SignatureRow(ORGANISATION, b"o"))
    made = [(one.data, one.snils, one.role) for one in signed_by(registration, rows)]
    assert made == [(b"a", "1", "AUTHOR"), (b"b", "2", "HEAD"), (b"o", "", "")]
    with pytest.raises(ValueError, match="zip"):
        signed_by(registration, rows[1:])
