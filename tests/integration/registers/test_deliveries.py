"""Messages of the examples delivered to the registers of the stand over real HTTP, and by the command."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.errors import TransportFailed, UsageError
from adapter.fhir import read
from adapter.registers.contacts import Contacts, read_contacts
from adapter.registers.delivery import RegisterDelivery
from adapter.registers.messages import Message
from adapter.registers.sending import Sender, Sent
from adapter.registers.services import Services
from adapter.signing.certificate import read_certificate
from adapter.signing.local import RsaSigner
from adapter.signing.testkeys import Subject, make_pair
from adapter.stand.app import Options, create_stand
from adapter.transport.errors import ErrorClass
from adapter.transport.http import AioHttp
from tests.converters import fill, make
from tests.integration.stand.conftest import bound, running

pytestmark = [pytest.mark.packs, pytest.mark.books]

EXAMPLES = Path(__file__).parents[3] / "examples"
SERVICES = Services.load(Catalogue())
SECRET = "d0c0ffee-guid"


@dataclass
class Clinic:
    """A sender and a stand.

    Attributes:
        address: of the registers of the stand.
    """

    converter: Converter
    delivery: RegisterDelivery
    http: AioHttp
    address: str

    async def send(self, example: str, *products: str) -> list[Sent]:
        (reading,) = read((EXAMPLES / f"{example}.json").read_bytes())

        def made(product: str, known: Mapping[str, str]) -> Sequence[Message]:
            return self.converter.convert(reading, products=(product,), records=known).messages

        sender = Sender(made, self.delivery, SERVICES, self.converter.organisation.oid)
        return [one async for one in sender.send(products)]

    async def faults(self, *written: str) -> None:
        answer = await self.http.request(
            "PUT",
            self.address.removesuffix("registers") + "admin/faults",
            json.dumps(written).encode(),
            {"Content-Type": "application/json"},
        )
        assert answer.status in {200, 204}

    async def received(self, service: str) -> list[dict[str, Any]]:
        url = self.address.removesuffix("registers") + f"admin/registers/{service}"
        found = json.loads((await self.http.request("GET", url, None, {})).body)
        return list(found["received"])


def services(address: str) -> str:
    return (
        "services:\n"
        f"  vaccination-register: {{url: '{address}/vaccination-register', jwt: {{system: s-1}}}}\n"
        f"  vzn: {{url: '{address}/vzn'}}\n"
        f"  n3: {{urls: {{pix: '{address}/n3/PixService.svc', emk: '{address}/n3/EMKService.svc'}},"
        " guid: {file: guid}}\n"
        f"  frmr: {{url: '{address}/frmr', jwt: {{system: s-1}}}}\n"
        f"  frmo: {{url: '{address}/frmo', jwt: {{system: s-1}}}}\n"
    )


def contacts(folder: Path, address: str) -> Contacts:
    path = folder / "organisation.yaml"
    path.write_text(services(address), "utf-8")
    (folder / "guid").write_text(SECRET + "\n", "utf-8")
    return read_contacts(path, SERVICES)


@asynccontextmanager
async def clinic(converter: Converter, folder: Path) -> AsyncIterator[Clinic]:
    make_pair(folder, "system", Subject("МИС", ogrn="1027700000008"), "rsa")
    signer = RsaSigner(read_certificate(folder / "system.crt"), folder / "system.key", b"")
    sock = bound()
    address = f"http://127.0.0.1:{sock.getsockname()[1]}"
    async with AioHttp(timeout=2) as http, running(create_stand(Options(address=address, validate=False)), sock):
        there = contacts(folder, f"{address}/registers")
        delivery = RegisterDelivery(SERVICES, lambda _: there, http, lambda: signer)
        yield Clinic(converter, delivery, http, f"{address}/registers")


Story = Callable[[Clinic], Awaitable[None]]


@pytest.fixture
def told(converter: Converter, tmp_path: Path) -> Callable[[Story], None]:
    """Run a story with a clinic."""

    def run(story: Story) -> None:
        async def whole() -> None:
            async with clinic(converter, tmp_path) as there:
                await story(there)

        asyncio.run(whole())

    return run


@pytest.fixture(scope="module")
def converter(tmp_path_factory: pytest.TempPathFactory, packs_source: Path, nsi_source: Path) -> Converter:
    home = tmp_path_factory.mktemp("converter")
    fill(home, packs_source, nsi_source)
    return make(home)


VACCINATION = "registers/vaccination-r4-stages"


def test_a_record_its_number_and_what_is_told_of_it(told: Callable[[Story], None]) -> None:
    async def story(there: Clinic) -> None:
        record, person = await there.send(VACCINATION, "vaccination-record-person", "vaccination-record")
        assert (record.message.operation, record.ok) == ("create", True)
        assert (person.message.operation, person.ok) == ("update-person", True)
        assert record.number == person.number
        assert record.number is not None
        assert len(record.number) == 16
        calls = [(one["method"], one["path"]) for one in await there.received("vaccination-register")]
        assert calls == [("POST", "record"), ("PUT", f"record/{record.number}/person")]

    told(story)


def test_what_needs_a_number_is_not_sent_without_one(told: Callable[[Story], None]) -> None:
    async def story(there: Clinic) -> None:
        (person,) = await there.send(VACCINATION, "vaccination-record-person")
        assert (person.ok, person.delivered) == (False, None)
        assert person.problem is not None
        assert await there.received("vaccination-register") == []

    told(story)


def test_a_record_that_is_there_is_changed(told: Callable[[Story], None]) -> None:
    async def story(there: Clinic) -> None:
        (first,) = await there.send(VACCINATION, "vaccination-record")
        (again,) = await there.send(VACCINATION, "vaccination-record")
        assert (again.message.operation, again.ok, again.number) == ("update", True, first.number)
        calls = [(one["method"], one["path"]) for one in await there.received("vaccination-register")]
        assert calls[1:] == [("POST", "record"), ("PUT", f"record/{first.number}/reg")]

    told(story)


@pytest.mark.parametrize("fault", ["lost", "timeout=9", "malformed=html", "malformed=cut", "malformed=empty"])
def test_an_answer_that_was_lost_is_found_again(told: Callable[[Story], None], fault: str) -> None:
    async def story(there: Clinic) -> None:
        await there.faults(f"vaccination-register:{fault}*1")
        (lost,) = await there.send(VACCINATION, "vaccination-record")
        assert not lost.ok
        if lost.delivered is not None:
            assert lost.delivered.verdict is not None
            assert lost.delivered.verdict.error_class is ErrorClass.TRANSPORT
        (found,) = await there.send(VACCINATION, "vaccination-record")
        assert found.ok
        assert found.number is not None

    told(story)


def test_a_patient_and_a_case_twice(told: Callable[[Story], None]) -> None:
    async def story(there: Clinic) -> None:
        products = ("iemk-case", "iemk-patient")
        first = await there.send("registers/case-r4-outpatient", *products)
        assert [(one.message.operation, one.ok) for one in first] == [("AddPatient", True), ("AddCase", True)]
        again = await there.send("registers/case-r4-outpatient", *products)
        assert [(one.message.operation, one.ok) for one in again] == [("UpdatePatient", True), ("UpdateCase", True)]
        received = await there.received("n3")
        assert all(SECRET in one["body"] for one in received)
        for one in (*first, *again):
            assert one.delivered is not None
            assert SECRET.encode() not in one.delivered.request

    told(story)


def test_a_case_without_its_patient_is_refused(told: Callable[[Story], None]) -> None:
    async def story(there: Clinic) -> None:
        (case,) = await there.send("registers/case-r4-outpatient", "iemk-case")
        assert case.delivered is not None
        assert case.delivered.verdict is not None
        assert (case.ok, case.delivered.verdict.codes) == (False, ("n3:5",))

    told(story)


def test_the_register_of_nosologies(told: Callable[[Story], None]) -> None:
    async def story(there: Clinic) -> None:
        products = ("vzn-patient", "vzn-record")
        first = await there.send("registers/vzn-r4-inclusion", *products)
        assert [(one.message.operation, one.ok) for one in first] == [("patient", True), ("createVzn", True)]
        again = await there.send("registers/vzn-r4-inclusion", *products)
        assert (again[1].message.operation, again[1].number) == ("updateVzn", first[1].number)
        assert again[1].ok

    told(story)


def test_a_worker_is_looked_for_before_he_is_made(told: Callable[[Story], None]) -> None:
    async def story(there: Clinic) -> None:
        (made,) = await there.send("registers/worker-r4-new", "frmr-person")
        (again,) = await there.send("registers/worker-r4-new", "frmr-person")
        assert (made.message.operation, made.ok) == ("POST person", True)
        assert (again.message.operation, again.ok, again.number) == ("PUT person", True, made.number)
        methods = [one["method"] for one in await there.received("frmr")]
        # Asked before, made, his number asked for; then found, changed, asked for.
        assert methods == ["GET", "POST", "GET", "GET", "PUT", "GET"]

    told(story)


def test_a_department_gets_its_oid(told: Callable[[Story], None]) -> None:
    async def story(there: Clinic) -> None:
        sent = await there.send("registers/organization-r4", "frmo-depart")
        made = [one for one in sent if one.message.operation == "POST org/depart"]
        assert [one.ok for one in made] == [True]
        assert made[0].number is not None
        assert made[0].number.startswith(there.converter.organisation.oid + ".0.")

    told(story)


def test_nobody_there_and_no_address(converter: Converter, tmp_path: Path) -> None:
    async def story() -> None:
        free = bound()
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        free.close()
        async with AioHttp(timeout=2) as http:
            for there, expected in (
                (contacts(tmp_path, address), TransportFailed),
                (Contacts({}, tmp_path), UsageError),
            ):
                delivery = RegisterDelivery(SERVICES, lambda _, one=there: one, http)  # type: ignore[misc]
                (sent,) = await Clinic(converter, delivery, http, "").send("registers/vzn-r4-inclusion", "vzn-patient")
                assert (sent.ok, sent.delivered) == (False, None)
                assert sent.problem is not None
                assert (expected is TransportFailed) == ("нет ответа" in sent.problem.ru)

    asyncio.run(story())


def test_files_are_laid_down(converter: Converter, tmp_path: Path) -> None:
    (tmp_path / "organisation.yaml").write_text("services: {vzn: {folder: out}}\n", "utf-8")
    there = read_contacts(tmp_path / "organisation.yaml", SERVICES)

    async def story() -> None:
        async with AioHttp() as http:
            delivery = RegisterDelivery(SERVICES, lambda _: there, http)
            (sent,) = await Clinic(converter, delivery, http, "").send("registers/vzn-r4-inclusion", "vzn-record")
            assert sent.ok
            assert (tmp_path / "out" / sent.message.name).read_bytes() == sent.message.data

    asyncio.run(story())
