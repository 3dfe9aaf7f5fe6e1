"""Durable files of the store, and the record of which edition of a kind is active."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from adapter.errors import PackError
from conformance.packs.model import LABEL, refuse

ACTIVE: Final = "active.json"
_INCOMING: Final = ".incoming-"
_STALE_AFTER: Final = 24 * 3600.0  # seconds; an installation takes some seconds


@contextmanager
def scratch_folder(root: Path) -> Iterator[Path]:
    """A temporary folder inside the store, so that what is made there can be renamed into place.

    It is removed whatever happens; what a killed process left behind goes the next day.

    Raises:
        PackError: the store cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        _remove_stale(root)
        folder = Path(tempfile.mkdtemp(prefix=_INCOMING, dir=root))
    except OSError as error:
        raise unwritable(str(root), error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def unwritable(where: str, error: OSError) -> PackError:
    """The refusal because the disk said no."""
    return refuse(where, f"не записывается ({error.strerror})", f"cannot be written ({error.strerror})")


def _remove_stale(root: Path) -> None:
    for folder in root.glob(f"{_INCOMING}*"):
        if time.time() - folder.stat().st_mtime > _STALE_AFTER:
            shutil.rmtree(folder, ignore_errors=True)


def write_file(path: Path, data: bytes) -> None:
    """Write a new file and wait until it is on the disk."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make names in ``folder`` durable; POSIX only, elsewhere the system does it by itself."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_active(folder: Path) -> str | None:
    """Label of the active edition of the kind in ``folder``; None where none is recorded.

    Raises:
        PackError: the record is damaged.
    """
    try:
        label = json.loads((folder / ACTIVE).read_bytes())["active"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise _active_damaged(folder) from error
    if not isinstance(label, str) or not LABEL.fullmatch(label):
        raise _active_damaged(folder)
    return label


def write_active(folder: Path, label: str, scratch: Path) -> None:
    """Record ``label`` as the active edition, in one step; ``scratch`` is a folder on the same file system."""
    draft = scratch / ACTIVE
    draft.unlink(missing_ok=True)
    write_file(draft, (json.dumps({"active": label}) + "\n").encode())
    draft.replace(folder / ACTIVE)
    sync_folder(folder)


def _active_damaged(folder: Path) -> PackError:
    where = f"{folder.name}/{ACTIVE}"
    return refuse(
        where,
        "повреждён; выберите редакцию командой egisz packs use",
        "damaged; choose an edition with egisz packs use",
    )
