"""Codes completed from books, from the vocabulary, from the sender."""

from __future__ import annotations

import pytest

from adapter.catalogue import Catalogue
from adapter.errors import UsageError
from adapter.facts import Coding
from adapter.nsi import BookStore
from adapter.nsi.model import expand_oid
from adapter.nsi.terms import BorrowedCoding, Entry, Terms, Vocabulary, load_vocabulary

OID = "1.2.643.5.1.13.13.99.2.7001"
OTHER = "1.2.643.5.1.13.13.99.2.7002"


def vocabulary(**changed):
    entry = Entry("Словарь", "0.9", {"1": "из словаря", "7": "только в словаре"})
    given = {"books": {OID: entry, OTHER: entry._replace(partial=True)}, "pins": {}, "keys": {}, "columns": {}}
    return Vocabulary(**{**given, **changed})


@pytest.fixture
def terms(make_book, books):
    """Terms over versions 1.9 and 1.10 of one book."""
    make_book([{"ID": "1", "NAME": "старое"}, {"ID": "2", "NAME": "два"}], version="1.9")
    make_book(
        [
            {"ID": "1", "NAME": "новое", "ATC": "A1; B2", "CODE": "N"},
            {"ID": "2", "NAME": "два", "ATC": "A1", "CODE": "R"},
            {"ID": None, "NAME": "пусто", "ATC": "A1", "CODE": None},
        ],
        version="1.10",
        columns=("ID", "NAME", "ATC", "CODE"),
    )
    store = books()
    return lambda **changed: Terms(store, vocabulary(**changed))


def empty(tmp_path, **changed):
    return Terms(BookStore(tmp_path / "none"), vocabulary(**changed))


def test_the_newest_version_completes_a_code(terms):
    assert terms().coding(OID, "1") == Coding("1", OID, "Учебный справочник", "1.10", "новое")


def test_a_pinned_version_completes_a_code(terms):
    coding = terms(pins={OID: "1.9"}).coding(OID, "1")
    assert coding is not None
    assert (coding.version, coding.display) == ("1.9", "старое")


def test_a_pinned_version_that_is_absent_leaves_the_vocabulary(terms):
    coding = terms(pins={OID: "5.0"}).coding(OID, "1")
    assert coding is not None
    assert (coding.version, coding.display) == ("0.9", "из словаря")


def test_an_imported_book_outranks_the_vocabulary(terms):
    assert terms().coding(OID, "7") is None


def test_a_code_is_found_once(terms):
    ready = terms()
    assert ready.coding(OID, "1") is ready.coding(OID, "1")


def test_another_column_may_be_the_code(terms):
    coding = terms(keys={OID: "CODE"}).coding(OID, "R")
    assert coding is not None
    assert coding.display == "два"
    assert terms(keys={OID: "CODE"}).coding(OID, "2") is None


def test_without_a_book_the_vocabulary_answers(tmp_path):
    assert empty(tmp_path).coding(OID, "7") == Coding("7", OID, "Словарь", "0.9", "только в словаре")


@pytest.mark.parametrize(
    ("system", "version", "display", "found"),
    [
        (OTHER, "3.1", "у отправителя", True),  # part of a book: others may exist
        (OTHER, None, "у отправителя", False),
        (OTHER, "3.1", None, False),
        (OID, "0.9", "у отправителя", False),  # a whole book does not have it
        (OID, "1.1", "у отправителя", True),  # but a newer version may
        ("1.2.3", "1.1", "у отправителя", False),  # nobody knows the book's name
    ],
)
def test_the_sender_completes_a_code_nobody_knows(tmp_path, system, version, display, found):
    terms = empty(tmp_path)
    coding = terms.coding(system, "99", version=version, display=display)
    assert (coding is not None) == found
    if coding is not None:
        assert coding == Coding("99", system, "Словарь", version, display)
        assert isinstance(coding, BorrowedCoding)
        assert terms.borrowed(coding)


def test_a_name_without_a_code_is_not_borrowed(tmp_path):
    assert empty(tmp_path).coding(OTHER, "", version="1.1", display="у отправителя") is None


def test_a_borrowed_coding_is_not_kept(tmp_path):
    terms = empty(tmp_path)
    assert terms.coding(OTHER, "99", version="1.1", display="один") is not None
    other = terms.coding(OTHER, "99", version="1.1", display="другой")
    assert other is not None
    assert other.display == "другой"


def test_a_sender_may_be_newer_than_the_book(terms):
    coding = terms().coding(OID, "55", version="1.11", display="новый код")
    assert coding is not None
    assert (coding.system_name, coding.version) == ("Учебный справочник", "1.11")
    assert terms().coding(OID, "55", version="1.10", display="новый код") is None


def test_a_known_code_is_not_borrowed(terms):
    ready = terms()
    coding = ready.coding(OID, "1", version="9.9", display="своё имя")
    assert coding is not None
    assert coding.display == "новое"
    assert not ready.borrowed(coding)


