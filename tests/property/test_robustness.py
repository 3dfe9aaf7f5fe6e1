"""Whatever the bytes: a report with a clear finding, no crash, no hang, bounded memory."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.nsi import BookStore
from adapter.xml import XmlLimits
from conformance import Checker
from conformance.packs import PackStore

HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n'
OWN = Path(__file__).resolve().parents[2] / "examples" / "documents"


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Checker:
    """No packs and no books: only what is always on."""
    empty = tmp_path_factory.mktemp("empty")
    return Checker(PackStore(empty), BookStore(empty))


@pytest.fixture(scope="module")
def document() -> bytes:
    return min(OWN.glob("*.xml")).read_bytes()


def refused(checker: Checker, data: bytes) -> str:
    report = checker.check(data)
    assert not report.ok
    return report.findings[0].code


def test_ten_thousand_random_byte_strings(checker: Checker) -> None:
    source = random.Random(20261124)
    codes = {refused(checker, source.randbytes(source.randrange(200))) for _ in range(10_000)}
    assert codes <= {"XML01", "XML04", "XML05"}


def test_every_truncation_of_a_document(checker: Checker, document: bytes) -> None:
    step = max(1, len(document) // 400)
    for end in range(0, len(document.rstrip()) - 1, step):
        assert refused(checker, document[:end]) in {"XML01", "XML05"}


def test_bytes_turned_over(checker: Checker, document: bytes) -> None:
    source = random.Random(7)
    for _ in range(500):
        data = bytearray(document)
        for _ in range(source.randrange(1, 6)):
            data[source.randrange(len(data))] = source.randrange(256)
        checker.check(bytes(data))


@given(st.text(max_size=300))
def test_text_as_a_document(checker: Checker, text: str) -> None:
    assert not checker.check(text.encode("utf-8", "surrogatepass")).ok


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<a>" * 1_000_000, "XML04"),
        (HEAD + b"<a " + b" ".join(b'b%d=""' % n for n in range(200_000)) + b"/>", "DOC01"),
        (HEAD + b"<a b='" + b"x" * 11_000_000 + b"'/>", "XML04"),
        (b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "XML02"),
        (b"<!DOCTYPE a [<!ENTITY % x SYSTEM 'http://localhost/x'>%x;]><a/>", "XML02"),
        (HEAD.replace(b"UTF-8", b"windows-1251") + "<a>я</a>".encode("cp1251"), "XML05"),
        ("<a/>".encode("utf-16"), "XML05"),
        (b"\xef\xbb\xbf" + HEAD + b"<a/>", "XML06"),
        (HEAD + b"<ClinicalDocument/>", "DOC01"),
        (HEAD + b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>', "DOC02"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_shapes(checker: Checker, data: bytes, code: str) -> None:
    assert refused(checker, data) == code


def test_a_hundred_megabytes_are_refused_without_being_parsed(tmp_path: Path) -> None:
    checker = Checker(PackStore(tmp_path), BookStore(tmp_path))
    data = b"<a>" + bytes(100_000_000) + b"</a>"
    tracemalloc.start()
    assert refused(checker, data) == "XML03"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_many_faults_in_one_document_stay_linear_in_places(checker: Checker) -> None:
    wrong = b'<id root="1.2.643.100.3" extension="111-111-111 11"/>' * 20_000
    report = Checker(checker.packs, checker.books, limits=XmlLimits()).check(
        HEAD + b'<ClinicalDocument xmlns="urn:hl7-org:v3">' + wrong + b"</ClinicalDocument>"
    )
    assert len({finding.xpath for finding in report.findings if finding.code == "ID01"}) == 20_000
