"""Encounter with what belongs to it: diagnoses, vital signs, conclusion, Composition."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape

from conformance.strategies.parts import NSI, Draft, Resource, book, concept

_BOTH: Final = frozenset({"195", "204"})
_ONLY_195: Final = frozenset({"195"})
_ONLY_204: Final = frozenset({"204"})
_ACT: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_LOINC: Final = "http://loinc.org"
_UCUM: Final = "http://unitsofmeasure.org"
_DISEASES: Final = ("I10", "E66.0", "K35.8", "J06.9", "U07.1", "Z00.0")
#: LOINC, value, unit, UCUM.
_VITALS: Final = (
    ("8310-5", 36.6, "°C", "Cel"),
    ("29463-7", 88, "кг", "kg"),
    ("8302-2", 176.5, "см", "cm"),
    ("8867-4", 72, "уд/мин", "/min"),
    ("39156-5", 28.4, "кг/м2", "kg/m2"),
)
#: Kind of document → type of its Composition, any of them.
_TYPES: Final = {
    "195": (("11.1520", "195"), ("11.1522", "350"), ("99.2.1079", "61")),
    "204": (("11.1520", "204"), ("11.1522", "480"), ("99.2.1079", "105")),
    "170": (("11.1520", "170"), ("11.1522", "53"), ("99.2.1079", "46")),
}


def encounter(
    draft: Draft, subject: Resource, organisation: Resource, doctor: Resource, *, inpatient: bool = False
) -> tuple[Resource, Resource]:
    """An Encounter is put into the Bundle, finished and with its card; a Reference to it, and the resource."""
    card = "mis-inpatient-record" if inpatient else "ambulatory-card"
    held = [draft.own("mis-encounter")]
    if draft.given():
        held.append(draft.own(card) if draft.coin() else draft.identifier(card))
    made: Resource = {"resourceType": "Encounter", "identifier": held, "subject": subject}
    coding = {"system": _ACT, "code": "IMP" if inpatient else draft.pick(("AMB", "VR", "HH", "EMER"))}
    made["class"] = [{"coding": [coding]}] if draft.r5 else coding
    made["status"] = "completed" if draft.r5 else "finished"
    times = sorted((draft.moment(), draft.moment()), key=datetime.fromisoformat)
    made["actualPeriod" if draft.r5 else "period"] = {"start": times[0], "end": times[1]}
    made["participant"] = [{"actor" if draft.r5 else "individual": doctor}]
    if draft.given():
        made["serviceProvider"] = organisation
    if inpatient and draft.coin():
        place = {"display": draft.text("Encounter.hospitalization.destination.display", _ONLY_195)}
        made["admission" if draft.r5 else "hospitalization"] = {"destination": place}
    return draft.add(made), made


def diagnose(draft: Draft, subject: Resource, reference: Resource, visit: Resource) -> None:
    """Diagnoses of an Encounter, each with its Condition."""
    diagnoses = []
    for number in range(draft.count(0, 3)):
        made: Resource = {"resourceType": "Condition", "subject": subject, "encounter": reference}
        made["clinicalStatus"] = concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active")
        if draft.coin():
            system = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
            made["verificationStatus"] = concept(system, draft.pick(("confirmed", "provisional", "refuted")))
        made["code"] = book("11.1005", draft.pick(_DISEASES))
        if draft.coin():
            made["code"]["text"] = draft.text("Condition.code.text", _BOTH)
        if draft.coin():
            made["recordedDate"] = draft.moment()
        use = book("11.1077", "1" if number == 0 else draft.pick(("2", "3")))
        target = draft.add(made)
        item: Resource = {"condition": [{"reference": target}]} if draft.r5 else {"condition": target}
        if draft.given():
            item["use"] = [use] if draft.r5 else use
        diagnoses.append(item)
    if diagnoses:
        visit["diagnosis"] = diagnoses


def vitals(draft: Draft, subject: Resource, reference: Resource) -> None:
    """Vital signs of an Encounter."""
    category = concept("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")
    for _ in range(draft.count(0, 3)):
        made: Resource = {"resourceType": "Observation", "status": "final", "category": [category]}
        made |= {"subject": subject, "encounter": reference}
        if draft.given():
            made["effectiveDateTime"] = draft.moment()
        if draft.coin():
            code, value, unit, ucum = draft.pick(_VITALS)
            made["code"] = concept(_LOINC, code)
            made["valueQuantity"] = {"value": value, "unit": unit, "system": _UCUM, "code": ucum}
        else:
            made["code"] = concept(_LOINC, "85354-9")
            made["component"] = [
                {
                    "code": concept(_LOINC, code),
                    "valueQuantity": {"value": value, "unit": "мм рт. ст.", "system": _UCUM, "code": "mm[Hg]"},
                }
                for code, value in (("8480-6", 142), ("8462-4", 91))
            ]
        draft.add(made)


def conclude(draft: Draft, subject: Resource, reference: Resource) -> None:
    """A conclusion in words: a ClinicalImpression or a DiagnosticReport."""
    if draft.coin():
        made: Resource = {"resourceType": "ClinicalImpression", "status": "completed", "subject": subject}
        made |= {"encounter": reference, "summary": draft.text("ClinicalImpression.summary", _ONLY_204)}
        if draft.coin():
            made["note"] = [{"text": draft.text("ClinicalImpression.note.text", _ONLY_204)}]
        if draft.coin():
            made["date"] = draft.moment()
    else:
        made = {"resourceType": "DiagnosticReport", "status": "final", "subject": subject, "encounter": reference}
        made |= {"code": {"text": "Заключение"}, "conclusion": draft.text("DiagnosticReport.conclusion", _ONLY_204)}
        made["issued"] = draft.moment()
    draft.add(made)


def composition(
    draft: Draft, kind: str, subject: Resource, reference: Resource | None, doctor: Resource, head: Resource
) -> Resource:
    """The Composition of a document of a kind; it is not put into the Bundle."""
    made: Resource = {"resourceType": "Composition", "status": "final"}
    some = [{"system": f"urn:oid:{NSI}{short}", "code": code} for short, code in _TYPES[kind]]
    made["type"] = {"coding": some[draft.count(0, len(some) - 1) :]}
    made["subject"] = [subject] if draft.r5 else subject
    if reference is not None:
        made["encounter"] = reference
    made |= {"date": draft.moment(), "author": [doctor]}
    made["title"] = draft.text("Composition.title", _BOTH, plain=("Заключение", "Выписка"))
    if draft.coin():
        held = draft.own("mis-document-set")
        made["identifier"] = [held] if draft.r5 else held
    if draft.given():
        mode = concept("http://hl7.org/fhir/composition-attestation-mode", "legal") if draft.r5 else "legal"
        made["attester"] = [{"mode": mode, "party": head}]
    made["section"] = _sections(draft, kind)
    return made


def _sections(draft: Draft, kind: str) -> list[Resource]:
    sections = []
    titles = {"195": ("Анамнез", "Рекомендации"), "204": ("Заключение",), "170": ("Прививки",)}[kind]
    for title in titles:
        # The words of 204 come of an impression or a report where there is one: then a section is not copied.
        text = draft.text("Composition.section.text.div", _ONLY_195 if kind == "195" else frozenset())
        div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{escape(text)}</p></div>'
        sections.append({"title": title, "text": {"status": "generated", "div": div}})
    return sections
