"""Installing packs from a folder or a zip: read, check, compile, then move into place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from adapter.errors import PackError, UsageError
from adapter.findings import Finding, Text
from conformance.packs.archive import LIMITS, Limits, unpack
from conformance.packs.contents import Contents, read_contents, told_kind
from conformance.packs.disk import ACTIVE, read_active, scratch_folder, sync_folder, unwritable, write_active
from conformance.packs.folder import scan
from conformance.packs.layout import Draft, find_packs
from conformance.packs.manifest import read_manifest
from conformance.packs.model import KIND, Pack, refuse
from conformance.packs.official import catalogue_of_kinds
from conformance.packs.staging import Staged, stage
from conformance.packs.verify import verify_files


@dataclass(frozen=True, slots=True)
class Installed:
    """A pack of a source that is in the store now.

    Attributes:
        status: ``unchanged`` where the same files were there already; ``repaired`` where they were, but damaged.
        problems: malformed rules (SCH04).
        notes: worth telling.
    """

    pack: Pack
    status: Literal["installed", "unchanged", "repaired"]
    problems: tuple[Finding, ...] = ()
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A pack of a source that was refused; ``place`` is where in the source."""

    place: str
    error: PackError


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a source; ``ignored`` are its files that belong into no pack."""

    installed: tuple[Installed, ...]
    refused: tuple[Refused, ...]
    ignored: tuple[str, ...]


def install_source(
    root: Path, path: Path, *, kind: str | None = None, source: str | None = None, limits: Limits = LIMITS
) -> Outcome:
    """Install the packs of a folder or zip into the store ``root``; each is installed whole or not at all.

    Args:
        path: a folder or a zip, in a layout of :mod:`conformance.packs.layout`.
        kind: of a source with one pack: what it is, whatever it says; of one with several: which to take.
        source: the origin to record; the name of ``path`` by default.

    Raises:
        UsageError: no such file or folder, or an impossible kind.
        PackError: the source as a whole cannot be read, or holds no pack; the store cannot be written.
    """
    if kind is not None and not KIND.fullmatch(kind):
        raise UsageError(Text(f"Нет такого вида СЭМД: {kind}", f"No such kind: {kind}"))
    if not path.exists():
        raise UsageError(Text(f"Нет такого файла или папки: {path}", f"No such file or folder: {path}"))
    name = path.resolve().name
    with scratch_folder(root) as scratch:
        folder, left_out = path.resolve(), list[str]()
        if not path.is_dir():
            folder = scratch / "unpacked"
            folder.mkdir()
            left_out = unpack(path, folder, limits)
        listing = scan(folder, limits)
        drafts = find_packs(listing, name)
        installed, refused = _install(root, drafts, kind, source or name, scratch)
        if not installed and not refused:
            raise refuse(
                name,
                "нет ни схематрона (.sch), ни CDA.xsd" + (f" для вида {kind}" if kind else ""),
                "there is neither a Schematron (.sch) nor a CDA.xsd" + (f" for kind {kind}" if kind else ""),
            )
        return Outcome(installed, refused, (*left_out, *listing.ignored))


def refusal(outcome: Outcome) -> PackError:
    """One error for all refused packs of an outcome."""
    texts = [item.error.text for item in outcome.refused]
    return PackError(
        Text(
            "пакет не установлен: " + "; ".join(text.ru for text in texts),
            "not installed: " + "; ".join(text.en for text in texts),
        )
    )


def _install(
    root: Path, drafts: Sequence[Draft], kind: str | None, source: str, scratch: Path
) -> tuple[tuple[Installed, ...], tuple[Refused, ...]]:
    kinds = catalogue_of_kinds()
    installed: list[Installed] = []
    refused: list[Refused] = []
    for number, draft in enumerate(drafts):
        try:
            if kind is not None and len(drafts) > 1 and told_kind(draft) != kind:
                continue
            contents = read_contents(draft, kind, kinds)
            item = _install_one(root, contents, scratch / str(number), source)
        except PackError as error:
            refused.append(Refused(draft.place, error))
            continue
        installed.append(item)
    return tuple(installed), tuple(refused)


def _install_one(root: Path, contents: Contents, scratch: Path, source: str) -> Installed:
    target = root / contents.kind / contents.label
    present = target.is_dir()
    if present and not verify_files(target):
        notes = (*contents.notes, *_not_in_use(target))
        return Installed(read_manifest(target).pack(target), "unchanged", notes=notes)
    try:
        scratch.mkdir()
        staged = stage(contents, scratch / contents.label, source)
        _move_into_place(staged, target, scratch)
    except OSError as error:
        raise unwritable(f"{contents.kind}/{contents.label}", error) from error
    pack = staged.manifest.pack(target)
    return Installed(pack, "repaired" if present else "installed", staged.problems, contents.notes)


def _not_in_use(target: Path) -> list[Text]:
    used = read_active(target.parent)
    if used in (None, target.name):
        return []
    return [
        Text(
            f"используется другая редакция, {used}; сменить: egisz packs use {target.parent.name} {target.name}",
            f"another edition is used, {used}; to change: egisz packs use {target.parent.name} {target.name}",
        )
    ]


def _move_into_place(staged: Staged, target: Path, scratch: Path) -> None:
    """Rename the edition to ``target`` and make it active; on any failure the store is as it was before."""
    folder, replaced = target.parent, scratch / "replaced"
    active = folder / ACTIVE
    before = active.read_bytes() if active.is_file() else None
    try:
        folder.mkdir(exist_ok=True)
        if target.exists():
            target.rename(replaced)
        staged.directory.rename(target)
        sync_folder(folder)
        write_active(folder, target.name, scratch)
    except BaseException:
        if not staged.directory.exists():
            target.rename(staged.directory)
        if replaced.exists():
            replaced.rename(target)
        if before is not None:
            active.write_bytes(before)
        else:
            active.unlink(missing_ok=True)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        raise
