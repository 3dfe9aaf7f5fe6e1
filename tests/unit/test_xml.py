"""The hardened XML entry point."""

from __future__ import annotations

import pytest

from adapter.errors import XmlRefused
from adapter.xml import XmlLimits, has_bom, locate, parse, place

DOCUMENT = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:identity="urn:hl7-ru:identity" xmlns:x="urn:x">\n'
    "<id/><id/>\n<identity:Props><x:y/></identity:Props></ClinicalDocument>"
)


def refusal(data: bytes, max_bytes: int = 10**6) -> tuple[str, int]:
    with pytest.raises(XmlRefused) as caught:
        parse(data, XmlLimits(max_bytes))
    return caught.value.finding.code, caught.value.finding.place.line


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "XML01"),
        (b"   ", "XML01"),
        (b"not xml", "XML01"),
        (b"<a><b></a>", "XML01"),
        (b"<a/><b/>", "XML01"),
        (b"<a>\xff</a>", "XML05"),
        (b"<!DOCTYPE a><a/>", "XML02"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><!-- c --><!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "XML02"),
        (b"<?xml version='1.0' encoding='windows-1251'?><a/>", "XML05"),
        ("<a/>".encode("utf-16"), "XML05"),
        ("<?xml version='1.0' encoding='UTF-16'?><a/>".encode("utf-16-le"), "XML05"),
        ("<a/>".encode("utf-32"), "XML05"),
        (b"<a>" * 5000, "XML04"),
        (b"<a>&undefined;</a>", "XML01"),
        (b"<a>\x00</a>", "XML01"),
    ],
)
def test_refused_with_a_code(data: bytes, code: str) -> None:
    assert refusal(data)[0] == code


def test_doctype_in_text_is_text() -> None:
    assert parse(b"<a><![CDATA[<!DOCTYPE b>]]></a>").getroot().text == "<!DOCTYPE b>"


def test_too_large_is_refused_before_parsing() -> None:
    assert refusal(b"<a>" + b" " * 100 + b"</a>", 50)[0] == "XML03"


def test_entity_expansion_never_starts() -> None:
    bomb = b"<!DOCTYPE a [" + b"".join(b"<!ENTITY e%d '%s'>" % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 20))
    assert refusal(bomb + b"]><a>&e19;</a>")[0] == "XML02"


def test_the_error_names_the_line_and_no_content() -> None:
    with pytest.raises(XmlRefused) as caught:
        parse("<a>\n<b secret='Иванов'>\n</c></a>".encode())
    finding = caught.value.finding
    assert (finding.code, finding.place.line) == ("XML01", 3)
    assert "Иванов" not in str(caught.value) + finding.message.ru + finding.hint.ru


def test_byte_order_mark_is_read_and_noticed() -> None:
    data = b"\xef\xbb\xbf" + DOCUMENT.encode()
    assert has_bom(data)
    assert not has_bom(DOCUMENT.encode())
    assert parse(data).getroot().tag == "{urn:hl7-org:v3}ClinicalDocument"


def test_places() -> None:
    root = parse(DOCUMENT.encode()).getroot()
    first, second, props = root
    assert locate(root) == "/ClinicalDocument"
    assert locate(first) == "/ClinicalDocument/id[1]"
    assert locate(second) == "/ClinicalDocument/id[2]"
    assert locate(props) == "/ClinicalDocument/identity:Props"
    assert locate(props[0]) == "/ClinicalDocument/identity:Props/{urn:x}y"
    assert place(props).line == 4
