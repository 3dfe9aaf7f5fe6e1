"""``manifest.json`` of an installed edition: what was installed, from where, and the digest of every file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from adapter.documents.kinds import TemplateId
from adapter.errors import PackError
from conformance.packs.disk import write_file
from conformance.packs.model import KIND, LABEL, Pack, is_rule_file, refuse
from conformance.packs.names import safe_name

MANIFEST: Final = "manifest.json"


def _inside(name: str) -> str:
    try:
        plain = safe_name(name)
    except PackError as error:
        raise ValueError(str(error)) from error  # the kind of error that pydantic reports
    if plain != name:
        raise ValueError("not a plain relative path")
    return name


FileName = Annotated[str, AfterValidator(_inside)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Template(_Model):
    """A template, see :class:`adapter.documents.kinds.TemplateId`."""

    root: str
    document_code: str


class SchemaEntry(_Model):
    """The XSD set: its entry file and its family."""

    entry: FileName
    family: Literal["generic", "modular"]


class Counts(_Model):
    """What the Schematron of the edition holds; ``malformed`` rules are reported, never run."""

    patterns: int = 0
    rules: int = 0
    asserts: int = 0
    reports: int = 0
    malformed: int = 0


class Manifest(_Model):
    """The record of one installed edition.

    Attributes:
        version: version in the changelog of the Schematron, e.g. ``1.0.2``; empty where it has none.
        published: ISO date of that version; empty where unknown.
        files: sha256 of every file by name.
        source: base name of the folder or archive, or the name of the download source.
        installed_at: time of the installation, with zone.
    """

    format: Literal[1] = 1
    kind: Annotated[str, Field(pattern=f"^{KIND.pattern}$")]
    label: Annotated[str, Field(pattern=f"^{LABEL.pattern}$")]
    title: str
    version: str
    published: str
    template_ids: list[Template]
    xsd: SchemaEntry | None
    schematrons: list[FileName]
    counts: Counts
    files: dict[FileName, Sha256]
    digest: Sha256
    source: str
    installed_at: datetime

    def pack(self, directory: Path) -> Pack:
        """The pack whose files are in ``directory``."""
        return Pack(
            kind=self.kind,
            label=self.label,
            title=self.title,
            directory=directory,
            schematrons=tuple(directory / name for name in self.schematrons),
            xsd=directory / self.xsd.entry if self.xsd else None,
            xsd_family=self.xsd.family if self.xsd else "",
            template_ids=tuple(TemplateId(item.root, item.document_code) for item in self.template_ids),
            digest=self.digest,
        )


def content_digest(files: Mapping[str, str]) -> str:
    """sha256 over names and digests of the rule files, so that the same rules are known as the same in any wrapping."""
    lines = (f"{digest}  {name}\n" for name, digest in sorted(files.items()) if is_rule_file(name))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_manifest(directory: Path) -> Manifest:
    """The manifest of the edition in ``directory``.

    Raises:
        PackError: missing, damaged, or of another edition; names the folder.
    """
    where = f"{directory.parent.name}/{directory.name}/{MANIFEST}"
    try:
        manifest = Manifest.model_validate_json((directory / MANIFEST).read_bytes())
    except OSError as error:
        raise refuse(where, f"не читается ({error.strerror})", f"cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        detail = f"{field} {first['type']}".strip()
        raise refuse(where, f"повреждён ({detail})", f"damaged ({detail})") from error
    if (manifest.kind, manifest.label) != (directory.parent.name, directory.name):
        raise refuse(where, "описывает другой пакет", "describes another pack")
    return manifest


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write the manifest into ``directory`` and make it durable."""
    write_file(directory / MANIFEST, (manifest.model_dump_json(indent=1) + "\n").encode())
