"""Converters over the Ministry's packs and books."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from adapter.convert import Converter
from tests.converters import fill, make


@pytest.fixture(scope="session")
def home(packs_source: Path, nsi_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One temporary store of packs and books."""
    folder = tmp_path_factory.mktemp("examples")
    fill(folder, packs_source, nsi_source)
    return folder


@pytest.fixture(scope="session")
def build(home: Path) -> Callable[[], Converter]:
    return partial(make, home)


@pytest.fixture(scope="session")
def converter(build: Callable[[], Converter]) -> Converter:
    return build()
