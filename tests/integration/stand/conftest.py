"""A stand and a МИС on loopback, over real HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapter.facts import Fact, fact
from adapter.signing.certificate import read_certificate
from adapter.signing.local import RsaSigner
from adapter.signing.testkeys import Subject, make_pair
from adapter.stand.app import Options, create_stand
from adapter.stand.processing import Timing
from adapter.transport.answers import Answers
from adapter.transport.callbacks import Callback, FileDelivery, FileRequest, RegistrationResult, callback_of
from adapter.transport.envelope import CONTENT_TYPE, read
from adapter.transport.errors import ErrorItem
from adapter.transport.http import AioHttp
from adapter.transport.remd import Endpoint, RemdClient, Signature
from adapter.transport.schema import CALLBACK_WSDL, SERVICE_WSDL, load_schema
from adapter.transport.security import Security, Verifier

CLIENT = "00000000-0000-4000-8000-000000000001"
UID = "d71b5784-ca38-5c10-9794-1be2a4954edc"
OID = "1.2.643.5.1.13.13.12.2.77.99999"
DOCTOR = "11111111145"
OTHER = "7f0f3c1e-5a59-4b92-8f6f-0d2a5b6c7d8e"
Keys = tuple[RsaSigner, RsaSigner]
QUICK = Timing(delay=0, file=2, tries=2, pause=0.05)

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:identity="urn:hl7-ru:identity">
<templateId root="1.2.643.5.1.13.13.14.53.9.2"/><id root="{oid}.100.1.1.51" extension="{uid}"/>
<code code="53" codeSystem="1.2.643.5.1.13.13.11.1522"/><effectiveTime value="202410051010+0300"/>
<setId root="{oid}.100.1.1.50" extension="{set}"/><versionNumber value="{version}"/>
<recordTarget><patientRole><id root="{oid}.100.1.1.10" extension="P-1"/>
<id root="1.2.643.100.3" extension="112-233-445 95"/>
<patient><name><family>{family}</family><given>Иван</given></name>
<administrativeGenderCode code="1"/><birthTime value="19850412"/></patient>
<providerOrganization><id root="{oid}"/></providerOrganization></patientRole></recordTarget>
<author><assignedAuthor><id root="{oid}.100.1.1.70" extension="D-1"/>
<id root="1.2.643.100.3" extension="111-111-111 45"/>
<assignedPerson><name><family>Врачова</family><given>Ольга</given></name></assignedPerson></assignedAuthor></author>
<custodian><assignedCustodian><representedCustodianOrganization><id root="{oid}"/>
</representedCustodianOrganization></assignedCustodian></custodian>
<legalAuthenticator><assignedEntity><id root="{oid}.100.1.1.70" extension="D-1"/>
<id root="1.2.643.100.3" extension="111-111-111 45"/>
<assignedPerson><name><family>Врачова</family><given>Ольга</given></name></assignedPerson></assignedEntity>
</legalAuthenticator>
</ClinicalDocument>"""


def document(uid: str = UID, family: str = "Тестов", set_id: str = "S", version: int = 1) -> bytes:
    return DOCUMENT.format(oid=OID, uid=uid, family=family, set=set_id, version=version).encode()


def registration(uid: str = UID, **changes: Any) -> Fact:
    facts = {
        "localUid": uid,
        "kind": "170",
        "documentNumber": uid,
        "creationDateTime": "2024-10-05T10:10:00+03:00",
        "organization": OID,
        "patient": {
            "surname": "Тестов",
            "name": "Иван",
            "birthDate": "1985-04-12",
            "gender": "1",
            "snils": "11223344595",
            "localId": "P-1",
        },
        "signers": [
            {
                "localId": "D-1",
                "surname": "Врачова",
                "name": "Ольга",
                "snils": DOCTOR,
                "role": {"code": "AUTHOR"},
                "position": {"code": "109", "version": "9.6"},
            }
        ],
        **changes,
    }
    made = fact(facts)
    assert isinstance(made, Fact)
    return made


@asynccontextmanager
async def running(app: Any, sock: socket.socket | None = None) -> AsyncIterator[str]:
    """Serve an application; its address."""
    sock = sock or bound()
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    task = asyncio.create_task(server.serve(sockets=[sock]))
    while not server.started:
        if task.done():
            task.result()
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}/"
    finally:
        server.should_exit = True
        await task


def bound(port: int = 0) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    return sock


