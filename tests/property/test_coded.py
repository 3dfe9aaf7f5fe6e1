"""Random books: documents made from them are accepted, and one changed attribute gives exactly one known code."""

from __future__ import annotations

import tempfile
from pathlib import Path
from xml.sax.saxutils import quoteattr

from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.nsi import BookStore, Column, Passport
from adapter.nsi.model import PAGE_ROWS
from adapter.nsi.writer import writing
from adapter.xml import parse
from conformance.coded import check_coded

#: What an XML attribute can carry unchanged: no control characters, no surrogates, no U+FFFE and U+FFFF.
texts = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufffe\uffff"), min_size=1, max_size=12
)
oids = st.builds("1.2.643.5.1.13.13.{}.{}".format, st.sampled_from(["11", "99.2"]), st.integers(9000, 9005))
versions = st.builds("{}.{}".format, st.integers(0, 3), st.integers(0, 20))
rows = st.lists(st.tuples(st.none() | texts, st.none() | texts, st.none() | texts), min_size=1, max_size=8)
book_sets = st.dictionaries(st.tuples(oids, versions), st.tuples(texts, rows), min_size=1, max_size=4)

TAGS = ["code", "value", "translation", "i:IdentityCardType", "a:Type", "m:serviceForm"]
CHANGES = {"code": "NSI01", "displayName": "NSI02", "codeSystemName": "NSI03", "codeSystemVersion": "NSI04"}


def store(root: str, books) -> BookStore:
    with writing(Path(root)) as writer:
        for (oid, version), (name, table) in books.items():
            passport = Passport(oid, version, name, len(table), (Column("K"), Column("V"), Column("X")), "K", "V")
            columns = (list(column) for column in zip(*table, strict=True))
            writer.add(passport, [(len(table), dict(zip("KVX", columns, strict=True)))])
    return BookStore(Path(root))


def expected(table) -> dict[str, str]:
    """Code → name: of the rows with both, the last one of each code."""
    return {code: name for code, name, _ in table if code is not None and name is not None}


def codings(books) -> list[dict[str, str]]:
    return [
        {"code": code, "codeSystem": oid, "codeSystemVersion": version, "codeSystemName": book, "displayName": name}
        for (oid, version), (book, table) in books.items()
        for code, name in expected(table).items()
    ]


def document(elements) -> bytes:
    body = "".join(
        f"<{tag} {' '.join(f'{name}={quoteattr(value)}' for name, value in coding.items())}/>"
        for tag, coding in elements
    )
    spaces = 'xmlns:i="urn:hl7-ru:identity" xmlns:a="urn:hl7-ru:address" xmlns:m="urn:hl7-ru:medService"'
    return f'<ClinicalDocument xmlns="urn:hl7-org:v3" {spaces}>{body}</ClinicalDocument>'.encode()


@given(book_sets, st.data())
@settings(max_examples=100, deadline=None)
def test_documents_made_from_the_books_are_accepted(books, data):
    made = [(data.draw(st.sampled_from(TAGS)), coding) for coding in codings(books)]
    with tempfile.TemporaryDirectory() as root:
        result = check_coded(parse(document(made)), store(root, books))
    assert (result.findings, result.checked, result.not_checked) == ([], len(made), 0)


@given(book_sets, st.data())
@settings(max_examples=150, deadline=None)
def test_one_changed_attribute_gives_one_code(books, data):
    made = [("code", coding) for coding in codings(books)]
    if not made:
        return
    number = data.draw(st.integers(0, len(made) - 1))
    attribute = data.draw(st.sampled_from(sorted(CHANGES)))
    right = made[number][1]
    known = expected(books[right["codeSystem"], right["codeSystemVersion"]][1])
    taken = known if attribute == "code" else {right[attribute]}
    wrong = "1" if attribute == "codeSystemVersion" else data.draw(texts.filter(lambda text: text not in taken))
    made[number] = ("code", {**right, attribute: wrong})
    with tempfile.TemporaryDirectory() as root:
        result = check_coded(parse(document(made)), store(root, books))
    assert [(finding.code, finding.xpath.rpartition("/@")[2]) for finding in result.findings] == [
        (CHANGES[attribute], attribute)
    ]
    assert result.checked == len(made)
    position = "" if len(made) == 1 else f"[{number + 1}]"
    assert result.findings[0].xpath == f"/ClinicalDocument/code{position}/@{attribute}"


@given(book_sets, oids, versions)
@settings(max_examples=50, deadline=None)
def test_what_is_not_stored_is_counted_and_never_an_error(books, oid, version):
    coding = {
        "code": "1", "codeSystem": oid, "codeSystemVersion": version, "codeSystemName": "?", "displayName": "?"
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as root:
        books.pop((oid, version), None)
        result = check_coded(parse(document([("code", coding), ("value", coding)])), store(root, books))
    assert [finding.code for finding in result.findings] == ["NSI05"]
    assert (result.checked, result.not_checked) == (0, 2)


@given(st.lists(st.tuples(st.none() | texts, st.none() | texts), max_size=5), st.integers(0, 2))
@settings(max_examples=30, deadline=None)
def test_rows_come_back_as_they_went_in(tail, pages):
    """Every column of every row, over page borders."""
    table = [(f"#{number}", None) for number in range(pages * PAGE_ROWS)] + tail
    passport = Passport("1.2.3", "1.1", "n", len(table), (Column("K"), Column("X")), "K")
    chunks = [table[start : start + PAGE_ROWS] for start in range(0, len(table), PAGE_ROWS)]
    with tempfile.TemporaryDirectory() as root:
        with writing(Path(root)) as writer:
            writer.add(
                passport,
                [(len(chunk), {"K": [k for k, _ in chunk], "X": [x for _, x in chunk]}) for chunk in chunks],
            )
        book = BookStore(Path(root)).book("1.2.3", "1.1")
        assert book.values("K") == [k for k, _ in table]
        last = {k: x for k, x in table if k is not None}
        assert set(book.codes) == set(last)
        for code in [*last][-6:]:
            assert book.row(code) == {"K": code, "X": last[code]}
