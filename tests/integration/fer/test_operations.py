"""What ФЭР asks and what the МИС has, by a real SOAP client and a real FHIR server."""

from __future__ import annotations

import pytest
from zeep.exceptions import Fault

from tests.integration.api.conftest import OURS
from tests.integration.fer.conftest import SNILS, Fer


def test_a_patient_is_found_by_a_number_and_what_else_is_told(fer: Fer) -> None:
    answer = fer.session()
    assert (answer.Session_ID, answer.Patient_Id, answer.Status_Code) == ("S1", "patient-1", "SUCCESS")


@pytest.mark.parametrize(
    "changed",
    [
        {"Last_Name": "Другой"},
        {"Birth_Date": "1980-01-03"},
        {"Sex": "F"},
        {"First_Name": "Иван"},
        {"SNILS": "15765836414", "OMS_Number": ""},
        {"SNILS": "", "OMS_Number": ""},
    ],
)
def test_somebody_else_is_not_found(fer: Fer, changed: dict[str, str]) -> None:
    answer = fer.session(**changed)
    assert (answer.Patient_Id, answer.Status_Code) == (None, "PATIENT_NOT_FOUND")


def test_two_who_are_alike_are_told_of_and_neither_is_taken(fer: Fer) -> None:
    fer.mis.put({**fer.mis.get("Patient", "patient-1"), "id": "patient-2"})
    answer = fer.session("twins")
    assert (answer.Patient_Id, answer.Status_Code) == (None, "PATIENT_NOT_UNIQUE")
    assert fer.book("doctor-1-0", "twins").Status_Code == "SESSION_NOT_FOUND"


def test_no_value_of_a_patient_stands_in_an_address(fer: Fer) -> None:
    fer.session()
    assert fer.mis.asked == ["POST /fhir/Patient/_search"]


def test_organisations(fer: Fer) -> None:
    (one,) = fer.soap.GetMOInfoExtended(Session_ID="S1", Booking_Type="APPOINTMENT").ListMO.MO
    assert (one.MO_Id, one.MO_OID, one.MO_Name) == (OURS, OURS, "ГБУЗ «Тестовая поликлиника»")
    assert (one.MO_Address, one.MO_Phone) == ("г. Москва, ул. Тестовая, д. 1", "+74950000000")


def test_posts_of_an_organisation_and_its_departments_each_once(fer: Fer) -> None:
    fer.mis.put({**fer.mis.get("PractitionerRole", "doctor-therapist"), "id": "another"})
    answer = fer.soap.GetServicePostSpecsInfo(Session_ID="S1", MO_Id=OURS)
    found = [(post.Post_Id, post.Post_Name) for post in answer.Service_Posts.Post]
    assert found == [("109", "врач-терапевт"), ("122", "врач-хирург"), ("159", "врач-рентгенолог")]


def test_version_1_has_its_own_name_and_namespace(fer: Fer) -> None:
    answer = fer.post(
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        '<GetServiceSpecsInfoRequest xmlns="http://www.rt-eu.ru/med/er/"><Session_ID>S1</Session_ID>'
        f"<MO_Id>{OURS}</MO_Id></GetServiceSpecsInfoRequest></e:Body></e:Envelope>"
    )
    assert answer.status_code == 200
    assert '<GetServiceSpecsInfoResponse xmlns="http://www.rt-eu.ru/med/er/">' in answer.text
    assert "<Post_Id>109</Post_Id>" in answer.text


def test_resources_with_their_free_days(fer: Fer) -> None:
    answer = fer.soap.GetMOResourceInfo(
        Session_ID="S1",
        Service_Posts={"Post": [{"Post_Id": "109"}, {"Post_Id": "159"}]},
        MO_OID_List={"MO_OID": [OURS]},
        Start_Date_Range="2027-03-01",
        End_Date_Range="2027-03-15",
    )
    doctor, room = answer.Resources.Resource
    assert (doctor.Specialist.SNILS, doctor.Specialist.Last_Name, doctor.Room) == (SNILS, "Врачёв", "Кабинет 12")
    days = [(str(day.Date), day.Free_Slots) for day in doctor.Available_Dates.Available_Date]
    assert days == [("2027-03-01", 2), ("2027-03-02", 3)]
    assert (room.Specialist, room.Room, room.Service_Posts.Post[0].Post_Id) == (None, "Кабинет 3", "159")


def test_free_slots_of_a_worker_by_time(fer: Fer) -> None:
    assert fer.schedule() == ["doctor-1-0", "doctor-1-2", "doctor-2-0", "doctor-2-1", "doctor-2-2"]


def test_a_schedule_may_name_the_worker_alone(fer: Fer) -> None:
    assert fer.schedule("15765836414", "122") == ["surgeon-1-0", "surgeon-1-1"]


def test_a_room_has_no_worker(fer: Fer) -> None:
    assert fer.schedule("", "159") == ["fluorography-1-0"]


def test_another_post_or_worker_or_organisation_has_no_slots(fer: Fer) -> None:
    assert fer.schedule(post="122") == []
    assert fer.schedule("99999999901") == []
    fer.mis.resources.pop(("Organization", "clinic"))
    assert fer.schedule() == []


def test_times_of_a_day_narrow(fer: Fer) -> None:
    answer = fer.soap.GetScheduleInfo(
        Session_ID="S1",
        Specialist_SNILS=SNILS,
        MO_OID=OURS,
        Start_Date_Range="2027-03-02",
        End_Date_Range="2027-03-02",
        Start_Time_Range="09:10:00",
        End_Time_Range="09:15:00",
    )
    (slot,) = answer.Slots.Slot
    assert (slot.Slot_Id, slot.VisitTime.isoformat(), slot.Room) == ("doctor-2-1", "2027-03-02T09:15:00", "Кабинет 12")


def test_what_has_passed_is_not_offered(fer: Fer) -> None:
    fer.api.clock.pass_by(4 * 86400 - 2 * 3600 + 60)
    assert fer.schedule() == ["doctor-1-2", "doctor-2-0", "doctor-2-1", "doctor-2-2"]


def test_a_slot_that_cannot_be_read_does_not_hide_the_others(fer: Fer) -> None:
    fer.mis.put({**fer.mis.get("Slot", "doctor-1-0"), "end": "soon"})
    assert fer.schedule() == ["doctor-1-2", "doctor-2-0", "doctor-2-1", "doctor-2-2"]


def test_a_page_elsewhere_is_not_followed(fer: Fer) -> None:
    fer.mis.next_url = "http://localhost:1/fhir?_page=0-3"
    with pytest.raises(Fault, match="FER03"):
        fer.schedule()


def test_pages_without_an_end_are_refused(fer: Fer) -> None:
    fer.mis.next_url = f"{fer.mis.base}?_page=0-0"
    with pytest.raises(Fault, match="FER03"):
        fer.schedule()


@pytest.mark.parametrize("status", [401, 500, 503])
def test_a_mis_that_does_not_answer_is_a_fault(fer: Fer, status: int) -> None:
    fer.mis.down = status
    with pytest.raises(Fault, match="FER03") as raised:
        fer.schedule()
    assert raised.value.code == "soap:Server"


def test_a_period_that_is_too_long_is_a_fault_of_the_caller(fer: Fer) -> None:
    with pytest.raises(Fault, match="FER02: End_Date_Range") as raised:
        fer.schedule(last="2028-03-02")
    assert raised.value.code == "soap:Client"
