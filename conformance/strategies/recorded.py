"""The protocol of a consultation as RuCore has it: a document Bundle whose sections say what each entry is (227)."""

from __future__ import annotations

from typing import Any, Final

from conformance.strategies import encounters
from conformance.strategies.parts import Draft, Resource, book, concept, quoted
from conformance.strategies.scene import Scene, around, begin

_227: Final = frozenset({"227"})
_UCUM: Final = "http://unitsofmeasure.org"


def recorded(draft: Draft) -> Resource | None:
    """A consultation, section by section."""
    scene = begin(draft, _227)
    visit, resource = encounters.encounter(draft, scene.subject, scene.organisation, scene.doctor)
    sections = [_document(draft, scene)]
    if draft.coin():
        words = _item(draft, scene, "835", valueString=draft.text("Observation.835", _227))
        sections.append(encounters.section("Жалобы", code="COMPLNTS", entries=[words]))
    for code, title in (("ANAM", "Анамнез заболевания"), ("LANAM", "Анамнез жизни")):
        if draft.given():
            words = _item(draft, scene, "7006", valueString=draft.text(f"Observation.{code}", _227))
            sections.append(encounters.section(title, code=code, entries=[words]))
    if sections[-1]["title"] == "Анамнез жизни" and draft.coin():
        sections[-1]["section"] = [encounters.section("Аллергии", code="ALL", entries=[_allergy(draft, scene)])]
    sections += _lists(draft, scene)
    illnesses = encounters.diagnose(draft, scene.subject, visit, resource, least=1)
    if illnesses:
        sections.append(encounters.section("Диагнозы", code="DGN", entries=illnesses))
    if draft.coin():
        _event(draft, scene)
    around(draft, scene.subject)
    return scene.composed("227", visit, sections)


def _document(draft: Draft, scene: Scene) -> Resource:
    """The section of the document itself: visit, place, state, conclusion."""
    coded = {"800": ("11.1007", ("1", "2")), "801": ("11.1008", ("1", "2", "8")), "804": ("11.1006", ("1", "2", "3"))}
    entries = []
    for code, (short, values) in coded.items():
        if draft.given():
            entries.append(_item(draft, scene, code, valueCodeableConcept=book(short, draft.pick(values))))
    if draft.given():
        entries.append(_item(draft, scene, "806", valueString=draft.text("Observation.806", _227)))
    return encounters.section("Сведения о документе", code="DOCINFO", entries=entries)


def _item(draft: Draft, scene: Scene, code: str, **value: Any) -> Resource:
    return encounters.observed(draft, scene.subject, None, book("99.2.166", code), **value)


def _lists(draft: Draft, scene: Scene) -> list[Resource]:
    """Sections with resources of their own: vital signs, recommendations, documents."""
    sections = []
    if draft.coin():
        sections.append(encounters.section("Витальные параметры", code="VITALPARAM", entries=[_vitals(draft, scene)]))
    if draft.coin():
        plan: Resource = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": scene.subject}
        plan["description"] = draft.text("CarePlan.description", _227)
        sections.append(encounters.section("Рекомендации", code="REGIME", entries=[draft.add(plan)]))
    if draft.coin():
        one = encounters.attached(draft, scene.subject, None, _227)
        sections.append(encounters.section("Связанные документы", code="LINKDOCS", entries=[one]))
    return sections


def _allergy(draft: Draft, scene: Scene) -> Resource:
    made: Resource = {"resourceType": "AllergyIntolerance", "patient": scene.subject, "category": ["food"]}
    made["type"] = quoted("11.1064", "22")
    made["code"] = {"text": draft.text("AllergyIntolerance.code.text", _227)}
    manifestation = [{"concept": quoted("11.1063", "12")}]
    made["reaction"] = [{"manifestation": manifestation} | ({"onset": draft.day(2024, 2024)} if draft.coin() else {})]
    return draft.add(made)


def _vitals(draft: Draft, scene: Scene) -> Resource:
    """A group of vital signs with its members."""
    quantity = {"value": draft.pick((72, 36.6)), "unit": "уд/мин", "system": _UCUM, "code": "/min"}
    member = encounters.observed(draft, scene.subject, None, book("99.2.262", "5"), valueQuantity=quantity)
    made: Resource = {"resourceType": "Observation", "status": "final", "subject": scene.subject}
    made |= {"code": book("99.2.197", "VITALPARAM"), "effectiveDateTime": draft.moment(), "hasMember": [member]}
    return draft.add(made)


def _event(draft: Draft, scene: Scene) -> None:
    """The documented event, as a Procedure that no section names."""
    role = concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", draft.pick(("PPRF", "SPRF")))
    made: Resource = {"resourceType": "Procedure", "status": "completed", "subject": scene.subject}
    made["code"] = book("99.2.726", "1")
    moment = draft.moment(2025)
    made["occurrencePeriod"] = {"start": moment, "end": moment}
    draft.add(made | {"performer": [{"function": role, "actor": scene.doctor}]})
