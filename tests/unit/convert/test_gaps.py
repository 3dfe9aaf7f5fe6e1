"""Gaps of the header as findings."""

from __future__ import annotations

import pytest

from adapter.documents.requirements import Gap, Why
from adapter.findings import Finding, Severity, Text
from adapter.gaps import Gaps
from adapter.mapping.run import Traced

GAP = Gap("patient.addresses", Why.NULL)
LINE = Traced("patient.addresses", "patient.addresses", "Bundle.entry[0].resource", "", "", "nothing")


@pytest.mark.parametrize("severity", [Severity.NOTE, Severity.WARNING, Severity.ERROR])
def test_only_an_error_of_the_same_rule_has_told_of_a_gap(severity: Severity) -> None:
    said = Finding("MAP05", severity, Text("-", "-"), rule="patient.addresses")
    found = list(Gaps([]).findings("119", [GAP], [LINE], [said]))
    told = [(one.code, one.severity, one.rule, one.place.fhirpath) for one in found]
    gap = ("MAP01", Severity.ERROR, "119.patient.addresses", "Bundle.entry[0].resource")
    assert told == ([] if severity is Severity.ERROR else [gap])


def test_a_part_of_what_is_missing_is_placed_where_the_whole_is_made() -> None:
    (found,) = Gaps([]).findings("170", [Gap("patient.addresses[0].state", Why.MISSING)], [LINE], [])
    assert found.place.fhirpath == "Bundle.entry[0].resource"


def test_what_has_no_place_is_a_note() -> None:
    (found,) = Gaps([]).findings("170", [Gap("patient.guardian", Why.SURPLUS)], [], [])
    assert (found.code, found.severity) == ("MAP05", Severity.NOTE)