@dataclass
class Mis:
    """A МИС: gives files, keeps results.

    Attributes:
        files: by localUid; none: an error.
        how: ``answer``, ``message``, ``never`` (acknowledged only), ``broken`` (HTTP 500 instead of a file).
    """

    files: dict[str, bytes] = field(default_factory=dict)
    how: str = "answer"
    client: RemdClient | None = None
    verifier: Verifier | None = None
    came: list[Callback] = field(default_factory=list)
    answers: Answers = field(default_factory=lambda: Answers(CLIENT, load_schema(CALLBACK_WSDL)))
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    @property
    def results(self) -> list[RegistrationResult]:
        return [one for one in self.came if isinstance(one, RegistrationResult)]

    @property
    def deliveries(self) -> list[FileDelivery]:
        return [one for one in self.came if isinstance(one, FileDelivery)]

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        envelope = read(await request.body())
        if self.verifier is not None:
            self.verifier.verify(envelope.root, at=datetime.now(UTC))
        callback = callback_of(envelope)
        if self.how == "broken" and isinstance(callback, FileRequest):
            return Response("no", 500)
        self.came.append(callback)
        data = self._answer(callback)
        return Response(data, media_type=CONTENT_TYPE[callback.soap])

    def _answer(self, callback: Callback) -> bytes:
        at = datetime.now(UTC)
        if not isinstance(callback, FileRequest):
            return self.answers.acknowledge(callback, at=at)
        file = self.files.get(callback.local_uid)
        if file is None:
            return self.answers.no_file(callback, [ErrorItem("REGISTRY_ITEM_NOT_FOUND", "нет")], at=at)
        if self.how == "answer":
            return self.answers.file(callback, file, at=at)
        if self.how == "message":
            assert self.client is not None
            self.tasks.append(
                asyncio.create_task(self.client.send_file(callback, file, message_id=callback.message_id + "F", at=at))
            )
        return self.answers.acknowledge(callback, at=at)


@dataclass
class Pair:
    """A stand and a МИС that know each other."""

    mis: Mis
    client: RemdClient
    doctor: RsaSigner
    clinic: RsaSigner
    http: AioHttp
    stand: str
    sent: int = 0

    async def register(
        self,
        uid: str = UID,
        *,
        file: bytes | None = None,
        message_id: str = "",
        signed: bytes | None = None,
        **changes: Any,
    ) -> Any:
        """Send a document; the acknowledgement."""
        data = document(uid) if file is None else file
        self.mis.files[uid] = data
        at = datetime.now(UTC)
        content = data if signed is None else signed
        signatures = [
            Signature(self.doctor.cms(content, at=at), DOCTOR),
            Signature(self.clinic.cms(content, at=at)),
        ]
        self.sent += 1
        message_id = message_id or f"00000000-0000-4000-8000-{self.sent:012d}"
        return await self.client.register(registration(uid, **changes), signatures, message_id=message_id, at=at)

    async def result(self, count: int = 1) -> RegistrationResult:
        """The latest of so many results."""
        for _ in range(1000):
            if len(self.mis.results) >= count:
                return self.mis.results[count - 1]
            await asyncio.sleep(0.01)
        raise AssertionError(f"no result: {self.mis.came}")

    async def listed(self) -> list[dict[str, Any]]:
        """What the stand has registered."""
        import json

        session = self.http._opened()
        async with session.get(self.stand + "admin/documents") as answer:
            return list(json.loads(await answer.read())["documents"])

    async def put_faults(self, *faults: str) -> int:
        async with self.http._opened().put(self.stand + "admin/faults", json=list(faults)) as answer:
            return answer.status


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[RsaSigner, RsaSigner]:
    """(doctor, clinic)."""
    folder = tmp_path_factory.mktemp("keys")
    make_pair(folder, "doctor", Subject("Врачова", snils=DOCTOR), "rsa")
    make_pair(folder, "clinic", Subject("Поликлиника", ogrn="1027700000008"), "rsa")
    return tuple(
        RsaSigner(read_certificate(folder / f"{n}.crt"), folder / f"{n}.key", b"") for n in ("doctor", "clinic")
    )  # type: ignore[return-value]


@asynccontextmanager
async def pair(
    keys: tuple[RsaSigner, RsaSigner], *, mis: Mis | None = None, signs: bool = False, port: int = 0, **options: Any
) -> AsyncIterator[Pair]:
    """A stand with these options, and a МИС."""
    mis = mis or Mis()
    sock = bound()
    address = f"http://127.0.0.1:{sock.getsockname()[1]}/"
    given = {"timing": QUICK, "validate": False, **options}
    async with (
        AioHttp(timeout=10) as http,
        running(mis.app(), bound(port)) as back,
        running(create_stand(Options(address=address, **given)), sock) as stand,
    ):
        security = Security(keys[1]) if signs else None
        client = RemdClient(
            http,
            Endpoint(stand + "ips/0123", CLIENT, to=stand, reply_to=back),
            load_schema(SERVICE_WSDL),
            security=security,
        )
        mis.client = client
        yield Pair(mis, client, *keys, http, stand)
        await asyncio.gather(*mis.tasks)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a test of at most half a minute."""
    asyncio.run(asyncio.wait_for(work, 30))


async def refused(two: Pair, *codes: str, count: int = 1) -> None:
    """The result is a refusal with these codes."""
    result = await two.result(count)
    assert not result.ok
    assert [one.code for one in result.errors] == list(codes)
    assert await two.listed() == []


def free_port() -> int:
    """A port that nobody uses."""
    with bound() as sock:
        return int(sock.getsockname()[1])
