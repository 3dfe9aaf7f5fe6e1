"""The header of CDA as RuCore carries it: people, organisations, payer, referral, event and case."""

from __future__ import annotations

from tests.rucore.parts import (
    CODES,
    NSI,
    PROFILES,
    SYSTEMS,
    Entries,
    Json,
    Node,
    absent,
    address,
    codings,
    compact,
    concept,
    identifier,
    kind,
    many,
    moment,
    name,
    one,
    period,
    telecoms,
    words,
)

LICENCE = "1.2.643.5.1.13.2.1.1.1504.101"
SNILS = "1.2.643.100.3"


def patient(entries: Entries, role: Node) -> Json:
    """recordTarget/patientRole."""
    person, ids = one(role, "patient"), []
    assert person is not None
    for item in many(role, "id"):
        if item.get("root") == SNILS:
            ids.append({"type": kind("snils"), "system": SYSTEMS + "snils", "value": item.get("extension")})
        else:
            ids.append(identifier(item, "mis-patient"))
    ids += [_document(found) for found in many(role, "identity:IdentityDoc")]
    ids += [_policy(found) for found in many(role, "identity:InsurancePolicy")]
    gender = one(person, "administrativeGenderCode")
    assert gender is not None
    return entries.add(
        compact(
            resourceType="Patient",
            identifier=ids,
            name=name(one(person, "name")),
            telecom=telecoms(role),
            gender={"1": "male", "2": "female"}.get(gender.get("code", ""), "unknown"),
            birthDate=moment(one(person, "birthTime")),
            address=[address(found) for found in many(role, "addr")],
            managingOrganization=organization(entries, one(role, "providerOrganization")),
        )
    )


def _document(node: Node) -> Json:
    found = one(node, "identity:IdentityCardType")
    assert found is not None
    office = words(node, "identity:IssueOrgCode")
    return compact(
        type={"coding": codings(found) + kind("identity-document")["coding"]},
        system=SYSTEMS + "identity-document",
        value=_number(node),
        period=compact(start=moment(one(node, "identity:IssueDate"))),
        assigner=compact(
            display=words(node, "identity:IssueOrgName"),
            identifier={"system": SYSTEMS + "ns-division-code", "value": office} if office else None,
        ),
    )


def _policy(node: Node) -> Json:
    found = one(node, "identity:InsurancePolicyType")
    assert found is not None
    mine = [*kind("oms-policy")["coding"], {"system": CODES + "nsi-coverage-document", "code": "1"}]
    return {"type": {"coding": mine + codings(found)}, "system": SYSTEMS + "oms", "value": _number(node)}


def _number(node: Node) -> str:
    parts = (words(node, "identity:Series"), words(node, "identity:Number"))
    return " ".join(part for part in parts if part)


def organization(entries: Entries, node: Node | None) -> Json | None:
    """An organisation, and its department as one more that is part of it; the reference to the narrower one."""
    if node is None:
        return None
    root = one(node, "id")
    assert root is not None
    oid, department = root.get("root"), root.get("extension")
    whole = [{"system": SYSTEMS + "frmo", "value": oid}]
    if oid == NSI.rstrip(".") or oid == "1.2.643.5.1.13":
        whole = [{"system": "urn:ietf:rfc:3986", "value": f"urn:oid:{oid}"}]
    elif oid == NSI + "99.2.183":
        whole, department = [{"system": f"urn:oid:{oid}", "value": department}], None
    for tag, system in (("Ogrn", "ogrn"), ("Okpo", "okpo")):
        value = words(node, f"identity:Props/identity:{tag}")
        if value:
            whole.append({"system": SYSTEMS + system, "value": value})
    inn = words(node.getparent(), "identity:DocInfo/identity:INN") if node.getparent() is not None else None
    if inn:
        whole.append({"system": SYSTEMS + "inn", "value": inn})
    okato = words(node, "identity:Props/identity:Okato")
    licences = [found for found in many(node, "id") if found.get("root") == LICENCE]
    reference = entries.add(
        compact(
            resourceType="Organization",
            extension=[_okato(okato)] if okato else None,
            identifier=whole,
            name=words(node, "name"),
            contact=[compact(telecom=telecoms(node), address=address(one(node, "addr")))],
            qualification=[_licence(found) for found in licences],
        )
    )
    if not department:
        return reference
    return entries.add(
        {
            "resourceType": "Organization",
            "identifier": [{"system": SYSTEMS + "frmo-department", "value": department}],
            "partOf": reference,
        }
    )


def _okato(value: str) -> Json:
    return {
        "url": PROFILES + "okato",
        "valueCodeableConcept": {"coding": [{"system": CODES + "nsi-okato", "code": value}]},
    }


