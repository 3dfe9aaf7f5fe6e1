"""What a pack is, and how its parts are named."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from adapter.documents.kinds import TemplateId
from adapter.errors import PackError
from adapter.findings import Text

#: A kind: the code in НСИ 1.2.643.5.1.13.13.11.1520; the public collection has variants such as ``76_1``.
KIND: Final = re.compile(r"[0-9]{1,6}(?:_[0-9]{1,2})?")

#: A label of an edition: ``v1.0.2-0e3b108b`` or twelve hexadecimal digits.
LABEL: Final = re.compile(r"(?:v[0-9]{1,4}(?:\.[0-9]{1,4}){0,3}-)?[0-9a-f]{8,12}")

#: The schema that a document is validated against; every published set has it under this name.
XSD_ENTRY: Final = "CDA.xsd"

PACK_JSON: Final = "pack.json"

_RULE_FILES: Final = frozenset({".sch", ".xsd"})


@dataclass(frozen=True, slots=True)
class Pack:
    """One edition of the Ministry's rules for a kind, installed.

    Attributes:
        kind: code in НСИ 1.2.643.5.1.13.13.11.1520.
        label: name of this edition within the kind; the same files have the same label on every machine.
        title: official title of the kind; empty where the pack does not say.
        directory: where the files are.
        schematrons: the ``.sch`` files; empty for kinds published with a schema alone.
        xsd: the entry of the XSD set, if the pack has one.
        xsd_family: ``generic`` or ``modular``; empty without a schema.
        template_ids: templates that the Schematron demands.
        digest: sha256 over the names and digests of the ``.sch`` and ``.xsd`` files, hexadecimal.
    """

    kind: str
    label: str
    title: str
    directory: Path
    schematrons: tuple[Path, ...]
    xsd: Path | None
    xsd_family: str
    template_ids: tuple[TemplateId, ...]
    digest: str


def is_rule_file(name: str) -> bool:
    """Whether ``name`` is a Schematron or a schema by its suffix."""
    return PurePosixPath(name).suffix.lower() in _RULE_FILES


def is_wanted(name: str) -> bool:
    """Whether a file of that name belongs into a pack; everything else is left out."""
    return is_rule_file(name) or PurePosixPath(name).name == PACK_JSON


def kind_order(kind: str) -> tuple[int, ...]:
    """Sort key of a kind: 76 < 76_1 < 119."""
    return tuple(int(part) for part in kind.split("_"))


def refuse(where: str, ru: str, en: str) -> PackError:
    """The refusal of a pack because of the file ``where``."""
    return PackError(Text(f"{where}: {ru}", f"{where}: {en}"))
