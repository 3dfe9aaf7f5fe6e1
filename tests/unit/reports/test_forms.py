"""What each format promises, apart from its exact bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest

from adapter.errors import UsageError
from adapter.findings import Finding, Severity, Text
from adapter.xml import parse
from conformance.codes import all_codes
from conformance.report import Report, Stage, StageName, Status
from conformance.reporters import FORMATS, Options, render, renderer
from conformance.reporters import words as w
from conformance.reporters.json import schema
from conformance.reporters.sarif import artifact_uri
from conformance.reporters.text import MAX_NOTES, MAX_PLACES


def text(reports: list[Report], **options: Any) -> str:
    return renderer("text")(reports, Options(**{"width": 200, **options}))


def test_unknown_format() -> None:
    with pytest.raises(UsageError, match="yaml"):
        render("yaml", [])


@pytest.mark.parametrize("format_name", FORMATS)
def test_no_documents(format_name: str) -> None:
    assert render(format_name, [])


def test_verdicts(accepted: Report, rejected: Report, partial: Report) -> None:
    assert [w.verdict(report) for report in (accepted, rejected, partial)] == ["accepted", "rejected", "partial"]


def test_codes_without_a_book_are_not_a_success(accepted: Report) -> None:
    books = Stage(StageName.BOOKS, Status.PASSED, {"checked": 40, "not_checked": 2})
    report = replace(accepted, stages=(*accepted.stages[:3], books, accepted.stages[4]))
    assert report.complete
    assert w.verdict(report) is w.Verdict.PARTIAL
    assert w.state(books, []) == "partial"
    assert "codes without a book: 2" in text([report], language="en")


@pytest.mark.parametrize(("language", "words"), [("ru", "ПРИНЯТ принят"), ("en", "ACCEPTED accepted passed")])
def test_text_has_no_word_of_success_where_something_was_not_checked(
    partial: Report, language: str, words: str
) -> None:
    printed = text([partial], language=language)
    assert not any(word in printed.replace("непринят", "") for word in words.split())
    assert {"ru": "ПРОВЕРЕНО ЧАСТИЧНО", "en": "PARTLY CHECKED"}[language] in printed
    assert {"ru": "нет пакета вида 227", "en": "no pack for kind 227"}[language] in printed


def test_text_wraps_words_and_never_paths(rejected: Report) -> None:
    lines = text([rejected], width=60).splitlines()
    long = [line for line in lines if len(line) > 60]
    assert long
    assert all("/ClinicalDocument/" in line for line in long)
    assert not any(line != line.rstrip() for line in lines)


def test_text_is_coloured_on_request_only(reports: list[Report]) -> None:
    assert "\x1b[" not in text(reports)
    coloured = text(reports, colour=True)
    assert "\x1b[1;31mОТКЛОНЁН\x1b[0m" in coloured


def test_text_quiet_keeps_documents_with_errors(reports: list[Report], accepted: Report) -> None:
    printed = text(reports, quiet=True)
    assert "docs/rejected.xml" in printed
    assert "docs/accepted.xml" not in printed
    assert "docs/partial.xml" not in printed
    assert text([accepted], quiet=True) == ""


def test_text_joins_equal_findings_and_says_how_many_it_left_out(accepted: Report) -> None:
    error = Finding("SCH01", Severity.ERROR, Text("Одно", "One"))
    same = tuple(replace(error, xpath=f"/a[{number}]") for number in range(MAX_PLACES + 3))
    notes = tuple(Finding("NSI05", Severity.NOTE, Text(f"з{n}", f"n{n}")) for n in range(MAX_NOTES + 4))
    printed = text([replace(accepted, findings=same + notes)], language="en")
    assert printed.count("One") == 1
    assert "and 3 more places" in printed
    assert "and 4 more notes" in printed


def test_text_never_leaves_out_an_error(accepted: Report) -> None:
    errors = tuple(Finding(f"ID{n:02}", Severity.ERROR, Text(f"о{n}", f"e{n}")) for n in range(40))
    printed = text([replace(accepted, findings=errors)])
    assert all(error.code in printed for error in errors)


def test_json_follows_its_schema(reports: list[Report]) -> None:
    validator = jsonschema_rs.validator_for(schema())
    found = orjson.loads(render("json", reports))
    validator.validate(found)
    del found["reports"][0]["verdict"]
    assert not validator.is_valid(found)


def test_json_holds_every_finding_once(reports: list[Report]) -> None:
    found = orjson.loads(render("json", reports))
    assert [len(report["findings"]) for report in found["reports"]] == [len(report.findings) for report in reports]
    assert found["summary"] == {
        "documents": 4, "accepted": 1, "rejected": 2, "partial": 1, "errors": 4, "warnings": 2, "notes": 2,
    }  # fmt: skip
    first = found["reports"][1]["findings"][0]
    assert (first["line"], first["column"], first["stage"], first["rule"]) == (14, 9, "schematron", "170.sch:31")


def test_sarif_structure(reports: list[Report]) -> None:
    log = orjson.loads(render("sarif", reports, language="en"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note"}
        assert result["message"]["text"]
        (location,) = result["locations"]
        artifact = location["physicalLocation"]["artifactLocation"]
        assert run["artifacts"][artifact["index"]]["location"]["uri"] == artifact["uri"]
        assert location["physicalLocation"].get("region", {"startLine": 1})["startLine"] >= 1
    assert len(run["results"]) == sum(len(report.findings) for report in reports)


def test_sarif_documents_its_codes(rejected: Report) -> None:
    (run,) = orjson.loads(render("sarif", [rejected], language="en"))["runs"]
    rule = next(rule for rule in run["tool"]["driver"]["rules"] if rule["id"] == "ID01")
    assert rule["shortDescription"]["text"] == all_codes()["ID01"].title.en
    assert rule["help"]["text"]


def test_sarif_says_what_was_not_checked(partial: Report, accepted: Report) -> None:
    (run,) = orjson.loads(render("sarif", [accepted, partial], language="en"))["runs"]
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert "no pack for kind 227" in notification["message"]["text"]


def test_sarif_place_in_another_file_is_no_line_of_the_document(rejected: Report) -> None:
    (run,) = orjson.loads(render("sarif", [rejected]))["runs"]
    pack = next(result for result in run["results"] if result["ruleId"] == "SCH04")
    assert "region" not in pack["locations"][0]["physicalLocation"]


def test_artifact_uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert artifact_uri(str(tmp_path / "docs" / "a b.xml")) == "docs/a%20b.xml"
    assert artifact_uri("./выписка.xml").isascii()
    assert artifact_uri("-") == "stdin"


def test_junit_counts_and_outcomes(reports: list[Report]) -> None:
    root = parse(render("junit", reports).encode()).getroot()
    assert {key: root.get(key) for key in ("tests", "failures", "skipped", "errors")} == {
        "tests": "20", "failures": "2", "skipped": "6", "errors": "0",
    }  # fmt: skip
    assert [suite.get("name") for suite in root] == [w.source_name(report, "ru") for report in reports]
    failure = root.find("testsuite[2]/testcase[@name='schematron']/failure")
    assert failure is not None
    assert "170.sch:31" in (failure.text or "")
    skipped = root.find("testsuite[3]/testcase[@name='xsd']/skipped")
    assert skipped is not None
    assert skipped.get("message") == "не проверено: нет пакета вида 227"


def test_junit_bears_any_file_name(accepted: Report) -> None:
    root = parse(render("junit", [replace(accepted, source="a\x00\x1b\ud800<&>.xml")]).encode()).getroot()
    assert root[0].get("name") == "a\ufffd\ufffd\ufffd<&>.xml"


def test_an_error_fails_its_stage_whatever_its_status(accepted: Report) -> None:
    error = Finding("XSD01", Severity.ERROR, Text("Не то", "Wrong"))
    root = parse(render("junit", [replace(accepted, findings=(error,))]).encode()).getroot()
    assert root.get("failures") == "1"
