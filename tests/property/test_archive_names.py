"""Whatever names and contents a zip has, nothing is written outside the folder it is unpacked into."""

from __future__ import annotations

import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.errors import PackError
from conformance.packs.archive import unpack
from conformance.packs.names import safe_name

PARTS = st.one_of(
    st.sampled_from(
        ["..", ".", "...", "", " ", "C:", "a", "b.sch", "CDA.xsd", "x\\..", "/", "~", ".. ", "\x00", "con"]
    ),
    st.text(max_size=8),
)
NAMES = st.builds(
    lambda start, parts, end: start + "/".join(parts) + end,
    st.sampled_from(["", "/", "//", "\\", "C:\\", "../"]),
    st.lists(PARTS, min_size=1, max_size=5),
    st.sampled_from(["", ".sch", ".xsd", "/pack.json", "/"]),
)


def _writable(name: str) -> bool:
    try:
        return len(name.encode()) < 0xFFFF
    except UnicodeEncodeError:
        return False


def _zip(target: Path, names: list[str]) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            info = zipfile.ZipInfo("x")
            info.filename = info.orig_filename = name
            archive.writestr(info, "content")


@given(st.lists(NAMES.filter(_writable), min_size=1, max_size=4, unique=True))
@settings(max_examples=200, deadline=None)
def test_nothing_is_written_outside(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as home:
        outer = Path(home)
        target = outer / "a" / "b" / "target"
        target.mkdir(parents=True)
        archive = outer / "x.zip"
        _zip(archive, names)
        try:
            unpack(archive, target)
        except PackError:
            pass
        else:
            assert all(safe_name(name.rstrip("/") or name) for name in names)
        written = {path for path in outer.rglob("*") if path.is_file()} - {archive}
        assert all(path.is_relative_to(target) for path in written)


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_refused_clearly(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as home:
        archive = Path(home) / "x.zip"
        target = Path(home) / "target"
        target.mkdir()
        for content in (data, _small_zip(Path(home)) + data, data + _small_zip(Path(home))):
            archive.write_bytes(content)
            with suppress(PackError):
                unpack(archive, target)
            for path in target.iterdir():
                path.unlink()


def _small_zip(home: Path) -> bytes:
    _zip(home / "small.zip", ["a.sch"])
    return (home / "small.zip").read_bytes()


@given(st.integers(0, 200), st.integers(0, 255))
@settings(max_examples=200, deadline=None)
def test_a_zip_with_a_changed_byte_never_crashes(position: int, value: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        data = bytearray(_small_zip(Path(home)))
        data[position % len(data)] = value
        archive, target = Path(home) / "x.zip", Path(home) / "target"
        archive.write_bytes(data)
        target.mkdir()
        with suppress(PackError):
            unpack(archive, target)
        assert {path.parent for path in target.rglob("*") if path.is_file()} <= {target}
