"""Whole Bundles, valid by FHIR, from which documents come: 119, 142, 163, 170, 185, 191, 195, 204, 227.

Every strategy gives plain dicts; :func:`as_json` makes the bytes that a sender would send.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

from hypothesis import strategies as st

from conformance.strategies.identifiers import Dialect
from conformance.strategies.parts import KINDS, Draft, Planted, Release, Resource
from conformance.strategies.stories import STORIES

BundleType = Literal["transaction", "batch", "message", "collection", "document"]
RELEASES: Final[tuple[Release, ...]] = ("R4", "R4B", "R5")
TYPES: Final[tuple[BundleType, ...]] = ("transaction", "batch", "message", "collection", "document")
#: Kinds that only a document Bundle of R5 tells.
_WHOLE: Final = frozenset({"227"})
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
    kinds: Sequence[str] = KINDS,
    dialect: Dialect | None = None,
    version: Release | None = None,
    types: Sequence[BundleType] = TYPES,
    complete: bool = False,
) -> st.SearchStrategy[Resource]:
    """A valid Bundle, from which a document of one of the kinds comes: a vaccination, a visit, a referral and so on.

    Args:
        kinds: codes of kinds to draw from (НСИ 1.2.643.5.1.13.13.11.1520). A Bundle may yield others, too. 227 is drawn
            as a document Bundle of R5 only.
        dialect: spellings of identifiers; drawn by default.
        version: release of FHIR; drawn by default. It is also stated in ``meta.profile`` of the Patient.
        types: types of Bundle to draw from.
        complete: whether everything stands there that the documents want. Otherwise now and then something is missing
            that FHIR does not ask for: the conversion then yields findings.
    """
    drawn = _drawn(tuple(kinds), dialect, version, tuple(types), complete, hostile=False)
    return drawn.map(lambda one: one.bundle)


def vaccination_bundles(
    *,
    dialect: Dialect | None = None,
    version: Release | None = None,
    types: Sequence[BundleType] = TYPES,
    complete: bool = False,
) -> st.SearchStrategy[Resource]:
    """A valid Bundle with one to three vaccinations (170). Arguments as of :func:`bundles`."""
    return bundles(kinds=("170",), dialect=dialect, version=version, types=types, complete=complete)


def encounter_bundles(
    *,
    dialect: Dialect | None = None,
    version: Release | None = None,
    types: Sequence[BundleType] = TYPES,
    complete: bool = False,
) -> st.SearchStrategy[Resource]:
    """A valid Bundle with a finished Encounter (204 or 195). Arguments as of :func:`bundles`."""
    return bundles(kinds=("195", "204"), dialect=dialect, version=version, types=types, complete=complete)


def hostile_bundles(
    *,
    kinds: Sequence[str] = KINDS,
    dialect: Dialect | None = None,
    version: Release | None = None,
    types: Sequence[BundleType] = TYPES,
) -> st.SearchStrategy[HostileBundle]:
    """A complete Bundle whose texts are hostile: markup, control characters, bidi marks, emoji.

    Each text has a mark that stands nowhere else, so that a test finds it in a document, or in a log where it must not
    be. Arguments as of :func:`bundles`.
    """
    return _drawn(tuple(kinds), dialect, version, tuple(types), complete=True, hostile=True)


@st.composite
def _drawn(
    draw: st.DrawFn,
    kinds: tuple[str, ...],
    dialect: Dialect | None,
    version: Release | None,
    types: tuple[BundleType, ...],
    complete: bool,
    *,
    hostile: bool,
) -> HostileBundle:
    story = draw(st.sampled_from(_able(kinds, version, types)))
    whole = story in _WHOLE
    release: Release = "R5" if whole else version if version is not None else draw(st.sampled_from(RELEASES))
    chosen = dialect or draw(st.sampled_from(Dialect))
    draft = Draft(draw, release, chosen, complete, hostile)
    kind: BundleType = "document" if whole else draw(st.sampled_from(types))
    draft.literal = draft.coin()
    draft.document = kind == "document"
    first = STORIES[story](draft)
    if first is None and kind == "document":
        first = {"resourceType": "Composition", "status": "final", "type": {"text": "Документ"}}
        first |= {"date": draft.moment(), "title": "Документ", "author": [{"display": "Тестова О. И."}]}
    # References were drawn once and used many times: whoever changes one in a test must not change them all.
    return HostileBundle(json.loads(as_json(_bundle(draft, kind, first))), tuple(draft.planted))


def _able(kinds: tuple[str, ...], version: Release | None, types: tuple[BundleType, ...]) -> list[str]:
    """Kinds that Bundles of a release and of some types can be of.

    Raises:
        ValueError: there is none.
    """
    whole = version in {None, "R5"} and "document" in types
    able = [kind for kind in kinds if kind in STORIES and (whole or kind not in _WHOLE)]
    if not able:
        raise ValueError(f"no Bundle of {', '.join(kinds)} is a Bundle of {version or 'any release'}, {types}")
    return able


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
