"""A СЭМД in CDA → the R5 document Bundle that RuCore makes of it."""

from __future__ import annotations

from typing import Any

from tests.rucore.body import Body
from tests.rucore.header import coverage, encounter, event, organization, patient, reference_to, staff
from tests.rucore.parts import DAR, Entries, Json, Node, codings, compact, concept, identifier, many, moment, one, words


def bundle(root: Node) -> Json:
    """The Bundle of a ClinicalDocument."""
    entries = Entries()
    subject = patient(entries, _one(root, "recordTarget/patientRole"))
    service, case = _one(root, "documentationOf/serviceEvent"), _one(root, "componentOf/encompassingEncounter")
    care = encounter(case, service, subject)
    body = Body(entries, subject)
    header = _composition(entries, root, subject)
    sections = [body.section(found) for found in many(root, "component/structuredBody/component/section")]
    care["diagnosis"] = body.diagnoses
    author = header["author"][0]
    composition = {
        **header,
        "encounter": entries.add({**care, "serviceProvider": _provider(entries, subject)}),
        "section": [*sections, _administrative(entries, root, subject, author, service)],
    }
    identity = identifier(_one(root, "id"), "mis-document")
    first = Entries()
    first.add(composition)
    return {
        "resourceType": "Bundle",
        "identifier": identity,
        "type": "document",
        "timestamp": "2026-11-24T12:00:00+03:00",
        "entry": [*first.all, *entries.all],
    }


def _one(root: Node, path: str) -> Node:
    found = one(root, path)
    assert found is not None, path
    return found


def _provider(entries: Entries, subject: Json) -> Any:
    found = next(item["resource"] for item in entries.all if item["fullUrl"] == subject["reference"])
    return found["managingOrganization"]


def _composition(entries: Entries, root: Node, subject: Json) -> Json:
    code, time, level = _one(root, "code"), _one(root, "effectiveTime"), _one(root, "confidentialityCode")
    absent = {"extension": [{"url": DAR, "valueCode": "not-applicable"}]} if time.get("nullFlavor") else None
    lawyer = staff(entries, _one(root, "legalAuthenticator/assignedEntity"))
    mode = {"coding": [{"system": "http://hl7.org/fhir/composition-attestation-mode", "code": "legal"}]}
    return compact(
        resourceType="Composition",
        meta={"security": codings(level)},
        language="ru-RU",
        identifier=[identifier(_one(root, "setId"), "mis-document-set")],
        version=_one(root, "versionNumber").get("value"),
        status="unknown",
        type={"coding": [*codings(code), *codings(_one(code, "translation"))]},
        subject=[subject],
        date=moment(time),
        date_=absent,
        author=[staff(entries, _one(root, "author/assignedAuthor"))],
        title=words(root, "title"),
        attester=[{"mode": mode, "party": lawyer}],
        custodian=organization(entries, _one(root, "custodian/assignedCustodian/representedCustodianOrganization")),
    )


def _administrative(entries: Entries, root: Node, subject: Json, author: Json, service: Node) -> Json:
    """What has no clinical place: recipient, payer, referrer, order, event."""
    received = organization(entries, _one(root, "informationRecipient/intendedRecipient/receivedOrganization"))
    found = [received, event(entries, service, subject)]
    for participant in many(root, "participant"):
        entity = _one(participant, "associatedEntity")
        if participant.get("typeCode") == "IND":
            found.append(coverage(entries, entity, subject))
        else:
            found.append(staff(entries, entity))
    found.extend(
        reference_to(entries, order, subject, type=concept(_one(order, "code")))
        for order in many(root, "inFulfillmentOf/order")
    )
    return {"title": "Контекст исходного CDA", "author": [author], "entry": found}
