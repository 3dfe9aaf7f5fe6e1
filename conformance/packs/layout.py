"""Finding the packs in a folder, in any of the layouts they are published in.

* a folder with ``pack.json``, or many of them;
* ``<N>.sch`` beside a folder ``<N>/`` with ``CDA.xsd`` (the public collection);
* one ``.sch`` of any name and one ``CDA.xsd`` near it (what the Ministry's repositories of guides are taken to hold);
* a folder ``<N>/`` with ``CDA.xsd`` alone (kinds published without a Schematron).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from adapter.findings import Text
from conformance.packs.folder import Listing
from conformance.packs.model import KIND, PACK_JSON, XSD_ENTRY

_AMBIGUOUS: Final = Text(
    "рядом несколько схематронов или наборов XSD: непонятно, какие относятся друг к другу",
    "there are several Schematrons or XSD sets nearby: it is not clear which belong together",
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A pack found in a source, not yet checked.

    Attributes:
        place: the file or folder it was found by, relative to the source; for messages.
        kind: the kind, where the name of the file or folder tells it.
        files: name in the pack → file to read.
        problem: why the files cannot be told apart, where they cannot.
    """

    place: str
    kind: str | None
    files: Mapping[str, Path]
    problem: Text | None = None


def find_packs(listing: Listing, name: str) -> list[Draft]:
    """The packs of a folder, sorted by place; ``name`` is what the user calls the folder or archive."""
    paths = [PurePosixPath(file) for file in listing.files]
    described = {path.parent for path in paths if path.name == PACK_JSON}
    owned: dict[PurePosixPath, list[PurePosixPath]] = {folder: [] for folder in sorted(described)}
    loose: list[PurePosixPath] = []
    for path in paths:
        owner = next((parent for parent in path.parents if parent in described), None)
        (loose if owner is None else owned[owner]).append(path)
    drafts = [
        Draft(str(folder), None, {str(path.relative_to(folder)): listing.root / path for path in members})
        for folder, members in owned.items()
    ]
    return drafts + _Published(listing.root, name, loose).drafts()


class _Published:
    """Packs without ``pack.json``: every ``.sch`` looks for its XSD set."""

    def __init__(self, root: Path, name: str, paths: Iterable[PurePosixPath]) -> None:
        self.root, self.name = root, name
        self.rules = [path for path in paths if path.suffix.lower() == ".sch"]
        self.schemas = [path for path in paths if path.suffix.lower() == ".xsd"]
        sets = {path.parent for path in self.schemas if path.name == XSD_ENTRY}
        self.own = {rule: rule.with_suffix("") for rule in self.rules if rule.with_suffix("") in sets}
        free = sets - set(self.own.values())
        self.free = [folder for folder in sorted(free) if not free & set(folder.parents)]
        self.taken: set[PurePosixPath] = set(self.own.values())

    def drafts(self) -> list[Draft]:
        drafts = [self._draft(rule) for rule in self.rules]
        for folder in self.free:
            if folder not in self.taken:
                label = folder.name or PurePosixPath(self.name).stem
                drafts.append(Draft(str(folder), _kind(label), self._set(folder)))
        return sorted(drafts, key=lambda draft: draft.place)

    def _draft(self, rule: PurePosixPath) -> Draft:
        near, ambiguous = ([self.own[rule]], False) if rule in self.own else self._near(rule)
        self.taken.update(near)
        files = {rule.name: self.root / rule}
        for folder in near:
            files |= self._set(folder)
        return Draft(str(rule), _kind(rule.stem), files, _AMBIGUOUS if ambiguous else None)

    def _near(self, rule: PurePosixPath) -> tuple[list[PurePosixPath], bool]:
        """The XSD sets in the folder of ``rule``, or in the closest one above that has any; whether it is ambiguous."""
        for folder in rule.parents:
            sets = [free for free in self.free if _within(free, folder) and _may_serve(free, rule)]
            if sets:
                rivals = (other for other in self.rules if other not in self.own and _within(other, folder))
                return sets, len(sets) > 1 or sum(1 for _ in rivals) > 1
        return [], False

    def _set(self, folder: PurePosixPath) -> dict[str, Path]:
        others = self.taken - {folder}
        return {
            str(path.relative_to(folder)): self.root / path
            for path in self.schemas
            if folder in path.parents and not others & set(path.parents) - set(folder.parents)
        }


def _kind(name: str) -> str | None:
    return name if KIND.fullmatch(name) else None


def _within(path: PurePosixPath, folder: PurePosixPath) -> bool:
    return path == folder or folder in path.parents


def _may_serve(folder: PurePosixPath, rule: PurePosixPath) -> bool:
    """A folder named by one kind does not serve the Schematron of another."""
    return _kind(folder.name) is None or _kind(rule.stem) in (None, folder.name)
