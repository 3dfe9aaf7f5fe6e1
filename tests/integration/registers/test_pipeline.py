"""Register messages through the journal to the registers of the stand, over real HTTP, with the real maps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.errors import UsageError
from adapter.facts import II
from adapter.organisation import Organisations
from adapter.pipeline import ProductRow, State, making
from adapter.pipeline.ports import Made, MadeMessage, Numbers
from adapter.pipeline.retry import Backoff
from adapter.pipeline.stages import Ports, Stages
from adapter.pipeline.webhooks import Webhooks
from adapter.registers.contacts import contacts_of
from adapter.registers.delivery import RegisterDelivery
from adapter.settings import Settings
from adapter.signing.certificate import read_certificate
from adapter.signing.local import RsaSigner
from tests.converters import fill, make
from tests.integration.registers.test_deliveries import EXAMPLES, SECRET, SERVICES, Clinic, clinic, services
from tests.unit.pipeline.doubles import ORGANISATION, Bench, documents, opened, send

pytestmark = [pytest.mark.packs, pytest.mark.books]

DIRECT = {"vaccination-register": "on", "vaccination-register-complication": "on"}
N3 = {"iemk-patient": "on", "iemk-case": "on"}
REGISTERS = {"vzn": "on", "vzn-patient": "on", "frmr-person": "on", "frmr-card": "on"}


class Maker:
    """Converts in this process, for the organisation whose file is in a folder."""

    async def make(
        self, data: bytes, *, fhir_version: str, organisation: str, versions: Mapping[II, int] | None = None
    ) -> Made:
        return making.make(data, fhir_version, organisation, versions or {})

    async def messages(
        self, data: bytes, *, fhir_version: str, organisation: str, numbers: Numbers
    ) -> tuple[MadeMessage, ...]:
        return making.make_messages(data, fhir_version, organisation, numbers)


class Registering(Bench):
    """A bench with the real maps and deliveries, and a stand.

    Attributes:
        folder: of the files of organisations.
    """

    there: Clinic
    folder: Path

    def routes(self, routes: Mapping[str, str], address: str = "") -> None:
        """Write the organisation's file: which messages it sends, and where the services are."""
        text = Catalogue().file("mappings/organisation.yaml").read_text("utf-8").replace("routes: {}", "")
        written = "\n".join(f"  {name}: {value}" for name, value in routes.items())
        file = self.folder / f"{ORGANISATION}.yaml"
        file.write_text(f"{text}\nroutes:\n{written}\n{services(address or self.there.address)}", "utf-8")
        (self.folder / "guid").write_text(SECRET + "\n", "utf-8")

    async def taken(self, example: str, **changes: str) -> dict[str, ProductRow]:
        """Send an example, with words of it changed, and work; its messages by product."""
        data = (EXAMPLES / "registers" / f"{example}.json").read_text("utf-8")
        for old, new in changes.items():
            assert old in data
            data = data.replace(old, new)
        accepted = await send(self.journal, data.encode())
        await self.work("convert", "sign", "send")
        return {one.kind: one for one in await documents(self.journal, accepted) if one.message_key is not None}

    async def calls(self, service: str) -> list[str]:
        return [f"{one['method']} {one['path']}".strip() for one in await self.there.received(service)]

    async def operations(self) -> list[str]:
        """What the journal has sent, in order."""
        async with self.journal.database.connection() as connection:
            rows = await connection.fetch("select operation from egisz.message where direction = 'out' order by id")
        return [row["operation"] for row in rows if row["operation"] != "registerDocument"]


@asynccontextmanager
async def registering(
    service: Settings, converter: Converter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Registering]:
    def of(organisation: str) -> Converter:
        return converter.sent_by(Organisations(Catalogue(), folder).find(organisation))

    monkeypatch.setattr(making, "converter_of", of)
    async with clinic(converter, folder) as there, opened(service) as journal:
        bench = Registering(journal, there_now())
        bench.journal.clock = bench.clock
        bench.there, bench.folder = there, folder
        signer = RsaSigner(read_certificate(folder / "system.crt"), folder / "system.key", b"")
        delivery = RegisterDelivery(
            SERVICES, lambda oid: contacts_of(Catalogue(), SERVICES, folder, oid), there.http, lambda: signer
        )
        hooks = Webhooks(journal, bench.hooks)
        bench.stages = Stages(
            journal,
            Ports(Maker(), bench.signer, bench.registry, SERVICES, delivery, hooks),
            backoff=Backoff(jitter=lambda: 1.0),
            answer_within=timedelta(hours=24),
        )
        yield bench


def there_now() -> Any:
    """A clock of the day that it is for the stand, which looks at tokens."""
    from tests.unit.pipeline.doubles import Clock

    clock = Clock()
    clock.now = datetime.now(UTC)
    return clock


