"""What answers of registers mean; whatever a neighbour says, only what fits the service counts as success."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.catalogue import Catalogue
from adapter.registers.answers import Said, said
from adapter.registers.services import Services
from adapter.transport.errors import ErrorClass
from adapter.transport.http import HttpAnswer

SERVICES = Services.load(Catalogue())
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_DTO = "http://schemas.datacontract.org/2004/07/N3.EMK.Dto.Common"


def _said(service: str, operation: str, status: int, body: str | bytes) -> Said:
    found = SERVICES.by_id[service]
    data = body if isinstance(body, bytes) else body.encode()
    return said(found, operation, HttpAnswer(status, "", data), found.operations[operation].number)


def _envelope(body: str) -> str:
    return f'<s:Envelope xmlns:s="{_SOAP}"><s:Body>{body}</s:Body></s:Envelope>'


def _fault(*codes: str) -> str:
    inner = "".join(f"<RequestFault><ErrorCode>{code}</ErrorCode></RequestFault>" for code in codes)
    return _envelope(
        "<s:Fault><faultcode>s:Client</faultcode><faultstring>no</faultstring><detail>"
        f'<RequestFault xmlns="{_DTO}"><Message>Поле содержит ошибки</Message><ErrorCode>99</ErrorCode>'
        f"<Errors>{inner}</Errors></RequestFault></detail></s:Fault>"
    )


def test_a_record_and_its_number() -> None:
    answer = _said("vaccination-register", "create", 201, '{"reg_id": 9000000000000001, "person_id": 5}')
    assert (answer.taken, answer.number, answer.verdict) == (True, "9000000000000001", None)


@pytest.mark.parametrize("body", ["", "{}", "[]", "null", '{"reg_id": null}', '{"reg_id": ""}', "<html/>", "<a>"])
def test_no_success_without_the_number(body: str) -> None:
    answer = _said("vaccination-register", "create", 200, body)
    assert not answer.taken
    assert answer.verdict is not None
    assert answer.verdict.error_class is ErrorClass.TRANSPORT


def test_a_duplicate_tells_its_number() -> None:
    text = "Запись регистра с такой вакциной (УНРЗ:7700000000012345) уже создана"
    answer = _said("vaccination-register", "create", 400, f'{{"message": "{text}"}}')
    assert (answer.taken, answer.number, answer.change) == (False, "7700000000012345", True)
    assert answer.verdict is not None
    assert (answer.verdict.error_class, answer.verdict.codes) == (ErrorClass.DONE, ("DUPLICATE",))


def test_a_duplicate_of_another_register_tells_its_number_beside() -> None:
    text = '{"message": "была уже была создана, используйте метод update", "local_id": ["12"]}'
    answer = _said("frmo", "POST org/depart", 400, text)
    assert (answer.number, answer.change) == ("12", True)


def test_a_duplicate_without_a_number_is_no_change() -> None:
    answer = _said("frmo", "POST org/depart", 400, '{"message": "уже была создана"}')
    assert (answer.taken, answer.number, answer.change) == (False, None, False)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ErrorClass.PERMANENT),
        (401, ErrorClass.PERMANENT),
        (404, ErrorClass.PERMANENT),
        (500, ErrorClass.TRANSPORT),
        (503, ErrorClass.TRANSPORT),
        (302, ErrorClass.TRANSPORT),
    ],
)
def test_a_refusal_by_its_status(status: int, expected: ErrorClass) -> None:
    answer = _said("frmr", "PUT person", status, '{"code": 7, "reasonPhrase": "Bad Request"}')
    assert not answer.taken
    assert answer.verdict is not None
    assert answer.verdict.error_class is expected


@pytest.mark.parametrize(
    ("service", "operation"), [("frmr", "PUT person"), ("vzn", "updateVzn"), ("vaccination-register", "update")]
)
def test_a_page_of_a_gateway_is_no_success(service: str, operation: str) -> None:
    answer = _said(service, operation, 200, "<html><body>Sign in</body></html>")
    assert not answer.taken
    assert answer.verdict is not None
    assert answer.verdict.error_class is ErrorClass.TRANSPORT
    assert _said(service, operation, 200, "").taken


def test_an_empty_answer_of_soap_is_success() -> None:
    answer = _said("n3", "CreateCase", 200, _envelope('<CreateCaseResponse xmlns="http://tempuri.org/"/>'))
    assert (answer.taken, answer.number) == (True, "open")


@pytest.mark.parametrize(
    ("operation", "code", "taken", "number", "change"),
    [
        ("AddPatient", "23", False, "sent", True),
        ("AddCase", "31", False, "closed", True),
        ("CreateCase", "31", True, "open", False),
        ("AddStepToCase", "31", True, "open", False),
    ],
)
def test_faults_of_n3_that_say_it_is_there(operation: str, code: str, taken: bool, number: str, change: bool) -> None:
    answer = _said("n3", operation, 500, _fault(code))
    assert (answer.taken, answer.number, answer.change) == (taken, number, change)


def test_a_fault_of_n3_that_is_not_known_is_a_refusal() -> None:
    answer = _said("n3", "UpdateCase", 500, _fault("31", "17"))
    assert not answer.taken
    assert answer.verdict is not None
    assert answer.verdict.error_class is ErrorClass.PERMANENT
    assert answer.verdict.codes == ("n3:31", "n3:17")


def _soap_fault(code: str, detail: str = "") -> str:
    return _envelope(
        f"<s:Fault><faultcode>s:{code}</faultcode><faultstring>no</faultstring><detail>{detail}</detail></s:Fault>"
    )


@pytest.mark.parametrize(("code", "expected"), [("Client", ErrorClass.PERMANENT), ("Server", ErrorClass.TEMPORARY)])
def test_a_fault_without_a_code_of_n3(code: str, expected: ErrorClass) -> None:
    answer = _said("n3", "AddCase", 500, _soap_fault(code))
    assert not answer.taken
    assert answer.verdict is not None
    assert answer.verdict.error_class is expected


_WARNING = (
    f'<RequestWarning xmlns="{_DTO}"><WarningCode>8</WarningCode>'
    "<Warnings><RequestWarning><WarningCode>2135</WarningCode></RequestWarning></Warnings></RequestWarning>"
)


@pytest.mark.parametrize(
    "body",
    [
        _soap_fault("Client", _WARNING),
        _envelope(f'<AddCaseResponse xmlns="http://tempuri.org/">{_WARNING}</AddCaseResponse>'),
    ],
)
def test_a_remark_of_n3_is_no_refusal(body: str) -> None:
    answer = _said("n3", "AddCase", 200, body)
    assert (answer.taken, answer.number) == (True, "closed")
    assert answer.verdict is not None
    assert (answer.verdict.error_class, answer.verdict.codes) == (ErrorClass.WARNING, ("n3:2135",))


def test_a_remark_beside_a_refusal_does_not_hide_it() -> None:
    body = _fault("17").replace("</detail>", f"{_WARNING}</detail>")
    answer = _said("n3", "AddCase", 500, body)
    assert not answer.taken
    assert answer.verdict is not None
    assert answer.verdict.codes == ("n3:17",)


@pytest.mark.parametrize(("message", "remarked"), [('"проверьте адрес"', True), ("null", False), ('""', False)])
def test_a_remark_of_frmr(message: str, remarked: bool) -> None:
    answer = _said("frmr", "PUT person/prof", 200, f'{{"requestId": "1", "errorUserMessage": {message}}}')
    assert answer.taken
    assert (answer.verdict is not None) == remarked


def test_an_answer_to_another_operation_is_no_success() -> None:
    answer = _said("n3", "AddCase", 200, _envelope('<CreateCaseResponse xmlns="http://tempuri.org/"/>'))
    assert not answer.taken


@given(
    st.sampled_from([(name, op) for name, service in SERVICES.by_id.items() for op in service.operations]),
    st.integers(100, 599),
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(str.encode),
        st.sampled_from([b"<html><body>gateway</body></html>", b"[1]", b"1" * 5000, b"[" * 3000]),
    ),
)
def test_whatever_is_answered_is_told(place: tuple[str, str], status: int, body: bytes) -> None:
    service, operation = place
    answer = _said(service, operation, status, body)
    assert answer.taken or answer.verdict is not None
    if not 200 <= status < 300 and answer.taken:
        # Only an error of the file itself says so.
        assert answer.verdict is not None
    if answer.taken and SERVICES.by_id[service].form == "soap":
        assert b"Envelope" in body


_SUCCESSES = [
    ("vaccination-register", "create", 201, '{"reg_id": "7700000000000017", "person_id": 5}'),
    ("frmo", "POST org/depart", 200, '{"requestId": "1", "content": {"entityId": "1.2.0.5"}}'),
    ("vzn", "createVzn", 200, "<records><registryNumber>42</registryNumber></records>"),
    ("n3", "AddCase", 200, _envelope('<AddCaseResponse xmlns="http://tempuri.org/"/>')),
]


@pytest.mark.parametrize(("service", "operation", "status", "body"), _SUCCESSES)
def test_part_of_an_answer_is_no_success(service: str, operation: str, status: int, body: str) -> None:
    assert _said(service, operation, status, body).taken
    for end in range(len(body)):
        answer = _said(service, operation, status, body[:end])
        assert not answer.taken
        assert answer.number is None
        assert answer.verdict is not None
        # Nobody knows whether it was taken: it is sent again.
        assert answer.verdict.error_class is ErrorClass.TRANSPORT
