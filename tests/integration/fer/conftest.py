"""The service in front of a FHIR server, called as ФЭР calls it: by a zeep client over our WSDL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zeep
from fastapi.testclient import TestClient
from lxml import etree
from zeep.transports import Transport

from tests.fhir_server import TOKEN, FhirServer, running
from tests.fixtures import database_url, server
from tests.integration.api.conftest import OURS, Api, Clock, application

__all__ = ["database_url", "server"]

ROOT = Path(__file__).parents[3]
WSDL = ROOT / "mappings" / "registers" / "schemas" / "fer" / "fer.wsdl"
SNILS = "11223344595"
#: Before every slot of the example.
NOW = datetime(2027, 2, 25, 8, tzinfo=UTC)
PATIENT = {
    "SNILS": SNILS,
    "OMS_Number": "7849500830000203",
    "Last_Name": "ТЕСТОВ",
    "First_Name": "Тест",
    "Middle_Name": "Тестович",
    "Birth_Date": "1980-01-02",
    "Sex": "M",
}


class _InProcess(Transport):
    """Posts to the application."""

    def __init__(self, http: TestClient) -> None:
        super().__init__()
        self._http = http

    def post(self, address: str, message: Any, headers: dict[str, str]) -> Any:
        return self._http.post(f"/fer/{OURS}", content=message, headers=headers)

    def post_xml(self, address: str, envelope: Any, headers: dict[str, str]) -> Any:
        return self.post(address, etree.tostring(envelope), headers)


@dataclass(slots=True)
class Fer:
    """ФЭР, the service and the МИС."""

    api: Api
    mis: FhirServer
    soap: Any

    def post(self, body: str | bytes, **headers: str) -> Any:
        """An envelope as it is."""
        data = body.encode() if isinstance(body, str) else body
        given = {"Content-Type": "text/xml; charset=utf-8", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return self.api.http.post(f"/fer/{OURS}", content=data, headers=given)

    def session(self, session: str = "S1", **changed: str) -> Any:
        return self.soap.GetPatientInfo(Session_ID=session, Patient_Data={**PATIENT, **changed}, Pass_referral=False)

    def schedule(
        self, snils: str = SNILS, post: str = "109", first: str = "2027-03-01", last: str = "2027-03-02"
    ) -> list[str]:
        """Ids of the free slots."""
        answer = self.soap.GetScheduleInfo(
            Session_ID="S1",
            Specialist_SNILS=snils,
            MO_OID=OURS,
            Service_Post={"Post": [{"Post_Id": post}]} if post else None,
            Start_Date_Range=first,
            End_Date_Range=last,
            Start_Time_Range="00:00:00",
            End_Time_Range="23:59:00",
        )
        return [slot.Slot_Id for slot in (answer.Slots.Slot if answer.Slots else [])]

    def book(self, slot: str, session: str = "S1") -> Any:
        return self.soap.CreateAppointment(Session_ID=session, Slot_Id=slot)


def organisation_file(base: str, token: Path, more: str = "") -> str:
    """The file of our organisation."""
    plain = (ROOT / "mappings" / "organisation.yaml").read_text("utf-8")
    return f'{plain}\nfer:\n  fhir: {{url: "{base}", token: {{file: "{token}"}}}}\n{more}'


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Fer]:
    home = tmp_path_factory.mktemp("fer")
    with running(FhirServer()) as mis:
        (home / "organisations").mkdir()
        (home / "token").write_text(TOKEN + "\n")
        (home / "organisations" / f"{OURS}.yaml").write_text(organisation_file(mis.base, home / "token"), "utf-8")
        clock = Clock(NOW)
        app = application(home, database_url, clock)
        with TestClient(app, base_url="https://clinic.example", client=("127.0.0.1", 50000)) as http:
            soap = zeep.Client(str(WSDL), service_name="Registry", transport=_InProcess(http)).service
            yield Fer(Api(http, clock, app.state.service), mis, soap)


@pytest.fixture
def fer(started: Fer) -> Fer:
    """The МИС as the example has it."""
    mis, base = started.mis, started.mis.base
    fresh = FhirServer()
    for name in FhirServer.__slots__:
        setattr(mis, name, getattr(fresh, name))
    mis.base = base
    bundle = json.loads((ROOT / "examples" / "fer" / "timetable-r4.json").read_text("utf-8"))
    for entry in bundle["entry"]:
        mis.put(entry["resource"])
    started.api.clock.now = NOW
    return started
