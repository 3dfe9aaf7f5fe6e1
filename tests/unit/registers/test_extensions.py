"""Extensions of ours: what the maps read is defined, what is defined is read and told of."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "mappings" / "extensions"
PREFIX = "urn:egisz-adapter:extension:"
MAPS = "".join(
    path.read_text("utf-8")
    for name in ("resources", "registers", "documents")
    for path in sorted((ROOT / "mappings" / name).glob("*.yaml"))
)
FILES = sorted(FOLDER.glob("*.json"))


def load(path: Path) -> dict[str, Any]:
    made = json.loads(path.read_bytes())
    assert isinstance(made, dict)
    return made


def test_what_the_maps_read_is_defined() -> None:
    read = set(re.findall(rf"extension\('{PREFIX}([a-z0-9-]+)'\)", MAPS))
    assert read == {path.stem for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_definition_is_whole(path: Path) -> None:
    made = load(path)
    assert (made["resourceType"], made["id"], made["url"]) == ("StructureDefinition", path.stem, PREFIX + path.stem)
    assert made["context"]
    elements = {one["id"]: one for one in made["differential"]["element"]}
    assert elements["Extension.url"]["fixedUri"] == made["url"]
    parts = [one["sliceName"] for one in elements.values() if "sliceName" in one]
    assert ("type" in elements["Extension.value[x]"]) is not bool(parts)
    for part in parts:
        assert elements[f"Extension.extension:{part}.url"]["fixedUri"] == part
        assert elements[f"Extension.extension:{part}.value[x]"]["type"]
        assert f"extension('{part}')" in MAPS, f"no map reads {part}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_definition_is_told_of(path: Path) -> None:
    made = load(path)
    (row,) = [
        line
        for line in (ROOT / "docs" / "reference" / "extensions.md").read_text("utf-8").splitlines()
        if line.startswith(f"| `{made['url']}` |")
    ]
    for part in (one.get("sliceName") for one in made["differential"]["element"]):
        assert part is None or f"`{part}`" in row
