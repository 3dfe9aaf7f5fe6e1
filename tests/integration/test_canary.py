"""Nothing of a patient gets out: every string that comes in is marked, and no mark is found where none may be.

Searched: logs at their most talkative, metrics, answers that say no, Tasks, the audit, support bundles, and every row
of the database (whose sealed payloads hold the marks, so that a payload stored open would be found too).
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from adapter.catalogue import Catalogue
from adapter.pipeline import support
from adapter.pipeline.database import Database
from adapter.settings import Settings
from adapter.stand.app import Options, create_stand
from adapter.stand.processing import Timing
from adapter.transport.envelope import SOAP12
from adapter.transport.schema import CALLBACK, SERVICE
from tests.database import fresh_database, running_cluster, template
from tests.service import Answer, Served, egisz, environment, free_port, in_a_thread, serving

BUNDLES = Path(__file__).parents[2] / "examples" / "bundles"
#: Wherever it is, in whatever letters.
MARK = re.compile(rb"zq[0-9]{5}canary", re.IGNORECASE)
_numbers = itertools.count(1)
#: Fields that may hold any text and leave a Bundle convertible.
FREE = frozenset(
    {"family", "given", "text", "display", "line", "city", "district", "title", "description", "comment", "div", "note"}
)


def mark() -> str:
    """A mark of its own, so that a leak tells where it came from."""
    return f"zq{next(_numbers):05d}canary"


def marked(value: Any, here: Callable[[str, str], bool], name: str = "") -> Any:
    """A resource with a mark in every string that is chosen by name and value."""
    if isinstance(value, dict):
        return {key: marked(inner, here, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [marked(inner, here, name) for inner in value]
    if not isinstance(value, str) or not here(name, value):
        return value
    if value.endswith("</div>"):
        return value.removesuffix("</div>") + mark() + "</div>"
    return f"{value} {mark()}"


def another(bundle: dict[str, Any], number: int) -> dict[str, Any]:
    """The same, about another patient."""
    return json.loads(json.dumps(bundle).replace('"2001"', f'"2001-{mark()}-{number}"'))  # type: ignore[no-any-return]


def secrets(bundle: dict[str, Any]) -> set[str]:
    """What cannot be marked: numbers and dates of people."""
    found = set()
    for entry in bundle["entry"]:
        resource = entry["resource"]
        if resource["resourceType"] in ("Patient", "RelatedPerson", "Practitioner"):
            values = [one["value"] for one in (*resource.get("identifier", ()), *resource.get("telecom", ()))]
            found |= {one for one in (*values, resource.get("birthDate", "")) if len(one) > 7}
    return found | {re.sub("[ -]", "", one) for one in found if re.fullmatch("[0-9 -]{11,}", one)}


# -- the state ----------------------------------------------------------------------------------------


def soap(body: str, header: str = "") -> bytes:
    names = (
        f'xmlns:s="{SOAP12}" xmlns:a="http://www.w3.org/2005/08/addressing" xmlns:c="{CALLBACK}" xmlns:r="{SERVICE}"'
    )
    return f"<s:Envelope {names}><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>".encode()


def said_no(code: str) -> bytes:
    inside = f"<r:status>error</r:status><r:errors>{item(code, 'r')}</r:errors>"
    return soap(f"<r:registerDocumentResponse>{inside}</r:registerDocumentResponse>")


def fault() -> bytes:
    code, reason = "<s:Code><s:Value>s:Receiver</s:Value></s:Code>", f"<s:Text xml:lang='ru'>{mark()}</s:Text>"
    return soap(f"<s:Fault>{code}<s:Reason>{reason}</s:Reason><s:Detail>{mark()}</s:Detail></s:Fault>")


TAKEN = soap("<r:registerDocumentResponse><r:status>success</r:status></r:registerDocumentResponse>")


@dataclass
class State:
    """A stand that first says what it is told to: status, type and body; of registers ``registers``."""

    stand: Any
    first: list[tuple[int, str, bytes]] = field(default_factory=list)
    registers: list[tuple[int, str, bytes]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        answers = self.registers if scope.get("path", "").startswith("/registers") else self.first
        if scope["type"] != "http" or not answers:
            await self.stand(scope, receive, send)
            return
        status, content_type, body = answers.pop(0)
        while (await receive()).get("more_body"):
            pass
        headers = [(b"content-type", content_type.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@dataclass
class Whole:
    """The service, the state, and what may be searched."""

    service: Served
    state: State
    url: str
    secrets: set[str] = field(default_factory=set)
    tasks: list[str] = field(default_factory=list)

    def clean(self, what: bytes, where: str) -> None:
        found = MARK.search(what)
        near = what[max(0, found.start() - 200) : found.end() + 50] if found else b""
        assert not found, f"{where}: {near!r}"
        for one in self.secrets:
            assert one.encode() not in what, f"{where} holds a number of a person"

    def refused(self, answer: Answer) -> None:
        """A refusal, and nothing of what was sent in it."""
        assert answer.status >= 400
        self.clean(answer.body + repr(answer.headers).encode(), f"answer {answer.status}")

    def send(self, bundle: dict[str, Any]) -> str:
        self.secrets |= secrets(bundle)
        ident = self.service.send(json.dumps(bundle).encode())
        self.tasks.append(ident)
        return ident

    def search(self) -> None:
        """Everything that others than the sender may read."""
        self.clean(self.service.log.read_bytes(), "log")
        # Without its measured values, whose digits may be any.
        self.clean(re.sub(rb" [^ ]+$", b"", self.service.call("GET", "/metrics").body, flags=re.MULTILINE), "metrics")
        self.clean(egisz(self.service.environment, "audit", "export").encode(), "audit")
        for ident in self.tasks:
            self.clean(json.dumps(self.service.task(ident)).encode(), "Task")
        asyncio.run(self._support())
        asyncio.run(self._database())

    async def _support(self) -> None:
        own = Settings(database_url=self.url, data=self.service.log.parent / "data")
        database = await Database.open(own)
        # What is the same in all of them is found out once.
        with patch.object(support, "_versions", functools.cache(support._versions)):
            for ident in self.tasks:
                made = await support.support_bundle(database, own, UUID(ident))
                self.clean(json.dumps(made, default=str, ensure_ascii=False).encode(), "support bundle")
        await database.close()

    async def _database(self) -> None:
        connection = await asyncpg.connect(self.url)
        tables = await connection.fetch(
            "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'egisz'"
        )
        for table in tables:
            for row in await connection.fetch(f"select row_to_json(whole)::text as row from {table['name']} whole"):
                values = json.loads(row["row"])
                if table["name"] == "egisz.product" and values["message_key"] is None:
                    # The sender's own ids of a document and of its set are how the state knows the document.
                    del values["local_uid"], values["set_id"]
                self.clean(json.dumps(values, ensure_ascii=False).encode(), table["name"])
                for raw in re.findall(r'"\\\\x([0-9a-f]+)"', row["row"]):
                    self.clean(bytes.fromhex(raw), f"bytes in {table['name']}")
        await connection.close()
        assert len(tables) > 8


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    home = tmp_path_factory.mktemp("canary")
    with running_cluster() as cluster, fresh_database(template(cluster)) as url:
        port = free_port()
        address = f"http://127.0.0.1:{port}/"
        state = State(create_stand(Options(address=address, timing=Timing(delay=0), validate=False)))
        variables = environment(url, home, EGISZ_REMD_URL=address + "remd", EGISZ_LOG_LEVEL="debug")
        egisz(variables, "sign", "test-keys", str(home / "data"), "--rsa", "--for", str(BUNDLES))
        organisation(home / "data", address)
        with in_a_thread(state, port), serving(variables, home) as service:
            yield Whole(service, state, url)


def organisation(data: Path, address: str) -> None:
    """The file of the fictive organisation, which sends messages to registers of the stand, too."""
    text = Catalogue().file("mappings/organisation.yaml").read_text("utf-8").replace("routes: {}", "")
    (data / "organisations").mkdir()
    (data / "organisations" / "guid").write_text("secret-of-n3")
    (data / "organisations" / "1.2.643.5.1.13.13.12.2.77.99999.yaml").write_text(
        f"{text}\nroutes: {{iemk-patient: on, vzn: on, vzn-patient: on}}\nservices:\n"
        f"  n3: {{urls: {{pix: '{address}registers/n3/PixService.svc', emk: '{address}registers/n3/EMKService.svc'}},"
        " guid: {file: guid}}\n"
        f"  vzn: {{url: '{address}registers/vzn'}}\n",
        "utf-8",
    )


def frcore() -> dict[str, Any]:
    bundle: dict[str, Any] = json.loads((BUNDLES / "170-r4-frcore.json").read_bytes())
    return marked(bundle, lambda name, _: name in FREE)  # type: ignore[no-any-return]


def fact(task: dict[str, Any], code: str) -> list[str]:
    return [one["valueString"] for one in task["output"] if one["type"]["coding"][0]["code"] == code]


def states(task: dict[str, Any]) -> dict[str, str]:
    """State by kind or product."""
    return dict(zip(fact(task, "kind"), fact(task, "state"), strict=True))


# -- what is sent ------------------------------------------------------------------------------------


def test_documents_that_are_registered_after_refusals_of_every_form(whole: Whole) -> None:
    html = f"<html><body>{mark()}</body></html>".encode()
    whole.state.first = [
        (503, "text/html", html),
        (500, "application/soap+xml", fault()),
        (200, "application/soap+xml", said_no("INTERNAL_ERROR")),
        (200, "text/plain", mark().encode()),
    ]
    first = frcore()
    tasks = [whole.send(another(first, number)) for number in range(3)]
    for one in tasks:
        task = whole.service.settled(one)
        assert task["status"] == "completed", task
        assert fact(task, "emdr-id")
    assert not whole.state.first
    assert MARK.search(document(whole, tasks[0])), "the marks are in the document itself, else nothing is proved"
    whole.search()


def document(whole: Whole, task: str) -> bytes:
    """The first document of a Task."""
    outputs = whole.service.task(task)["output"]
    one = next(one for one in outputs if one["type"]["coding"][0]["code"] == "document")
    ident = one["valueReference"]["reference"].rpartition("/")[2]
    return whole.service.call("GET", f"/fhir/Binary/{ident}", Accept="*/*").body


def item(code: str, prefix: str = "c") -> str:
    inside = f"<{prefix}:code>{code}</{prefix}:code><{prefix}:message>{code}: {mark()}</{prefix}:message>"
    return f"<{prefix}:item>{inside}</{prefix}:item>"


def called_back(whole: Whole, body: str, header: str = "") -> Answer:
    return whole.service.call("POST", "/ips/emdr", soap(body, header), Content_Type="application/soap+xml")


async def _sent(url: str, task: str) -> list[str]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        """select message_id from egisz.message join egisz.submission_product using (product_id)
        where submission_id = $1::uuid and direction = 'out' and outcome = 'acknowledged'""",
        task,
    )
    await connection.close()
    return [row["message_id"] for row in rows]


def test_callbacks_whose_texts_quote(whole: Whole) -> None:
    """A refusal, contradictions, strays, notices, what nobody knows, and what cannot be read."""
    whole.state.first = [(200, "application/soap+xml", TAKEN)]
    task = whole.send(another(frcore(), 7))
    (sent,) = whole.service.until(lambda: asyncio.run(_sent(whole.url, task)))
    texts = f"<c:documentNumber>{mark()}</c:documentNumber><c:documentStatus>{mark()}</c:documentStatus>"
    for relates in (sent, "7B1D5C3EAAAA4BBB8CCCBBBBBBBBBBBB"):
        for codes in (f"no code but a text {mark()}", "VALIDATION_ERROR", "NO_SNILS"):
            number = next(_numbers)
            answer = called_back(
                whole,
                f"<c:registerDocumentResult><c:relatesToMessage>{relates}</c:relatesToMessage><c:status>error</c:status>"
                f"{texts}<c:errors>{item(codes)}</c:errors></c:registerDocumentResult>",
                f"<a:MessageID>7b1d5c3e-aaaa-4bbb-8ccc-{number:a>12}</a:MessageID>",
            )
            assert answer.status == 200
            whole.clean(answer.body, "acknowledgement")
    for body in (
        f"<c:sendNoticeRequest><c:text>{mark()}</c:text></c:sendNoticeRequest>",
        f"<c:somethingElse><c:text>{mark()}</c:text></c:somethingElse>",
        f"<c:getDocumentFileRequest><c:localUid>{mark()}</c:localUid></c:getDocumentFileRequest>",
    ):
        called_back(whole, body, f"<a:Action>{mark()}</a:Action>")
    whole.refused(whole.service.call("POST", "/ips/emdr", f"<x>{mark()}".encode(), Content_Type="text/xml"))
    settled = whole.service.settled(task)
    assert settled["status"] == "failed"
    assert states(settled) == {"170": "rejected", "iemk-patient": "registered"}
    whole.search()


def test_messages_of_registers(whole: Whole) -> None:
    """Taken after answers that are none; refused in words that quote."""
    path = BUNDLES.parent / "registers" / "vzn-r4-inclusion.json"
    bundle = marked(json.loads(path.read_bytes()), lambda name, _: name in FREE)
    whole.state.registers = [(503, "text/html", mark().encode()), (200, "text/plain", mark().encode())]
    task = whole.service.settled(whole.send(bundle))
    assert states(task) == {"iemk-patient": "registered", "vzn-patient": "registered", "vzn-record": "registered"}, task
    assert fact(task, "unrz")
    said = json.dumps({"code": mark(), "message": f"СНИЛС {mark()}"}).encode()
    whole.state.registers = [(422, "application/json", said), (500, "text/xml", fault()), (422, "text/plain", said)]
    other = json.loads(json.dumps(bundle).replace("7001", f"7001-{mark()}"))
    task = whole.service.settled(whole.send(other))
    assert "rejected" in states(task).values()
    assert not whole.state.registers
    whole.search()


def test_signers_without_keys(whole: Whole) -> None:
    stranger = json.loads(json.dumps(another(frcore(), 8)).replace("11111111145", "22222222290"))
    for entry in stranger["entry"]:
        if entry["resource"]["resourceType"] == "Practitioner":
            for one in entry["resource"]["identifier"]:
                if "snils" in one["system"]:
                    one["value"] = "087-654-303 00"
    task = whole.service.settled(whole.send(stranger))
    assert states(task) == {"170": "dead", "iemk-patient": "registered"}
    whole.search()


NAMES = sorted(path.name for path in BUNDLES.glob("*.json") if path.name not in ("refusal-r4.json",))


@examples(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(NAMES), share=st.sampled_from((1, 2, 10, 40)), turn=st.integers(0, 39), twist=st.booleans())
def test_whatever_string_is_marked(whole: Whole, name: str, share: int, turn: int, twist: bool) -> None:
    """Codes, dates, urls, ids: most of these Bundles are refused, and the refusals quote nothing."""
    bundle = json.loads((BUNDLES / name).read_bytes())
    count = itertools.count(turn)

    def here(key: str, _value: str) -> bool:
        kept = key in ("resourceType", "type") and not twist
        return not kept and next(count) % share == 0

    changed = {**marked(bundle, here), "resourceType": "Bundle", "type": bundle["type"]}
    data = json.dumps(changed).encode()
    organisation = "?organization=1.2.643.5.1.13.13.12.2.77.99999"
    validated = whole.service.call("POST", f"/fhir/Bundle/$validate{organisation}", data)
    assert validated.status in (200, 400, 422), validated.body
    whole.clean(validated.body, f"$validate of {name}")
    sent = whole.service.call("POST", f"/fhir{organisation}", data)
    whole.clean(sent.body, f"POST of {name}")
    if sent.status == 202:
        whole.tasks.append(sent.json()["id"])


def test_nothing_of_them_is_anywhere(whole: Whole) -> None:
    for task in whole.tasks:
        whole.service.until(
            lambda task=task: whole.service.task(task)["status"] in ("completed", "failed", "in-progress")
        )
    whole.search()


def test_requests_that_are_refused(whole: Whole) -> None:
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    one = whole.service
    for answer in (
        one.call("POST", "/fhir", f'{{"resourceType": "{mark()}"'.encode()),
        one.call("POST", "/fhir", f'{{"resourceType": "{mark()}"}}'.encode()),
        one.call("POST", "/fhir", f"<Bundle xmlns='{mark()}'/>".encode(), Content_Type="application/fhir+xml"),
        one.call("POST", "/fhir", f"<Bundle><{mark()}</Bundle>".encode(), Content_Type="application/fhir+xml"),
        one.call("POST", "/fhir", b"{}", Content_Type=f"text/{mark()}"),
        one.call("POST", "/fhir", b"{}", Content_Type=f"application/fhir+json; fhirVersion={mark()}"),
        one.call("POST", "/fhir", b"{}", Content_Encoding=mark()),
        one.call("POST", f"/fhir?organization={mark()}", json.dumps(frcore()).encode()),
        one.call("POST", "/fhir", json.dumps(frcore()).encode(), Idempotency_Key=mark() * 30),
        one.call("GET", f"/fhir/Task/{mark()}"),
        one.call("GET", f"/fhir/{mark()}/{mark()}"),
        one.call("GET", f"/{mark()}"),
        one.call("GET", f"/fhir/DocumentReference?{mark()}={mark()}"),
        one.call("GET", f"/fhir/DocumentReference?_lastUpdated={mark()}"),
        one.call("GET", f"/fhir/metadata?_format={mark()}"),
        one.call("GET", "/fhir/Task/1", Authorization=f"Bearer {mark()}"),
        one.call(
            "POST", "/auth/token", f"grant_type={mark()}".encode(), Content_Type="application/x-www-form-urlencoded"
        ),
        one.call("POST", "/auth/token", mark().encode(), **form),
    ):
        whole.refused(answer)
    whole.search()
