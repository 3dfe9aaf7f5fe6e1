"""Codes that templates write by themselves are built in: a document is made without a reference book at hand, too."""

from __future__ import annotations

import re

import pytest

from adapter.catalogue import Catalogue, read_plain

BOOKS = read_plain(Catalogue().file("mappings/vocabulary.yaml"))["books"]
ROOT = Catalogue().file("templates/cda/document.xml.j2").parent
TEMPLATES = "\n".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("*.j2")))
FIELD = re.compile(r'"([0-9]+)"\|field|(?:item|related)\("([0-9]+)"|told\("[A-Z]+", [^,()]+, "([0-9]+)"')
SECTION = re.compile(r'(?:section|told|part)\("([A-Z]+)"')


@pytest.mark.parametrize(("book", "pattern"), [("99.2.166", FIELD), ("99.2.197", SECTION)])
def test_codes_of_templates(book: str, pattern: re.Pattern[str]) -> None:
    written = {next(filter(None, match.groups())) for match in pattern.finditer(TEMPLATES)}
    assert len(written) > 10
    assert sorted(written - set(BOOKS[book]["codes"])) == []
