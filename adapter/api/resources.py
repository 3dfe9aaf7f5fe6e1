"""Rows of the journal as resources of FHIR R4: Task, DocumentReference, Binary. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from adapter.fhir.outcome import operation_outcome
from adapter.findings import Finding
from adapter.pipeline.model import ProductRow, SubmissionRow, Trouble
from adapter.pipeline.states import product_machine

#: Codes of this project in answers.
CODES: Final = "urn:egisz-adapter:product"
#: НСИ: kinds of electronic medical documents.
KINDS: Final = "urn:oid:1.2.643.5.1.13.13.11.1520"
#: Identifiers of a document: its own, and those that the state gave.
LOCAL_UID: Final = "urn:egisz-adapter:local-uid"
EMDR_ID: Final = "urn:egisz-adapter:emdr-id"
UNRZ: Final = "urn:egisz-adapter:unrz"
CMS: Final = "application/pkcs7-signature"


def task(submission: SubmissionRow, products: Sequence[ProductRow], *, lang: str = "ru") -> dict[str, Any]:
    """The Task of a submission: status of each product, findings, numbers.

    ``Task.output`` has a type and one value, so each fact of a product is an output of its own: ``type.coding`` names
    the fact (``kind``, ``state``, ``emdr-id``, ``document``, ``outcome`` …), ``type.text`` the product that it is of.
    """
    made: dict[str, Any] = {
        "resourceType": "Task",
        "id": str(submission.id),
        "meta": {"versionId": str(submission.version), "lastUpdated": instant(submission.changed_at)},
        "contained": [],
        "status": status(submission, products),
        "intent": "order",
        "code": {"coding": [{"system": CODES, "code": "register", "display": "Register with the state"}]},
        "authoredOn": instant(submission.received_at),
        "lastModified": instant(submission.changed_at),
        "output": [],
    }
    _troubles(made, "bundle", submission.error, lang)
    _outcome(made, "bundle", submission.findings, lang)
    for product in products:
        _product(made, product, lang)
    for key in ("contained", "output"):
        if not made[key]:
            del made[key]
    return made


def status(submission: SubmissionRow, products: Sequence[ProductRow]) -> str:
    """``Task.status``: of the whole submission."""
    if submission.state in ("accepted", "held"):
        return "on-hold" if submission.state == "held" else "accepted"
    if submission.state != "converted":
        return "failed"
    states = {product.state for product in products}
    if "held" in states:
        return "on-hold"
    if states - product_machine().final:
        return "in-progress"
    return "completed" if states <= {"registered"} else "failed"


def document_reference(product: ProductRow, signatures: int, base: str) -> dict[str, Any]:
    """The DocumentReference of a document that was made.

    Args:
        signatures: how many the document has.
        base: address of the endpoint, without a slash at its end.
    """
    numbers = {LOCAL_UID: product.local_uid, EMDR_ID: product.emdr_id, UNRZ: product.unrz}
    identifiers = [{"system": system, "value": value} for system, value in numbers.items() if value]
    content = [{"attachment": _attachment(base, str(product.id), "application/xml")}]
    content += [
        {"attachment": _attachment(base, f"{product.id}-s{number}", CMS)} for number in range(1, signatures + 1)
    ]
    return {
        "resourceType": "DocumentReference",
        "id": str(product.id),
        "meta": {"lastUpdated": instant(product.changed_at)},
        "identifier": identifiers,
        "status": "current",
        "docStatus": "final" if product.state == "registered" else "preliminary",
        "type": {"coding": [{"system": KINDS, "code": product.kind}]},
        "date": instant(product.created_at),
        "content": content,
        "context": {"related": [{"reference": f"Task/{product.submission_id}"}]},
    }


def binary(ident: str, content_type: str, data: bytes) -> dict[str, Any]:
    """A Binary for callers who ask for FHIR; others get the bytes themselves."""
    return {
        "resourceType": "Binary",
        "id": ident,
        "contentType": content_type,
        "data": base64.b64encode(data).decode(),
    }


def searchset(resources: Iterable[dict[str, Any]], base: str, self_url: str, next_url: str = "") -> dict[str, Any]:
    """A page of a search."""
    links = [{"relation": "self", "url": self_url}]
    if next_url:
        links.append({"relation": "next", "url": next_url})
    entries = [
        {
            "fullUrl": f"{base}/{one['resourceType']}/{one['id']}",
            "resource": one,
            "search": {"mode": "match"},
        }
        for one in resources
    ]
    return {"resourceType": "Bundle", "type": "searchset", "link": links, **({"entry": entries} if entries else {})}


def instant(moment: datetime) -> str:
    """An ``instant`` of FHIR, to the millisecond."""
    return moment.isoformat(timespec="milliseconds")


def _attachment(base: str, ident: str, content_type: str) -> dict[str, str]:
    return {"contentType": content_type, "url": f"{base}/Binary/{ident}"}


def _product(made: dict[str, Any], product: ProductRow, lang: str) -> None:
    """Add the facts of a product to a Task."""
    name = str(product.id)
    facts = {"kind": product.kind, "state": product.state, "emdr-id": product.emdr_id, "unrz": product.unrz}
    made["output"] += [_output(name, fact, {"valueString": value}) for fact, value in facts.items() if value]
    if product.has_document:
        reference = {"reference": f"DocumentReference/{name}"}
        made["output"].append(_output(name, "document", {"valueReference": reference}))
    _troubles(made, name, product.error, lang)
    _outcome(made, name, product.findings, lang)


def _troubles(made: dict[str, Any], name: str, trouble: Trouble | None, lang: str) -> None:
    """Add why something stopped, and what to do."""
    if trouble is not None:
        made["output"].append(_output(name, "error", {"valueString": trouble.text.get(lang)}))
        made["output"] += [_output(name, "error-code", {"valueString": code}) for code in trouble.codes]


def _outcome(made: dict[str, Any], name: str, findings: Sequence[Finding], lang: str) -> None:
    """Add findings as a contained OperationOutcome, referred to by an output."""
    if not findings:
        return
    ident = f"outcome-{len(made['contained'])}"
    made["contained"].append({**operation_outcome(findings, lang=lang), "id": ident})
    made["output"].append(_output(name, "outcome", {"valueReference": {"reference": f"#{ident}"}}))


def _output(name: str, fact: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"type": {"coding": [{"system": CODES, "code": fact}], "text": name}, **value}
