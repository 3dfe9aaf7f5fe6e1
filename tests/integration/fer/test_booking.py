"""Booking and cancelling: a slot is never booked twice, whatever breaks off."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from zeep.exceptions import Fault

from tests.integration.fer.conftest import Fer


def booked(fer: Fer, slot: str) -> list[dict[str, Any]]:
    """Appointments of a slot that stand."""
    found = fer.mis.all("Appointment")
    return [one for one in found if one["slot"] == [{"reference": f"Slot/{slot}"}] and one["status"] == "booked"]


def test_a_booking(fer: Fer) -> None:
    fer.session()
    answer = fer.book("doctor-1-0")
    assert (answer.Status_Code, answer.VisitTime.isoformat()) == ("SUCCESS", "2027-03-01T09:00:00")
    (made,) = booked(fer, "doctor-1-0")
    assert made["identifier"] == [{"system": "urn:egisz-adapter:fer:booking", "value": answer.Book_Id_Mis}]
    actors = [one["actor"]["reference"] for one in made["participant"]]
    assert actors == ["Patient/patient-1", "PractitionerRole/doctor-therapist", "Location/room-12"]
    assert fer.mis.get("Slot", "doctor-1-0")["status"] == "busy"
    assert "doctor-1-0" not in fer.schedule()


def test_the_same_request_again_is_the_same_booking(fer: Fer) -> None:
    fer.session()
    assert fer.book("doctor-1-0") == fer.book("doctor-1-0")
    assert len(booked(fer, "doctor-1-0")) == 1


def test_a_slot_of_somebody_else_is_busy(fer: Fer) -> None:
    fer.session("S1")
    fer.book("doctor-1-0", "S1")
    fer.session("S2")
    answer = fer.book("doctor-1-0", "S2")
    assert (answer.Status_Code, answer.Book_Id_Mis) == ("SLOT_IS_BUSY", None)
    assert fer.book("doctor-1-1", "S2").Status_Code == "SLOT_IS_BUSY"
    assert len(booked(fer, "doctor-1-0")) == 1


def test_of_many_at_once_one_gets_the_slot(fer: Fer) -> None:
    sessions = [f"race-{number}" for number in range(8)]
    for session in sessions:
        fer.session(session)
    together = threading.Barrier(len(sessions))

    def race(session: str) -> str:
        together.wait()
        return str(fer.book("doctor-2-0", session).Status_Code)

    with ThreadPoolExecutor(len(sessions)) as pool:
        answers = sorted(pool.map(race, sessions))
    assert answers == ["SLOT_IS_BUSY"] * (len(sessions) - 1) + ["SUCCESS"]
    assert len(booked(fer, "doctor-2-0")) == 1


@pytest.mark.parametrize("lost", ["PUT Slot", "POST Appointment"])
def test_an_answer_that_is_lost_books_once(fer: Fer, lost: str) -> None:
    fer.session()
    fer.mis.lost.append(lost)
    assert fer.book("doctor-2-1").Status_Code == "SUCCESS"
    assert len(booked(fer, "doctor-2-1")) == 1


def test_a_booking_that_broke_off_is_finished_by_whoever_began_it(fer: Fer) -> None:
    fer.session("S1")
    fer.session("S2")
    # Nobody answers once the slot is claimed.
    fer.mis.down_after = "PUT Slot"
    with pytest.raises(Fault, match="FER03"):
        fer.book("doctor-2-2", "S1")
    fer.mis.down, fer.mis.down_after = 0, ""
    assert booked(fer, "doctor-2-2") == []
    assert fer.book("doctor-2-2", "S2").Status_Code == "SLOT_IS_BUSY"
    assert fer.book("doctor-2-2", "S1").Status_Code == "SUCCESS"
    assert len(booked(fer, "doctor-2-2")) == 1


def test_a_slot_is_free_again_where_the_appointment_is_refused(fer: Fer) -> None:
    fer.session()
    before = fer.mis.get("Slot", "doctor-2-2")
    fer.mis.refused.append("POST Appointment")
    with pytest.raises(Fault, match="FER03"):
        fer.book("doctor-2-2")
    after = fer.mis.get("Slot", "doctor-2-2")
    assert {**after, "meta": None} == {**before, "meta": None}


def test_a_server_without_versions_books_nothing(fer: Fer) -> None:
    fer.session()
    fer.mis.versions = False
    with pytest.raises(Fault, match="FER03"):
        fer.book("doctor-2-2")
    assert fer.mis.all("Appointment") == []


def test_who_has_no_session_books_nothing(fer: Fer) -> None:
    assert fer.book("doctor-1-0", "never").Status_Code == "SESSION_NOT_FOUND"
    fer.session("old")
    fer.api.clock.pass_by(3601)
    assert fer.book("doctor-1-0", "old").Status_Code == "SESSION_NOT_FOUND"
    assert fer.mis.all("Appointment") == []


@pytest.mark.parametrize("slot", ["none", "../Patient/patient-1", "a b", "x" * 65])
def test_a_slot_that_is_not_there(fer: Fer, slot: str) -> None:
    fer.session()
    assert fer.book(slot).Status_Code == "SLOT_NOT_FOUND"


def test_a_slot_of_another_organisation_is_not_offered(fer: Fer) -> None:
    fer.mis.put({"resourceType": "Organization", "id": "other", "name": "Другая", "identifier": []})
    role = fer.mis.get("PractitionerRole", "doctor-therapist")
    fer.mis.put({**role, "organization": {"reference": "Organization/other"}})
    fer.session()
    assert fer.book("doctor-1-0").Status_Code == "SLOT_NOT_FOUND"


def test_a_slot_that_has_passed(fer: Fer) -> None:
    fer.api.clock.pass_by(5 * 86400)
    fer.session()
    assert fer.book("doctor-1-0").Status_Code == "SLOT_IS_PAST"


def test_cancelled_it_is_free_for_all_and_may_be_booked_again(fer: Fer) -> None:
    fer.session("S1")
    first = fer.book("doctor-1-0", "S1").Book_Id_Mis
    assert fer.soap.CancelAppointment(Book_Id_Mis=first).Status_Code == "SUCCESS"
    assert booked(fer, "doctor-1-0") == []
    assert "doctor-1-0" in fer.schedule()
    # Once more changes nothing.
    assert fer.soap.CancelAppointment(Book_Id_Mis=first).Status_Code == "SUCCESS"
    again = fer.book("doctor-1-0", "S1")
    assert again.Status_Code == "SUCCESS"
    assert again.Book_Id_Mis != first
    # The first number cancels its own booking alone.
    fer.soap.CancelAppointment(Book_Id_Mis=first)
    assert len(booked(fer, "doctor-1-0")) == 1


def test_a_cancelling_that_broke_off_is_finished(fer: Fer) -> None:
    fer.session()
    number = fer.book("doctor-1-0").Book_Id_Mis
    fer.mis.down_after = "PUT Appointment"
    with pytest.raises(Fault, match="FER03"):
        fer.soap.CancelAppointment(Book_Id_Mis=number)
    fer.mis.down, fer.mis.down_after = 0, ""
    assert fer.mis.get("Slot", "doctor-1-0")["status"] == "busy"
    assert fer.soap.CancelAppointment(Book_Id_Mis=number).Status_Code == "SUCCESS"
    assert fer.mis.get("Slot", "doctor-1-0")["status"] == "free"


def test_nothing_but_bookings_of_ours_is_cancelled(fer: Fer) -> None:
    fer.mis.put({"resourceType": "Appointment", "id": "theirs", "status": "booked", "slot": [], "participant": []})
    assert fer.soap.CancelAppointment(Book_Id_Mis="theirs").Status_Code == "BOOKING_NOT_FOUND"
    assert fer.mis.get("Appointment", "theirs")["status"] == "booked"


def test_a_visit_that_took_place_is_not_cancelled(fer: Fer) -> None:
    fer.session()
    number = fer.book("doctor-1-0").Book_Id_Mis
    (made,) = booked(fer, "doctor-1-0")
    fer.mis.put({**made, "status": "fulfilled"})
    assert fer.soap.CancelAppointment(Book_Id_Mis=number).Status_Code == "BOOKING_IS_OVER"


def test_every_access_to_a_patient_is_in_the_audit_and_nothing_of_him(fer: Fer) -> None:
    before = len(_audit(fer))
    fer.session()
    fer.soap.CancelAppointment(Book_Id_Mis=fer.book("doctor-1-0").Book_Id_Mis)
    fer.schedule()
    rows = _audit(fer)[before:]
    assert [row.partition('"action":"')[2][0] for row in rows] == ["R", "C", "U"]
    assert len({row.partition('"entity":"')[2] for row in rows}) == 1
    assert all('"agent":"fer"' in row and "patient-1" not in row for row in rows)


def _audit(fer: Fer) -> list[str]:
    async def rows() -> list[str]:
        async with fer.api.service.journal.database.connection() as connection:
            found = await connection.fetch("select event from egisz.audit order by seq")
        return [row["event"].replace(" ", "") for row in found]

    found: list[str] = fer.api.wait(rows)
    return found
