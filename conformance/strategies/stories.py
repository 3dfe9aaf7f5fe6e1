"""What happened, by the kind of document that tells it. A story gives the Composition, if any, and adds all else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from conformance.strategies import encounters, vaccinations
from conformance.strategies.care import complication, manipulation, referral
from conformance.strategies.parts import Draft, Resource, book, concept
from conformance.strategies.recorded import recorded
from conformance.strategies.scene import Scene, around, begin
from conformance.strategies.visits import Visit, consult, examine, serve

Story = Callable[[Draft], "Resource | None"]


def vaccination(draft: Draft) -> Resource | None:
    """One to three vaccinations (170)."""
    scene = begin(draft, frozenset({"170"}))
    visit, _ = encounters.encounter(draft, scene.subject, scene.organisation, scene.doctor)
    for _ in range(draft.count(1, 3)):
        vaccinations.immunization(draft, scene.subject, visit, scene.doctor)
    around(draft, scene.subject)
    return scene.composed("170", visit) if draft.composed() else None


def extract(draft: Draft) -> Resource | None:
    """A stay in hospital (195)."""
    scene = begin(draft, frozenset({"195"}))
    visit = _visit(draft, scene, inpatient=True)
    return scene.composed("195", visit)


def conclusion(draft: Draft) -> Resource | None:
    """A visit with a conclusion (204), at times of a medical commission."""
    scene = begin(draft, frozenset({"204"}))
    commission = draft.count(0, 4) == 0
    types = [book("99.2.726", "5")] if commission else []
    role = book("99.2.368", draft.pick(("CHAIRMAN", "COMMISSIONER"))) if commission else None
    visit = _visit(draft, scene, types=types, role=role)
    encounters.conclude(draft, scene.subject, visit)
    if draft.coin():
        encounters.attached(draft, scene.subject, visit, frozenset({"204"}))
    return scene.composed("204", visit) if draft.composed() else None


def consultation(draft: Draft) -> Resource | None:
    """A visit with the course of a consultation (119)."""
    scene = begin(draft, frozenset({"119"}), at_home=True)
    types = [book("11.1007", draft.pick(("1", "2")))] if draft.given() else []
    if draft.coin():
        types.append(book("11.1008", draft.pick(("1", "2", "8"))))
    reference, resource = encounters.encounter(draft, scene.subject, scene.organisation, scene.doctor, types=types)
    encounters.diagnose(draft, scene.subject, reference, resource, least=1)
    encounters.vitals(draft, scene.subject, reference)
    composed = draft.composed()
    visit = Visit(draft, scene.subject, reference, composed=composed)
    consult(visit)
    if draft.coin():
        encounters.conclude(draft, scene.subject, reference, frozenset())
    if draft.coin():
        encounters.attached(draft, scene.subject, reference, frozenset({"119"}))
    if draft.coin():
        serve(draft, scene.subject, reference, draft.moment())
    around(draft, scene.subject, proven=True)
    return scene.composed("119", reference, visit.sections) if composed else None


def examination(draft: Draft) -> Resource | None:
    """A visit, or a day in hospital, with what was found (191)."""
    scene = begin(draft, frozenset({"191"}))
    role = concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", draft.pick(("PPRF", "ATND", "CON")))
    reference, resource = encounters.encounter(
        draft, scene.subject, scene.organisation, scene.doctor, inpatient=draft.coin(), role=role
    )
    encounters.diagnose(draft, scene.subject, reference, resource, least=1)
    encounters.vitals(draft, scene.subject, reference)
    composed = draft.composed()
    visit = Visit(draft, scene.subject, reference, composed=composed)
    examine(visit)
    if draft.coin():
        encounters.conclude(draft, scene.subject, reference, frozenset())
    if draft.coin():
        encounters.attached(draft, scene.subject, reference, frozenset({"191"}))
    if draft.coin():
        serve(draft, scene.subject, reference, draft.moment())
    around(draft, scene.subject)
    return scene.composed("191", reference, visit.sections) if composed else None


def _visit(
    draft: Draft,
    scene: Scene,
    *,
    inpatient: bool = False,
    types: list[Resource] | None = None,
    role: Resource | None = None,
) -> Resource:
    """An Encounter with diagnoses, vital signs and, at times, a vaccination; a Reference to it."""
    reference, resource = encounters.encounter(
        draft, scene.subject, scene.organisation, scene.doctor, inpatient=inpatient, types=types or (), role=role
    )
    encounters.diagnose(draft, scene.subject, reference, resource)
    encounters.vitals(draft, scene.subject, reference)
    if draft.count(0, 4) == 0:
        vaccinations.immunization(draft, scene.subject, reference, scene.doctor)
    around(draft, scene.subject)
    return reference


#: Kind of document → the story that it tells.
STORIES: Final[dict[str, Story]] = {
    "119": consultation,
    "142": complication,
    "163": manipulation,
    "170": vaccination,
    "185": referral,
    "191": examination,
    "195": extract,
    "204": conclusion,
    "227": recorded,
}
