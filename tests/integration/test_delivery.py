"""What a newcomer meets first: the example documents, the demonstration, the generated pages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapter.catalogue import Catalogue
from adapter.findings import Severity
from adapter.nsi import BookStore
from adapter.nsi.importer import import_folder
from conformance import Checker
from conformance.packs import PackStore

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ROOT / "examples" / "documents"
GOOD = ("170-vaccination.xml", "204-conclusion.xml")


@pytest.fixture
def no_packs(tmp_path: Path) -> Checker:
    return Checker(PackStore(tmp_path / "packs"), BookStore(tmp_path / "nsi", Catalogue()))


def errors(checker: Checker, name: str) -> set[str]:
    report = checker.check((DOCUMENTS / name).read_bytes(), source=name)
    return {finding.code for finding in report.findings if finding.severity is Severity.ERROR}


@pytest.mark.parametrize("name", GOOD)
def test_good_documents_break_no_rule_of_ours(name: str, no_packs: Checker) -> None:
    report = no_packs.check((DOCUMENTS / name).read_bytes(), source=name)
    assert {finding.severity for finding in report.findings} <= {Severity.NOTE}
    assert not report.complete


def test_broken_document_without_packs(no_packs: Checker) -> None:
    """The structure of the kind speaks where no pack does."""
    found = errors(no_packs, "170-broken.xml")
    assert found >= {"ADR01", "ID01", "OID03", "OID04", "TS02"}
    assert any(code.startswith("STR") for code in found)


@pytest.mark.packs
@pytest.mark.books
def test_documents_with_packs_and_books(packs_source: Path, nsi_source: Path, tmp_path: Path) -> None:
    """The good ones are accepted by everything; in the broken one every stage finds something."""
    packs = PackStore(tmp_path / "packs")
    for kind in ("170", "204"):
        packs.install(packs_source / kind)
    import_folder(nsi_source, tmp_path / "nsi")
    checker = Checker(packs, BookStore(tmp_path / "nsi", Catalogue()))
    for name in GOOD:
        report = checker.check((DOCUMENTS / name).read_bytes(), source=name)
        assert report.ok and report.complete, [finding.code for finding in report.findings]
    assert errors(checker, "170-broken.xml") >= {"XSD01", "SCH01", "SCH02", "NSI01", "NSI02", "ID01"}


def run_tool(name: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "tools" / name), *arguments],
        env={**os.environ, **variables},
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_demo_without_third_party_material(tmp_path: Path) -> None:
    done = run_tool("demo.py", str(tmp_path / "demo"), EGISZ_SHARED=str(tmp_path / "nothing"), EGISZ_LANG="en")
    assert done.returncode == 0, done.stderr
    assert "The Ministry's packs are not here" in done.stdout
    assert "REJECTED" in done.stdout
    summary = json.loads((tmp_path / "demo" / "report.json").read_bytes())["summary"]
    assert (summary["documents"], summary["rejected"], summary["partial"]) == (3, 1, 2)
    assert "<html" in (tmp_path / "demo" / "report.html").read_text("utf-8")


def test_reference_pages_are_up_to_date() -> None:
    done = run_tool("gen_docs.py", "--check")
    assert done.returncode == 0, done.stdout
