"""Handmade facts → documents that the official schemas, rules and books accept."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from facts import HEADER_170, HEADER_195, HEADER_204, LOCAL, MO, NULLS, Maker, Named, fact
from hypothesis import given
from hypothesis import strategies as st

from adapter import xml
from adapter.catalogue import Catalogue
from adapter.documents.header import Header
from adapter.documents.narrative import diagnosed, formulated
from adapter.documents.render import Renderer, texts
from adapter.errors import InputError, MappingError
from adapter.facts import II, Coding, Fact, Null
from adapter.findings import Severity
from conformance import Checker

HEADERS = {"170": HEADER_170, "204": HEADER_204, "195": HEADER_195}
NS = {"h": xml.HL7, "identity": "urn:hl7-ru:identity", "address": "urn:hl7-ru:address", "m": "urn:hl7-ru:medService"}


def document(maker: Maker, kind: str, *, full: bool = True) -> Fact:
    return getattr(maker, f"document_{kind}")(full=full)


def rendered(renderer: Renderer, kind: str, facts: Fact, **switches: Any) -> Any:
    data = renderer.render(f"cda/body/{kind}.xml.j2", facts, HEADERS[kind] | switches)
    return xml.parse(data)


def found(tree: Any, path: str) -> list[Any]:
    return tree.xpath(path, namespaces=NS)


@pytest.mark.packs
@pytest.mark.books
@pytest.mark.parametrize(("kind", "full"), list(itertools.product(HEADERS, (True, False))))
def test_official_checks_pass(maker: Maker, renderer: Renderer, checker: Checker, kind: str, full: bool) -> None:
    data = renderer.render(f"cda/body/{kind}.xml.j2", document(maker, kind, full=full), HEADERS[kind])
    report = checker.check(data, kind=kind)
    assert [stage.status.value for stage in report.stages] == ["passed"] * 5
    assert [finding for finding in report.findings if finding.severity is not Severity.NOTE] == []


@pytest.mark.packs
@pytest.mark.books
@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("204", lambda f: setattr(f.patient, "snils", Null("NA"))),
        ("204", lambda f: setattr(f.patient, "birth_time", Null("NAV"))),
        ("204", lambda f: setattr(f.conclusion, "conclusion", Null("NI"))),
        ("204", lambda f: setattr(f, "payer", None)),
        ("195", lambda f: setattr(f, "created", Null("NA"))),
        ("170", lambda f: setattr(f.vaccination, "record_number", Null("NAV"))),
        ("170", lambda f: setattr(f.vaccination, "component", Null("NA"))),
        ("170", lambda f: setattr(f.vaccination.result, "value", "гиперемия 5 мм")),
        ("170", lambda f: setattr(f.vaccination.result, "time", Null("NI"))),
        ("170", lambda f: setattr(f.patient, "addresses", Null("NI"))),
        ("170", lambda f: setattr(f.payer.insurer, "code", None)),
    ],
)
def test_official_checks_pass_with(
    maker: Maker, renderer: Renderer, checker: Checker, kind: str, change: Callable[[Any], None]
) -> None:
    facts = document(maker, kind)
    change(facts)
    report = checker.check(renderer.render(f"cda/body/{kind}.xml.j2", facts, HEADERS[kind]), kind=kind)
    codes = {finding.code for finding in report.findings if finding.code[:3] in ("XSD", "SCH", "NSI")}
    assert codes == set()


@pytest.mark.packs
@pytest.mark.books
def test_payer_without_a_document(maker: Maker, renderer: Renderer, checker: Checker) -> None:
    facts = document(maker, "170")
    facts.payer = fact(source=maker.code("11.1039", "8"), document=Null("NAV"), insurer=None)
    report = checker.check(renderer.render("cda/body/170.xml.j2", facts, HEADER_170))
    assert {finding.severity for finding in report.findings} <= {Severity.NOTE}


def test_bytes(bare: Maker, bare_renderer: Renderer) -> None:
    data = bare_renderer.render("cda/body/170.xml.j2", document(bare, "170"), HEADER_170)
    assert data.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3" ')
    assert data == bare_renderer.render("cda/body/170.xml.j2", document(bare, "170"), HEADER_170)
    assert b"\n  <realmCode" in data
    assert b"hl7:" not in data
    assert len(data) < 29_000


def test_document_codes(bare: Maker, bare_renderer: Renderer) -> None:
    assert found(rendered(bare_renderer, "170", document(bare, "170")), "count(/*/h:code/h:translation)") == 0
    tree = rendered(bare_renderer, "204", document(bare, "204"))
    assert found(tree, "string(/*/h:code/@code)") == "105"
    assert found(tree, "string(/*/h:code/h:translation/@code)") == "204"


def test_parts_follow_switches(bare: Maker, bare_renderer: Renderer) -> None:
    facts = document(bare, "204")
    with_all = rendered(bare_renderer, "204", facts)
    assert found(with_all, "count(//h:guardian | //h:documentationOf | //h:componentOf | //h:participant)") == 4
    off = dict.fromkeys(("guardian", "payer", "service_event", "component_of"), "absent")
    without = rendered(bare_renderer, "204", facts, **off)
    assert found(without, "count(//h:guardian | //h:documentationOf | //h:componentOf | //h:participant)") == 0


def test_generic_family_types_extension_elements(bare: Maker, bare_renderer: Renderer) -> None:
    tree = rendered(bare_renderer, "170", document(bare, "170"), xsd="generic")
    typed = "@*[local-name() = 'type']"
    assert found(tree, f"count(//address:Type[not({typed} = 'CD')] | //address:stateCode[not({typed} = 'CD')])") == 0
    assert found(tree, f"string(//identity:IssueDate/{typed})") == "TS"
    assert found(tree, f"string(//identity:Patronymic/{typed})") == "ST"
    assert found(tree, f"string(//identity:IssueOrgCode[@nullFlavor]/{typed})") == "ST"
    assert found(rendered(bare_renderer, "170", document(bare, "170")), f"count(//identity:*/{typed})") == 0


def test_legacy_signing(bare: Maker, bare_renderer: Renderer) -> None:
    tree = rendered(bare_renderer, "170", document(bare, "170"), signing="value")
    assert found(tree, "string(//h:author/h:time/@value)") == "202402151030+0300"
    assert found(tree, "string(//h:legalAuthenticator/h:signatureCode/@code)") == "S"


def test_later_kinds_need_no_python(bare: Maker, bare_renderer: Renderer) -> None:
    """Switches of 191, 163, 185 and 119: residence, both numbers of the organization, referral, referrer, times."""
    facts = document(bare, "204")
    facts.referral = fact(id=II(f"{LOCAL}.51", "R-1"), registry_number=Null("NAV"), code=bare.code("11.1522", "3"))
    facts.referrer = bare.staff("D-9", "111-111-111 45", "59")
    switches = {
        "residence": "required",
        "props": "both",
        "referral": "optional",
        "referrer": "optional",
        "performer_ids": 1,
        "performer_function": "absent",
        "service_time": "value",
        "service_details": "required",
        "payer_version": "5.1",
    }
    tree = rendered(bare_renderer, "204", facts, **switches)
    assert found(tree, "count(//h:patientRole/h:addr/address:residentCode)") == 2
    assert found(tree, "string(//identity:Ogrnip/@nullFlavor)") == "NA"
    assert found(tree, "count(//h:inFulfillmentOf/h:order/h:id)") == 2
    assert found(tree, "string(//h:participant[@typeCode = 'REF']/h:associatedEntity/@classCode)") == "PROV"
    assert found(tree, "count(//h:performer/h:assignedEntity/h:id)") == 1
    assert found(tree, "count(//h:functionCode)") == 0
    assert found(tree, "string(//h:serviceEvent/h:effectiveTime/@value)") == "20240215"
    assert found(tree, "string(//m:serviceType/@nullFlavor)") == "NI"
    assert found(tree, "string(//h:participant[@typeCode = 'IND']//h:code/@codeSystemVersion)") == "5.1"
    order = [node.tag.partition("}")[2] for node in tree.getroot()]
    assert order[-6:] == [
        "participant",
        "participant",
        "inFulfillmentOf",
        "documentationOf",
        "componentOf",
        "component",
    ]


def test_narrative_says_what_entries_say(bare: Maker, bare_renderer: Renderer) -> None:
    tree = rendered(bare_renderer, "170", document(bare, "170"))
    rows = {r[0].text: r[1].text for r in found(tree, "//h:section/h:text//h:tr") if r[0].text != "Реакция"}
    assert rows["Дата прививки"] == "15.02.2024 10:15"
    assert rows["Прививка"] == found(tree, "string(//h:substanceAdministration/h:code/@displayName)")
    assert rows["Серия"] == found(tree, "string(//h:observation[h:code/@code = '9028']/h:value)")
    assert rows["Ревакцинация"] == "нет"
    assert rows["Результат"] == "5 мм, 18.02.2024"
    assert rows["Доза"] == "0,5 мл"
    assert "Производитель" not in rows


def test_a_diagnosis_is_told_by_what_is_known_of_it() -> None:
    kind, icd = Coding("1", "1", "n", "1", "Основное заболевание"), Coding("I10", "2", "n", "1", "Гипертензия")
    assert diagnosed(icd) == "I10 Гипертензия"
    assert diagnosed(icd, "Гипертония") == "I10 Гипертония"
    assert (diagnosed(None), diagnosed(Null("NI"), "Гипертония")) == ("", "Гипертония")
    told = [fact(kind=kind, diagnosis=icd, text=None), fact(kind=None, diagnosis=None, text="Ожирение")]
    assert formulated(told) == "Основное заболевание: I10 Гипертензия; Ожирение"
    assert formulated([]) is None


def test_unknown_code_of_a_template(bare: Maker) -> None:
    class Nothing(Named):
        def coding(self, system: str, code: str) -> Coding | None:  # type: ignore[override] # a book without the code
            return None if code == "IMM" else super().coding(system, code)

    with pytest.raises(MappingError, match=r"code IMM of book 1\.2\.643\.5\.1\.13\.13\.99\.2\.197 is unknown"):
        Renderer(Catalogue(), Nothing()).render("cda/body/170.xml.j2", document(bare, "170"), HEADER_170)


# Errors of templates


def overlay(tmp_path: Path, body: str) -> Renderer:
    folder = tmp_path / "templates" / "cda" / "body"
    folder.mkdir(parents=True)
    (folder / "x.xml.j2").write_text(body, encoding="utf-8")
    return Renderer(Catalogue(tmp_path), Named())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<a>{{ facts.kind }}</b>", "wrote no XML"),
        ("<a>\n{{ facts.nothing }}</a>", r"templates/cda/body/x\.xml\.j2:2: .*no attribute 'nothing'"),
        ("<a>\n{{ facts.kind | unknown }}</a>", r"x\.xml\.j2:2: the template is wrong"),
        ("{% include 'cda/none.j2' %}", "there is no template"),
        ("<a>{{ facts.__class__.__mro__ }}</a>", "may not do that|not there"),
        ("<a>{{ ''.__class__ }}</a>", "may not do that|not there"),
    ],
)
def test_errors_of_templates(tmp_path: Path, bare: Maker, body: str, message: str) -> None:
    with pytest.raises(MappingError, match=message):
        overlay(tmp_path, body).render("cda/body/x.xml.j2", document(bare, "170"), HEADER_170)


def test_overlay_replaces_one_file_and_escapes(tmp_path: Path, bare: Maker) -> None:
    facts = document(bare, "170")
    facts.title = "<b>&"
    data = overlay(tmp_path, "<a>{{ facts.title }}</a>").render("cda/body/x.xml.j2", facts, HEADER_170)
    assert xml.parse(data).getroot().text == "<b>&"


def test_compiled_templates_are_the_sandboxs_own(tmp_path: Path, bare: Maker) -> None:
    folder = tmp_path / "my"
    folder.mkdir()
    facts, cache = document(bare, "170"), tmp_path / "cache"
    for catalogue in (Catalogue(folder), Catalogue(), Catalogue(folder)):
        Renderer(catalogue, Named(), cache=cache).render("cda/body/170.xml.j2", facts, HEADER_170)


def test_compiled_templates_are_kept(tmp_path: Path, bare: Maker) -> None:
    facts = document(bare, "170")
    data = Renderer(Catalogue(), Named(), cache=tmp_path).render("cda/body/170.xml.j2", facts, HEADER_170)
    assert any(tmp_path.iterdir())
    assert Renderer(Catalogue(), Named(), cache=tmp_path).render("cda/body/170.xml.j2", facts, HEADER_170) == data

    class Other(Named):
        def coding(self, system: str, code: str) -> Coding:
            return super().coding(system, code)._replace(version="9.9")

    # A code of a template is not frozen in the compiled one.
    assert b'"9.9"' in Renderer(Catalogue(), Other(), cache=tmp_path).render("cda/body/170.xml.j2", facts, HEADER_170)


# Hostile text

HOSTILE = st.one_of(
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1
    ),
    st.sampled_from(
        ["<", "&amp;", "]]>", "\"'", "<!--", "\u202eabc\u202c", "😀", "a\r\nb\rc\td\n", "{{ facts }}", "  ", "&#60;"]
    ),
)


@given(text=HOSTILE)
def test_text_survives(bare: Maker, bare_renderer: Renderer, text: str) -> None:
    facts = document(bare, "170")
    facts.title = facts.patient.name.family = facts.vaccination.comment = facts.provider.name = text
    facts.provider.licence.issuer = facts.author.id = text
    facts.author.id = II(f"{LOCAL}.70", text)
    facts.vaccination.product = bare.code("11.1078", "11453")._replace(display=text)
    tree = rendered(bare_renderer, "170", facts)
    assert found(tree, "string(/*/h:title)") == text
    assert found(tree, "string(//h:patient/h:name/h:family)") == text
    assert found(tree, "string(//h:observation[h:code/@code = '10000']/h:value)") == text
    assert found(tree, "string(//h:providerOrganization/h:id[2]/@assigningAuthorityName)") == text
    assert found(tree, "string(//h:assignedAuthor/h:id[1]/@extension)") == text
    assert found(tree, "string(//h:manufacturedMaterial/h:code/@displayName)") == text
    assert found(tree, "string(//h:tr[h:th = 'Комментарий']/h:td)") == text
    assert found(tree, "count(//h:entry)") == 1


@given(character=st.sampled_from(["\x00", "\x08", "\x0b", "\x1f", "\ufffe", "\uffff", "\ud800", "\udfff"]))
def test_characters_that_xml_forbids(bare: Maker, bare_renderer: Renderer, character: str) -> None:
    facts = document(bare, "170")
    facts.patient.addresses[1].line = f"секрет{character}"
    with pytest.raises(InputError) as refused:
        bare_renderer.render("cda/body/170.xml.j2", facts, HEADER_170)
    finding = refused.value.finding
    assert (finding.code, finding.rule) == ("MAP04", "patient.addresses[1].line")
    assert "секрет" not in finding.message.ru + finding.message.en + finding.hint.ru


def test_a_megabyte(bare: Maker, bare_renderer: Renderer) -> None:
    facts = document(bare, "195")
    facts.extract.summary = "<я&" * 350_000
    tree = rendered(bare_renderer, "195", facts)
    assert found(tree, "string(//h:observation[h:code/@code = '11019']/h:value)") == facts.extract.summary


def test_texts_name_paths() -> None:
    facts = fact(a="x", b=[fact(c="y"), II("r", "e")], d=None, n=Null("NI"))
    assert list(texts(facts)) == [("a", "x"), ("b[0].c", "y"), ("b[1]", "r"), ("b[1]", "e")]


# Switches


@pytest.mark.parametrize(
    ("switches", "message"),
    [
        ({"guardain": "absent"}, "there is: guardian"),
        ({"guardian": "never"}, "required, optional, absent"),
        ({"performer_ids": 3}, "there is: 1, 2"),
        ({"nulls": "patient.snils"}, "list of facts"),
        ({"encounter_time": "yes"}, "true or false"),
        ({"max_addresses": 0}, "above zero"),
    ],
)
def test_wrong_switches(switches: dict[str, Any], message: str) -> None:
    with pytest.raises(MappingError, match=message):
        Header.of(switches)


def test_switches_read() -> None:
    header = Header.of(HEADER_204)
    assert header.nulls == frozenset(NULLS)
    assert header == Header.of(HEADER_204 | {"performer_ids": "2"})
    assert MO in LOCAL
