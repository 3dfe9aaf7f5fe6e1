"""Whole Bundles, valid by FHIR, from which documents of the kinds 170, 195 and 204 come.

Every strategy gives plain dicts; :func:`as_json` makes the bytes that a sender would send.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, NamedTuple

from hypothesis import strategies as st

from conformance.strategies import encounters, people, vaccinations
from conformance.strategies.identifiers import Dialect
from conformance.strategies.parts import Draft, Planted, Release, Resource

BundleType = Literal["transaction", "batch", "message", "collection", "document"]
RELEASES: Final[tuple[Release, ...]] = ("R4", "R4B", "R5")
TYPES: Final[tuple[BundleType, ...]] = ("transaction", "batch", "message", "collection", "document")
_VERSIONS: Final[dict[Release, str]] = {"R4": "4.0", "R4B": "4.3", "R5": "5.0"}


class HostileBundle(NamedTuple):
    """A Bundle with hostile texts, and which they are."""

    bundle: Resource
    planted: tuple[Planted, ...]


def as_json(bundle: Resource) -> bytes:
    """A Bundle as UTF-8, characters as they are."""
    return json.dumps(bundle, ensure_ascii=False).encode()


def bundles(
    *,
    dialect: Dialect | None = None,
    version: Release | None = None,
    types: Sequence[BundleType] = TYPES,
    complete: bool = False,
) -> st.SearchStrategy[Resource]:
    """A valid Bundle about a vaccination, a visit with a conclusion, or a stay in hospital.

    Args:
        dialect: spellings of identifiers; drawn by default.
        version: release of FHIR; drawn by default. It is also stated in ``meta.profile`` of the Patient.
        types: types of Bundle to draw from.
        complete: whether everything stands there that the documents want. Otherwise now and then something is missing
            that FHIR does not ask for: the conversion then yields findings.
    """
    return _drawn(_any_story, dialect, version, tuple(types), complete, hostile=False).map(lambda one: one.bundle)


def vaccination_bundles(
    *,
    dialect: Dialect | None = None,
    version: Release | None = None,
    types: Sequence[BundleType] = TYPES,
    complete: bool = False,
) -> st.SearchStrategy[Resource]:
    """A valid Bundle with one to three vaccinations (170). Arguments as of :func:`bundles`."""
    return _drawn(_vaccinations, dialect, version, tuple(types), complete, hostile=False).map(lambda one: one.bundle)


def encounter_bundles(
    *,
    dialect: Dialect | None = None,
    version: Release | None = None,
    types: Sequence[BundleType] = TYPES,
    complete: bool = False,
) -> st.SearchStrategy[Resource]:
    """A valid Bundle with a finished Encounter (204 or 195). Arguments as of :func:`bundles`."""
    return _drawn(_encounters, dialect, version, tuple(types), complete, hostile=False).map(lambda one: one.bundle)


def hostile_bundles(
    *,
    dialect: Dialect | None = None,
    version: Release | None = None,
    types: Sequence[BundleType] = TYPES,
) -> st.SearchStrategy[HostileBundle]:
    """A complete Bundle whose texts are hostile: markup, control characters, bidi marks, emoji.

    Each text has a mark that stands nowhere else, so that a test finds it in a document, or in a log where it must not
    be. Arguments as of :func:`bundles`.
    """
    return _drawn(_any_story, dialect, version, tuple(types), complete=True, hostile=True)


Story = Callable[[Draft], "Resource | None"]


@st.composite
def _drawn(
    draw: st.DrawFn,
    story: Story,
    dialect: Dialect | None,
    version: Release | None,
    types: tuple[BundleType, ...],
    complete: bool,
    *,
    hostile: bool,
) -> HostileBundle:
    release: Release = draw(st.sampled_from(RELEASES)) if version is None else version
    chosen = dialect or draw(st.sampled_from(Dialect))
    draft = Draft(draw, release, chosen, complete, hostile)
    kind = draw(st.sampled_from(types))
    draft.literal = draft.coin()
    first = story(draft)
    if first is None and kind == "document":
        first = {"resourceType": "Composition", "status": "final", "type": {"text": "Документ"}}
        first |= {"date": draft.moment(), "title": "Документ", "author": [{"display": "Тестова О. И."}]}
    # References were drawn once and used many times: whoever changes one in a test must not change them all.
    return HostileBundle(json.loads(as_json(_bundle(draft, kind, first))), tuple(draft.planted))


def _any_story(draft: Draft) -> Resource | None:
    return _vaccinations(draft) if draft.coin() else _encounters(draft)


def _vaccinations(draft: Draft) -> Resource | None:
    organisation = draft.add(people.organization(draft))
    subject = draft.add(people.patient(draft, organisation))
    doctor = people.practitioner(draft, organisation, frozenset({"170"}))
    visit, _ = encounters.encounter(draft, subject, organisation, doctor)
    for _ in range(draft.count(1, 3)):
        vaccinations.immunization(draft, subject, visit, doctor)
    _around(draft, subject)
    if draft.coin():
        return None
    head = people.practitioner(draft, organisation)
    return encounters.composition(draft, "170", subject, visit, doctor, head)


def _encounters(draft: Draft) -> Resource | None:
    kind = draft.pick(("195", "204"))
    organisation = draft.add(people.organization(draft))
    subject = draft.add(people.patient(draft, organisation))
    doctor = people.practitioner(draft, organisation, frozenset({"195", "204"}))
    visit, resource = encounters.encounter(draft, subject, organisation, doctor, inpatient=kind == "195")
    encounters.diagnose(draft, subject, visit, resource)
    encounters.vitals(draft, subject, visit)
    _around(draft, subject)
    if kind == "204":
        encounters.conclude(draft, subject, visit)
        if draft.coin():
            return None
    if draft.count(0, 4) == 0:
        vaccinations.immunization(draft, subject, visit, doctor)
    head = people.practitioner(draft, organisation)
    return encounters.composition(draft, kind, subject, visit, doctor, head)


def _around(draft: Draft, subject: Resource) -> None:
    """What may stand beside any story, none, one or two of each."""
    for _ in range(draft.count(0, 2)):
        draft.add(people.coverage(draft, subject))
    for _ in range(draft.count(0, 2)):
        draft.add(people.related_person(draft, subject))


# -- the envelope -----------------------------------------------------------------------------------


def _bundle(draft: Draft, kind: BundleType, first: Resource | None) -> Resource:
    """A Bundle of a type; in a document the Composition stands first, in a message its header, others are shuffled."""
    number = _VERSIONS[draft.version]
    head: list[tuple[str, Resource]] = []
    if first is not None:
        draft.add(first)
    if kind == "message":
        draft.add(_message_header(draft))
    if kind in {"document", "message"}:
        head = [draft.entries.pop()]
    entries = head + draft.draw(st.permutations(draft.entries))
    for _, resource in entries:
        if resource["resourceType"] == "Patient":
            resource["meta"] = {"profile": [f"http://hl7.org/fhir/{number}/StructureDefinition/Patient"]}
    made: Resource = {"resourceType": "Bundle", "type": kind}
    if kind in {"document", "message"}:
        made |= {"identifier": draft.own("mis-document"), "timestamp": "2026-11-10T12:30:00+03:00"}
    made["entry"] = [_entry(url, resource, kind) for url, resource in entries]
    return made


def _entry(url: str, resource: Resource, kind: BundleType) -> dict[str, Any]:
    made: dict[str, Any] = {"resource": resource}
    if url.startswith("urn:"):
        made = {"fullUrl": url} | made
    elif kind in {"collection", "document", "message"}:
        made = {"fullUrl": f"https://mis.example.org/fhir/{url}"} | made
    if kind in {"transaction", "batch"}:
        made["request"] = {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}
    return made


def _message_header(draft: Draft) -> Resource:
    made: Resource = {"resourceType": "MessageHeader"}
    if draft.r5:
        return made | {"eventCanonical": "http://example.org/event", "source": {"endpointUrl": "http://example.org"}}
    return made | {"eventUri": "http://example.org/event", "source": {"endpoint": "http://example.org"}}
