"""What a kind wants of the header and the facts do not give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from facts import HEADER_170, HEADER_195, HEADER_204, Maker, fact

from adapter.catalogue import Catalogue
from adapter.documents.header import Header
from adapter.documents.requirements import Gap, Requirements, Why, plain
from adapter.facts import Null

HEADERS = {"170": HEADER_170, "204": HEADER_204, "195": HEADER_195}


@pytest.fixture(scope="module")
def requirements() -> Requirements:
    return Requirements(Catalogue())


@pytest.mark.parametrize("kind", HEADERS)
@pytest.mark.parametrize("full", [True, False])
def test_nothing_is_missing(requirements: Requirements, bare: Maker, kind: str, full: bool) -> None:
    facts = getattr(bare, f"document_{kind}")(full=full)
    assert requirements.missing(facts, Header.of(HEADERS[kind])) == []


CASES: list[tuple[str, dict[str, Any], Callable[[Any], None], list[Gap]]] = [
    ("170", {}, lambda f: setattr(f.patient, "snils", None), [Gap("patient.snils", Why.MISSING)]),
    ("170", {}, lambda f: setattr(f.patient, "snils", Null("NAV")), [Gap("patient.snils", Why.NULL)]),
    ("204", {}, lambda f: setattr(f.patient, "snils", Null("NAV")), []),
    ("170", {}, lambda f: setattr(f.patient, "birth_time", Null("NAV")), [Gap("patient.birth_time", Why.NULL)]),
    ("170", {}, lambda f: setattr(f.patient, "gender", Null("UNK")), []),
    ("170", {}, lambda f: setattr(f.patient, "addresses", []), [Gap("patient.addresses", Why.MISSING)]),
    ("170", {}, lambda f: setattr(f.patient, "addresses", Null("NI")), []),
    (
        "170",
        {},
        lambda f: setattr(f.patient.addresses[0], "state", None),
        [Gap("patient.addresses[0].state", Why.MISSING)],
    ),
    ("170", {}, lambda f: setattr(f.patient.addresses[0], "postal_code", None), []),
    (
        "170",
        {},
        lambda f: setattr(f.patient, "addresses", f.patient.addresses * 2),
        [Gap("patient.addresses[2]", Why.SURPLUS), Gap("patient.addresses[3]", Why.SURPLUS)],
    ),
    ("170", {}, lambda f: setattr(f.custodian, "address", None), [Gap("custodian.address", Why.MISSING)]),
    ("170", {}, lambda f: setattr(f.provider, "address", None), []),
    (
        "170",
        {"requires": ["provider.address"]},
        lambda f: setattr(f.provider, "address", None),
        [Gap("provider.address", Why.MISSING)],
    ),
    ("170", {}, lambda f: setattr(f, "author", None), [Gap("author", Why.MISSING)]),
    ("170", {}, lambda f: setattr(f.author.name, "given", None), [Gap("author.name.given", Why.MISSING)]),
    ("170", {}, lambda f: setattr(f, "encounter", None), [Gap("encounter", Why.MISSING)]),
    ("170", {}, lambda f: setattr(f.encounter, "card", None), [Gap("encounter.card", Why.MISSING)]),
    ("204", {}, lambda f: setattr(f.encounter, "card", None), []),
    ("204", {}, lambda f: setattr(f, "encounter", None), []),
    ("204", {}, lambda f: setattr(f, "translation", None), [Gap("translation", Why.MISSING)]),
    (
        "204",
        {},
        lambda f: setattr(f.service_event.performers[0], "function", None),
        [Gap("service_event.performers[0].function", Why.MISSING)],
    ),
    (
        "204",
        {},
        lambda f: setattr(f.service_event, "performers", []),
        [Gap("service_event.performers", Why.MISSING)],
    ),
    ("204", {"performers": "absent"}, lambda f: setattr(f.service_event, "performers", []), []),
    ("204", {"performer_ids": 1}, lambda f: setattr(f.service_event.performers[0], "snils", None), []),
    ("170", {"payer": "required"}, lambda f: setattr(f, "payer", None), [Gap("payer", Why.MISSING)]),
    ("170", {"payer": "absent"}, lambda f: setattr(f, "payer", fact()), [Gap("payer", Why.SURPLUS)]),
    ("170", {}, lambda f: setattr(f.patient, "guardian", fact()), [Gap("patient.guardian", Why.SURPLUS)]),
    ("170", {}, lambda f: setattr(f, "id", None), [Gap("id", Why.MISSING)]),
    (
        "170",
        {"residence": "required"},
        lambda f: setattr(f.patient.addresses[0], "residence", None),
        [Gap("patient.addresses[0].residence", Why.MISSING)],
    ),
]


@pytest.mark.parametrize(("kind", "switches", "change", "gaps"), CASES)
def test_gaps(
    requirements: Requirements,
    bare: Maker,
    kind: str,
    switches: dict[str, Any],
    change: Callable[[Any], None],
    gaps: list[Gap],
) -> None:
    facts = getattr(bare, f"document_{kind}")()
    change(facts)
    assert requirements.missing(facts, Header.of(HEADERS[kind] | switches)) == gaps


def test_rule_of_a_gap() -> None:
    assert Gap("patient.addresses[12].state", Why.NULL).rule == "patient.addresses.state"
    assert plain("a[0][1].b[2]") == "a.b"
