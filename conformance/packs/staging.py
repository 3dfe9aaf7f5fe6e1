"""A complete, compiled edition in a temporary folder. Nothing here touches what is installed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from adapter.errors import SchematronError
from adapter.findings import Finding
from conformance.packs.contents import Contents
from conformance.packs.disk import sync_folder, write_file
from conformance.packs.manifest import Counts, Manifest, SchemaEntry, Template, write_manifest
from conformance.packs.model import refuse
from conformance.schematron import compile_schematron
from conformance.xsd import Schema


@dataclass(frozen=True, slots=True)
class Staged:
    """An edition ready to be moved to its place.

    Attributes:
        directory: the temporary folder.
        problems: malformed rules of the Schematron (SCH04).
    """

    directory: Path
    manifest: Manifest
    problems: tuple[Finding, ...]


def stage(contents: Contents, directory: Path, source: str) -> Staged:
    """Write ``contents`` into the new folder ``directory``, compile it there, add the manifest.

    Args:
        source: what the manifest says about the origin: a base name, never a path.

    Raises:
        PackError: the rules or the schema do not compile; names file, line and construct.
    """
    folders = {directory}
    for name, data in contents.data.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, data)
        folders.add(path.parent)
    rules, problems = 0, list[Finding]()
    for name in contents.facts:
        count, found = compile_rules(directory / name)
        rules += count
        problems += found
    if contents.entry:
        compile_schema(directory / contents.entry)
    manifest = _manifest(contents, rules, len(problems), source)
    write_manifest(directory, manifest)
    for folder in folders:
        sync_folder(folder)
    return Staged(directory, manifest, tuple(problems))


def compile_rules(path: Path) -> tuple[int, tuple[Finding, ...]]:
    """Compile a Schematron; number of its rules, and its malformed rules.

    Raises:
        PackError: a construct that cannot be run, with its place.
    """
    try:
        compiled = compile_schematron(path)
    except SchematronError as error:
        where = f"{path.name}:{error.line}" if error.line is not None else path.name
        tail = f": {error.construct} ({error.reason})" if error.construct else f": {error.reason}"
        raise refuse(where, f"правило нельзя выполнить{tail}", f"a rule that cannot be run{tail}") from error
    return compiled.rule_count, compiled.problems


def compile_schema(path: Path) -> None:
    """Compile an XSD set, past the cache of the process.

    Raises:
        PackError: it does not compile.
    """
    Schema(path)


def _manifest(contents: Contents, rules: int, malformed: int, source: str) -> Manifest:
    version, published = contents.version
    facts = contents.facts.values()
    return Manifest(
        kind=contents.kind,
        label=contents.label,
        title=contents.title,
        version=version,
        published=published,
        template_ids=[Template(root=item.root, document_code=item.document_code) for item in contents.template_ids],
        xsd=SchemaEntry(entry=contents.entry, family=contents.family) if contents.family else None,
        schematrons=list(contents.facts),
        counts=Counts(
            patterns=sum(fact.patterns for fact in facts),
            rules=rules,
            asserts=sum(fact.asserts for fact in facts),
            reports=sum(fact.reports for fact in facts),
            malformed=malformed,
        ),
        files=dict(contents.digests),
        digest=contents.digest,
        source=source,
        installed_at=datetime.now(UTC),
    )
