"""Unpacking a zip from outside: hostile archives are refused, and nothing is written outside the target."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from adapter.errors import PackError
from conformance.packs.archive import LIMITS, Limits, unpack

Zipped = Callable[..., Path]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "deep" / "target"
    folder.mkdir(parents=True)
    return folder


def test_wanted_files_are_unpacked_and_others_named(zipped: Zipped, target: Path) -> None:
    archive = zipped({"top/170.sch": "a", "top/x/CDA.xsd": "b", "top/guide.pdf": "c", "top/pack.json": "d"})
    assert unpack(archive, target) == ["top/guide.pdf"]
    assert sorted(p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file()) == [
        "top/170.sch",
        "top/pack.json",
        "top/x/CDA.xsd",
    ]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/abs.sch", "an absolute path"),
        ("C:/x.sch", "a colon"),
        ("C:x.sch", "a colon"),
        ("../out.sch", "leaves the folder"),
        ("a/../../out.sch", "leaves the folder"),
        ("a/.. /out.sch", "leaves the folder"),
        ("a\\..\\out.sch", "a backslash"),
        ("a\x00b.sch", "a control character"),
        ("a\nb.sch", "a control character"),
        ("a/\u202ehcs.sch", "a control character"),
        ("x" * 2000 + ".sch", "too long"),
        ("../ignored.txt", "leaves the folder"),
    ],
)
def test_dangerous_names(tmp_path: Path, target: Path, name: str, reason: str) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as out:
        info = zipfile.ZipInfo("placeholder")
        info.filename = info.orig_filename = name  # past the cleaning that zipfile does
        out.writestr(info, "evil")
    with pytest.raises(PackError, match=reason):
        unpack(archive, target)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [archive]


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_special_files(tmp_path: Path, target: Path, mode: int) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as out:
        info = zipfile.ZipInfo("link.sch")
        info.external_attr = (mode | 0o777) << 16
        out.writestr(info, "/etc/passwd")
    with pytest.raises(PackError, match="a link or a special file"):
        unpack(archive, target)
    assert not any(target.iterdir())


@pytest.mark.parametrize("twin", ["a/170.sch", "A/170.SCH", "./a//170.sch"])
def test_duplicate_names(zipped: Zipped, tmp_path: Path, target: Path, twin: str) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as out, pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # zipfile warns of the same name
        out.writestr("a/170.sch", "one")
        out.writestr(twin, "two")
    with pytest.raises(PackError, match="twice"):
        unpack(archive, target)


def test_a_file_where_another_needs_a_folder(zipped: Zipped, target: Path) -> None:
    with pytest.raises(PackError, match="cannot be unpacked"):
        unpack(zipped({"a.sch": "x", "a.sch/b.sch": "y"}), target)


def _patched(archive: Path, signature: bytes, offset: int, value: bytes) -> Path:
    """The archive with bytes of every header of that signature replaced."""
    data = bytearray(archive.read_bytes())
    at = data.find(signature)
    while at >= 0:
        data[at + offset : at + offset + len(value)] = value
        at = data.find(signature, at + 4)
    archive.write_bytes(data)
    return archive


def test_encrypted(zipped: Zipped, target: Path) -> None:
    archive = _patched(zipped({"a.sch": "x"}), b"PK\x01\x02", 8, struct.pack("<H", 1))
    with pytest.raises(PackError, match="encrypted"):
        unpack(archive, target)


def test_name_in_a_dos_code_page(zipped: Zipped, target: Path) -> None:
    archive = zipped({"aaaa.sch": "x"})
    archive.write_bytes(archive.read_bytes().replace(b"aaaa.sch", "схем.sch".encode("cp866")))
    with pytest.raises(PackError, match="not in UTF-8"):
        unpack(archive, target)


def test_name_flagged_utf8_that_is_not(zipped: Zipped, target: Path) -> None:
    archive = zipped({"яя.sch": "x"})
    archive.write_bytes(archive.read_bytes().replace("яя".encode(), b"\xff\xfe\xff\xfe"))
    with pytest.raises(PackError, match="not in UTF-8"):
        unpack(archive, target)


def test_unknown_compression(zipped: Zipped, target: Path) -> None:
    with pytest.raises(PackError, match="compression"):
        unpack(zipped({"a.sch": "x"}, method=zipfile.ZIP_LZMA), target)


def test_zip64(zipped: Zipped, target: Path) -> None:
    archive = zipped({"a.sch": "x"})
    data = archive.read_bytes()
    end = data.rfind(b"PK\x05\x06")
    archive.write_bytes(data[:end] + b"PK\x06\x07" + bytes(16) + data[end:])
    with pytest.raises(PackError, match="ZIP64"):
        unpack(archive, target)


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip at all" * 9, b"PK\x05\x06" + b"\xff" * 10])
def test_not_a_zip(tmp_path: Path, target: Path, data: bytes) -> None:
    archive = tmp_path / "x.zip"
    archive.write_bytes(data)
    with pytest.raises(PackError, match="not a zip"):
        unpack(archive, target)


def test_damaged_content(zipped: Zipped, target: Path) -> None:
    archive = zipped({"a.sch": "some content"}, method=zipfile.ZIP_STORED)
    archive.write_bytes(archive.read_bytes().replace(b"some content", b"same content"))
    with pytest.raises(PackError, match="damaged"):
        unpack(archive, target)


def test_an_archive_with_a_comment_is_read(zipped: Zipped, target: Path) -> None:
    archive = zipped({"a.sch": "x"})
    with zipfile.ZipFile(archive, "a") as out:
        out.comment = b"made by a person"
    assert unpack(archive, target) == []
    assert (target / "a.sch").read_text() == "x"


class TestBombs:
    def test_ratio_by_the_header(self, zipped: Zipped, target: Path) -> None:
        with pytest.raises(PackError, match="zip bomb"):
            unpack(zipped({"a.sch": bytes(4 * 1024 * 1024)}), target)
        assert not any(target.iterdir())

    def test_ratio_counts_for_files_that_are_left_out_too(self, zipped: Zipped, target: Path) -> None:
        with pytest.raises(PackError, match="zip bomb"):
            unpack(zipped({"a.pdf": bytes(4 * 1024 * 1024)}), target)

    def test_a_header_that_lies_about_the_size(self, zipped: Zipped, target: Path) -> None:
        archive = zipped({"a.sch": bytes(4 * 1024 * 1024)})
        _patched(archive, b"PK\x01\x02", 24, struct.pack("<I", 100))
        with pytest.raises(PackError, match="damaged"):
            unpack(archive, target)
        assert sum(path.stat().st_size for path in target.iterdir()) <= 100

    def test_one_file(self, zipped: Zipped, target: Path) -> None:
        with pytest.raises(PackError, match=r"a\.sch: larger than allowed \(limit 10 bytes\)"):
            unpack(zipped({"a.sch": "x" * 11}), target, Limits(file_bytes=10))

    def test_all_files(self, zipped: Zipped, target: Path) -> None:
        limits = Limits(file_bytes=10, total_bytes=25)
        with pytest.raises(PackError, match=r"c\.sch: larger than allowed"):
            unpack(zipped({f"{name}.sch": "x" * 10 for name in "abc"}), target, limits)

    def test_entries(self, zipped: Zipped, target: Path) -> None:
        archive = zipped({f"{number}.txt": "" for number in range(11)})
        with pytest.raises(PackError, match="too many files"):
            unpack(archive, target, Limits(entries=10))
        assert len(unpack(archive, target, Limits(entries=11))) == 11

    def test_a_huge_table_of_contents(self, zipped: Zipped, target: Path) -> None:
        archive = _patched(zipped({"a.sch": "x"}), b"PK\x05\x06", 12, struct.pack("<I", 1 << 31))
        with pytest.raises(PackError, match="too many files"):
            unpack(archive, target)

    def test_the_archive_itself(self, zipped: Zipped, target: Path) -> None:
        with pytest.raises(PackError, match="larger than 20 bytes"):
            unpack(zipped({"a.sch": "x"}), target, Limits(archive_bytes=20))


def test_limits_leave_room_for_the_whole_public_collection() -> None:
    assert LIMITS.total_bytes > 2 * 80 * 1024 * 1024
    assert LIMITS.entries > 3 * 3000