@pytest.fixture(scope="module")
def converter(tmp_path_factory: pytest.TempPathFactory, packs_source: Path, nsi_source: Path) -> Converter:
    home = tmp_path_factory.mktemp("converter")
    fill(home, packs_source, nsi_source)
    return make(home)


Story = Callable[[Registering], Awaitable[None]]


@pytest.fixture
def told(
    service: Settings, converter: Converter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Story], None]:
    """Run a story."""

    def run(story: Story) -> None:
        async def whole() -> None:
            async with registering(service, converter, tmp_path, monkeypatch) as bench:
                await story(bench)

        asyncio.run(whole())

    return run


def test_a_complication_is_sent_under_the_number_of_its_record(told: Callable[[Story], None]) -> None:
    async def story(bench: Registering) -> None:
        bench.routes(DIRECT)
        found = await bench.taken("vaccination-r4-stages")
        record, complication = found["vaccination-record"], found["vaccination-record-complication"]
        assert (record.state, complication.state) == (State.REGISTERED, State.REGISTERED), complication.findings
        assert record.unrz is not None and len(record.unrz) == 16
        assert await bench.calls("vaccination-register") == ["POST record", f"POST record/{record.unrz}/complication"]

    told(story)


@pytest.mark.parametrize(
    ("fault", "operations"),
    [
        # The record is there, and the second time says so; or it never came.
        ("lost", ["create", "create", "update", "complication"]),
        ("malformed=html", ["create", "create", "update", "complication"]),
        ("timeout=9", ["create", "create", "complication"]),
        ("error=500", ["create", "create", "complication"]),
    ],
)
def test_a_record_whose_answer_did_not_come(told: Callable[[Story], None], fault: str, operations: list[str]) -> None:
    async def story(bench: Registering) -> None:
        bench.routes(DIRECT)
        await bench.there.faults(f"vaccination-register:{fault}*1")
        found = await bench.taken("vaccination-r4-stages")
        assert found["vaccination-record"].state in (State.SENT, State.SIGNED)
        assert found["vaccination-record-complication"].state is State.CHECKED
        await bench.forward(seconds=10)
        await bench.work("sign", "send")
        record = await bench.journal.product(found["vaccination-record"].id)
        assert record is not None and record.state is State.REGISTERED and record.unrz
        assert await bench.operations() == operations

    told(story)


def test_a_changed_bundle_changes_the_record(told: Callable[[Story], None]) -> None:
    async def story(bench: Registering) -> None:
        bench.routes(DIRECT)
        first = (await bench.taken("vaccination-r4-stages"))["vaccination-record"]
        again = (await bench.taken("vaccination-r4-stages"))["vaccination-record"]
        assert again.id == first.id
        changed = (await bench.taken("vaccination-r4-stages", **{"36.6": "36.9"}))["vaccination-record"]
        assert (changed.state, changed.unrz, changed.predecessor) == (State.REGISTERED, first.unrz, first.id)
        assert await bench.operations() == ["create", "complication", "update"]

    told(story)


def test_a_case_after_its_patient_and_then_what_changed(told: Callable[[Story], None]) -> None:
    async def story(bench: Registering) -> None:
        bench.routes(N3)
        found = await bench.taken("case-r4-outpatient")
        assert {one.state for one in found.values()} == {State.REGISTERED}, [one.error for one in found.values()]
        assert await bench.operations() == ["AddPatient", "AddCase"]
        await bench.taken("case-r4-outpatient")
        assert await bench.operations() == ["AddPatient", "AddCase"]

    told(story)


def test_an_organisation_that_moves_to_another_operator_begins_anew(told: Callable[[Story], None]) -> None:
    """Another N3 does not have what one was sent; that of the stand says that it has, and is told of a change."""

    async def story(bench: Registering) -> None:
        bench.routes({"iemk-patient": "on"})
        before = (await bench.taken("case-r4-outpatient"))["iemk-patient"]
        file = bench.folder / f"{ORGANISATION}.yaml"
        file.write_text(file.read_text("utf-8").replace("n3: {urls", "n3: {register: of-the-operator, urls"), "utf-8")
        # Another Bundle of the same patient: the one that was accepted is not converted again by itself.
        after = (await bench.taken("case-r4-outpatient", **{"Обострение бронхита": "Бронхит"}))["iemk-patient"]
        assert (after.id != before.id, after.version, after.state) == (True, 1, State.REGISTERED)
        assert await bench.operations() == ["AddPatient", "AddPatient", "UpdatePatient"]
        again = (await bench.taken("case-r4-outpatient", **{"Обострение бронхита": "Обострение"}))["iemk-patient"]
        assert again.id == after.id

    told(story)


