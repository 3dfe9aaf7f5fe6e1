"""Rules of our own on the example documents."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from adapter.catalogue import Catalogue
from adapter.documents.kinds import load_kinds
from adapter.findings import Finding, Severity
from adapter.xml import parse
from conformance.rules import run_rules

pytestmark = pytest.mark.examples

KINDS = load_kinds(Catalogue())
TODAY = date(2026, 11, 24)
DOCUMENTS = {
    "semd119_min.xml": "119",
    "semd142_min.xml": "142",
    "semd163_min.xml": "163",
    "semd164_reaction.xml": "164",
    "semd170_full.xml": "170",
    "semd170_min.xml": "170",
    "semd185_min.xml": "185",
    "semd191_min.xml": "191",
    "semd195_min.xml": "195",
    "semd204_min.xml": "204",
    "semd227_official.xml": "227",
}


def findings_of(path: Path, expected_kind: str) -> list[Finding]:
    tree = parse(path.read_bytes())
    kind = KINDS.detect(tree.getroot())
    assert kind is not None
    assert kind.code == expected_kind
    return run_rules(tree, kind=kind, kinds=KINDS, today=TODAY)


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if "official" not in name])
def test_documents_that_pass_have_no_errors(examples_dir: Path, name: str) -> None:
    findings = findings_of(examples_dir / name, DOCUMENTS[name])
    assert [finding for finding in findings if finding.severity is Severity.ERROR] == []


def test_invented_number_of_an_organisation(examples_dir: Path) -> None:
    """Two of the smallest documents carry an ОГРН whose check digit does not fit."""
    for name in ("semd185_min.xml", "semd191_min.xml"):
        assert [finding.code for finding in findings_of(examples_dir / name, DOCUMENTS[name])] == ["ID03"]


def test_closed_kind_names_its_successor(examples_dir: Path) -> None:
    (note,) = findings_of(examples_dir / "semd170_full.xml", "170")
    assert (note.code, note.severity) == ("DOC12", Severity.NOTE)
    assert "220" in note.hint.en


def test_known_defects_of_the_official_example(examples_dir: Path) -> None:
    """Two СНИЛС with wrong check digits, one of them at three people, and an ИНН of nine digits."""
    findings = findings_of(examples_dir / "semd227_official.xml", "227")
    assert [(finding.code, finding.severity.value, finding.place.line, finding.xpath) for finding in findings] == [
        ("ID01", "error", 38, "/ClinicalDocument/recordTarget/patientRole/id[2]"),
        ("ID01", "error", 150, "/ClinicalDocument/author/assignedAuthor/id[2]"),
        ("ID01", "error", 266, "/ClinicalDocument/legalAuthenticator/assignedEntity/id[2]"),
        ("ID02", "warning", 343, "/ClinicalDocument/participant[1]/associatedEntity/identity:DocInfo/identity:INN"),
        ("ID01", "error", 386, "/ClinicalDocument/participant[2]/associatedEntity/id[2]"),
    ]
    assert not any("25463625426" in repr(finding) or "213546789" in repr(finding) for finding in findings)
