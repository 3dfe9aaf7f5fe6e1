"""Safe unpacking of a zip: nothing is written outside the target, and never more than the limits allow.

Headers are not trusted: sizes are counted while reading. Only files that belong into a pack are inflated.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from adapter.errors import PackError
from conformance.packs.model import is_wanted, refuse
from conformance.packs.names import safe_name, same_place


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on a pack from outside. The largest published set (all kinds together) is about 80 MB, 3,000 files.

    Attributes:
        entries: files and folders in an archive or a folder.
        file_bytes: one file of a pack.
        total_bytes: all files of a pack together.
        archive_bytes: the zip itself.
        ratio: uncompressed to compressed size of one entry; XML of rules compresses about 20 times.
        ratio_from: entries smaller than this are not held to the ratio, bytes.
    """

    entries: int = 20_000
    file_bytes: int = 16 * 1024 * 1024
    total_bytes: int = 256 * 1024 * 1024
    archive_bytes: int = 512 * 1024 * 1024
    ratio: int = 200
    ratio_from: int = 1024 * 1024


LIMITS: Final = Limits()

_CHUNK = 64 * 1024
_DIRECTORY_ENTRY = 400  # bytes of the central directory allowed per entry, on average
_UTF8_FLAG, _ENCRYPTED_FLAG = 0x800, 0x1
_END, _END_SIZE = b"PK\x05\x06", 22
_ZIP64_LOCATOR, _ZIP64_SIZE = b"PK\x06\x07", 20
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


def unpack(archive: Path, target: Path, limits: Limits = LIMITS) -> list[str]:
    """Unpack the files of packs in ``archive`` into the existing folder ``target``.

    Returns:
        Names of the files that were left out, in the order of the archive.

    Raises:
        PackError: not a zip, damaged, encrypted, over a limit, or with an entry that must not be there. What was
            written before stays in ``target``: the caller owns that folder.
    """
    _check_directory(archive, limits)
    try:
        with zipfile.ZipFile(archive) as zipped:
            return list(_unpack(zipped, target, limits))
    except UnicodeDecodeError as error:
        raise _name_not_utf8(archive.name) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error) as error:
        raise refuse(archive.name, "повреждённый архив zip", "a damaged zip archive") from error
    except OSError as error:
        raise refuse(
            archive.name, f"не распаковывается ({error.strerror})", f"cannot be unpacked ({error.strerror})"
        ) from error


def _unpack(zipped: zipfile.ZipFile, target: Path, limits: Limits) -> Iterator[str]:
    seen: set[str] = set()
    left = limits.total_bytes
    for info in zipped.infolist():
        name = _entry_name(info)
        if same_place(name) in seen:
            raise refuse(name, "имя встречается в архиве дважды", "the name occurs twice in the archive")
        seen.add(same_place(name))
        _check_entry(info, name, limits)
        if info.is_dir():
            continue
        if not is_wanted(name):
            yield name
            continue
        left -= _extract(zipped, info, target / name, min(left, limits.file_bytes))


def _check_directory(archive: Path, limits: Limits) -> None:
    """Bound the table of contents before :mod:`zipfile` reads all of it into memory."""
    try:
        size = archive.stat().st_size
        with archive.open("rb") as file:
            file.seek(max(0, size - _END_SIZE - _ZIP64_SIZE - 0x10000))
            tail = file.read()
    except OSError as error:
        raise refuse(archive.name, f"не читается ({error.strerror})", f"cannot be read ({error.strerror})") from error
    if size > limits.archive_bytes:
        raise refuse(
            archive.name,
            f"архив больше {limits.archive_bytes} байт",
            f"the archive is larger than {limits.archive_bytes} bytes",
        )
    end = len(tail) - _END_SIZE
    if end >= 0 and not (tail[end:].startswith(_END) and tail.endswith(b"\x00\x00")):
        end = tail.rfind(_END, 0, end + len(_END))  # an archive with a comment
    if end < 0:
        raise refuse(archive.name, "не архив zip", "not a zip archive")
    if tail[max(0, end - _ZIP64_SIZE) : end].startswith(_ZIP64_LOCATOR):
        raise refuse(archive.name, "архив ZIP64 не принимается", "a ZIP64 archive is not accepted")
    entries, directory = struct.unpack_from("<HI", tail, end + 10)
    if entries > limits.entries or directory > limits.entries * _DIRECTORY_ENTRY:
        raise _too_many(archive.name, limits)


def _entry_name(info: zipfile.ZipInfo) -> str:
    # orig_filename is the name as written: zipfile cuts filename at a NUL and turns separators round.
    raw = info.orig_filename
    if not raw.isascii() and not info.flag_bits & _UTF8_FLAG:
        raise _name_not_utf8(ascii(raw[:80]))
    return safe_name(raw)


def _check_entry(info: zipfile.ZipInfo, name: str, limits: Limits) -> None:
    if info.flag_bits & _ENCRYPTED_FLAG:
        raise refuse(name, "зашифрованный файл в архиве", "an encrypted file in the archive")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise refuse(name, "ссылка или особый файл в архиве", "a link or a special file in the archive")
    if info.compress_type not in _METHODS:
        raise refuse(name, "неизвестный способ сжатия", "an unknown compression method")
    if info.file_size > limits.ratio_from and info.file_size > limits.ratio * max(info.compress_size, 1):
        raise _bomb(name, limits)


def _extract(zipped: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, room: int) -> int:
    """Inflate one entry of at most ``room`` bytes; returns its size."""
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with zipped.open(info) as source, target.open("xb") as sink:
        for chunk in _chunks(source):
            size += len(chunk)
            if size > room:
                raise too_large(info.orig_filename, room)
            sink.write(chunk)
    return size


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        yield chunk


def too_large(name: str, room: int) -> PackError:
    """The refusal of a file that does not fit into ``room`` bytes (its own limit, or what is left of the total)."""
    return refuse(name, f"больше допустимого (предел {room} байт)", f"larger than allowed (limit {room} bytes)")


def _too_many(name: str, limits: Limits) -> PackError:
    return refuse(
        name,
        f"слишком много файлов (предел {limits.entries})",
        f"too many files (the limit is {limits.entries})",
    )


def _bomb(name: str, limits: Limits) -> PackError:
    return refuse(
        name,
        f"сжат более чем в {limits.ratio} раз: похоже на zip-бомбу",
        f"compressed more than {limits.ratio} times: it looks like a zip bomb",
    )


def _name_not_utf8(where: str) -> PackError:
    return refuse(
        where,
        "имя файла в архиве не в UTF-8; распакуйте архив сами и установите папку",
        "a file name in the archive is not in UTF-8; unpack the archive yourself and install the folder",
    )
