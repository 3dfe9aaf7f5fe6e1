"""The command, and three ways of one clinic: N3 of a region, N3 of an operator, directly. Only its file differs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from adapter.catalogue import Catalogue
from adapter.cli import app
from adapter.errors import MappingError, UsageError
from adapter.nsi.importer import import_folder
from adapter.settings import settings
from adapter.stand.app import Options, create_stand
from adapter.transport.http import AioHttp
from tests.integration.stand.conftest import bound, running

pytestmark = pytest.mark.books

EXAMPLES = Path(__file__).parents[3] / "examples/registers"
STANDS = ("region", "operator", "state")
N3 = (
    "routes: {iemk-patient: on, iemk-case: on}\n"
    "services:\n  n3: {urls: {pix: 'HOST/n3/pix', emk: 'HOST/n3/emk'}, guid: GUID}\n"
)
WAYS = {
    "region": N3.replace("HOST", "REGION").replace("GUID", "{file: region.guid}"),
    "operator": N3.replace("HOST", "OPERATOR").replace("GUID", "{env: OPERATOR_GUID}"),
    "state": "routes: {vaccination-register: on}\n"
    "services:\n  vaccination-register: {url: 'STATE/vaccination-register', token: {file: state.token}}\n",
}
SECRETS = {"region": "guid-of-the-region", "operator": "guid-of-the-operator", "state": "token-of-the-state"}


@pytest.fixture(scope="module")
def nsi(tmp_path_factory: pytest.TempPathFactory, nsi_source: Path) -> Path:
    home = tmp_path_factory.mktemp("nsi")
    import_folder(nsi_source, home)
    return home


@pytest.fixture
def clinic(tmp_path: Path, nsi: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a Bundle of a visit with a vaccination, and what proves who the clinic is."""
    monkeypatch.setenv("EGISZ_NSI", str(nsi))
    monkeypatch.setenv("EGISZ_LANG", "en")
    settings.cache_clear()
    bundle = json.loads((EXAMPLES / "case-r4-outpatient.json").read_bytes())
    given = [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == "Immunization"]
    done = next(one for one in given if one["status"] == "completed")
    # The register has a dictionary of its own.
    system = "urn:egisz-adapter:codesystem:vaccination-register-vaccine"
    done["vaccineCode"]["coding"].append({"system": system, "code": "1"})
    bundle["entry"] = [one for one in bundle["entry"] if one["resource"] not in given or one["resource"] is done]
    (tmp_path / "day.json").write_text(json.dumps(bundle), "utf-8")
    (tmp_path / "region.guid").write_text(SECRETS["region"], "utf-8")
    (tmp_path / "state.token").write_text(SECRETS["state"], "utf-8")
    monkeypatch.setenv("OPERATOR_GUID", SECRETS["operator"])
    return tmp_path


