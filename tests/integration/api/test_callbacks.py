"""Messages of РЭМД by HTTP: who is believed, and what is noted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapter.signing.certificate import read_certificate
from adapter.signing.local import RsaSigner
from adapter.signing.testkeys import Subject, make_pair
from adapter.transport.envelope import SOAP12, Header, read, write
from adapter.transport.schema import CALLBACK, CALLBACK_WSDL, load_schema
from adapter.transport.security import Security, Verifier, load_trusted
from tests.integration.api.conftest import Api

SOAP = {"Content-Type": "application/soap+xml"}


def asked(number: int, security: Security | None = None) -> bytes:
    """РЭМД asks for a file that nobody has."""
    body = load_schema(CALLBACK_WSDL).build(f"{{{CALLBACK}}}getDocumentFileRequest", {"localUid": f"none-{number}"})
    header = Header("getDocumentFile", f"00000000-0000-4000-8000-{number:012d}", "", "http://us/", "http://them/", "")
    return write(body, header, soap=SOAP12, security=security, at=datetime.now(UTC))


@pytest.fixture
def nobody(api: Api) -> Iterator[Api]:
    """No network is believed."""
    before = api.service.callbacks
    api.service.callbacks = replace(before, networks=())
    yield api
    api.service.callbacks = before


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[RsaSigner]]:
    """The certificate that is trusted, and the signers: of it, and of another one."""
    folder = tmp_path_factory.mktemp("ips")
    made = []
    for name in ("ips", "other"):
        make_pair(folder, name, Subject(name), "rsa")
        made.append(RsaSigner(read_certificate(folder / f"{name}.crt"), folder / f"{name}.key", b""))
    return folder / "ips.crt", made


def post(api: Api, data: bytes, **headers: str) -> Any:
    return api.http.post("/ips/emdr", content=data, headers={**SOAP, **headers})


async def _stored(api: Api) -> int:
    async with api.service.journal.database.connection() as connection:
        return int(await connection.fetchval("select count(*) from egisz.message where direction = 'in'"))


def test_a_network_that_is_named_is_believed(api: Api) -> None:
    answer = post(api, asked(1))
    assert answer.status_code == 200
    body = read(answer.content).body
    assert body is not None and str(body.tag).endswith("getDocumentFileResponse")


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])
def test_a_proxy_is_not_a_network(api: Api, header: str) -> None:
    before = api.wait(_stored, api)
    answer = post(api, asked(2), **{header: "203.0.113.7"})
    assert answer.status_code == 403
    assert answer.json()["code"] == "API02"
    assert api.wait(_stored, api) == before


def test_others_are_not_believed(nobody: Api) -> None:
    assert post(nobody, asked(3)).status_code == 403


def test_a_trusted_signature_is_believed_from_anywhere(nobody: Api, signers: tuple[Path, list[RsaSigner]]) -> None:
    trusted, (theirs, another) = signers
    nobody.service.callbacks = replace(nobody.service.callbacks, verifier=Verifier(load_trusted(trusted)))
    through = {"X-Forwarded-For": "203.0.113.7"}
    assert post(nobody, asked(4, Security(theirs)), **through).status_code == 200
    assert post(nobody, asked(5, Security(another)), **through).status_code == 403
    signed = asked(6, Security(theirs))
    assert post(nobody, signed.replace(b"none-6", b"none-7"), **through).status_code == 403
