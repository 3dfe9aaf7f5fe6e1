"""Check of coded elements against handmade books."""

from __future__ import annotations

import pytest

from adapter.findings import Severity
from adapter.nsi import BookStore
from adapter.xml import parse
from conformance.coded import check_coded

OID = "1.2.643.5.1.13.13.99.2.7001"
ROOT = "1.2.643.5.1.13.13."
NAME = "Учебный справочник"
#: A code and a display name that no finding may quote.
SECRET_CODE, SECRET_NAME = "SECRETCODE", "Тайный диагноз"


def element(tag: str = "code", **changed: str | None) -> str:
    given = {
        "code": "1",
        "codeSystem": OID,
        "codeSystemVersion": "1.1",
        "codeSystemName": NAME,
        "displayName": "один",
    } | changed
    attributes = " ".join(f'{name}="{value}"' for name, value in given.items() if value is not None)
    return f"<{tag} {attributes}/>"


def document(*elements: str) -> bytes:
    return (
        '<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:i="urn:hl7-ru:identity" xmlns:a="urn:hl7-ru:address" '
        'xmlns:m="urn:hl7-ru:medService">\n' + "\n".join(elements) + "</ClinicalDocument>"
    ).encode()


@pytest.fixture
def check(make_book, books):
    make_book([{"ID": "1", "NAME": "один"}, {"ID": "2", "NAME": "два"}])
    make_book([{"ID": "1", "NAME": "один"}], version="1.10")
    store = books()
    return lambda *elements: check_coded(parse(document(*elements)), store)


def codes(result) -> list[str]:
    return [finding.code for finding in result.findings]


def test_right_elements_are_accepted(check):
    result = check(element(), element("value", code="2", displayName="два"))
    assert (result.findings, result.checked, result.not_checked) == ([], 2, 0)


@pytest.mark.parametrize(
    ("changed", "code", "attribute"),
    [
        ({"code": SECRET_CODE}, "NSI01", "code"),
        ({"displayName": SECRET_NAME}, "NSI02", "displayName"),
        ({"displayName": "один "}, "NSI02", "displayName"),
        ({"displayName": "Один"}, "NSI02", "displayName"),
        ({"displayName": ""}, "NSI02", "displayName"),
        ({"codeSystemName": SECRET_NAME}, "NSI03", "codeSystemName"),
        ({"codeSystemVersion": SECRET_CODE}, "NSI04", "codeSystemVersion"),
        ({"codeSystemVersion": "1,1"}, "NSI04", "codeSystemVersion"),
        ({"codeSystemVersion": ""}, "NSI04", "codeSystemVersion"),
    ],
)
def test_one_wrong_attribute_is_one_error(check, changed, code, attribute):
    result = check(element(), element(**changed))
    assert codes(result) == [code]
    assert (result.checked, result.not_checked) == (2, 0)
    (finding,) = result.findings
    assert finding.severity is Severity.ERROR
    assert finding.place.line == 3
    assert finding.xpath == f"/ClinicalDocument/code[2]/@{attribute}"
    for text in (*finding.message, *finding.hint):
        assert SECRET_CODE not in text
        assert SECRET_NAME not in text
    assert "99.2.7001" in finding.message.ru
    assert "99.2.7001" in finding.message.en
    assert "egisz nsi show 99.2.7001" in finding.hint.en


def test_a_wrong_code_and_a_wrong_name_of_the_book_are_two_errors(check):
    assert codes(check(element(code="9", codeSystemName="?"))) == ["NSI03", "NSI01"]


@pytest.mark.parametrize("missing", ["code", "codeSystem", "codeSystemVersion", "codeSystemName", "displayName"])
def test_a_missing_attribute_silences_the_check(check, missing):
    wrong = {"code": "9", "displayName": "?", "codeSystemName": "?"} | {missing: None}
    result = check(element(**wrong))
    assert (result.findings, result.checked, result.not_checked) == ([], 0, 0)


CHECKED = [
    "code", "administrativeGenderCode", "value", "functionCode", "translation", "interpretationCode",
    "i:IdentityCardType", "i:IdentityCardTypeId", "i:InsurancePolicyType", "i:IdentityDocType",
    "a:Type", "a:stateCode", "a:residentCode", "m:serviceForm", "m:serviceType", "m:serviceCond",
]  # fmt: skip
OTHERS = ["confidentialityCode", "routeCode", "approachSiteCode", "m:DocType", "i:code", "Type", "modeCode"]


@pytest.mark.parametrize("tag", CHECKED)
def test_elements_on_the_list_are_compared(check, tag):
    assert codes(check(element(tag, code="9"))) == ["NSI01"]


@pytest.mark.parametrize("tag", OTHERS)
def test_elements_not_on_the_list_are_not(check, tag):
    result = check(element(tag, code="9"))
    assert (result.findings, result.checked) == ([], 0)


