"""A МИС whose resources are malformed: ФЭР gets an answer or a fault all the same."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.integration.api.conftest import OURS
from tests.integration.fer.conftest import SNILS, Fer

VALUES = st.sampled_from(
    [
        None,
        1,
        -1.5,
        True,
        "",
        "x",
        "Slot/",
        "\ud800",
        "\x00",
        [],
        {},
        [None],
        [[]],
        [{}],
        {"reference": 1},
        "2027-13-01T00:00",
    ]
)
DAYS = "<Start_Date_Range>2027-03-01</Start_Date_Range><End_Date_Range>2027-03-07</End_Date_Range>"
NAME = "<Last_Name>Тестов</Last_Name><Birth_Date>1980-01-02</Birth_Date>"
WHO = f"<Patient_Data><SNILS>{SNILS}</SNILS>{NAME}</Patient_Data>"
REQUESTS = [
    ("GetPatientInfo", WHO),
    ("GetMOInfoExtended", ""),
    ("GetServicePostSpecsInfo", f"<MO_Id>{OURS}</MO_Id>"),
    ("GetMOResourceInfo", DAYS),
    ("GetScheduleInfo", f"<MO_OID>{OURS}</MO_OID><Specialist_SNILS>{SNILS}</Specialist_SNILS>{DAYS}"),
    ("CreateAppointment", "<Slot_Id>doctor-1-0</Slot_Id>"),
]


def test_as_they_are_all_are_answered(fer: Fer) -> None:
    for operation, parts in REQUESTS:
        assert fer.post(_request(operation, parts)).status_code == 200, operation


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_the_resources_hold_the_answer_is_soap(fer: Fer, data: st.DataObject) -> None:
    # The patient of the booking is known before anything is malformed.
    before = copy.deepcopy(fer.mis.resources)
    fer.post(_request("GetPatientInfo", WHO))
    try:
        for key in data.draw(st.lists(st.sampled_from(sorted(before)), min_size=1, max_size=4, unique=True)):
            _spoil(data, fer.mis.resources[key])
        for operation, parts in REQUESTS:
            answer = fer.post(_request(operation, parts))
            assert answer.status_code in (200, 500)
            assert etree.fromstring(answer.content).tag.endswith("}Envelope")  # noqa: TID251 - our own answer
    finally:
        fer.mis.resources = before


def _request(operation: str, parts: str) -> bytes:
    root = f'{operation}Request xmlns="http://www.rt-eu.ru/med/er/v2_0"'
    return (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        f"<{root}><Session_ID>S1</Session_ID>{parts}</{operation}Request></e:Body></e:Envelope>"
    ).encode()


def _spoil(data: st.DataObject, resource: dict[str, Any]) -> None:
    """Put a wrong value somewhere, but in what tells a resource."""
    place: Any = resource
    while True:
        keys = (
            sorted(key for key in place if key not in ("resourceType", "id", "meta")) if isinstance(place, dict) else []
        )
        steps: list[Any] = keys if isinstance(place, dict) else list(range(len(place)))
        if not steps:
            return
        step = data.draw(st.sampled_from(steps))
        if not isinstance(place[step], dict | list) or data.draw(st.booleans()):
            place[step] = data.draw(VALUES)
            return
        place = place[step]
