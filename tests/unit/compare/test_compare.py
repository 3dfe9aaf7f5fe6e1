"""What is paired with what, explanations, and the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapter.cli import app
from adapter.errors import UsageError
from adapter.findings import Text
from adapter.xml import parse
from conformance.compare import Comparison, compare
from conformance.explanations import Explanation, explain, load_explanations

HEAD = '<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'


def document(body: str) -> bytes:
    return f"{HEAD}{body}</ClinicalDocument>".encode()


def compared(expected: str, actual: str) -> Comparison:
    return compare(parse(document(expected)), parse(document(actual)))


def told(found: Comparison) -> list[tuple[str, str]]:
    return [
        (one.verdict.value, one.xpath.removeprefix("/ClinicalDocument/"))
        for one in found.values
        if one.verdict.value != "equal"
    ]


def section(code: str, text: str = "x") -> str:
    return f'<component><section><code code="{code}"/><text>{text}</text></section></component>'


CASES: dict[str, tuple[str, str, list[tuple[str, str]]]] = {
    "a section in the middle is missing": (
        section("A") + section("B", "b") + section("C"),
        section("A") + section("C"),
        [("missing", "component[2]/section/code/@code"), ("missing", "component[2]/section/text/text()")],
    ),
    "another section is no difference of this one": (
        section("A", "one"),
        section("B", "two"),
        [
            ("missing", "component/section/code/@code"),
            ("missing", "component/section/text/text()"),
            ("extra", "component/section/code/@code"),
            ("extra", "component/section/text/text()"),
        ],
    ),
    "ids are known by their root": (
        '<id root="1" extension="a"/><id root="2" extension="b"/>',
        '<id root="2" extension="a"/><id root="1" extension="a"/>',
        [("different", "id[2]/@extension")],
    ),
    "parts of a name are a sequence": (
        "<given>Иван</given><given>Петрович</given>",
        "<given>Петрович</given>",
        [("missing", "given[1]/text()")],
    ),
    "parts of a name that changed places are told": (
        "<given>Иван</given><given>Петрович</given>",
        "<given>Петрович</given><given>Иван</given>",
        [("missing", "given[2]/text()"), ("extra", "given[1]/text()")],
    ),
    "telecoms pair by what they share": (
        '<telecom use="MC" value="1"/><telecom use="WP" value="2"/>',
        '<telecom use="WP" value="3"/>',
        [("missing", "telecom[1]/@use"), ("missing", "telecom[1]/@value"), ("different", "telecom[2]/@value")],
    ),
    "rows of a narrative are a sequence": (
        "<text><tr><td>1</td></tr><tr><td>2</td></tr><tr><td>3</td></tr></text>",
        "<text><tr><td>1</td></tr><tr><td>3</td></tr></text>",
        [("missing", "text/tr[2]/td/text()")],
    ),
    "runs of mixed text": (
        "<text>a<b>x</b> c <b>y</b>d</text>",
        "<text>a<b>x</b><b>y</b>d</text>",
        [("missing", "text/text()[2]")],
    ),
    "white space, comments, instructions and prefixes": (
        '<text>a  b</text><value xsi:type="ST">x</value>',
        '<text> a<!-- c -->\n<?p i?>b </text><h:value xmlns:h="urn:hl7-org:v3" xsi:type="h:ST">x</h:value>',
        [],
    ),
    "white space in an attribute counts": ('<code code="a b"/>', '<code code="a  b"/>', [("different", "code/@code")]),
    "a statement that lost its code is still the statement": (
        '<entry><observation><code code="1" displayName="d"/><value>5</value></observation></entry>',
        "<entry><observation><value>5</value></observation></entry>",
        [
            ("missing", "entry/observation/code/@code"),
            ("missing", "entry/observation/code/@displayName"),
        ],
    ),
    "only people's roles differ": (
        '<author><id root="1"/><code code="9"/></author>',
        '<author><id root="2"/><code code="8"/></author>',
        [("different", "author/id/@root"), ("different", "author/code/@code")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_told(case: str) -> None:
    expected, actual, want = CASES[case]
    assert told(compared(expected, actual)) == want


def test_other_roots_have_nothing_in_common() -> None:
    found = compare(parse(b'<a x="1"/>'), parse(b'<b x="1"/>'))
    assert [one.verdict.value for one in found.values] == ["missing", "extra"]


def test_a_deep_document() -> None:
    deep = "<a>" * 200 + "x" + "</a>" * 200
    assert compared(deep, deep).ok


def test_many_siblings_take_no_long() -> None:
    """Above the limit of comparisons they pair by position."""
    rows = [f'<telecom value="{number}"/>' for number in range(600)]
    found = compared("".join(rows), "".join(rows[1:]))
    assert found.total == 600
    assert sum(one.verdict.value == "missing" for one in found.values) == 1


def test_places_and_lines_of_both_documents() -> None:
    (one,) = compared('<code code="1"/>', '\n\n<code code="2"/>').values
    assert (one.line, one.actual_line, one.expected, one.actual) == (1, 3, "1", "2")


REASON = Text("так", "so")


@pytest.mark.parametrize(
    ("pattern", "covered"),
    [
        ("/ClinicalDocument/id/@extension", True),
        ("/ClinicalDocument/id[2]/@extension", True),
        ("/ClinicalDocument/id[1]/@extension", False),
        ("/ClinicalDocument//@extension", True),
        ("//id", True),
        ("id/@*", True),
        ("/ClinicalDocument/*/@extension", True),
        ("/ClinicalDocument", True),
        ("/ClinicalDocument/*/*/@extension", False),
        ("@root", False),
        ("/id", False),
        ("d/@extension", False),
        ("/ClinicalDocument/i", False),
    ],
)
def test_paths_of_explanations(pattern: str, covered: bool) -> None:
    found = compared('<id root="1"/><id root="2" extension="b"/>', '<id root="1"/><id root="2" extension="c"/>')
    result, unused = explain(found, [Explanation.of(pattern, REASON)])
    assert result.ok is covered
    assert bool(unused) is not covered
    assert {one.reason for one in result.values if one.verdict.value == "equal"} == {None}


@pytest.mark.parametrize("pattern", ["", "/", "a[b]", "a/ b", "a[1]/@c='x'", "a///b"])
def test_paths_that_are_none(pattern: str) -> None:
    with pytest.raises(UsageError):
        Explanation.of(pattern, REASON)


@pytest.mark.parametrize(
    "text", ["a: b", "- xpath: a", "- {xpath: a, ru: x, en: ''}", "- {xpath: a, ru: x, en: y, z: 1}"]
)
def test_files_of_explanations_that_are_none(text: str, tmp_path: Path) -> None:
    file = tmp_path / "e.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(UsageError):
        load_explanations(file)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Any]:
    (tmp_path / "one.xml").write_bytes(document('<id root="1"/><id root="2"/><code code="3"/><title>a</title>'))
    (tmp_path / "two.xml").write_bytes(document('<id root="1"/><code code="4"/><title>a</title><x y="z"/>'))

    def invoke(*arguments: str) -> Any:
        files = [str(tmp_path / "one.xml"), str(tmp_path / "two.xml")]
        return CliRunner().invoke(app, ["compare", *files, "--lang", "en", *arguments])

    return invoke


def test_the_text(run: Callable[..., Any]) -> None:
    result = run()
    assert result.exit_code == 1
    assert result.stdout == (
        "missing  /ClinicalDocument/id[2]/@root  line 1\n  − 2\n"
        "different  /ClinicalDocument/code/@code  line 1\n  − 3\n  + 4\n"
        "extra  /ClinicalDocument/x/@y  line 1\n  + z\n"
        "equal 2 of 4 (50.0 %), different 1, missing 1, extra 1\n"
    )


def test_all_values_and_the_summary_alone(run: Callable[..., Any]) -> None:
    assert "equal  /ClinicalDocument/title/text()" in run("--all").stdout
    assert run("--quiet").stdout == "equal 2 of 4 (50.0 %), different 1, missing 1, extra 1\n"


def test_the_share_decides_where_it_is_asked_for(run: Callable[..., Any]) -> None:
    assert run("--fail-under", "50").exit_code == 0
    assert run("--fail-under", "50.1").exit_code == 1


def test_explained_differences_are_no_failure(run: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "why.yaml"
    file.write_text(
        "- {xpath: id, ru: а, en: why}\n- {xpath: code, ru: б, en: so}\n- {xpath: z, ru: в, en: x}\n", "utf-8"
    )
    result = run("--ignore", str(file))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("extra")
    assert "  # why" in lines
    assert lines[-2] == "the explanation explains nothing: z"
    assert lines[-1] == "equal 2 of 4 (50.0 %), different 0, missing 0, extra 1; explained: different 1, missing 1"


def test_the_json(run: Callable[..., Any]) -> None:
    found = json.loads(run("--format", "json").stdout)
    assert (found["ok"], found["total"], found["share"]) == (False, 4, 50.0)
    assert found["counts"] == {"equal": 2, "different": 1, "missing": 1, "extra": 1}
    assert {one["verdict"] for one in found["values"]} == set(found["counts"])


def test_a_terminal_gets_no_control_characters(tmp_path: Path) -> None:
    file = tmp_path / "one.xml"
    file.write_bytes(document("<title>a\u009b31m</title>"))
    other = tmp_path / "two.xml"
    other.write_bytes(document("<title>b</title>"))
    assert "\u009b" not in CliRunner().invoke(app, ["compare", str(file), str(other)]).stdout
