"""Our extensions: each is a valid StructureDefinition, documented, and read by a mapping."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapter.fhir import read
from adapter.findings import Severity

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "mappings" / "extensions").glob("*.json"))
PREFIX = "urn:egisz-adapter:extension:"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_extension_is_valid_documented_and_read(path: Path) -> None:
    definition = json.loads(path.read_bytes())
    assert definition["url"] == PREFIX + path.stem == PREFIX + definition["id"]
    assert definition["type"] == "Extension"
    fixed = [one["fixedUri"] for one in definition["differential"]["element"] if one["path"] == "Extension.url"]
    assert fixed == [definition["url"]]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": definition}]}
    (reading,) = read(json.dumps(bundle).encode())
    assert [one.message.en for one in reading.findings if one.severity is Severity.ERROR] == []
    assert definition["url"] in (ROOT / "docs" / "reference" / "extensions.md").read_text("utf-8")
    maps = [*(ROOT / "mappings" / "registers").glob("*.yaml"), *(ROOT / "mappings" / "resources").glob("*.yaml")]
    assert any(definition["url"] in one.read_text("utf-8") for one in maps)
