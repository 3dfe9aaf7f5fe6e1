"""Fixtures for third-party material that lives outside the project.

The Ministry's packs, reference books and example documents are never part of this repository. Tests find
them in a folder ``shared`` beside the checkout, in ``EGISZ_SHARED``, or (packs alone) in ``EGISZ_PACKS``;
where there is none, a test that needs them is skipped with a reason, and the run says how many.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from adapter.settings import settings
from conformance.packs import PackStore

ROOT = Path(__file__).resolve().parents[1]

# The default gives the same verdict on every machine; `make fuzz` looks for new examples instead.
hypothesis_settings.register_profile("ci", max_examples=200, deadline=None, derandomize=True, database=None)
hypothesis_settings.register_profile("fuzz", max_examples=2000, deadline=None, print_blob=True)
hypothesis_settings.load_profile("ci")


SHARED = Path(os.environ.get("EGISZ_SHARED", ROOT.parent / "shared"))
INSTALLED = os.environ.get("EGISZ_PACKS")


def _shared(part: str) -> Path:
    folder = SHARED / part
    if not folder.is_dir():
        pytest.skip(f"third-party material is not here: {part} (set EGISZ_SHARED to a folder that has it)")
    return folder


@pytest.fixture(scope="session")
def packs_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Ministry's packs as published, one folder a kind (not an installed store)."""
    if INSTALLED is None or (SHARED / "packs").is_dir():
        return _shared("packs")
    folder = tmp_path_factory.mktemp("packs")
    for pack in PackStore(Path(INSTALLED)).packs():
        shutil.copytree(pack.directory, folder / pack.kind, ignore=shutil.ignore_patterns("manifest.json"))
    return folder


@pytest.fixture(scope="session")
def nsi_source() -> Path:
    """Reference books in the REST form, one folder a book."""
    return _shared("nsi")


@pytest.fixture(scope="session")
def examples_dir() -> Path:
    """Example documents and messages."""
    return _shared("examples")


@pytest.fixture(autouse=True)
def _own_settings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the data directory of the person who runs it."""
    home = tmp_path_factory.getbasetemp() / "egisz-home"
    for name in ("DATA", "CACHE"):
        monkeypatch.setenv(f"EGISZ_{name}", str(home / name.lower()))
    for name in ("PACKS", "NSI", "CATALOGUE", "LANG", "NSI_KEY", "NSI_URL", "SIGNING", "LIBCRYPTO", "OPENSSL"):
        monkeypatch.delenv(f"EGISZ_{name}", raising=False)
    settings.cache_clear()
