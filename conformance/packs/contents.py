"""The files of a draft, read once: digests, parsed rules, and what they say about themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from adapter.documents.kinds import Kinds, TemplateId
from adapter.findings import Text
from conformance.packs.described import PackJson, read_pack_json
from conformance.packs.folder import read_file
from conformance.packs.layout import Draft
from conformance.packs.manifest import content_digest
from conformance.packs.model import PACK_JSON, XSD_ENTRY, is_rule_file, refuse
from conformance.packs.names import safe_name, same_place
from conformance.packs.official import kinds_of
from conformance.packs.reading import (
    SchematronFacts,
    check_locations,
    parse_rules,
    read_schematron,
    xsd_family,
)


@dataclass(frozen=True, slots=True)
class Contents:
    """A draft whose files are good one by one; whether the rules compile is not known yet.

    Attributes:
        kind: what the user says, else ``pack.json``, the name of the file, or the templateId.
        title: official title of the kind; empty where nothing tells it.
        data: bytes of each file by its name in the pack.
        digests: sha256 of each file, hexadecimal.
        facts: what each ``.sch`` says.
        template_ids: templates that the pack is for.
        entry: the schema to validate against; empty without one.
        family: family of that schema; None without one.
        notes: worth telling, but no reason to refuse.
    """

    kind: str
    title: str
    data: Mapping[str, bytes]
    digests: Mapping[str, str]
    facts: Mapping[str, SchematronFacts]
    template_ids: tuple[TemplateId, ...]
    entry: str
    family: Literal["generic", "modular"] | None
    notes: tuple[Text, ...] = ()

    @property
    def digest(self) -> str:
        """Digest of the rules, see :func:`conformance.packs.manifest.content_digest`."""
        return content_digest(self.digests)

    @property
    def version(self) -> tuple[str, str]:
        """Version and ISO date of the last entry in the changelog of the Schematron; empty without one."""
        dated = ((facts.version, facts.published) for facts in self.facts.values() if facts.version)
        return next(dated, ("", ""))

    @property
    def label(self) -> str:
        """``v1.0.2-0e3b108b``: what people call it, then what tells apart two that are called the same."""
        version, _ = self.version
        return f"v{version}-{self.digest[:8]}" if version else self.digest[:12]


def read_contents(draft: Draft, kind: str | None, kinds: Kinds) -> Contents:
    """Read and judge the files of ``draft``; ``kind`` is what the user says it is.

    Raises:
        PackError: unreadable, not the promised digest, not XML, a DOCTYPE, no rules, the kind cannot be told.
    """
    if draft.problem is not None:
        raise refuse(draft.place, *draft.problem)
    data = _read_files(draft)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in data.items()}
    declared = read_pack_json(draft.place, data[PACK_JSON]) if PACK_JSON in data else None
    if declared is not None:
        declared.check(digests)
    trees = {name: parse_rules(name, content) for name, content in data.items() if is_rule_file(name)}
    facts = {name: read_schematron(name, tree) for name, tree in trees.items() if _is_schematron(name)}
    for name, tree in trees.items():
        if not _is_schematron(name):
            check_locations(name, tree, data)
    entry = _entry(draft, declared, data)
    if not facts and not entry:
        raise refuse(draft.place, "нет ни схематрона, ни CDA.xsd", "there is neither a Schematron nor a CDA.xsd")
    templates = tuple(dict.fromkeys(item for fact in facts.values() for item in fact.template_ids))
    alike = kinds_of(templates, kinds)
    kind = kind or (declared.code if declared else draft.kind) or _only(draft, alike)
    return Contents(
        kind=kind,
        title=_title(kind, kinds, declared, facts),
        data=data,
        digests=digests,
        facts=facts,
        template_ids=(declared.templates if declared else ()) or templates,
        entry=entry,
        family=xsd_family(trees[entry]) if entry else None,
        notes=_notes(kind, alike, facts, entry),
    )


def told_kind(draft: Draft) -> str | None:
    """The kind by ``pack.json`` or by name, without reading the rules.

    Raises:
        PackError: ``pack.json`` cannot be read.
    """
    if PACK_JSON not in draft.files:
        return draft.kind
    return read_pack_json(draft.place, read_file(draft.files[PACK_JSON])).code


def _read_files(draft: Draft) -> dict[str, bytes]:
    data: dict[str, bytes] = {}
    places: set[str] = set()
    for name, path in sorted(draft.files.items()):
        place = same_place(safe_name(name))
        if place in places:
            raise refuse(name, "имена различаются только регистром", "names that differ in case alone")
        places.add(place)
        data[name] = read_file(path)
    return data


def _entry(draft: Draft, declared: PackJson | None, data: Mapping[str, bytes]) -> str:
    if declared is not None and declared.xsd is not None:
        if declared.xsd.entry not in data:
            raise refuse(
                f"{draft.place}/{PACK_JSON}", "нет файла, названного в xsd.entry", "the file of xsd.entry is missing"
            )
        return declared.xsd.entry
    return XSD_ENTRY if XSD_ENTRY in data else ""


def _only(draft: Draft, alike: list[str]) -> str:
    if len(alike) == 1:
        return alike[0]
    names = ", ".join(alike)
    raise refuse(
        draft.place,
        "не удалось определить вид СЭМД" + (f" (подходят {names})" if names else "") + "; укажите --kind",
        "the kind cannot be told" + (f" (it may be {names})" if names else "") + "; say it with --kind",
    )


def _title(kind: str, kinds: Kinds, declared: PackJson | None, facts: Mapping[str, SchematronFacts]) -> str:
    known = kinds.by_code(kind)
    spoken = next((fact.title for fact in facts.values() if fact.title), "")
    return (declared.title if declared else "") or (known.official_title if known else "") or spoken


def _notes(kind: str, alike: list[str], facts: Mapping[str, SchematronFacts], entry: str) -> tuple[Text, ...]:
    notes = []
    if alike and kind not in alike:
        names = ", ".join(alike)
        notes.append(
            Text(
                f"templateId в схематроне принадлежит виду {names}, а пакет установлен для вида {kind}",
                f"the templateId in the Schematron belongs to kind {names}, the pack is installed for kind {kind}",
            )
        )
    if not facts:
        notes.append(Text("в пакете нет схематрона", "the pack has no Schematron"))
    if not entry:
        notes.append(Text("в пакете нет схемы XSD", "the pack has no XSD"))
    return tuple(notes)


def _is_schematron(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() == ".sch"
