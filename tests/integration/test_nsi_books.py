"""The real books and the example documents."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from adapter.findings import Severity
from adapter.nsi import BookStore
from adapter.nsi.importer import import_folder
from adapter.xml import parse
from conformance.coded import check_coded

pytestmark = pytest.mark.books

NSI = "1.2.643.5.1.13.13."


@pytest.fixture(scope="module")
def imported(nsi_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("nsi")
    import_folder(nsi_source, root)
    return root


@pytest.fixture
def books(imported: Path) -> BookStore:
    return BookStore(imported)


def test_everything_is_there(nsi_source, books):
    index = json.loads((nsi_source / "index.json").read_text("utf-8"))
    expected = {}
    for book in index["books"]:
        for version in book["versions"]:
            expected[book["oid"], version["version"]] = (
                version["rowsCount"],
                version["complete"],
                version["keyColumn"],
                version["valueColumn"],
                book["codeSystemName"],
                book["skip"],
                book["skipDisplayName"],
            )
    found = {}
    for key in books.books():
        book = books.book(*key)
        found[key] = (
            book.passport.rows_count, book.complete, book.key_column, book.value_column,
            book.code_system_name, book.skip, book.skip_display_name,
        )  # fmt: skip
        assert bool(book.codes) is book.complete
    assert found == expected


def test_known_rows(books):
    assert len(books.book(f"{NSI}11.1005", "2.24").codes) == 15038
    assert books.book(f"{NSI}99.2.206", "6.5").row("01")["ID"] == "1"
    services = books.book(f"{NSI}11.1070", "2.10")
    counted = Counter(services.values("S_CODE"))
    repeated = [code for code, number in counted.items() if number > 1 and code is not None]
    assert len(repeated) == 14
    assert {services.row(code)["REL"] for code in repeated} == {"0"}
    assert None in counted
    assert None not in services.codes


EXAMPLES = ["119_min", "142_min", "163_min", "170_full", "170_min", "185_min", "191_min", "195_min", "204_min"]


@pytest.mark.examples
@pytest.mark.parametrize("name", [*EXAMPLES, "164_reaction"])
def test_the_examples_are_right(examples_dir, books, name):
    result = check_coded(parse((examples_dir / f"semd{name}.xml").read_bytes()), books)
    assert result.findings == []
    assert result.checked >= 7
    assert result.not_checked == 0


@pytest.mark.examples
def test_the_official_227(examples_dir, books):
    """53 equal, 1 skipped, 93 that cannot be checked (81 of another version, 12 of an absent book), no mismatch."""
    result = check_coded(parse((examples_dir / "semd227_official.xml").read_bytes()), books)
    assert (result.checked, result.skipped, result.not_checked) == (53, 1, 93)
    assert {(finding.code, finding.severity) for finding in result.findings} == {("NSI05", Severity.NOTE)}
    places = {"other": 0, "absent": 0}
    for finding in result.findings:
        number = int(finding.message.en.removesuffix(".").rpartition(": ")[2])
        places["other" if "there are" in finding.message.en else "absent"] += number
    assert places == {"other": 81, "absent": 12}


@pytest.mark.examples
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_wrong_name_anywhere_is_found(examples_dir, books, name):
    """Every checked element in turn: another display name is NSI02 at that element and nothing else."""
    data = (examples_dir / f"semd{name}.xml").read_bytes()
    tree = parse(data)
    whole = check_coded(tree, books)
    found = 0
    for element in tree.iter("*"):
        display = element.get("displayName")
        if display is None:
            continue
        element.set("displayName", display + " ")
        result = check_coded(tree, books)
        element.set("displayName", display)
        assert {finding.code for finding in result.findings} <= {"NSI02"}
        assert len(result.findings) <= 1
        assert (result.checked, result.skipped) == (whole.checked, whole.skipped)
        found += len(result.findings)
    exempt = sum(
        1
        for element in tree.iter(*books.policy.tags)
        if element.get("codeSystem") in {f"{NSI}11.1358", f"{NSI}11.1038", f"{NSI}99.2.541", f"{NSI}99.2.611"}
    )
    assert found == whole.checked - exempt
