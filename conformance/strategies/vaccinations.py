"""Immunization with what belongs to it: reaction, result."""

from __future__ import annotations

from typing import Final

from conformance.strategies.parts import NSI, Draft, Resource, book, codes, concept

_ONLY_170: Final = frozenset({"170"})
_SNOMED: Final = "http://snomed.info/sct"


def immunization(
    draft: Draft,
    subject: Resource,
    encounter: Resource | None,
    performer: Resource,
    *,
    moment: str = "",
    reaction: Resource | None = None,
) -> Resource:
    """A vaccination, done or refused, is put into the Bundle; a Reference to it.

    Args:
        moment: when it was done; drawn by default.
        reaction: the reaction to it; drawn by default.
    """
    made: Resource = {"resourceType": "Immunization", "patient": subject}
    made["status"] = "completed" if draft.complete or draft.given() else draft.pick(("not-done", "entered-in-error"))
    made["vaccineCode"] = book("11.1078", draft.pick(codes("vaccine-group", NSI + "11.1078")))
    made["occurrenceDateTime"] = moment or draft.pick((draft.moment(), draft.day(2024, 2025)))
    made["performer"] = [{"actor": performer}]
    if encounter is not None and draft.given():
        made["encounter"] = encounter
    made |= _product(draft)
    if draft.coin():
        made["protocolApplied"] = [_protocol(draft)]
    if reaction is not None or draft.coin():
        made["reaction"] = [_reaction(draft, subject) if reaction is None else reaction]
    reference = draft.add(made)
    if draft.coin():
        _result(draft, subject, reference)
    return reference


def _product(draft: Draft) -> Resource:
    """What was given, how much and where."""
    made: Resource = {}
    if draft.coin():
        made["lotNumber"] = draft.text("Immunization.lotNumber", _ONLY_170, plain=("Т-100", "A01B", "00000/1"))
        made["expirationDate"] = draft.day(2025, 2026)
    if draft.coin():
        made["note"] = [{"text": draft.text("Immunization.note.text", _ONLY_170)}]
    if draft.coin():
        value = draft.pick((1, 2, 0.5, 0.25, 10))
        made["doseQuantity"] = {"value": value, "unit": "мл", "system": "http://unitsofmeasure.org", "code": "mL"}
    for element in ("site", "route"):
        if draft.coin():
            made[element] = {"text": draft.text(f"Immunization.{element}.text", _ONLY_170)}
    if draft.coin():
        maker = {"display": draft.text("Immunization.manufacturer.display", _ONLY_170)}
        made["manufacturer"] = {"reference": maker} if draft.r5 else maker
    return made


def _protocol(draft: Draft) -> Resource:
    made: Resource = {"series": draft.pick(("Вакцинация", "Ревакцинация", "V1", "RV"))}
    diseases = []
    if draft.coin():
        diseases.append(book("99.2.848", draft.pick(("1", "5", "6", "9", "43"))))
    if draft.coin():
        diseases.append(book("99.2.824", draft.pick(("48", "60"))))
    if diseases:
        made["targetDisease"] = diseases
    return made | ({"doseNumber": "1"} if draft.r5 else {"doseNumberPositiveInt": 1})


def _reaction(draft: Draft, subject: Resource) -> Resource:
    code = concept(_SNOMED, draft.pick(codes("vaccine-reaction", _SNOMED)))
    made: Resource = {"date": draft.moment()} if draft.given() else {"reported": True}
    if draft.r5:
        return made | {"manifestation": {"concept": code}}
    observation: Resource = {"resourceType": "Observation", "status": "final", "subject": subject}
    observation |= {"code": {"text": "Реакция на прививку"}, "valueCodeableConcept": code}
    return made | {"detail": draft.add(observation)}


def _result(draft: Draft, subject: Resource, vaccination: Resource) -> None:
    made: Resource = {"resourceType": "Observation", "status": "final", "subject": subject, "partOf": [vaccination]}
    made["code"] = {"text": "Титр антител"}
    if draft.coin():
        made["effectiveDateTime"] = draft.moment()
    if draft.coin():
        made["valueString"] = draft.text("Observation.valueString", _ONLY_170)
    else:
        made["valueQuantity"] = {"value": draft.pick((1, 12.5, 0.1)), "unit": "мм", "code": "mm"}
        made["valueQuantity"]["system"] = "http://unitsofmeasure.org"
    draft.add(made)
