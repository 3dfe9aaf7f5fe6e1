"""Reading a folder that somebody else filled: plain files only, within limits."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conformance.packs.archive import LIMITS, Limits, too_large
from conformance.packs.model import is_wanted, refuse

#: Folders of version control and of operating systems: not looked into.
_SKIPPED = frozenset({"__MACOSX"})


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder holds.

    Attributes:
        root: the folder.
        files: files that belong into packs, as paths with ``/`` relative to ``root``, sorted.
        ignored: the other files, likewise.
    """

    root: Path
    files: tuple[str, ...]
    ignored: tuple[str, ...]


def scan(root: Path, limits: Limits = LIMITS) -> Listing:
    """List ``root`` and everything below it.

    Raises:
        PackError: a symbolic link or special file, too many files, a file or the whole too large, unreadable.
    """
    files: list[str] = []
    ignored: list[str] = []
    left = limits.total_bytes
    try:
        for count, entry in enumerate(_walk(root), start=1):
            name = Path(entry.path).relative_to(root).as_posix()
            if count > limits.entries:
                raise refuse(
                    root.name,
                    f"слишком много файлов (предел {limits.entries})",
                    f"too many files (the limit is {limits.entries})",
                )
            info = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(info.st_mode) and not stat.S_ISDIR(info.st_mode):
                raise refuse(name, "ссылка или особый файл", "a link or a special file")
            if stat.S_ISDIR(info.st_mode):
                continue
            if not is_wanted(name):
                ignored.append(name)
                continue
            if info.st_size > min(left, limits.file_bytes):
                raise too_large(name, min(left, limits.file_bytes))
            left -= info.st_size
            files.append(name)
    except OSError as error:
        raise refuse(
            root.name,
            f"папка не читается ({error.strerror})",
            f"the folder cannot be read ({error.strerror})",
        ) from error
    return Listing(root, tuple(sorted(files)), tuple(sorted(ignored)))


def read_file(path: Path, limits: Limits = LIMITS) -> bytes:
    """The bytes of a plain file; a link put there since the folder was listed is not followed.

    Raises:
        PackError: not a plain file, too large, unreadable.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(limits.file_bytes + 1)
    except OSError as error:
        raise refuse(path.name, f"не читается ({error.strerror})", f"cannot be read ({error.strerror})") from error
    if len(data) > limits.file_bytes:
        raise too_large(path.name, limits.file_bytes)
    return data


def _walk(root: Path) -> Iterator[os.DirEntry[str]]:
    pending = [root]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name in _SKIPPED:
                    continue
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    pending.append(Path(entry.path))
