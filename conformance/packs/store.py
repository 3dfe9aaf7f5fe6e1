"""The store of installed packs.

::

    <root>/<kind>/<label>/      one edition: the published files byte for byte, and manifest.json
    <root>/<kind>/active.json   which edition is used
    <root>/.incoming-*/         an installation under way; never read

An edition is made whole in ``.incoming-*`` and renamed into place, so it is there completely or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adapter.errors import PackError, UsageError
from adapter.findings import Finding, Text
from conformance.packs.disk import read_active, scratch_folder, write_active
from conformance.packs.install import Outcome, install_source, refusal
from conformance.packs.manifest import Manifest, read_manifest
from conformance.packs.model import KIND, Pack, kind_order, refuse
from conformance.packs.verify import damaged, verify_pack


@dataclass(frozen=True, slots=True)
class Edition:
    """An installed edition: its pack, its record, and whether it is the one in use."""

    pack: Pack
    manifest: Manifest
    active: bool


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything in the store; a folder that cannot be read is a finding (PCK05) and does not hide the others."""

    editions: tuple[Edition, ...]
    problems: tuple[Finding, ...]


class PackStore:
    """Packs installed under ``root``; the folder need not exist. Cheap: reads manifests only, when asked.

    Args:
        root: see the docstring of the module.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def packs(self) -> list[Pack]:
        """The active edition of every kind, by kind. Unreadable ones are left out: see :meth:`inventory`."""
        return [edition.pack for edition in self.inventory().editions if edition.active]

    def find(self, kind: str) -> Pack | None:
        """The active edition of ``kind``; None where nothing is installed. Reads two small files.

        Raises:
            PackError: editions are there, but the active one is damaged or not recorded.
        """
        folder = self.root / kind
        if not KIND.fullmatch(kind) or not folder.is_dir():
            return None
        label = _active(folder)
        return None if label is None else read_manifest(folder / label).pack(folder / label)

    def inventory(self) -> Inventory:
        """All editions of all kinds, sorted by kind, then by time of installation."""
        editions: list[Edition] = []
        problems: list[Finding] = []
        for folder in self._kinds():
            active = None
            try:
                active = _active(folder)
            except PackError as error:
                problems.append(damaged(folder.name, error))
            found = []
            for directory in _editions(folder):
                try:
                    manifest = read_manifest(directory)
                except PackError as error:
                    problems.append(damaged(f"{folder.name}/{directory.name}", error))
                    continue
                found.append(Edition(manifest.pack(directory), manifest, directory.name == active))
            editions += sorted(found, key=lambda item: (item.manifest.installed_at, item.pack.label))
        return Inventory(tuple(editions), tuple(problems))

    def use(self, kind: str, label: str) -> Pack:
        """Make an installed edition the active one; ``label`` may be shortened while one edition alone has it.

        Raises:
            UsageError: no such edition, or several.
            PackError: the edition is damaged, or the store cannot be written.
        """
        folder = self.root / kind
        have = _editions(folder) if KIND.fullmatch(kind) and folder.is_dir() else []
        found = [path for path in have if path.name == label] or [
            path for path in have if label and path.name.startswith(label)
        ]
        if len(found) != 1:
            names = ", ".join(path.name for path in have) or "—"
            raise UsageError(
                Text(
                    f"Вид {kind}: нет единственной редакции {label}; установлены: {names}",
                    f"Kind {kind}: there is no single edition {label}; installed: {names}",
                )
            )
        pack = read_manifest(found[0]).pack(found[0])
        with scratch_folder(self.root) as scratch:
            write_active(folder, pack.label, scratch)
        return pack

    def install(self, path: Path) -> list[Pack]:
        """Install every pack of a folder or zip; each is installed whole or not at all.

        Raises:
            UsageError: no such file or folder.
            PackError: a pack was refused; says which and why. The other packs of the source are installed.
        """
        outcome = self.install_all(path)
        if outcome.refused:
            raise refusal(outcome)
        return [item.pack for item in outcome.installed]

    def install_all(self, path: Path, *, kind: str | None = None, source: str | None = None) -> Outcome:
        """Install, and say what became of every pack; see :func:`conformance.packs.install.install_source`."""
        return install_source(self.root, path, kind=kind, source=source)

    def verify(self, pack: Pack) -> list[Finding]:
        """Compare an installed edition with its manifest and compile it again; codes PCK01 to PCK05, SCH04."""
        return verify_pack(pack)

    def _kinds(self) -> list[Path]:
        if not self.root.is_dir():
            return []
        folders = [path for path in self.root.iterdir() if KIND.fullmatch(path.name) and path.is_dir()]
        return sorted(folders, key=lambda path: kind_order(path.name))


def _editions(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _active(folder: Path) -> str | None:
    """The recorded edition; the only one where none is recorded (an installation was cut off at its last step)."""
    label = read_active(folder)
    if label is not None:
        return label
    editions = _editions(folder)
    if len(editions) > 1:
        raise refuse(
            folder.name,
            "не записано, какая редакция используется; выберите её командой egisz packs use",
            "it is not recorded which edition is used; choose one with egisz packs use",
        )
    return editions[0].name if editions else None
