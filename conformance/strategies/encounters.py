"""Encounter with what belongs to it: diagnoses, vital signs, conclusion, documents, Composition."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from xml.sax.saxutils import escape

from conformance.strategies.parts import NSI, Draft, Resource, book, concept, quoted

_ONLY_195: Final = frozenset({"195"})
_ONLY_204: Final = frozenset({"204"})
#: Kinds with a text of each diagnosis, and with the title of the Composition.
_DIAGNOSED: Final = frozenset({"119", "185", "191", "195", "204"})
_TITLED: Final = frozenset({"119", "142", "163", "185", "191", "195", "204", "227"})
_ACT: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_PARTICIPATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
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
    "119": (("11.1520", "119"), ("11.1522", "5")),
    "142": (("11.1520", "142"), ("11.1522", "368"), ("99.2.1079", "64")),
    "163": (("11.1520", "163"), ("11.1522", "109")),
    "170": (("11.1520", "170"), ("11.1522", "53"), ("99.2.1079", "46")),
    "185": (("11.1520", "185"), ("11.1522", "57")),
    "191": (("11.1520", "191"), ("11.1522", "341")),
    "195": (("11.1520", "195"), ("11.1522", "350"), ("99.2.1079", "61")),
    "204": (("11.1520", "204"), ("11.1522", "480"), ("99.2.1079", "105")),
}


def encounter(
    draft: Draft,
    subject: Resource,
    organisation: Resource,
    doctor: Resource,
    *,
    inpatient: bool = False,
    types: Sequence[Resource] = (),
    role: Resource | None = None,
) -> tuple[Resource, Resource]:
    """An Encounter is put into the Bundle, finished and with its card; a Reference to it, and the resource.

    Args:
        types: of the Encounter: first or repeated visit, place, commission.
        role: of the doctor; drawn by default.
    """
    card = "mis-inpatient-record" if inpatient else "ambulatory-card"
    held = [draft.own("mis-encounter")]
    if draft.given():
        held.append(draft.own(card) if draft.coin() else draft.identifier(card))
    made: Resource = {"resourceType": "Encounter", "identifier": held, "subject": subject}
    outside = ("AMB", "VR", "HH") if types else ("AMB", "VR", "HH", "EMER")
    coding = {"system": _ACT, "code": "IMP" if inpatient else draft.pick(outside)}
    made["class"] = [{"coding": [coding]}] if draft.r5 else coding
    made["status"] = "completed" if draft.r5 else "finished"
    # The type and the form of care.
    care = [book("11.1034", draft.pick(("1", "2", "4")))] if draft.coin() else []
    if types or care:
        made["type"] = [*types, *care]
    if draft.coin():
        made["priority"] = book("11.1551", draft.pick(("1", "2", "3")))
    times = sorted((draft.moment(), draft.moment()), key=datetime.fromisoformat)
    made["actualPeriod" if draft.r5 else "period"] = {"start": times[0], "end": times[1]}
    if role is None and draft.coin():
        role = concept(_PARTICIPATION, draft.pick(("PPRF", "ATND")))
    one: Resource = {"actor" if draft.r5 else "individual": doctor}
    made["participant"] = [one | ({"type": [role]} if role else {})]
    if draft.given():
        made["serviceProvider"] = organisation
    if inpatient and draft.coin():
        place = {"display": draft.text("Encounter.hospitalization.destination.display", _ONLY_195)}
        made["admission" if draft.r5 else "hospitalization"] = {"destination": place}
    return draft.add(made), made


def diagnose(
    draft: Draft, subject: Resource, reference: Resource, visit: Resource, *, least: int = 0
) -> list[Resource]:
    """Diagnoses of an Encounter, each with its Condition; References to the Conditions.

    Args:
        least: how many there are at least; the first is then a diagnosis that was not refuted.
    """
    targets = []
    diagnoses = []
    for number in range(draft.count(least if draft.given() else 0, 3)):
        made: Resource = {"resourceType": "Condition", "subject": subject, "encounter": reference}
        made["clinicalStatus"] = concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active")
        states = ("confirmed", "provisional") if number < least else ("confirmed", "provisional", "refuted")
        state = draft.pick(states) if draft.coin() else ""
        if state:
            system = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
            made["verificationStatus"] = concept(system, state)
        made["code"] = book("11.1005", draft.pick(_DISEASES))
        kinds = frozenset[str]() if state == "refuted" else _DIAGNOSED
        if draft.coin():
            made["code"]["text"] = draft.text("Condition.code.text", kinds)
        if draft.coin():
            made["recordedDate"] = draft.moment()
        if draft.coin():
            made["note"] = [{"text": draft.text("Condition.note.text", kinds & {"191"})}]
        use = book("11.1077", "1" if number == 0 else draft.pick(("2", "3")))
        target = draft.add(made)
        targets.append(target)
        item: Resource = {"condition": [{"reference": target}]} if draft.r5 else {"condition": target}
        if draft.given():
            item["use"] = [use] if draft.r5 else use
        diagnoses.append(item)
    if diagnoses:
        visit["diagnosis"] = diagnoses
    return targets


def vitals(draft: Draft, subject: Resource, reference: Resource) -> list[Resource]:
    """Vital signs of an Encounter; References to the Observations."""
    category = concept("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")
    targets = []
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
        targets.append(draft.add(made))
    return targets


def conclude(draft: Draft, subject: Resource, reference: Resource, kinds: frozenset[str] = _ONLY_204) -> None:
    """A conclusion in words: a ClinicalImpression or a DiagnosticReport.

    Args:
        kinds: kinds of documents that have a place for it; only 204 has one for the note.
    """
    if draft.coin():
        made: Resource = {"resourceType": "ClinicalImpression", "status": "completed", "subject": subject}
        made |= {"encounter": reference, "summary": draft.text("ClinicalImpression.summary", kinds)}
        if draft.coin():
            made["note"] = [{"text": draft.text("ClinicalImpression.note.text", kinds & _ONLY_204)}]
        if draft.coin():
            made["date"] = draft.moment()
    else:
        made = {"resourceType": "DiagnosticReport", "status": "final", "subject": subject, "encounter": reference}
        made |= {"code": {"text": "Заключение"}, "conclusion": draft.text("DiagnosticReport.conclusion", kinds)}
        made["issued"] = draft.moment()
    draft.add(made)


def observed(draft: Draft, subject: Resource, reference: Resource | None, code: Resource, **value: Any) -> Resource:
    """An Observation of anything is put into the Bundle; a Reference to it."""
    made: Resource = {"resourceType": "Observation", "status": "final", "code": code, "subject": subject}
    if reference is not None:
        made["encounter"] = reference
    if draft.coin():
        made["effectiveDateTime"] = draft.moment()
    return draft.add(made | value)


def attached(
    draft: Draft, subject: Resource, visit: Resource | None, kinds: frozenset[str], *, to: Resource | None = None
) -> Resource:
    """A document of an Encounter, or of another resource (``to``), is put into the Bundle; a Reference to it."""
    made: Resource = {"resourceType": "DocumentReference", "status": "current", "subject": subject}
    if draft.given():
        held = [draft.own("mis-document")]
        made["identifier"] = held + ([draft.identifier("remd-number")] if draft.coin() else [])
    made["type"] = book("11.1522", draft.pick(("5", "6", "7")))
    attachment: Resource = {"contentType": "application/pdf", "url": "https://mis.example.org/documents/1"}
    if draft.coin():
        attachment["creation"] = draft.pick((draft.moment(), draft.day(2024, 2025)))
        made |= {"date": draft.moment()} if draft.coin() else {}
    elif draft.given():
        made["date"] = draft.moment()
    made["content"] = [{"attachment": attachment}]
    if draft.coin():
        made["description"] = draft.text("DocumentReference.description", kinds)
    links = [one for one in (visit, to) if one is not None]
    if draft.r5 and links:
        made["context"] = links
    elif links:
        inside: Resource = {"encounter": [visit]} if visit is not None else {}
        made["context"] = inside | ({"related": [to]} if to is not None else {})
    return draft.add(made)


# -- Composition ------------------------------------------------------------------------------------


def composition(
    draft: Draft,
    kind: str,
    subject: Resource,
    reference: Resource | None,
    doctor: Resource,
    head: Resource,
    sections: Sequence[Resource] | None = None,
) -> Resource:
    """The Composition of a document of a kind; it is not put into the Bundle.

    Args:
        sections: its sections; by default one or two with a text.
    """
    made: Resource = {"resourceType": "Composition", "status": "final"}
    if kind == "227":
        # The kind is written from this code, which older editions of the book do not have.
        made["type"] = {"coding": [*quoted("11.1520", "227")["coding"], *book("99.2.1079", "13")["coding"]]}
    else:
        some = [{"system": f"urn:oid:{NSI}{short}", "code": code} for short, code in _TYPES[kind]]
        made["type"] = {"coding": some[draft.count(0, len(some) - 1) :]}
    made["subject"] = [subject] if draft.r5 else subject
    if reference is not None:
        made["encounter"] = reference
    made |= {"date": draft.moment(2025 if kind == "227" else 2024), "author": [doctor]}
    made["title"] = draft.text("Composition.title", _TITLED, plain=("Заключение", "Выписка"))
    if draft.coin():
        held = draft.own("mis-document-set")
        made["identifier"] = [held] if draft.r5 else held
    if draft.given():
        mode = concept("http://hl7.org/fhir/composition-attestation-mode", "legal") if draft.r5 else "legal"
        made["attester"] = [{"mode": mode, "party": head}]
    made["section"] = list(sections) if sections is not None else _sections(draft, kind)
    return made


def section(title: str, *, text: str = "", code: str = "", entries: Sequence[Resource] = ()) -> Resource:
    """A section of a Composition, with a text, or with entries and the code of 99.2.197."""
    made: Resource = {"title": title}
    if code:
        made["code"] = book("99.2.197", code)
    if text:
        div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{escape(text)}</p></div>'
        made["text"] = {"status": "generated", "div": div}
    if entries:
        made["entry"] = list(entries)
    return made


_SECTIONS: Final = {"195": ("Анамнез", "Рекомендации"), "204": ("Заключение",), "170": ("Прививки",)}


def _sections(draft: Draft, kind: str) -> list[Resource]:
    # The words of 204 come of an impression or a report where there is one: then a section is not copied.
    kinds = _ONLY_195 if kind == "195" else frozenset[str]()
    titles = _SECTIONS.get(kind, ("Сведения",))
    return [section(title, text=draft.text("Composition.section.text.div", kinds)) for title in titles]