class Stands:
    """Three stands, and the command in a process that shares them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.addresses = folder, dict.fromkeys(STANDS, "")

    async def send(self, *options: str, way: str = "", services: str = "") -> Result:
        text = Catalogue().file("mappings/organisation.yaml").read_text("utf-8").replace("routes: {}", "")
        text += WAYS[way] if way else services
        for name, address in self.addresses.items():
            text = text.replace(name.upper() + "/", f"{address}registers/")
        (self.folder / "clinic.yaml").write_text(text, "utf-8")
        command = ["send", str(self.folder / "day.json"), "--org", str(self.folder / "clinic.yaml"), *options]
        return await asyncio.to_thread(CliRunner().invoke, app, command)

    async def received(self) -> dict[str, list[dict[str, Any]]]:
        """The requests to each stand, of all registers."""
        found: dict[str, list[dict[str, Any]]] = {}
        async with AioHttp() as http:
            for name, address in self.addresses.items():
                found[name] = []
                for service in ("vaccination-register", "n3"):
                    answer = await http.request("GET", f"{address}admin/registers/{service}", None, {})
                    found[name] += json.loads(answer.body)["received"]
        return found


Story = Callable[[Stands], Coroutine[Any, Any, None]]


@pytest.fixture
def told(clinic: Path) -> Callable[[Story], None]:
    async def whole(story: Story) -> None:
        async with AsyncExitStack() as stack:
            stands = Stands(clinic)
            for name in STANDS:
                sock = bound()
                address = f"http://127.0.0.1:{sock.getsockname()[1]}/"
                stand = create_stand(Options(address=address, validate=False))
                stands.addresses[name] = await stack.enter_async_context(running(stand, sock))
            await story(stands)

    return lambda story: asyncio.run(whole(story))


CASE = [("iemk-patient", "AddPatient", "sent"), ("iemk-case", "AddCase", "closed")]
CALLS = {"region": CASE, "operator": CASE, "state": [("vaccination-record", "create", "УНРЗ")]}


def test_the_file_of_the_clinic_says_the_way(told: Callable[[Story], None]) -> None:
    """One Bundle, one command; each register is told all, since it knows nothing of what another one was told."""

    async def story(stands: Stands) -> None:
        for way, calls in CALLS.items():
            result = await stands.send("--format", "json", way=way)
            assert result.exit_code == 0, result.output
            sent = json.loads(result.stdout)
            numbers = [one["number"] if one["number"].isalpha() else "УНРЗ" for one in sent]
            made = zip(sent, numbers, strict=True)
            assert [(one["product"], one["operation"], number) for one, number in made] == calls
        received = await stands.received()
        bodies = {name: [one["body"] for one in requests] for name, requests in received.items()}
        assert [len(one) for one in bodies.values()] == [2, 2, 1]
        for name, others in bodies.items():
            # Nobody gets the secret of another.
            assert {way for way, secret in SECRETS.items() if secret in "".join(others)} == {name} - {"state"}
        # To both N3 the same bytes but for the guid, and to the state the same patient.
        swapped = [one.replace(SECRETS["operator"], SECRETS["region"]) for one in bodies["operator"]]
        assert swapped == bodies["region"]
        surname = json.loads(bodies["state"][0])["person"]["lastname"]
        assert f">{surname}<" in bodies["region"][0]

    told(story)


def test_what_is_sent_is_told_to_a_person(told: Callable[[Story], None]) -> None:
    async def story(stands: Stands) -> None:
        first = await stands.send(way="state")
        assert first.exit_code == 0
        assert first.stdout.startswith("OK  vaccination-record  create  № ")
        folder = stands.folder / "trial"
        again = await stands.send("--exchange", str(folder), way="state")
        assert again.exit_code == 0
        assert again.stdout.split("№")[0] == "OK  vaccination-record  update  "
        kept = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
        assert set(kept) == {"01-vaccination-record.request.txt", "01-vaccination-record.answer.txt"}
        assert kept["01-vaccination-record.request.txt"].startswith("PUT /registers/vaccination-register/record/")
        assert SECRETS["state"] not in "".join(kept.values())

    told(story)


def test_another_address_and_a_known_number(told: Callable[[Story], None]) -> None:
    async def story(stands: Stands) -> None:
        address = stands.addresses["region"] + "registers/vaccination-register"
        options = ("--product", "vaccination-record", "--to", address)
        assert (await stands.send(*options, way="state")).exit_code == 0
        refused = await stands.send(*options, "--number", "7700000000000017", way="state")
        assert (refused.exit_code, refused.stdout.split()[0]) == (1, "!!")
        received = await stands.received()
        assert [(one["method"], one["path"], one["status"]) for one in received["region"]] == [
            ("POST", "record", 201),
            ("PUT", "record/7700000000000017/reg", 404),
        ]
        assert received["state"] == []

    told(story)


@pytest.mark.parametrize(
    ("options", "services", "said"),
    [
        (("--product", "170"), "", "no messages"),
        ((), "", "routes of the organisation"),
        (("--product", "vzn-patient"), "services: {nowhere: {url: 'http://a'}}", "nowhere"),
        (("--product", "iemk-patient", "--to", "ftp://a"), "", "http"),
    ],
)
def test_a_wrong_call(clinic: Path, options: tuple[str, ...], services: str, said: str) -> None:
    result = asyncio.run(Stands(clinic).send(*options, services=services))
    assert isinstance(result.exception, UsageError | MappingError)
    assert said in result.exception.text.en


def test_a_message_with_errors_does_not_leave(told: Callable[[Story], None]) -> None:
    async def story(stands: Stands) -> None:
        path = stands.folder / "day.json"
        path.write_text(path.read_text("utf-8").replace("vaccination-register-vaccine", "of-somebody"), "utf-8")
        result = await stands.send(way="state")
        assert result.exit_code == 1
        assert "MAP02" in result.stdout
        assert (await stands.received())["state"] == []

    told(story)


def test_a_route_that_is_off_makes_nothing_because_another_one_makes_its_product(clinic: Path) -> None:
    """The example has an EpisodeOfCare; the clinic sends what a Flag says."""
    (clinic / "day.json").write_bytes((EXAMPLES / "vzn-r4-inclusion.json").read_bytes())
    services = "services: {vzn: {folder: out}}\n"
    of_flags = asyncio.run(Stands(clinic).send(services=f"routes: {{vzn-flag: on}}\n{services}"))
    assert of_flags.exit_code == 1
    assert not (clinic / "out").exists()
    of_episodes = asyncio.run(Stands(clinic).send(services=f"routes: {{vzn: on}}\n{services}"))
    assert of_episodes.exit_code == 0, of_episodes.output
    assert len(list((clinic / "out").iterdir())) == 1
