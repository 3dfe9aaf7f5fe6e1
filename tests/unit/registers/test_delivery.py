"""Delivery of messages to a service of a register that the test plays over HTTP."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapter.catalogue import Catalogue
from adapter.errors import EnvironmentProblem, SigningError, TransportFailed, UsageError
from adapter.registers.contacts import read_contacts
from adapter.registers.delivery import Delivered, Outgoing, RegisterDelivery
from adapter.registers.services import Services
from adapter.registers.tokens import jwt
from adapter.signing.certificate import Algorithm
from adapter.signing.local import RsaSigner, open_gost
from adapter.signing.port import Signer
from adapter.signing.verify import verify_cms
from adapter.stand.registers.jwt import wrong_with
from adapter.transport.errors import ErrorClass
from adapter.transport.http import AioHttp
from tests.signing import ALGORITHMS, NOW, Pair, need

SERVICES = Services.load(Catalogue())
MO = "1.2.643.5.1.13.13.12.2.77.99999"
ID = UUID("00000000-0000-4000-8000-000000000001")
TOKEN = "a-secret-of-the-clinic"
CASE = b'<AddCase xmlns="http://tempuri.org/"><caseDto/></AddCase>'


@dataclass
class Seen:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Register:
    """Answers what it was told to, one after another; the last one ever after."""

    answers: list[tuple[int, str]] = field(default_factory=lambda: [(200, "")])
    seen: list[Seen] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.seen.append(Seen(request.method, request.path_qs, request.headers, await request.read()))
        status, text = self.answers[min(len(self.seen), len(self.answers)) - 1]
        return web.Response(status=status, text=text, headers={"Location": "/elsewhere"})


@dataclass
class Place:
    """A clinic whose services are all at one register."""

    folder: Path
    register: Register = field(default_factory=Register)
    services: str = ""
    signer: Signer | None = None

    def deliver(self, product: str, operation: str, data: bytes = b"{}", **key: str) -> Delivered:
        return asyncio.run(self._deliver(Outgoing(product, operation, key, "m", "m.xml", data, MO)))

    async def _deliver(self, message: Outgoing) -> Delivered:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.register.answer)
        async with TestServer(app) as server, AioHttp(timeout=5) as http:
            path = self.folder / "organisation.yaml"
            path.write_text(f"services: {self.services.replace('HOST', str(server.make_url('/')).rstrip('/'))}")
            contacts = read_contacts(path, SERVICES)
            delivery = RegisterDelivery(SERVICES, lambda _: contacts, http, lambda: self.signer)
            return await delivery.deliver(message, message_id=ID, at=NOW)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "secret").write_text(f"{TOKEN}\n", "utf-8")
    yield Place(tmp_path, services="{vaccination-register: {url: 'HOST/vaccine', token: {file: secret}}}")


def test_a_record_and_its_number(place: Place) -> None:
    place.register.answers = [(201, '{"reg_id": "7700000000000017"}')]
    done = place.deliver("vaccination-record", "create", b'{"reg": 1}')
    assert (done.ok, done.number, done.change, done.verdict) == (True, "7700000000000017", False, None)
    (seen,) = place.register.seen
    assert (seen.method, seen.path, seen.body) == ("POST", "/vaccine/record", b'{"reg": 1}')
    assert seen.headers["Authorization"] == f"Bearer {TOKEN}"
    assert seen.headers["Content-Type"] == "application/json"
    assert seen.headers["X-Request-ID"] == str(ID)


def test_the_path_has_what_the_key_says_and_nothing_of_it_leaves_its_place(place: Place) -> None:
    assert place.deliver("vaccination-record-person", "update-person", reg_id="../7?a#b", record="r").ok
    (seen,) = place.register.seen
    assert (seen.method, seen.path) == ("PUT", "/vaccine/record/..%2F7%3Fa%23b/person")


def test_a_path_without_its_part_is_not_called(place: Place) -> None:
    with pytest.raises(UsageError, match="reg_id"):
        place.deliver("vaccination-record-person", "update-person", reg_id="")
    assert not place.register.seen


def test_a_duplicate_gives_its_number(place: Place) -> None:
    place.register.answers = [(400, "Запись регистра с такой вакциной (УНРЗ:7700000000000017) уже есть")]
    done = place.deliver("vaccination-record", "create")
    assert (done.ok, done.number, done.change) == (False, "7700000000000017", True)
    assert done.verdict is not None
    assert done.verdict.error_class is ErrorClass.DONE


def test_what_is_kept_has_no_secret_even_where_the_answer_quotes_it(place: Place) -> None:
    place.register.answers = [(401, f"token {TOKEN} is unknown")]
    done = place.deliver("vaccination-record", "create", b'{"reg": 1}')
    assert done.request == b'POST /vaccine/record\n\n{"reg": 1}'
    assert done.response == b"401 text/plain; charset=utf-8\n\ntoken *** is unknown"
    assert done.verdict is not None
    assert done.verdict.error_class is ErrorClass.PERMANENT
    assert TOKEN not in repr(done)


def test_a_redirect_is_not_followed(place: Place) -> None:
    place.register.answers = [(302, "")]
    assert not place.deliver("vaccination-record", "create").ok
    assert len(place.register.seen) == 1


def test_without_an_answer_nobody_knows(place: Place) -> None:
    place.services = "{vaccination-register: {url: 'http://127.0.0.1:9', token: {file: secret}}}"
    with pytest.raises(TransportFailed):
        place.deliver("vaccination-record", "create")


@pytest.mark.parametrize(
    ("product", "operation", "services"),
    [
        ("170", "create", "{}"),
        ("vaccination-record", "create", "{}"),
        ("vaccination-record", "remove", "{vaccination-register: {url: 'HOST', token: {file: secret}}}"),
    ],
)
def test_what_cannot_be_sent_is_told(place: Place, product: str, operation: str, services: str) -> None:
    place.services = services
    with pytest.raises(UsageError):
        place.deliver(product, operation)
    assert not place.register.seen


def test_a_secret_that_is_not_there(place: Place) -> None:
    (place.folder / "secret").unlink()
    with pytest.raises(SigningError):
        place.deliver("vaccination-record", "create")
    assert not place.register.seen


# -- N3 -----------------------------------------------------------------------------------------------------------

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_N3 = "{n3: {urls: {pix: 'HOST/pix.svc', emk: 'HOST/emk.svc'}, guid: {file: secret}}}"


def _answer(operation: str) -> str:
    return f'<s:Envelope xmlns:s="{_SOAP}"><s:Body><{operation}Response xmlns="http://tempuri.org/"/></s:Body></s:Envelope>'


def test_n3_takes_the_guid_first(place: Place) -> None:
    place.services, place.register.answers = _N3, [(200, _answer("AddCase"))]
    done = place.deliver("iemk-case", "AddCase", CASE)
    assert (done.ok, done.number) == (True, "closed")
    (seen,) = place.register.seen
    assert (seen.method, seen.path) == ("POST", "/emk.svc")
    assert seen.headers["SOAPAction"] == '"http://tempuri.org/IEmkService/AddCase"'
    assert seen.headers["Content-Type"].startswith("text/xml")
    assert "Authorization" not in seen.headers
    assert f'<AddCase xmlns="http://tempuri.org/"><guid>{TOKEN}</guid><caseDto/></AddCase>'.encode() in seen.body
    assert TOKEN.encode() not in done.request + done.response
    assert CASE in done.request


def test_n3_patients_have_an_address_of_their_own(place: Place) -> None:
    place.services, place.register.answers = _N3, [(200, _answer("AddPatient"))]
    assert place.deliver("iemk-patient", "AddPatient", CASE.replace(b"AddCase", b"AddPatient")).number == "sent"
    assert place.register.seen[0].path == "/pix.svc"


# -- ФРМР and ФРМО ------------------------------------------------------------------------------------------------

_FRMR = "{frmr: {url: 'HOST/frmr/', token: {file: secret}}, frmo: {url: 'HOST/frmo', token: {file: secret}}}"


def test_a_worker_is_looked_for_first(place: Place) -> None:
    place.services = _FRMR
    place.register.answers = [(404, '{"code": 404}'), (200, "{}"), (200, '{"content": {"oid": "1.2.3"}}')]
    done = place.deliver("frmr-person", "POST person", snils="11223344595", record="w")
    assert (done.ok, done.number) == (True, "1.2.3")
    assert [(one.method, one.path) for one in place.register.seen] == [
        ("GET", "/frmr/person?snils=11223344595"),
        ("POST", "/frmr/person?snils=11223344595"),
        ("GET", "/frmr/person?snils=11223344595"),
    ]


def test_a_worker_who_is_there_is_changed(place: Place) -> None:
    place.services, place.register.answers = _FRMR, [(200, '{"content": {"oid": "1.2.3"}}')]
    done = place.deliver("frmr-person", "POST person", snils="11223344595")
    assert (done.ok, done.number, done.change) == (False, "1.2.3", True)
    assert len(place.register.seen) == 1


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 503])
def test_while_it_is_not_known_whether_a_worker_is_there_none_is_made(place: Place, status: int) -> None:
    place.services, place.register.answers = _FRMR, [(status, "")]
    done = place.deliver("frmr-person", "POST person", snils="11223344595")
    assert not done.ok and not done.change
    assert [one.method for one in place.register.seen] == ["GET"]


def test_a_department_and_its_number(place: Place) -> None:
    place.services, place.register.answers = _FRMR, [(200, '{"content": {"entityId": "1.2.0.5"}}')]
    assert place.deliver("frmo-depart", "POST org/depart", oid="1.2", record="d").number == "1.2.0.5"
    assert place.register.seen[0].path == "/frmo/org/depart?oid=1.2"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_is_made_for_each_request(place: Place, algorithm: Algorithm) -> None:
    need(algorithm)
    pair = Pair(place.folder, algorithm)
    make = RsaSigner if algorithm == "rsa" else open_gost
    place.signer = make(pair.certificate, pair.key, b"")
    place.services = "{frmr: {url: 'HOST/frmr', jwt: {system: our-system}}}"
    done = place.deliver("frmr-prof", "PUT person/prof", oid="1.2.3")
    token = place.register.seen[0].headers["Authorization"].removeprefix("Bearer ")
    assert wrong_with(token, NOW) == ""
    header, payload, signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split("."))
    told = json.loads(payload)
    assert (told["sub"], told["exp"] - told["iat"], told["iat"]) == ("our-system", 300, int(NOW.timestamp()))
    assert told["aud"].startswith("http://127.0.0.1:")
    assert json.loads(header)["alg"] == ("RS256" if algorithm == "rsa" else "ECGOST3410-2012")
    if algorithm != "rsa":
        assert pair.certificate.der not in signature
        signed = token.rpartition(".")[0].encode()
        assert verify_cms(signature, signed, certificates=[pair.certificate.der]).certificate == pair.certificate
    assert token.encode() not in done.request + done.response


def test_a_token_needs_a_key(place: Place) -> None:
    place.services = "{frmr: {url: 'HOST', jwt: {system: our-system}}}"
    with pytest.raises(SigningError):
        place.deliver("frmr-person", "PUT person", oid="1.2.3")
    assert not place.register.seen


def test_two_tokens_of_other_times_differ(tmp_path: Path) -> None:
    need("rsa")
    pair = Pair(tmp_path, "rsa")
    signer = RsaSigner(pair.certificate, pair.key, b"")
    life = timedelta(minutes=5)
    assert jwt("s", "a", signer, at=NOW, life=life) != jwt("s", "a", signer, at=NOW + life, life=life)


# -- ВЗН ----------------------------------------------------------------------------------------------------------


def test_files_are_laid_down(place: Place) -> None:
    place.services = "{vzn: {folder: out}}"
    done = place.deliver("vzn-patient", "patient", b"<records/>")
    assert (done.ok, done.number) == (True, "sent")
    assert (place.folder / "out/m.xml").read_bytes() == b"<records/>"
    assert done.request == b"FILE m.xml"
    assert not place.register.seen


def test_a_folder_that_is_a_file(place: Place) -> None:
    place.services = "{vzn: {folder: secret}}"
    with pytest.raises(EnvironmentProblem):
        place.deliver("vzn-patient", "patient", b"<records/>")


def test_files_may_be_posted(place: Place) -> None:
    place.services = "{vzn: {url: 'HOST/vzn'}}"
    place.register.answers = [(200, "<a><registryNumber>42</registryNumber></a>")]
    done = place.deliver("vzn-record", "createVzn", b"<records/>")
    assert (done.ok, done.number) == (True, "42")
    (seen,) = place.register.seen
    assert (seen.path, seen.headers["Content-Type"]) == ("/vzn/records", "application/xml")
