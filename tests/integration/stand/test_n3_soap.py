"""N3 of the stand as a client of others sees it: zeep over the WSDL that the stand gives, SOAP over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from zeep import Client
from zeep.exceptions import Fault

from adapter.stand.app import Options, create_stand
from adapter.xml import parse
from tests.integration.stand.conftest import run, running

GOLDEN = Path(__file__).parents[2] / "golden" / "n3"
LPU = "1.2.643.5.1.13.13.12.2.77.99999"
OUTPATIENT = {"idLpu": LPU, "idPatientMis": "P-9601", "idCaseMis": "E-9601"}
COMMON = "{http://schemas.datacontract.org/2004/07/N3.EMK.Dto.Common}"
GUID = "00000000-0000-4000-8000-000000000099"


@dataclass(frozen=True)
class Soap:
    """A client of both services, made of what they say of themselves."""

    address: str

    @cached_property
    def pix(self) -> Any:
        return Client(f"{self.address}registers/n3/PixService.svc?singleWsdl")

    @cached_property
    def emk(self) -> Any:
        return Client(f"{self.address}registers/n3/EMKService.svc?wsdl")

    def call(self, operation: str, *, guid: str = GUID, **values: Any) -> Any:
        client = self.pix if operation.endswith("Patient") else self.emk
        return client.service[operation](guid=guid, **values)

    def values(self, name: str, changes: Callable[[Any], None] | None = None) -> dict[str, Any]:
        """What a golden message says, as zeep reads it by the WSDL of the stand: what an operation takes."""
        (path,) = GOLDEN.glob(f"{name}*.xml")
        root = parse(path.read_bytes()).getroot()
        if changes is not None:
            changes(root)
        client = self.pix if path.name.startswith("iemk-patient") else self.emk
        read = client.get_element(str(root.tag)).parse(root, client.wsdl.types)
        return {part: read[part] for part in read if part != "guid"}

    def refused(self, operation: str, **values: Any) -> tuple[int, str]:
        """Code and field of the fault that a call meets."""
        with pytest.raises(Fault) as caught:
            self.call(operation, **values)
        detail = caught.value.detail
        assert detail is not None
        told = list(detail.iter(f"{COMMON}RequestFault"))
        assert told[0].findtext(f"{COMMON}Message") == "Поле содержит ошибки"
        # The fault is the one that the WSDL has.
        client = self.emk
        assert client.get_element(f"{COMMON}RequestFault").parse(told[0], client.wsdl.types)["Errors"]
        return int(told[-1].findtext(f"{COMMON}ErrorCode") or 0), told[-1].findtext(f"{COMMON}PropertyName") or ""


def with_client(work: Callable[[Soap], None], **options: Any) -> None:
    async def serve() -> None:
        async with running(create_stand(Options(validate=False, **options))) as address:
            await asyncio.to_thread(work, Soap(address))

    run(serve())


def test_a_closed_case_and_all_that_is_told_of_it() -> None:
    def work(soap: Soap) -> None:
        case = soap.values("case-r4-outpatient/iemk-case")
        assert soap.refused("AddCase", **case) == (5, "IdPatientMis")
        patient = soap.values("case-r4-outpatient/iemk-patient")
        assert soap.refused("UpdatePatient", **patient) == (5, "IdPatientMIS")
        assert soap.call("AddPatient", **patient) is None
        assert soap.refused("AddPatient", **patient) == (23, "IdPatientMIS")
        assert soap.call("UpdatePatient", **patient) is None
        record = soap.values("case-r4-outpatient/iemk-vaccination")
        assert soap.refused("AddMedRecord", **record) == (6, "IdCaseMis")
        assert soap.call("AddCase", **case) is None
        assert soap.refused("AddCase", **case) == (31, "IdCaseMis")
        assert soap.refused("CloseCase", **case) == (7, "IdCaseMis")
        assert soap.call("UpdateCase", **case) is None
        for product in ("vaccination", "reaction", "exemption", "plan"):
            assert soap.call("AddMedRecord", **soap.values(f"case-r4-outpatient/iemk-{product}")) is None
        assert soap.call("CancelCase", **OUTPATIENT) is None
        assert soap.refused("CancelCase", **OUTPATIENT) == (6, "IdCaseMis")

    with_client(work)


def test_a_case_that_goes_on() -> None:
    def work(soap: Soap) -> None:
        soap.call("AddPatient", **soap.values("case-r4-stay/iemk-patient"))
        case = soap.values("case-r4-stay/iemk-case", one_step)["caseDto"]
        first, second = (soap.values(f"case-r4-stay/iemk-step_M-9602-{number}") for number in (1, 2))
        assert soap.refused("AddStepToCase", **first) == (6, "IdCaseMis")
        assert soap.call("CreateCase", createCaseDto=case) is None
        assert soap.refused("CreateCase", createCaseDto=case) == (31, "IdCaseMis")
        assert soap.refused("UpdateCase", caseDto=case) == (8, "IdCaseMis")
        assert soap.refused("AddStepToCase", **first) == (31, "IdStepMis")
        assert soap.call("AddStepToCase", **second) is None
        assert soap.call("CloseCase", caseDto=case) is None
        assert soap.refused("AddStepToCase", **second) == (7, "IdCaseMis")

    with_client(work)


def one_step(root: Any) -> None:
    """The case without its second step."""
    (steps,) = root.iter("{*}Steps")
    steps.remove(steps[1])


def test_what_is_wrong_is_named() -> None:
    def work(soap: Soap) -> None:
        patient = soap.values("case-r4-outpatient/iemk-patient")
        assert soap.refused("AddPatient", **patient, guid="") == (1, "guid")
        patient["patient"].Sex = None
        assert soap.refused("AddPatient", **patient) == (2, "Sex")
        patient["patient"].Sex = 300
        assert soap.refused("AddPatient", **patient) == (99, "AddPatient")
        assert soap.refused("AddCase") == (2, "AddCase")

    with_client(work)


def test_an_operation_that_is_not_played() -> None:
    def work(soap: Soap) -> None:
        with pytest.raises(Fault, match="ActionNotSupported"):
            soap.pix.service.GetVersion()

    with_client(work)


def test_an_answer_that_was_lost_is_made_good_by_the_duplicate() -> None:
    def work(soap: Soap) -> None:
        patient, _ = soap.values("case-r4-outpatient/iemk-patient"), soap.emk
        # The WSDL is there: what goes wrong is the next call alone.
        put_faults(soap, "n3:error=500*1")
        with pytest.raises(Fault, match="on demand"):
            soap.call("AddPatient", **patient)
        put_faults(soap, "n3:lost=503*1")
        # What comes instead is a page, and no fault of SOAP.
        with pytest.raises(Fault, match="Unknown"):
            soap.call("AddPatient", **patient)
        assert soap.refused("AddPatient", **patient) == (23, "IdPatientMIS")

    with_client(work)


def put_faults(soap: Soap, *faults: str) -> None:
    assert httpx.put(f"{soap.address}admin/faults", json=list(faults)).status_code == 200
