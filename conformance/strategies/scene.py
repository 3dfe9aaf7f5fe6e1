"""Who takes part in any story: the organisation, the patient, the doctor; and what may stand beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from conformance.strategies import encounters, people
from conformance.strategies.parts import Draft, Resource


class Scene(NamedTuple):
    """References to who takes part."""

    draft: Draft
    organisation: Resource
    subject: Resource
    doctor: Resource

    def composed(self, kind: str, visit: Resource | None, sections: Sequence[Resource] | None = None) -> Resource:
        """The Composition of a kind, with who gives it legal force; it is not put into the Bundle."""
        head = people.practitioner(self.draft, self.organisation)
        return encounters.composition(self.draft, kind, self.subject, visit, self.doctor, head, sections)


def begin(draft: Draft, kinds: frozenset[str], *, at_home: bool = False) -> Scene:
    """Put an organisation, a patient and a doctor into the Bundle.

    Args:
        kinds: kinds of documents that name the doctor.
        at_home: as of :func:`conformance.strategies.people.patient`.
    """
    organisation = draft.add(people.organization(draft))
    subject = draft.add(people.patient(draft, organisation, at_home=at_home))
    return Scene(draft, organisation, subject, people.practitioner(draft, organisation, kinds))


def around(draft: Draft, subject: Resource, *, proven: bool = False) -> None:
    """What may stand beside any story: who pays and relatives, none, one or two of each.

    Args:
        proven: whether a document wants to know who pays.
    """
    for _ in range(draft.count(1 if proven and draft.given() else 0, 2)):
        draft.add(people.coverage(draft, subject, proven=proven))
    for _ in range(draft.count(0, 2)):
        draft.add(people.related_person(draft, subject))
