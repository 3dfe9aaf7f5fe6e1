"""Verifying an installed edition: files against the manifest, and whether the rules still compile.

Codes: PCK01 a file is missing, PCK02 a file was changed, PCK03 a file that the manifest does not know (warning),
PCK04 rules or schema do not compile, PCK05 the manifest is missing or damaged. Malformed rules are SCH04.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from adapter.errors import PackError
from adapter.findings import Finding, Place, Severity, Text
from conformance.packs.manifest import MANIFEST, Manifest, read_manifest
from conformance.packs.model import Pack
from conformance.packs.staging import compile_rules, compile_schema

_REINSTALL = Text("Установите пакет заново: egisz packs install.", "Install the pack again: egisz packs install.")


def verify_pack(pack: Pack) -> list[Finding]:
    """Everything about an installed edition; empty where all is well.

    What is missing or changed is compiled too: changed rules that still compile are no less changed.
    """
    findings = verify_files(pack.directory)
    if any(finding.code == "PCK05" for finding in findings):
        return findings
    missing = {finding.place.file for finding in findings if finding.code == "PCK01"}
    for rules in pack.schematrons:
        if _shown(pack.directory, rules) not in missing:
            try:
                _, problems = compile_rules(rules)
                findings += problems
            except PackError as error:
                findings.append(_uncompiled(pack.directory, rules, error))
    if pack.xsd is not None and _shown(pack.directory, pack.xsd) not in missing:
        try:
            compile_schema(pack.xsd)
        except PackError as error:
            findings.append(_uncompiled(pack.directory, pack.xsd, error))
    return findings


def verify_files(directory: Path) -> list[Finding]:
    """Compare the files of an edition with its manifest, without compiling them."""
    try:
        manifest = read_manifest(directory)
    except PackError as error:
        return [damaged(_place(directory), error)]
    return [*_known(directory, manifest), *_unknown(directory, manifest)]


def damaged(where: str, error: PackError) -> Finding:
    """The finding for a kind or an edition, ``<kind>/<label>``, whose record cannot be read."""
    return Finding("PCK05", Severity.ERROR, error.text, _REINSTALL, Place(file=where))


def _known(directory: Path, manifest: Manifest) -> Iterator[Finding]:
    for name, expected in sorted(manifest.files.items()):
        path = directory / name
        place = Place(file=_shown(directory, path))
        try:
            digest = "" if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()
        except FileNotFoundError:
            message = Text(f"Нет файла {name}.", f"The file {name} is missing.")
            yield Finding("PCK01", Severity.ERROR, message, _REINSTALL, place)
            continue
        except OSError as error:
            message = Text(
                f"Файл {name} не читается ({error.strerror}).",
                f"The file {name} cannot be read ({error.strerror}).",
            )
            yield Finding("PCK01", Severity.ERROR, message, _REINSTALL, place)
            continue
        if digest != expected:
            message = Text(
                f"Файл {name} изменён после установки: sha256 не тот.",
                f"The file {name} was changed after the installation: its sha256 differs.",
            )
            yield Finding("PCK02", Severity.ERROR, message, _REINSTALL, place)


def _unknown(directory: Path, manifest: Manifest) -> Iterator[Finding]:
    known = {MANIFEST, *manifest.files}
    for folder, _, names in os.walk(directory):
        for name in sorted(names):
            path = Path(folder) / name
            if path.relative_to(directory).as_posix() not in known:
                yield Finding(
                    "PCK03",
                    Severity.WARNING,
                    Text(
                        "Файл появился после установки, он не используется.",
                        "The file appeared after the installation, it is not used.",
                    ),
                    Text("Удалите его.", "Remove it."),
                    Place(file=_shown(directory, path)),
                )


def _uncompiled(directory: Path, path: Path, error: PackError) -> Finding:
    return Finding("PCK04", Severity.ERROR, error.text, _REINSTALL, Place(file=_shown(directory, path)))


def _shown(directory: Path, path: Path) -> str:
    return f"{_place(directory)}/{path.relative_to(directory).as_posix()}"


def _place(directory: Path) -> str:
    """``<kind>/<label>`` without the path of this machine."""
    return f"{directory.parent.name}/{directory.name}"
