"""Bundles by HTTP: accepted once, told of, seen by their own organisation only."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from adapter import xml
from tests.integration.api.conftest import BASE, Api


def post(api: Api, data: bytes, name: str = "mis", *, query: str = "", **headers: str) -> Any:
    return api.http.post(f"/fhir{query}", content=data, headers=api.headers(name, **headers))


def changed(bundle: bytes, **values: Any) -> bytes:
    return json.dumps({**json.loads(bundle), **values}).encode()


def issue(answer: Any) -> tuple[int, str]:
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    return answer.status_code, outcome["issue"][0]["details"]["coding"][0]["code"]


def test_a_bundle_is_stored_and_its_task_is_named(api: Api, bundle: bytes) -> None:
    answer = post(api, bundle)
    assert answer.status_code == 202
    location = answer.headers["content-location"]
    assert location.startswith(f"{BASE}/Task/")
    assert answer.json()["status"] == "accepted"
    task = api.http.get(location.removeprefix("https://clinic.example"), headers=api.headers())
    assert task.json() == answer.json()
    stored = api.wait(api.service.journal.bundle, api.wait(_submission, api, task.json()["id"]).id)
    assert stored == bundle


async def _submission(api: Api, ident: str) -> Any:
    from uuid import UUID

    return await api.service.journal.submission(UUID(ident))


def test_the_same_bundle_gives_the_same_task(api: Api, bundle: bytes) -> None:
    first, second = (post(api, changed(bundle, language="ru")) for _ in range(2))
    assert first.headers["content-location"] == second.headers["content-location"]


def test_the_same_key_gives_the_same_task(api: Api, bundle: bytes) -> None:
    first, second = (post(api, bundle, **{"Idempotency-Key": "k-7"}) for _ in range(2))
    assert first.headers["content-location"] == second.headers["content-location"]


def test_changed_content_under_the_same_identifier_is_a_new_version(api: Api, bundle: bytes) -> None:
    identifier = {"system": "urn:test", "value": "b-1"}
    first = post(api, changed(bundle, identifier=identifier)).json()
    second = post(api, changed(bundle, identifier=identifier, language="ru")).json()
    assert (first["meta"]["versionId"], second["meta"]["versionId"]) == ("1", "2")
    assert first["id"] != second["id"]


def test_nothing_but_the_address_is_returned_where_nothing_is_wanted(api: Api, bundle: bytes) -> None:
    answer = post(api, bundle, Prefer="respond-async; return=minimal")
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["content-location"]


def test_packed_and_xml(api: Api, bundle: bytes) -> None:
    answer = post(api, gzip.compress(bundle), **{"Content-Encoding": "gzip", "Accept": "application/fhir+xml"})
    assert answer.status_code == 202
    assert answer.headers["content-type"].startswith("application/fhir+xml")
    assert xml.parse(answer.content).getroot().tag == "{http://hl7.org/fhir}Task"


@pytest.mark.parametrize(
    ("query", "name", "expected"),
    [
        ("?organization=1.2.643.5.1.13.13.12.2.78.1", "mis", (403, "API02")),
        ("?organization=urn:oid:1.2.643.5.1.13.13.12.2.77.99999", "mis", None),
    ],
)
def test_the_organisation_must_be_the_clients(
    api: Api, bundle: bytes, query: str, name: str, expected: tuple[int, str] | None
) -> None:
    answer = post(api, bundle, name, query=query)
    assert answer.status_code == 202 if expected is None else issue(answer) == expected


def test_a_client_of_several_organisations_has_to_say_which(api: Api, bundle: bytes) -> None:
    api.register("both", "1.2.643.5.1.13.13.12.2.77.99999", "1.2.643.5.1.13.13.12.2.78.1")
    silent = changed(bundle, entry=[one for one in json.loads(bundle)["entry"] if "Patient" in str(one)[:400]][:1])
    assert issue(post(api, silent, "both")) == (422, "API06")
    assert post(api, bundle, "both").status_code == 202  # its Organization names it


def test_others_do_not_see_it(api: Api, bundle: bytes) -> None:
    location = post(api, bundle).headers["content-location"].removeprefix("https://clinic.example")
    assert issue(api.http.get(location, headers=api.headers("other"))) == (404, "API03")
    unknown = api.http.get("/fhir/Task/00000000-0000-7000-8000-000000000000", headers=api.headers("other"))
    assert unknown.json() == api.http.get(location, headers=api.headers("other")).json()


@pytest.mark.parametrize("path", ["/fhir/Task/x", "/fhir/Binary/x", "/fhir/DocumentReference"])
def test_nobody_comes_in_without_a_token(api: Api, path: str) -> None:
    answer = api.http.get(path)
    assert issue(answer) == (401, "API01")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_token_allows_what_it_says(api: Api, bundle: bytes) -> None:
    token = api.token("mis", "system/Task.r")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
    assert issue(api.http.post("/fhir", content=bundle, headers=headers)) == (403, "API02")


def test_a_token_ends(api: Api) -> None:
    headers = api.headers()
    api.clock.pass_by(400)
    assert issue(api.http.get("/fhir/Task/x", headers=headers)) == (401, "API01")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [("GET", "/fhir/Patient/1", (404, "API03")), ("DELETE", "/fhir/metadata", (405, "API13"))],
)
def test_what_there_is_not(api: Api, method: str, path: str, expected: tuple[int, str]) -> None:
    assert issue(api.http.request(method, path)) == expected


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_no_pages_for_everybody(api: Api, path: str) -> None:
    assert api.http.get(path).status_code == 404


def test_problems_outside_of_fhir_are_problem_details(api: Api) -> None:
    answer = api.http.get("/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "API03"


def test_converting_at_once(api: Api, bundle: bytes) -> None:
    answer = api.http.post("/fhir/Bundle/$convert", content=bundle, headers=api.headers())
    assert answer.status_code == 200
    products = [one for one in answer.json()["parameter"] if one["name"] == "product"]
    parts = {part["name"]: part for part in products[0]["part"]}
    assert parts["kind"]["valueCode"] == "170"
    assert parts["accepted"]["valueBoolean"] is True
    assert parts["document"]["resource"]["contentType"] == "application/xml"


def test_validating_at_once(api: Api, bundle: bytes) -> None:
    broken = bundle.replace(b'"birthDate": "', b'"birthDate": "x')
    answer = api.http.post("/fhir/Bundle/$validate", content=broken, headers=api.headers())
    assert answer.status_code == 200
    assert any("birthDate" in str(one.get("expression")) for one in answer.json()["issue"])


def test_a_search_finds_nothing_yet(api: Api) -> None:
    answer = api.http.get("/fhir/DocumentReference?type=170&_count=5", headers=api.headers())
    assert answer.json()["type"] == "searchset"
    assert "entry" not in answer.json()


@pytest.mark.parametrize(
    "query", ["patient=1", "_lastUpdated=yesterday", "_count=0", "_id=x", "_lastUpdated=ge9999-99-99"]
)
def test_a_search_that_is_not_understood_is_refused(api: Api, query: str) -> None:
    assert issue(api.http.get(f"/fhir/DocumentReference?{query}", headers=api.headers())) == (400, "API08")


def test_capabilities_need_no_token(api: Api) -> None:
    statement = api.http.get("/fhir/metadata").json()
    assert statement["fhirVersion"] == "4.0.1"
    smart = api.http.get("/fhir/.well-known/smart-configuration").json()
    assert smart["token_endpoint"] == "https://clinic.example/auth/token"
    assert api.http.get("/health/live").json() == {"status": "live"}


def test_every_access_is_in_the_audit(api: Api, bundle: bytes) -> None:
    ident = post(api, bundle).json()["id"]
    api.wait(api.service.audit.seal)
    found = api.wait(api.service.audit.verify)
    assert found.ok
    assert found.head.position > 0
    api.wait(_audited, api, ident)


async def _audited(api: Api, ident: str) -> None:
    events = [row["event"] async for row in api.service.audit.rows()]
    assert any(f"Task/{ident}" in event and '"C"' in event for event in events)
