"""Stories of one act: a manipulation (163), a referral (185), a complication of a vaccination (142)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from conformance.strategies import encounters, people, vaccinations
from conformance.strategies.parts import Draft, Resource, book, codes, concept, quoted
from conformance.strategies.scene import Scene, around, begin

_142: Final = frozenset({"142"})
_163: Final = frozenset({"163"})
_185: Final = frozenset({"185"})
_SNOMED: Final = "http://snomed.info/sct"


# -- 163 --------------------------------------------------------------------------------------------


def manipulation(draft: Draft) -> Resource | None:
    """A manipulation in a visit, at times a vaccination, with what was measured and written of it."""
    scene = begin(draft, _163)
    visit, _ = encounters.encounter(draft, scene.subject, scene.organisation, scene.doctor)
    start = draft.moment()
    vaccinated = draft.coin()
    done = _procedure(draft, scene, visit, start, vaccinated=vaccinated)
    if vaccinated and draft.given():
        vaccinations.immunization(draft, scene.subject, visit, scene.doctor, moment=start)
    encounters.vitals(draft, scene.subject, visit)
    if draft.coin():
        words = {"valueString": draft.text("Observation.6031", _163)}
        encounters.observed(draft, scene.subject, visit, book("99.2.166", "6031"), partOf=[done], **words)
    if draft.coin():
        to = done if draft.coin() else None
        encounters.attached(draft, scene.subject, visit if to is None else None, _163, to=to)
    around(draft, scene.subject)
    return scene.composed("163", visit) if draft.composed() else None


def _procedure(draft: Draft, scene: Scene, visit: Resource, start: str, *, vaccinated: bool) -> Resource:
    made: Resource = {"resourceType": "Procedure", "status": "completed", "subject": scene.subject, "encounter": visit}
    if vaccinated:
        vaccination = (book("99.2.785", "272"), book("11.1070", "B04.014.004"), concept(_SNOMED, "33879002"))
        made["code"] = draft.pick(vaccination)
    else:
        made["code"] = quoted("99.2.785", "67")
    name = "occurrence" if draft.r5 else "performed"
    if draft.coin():
        end = (datetime.fromisoformat(start) + timedelta(minutes=draft.count(1, 300))).isoformat()
        made[f"{name}Period"] = {"start": start} | ({"end": end} if draft.given() else {})
    else:
        made[f"{name}DateTime"] = start
    if draft.given():
        made["performer"] = [{"actor": scene.doctor}]
    if draft.coin():
        made["note"] = [{"text": draft.text("Procedure.note.text", _163)}]
    if draft.coin():
        harm = quoted("11.1485", "2270") | {"text": draft.text("Procedure.complication.text", _163)}
        made["complication"] = [{"concept": harm} if draft.r5 else harm]
    if draft.coin():
        made["basedOn"] = [_request(draft, scene)]
    return draft.add(made)


def _request(draft: Draft, scene: Scene) -> Resource:
    """The request that a manipulation was done by; it is no referral of its own."""
    made: Resource = {"resourceType": "ServiceRequest", "status": "completed", "intent": "order"}
    words = {"text": "Гемодиализ"}
    made |= {"subject": scene.subject, "code": {"concept": words} if draft.r5 else words}
    if draft.coin():
        made["identifier"] = [draft.own("mis-document")]
    if draft.coin():
        made["requester"] = people.practitioner(draft, scene.organisation)
    return draft.add(made)


# -- 185 --------------------------------------------------------------------------------------------


def referral(draft: Draft) -> Resource | None:
    """A patient is sent to another doctor, or to an examination."""
    scene = begin(draft, _185)
    visit, resource = encounters.encounter(draft, scene.subject, scene.organisation, scene.doctor)
    reasons = encounters.diagnose(draft, scene.subject, visit, resource, least=1)
    made: Resource = {"resourceType": "ServiceRequest", "status": "active", "intent": "order"}
    made |= {"subject": scene.subject, "encounter": visit, "requester": scene.doctor}
    made["category"] = [draft.pick((concept(_SNOMED, "3457005"), book("11.1522", "57")))]
    asked = _asked(draft)
    made["code"] = {"concept": asked} if draft.r5 else asked
    if draft.given():
        made["authoredOn"] = draft.moment()
    if draft.coin():
        made["priority"] = draft.pick(("routine", "urgent", "stat"))
    if draft.given():
        made["performer"] = [draft.add(people.organization(draft, kinds=_185, placed=True))]
    if reasons and draft.coin():
        made |= {"reason": [{"reference": one} for one in reasons]} if draft.r5 else {"reasonReference": reasons}
    if draft.coin():
        made["note"] = [{"text": draft.text("ServiceRequest.note.text", _185)}]
    draft.add(made)
    around(draft, scene.subject)
    return scene.composed("185", visit) if draft.composed() else None


def _asked(draft: Draft) -> Resource:
    """A service as a code, with its translation or without, or in words."""
    if draft.coin():
        return {"text": draft.text("ServiceRequest.code.text", _185)}
    made = quoted("11.1070", "B01.015.001")
    if draft.coin():
        made["coding"] += quoted("11.1471", "7012719")["coding"]
    return made


# -- 142 --------------------------------------------------------------------------------------------


def complication(draft: Draft) -> Resource | None:
    """A commission decides on a complication: of an AdverseEvent, or of the reaction of the Immunization."""
    scene = begin(draft, _142)
    role = book("99.2.368", draft.pick(("CHAIRMAN", "COMMISSIONER")))
    types = [book("99.2.726", "5")]
    visit, _ = encounters.encounter(
        draft, scene.subject, scene.organisation, scene.doctor, types=types, role=role if draft.given() else None
    )
    documents = []
    if draft.coin():
        documents.append(encounters.attached(draft, scene.subject, visit if draft.coin() else None, frozenset()))
    if draft.coin():
        given = vaccinations.immunization(draft, scene.subject, None, scene.doctor)
        _event(draft, scene, visit, given, documents)
    else:
        vaccinations.immunization(draft, scene.subject, None, scene.doctor, reaction=_reaction(draft, scene))
    around(draft, scene.subject)
    if draft.composed():
        return scene.composed("142", visit)
    if draft.given():
        decided = {"valueCodeableConcept": book("99.2.725", "44")}
        encounters.observed(draft, scene.subject, visit, book("99.2.166", "837"), **decided)
    return None


def _harm(draft: Draft) -> Resource:
    harm = quoted("11.1005", "T88.1")
    return harm | {"text": draft.text("Condition.code.text", _142)}


def _event(draft: Draft, scene: Scene, visit: Resource, given: Resource, documents: list[Resource]) -> None:
    made: Resource = {"resourceType": "AdverseEvent", "actuality": "actual", "subject": scene.subject}
    made |= {"encounter": visit, "recordedDate": draft.day(2024, 2025)}
    if draft.r5:
        made |= {"status": "completed", "suspectEntity": [{"instanceReference": given}]}
    else:
        made["suspectEntity"] = [{"instance": given}]
    if not draft.given():
        pass
    elif draft.coin():
        made["code" if draft.r5 else "event"] = _harm(draft)
    else:
        illness: Resource = {"resourceType": "Condition", "subject": scene.subject, "code": _harm(draft)}
        system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
        illness["clinicalStatus"] = concept(system, "resolved")
        made["resultingEffect" if draft.r5 else "resultingCondition"] = [draft.add(illness)]
    if draft.r5 and draft.coin():
        made["note"] = [{"text": draft.text("AdverseEvent.note.text", _142)}]
    if documents and draft.coin():
        inside = {"supportingInfo": [{"itemReference": one} for one in documents]}
        made |= inside if draft.r5 else {"referenceDocument": documents}
    draft.add(made)


def _reaction(draft: Draft, scene: Scene) -> Resource:
    code = concept(_SNOMED, draft.pick(codes("vaccine-reaction", _SNOMED)))
    code["text"] = draft.text("Immunization.reaction.text", _142)
    made: Resource = {"date": draft.moment()}
    if draft.r5:
        return made | {"manifestation": {"concept": code}}
    seen = {"valueCodeableConcept": code}
    return made | {"detail": encounters.observed(draft, scene.subject, None, {"text": "Реакция на прививку"}, **seen)}
