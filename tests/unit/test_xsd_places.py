"""Places of violations of a schema, whatever prefixes the document uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.xml import HL7, parse
from conformance.xsd import load_schema

SCHEMA = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{HL7}"
    elementFormDefault="qualified">
  <xs:element name="a"><xs:complexType><xs:sequence>
    <xs:any namespace="##other" processContents="skip" minOccurs="0" maxOccurs="unbounded"/>
    <xs:element name="b" type="xs:int" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>"""


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ("<b>1</b><b>x</b>", ["/a/b[2]"]),
        ("<b/><i:c/>", ["/a/b", "/a/identity:c"]),
        ("<b>1</b><i:c/><i:d/><i:c/>", ["/a/identity:c[1]"]),
        ("<i:c/><!-- --><h:b>x</h:b><h:b>2</h:b>", ["/a/b[1]"]),
        ('<b xmlns:q="urn:q" q:r="1">1</b>', ["/a/b"]),
    ],
)
def test_places_of_violations(tmp_path: Path, body: str, places: list[str]) -> None:
    entry = tmp_path / "CDA.xsd"
    entry.write_text(SCHEMA)
    data = f'<a xmlns="{HL7}" xmlns:h="{HL7}" xmlns:i="urn:hl7-ru:identity">{body}</a>'
    findings = load_schema(entry).validate(parse(data.encode()))
    assert [finding.xpath for finding in findings] == places