def test_a_case_is_opened_closed_and_changed(told: Callable[[Story], None]) -> None:
    async def story(bench: Registering) -> None:
        bench.routes(N3)
        bundle = json.loads((EXAMPLES / "registers" / "case-r4-outpatient.json").read_bytes())

        async def case(status: str, **more: Any) -> None:
            for entry in bundle["entry"]:
                if entry["resource"]["resourceType"] == "Encounter":
                    entry["resource"]["status"] = status
                if entry["resource"]["resourceType"] == "Condition":
                    entry["resource"] |= more
            accepted = await send(bench.journal, json.dumps(bundle).encode())
            await bench.work("convert", "sign", "send")
            rows = [one for one in await documents(bench.journal, accepted) if one.kind == "iemk-case"]
            assert [one.state for one in rows] == [State.REGISTERED], [(one.error, one.findings) for one in rows]

        await case("in-progress")
        await case("finished")
        await case("finished", recordedDate="2026-10-20")
        assert await bench.operations() == ["AddPatient", "CreateCase", "CloseCase", "UpdateCase"]

    told(story)


def test_one_bundle_is_a_document_and_messages_of_three_registers(told: Callable[[Story], None]) -> None:
    async def story(bench: Registering) -> None:
        bench.routes(DIRECT | N3 | REGISTERS)
        found = await bench.taken("day-r4")
        assert {one.state for one in found.values()} == {State.REGISTERED}, [one.findings for one in found.values()]
        assert {name: one.unrz is not None for name, one in found.items()} == {
            "iemk-patient": False,
            "iemk-case": False,
            "vaccination-record": True,
            "vzn-patient": False,
            "vzn-record": True,
        }
        (document,) = [one for one in await bench.journal.outbox.products() if one.message_key is None]
        assert (document.kind, document.state) == ("170", State.AWAITING)

    told(story)


def test_a_worker_gets_his_number_and_his_file_goes_under_it(told: Callable[[Story], None]) -> None:
    async def story(bench: Registering) -> None:
        bench.routes(REGISTERS)
        # Of a worker whom ФРМР has not numbered.
        number = '"value": "2022.0000001"'
        found = await bench.taken("worker-r4", **{number: '"id": "none"'})
        person, card = found["frmr-person"], found["frmr-card"]
        assert (person.state, card.state) == (State.REGISTERED, State.REGISTERED), (card.findings, card.error)
        assert person.unrz is not None and (person.version, card.version) == (1, 3)
        assert await bench.operations() == ["POST person", "PUT person/card", "POST person/card"]

    told(story)


def test_a_patient_of_the_nosologies_goes_before_his_record(told: Callable[[Story], None]) -> None:
    async def story(bench: Registering) -> None:
        bench.routes(REGISTERS)
        found = await bench.taken("vzn-r4-inclusion")
        assert {one.state for one in found.values()} == {State.REGISTERED}
        assert found["vzn-record"].unrz and found["vzn-patient"].unrz is None
        assert await bench.operations() == ["patient", "createVzn"]

    told(story)


@pytest.mark.parametrize(
    ("routes", "address", "products", "paths"),
    [
        ({"vaccination-register": "on"}, "", {"vaccination-record"}, {"vaccination-register": ["POST record"]}),
        ({"iemk-patient": "on"}, "", {"iemk-patient"}, {"n3": ["POST PixService.svc"]}),
        ({"iemk-patient": "on"}, "/of-the-region", {"iemk-patient"}, {}),
    ],
    ids=["direct", "operator", "region"],
)
def test_the_way_of_an_organisation_is_its_file(
    told: Callable[[Story], None],
    routes: dict[str, str],
    address: str,
    products: set[str],
    paths: dict[str, list[str]],
) -> None:
    """The same Bundle goes directly, to an operator, or to a region, whose address another organisation's file has."""

    async def story(bench: Registering) -> None:
        bench.routes(routes, bench.there.address + address if address else "")
        found = await bench.taken("vaccination-r4-stages")
        assert set(found) == products
        for service in ("vaccination-register", "n3"):
            assert await bench.calls(service) == paths.get(service, [])
        if address:
            assert found["iemk-patient"].state is not State.REGISTERED

    told(story)


def test_without_an_address_the_task_says_so(told: Callable[[Story], None]) -> None:
    async def story(bench: Registering) -> None:
        bench.routes(DIRECT)
        file = bench.folder / f"{ORGANISATION}.yaml"
        file.write_text(file.read_text("utf-8").replace("  vaccination-register: {url", "  # {url"), "utf-8")
        row = (await bench.taken("vaccination-r4-stages"))["vaccination-record"]
        assert row.error is not None and "services" in row.error.text.en
        # Once the file is mended it leaves.
        bench.routes(DIRECT)
        await bench.forward(seconds=10)
        await bench.work("sign", "send")
        row = await bench.journal.product(row.id) or row
        assert row.state is State.REGISTERED

    told(story)


def test_an_organisation_without_a_file_reaches_nothing(converter: Converter, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Organisations(Catalogue(), tmp_path).find("1.2.3")
    assert contacts_of(Catalogue(), SERVICES, tmp_path, ORGANISATION).by_service == {}
