"""Files that can be tried, patches, and what an editor offers at a place."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path
from typing import Any, Final

from adapter.catalogue import Catalogue, builtin_root
from adapter.mapping.converters import CONVERTERS
from adapter.mapping.identifiers import load_identifiers
from adapter.mapping.keys import FOLDERS, NULL_FLAVORS
from adapter.mapping.schema import FILES, SCHEMAS

#: Folders of the catalogue, and their files, that the making of a document or message reads.
_EDITABLE: Final = (
    *((folder, "*.yaml") for folder in (*FOLDERS.values(), "mappings/concepts", "mappings/routes")),
    *((f"templates/{folder}", "*.j2") for folder in ("cda", "cda/body", "cda/header", "cda/section", "cda/entry")),
    ("templates/registers", "*.j2"),
)
_ALONE: Final = ("mappings/routes.yaml", "mappings/identifiers.yaml")


def editable(catalogue: Catalogue) -> list[str]:
    """Paths of the files that can be tried, by folder and name."""
    found = [f"{folder}/{name}" for folder, pattern in _EDITABLE for name in catalogue.files(folder, pattern)]
    return [*_ALONE, *found]


def examples() -> dict[str, Path]:
    """The example Bundles that are shipped, by name."""
    return {path.stem: path for path in sorted((builtin_root() / "examples" / "bundles").glob("*.json"))}


def makeable(catalogue: Catalogue) -> list[str]:
    """Ids of the documents and messages that the files of a catalogue make, without reading these as mappings."""
    documents = [name.removesuffix(".yaml") for name in catalogue.files("mappings/documents")]
    messages = catalogue.files("mappings/registers").items()
    return [
        *(name for name in documents if name.isdecimal()),
        *(name.removesuffix(".yaml") for name, path in messages if "\nmessage:" in path.read_text(encoding="utf-8")),
    ]


def patch(file: str, before: str, after: str) -> str:
    """A unified diff that ``patch -p1`` takes in a folder of the catalogue; empty where nothing changed."""
    older, newer = (_lines(text) for text in (before, after))
    return "".join(unified_diff(older, newer, fromfile=f"a/{file}", tofile=f"b/{file}"))


def _lines(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").splitlines(keepends=True)
    return [one if one.endswith("\n") else f"{one}\n\\ No newline at end of file\n" for one in lines]


def schema_of(file: str) -> dict[str, Any] | None:
    """The JSON Schema of a file; ``None`` where it has none."""
    name = FILES.get(file) or FILES.get(file.rpartition("/")[0])
    return SCHEMAS[name]() if name else None


def completions(catalogue: Catalogue, file: str) -> dict[str, Any]:
    """What an editor offers: keys with what they mean, and the names that values of some keys may be."""
    schema = schema_of(file) or {}
    keys = dict(_described(schema))
    for part in (schema.get("$defs") or {}).values():
        keys |= dict(_described(part))
        for one in part.get("oneOf", ()):
            keys |= dict(_described(one))
    for one in (schema.get("properties") or {}).values():
        keys |= dict(_described(one.get("items") or {}))
    return {
        "keys": keys,
        "values": {
            "as": sorted(CONVERTERS),
            "use": [name.removesuffix(".yaml") for name in catalogue.files("mappings/resources")],
            "extends": [name.removesuffix(".yaml") for name in catalogue.files("mappings/resources")],
            "concept": [name.removesuffix(".yaml") for name in catalogue.files("mappings/concepts")],
            "identifier": sorted(load_identifiers(catalogue).kinds),
            "absent": list(NULL_FLAVORS),
            "required": ["true", "error", "warning"],
        },
    }


def _described(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The keys of an object that the language says something of."""
    for name, part in (schema.get("properties") or {}).items():
        if isinstance(part, dict) and part.get("description"):
            yield name, part["description"]
