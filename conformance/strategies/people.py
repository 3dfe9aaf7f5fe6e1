"""People and organisations: Patient, RelatedPerson, Practitioner and its role, Organization, Coverage."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from conformance.strategies.identifiers import Dialect
from conformance.strategies.parts import ALL, Draft, Release, Resource, book, concept

_GUIDE: Final = "https://fhir.ru/ig/core/StructureDefinition/"
_ROLES: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
_FAMILIES: Final = ("Тестов", "Тестова", "Пробный", "Образцова-Примерная", "ибн Тест", "О'Тест", "Ёжикова")
_GIVEN: Final = ("Иван", "Ольга", "Пётр", "Анна-Мария", "Джон", "Ян")
_PATRONYMICS: Final = ("Иванович", "Петровна", "Рашид оглы", "Ильинична")
_DOCTORS: Final = ("109", "159", "334")


def human_name(draft: Draft, owner: str, kinds: frozenset[str] = ALL) -> Resource:
    """A name; the patronymic is the second of ``given``, and is left out at times."""
    given = [draft.text(f"{owner}.name.given", kinds, plain=_GIVEN)]
    if draft.coin():
        given.append(draft.text(f"{owner}.name.given", kinds, plain=_PATRONYMICS))
    name = {"family": draft.text(f"{owner}.name.family", kinds, plain=_FAMILIES), "given": given}
    return name | ({"use": "official"} if draft.coin() else {})


def telecom(draft: Draft) -> Resource:
    """A phone or an address of mail."""
    if draft.coin():
        number = draft.pick(("+7 900 000-00-01", "8 (900) 000-00-02", "tel:+79000000003"))
        return {"system": "phone", "value": number, "use": draft.pick(("home", "work", "mobile"))}
    return {"system": "email", "value": draft.pick(("test@example.org", "mailto:test@example.org"))}


def address(
    draft: Draft, owner: str, *, patient: bool = False, home: bool = False, kinds: frozenset[str] = ALL
) -> Resource:
    """An address in Russia; of a patient with its type, and at times with town or village.

    Args:
        home: whether it is where the patient lives, told by its type or by its use.
    """
    extensions: list[Resource] = []
    if patient and draft.coin():
        # Like an address of RuCoreIG, with an extension of the sender's own: no guide has one.
        residence = book("11.1042", draft.pick(("1", "2")))
        extensions.append({"url": "https://mis.example.org/fhir/residence", "valueCodeableConcept": residence})
    elif patient:
        kinds = kinds - {"191"}
    made: Resource = {"text": draft.text(f"{owner}.address.text", kinds)}
    region = draft.pick(("77", "78", "50", "14"))
    if draft.coin():
        extensions.append({"url": f"{_GUIDE}regionRF", "valueCodeableConcept": book("99.2.206", region)})
    elif draft.given():
        made["state"] = region
    if patient:
        if draft.coin():
            kind = "3" if home else draft.pick(("1", "2", "3"))
            extensions.append({"url": f"{_GUIDE}address-type", "valueCodeableConcept": book("11.1504", kind)})
        elif draft.given():
            made["use"] = "home" if home else draft.pick(("billing", "home", "temp"))
        made |= {"country": draft.pick(("RU", "RUS", "Россия"))} if draft.coin() else {}
    if draft.coin():
        made["postalCode"] = draft.pick(("101000", "677000", "190000"))
    return made | ({"extension": extensions} if extensions else {})


def _identity_document(draft: Draft) -> Resource:
    made = draft.identifier("identity-document")
    if draft.complete or draft.coin():
        made["type"] = book("99.2.48", draft.pick(("1", "6", "10", "21")))
    if draft.given():
        made["period"] = {"start": draft.day(2000, 2015)}
    assigner: Resource = {"display": draft.text("Patient.identifier.assigner.display", plain=("Тестовым отделом МВД",))}
    if draft.coin():
        assigner["identifier"] = draft.identifier("division-code")
    return made | {"assigner": assigner}


def policy(draft: Draft) -> Resource:
    """The number of a policy of ОМС; where a document wants to know of which type it is, told by number or type."""
    if not draft.complete:
        return draft.identifier("oms-policy")
    made = draft.identifier("oms-policy", typed=False)
    if made["value"].isdigit() and draft.coin():
        made["type"] = draft.pick((book("11.1035", "2"), book("11.1035", "3"), book("99.2.724", "1")))
    return made


def patient(draft: Draft, organisation: Resource | None = None, *, at_home: bool = False) -> Resource:
    """A Patient.

    Args:
        at_home: whether a document wants to know where he lives, and his sex.
    """
    held: list[Resource] = [draft.own("mis-patient") if draft.coin() else draft.identifier("mis-patient")]
    if draft.given():
        held.append(draft.identifier("snils"))
    if draft.coin():
        held.append(policy(draft))
    if draft.coin():
        held.append(_identity_document(draft))
    made: Resource = {"resourceType": "Patient", "identifier": draft.draw(st.permutations(held))}
    made["name"] = [human_name(draft, "Patient")]
    if draft.given():
        made["gender"] = draft.pick(("male", "female", "other") if at_home else ("male", "female", "other", "unknown"))
    if draft.given():
        made["birthDate"] = draft.day(1930, 2015)
    many = draft.draw(st.integers(0 if not draft.complete else 1, 2))
    if many:
        made["address"] = [
            address(draft, "Patient", patient=True, home=at_home and not number) for number in range(many)
        ]
    if draft.coin():
        made["telecom"] = [telecom(draft)]
    if organisation is not None and draft.coin():
        made["managingOrganization"] = organisation
    return made


def related_person(draft: Draft, subject: Resource) -> Resource:
    """A relative of a patient, a representative or not."""
    role = draft.pick(("MTH", "FTH", "PARNT", "GUARD", "SPS", "SIS"))
    made: Resource = {"resourceType": "RelatedPerson", "patient": subject}
    made["relationship"] = [concept(_ROLES, role)]
    made["name"] = [human_name(draft, "RelatedPerson", frozenset())]
    made["gender"] = draft.pick(("male", "female"))
    if draft.coin():
        made["identifier"] = [draft.identifier("snils")]
    return made


def organization(draft: Draft, *, kinds: frozenset[str] = ALL, placed: bool = False) -> Resource:
    """The organisation that provides care, or another one.

    Args:
        kinds: kinds of documents that have a place for it.
        placed: whether a document wants its address.
    """
    held = [draft.identifier(kind) for kind in ("medical-organization", "ogrn", "okpo")]
    made: Resource = {"resourceType": "Organization", "identifier": held}
    made["name"] = draft.text("Organization.name", kinds, plain=("ГБУЗ «Тестовая поликлиника»", "БУ 'Тест' & Ко"))
    if draft.given() if placed else draft.coin():
        contacts: Resource = {"telecom": [telecom(draft)]}
        place = address(draft, "Organization", kinds=kinds)
        contact = contacts | {"address": place}
        made |= {"contact": [contact]} if draft.r5 else contacts | {"address": [place]}
    return made


def practitioner(draft: Draft, organisation: Resource, kinds: frozenset[str] = frozenset()) -> Resource:
    """A worker: Practitioner and PractitionerRole are put into the Bundle; a Reference to the role."""
    person: Resource = {"resourceType": "Practitioner", "name": [human_name(draft, "Practitioner", kinds)]}
    if draft.given():
        person["identifier"] = [draft.identifier("snils")]
    role: Resource = {"resourceType": "PractitionerRole", "practitioner": draft.add(person)}
    role["organization"] = organisation
    if draft.coin():
        role["identifier"] = [draft.own("mis-practitioner-role")]
    if draft.given():
        role["code"] = [book("11.1002", draft.pick(_DOCTORS))]
    return draft.add(role)


def coverage(draft: Draft, subject: Resource, *, proven: bool = False) -> Resource:
    """Who pays; an insurance company is put into the Bundle.

    Args:
        proven: whether a document wants the contact of the company, and since when the policy is valid.
    """
    insurer: Resource = {"resourceType": "Organization", "name": "АО «Тестовая страховая компания»"}
    insurer["identifier"] = [draft.identifier("insurer")] + ([draft.identifier("inn")] if draft.coin() else [])
    if draft.given() if proven else draft.coin():
        made_contact = [telecom(draft)]
        insurer |= {"contact": [{"telecom": made_contact}]} if draft.r5 else {"telecom": made_contact}
    if draft.coin():
        place = address(draft, "Organization", kinds=frozenset())
        if draft.r5:
            insurer.setdefault("contact", [{}])[0]["address"] = place
        else:
            insurer["address"] = [place]
    kind, code = draft.pick((("oms-policy", "1"), ("dms-policy", "3"), ("contract", "4")))
    made: Resource = {"resourceType": "Coverage", "status": "active", "beneficiary": subject}
    made["identifier"] = [policy(draft) if kind == "oms-policy" else draft.identifier(kind)]
    if draft.given():
        made["type"] = book("11.1039", code)
    if draft.given() if proven else draft.coin():
        made["period"] = {"start": draft.day(2010, 2015)}
    reference = draft.add(insurer)
    return made | ({"kind": "insurance", "insurer": reference} if draft.r5 else {"payor": [reference]})


@st.composite
def patients(draw: st.DrawFn, *, dialect: Dialect | None = None, version: Release = "R4") -> Resource:
    """A Patient by itself.

    Args:
        dialect: spellings of identifiers; drawn by default.
        version: release of FHIR.
    """
    chosen = dialect or draw(st.sampled_from(Dialect))
    return patient(Draft(draw, version, chosen, complete=False)) | {"id": "patient-1"}