def test_a_version_that_is_not_stored_is_one_note_with_the_known_ones(check):
    result = check(
        element(codeSystemVersion="1.2"),
        element(code="9"),
        element("value", codeSystemVersion="1.2", code=SECRET_CODE),
    )
    assert codes(result) == ["NSI05", "NSI01"]
    assert (result.checked, result.not_checked) == (1, 2)
    note = result.findings[0]
    assert note.severity is Severity.NOTE
    assert note.xpath == "/ClinicalDocument/code[1]"
    assert "1.1, 1.10" in note.message.ru
    assert note.message.ru.endswith("мест: 2.")
    assert "egisz nsi sync 99.2.7001@1.2" in note.hint.ru


def test_an_absent_book_is_a_note(check):
    result = check(element(codeSystem=f"{ROOT}11.9999", codeSystemVersion="3.4"), element())
    assert codes(result) == ["NSI05"]
    assert (result.checked, result.not_checked) == (1, 1)
    assert "11.9999" in result.findings[0].message.en


def test_a_code_system_that_is_no_book_is_a_note_that_does_not_quote_it(check):
    result = check(element(codeSystem=SECRET_CODE), element(codeSystem="1.2.3.4", codeSystemVersion=SECRET_NAME))
    assert codes(result) == ["NSI05"]
    assert result.not_checked == 2
    for text in (*result.findings[0].message, *result.findings[0].hint):
        assert SECRET_CODE not in text
        assert SECRET_NAME not in text
        assert "1.2.3.4" not in text


def test_a_stored_book_is_named_whatever_its_oid(make_book, books):
    make_book([{"ID": "1", "NAME": "один"}], oid="1.2.3.4")
    result = check_coded(parse(document(element(codeSystem="1.2.3.4", codeSystemVersion="7.7"))), books())
    assert codes(result) == ["NSI05"]
    assert "1.2.3.4" in result.findings[0].message.ru


def test_international_code_systems_are_passed_over(check):
    result = check(element(codeSystem="2.16.840.1.113883.5.4"))
    assert (result.findings, result.checked, result.not_checked) == ([], 0, 0)


def test_without_a_store_nothing_is_silent(tmp_path):
    result = check_coded(parse(document(element(), element())), BookStore(tmp_path / "nowhere"))
    assert codes(result) == ["NSI05"]
    assert (result.checked, result.not_checked) == (0, 2)


def test_a_skipped_book_is_counted_apart(make_book, books):
    oid = f"{ROOT}11.1039"
    make_book([{"ID": "1"}], oid=oid, value=None, rows_count=10, parts=False)
    tree = parse(document(element(codeSystem=oid, code="9", codeSystemName="?", displayName="?")))
    result = check_coded(tree, books())
    assert (result.findings, result.checked, result.not_checked, result.skipped) == ([], 0, 0, 1)


def test_display_names_that_are_not_compared(make_book, books):
    oid = f"{ROOT}11.1358"
    make_book([{"ID": "1", "SHORTNAME": "мг"}], oid=oid, value=None)
    store = books()
    assert check_coded(parse(document(element(codeSystem=oid, displayName="?"))), store).findings == []
    for changed, code in ({"code": "9"}, "NSI01"), ({"codeSystemName": "?"}, "NSI03"):
        result = check_coded(parse(document(element(codeSystem=oid, **changed))), store)
        assert codes(result) == [code]


def test_an_overridden_name_of_the_book(make_book, books):
    oid = f"{ROOT}99.2.313"
    make_book([{"ID": "1", "NAME": "один"}], oid=oid, full_name="…законного (уполномоченного) представителя")
    store = books()
    right = "Документы, удостоверяющие полномочия законного представителя"
    assert check_coded(parse(document(element(codeSystem=oid, codeSystemName=right))), store).findings == []
    wrong = check_coded(
        parse(document(element(codeSystem=oid, codeSystemName="…законного (уполномоченного) представителя"))), store
    )
    assert codes(wrong) == ["NSI03"]
    assert right in wrong.findings[0].hint.en


@pytest.mark.parametrize(("parts", "value", "what"), [(False, "NAME", "паспорт"), (True, None, "столбца")])
def test_a_book_that_cannot_be_compared_is_a_note_but_its_name_is_checked(make_book, books, parts, value, what):
    make_book([{"ID": "1", "NAME": "один"}], value=value, parts=parts)
    store = books()
    result = check_coded(parse(document(element(code="9"), element(codeSystemName="?"))), store)
    assert codes(result) == ["NSI05", "NSI03"]
    assert (result.checked, result.not_checked) == (0, 2)
    assert what in result.findings[0].message.ru


def test_a_row_without_a_name_does_not_count(make_book, books):
    make_book([{"ID": "1", "NAME": None}, {"ID": "2", "NAME": "два"}])
    assert codes(check_coded(parse(document(element())), books())) == ["NSI01"]
