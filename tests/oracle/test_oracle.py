"""The oracle itself: hand-made Schematrons with known answers, for all three stylesheets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import saxonche

from adapter.xml import HL7, locate, parse
from tests.oracle.saxon import SaxonOracle, compile_stylesheet
from tests.oracle.stylesheet import lean_stylesheet, read, svrl_stylesheet

HEAD = """<schema xmlns="http://purl.oclc.org/dsdl/schematron" queryBinding="xslt2">
<ns prefix="identity" uri="urn:hl7-ru:identity"/><ns prefix="xsi" uri="http://www.w3.org/2001/XMLSchema-instance"/>
"""
DOCUMENT = f"""<ClinicalDocument xmlns="{HL7}" xmlns:identity="urn:hl7-ru:identity">
  <id root="1.2" extension="a"/>
  <id root="1.2.3"/>
  <author><id nullFlavor="NI"/><identity:Props><identity:Ogrn>1</identity:Ogrn></identity:Props></author>
  <author><time value="2024"/></author>
  <other xmlns="urn:other"/>
</ClinicalDocument>"""


def write(folder: Path, patterns: str, head: str = HEAD) -> Path:
    path = folder / "t.sch"
    path.write_text(f"{head}{patterns}\n</schema>", "utf-8")
    return path


def hits(path: Path, document: str = DOCUMENT) -> set[tuple[str, str]]:
    """Failures by the oracle, after the other two stylesheets have been held to it."""
    result = SaxonOracle(path).run(document.encode())
    ids = {rule_id for rule_id, _ in result.failures}
    if not result.errors:
        assert set(compile_stylesheet(lean_stylesheet(path))(document.encode()).split()) == ids
        svrl = compile_stylesheet(svrl_stylesheet(path))(document.encode())
        found = re.findall(r'<svrl:(?:failed-assert|successful-report) id="([^"]+)"', svrl)
        assert set(found) == ids
        assert len(found) == len(result.failures)
    return result.failures


def test_an_assert_fails_when_false_and_a_report_fires_when_true(tmp_path):
    path = write(
        tmp_path,
        """<pattern><rule context="ClinicalDocument/id">
<assert test="@extension">needs one</assert>
<report test="@extension">has one</report>
</rule></pattern>""",
    )
    assert hits(path) == {("t.sch:4", "/ClinicalDocument/id[2]"), ("t.sch:5", "/ClinicalDocument/id[1]")}


def test_two_checks_of_one_line_are_told_apart(tmp_path):
    path = write(
        tmp_path,
        '<pattern><rule context="ClinicalDocument"><assert test="true()">a</assert>'
        '<assert test="false()">b</assert></rule></pattern>',
    )
    assert hits(path) == {("t.sch:3#2", "/ClinicalDocument")}


def test_the_first_matching_rule_of_a_pattern_is_the_only_one(tmp_path):
    path = write(
        tmp_path,
        """<pattern>
<rule context="ClinicalDocument/id[@extension]"><report test="true()">first</report></rule>
<rule context="//id"><report test="true()">second</report></rule>
<rule context="id"><report test="true()">never</report></rule>
</pattern>
<pattern><rule context="id"><report test="true()">other pattern</report></rule></pattern>""",
    )
    assert hits(path) == {
        ("t.sch:4", "/ClinicalDocument/id[1]"),
        ("t.sch:5", "/ClinicalDocument/id[2]"),
        ("t.sch:5", "/ClinicalDocument/author[1]/id"),
        ("t.sch:8", "/ClinicalDocument/id[1]"),
        ("t.sch:8", "/ClinicalDocument/id[2]"),
        ("t.sch:8", "/ClinicalDocument/author[1]/id"),
    }


def test_a_context_matches_wherever_its_last_steps_do(tmp_path):
    path = write(
        tmp_path,
        """<pattern><rule context="author/identity:Props | author/time">
<report test="true()">x</report></rule></pattern>
<pattern><rule context="/"><assert test="count(ClinicalDocument)=2">x</assert></rule></pattern>""",
    )
    assert hits(path) == {
        ("t.sch:4", "/ClinicalDocument/author[1]/identity:Props"),
        ("t.sch:4", "/ClinicalDocument/author[2]/time"),
        ("t.sch:5", "/"),
    }


def test_a_nested_root_is_matched_too(tmp_path):
    path = write(
        tmp_path,
        '<pattern><rule context="ClinicalDocument/id"><report test="true()">x</report></rule></pattern>',
    )
    inner = "<a><ClinicalDocument><id/></ClinicalDocument></a>"
    document = f'<ClinicalDocument xmlns="{HL7}">{inner}</ClinicalDocument>'
    assert hits(path, document) == {("t.sch:3", "/ClinicalDocument/a/ClinicalDocument/id")}


def test_arrays_are_lists_of_values(tmp_path):
    path = write(
        tmp_path,
        """<pattern><rule context="ClinicalDocument/id">
<assert test="@root=['1.2','9']">x</assert>
<assert test="count(@extension)=[0,1]">x</assert></rule></pattern>""",
    )
    assert hits(path) == {("t.sch:4", "/ClinicalDocument/id[2]")}


def test_a_dynamic_error_is_one_check_at_one_node(tmp_path):
    path = write(
        tmp_path,
        """<pattern><rule context="ClinicalDocument">
<assert test="matches(id/@root, '^1')">two values</assert>
<assert test="false()">after it</assert></rule>
<rule context="author"><assert test="matches(id/@root, '^1')">none</assert></rule></pattern>""",
    )
    result = SaxonOracle(path).run(DOCUMENT.encode())
    assert result.errors == {("t.sch:4", "/ClinicalDocument")}
    assert result.failures == {
        ("t.sch:5", "/ClinicalDocument"),
        ("t.sch:6", "/ClinicalDocument/author[1]"),
        ("t.sch:6", "/ClinicalDocument/author[2]"),
    }


def test_the_prefix_of_the_document_does_not_matter(tmp_path):
    path = write(tmp_path, '<pattern><rule context="//id"><report test="true()">x</report></rule></pattern>')
    document = f'<h:ClinicalDocument xmlns:h="{HL7}"><h:id/><id xmlns="urn:other"/></h:ClinicalDocument>'
    assert hits(path, document) == {("t.sch:3", "/ClinicalDocument/id")}


def test_places_are_those_of_locate(tmp_path):
    path = write(tmp_path, '<pattern><rule context="*"><report test="true()">x</report></rule></pattern>')
    tree = parse(DOCUMENT.encode())
    assert hits(path) == {("t.sch:3", locate(element)) for element in tree.iter("*")}


def test_an_undeclared_prefix_does_not_compile(tmp_path):
    path = write(tmp_path, '<pattern><rule context="no:x"><assert test="a">x</assert></rule></pattern>')
    with pytest.raises(saxonche.PySaxonApiError):
        SaxonOracle(path)


@pytest.mark.parametrize("context", ["id/@root", "@root", "id | id/@root", "text()"])
def test_contexts_that_are_not_walked_are_refused(tmp_path, context):
    path = write(tmp_path, f'<pattern><rule context="{context}"><assert test="a">x</assert></rule></pattern>')
    with pytest.raises(ValueError, match="only elements"):
        read(path)
