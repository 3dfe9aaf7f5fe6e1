"""Spellings of UCUM, and units of the whole book."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.catalogue import Catalogue
from adapter.mapping.conversion import ConversionError
from adapter.mapping.identifiers import load_identifiers
from adapter.mapping.units import BOOK, folded, plain, plain_number, quantity
from adapter.nsi import BookStore
from adapter.nsi.importer import import_folder
from adapter.nsi.terms import Terms, load_vocabulary

CATALOGUE = Catalogue(None)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mL", "ml"), ("L/L", "l/l"), ("10*9/L", "10^9/l"), ("kg/m2", "kg/m^2"), ("/min", "1/min"), ("uL/mL", "ul/ml"),
        ("[iU]/L", "[IU]/l"), ("daL", "dal"), ("10*-3.U", "10^-3.U"), ("nmol/(mL{RBC}.h)", "nmol/(ml{RBC}.h)"),
    ],
)  # fmt: skip
def test_spellings_of_one_unit(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize(
    ("one", "other"), [("mm[H2O]", "mm[H^2O]"), ("[Lf]", "[lf]"), ("[LPF]", "[lPF]"), ("m", "M"), ("mol/l", "mmol/l")]
)
def test_different_units_stay_different(one: str, other: str) -> None:
    assert folded(one) != folded(other)


@given(st.text(alphabet="LmldagkUI[]{}'*^/.()0123456789HO%", max_size=20))
def test_folding_twice_changes_nothing(code: str) -> None:
    assert folded(folded(code)) == folded(code)


def test_annotations_are_no_unit() -> None:
    assert [plain(code) for code in ("{tablet}", "{beats}/min", "kg")] == ["1", "/min", "kg"]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1,5", "", None])
def test_what_is_no_number(value: Any) -> None:
    with pytest.raises(ConversionError):
        plain_number(value)


@pytest.fixture(scope="module")
def run(nsi_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    store = tmp_path_factory.mktemp("units")
    import_folder(nsi_source / BOOK, store)
    terms = Terms(BookStore(store), load_vocabulary(CATALOGUE))
    return SimpleNamespace(terms=terms, identifiers=load_identifiers(CATALOGUE))


def test_every_unit_of_the_book_is_found_by_its_name_and_code(run: Any) -> None:
    terms = run.terms
    checked = 0
    for code in (str(number) for number in range(1, 700)):
        coding, ucum = terms.coding(BOOK, code), terms.cell(BOOK, code, "UCUM")
        if coding is None:
            continue
        made = quantity(
            {"value": Decimal("1.50"), "unit": coding.display, "system": "http://unitsofmeasure.org", "code": ucum},
            {},
            run,
        )
        assert made.ucum == ucum
        assert made.translation == coding
        checked += 1
    assert checked == 564


def test_codes_that_no_row_stands_for_alone_are_few(run: Any) -> None:
    cells = {run.terms.cell(BOOK, str(code), "UCUM") for code in range(1, 700)} - {None}
    several = {folded(cell) for cell in cells if len(run.terms.find(BOOK, "UCUM", cell, fold=folded)) > 1}
    assert several == {"1/{cell}", "[arb'U]"}


def test_the_vocabulary_and_the_book_agree(run: Any) -> None:
    fixed = load_vocabulary(CATALOGUE).columns[BOOK, "UCUM"]
    for value, code in fixed.items():
        cell = run.terms.cell(BOOK, code, "UCUM")
        assert folded(value) == folded(cell) or value[0] == "{", value


def test_a_period_of_timing_is_a_quantity(run: Any) -> None:
    made = quantity({"frequency": 1, "period": 12, "periodUnit": "h"}, {"value": "period", "code": "periodUnit"}, run)
    assert (made.value, made.unit, made.ucum, made.translation.code) == ("12", "ч", "h", "23")


def test_a_code_that_the_book_does_not_have_is_not_quoted(run: Any) -> None:
    with pytest.raises(ConversionError) as raised:
        quantity({"value": 5, "unit": "мг", "system": f"urn:oid:{BOOK}", "code": "Тестов 7"}, {}, run)
    assert raised.value.code == "MAP02"
    assert "Тестов" not in str(raised.value)
