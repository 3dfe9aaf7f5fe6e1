"""Names of files that come from outside: inside an archive, inside a manifest.

A name is accepted only when it means one place below the folder it is unpacked into, on every operating system.
"""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

from conformance.packs.model import refuse

_MAX_NAME = 1024


def safe_name(name: str) -> str:
    """``name`` as a plain relative path with ``/``.

    Raises:
        PackError: absolute, with a drive letter, ``..``, a backslash, a control character, or too long.
    """
    shown = ascii(name[:80])
    if not name or len(name) > _MAX_NAME:
        raise refuse(shown, "пустое или слишком длинное имя файла", "an empty or too long file name")
    if "\\" in name:
        raise refuse(shown, "обратная косая черта в имени файла", "a backslash in a file name")
    if any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in name):
        raise refuse(shown, "управляющий символ в имени файла", "a control character in a file name")
    if ":" in name:
        raise refuse(shown, "двоеточие (имя диска) в имени файла", "a colon (drive letter) in a file name")
    if name.startswith("/"):
        raise refuse(shown, "абсолютный путь", "an absolute path")
    parts = PurePosixPath(name).parts
    # Windows drops dots and spaces at the end of a name, so "..." and ".. " may mean the parent too.
    if not parts or any(not part.strip(". ") for part in parts):
        raise refuse(shown, "путь выходит за пределы папки", "the path leaves the folder")
    return "/".join(parts)


def same_place(name: str) -> str:
    """A key that is equal for names that some file system takes for the same file (case, Unicode form)."""
    return unicodedata.normalize("NFC", name).casefold()
