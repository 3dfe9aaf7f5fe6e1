"""What a doctor records in a visit: the course of a consultation (119), what was found in an examination (191)."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from conformance.strategies.encounters import observed, section
from conformance.strategies.parts import Draft, Resource, book, concept, quoted

_119: Final = frozenset({"119"})
_191: Final = frozenset({"191"})
_BOTH: Final = _119 | _191
_LOINC: Final = "http://loinc.org"
_UCUM: Final = "http://unitsofmeasure.org"
_ORGANS: Final = ("PSYCH", "NERVOUS", "SKIN", "RESPIRATORY", "CARDIOVASCULAR", "LOCALIS", "NONDRUG", "MEDINTERVENTIONS")
_SOME_ORGANS: Final = st.lists(st.sampled_from(_ORGANS), max_size=3, unique=True)


class Visit:
    """A visit that is being recorded: its Bundle, patient and Encounter, and the sections of its Composition."""

    def __init__(self, draft: Draft, subject: Resource, reference: Resource, *, composed: bool) -> None:
        """
        Args:
            composed: whether there will be a Composition: then some words stand in its sections alone.
        """
        self.draft = draft
        self.subject = subject
        self.reference = reference
        self.composed = composed
        self.sections: list[Resource] = []

    def field(self, code: str, **value: Any) -> Resource:
        """An Observation of a field of 99.2.166."""
        return observed(self.draft, self.subject, self.reference, book("99.2.166", code), **value)

    def told(self, element: str, code: Resource, title: str, short: str, kinds: frozenset[str]) -> None:
        """Words in an Observation, or in a section of the Composition."""
        text = self.draft.text(element, kinds)
        if self.composed and self.draft.coin():
            self.sections.append(section(title, text=text, code=short))
        else:
            observed(self.draft, self.subject, self.reference, code, valueString=text)


def consult(visit: Visit) -> None:
    """What 119 wants: state, course, conclusion, and what may stand beside it."""
    draft = visit.draft
    _state(visit)
    _history(visit)
    if draft.given():
        visit.told("Observation.805", book("99.2.166", "805"), "Консультация", "RESCONS", _119)
    if draft.given():
        visit.field("806", valueString=draft.text("Observation.806", _119))
    if draft.coin():
        visit.field("807", valueString=draft.text("Observation.807", _119))
    if draft.coin():
        visit.field("808", valueCodeableConcept=book("11.1005", draft.pick(("I10", "I11.9"))))
    if draft.coin():
        visit.field("810", valueCodeableConcept=quoted("11.1009", "4"))
    if draft.coin():
        visit.field("811", valueCodeableConcept=quoted("99.2.541", "1.00000.0216"))


def examine(visit: Visit) -> None:
    """What 191 wants: state, what was found, and what may stand beside it."""
    draft = visit.draft
    _state(visit)
    _history(visit)
    if draft.given():
        found = (book("99.2.166", "12193"), book("99.2.197", "EXAMINFO"), concept(_LOINC, "29545-1"))
        visit.told("Observation.12193", draft.pick(found), "Осмотр", "EXAMINFO", _191)
    if draft.coin():
        visit.told("Observation.COMPLNTS", concept(_LOINC, "10154-3"), "Жалобы", "COMPLNTS", _191)
    if draft.coin():
        visit.field("808", valueCodeableConcept={"text": draft.text("Observation.808", _191)})
    if draft.coin():
        visit.field("12524", valueCodeableConcept=quoted("11.1038", "5"))
    if draft.coin():
        visit.field("8042", valueString=draft.text("Observation.8042", _191))
    for code in draft.draw(_SOME_ORGANS):
        visit.told(f"Observation.{code}", book("99.2.197", code), code, code, _191)
    _plans(visit)


def _state(visit: Visit) -> None:
    if visit.draft.given():
        visit.field("804", valueCodeableConcept=book("11.1006", visit.draft.pick(("1", "2", "3", "4", "5", "6"))))


def _history(visit: Visit) -> None:
    """Anamnesis of the illness and of life."""
    draft = visit.draft
    if draft.coin():
        code = draft.pick((book("99.2.197", "ANAM"), concept(_LOINC, "10164-2")))
        visit.told("Observation.ANAM", code, "Анамнез заболевания", "ANAM", _BOTH)
    if draft.coin():
        code = draft.pick((book("99.2.197", "LANAM"), concept(_LOINC, "11348-0")))
        visit.told("Observation.LANAM", code, "Анамнез жизни", "LANAM", _BOTH)


def _plans(visit: Visit) -> None:
    """Drugs, investigations, a plan of care."""
    draft = visit.draft
    beside: Resource = {"subject": visit.subject, "encounter": visit.reference}
    if draft.coin():
        draft.add(_drug(draft) | beside)
    if draft.coin():
        words = {"text": draft.text("ServiceRequest.code.text", _191)}
        made: Resource = {"resourceType": "ServiceRequest", "status": "active", "intent": "order"}
        draft.add(made | beside | {"code": {"concept": words} if draft.r5 else words, "authoredOn": draft.moment()})
    if draft.coin():
        plan: Resource = {"resourceType": "CarePlan", "status": "active", "intent": "plan"}
        draft.add(plan | beside | {"description": draft.text("CarePlan.description", _191)})


def _drug(draft: Draft) -> Resource:
    """A prescription, complete or told in words."""
    made: Resource = {"resourceType": "MedicationRequest", "status": "active", "intent": "order"}
    named = {"text": draft.text("MedicationRequest.medication.text", _191, plain=("Амлодипин, таблетки 5 мг",))}
    made |= {"medication": {"concept": named}} if draft.r5 else {"medicationCodeableConcept": named}
    made["authoredOn"] = draft.moment()
    how: Resource = {"text": draft.text("MedicationRequest.dosageInstruction.text", _191)}
    repeat: Resource = {"frequency": draft.pick((1, 2)), "period": 1, "periodUnit": "d"}
    if draft.coin():
        repeat["boundsPeriod"] = {"start": draft.day(2024, 2024), "end": draft.day(2025, 2025)}
    how["timing"] = {"repeat": repeat}
    if draft.coin():
        how["route"] = quoted("11.1468", "2")
    if draft.coin():
        dose = {"value": draft.pick((5, 12.5)), "unit": "мг", "system": _UCUM, "code": "mg"}
        how["doseAndRate"] = [{"doseQuantity": dose}]
    return made | {"dosageInstruction": [how]}


def serve(draft: Draft, subject: Resource, reference: Resource, moment: str) -> Resource:
    """A service of the nomenclature is put into the Bundle; a Reference to it."""
    made: Resource = {"resourceType": "Procedure", "status": "completed", "subject": subject, "encounter": reference}
    made["code"] = quoted("11.1070", draft.pick(("A05.10.006", "B04.047.001")))
    return draft.add(made | {"occurrenceDateTime" if draft.r5 else "performedDateTime": moment})
