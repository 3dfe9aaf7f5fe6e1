"""What the files say about themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from adapter.documents.kinds import TemplateId
from adapter.errors import PackError
from conformance.packs.reading import check_locations, parse_rules, read_schematron, xsd_family

SCH = '<schema xmlns="http://purl.oclc.org/dsdl/schematron"><pattern>{}</pattern></schema>'
XSD = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{}</xs:schema>'


def _facts(text: str):
    return read_schematron("x.sch", parse_rules("x.sch", text.encode()))


def test_version_date_title_and_counts(files: Callable[..., dict[str, str]]) -> None:
    facts = _facts("\ufeff" + files()["170.sch"])
    assert (facts.version, facts.published, facts.title) == ("1.0.1", "2023-04-03", "Проба (CDA) Редакция 1")
    assert (facts.patterns, facts.rules, facts.asserts, facts.reports) == (2, 2, 2, 1)
    assert facts.template_ids == (TemplateId("1.2.643.5.1.13.13.14.53.9.2", "53"),)


def test_versions_are_compared_as_numbers() -> None:
    head = "<!-- 01.01.2023 - v.1.10.0: a --><!-- 02.01.2023 - v.1.9.1: b -->"
    assert _facts(head + SCH.format("")).version == "1.10.0"


def test_comments_behind_the_root_are_no_changelog() -> None:
    assert _facts(SCH.format("") + "<!-- 01.01.2023 - v.9.0.0: a -->").version == ""


def test_a_template_bound_to_a_document_code() -> None:
    rules = "".join(
        f"<rule context=\"ClinicalDocument[code[@code='{code}']]/templateId\"><assert test=\"@root='{root}'\"/></rule>"
        for code, root in (("5", "1.2.3"), ("85", "1.2.4"))
    )
    assert _facts(SCH.format(rules)).template_ids == (TemplateId("1.2.3", "5"), TemplateId("1.2.4", "85"))


def test_a_list_of_roots_and_no_code() -> None:
    rule = "<rule context='ClinicalDocument/templateId'><assert test='@root = [\"1.2.3\", \"1.2.4\"]'/></rule>"
    assert _facts(SCH.format(rule)).template_ids == (TemplateId("1.2.3", ""), TemplateId("1.2.4", ""))


def test_templates_of_other_elements_do_not_count() -> None:
    rule = "<rule context='ClinicalDocument/component/templateId'><assert test=\"@root='1.2.3'\"/></rule>"
    assert _facts(SCH.format(rule)).template_ids == ()


def test_not_a_schematron() -> None:
    with pytest.raises(PackError, match=r"x\.sch: not a Schematron"):
        _facts("<schema/>")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<!DOCTYPE schema [<!ENTITY a 'b'>]><schema/>", r"DOCTYPE.*XML02"),
        ("<schema>", r"well-formed.*XML01"),
        ('<?xml version="1.0" encoding="windows-1251"?><schema/>', r"UTF-8.*XML05"),
    ],
)
def test_xml_from_outside_is_hardened(text: str, reason: str) -> None:
    with pytest.raises(PackError, match=reason) as caught:
        parse_rules("a/x.sch", text.encode())
    assert caught.value.text.ru.startswith("a/x.sch:1: ")
    assert caught.value.text.en.startswith("a/x.sch:1: ")


def _schema(location: str):
    return parse_rules("x.xsd", XSD.format(f'<xs:import schemaLocation="{location}"/>').encode())


@pytest.mark.parametrize(
    "location", ["a.xsd", "coreschemas/a.xsd", "coreschemas\\a.xsd", "..\\a.xsd", "absent.xsd", "./b/../a.xsd"]
)
def test_locations_inside_the_pack(location: str) -> None:
    check_locations("sub/x.xsd", _schema(location), {})


@pytest.mark.parametrize(
    "location",
    ["/etc/x.xsd", "../../x.xsd", "..\\..\\x.xsd", "http://example.org/x.xsd", "file:///etc/x.xsd", "C:\\x.xsd"],
)
def test_locations_outside_the_pack(location: str) -> None:
    with pytest.raises(PackError, match=r"sub/x\.xsd:1: .*outside"):
        check_locations("sub/x.xsd", _schema(location), {})


def test_families() -> None:
    assert xsd_family(_schema("POCD_MT000040.xsd")) == "generic"
    assert xsd_family(_schema("AUTHOR.xsd")) == "modular"
