"""A converter for properties: with the Ministry's packs and books where they are at hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from adapter.convert import Converter
from tests.converters import fill, make


@pytest.fixture(scope="session")
def build(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Converter]:
    """Makes converters over one temporary store of packs and books; an empty store where none are at hand."""
    home = tmp_path_factory.mktemp("properties")
    try:
        packs, books = request.getfixturevalue("packs_source"), request.getfixturevalue("nsi_source")
    except pytest.skip.Exception:
        pass
    else:
        fill(home, packs, books)
    return partial(make, home)


@pytest.fixture(scope="session")
def books_at_hand(request: pytest.FixtureRequest) -> bool:
    """Whether codes can be looked up: without the books some have no name."""
    try:
        request.getfixturevalue("nsi_source")
    except pytest.skip.Exception:
        return False
    return True


@pytest.fixture(scope="session")
def converter(build: Callable[[], Converter]) -> Converter:
    return build()