@pytest.mark.parametrize(
    ("value", "codes"), [("A1", ["1", "2"]), ("B2", ["1"]), (" B2 ", ["1"]), ("A1; B2", ["1"]), ("C", [])]
)
def test_a_column_is_searched_with_the_parts_of_its_cells(terms, value, codes):
    assert terms().find(OID, "ATC", value) == codes


def test_a_fixed_answer_outranks_the_column(terms):
    ready = terms(columns={(OID, "ATC"): {"A1": "2"}})
    assert ready.find(OID, "ATC", "A1") == ["2"]
    assert ready.find(OID, "ATC", "B2") == ["1"]


def test_names_of_a_whole_book_are_searched_without_it(tmp_path):
    assert empty(tmp_path).find(OID, "NAME", "из словаря") == ["1"]
    assert empty(tmp_path).find(OID, "ATC", "из словаря") == []


def test_names_of_a_part_of_a_book_are_not_searched(tmp_path):
    """A name that occurs once in the part may occur twice in the book."""
    assert empty(tmp_path).find(OTHER, "NAME", "из словаря") == []


def test_nothing_is_found_in_an_unknown_book(tmp_path):
    assert empty(tmp_path).find("1.2.3", "NAME", "из словаря") == []
    assert empty(tmp_path).version("1.2.3") is None


def test_the_built_in_vocabulary_agrees_with_the_books(nsi_source, tmp_path):
    """Every name is as the book of that version prints it, and no book is called whole that has more codes."""
    from adapter.nsi.importer import import_folder

    import_folder(nsi_source, tmp_path)
    store, built_in = BookStore(tmp_path), load_vocabulary(Catalogue())
    compared = 0
    for oid, entry in built_in.books.items():
        book = store.book(oid, entry.version)
        if book is None:
            # A name alone, of a book that is not at hand: its codes are the sender's.
            assert entry.partial and not entry.codes, oid
            continue
        assert entry.name == book.code_system_name, oid
        if not book.complete or oid == expand_oid("11.1039"):
            continue
        names = Terms(store, Vocabulary({}, {oid: entry.version}, built_in.keys, {}))
        for code, display in entry.codes.items():
            coding = names.coding(oid, code)
            assert coding is not None, (oid, code)
            assert coding.display == display, (oid, code)
            compared += 1
        if not entry.partial:
            assert len(entry.codes) == len(book.codes), oid
    assert compared > 400


def test_a_broken_vocabulary_is_named(tmp_path):
    folder = tmp_path / "mappings"
    folder.mkdir()
    (folder / "vocabulary.yaml").write_text("books: {11.1040: 5}\n", "utf-8")
    with pytest.raises(UsageError, match="not a vocabulary"):
        load_vocabulary(Catalogue(tmp_path))


def test_a_quoted_version_is_kept_with_the_name_of_that_version(terms):
    quoting = terms().quoting({})
    assert quoting.coding(OID, "1", version="1.9") == Coding("1", OID, "Учебный справочник", "1.9", "старое")
    assert quoting.coding(OID, "1") == Coding("1", OID, "Учебный справочник", "1.10", "новое")


def test_a_version_that_the_bundle_quotes_is_for_codes_without_one(terms):
    quoting = terms().quoting({OID: "1.5"})
    coding = quoting.coding(OID, "2")
    assert coding == Coding("2", OID, "Учебный справочник", "1.5", "два")
    assert not isinstance(coding, BorrowedCoding)
    assert terms().coding(OID, "2").version == "1.10"


def test_a_name_of_a_version_that_is_not_here_is_the_senders(terms):
    coding = terms().quoting({}).coding(OID, "1", version="1.5", display="иное")
    assert coding == Coding("1", OID, "Учебный справочник", "1.5", "иное")
    assert isinstance(coding, BorrowedCoding)


def test_a_fixed_version_is_not_quoted(terms):
    assert terms(pins={OID: "1.9"}).quoting({OID: "1.5"}).coding(OID, "2").version == "1.9"


def test_a_folder_adds_books_and_codes(tmp_path):
    added = tmp_path / "mappings/vocabulary/own.yaml"
    added.parent.mkdir(parents=True)
    added.write_text(
        """
        books:
          "11.1040": {version: "2.1", codes: {"9": Иной}}
          1.2.3: {name: Наш справочник, version: "1", codes: {a: А}}
        """,
        "utf-8",
    )
    terms = Terms(BookStore(tmp_path), load_vocabulary(Catalogue(tmp_path)))
    other, known, own = (
        terms.coding("1.2.643.5.1.13.13.11.1040", "9"),
        terms.coding("1.2.643.5.1.13.13.11.1040", "1"),
        terms.coding("1.2.3", "a"),
    )
    assert other is not None
    assert other.display == "Иной"
    assert known is not None
    assert known.display == "Мужской"
    assert own is not None
    assert own.system_name == "Наш справочник"
    added.write_text('books: {"11.1040": {version: "9.9", codes: {"9": Иной}}}\n', "utf-8")
    with pytest.raises(UsageError, match=r"own\.yaml.*version 9\.9 .* 2\.1 is here"):
        load_vocabulary(Catalogue(tmp_path))
