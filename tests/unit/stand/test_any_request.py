"""Any request to any register gets an answer of the register: nothing that is sent breaks the stand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.stand.registers.listed import register_services
from adapter.stand.registers.rest import RestService
from tests.unit.stand.conftest import GOLDEN, MO, Registers
from tests.unit.stand.requests import breakings, with_breakings

REST = [service for service in register_services() if isinstance(service, RestService)]
CALLS = [(service.id, f"{way.method} {way.path}") for service in REST for way in service.ways()]
PATHS = st.sampled_from(
    [
        "record",
        "record/1/reg",
        "person",
        "person/card",
        "org",
        "org/depart",
        "org/x",
        "",
        "a/b/c",
        "records",
        "patients",
    ]
)
VALUES = st.one_of(
    st.text(max_size=8), st.sampled_from([MO, "true", "21531846241", "2026.0000001", "1", "9000000000000001"])
)
QUERY = st.dictionaries(
    st.sampled_from(
        ["oid", "mo", "mr", "snils", "entityId", "documentId", "number", "serial", "lastName", "offset", "limit"]
    ),
    VALUES,
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
#: Good messages, and the call that takes each.
MESSAGES: list[tuple[str, str, Any]] = []
for _path in sorted(GOLDEN.glob("*/*/*.json")):
    _product = _path.name.rpartition("_")[0]
    _service = {"vacc": "vaccination-register", "frmr": "frmr", "frmo": "frmo"}.get(_product[:4])
    if _service:
        MESSAGES.append((_service, _product, json.loads(_path.read_bytes())))
HOW = {
    "vaccination-record": "POST record",
    "vaccination-record-person": "PUT record/9000000000000001/person",
    "vaccination-record-complication": "POST record/9000000000000001/complication",
    "vaccination-record-pregnancy": "POST record/9000000000000001/pregnancy",
    "frmr-person": "POST person",
    "frmo-org": "PUT org",
    "frmo-depart": "POST org/depart",
    "frmo-building": "POST org/building",
    "frmo-services": "POST org/servicesInfo",
}


def answered(registers: Registers, service: str, call: str, body: Any, **query: str) -> int:
    """The status of an answer, which is one of the register and can be read."""
    answer = registers.ask(service, call, body, **query)
    # A fault of SOAP 1.1 has the status 500 by its standard.
    assert 200 <= answer.status < 500 or b"<faultstring>" in answer.body
    if answer.content_type == "application/json":
        json.loads(answer.body)
    return answer.status


@given(
    st.sampled_from([service.id for service in register_services()]),
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]),
    PATHS,
    QUERY,
    st.binary(max_size=30) | JSON_VALUES.map(lambda value: json.dumps(value).encode()),
)
def test_any_request(service: str, method: str, path: str, query: dict[str, str], body: bytes) -> None:
    answered(Registers(), service, f"{method} {path}", body, **query)


@given(
    st.sampled_from(CALLS),
    st.dictionaries(st.sampled_from(["reg_id", "date", "depart", "oid"]), VALUES),
    QUERY,
    JSON_VALUES,
)
def test_any_body_of_any_call(named: tuple[str, str], parts: dict[str, str], query: dict[str, str], body: Any) -> None:
    service, call = named
    for name, value in parts.items():
        call = call.replace(f"{{{name}}}", value)
    answered(Registers(), service, call, {"a": body}, **query)


@given(st.data())
def test_a_good_message_with_something_broken(data: st.DataObject) -> None:
    service, product, message = data.draw(st.sampled_from(MESSAGES))
    registers = Registers()
    query = (
        {"mo": MO, "mr": "true", "oid": MO} if service != "frmr" else {"mo": MO, "mr": "true", "snils": "21531846241"}
    )
    query["lastName"] = "Тестова"
    for kind, good in (("vaccination-record", service), ("frmr-person", service)):
        first = next((one for name, one_kind, one in MESSAGES if name == good and one_kind == kind), None)
        if first is not None:
            registers.ask(service, HOW[kind], first, **query)
    call = HOW.get(product, f"POST person/{product.removeprefix('frmr-')}")
    broken = with_breakings(message, data.draw(breakings(message)))
    answered(registers, service, call, broken, **query)
    answered(registers, service, call.replace("POST", "PUT"), broken, **{**query, "entityId": f"{MO}.0.100001"})


@pytest.mark.parametrize(
    "data", [json.dumps([1] * 3), "1", "null", '"x"', "NaN", "1e999", '{"reg": 1e999}', '{"a": "\\ud800"}']
)
def test_odd_json(data: str) -> None:
    for service, call in (("vaccination-register", "POST record"), ("frmr", "POST person"), ("frmo", "PUT org")):
        assert answered(Registers(), service, call, data.encode(), mo=MO, mr="true", oid=MO) == 400