def _licence(node: Node) -> Json:
    number = {"system": SYSTEMS + "medlicense", "value": node.get("extension")}
    number["assigner"] = {"display": node.get("assigningAuthorityName")}  # type: ignore[assignment] # JSON
    return {"identifier": [number], "code": {"text": "Лицензия"}}


def staff(entries: Entries, node: Node) -> Json:
    """assignedAuthor, assignedEntity or associatedEntity: a role with its person and organisation."""
    person = next(iter(many(node, "assignedPerson") + many(node, "associatedPerson")), None)
    firms = many(node, "representedOrganization") + many(node, "scopingOrganization")
    numbers, role = [], []
    for item in many(node, "id"):
        if item.get("root") == SNILS:
            numbers.append({"type": kind("snils"), "system": SYSTEMS + "snils", "value": item.get("extension")})
        else:
            role.append(identifier(item, "mis-practitioner-role"))
    someone = None
    if person is not None:
        place = address(one(node, "addr"), "work")
        someone = entries.add(
            compact(
                resourceType="Practitioner",
                identifier=numbers,
                name=name(one(person, "name")),
                address=[place] if place else None,
            )
        )
    position, contacts = concept(one(node, "code")), telecoms(node)
    return entries.add(
        compact(
            resourceType="PractitionerRole",
            identifier=role,
            practitioner=someone,
            organization=organization(entries, firms[0]) if firms else None,
            code=[position] if position else None,
            contact=[{"telecom": contacts}] if contacts else None,
        )
    )


def coverage(entries: Entries, node: Node, beneficiary: Json) -> Json:
    """participant[IND]/associatedEntity."""
    document, insurer = one(node, "identity:DocInfo"), one(node, "scopingOrganization")
    assert document is not None
    source = concept(one(node, "code"))
    time = one(document, "identity:effectiveTime")
    policy = one(document, "identity:InsurancePolicyType")
    assert time is not None and policy is not None
    mine = [{"system": CODES + "nsi-coverage-document", "code": "1"}, *codings(policy)]
    return entries.add(
        compact(
            resourceType="Coverage",
            status="draft",
            kind="insurance",
            type=source,
            identifier=[{"type": {"coding": mine}, "system": SYSTEMS + "oms", "value": _number(document)}],
            beneficiary=beneficiary,
            period=compact(start=moment(one(time, "identity:low")), end=moment(one(time, "identity:high"))),
            insurer=organization(entries, insurer),
        )
    )


def reference_to(entries: Entries, node: Node, subject: Json, **more: object) -> Json:
    """A document elsewhere: order or externalDocument, with its ids."""
    return entries.add(
        compact(
            resourceType="DocumentReference",
            identifier=[identifier(found) for found in many(node, "id")],
            status="current",
            subject=subject,
            # The file itself is not there: a name, and the reason.
            content=[{"attachment": {**absent("NI"), "title": "документ"}}],
            **more,
        )
    )


def event(entries: Entries, node: Node, subject: Json) -> Json:
    """documentationOf/serviceEvent."""
    time = one(node, "effectiveTime")
    assert time is not None
    function = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
    performers = []
    for found in many(node, "performer"):
        entity = one(found, "assignedEntity")
        assert entity is not None
        performers.append(
            {
                "function": {"coding": [{"system": function, "code": found.get("typeCode")}]},
                "actor": staff(entries, entity),
            }
        )
    return entries.add(
        compact(
            resourceType="Procedure",
            status="completed",
            code=concept(one(node, "code")),
            subject=subject,
            occurrencePeriod=period(time),
            performer=performers,
        )
    )


def encounter(case: Node, service: Node, subject: Json) -> Json:
    """encompassingEncounter with what the event says of the care; diagnoses are added later."""
    ids, card_type, time = many(case, "id"), one(case, "code"), one(case, "effectiveTime")
    kind_of_care = concept(one(service, "medService:serviceType"))
    assert time is not None
    found = compact(
        resourceType="Encounter",
        identifier=[identifier(ids[0], "mis-encounter")],
        status="unknown",
        subject=subject,
        priority=concept(one(service, "medService:serviceForm")),
        serviceType=[{"concept": kind_of_care}] if kind_of_care else None,
        actualPeriod=period(time),
    )
    found["class"] = [concept(one(service, "medService:serviceCond"))]
    if len(ids) > 1:
        card = identifier(ids[1])
        arc = "mis-inpatient-record" if ids[1].get("root", "").endswith(".16") else "mis-ambulatory-encounter"
        mine = kind(arc)["coding"]
        card["type"] = {"coding": [*(codings(card_type) if card_type is not None else ()), *mine]}
        found["partOf"] = {"type": "Encounter", "identifier": card}
    return found
