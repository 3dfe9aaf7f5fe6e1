"""Registers of the stand over HTTP: state, faults on demand, pages, and our own client."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from adapter.catalogue import Catalogue
from adapter.errors import TransportFailed, UsageError
from adapter.registers.contacts import Contact, Contacts, Jwt
from adapter.registers.delivery import Delivered, Outgoing, RegisterDelivery
from adapter.registers.services import Services
from adapter.signing.config import Secret
from adapter.stand.app import Options, create_stand
from adapter.stand.registers.faults import REGISTER_FAULTS
from adapter.stand.registers.listed import register_services
from adapter.stand.service import Entrance
from adapter.transport.http import AioHttp, HttpAnswer
from adapter.transport.security import Verifier
from tests.integration.stand.conftest import OID, Keys, run, running

GOLDEN = Path(__file__).parents[2] / "golden"
NUMBER = "9000000000000001"
RECORD = "registers/vaccination-r4-stages/vaccination-record"
PERSON = {"mo": OID, "mr": "true", "snils": "21531846241"}
NAMES = [service.id for service in register_services()]


def golden(name: str) -> bytes:
    (path,) = GOLDEN.glob(name if name.endswith(".json") else f"{name}_*")
    return path.read_bytes()


def message(product: str, operation: str, data: bytes, number: str | None = None, **key: str) -> Outgoing:
    return Outgoing(product, operation, key, "id", f"{product}.json", data, OID, number)


@dataclass(frozen=True)
class Registers:
    """A stand, and a client of it."""

    address: str
    http: AioHttp
    delivery: RegisterDelivery

    async def ask(self, method: str, path: str, body: bytes | None = None) -> HttpAnswer:
        headers = {"Authorization": "Bearer token"}
        return await self.http.request(method, self.address + path, body, headers)

    async def read(self, path: str) -> Any:
        return json.loads((await self.ask("GET", path)).body)

    async def put_faults(self, *written: str) -> int:
        return (await self.ask("PUT", "admin/faults", json.dumps(written).encode())).status

    async def deliver(self, sent: Outgoing) -> Delivered:
        return await self.delivery.deliver(sent, message_id=UUID(int=1), at=datetime.now(UTC))


@asynccontextmanager
async def stand(
    folder: Path, *, timeout: float = 5, keys: Keys | None = None, **options: Any
) -> AsyncIterator[Registers]:
    (folder / "token").write_text("token")
    token = Secret(file="token")
    how: dict[str, Any] = {"jwt": Jwt(system="system")} if keys else {"token": token}
    entrance = Entrance(verifier=Verifier() if keys else None)
    app = create_stand(Options(validate=False, entrance=entrance, **options))
    async with running(app) as address, AioHttp(timeout=timeout) as http:
        base = f"{address}registers/"
        contacts = {name: Contact(url=base + name, **how) for name in ("vaccination-register", "frmr", "frmo")}
        contacts["vzn"] = Contact(url=base + "vzn")
        services = Services.load(Catalogue())
        delivery = RegisterDelivery(
            services, lambda _: Contacts(contacts, folder), http, lambda: keys[0] if keys else None
        )
        yield Registers(address, http, delivery)


# -- our client -----------------------------------------------------------------------------------------------------


def test_a_vaccination_and_what_is_told_of_it(tmp_path: Path) -> None:
    async def work() -> None:
        async with stand(tmp_path) as registers:
            made = await registers.deliver(message("vaccination-record", "create", golden(RECORD)))
            assert (made.ok, made.number) == (True, NUMBER)
            again = await registers.deliver(message("vaccination-record", "create", golden(RECORD)))
            assert (again.ok, again.change, again.number) == (False, True, NUMBER)
            assert again.verdict is not None
            assert again.verdict.error_class == "done"
            change = json.dumps({"reg": json.loads(golden(RECORD))["reg"]}).encode()
            for product, operation, data in (
                ("vaccination-record", "update", change),
                ("vaccination-record-person", "update-person", golden(f"{RECORD}-person")),
                ("vaccination-record-complication", "complication", golden(f"{RECORD}-complication")),
            ):
                told = await registers.deliver(message(product, operation, data, NUMBER, reg_id=NUMBER))
                assert told.ok, told.response
            wrong = await registers.deliver(message("vaccination-record", "create", b'{"reg": {}}'))
            assert wrong.verdict is not None
            assert wrong.verdict.error_class == "permanent"

    run(work())


def test_a_nosology(tmp_path: Path) -> None:
    async def work() -> None:
        async with stand(tmp_path) as registers:
            patient = golden("registers/vzn-r4-inclusion/vzn-patient")
            assert (await registers.deliver(message("vzn-patient", "patient", patient))).ok
            record = golden("registers/vzn-r4-inclusion/vzn-record")
            made = await registers.deliver(message("vzn-record", "createVzn", record))
            assert made.ok
            again = await registers.deliver(message("vzn-record", "createVzn", record))
            assert (again.change, again.number) == (True, made.number)

    run(work())


@pytest.mark.parametrize("signed", [False, True])
def test_a_worker(tmp_path: Path, keys: Keys, signed: bool) -> None:
    async def work() -> None:
        async with stand(tmp_path, keys=keys if signed else None) as registers:
            person = golden("frmr/worker-r4-new/frmr-person")
            made = await registers.deliver(message("frmr-person", "POST person", person, **PERSON))
            assert made.ok, made.response
            assert made.number is not None
            again = await registers.deliver(message("frmr-person", "POST person", person, **PERSON))
            assert (again.change, again.number) == (True, made.number)
            prof = golden("frmr/worker-r4-new/frmr-prof")
            assert (await registers.deliver(message("frmr-prof", "POST person/prof", prof, **PERSON))).ok
            there = await registers.deliver(message("frmr-prof", "POST person/prof", prof, **PERSON))
            assert there.ok, "it is there"

    run(work())


def test_a_token_that_is_not_signed(tmp_path: Path) -> None:
    async def work() -> None:
        async with stand(tmp_path) as registers:
            other = create_stand(Options(validate=False, entrance=Entrance(verifier=Verifier())))
            async with running(other) as address:
                answer = await registers.http.request(
                    "POST", f"{address}registers/frmr/person", b"{}", {"Authorization": "Bearer token"}
                )
                assert answer.status == 403

    run(work())


def test_an_organisation(tmp_path: Path) -> None:
    async def work() -> None:
        async with stand(tmp_path, organisations=frozenset({OID})) as registers:
            card = golden("frmr/organization-r4/frmo-org")
            assert (await registers.deliver(message("frmo-org", "PUT org", card, oid=OID))).ok
            stranger = await registers.deliver(message("frmo-org", "PUT org", card, oid=OID + "1"))
            assert stranger.verdict is not None
            assert stranger.verdict.error_class == "permanent"
            depart = golden("frmr/organization-r4/frmo-depart_b7d375a1-0dbe-5881-b53b-a8cf87011dc0.json")
            made = await registers.deliver(message("frmo-depart", "POST org/depart", depart, oid=OID))
            assert made.number is not None
            assert made.number.startswith(f"{OID}.0.")
            again = await registers.deliver(message("frmo-depart", "POST org/depart", depart, oid=OID))
            assert (again.change, again.number) == (True, made.number)

    run(work())


# -- faults ---------------------------------------------------------------------------------------------------------


def test_a_lost_answer_is_made_good_by_the_duplicate(tmp_path: Path) -> None:
    async def work() -> None:
        async with stand(tmp_path, faults=["vaccination-register:lost*1"]) as registers:
            sent = message("vaccination-record", "create", golden(RECORD))
            lost = await registers.deliver(sent)
            assert (lost.ok, lost.change) == (False, False)
            assert lost.verdict is not None
            assert lost.verdict.error_class in {"transport", "temporary"}
            again = await registers.deliver(sent)
            assert (again.change, again.number) == (True, NUMBER)

    run(work())


def test_a_timeout_takes_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        async with stand(tmp_path, timeout=0.3, faults=["vaccination-register:timeout=30*1"]) as registers:
            sent = message("vaccination-record", "create", golden(RECORD))
            with pytest.raises(TransportFailed):
                await registers.deliver(sent)
            made = await registers.deliver(sent)
            assert (made.ok, made.number) == (True, NUMBER)

    run(work())


def test_a_slow_answer_is_taken_or_not_waited_for(tmp_path: Path) -> None:
    async def work() -> None:
        async with stand(tmp_path, timeout=0.3, faults=["registers:slow=1*1"]) as registers:
            sent = message("vaccination-record", "create", golden(RECORD))
            with pytest.raises(TransportFailed):
                await registers.deliver(sent)
            while not (told := await registers.read("admin/registers/vaccination-register"))["records"]:
                await asyncio.sleep(0.02)
            assert told["received"][0]["faults"] == {"slow": "1"}

    run(work())


@pytest.mark.parametrize(
    ("fault", "ok", "classes"),
    [
        ("error", False, {"temporary", "transport"}),
        ("error=400", False, {"permanent"}),
        ("duplicate", False, {"done"}),
        ("malformed", False, {"transport"}),
        ("malformed=html", False, {"transport"}),
        ("malformed=empty", False, {"transport"}),
    ],
)
def test_answers_that_are_no_success(tmp_path: Path, fault: str, ok: bool, classes: set[str]) -> None:
    async def work() -> None:
        async with stand(tmp_path) as registers:
            assert await registers.put_faults(f"vaccination-register:{fault}*1") == 200
            got = await registers.deliver(message("vaccination-record", "create", golden(RECORD)))
            assert got.ok is ok
            assert got.verdict is not None
            assert got.verdict.error_class in classes
            held = (await registers.read("admin/registers/vaccination-register"))["records"]
            assert bool(held) is not fault.startswith("error")

    run(work())


@pytest.mark.parametrize("name", NAMES)
def test_every_service_fails_in_its_own_words(tmp_path: Path, name: str) -> None:
    async def work() -> None:
        async with stand(tmp_path, faults=[f"{name}:error=500*1", "registers:malformed=html"]) as registers:
            failed = await registers.ask("POST", f"registers/{name}/record", b"{}")
            assert failed.status == 500
            assert failed.content_type.startswith(("application/json", "application/xml", "text/xml"))
            assert (await registers.ask("POST", f"registers/{name}/record", b"{}")).content_type.startswith("text/html")

    run(work())


def test_faults_are_set_together_or_not_at_all(tmp_path: Path) -> None:
    async def work() -> None:
        async with stand(tmp_path) as registers:
            assert await registers.put_faults("frmr:error=503", "lost") == 200
            for wrong in ("frmr:no-such", "no-such:lost", "frmr:error=200", "frmr:malformed=x", "no-such"):
                assert await registers.put_faults("frmo:lost", wrong) == 400
            assert (await registers.ask("GET", "registers/frmr/person")).status == 503
            assert (await registers.ask("GET", "registers/frmo/org")).status == 200
            assert await registers.put_faults() == 200
            assert (await registers.ask("GET", "registers/frmr/person")).status == 400

    run(work())


@pytest.mark.parametrize("text", ["frmr:", "frmr:slow=x", ":lost", "registers:nothing", "frmr:lost=99"])
def test_unknown_faults_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        create_stand(Options(faults=[text]))


def test_every_fault_is_tried_here() -> None:
    here = Path(__file__).read_text("utf-8")
    assert [name for name in REGISTER_FAULTS if not re.search(rf'[:"]{name}[=*"]', here)] == []


# -- state and pages ------------------------------------------------------------------------------------------------


def test_what_was_received_and_is_held_survives(tmp_path: Path) -> None:
    async def work() -> None:
        state = tmp_path / "stand"
        async with stand(tmp_path, file=state) as registers:
            assert (await registers.ask("POST", "registers/vaccination-register/record", golden(RECORD))).status == 201
            assert (await registers.ask("POST", "registers/vzn/records", b"\xff")).status == 400
        async with stand(tmp_path, file=state) as registers:
            counts = await registers.read("admin/registers")
            assert {name: one["received"] for name, one in counts.items() if one["received"]} == {
                "vaccination-register": 1,
                "vzn": 1,
            }
            told = await registers.read("admin/registers/vaccination-register")
            [received], [held] = told["received"], told["records"]
            assert (received["method"], received["path"], received["status"]) == ("POST", "record", 201)
            assert json.loads(received["body"]) == json.loads(golden(RECORD))
            assert (held["kind"], held["number"]) == ("record", NUMBER)
            assert (await registers.read("admin/registers/vzn"))["received"][0]["body_base64"] == "/w=="
            again = await registers.ask("POST", "registers/vaccination-register/record", golden(RECORD))
            assert NUMBER.encode() in again.body

    run(work())


def test_what_a_register_held_before_is_put_in(tmp_path: Path) -> None:
    async def work() -> None:
        async with stand(tmp_path) as registers:
            person = json.loads(golden("frmr/worker-r4-new/frmr-person"))
            seed = {"kind": "person", "key": f"snils {person['snils']}", "number": "2022.0000001"}
            body = json.dumps([{**seed, "data": {**person, "entityId": "e"}}]).encode()
            assert (await registers.ask("POST", "admin/registers/frmr", body)).status == 200
            sent = message("frmr-person", "POST person", golden("frmr/worker-r4-new/frmr-person"), **PERSON)
            there = await registers.deliver(sent)
            assert (there.change, there.number) == (True, "2022.0000001")
            for wrong in (b"", b"{}", b'[{"kind": 1}]', b'[{"kind": "a", "key": "b", "data": {}, "more": 1}]'):
                assert (await registers.ask("POST", "admin/registers/frmr", wrong)).status == 400

    run(work())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lang", ["ru", "en"])
def test_pages_tell_what_is_certain(tmp_path: Path, name: str, lang: str) -> None:
    async def work() -> None:
        async with stand(tmp_path) as registers:
            listed = await registers.ask("GET", f"registers?lang={lang}")
            assert f"/registers/{name}?lang={lang}" in listed.body.decode()
            page = await registers.ask("GET", f"registers/{name}?lang={lang}")
            assert (page.status, page.content_type) == (200, "text/html; charset=utf-8")
            text = page.body.decode()
            assert f'<html lang="{lang}">' in text
            assert "observed-" in text
            assert "inferred" in text or "placeholder" in text
            assert (await registers.read(f"admin/registers/{name}"))["received"] == []

    run(work())


def test_there_is_no_other_service(tmp_path: Path) -> None:
    async def work() -> None:
        async with stand(tmp_path) as registers:
            for path in ("registers/other/person", "registers/other", "admin/registers/other"):
                answer = await registers.ask("GET", path)
                assert (answer.status, json.loads(answer.body)["services"]) == (404, sorted(NAMES))

    run(work())
