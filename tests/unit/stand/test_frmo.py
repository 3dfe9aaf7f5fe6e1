"""ФРМО of the stand: no organisation is made, departments get OIDs, sections get entityIds."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from adapter.stand.registers.contract import Answer
from tests.unit.stand.conftest import GOLDEN, MO, Registers, changed, golden, message_of, told

ORGANIZATION = "frmr/organization-r4"
OTHER_MO = "1.2.643.5.1.13.13.12.2.77.88888"


@pytest.fixture
def depart() -> dict[str, Any]:
    """A hospital with two parts, none of which has an OID yet."""
    made = changed(departs()["Стационар"], "oid", None)
    for part in made["departHospital"]["hospitalSubdivision"]:
        part["oid"] = None
    return made


def departs() -> dict[str, dict[str, Any]]:
    read = (json.loads(path.read_bytes()) for path in (GOLDEN / ORGANIZATION).glob("frmo-depart_*.json"))
    return {one["departName"]: one for one in read}


def ask(registers: Registers, call: str, body: Any = None, **query: str) -> Answer:
    return registers.ask("frmo", call, body, **{"oid": MO, **query})


def make(registers: Registers, body: Any) -> str:
    answer = ask(registers, "POST org/depart", body)
    assert answer.status == 200, answer.body
    return str(told(answer)["content"]["entityId"])


def test_the_card_of_an_organisation_is_changed_never_made(registers: Registers) -> None:
    card = golden(f"{ORGANIZATION}/frmo-org")
    assert ask(registers, "GET org/" + MO).status == 404
    assert ask(registers, "PUT org", card).status == 200
    assert told(ask(registers, "GET org/" + MO))["content"] == card
    assert [one["oid"] for one in told(ask(registers, "GET org"))["content"]] == [MO]
    assert told(ask(registers, "GET org", orgTypeId="999"))["total"] == 0
    assert ask(registers, "POST org", card).status == 405
    assert "разные" in message_of(ask(registers, "PUT org", changed(card, "oid", OTHER_MO)))


def test_only_organisations_that_are_there_are_changed() -> None:
    registers = Registers(organisations=frozenset({MO}))
    card = golden(f"{ORGANIZATION}/frmo-org")
    assert ask(registers, "PUT org", card).status == 200
    for call in ("PUT org", "POST org/depart", "GET org/building"):
        refused = ask(registers, call, card, oid=OTHER_MO)
        assert (refused.status, message_of(refused)) == (404, "МО не найдена")
    for oid in ("1.2.3", MO + ".0.1"):
        assert ask(Registers(), "PUT org", card, oid=oid).status == 404


def test_a_card_is_closed_with_a_reason(registers: Registers) -> None:
    assert ask(registers, "DELETE org", deleteReason="2").status == 404
    ask(registers, "PUT org", golden(f"{ORGANIZATION}/frmo-org"))
    assert message_of(ask(registers, "DELETE org")) == "Не задан или неверен параметр: deleteReason"
    assert ask(registers, "DELETE org", deleteReason="2").status == 200
    closed = told(ask(registers, "GET org/" + MO))["content"]
    assert (closed["deleteDate"], closed["deleteReason"]) == ("2026-11-24T00:00:00Z", {"id": 2})


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("nameFull", ..., "nameFull: required"),
        ("structure", ..., "structure: required"),
        ("inn", "7700000008", "inn: format"),
        ("ogrn", "1027700000009", "ogrn: format"),
        ("legalAddress/GARguid", "x", "legalAddress/GARguid"),
    ],
)
def test_what_is_wrong_of_a_card_is_refused(registers: Registers, path: str, value: Any, text: str) -> None:
    card = golden(f"{ORGANIZATION}/frmo-org")
    assert text in message_of(ask(registers, "PUT org", changed(card, path, value)))


def test_departments_get_oids(registers: Registers, depart: dict[str, Any]) -> None:
    oid = make(registers, depart)
    assert re.fullmatch(re.escape(MO) + r"\.0\.[0-9]+", oid)
    again = ask(registers, "POST org/depart", depart)
    assert (again.status, told(again)["local_id"]) == (400, [oid])
    assert "уже была создана" in message_of(again)
    assert make(registers, changed(depart, "departName", "Другое")) != oid
    assert ask(registers, "POST org/depart", depart, oid=OTHER_MO).status == 200, "of another organisation"
    held = told(ask(registers, f"GET org/depart/{oid}"))["content"]
    assert (held["oid"], held["departName"]) == (oid, depart["departName"])
    assert ask(registers, f"GET org/depart/{oid}", oid=OTHER_MO).status == 404
    assert told(ask(registers, "GET org/depart"))["total"] == 2
    assert told(ask(registers, "GET org/depart", departTypeId="999"))["total"] == 0


def test_departments_are_changed_and_removed(registers: Registers, depart: dict[str, Any]) -> None:
    oid = make(registers, depart)
    other = changed(changed(depart, "departName", "Другое"), "oid", oid)
    assert ask(registers, "PUT org/depart", other, entityId=oid).status == 200
    assert told(ask(registers, f"GET org/depart/{oid}"))["content"]["departName"] == "Другое"
    assert ask(registers, "PUT org/depart", other, entityId=oid + "1").status == 404
    assert "разные" in message_of(ask(registers, "PUT org/depart", changed(other, "oid", oid + "1"), entityId=oid))
    assert "required" in message_of(ask(registers, "PUT org/depart", {}, entityId=oid))
    assert ask(registers, "DELETE org/depart", entityId=oid).status == 200
    assert ask(registers, "DELETE org/depart", entityId=oid).status == 404


def test_oids_of_parts_are_of_the_department_and_differ(registers: Registers, depart: dict[str, Any]) -> None:
    part = "departHospital/hospitalSubdivision/0/oid"
    assert len(depart["departHospital"]["hospitalSubdivision"]) == 2
    oid = make(registers, depart)
    assert ask(registers, "PUT org/depart", changed(depart, part, f"{oid}.1"), entityId=oid).status == 200
    alien = changed(depart, part, f"{MO}.0.7.1")
    assert "другого подразделения" in message_of(ask(registers, "PUT org/depart", alien, entityId=oid))
    twice = changed(changed(depart, part, f"{oid}.1"), part.replace("/0/", "/1/"), f"{oid}.1")
    assert "не уникален" in message_of(ask(registers, "PUT org/depart", twice, entityId=oid))
    assert "не уникален" in message_of(ask(registers, "POST org/depart", changed(twice, "departName", "Ещё одно")))


@pytest.mark.parametrize(("path", "product"), [("org/building", "building"), ("org/servicesInfo", "services")])
def test_sections_of_an_organisation(registers: Registers, path: str, product: str) -> None:
    body = golden(f"{ORGANIZATION}/frmo-{product}")
    entity = told(ask(registers, f"POST {path}", body))["content"]["entityId"]
    again = ask(registers, f"POST {path}", body)
    assert (again.status, told(again)["local_id"]) == (400, [entity])
    assert ask(registers, f"PUT {path}", body, entityId=entity).status == 200
    assert ask(registers, f"PUT {path}", body, guid=entity).status == 200
    assert ask(registers, f"PUT {path}", body, entityId=entity, oid=OTHER_MO).status == 404
    assert "required" in message_of(ask(registers, f"POST {path}", {}))
    assert entity in told(ask(registers, f"GET {path}/get", entityId=entity))["content"].values()
    assert len(told(ask(registers, f"GET {path}"))["content"]) == 1
    assert ask(registers, f"DELETE {path}", entityId=entity).status == 200
    assert ask(registers, f"GET {path}/get", entityId=entity).status == 404


def test_whose_it_is_must_be_told(registers: Registers) -> None:
    answer = ask(registers, "POST org/building", {}, oid="")
    assert message_of(answer) == "Не задан или неверен параметр: oid"


def test_requests_of_a_public_client_are_taken(registers: Registers, examples_dir: Path) -> None:
    """Those of its samples that make something whole; its department lacks what the client itself requires."""
    statuses = {}
    for sample in (examples_dir / "register/frmo.http").read_text("utf-8").split("###"):
        found = re.search(r"(POST|PUT) \{\{\w+\}\}/(\S+)\n[^\n]*\n(.*)", sample, re.DOTALL)
        if found:
            method, address, body = found.groups()
            url = urlsplit(address)
            answer = registers.ask("frmo", f"{method} {url.path}", body.encode(), **dict(parse_qsl(url.query)))
            statuses[f"{method} {url.path}"] = answer.status
    assert [call for call, status in statuses.items() if status == 200] == [
        "PUT org",
        "POST org/building",
        "POST org/servicesInfo",
    ]
