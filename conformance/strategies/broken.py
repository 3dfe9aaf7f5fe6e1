"""Broken input: Bundles that are not valid by FHIR, and bytes that are no Bundle at all."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st

from conformance.strategies.bundles import as_json, bundles
from conformance.strategies.identifiers import Dialect
from conformance.strategies.parts import Release, Resource


class Broken(NamedTuple):
    """Input that must be refused, or yield an error.

    Attributes:
        data: the bytes.
        how: what was broken.
    """

    data: bytes
    how: str


#: What FHIR demands of a resource, in every release.
_DEMANDED: Final = {
    "Immunization": ("status", "vaccineCode", "patient"),
    "Encounter": ("status",),
    "Observation": ("status", "code"),
    "Condition": ("subject",),
    "Composition": ("status", "type", "date", "title", "author"),
    "Coverage": ("status", "beneficiary"),
    "RelatedPerson": ("patient",),
    "Procedure": ("status", "subject"),
    "ServiceRequest": ("status", "intent", "subject"),
    "MedicationRequest": ("status", "intent", "subject"),
    "AdverseEvent": ("actuality", "subject"),
    "DocumentReference": ("status", "content"),
    "CarePlan": ("status", "intent", "subject"),
    "ClinicalImpression": ("status", "subject"),
    "DiagnosticReport": ("status", "code"),
    "AllergyIntolerance": ("patient",),
}
#: Elements that are never of these shapes.
_WRONG: Final[dict[str, tuple[Any, ...]]] = {
    "birthDate": ("2020-13-01", "вчера", 20200101, ["2020-01-01"], "2020-1-1", ""),
    "gender": ("мужской", 1, ["male"], {}),
    "identifier": ("1", 7, [7], [["x"]]),
    "name": (5, [5], [{"family": 5}], [{"given": "Иван"}]),
    "address": ("г. Москва", [{"text": []}], [{"line": "г. Москва"}]),
    "status": (5, ["finished"], {}, ""),
    "subject": ("Patient/1", [[]], {"reference": 5}),
    "vaccineCode": ("11379", [], {"coding": {}}, {"coding": [{"code": 5}]}),
    "occurrenceDateTime": ("05.10.2024", "2024-10-05 09:40", {}, "2024-10-05T09:40:00"),
    "period": ("2024", [], {"start": "завтра"}),
}
_BYTES: Final = (
    (b"", "empty"),
    (b"{", "unfinished"),
    (b"[]", "a list"),
    (b"null", "null"),
    (b'"Bundle"', "a string"),
    (b'{"resourceType": 5}', "a type that is a number"),
    (b'{"resourceType": "Nobody"}', "an unknown type"),
    (b'{"resourceType": "Bundle", "type": "collection", "entry": {}}', "entries that are no list"),
    (b'{"resourceType": "Bundle", "entry": []}', "no type of Bundle"),
    (b'{"resourceType": "Bundle", "type": "collection", "entry": [5]}', "an entry that is a number"),
    (b"<Bundle xmlns='http://hl7.org/fhir'>", "unfinished XML"),
    (b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "XML with a DTD"),
    (b"\xff\xfe{\x00", "UTF-16"),
    (b'{"resourceType": "\xe8"}', "windows-1251"),
    (b'{"resourceType": "Bundle", "total": 1e999999999}', "a number beyond reason"),
    (b'{"a":' * 500 + b"1" + b"}" * 500, "depth"),
)


def broken_bundles(*, dialect: Dialect | None = None, version: Release | None = None) -> st.SearchStrategy[Broken]:
    """Input of which FHIR says that it is wrong: a demanded element left out, a value of another shape, an unknown
    element, text that was cut, and bytes that are nothing of the kind.

    Args:
        dialect, version: of the valid Bundle that is broken; see :func:`bundles`.
    """
    return st.one_of(st.sampled_from(_BYTES).map(lambda one: Broken(*one)), _damaged(dialect, version))


@st.composite
def _damaged(draw: st.DrawFn, dialect: Dialect | None, version: Release | None) -> Broken:
    bundle = copy.deepcopy(draw(bundles(dialect=dialect, version=version)))
    damage: Callable[[st.DrawFn, Resource], Broken] = draw(
        st.sampled_from((_without, _wrong_shape, _unknown, _no_type, _truncated, _not_utf8))
    )
    return damage(draw, bundle)


def _resources(bundle: Resource) -> Iterator[Resource]:
    for entry in bundle["entry"]:
        yield entry["resource"]


def _without(draw: st.DrawFn, bundle: Resource) -> Broken:
    places = [
        (one, name) for one in _resources(bundle) for name in _DEMANDED.get(one["resourceType"], ()) if name in one
    ]
    resource, name = draw(st.sampled_from(places))
    del resource[name]
    return Broken(as_json(bundle), f"{resource['resourceType']} without {name}")


def _wrong_shape(draw: st.DrawFn, bundle: Resource) -> Broken:
    places = [(one, name) for one in _resources(bundle) for name in _WRONG if name in one]
    resource, name = draw(st.sampled_from(places))
    if name == "name" and isinstance(resource[name], str):
        resource[name] = [{"family": "Тестов"}]
    else:
        resource[name] = draw(st.sampled_from(_WRONG[name]))
    return Broken(as_json(bundle), f"{resource['resourceType']}.{name} of another shape")


def _unknown(draw: st.DrawFn, bundle: Resource) -> Broken:
    resource = draw(st.sampled_from(list(_resources(bundle))))
    resource[draw(st.sampled_from(("snils", "birthdate", "Name", "фамилия", "_", "x")))] = "1"
    return Broken(as_json(bundle), f"{resource['resourceType']} with an unknown element")


def _no_type(draw: st.DrawFn, bundle: Resource) -> Broken:
    resource = draw(st.sampled_from(list(_resources(bundle))))
    resource["resourceType"] = draw(st.sampled_from(("Nobody", "patient", "", "Пациент")))
    return Broken(as_json(bundle), "a resource of an unknown type")


def _truncated(draw: st.DrawFn, bundle: Resource) -> Broken:
    text = json.dumps(bundle)  # ASCII: cut anywhere, it stays text
    return Broken(text[: draw(st.integers(1, len(text) - 1))].encode(), "cut")


def _not_utf8(draw: st.DrawFn, bundle: Resource) -> Broken:
    text = json.dumps(bundle, ensure_ascii=False)
    codec = draw(st.sampled_from(("utf-16", "cp1251")))
    return Broken(text.encode(codec, "replace"), codec)
