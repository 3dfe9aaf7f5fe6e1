"""Fixtures of a database, for the ``conftest.py`` of tests that need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapter.settings import Settings
from tests.database import fresh_database, running_cluster, service_settings, template


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """URL of a running server."""
    with running_cluster() as cluster:
        yield template(cluster)


@pytest.fixture
def database(server: str) -> Iterator[str]:
    """URL of a migrated database of this test alone."""
    with fresh_database(server) as url:
        yield url


@pytest.fixture(scope="module")
def database_url(server: str) -> Iterator[str]:
    """URL of a migrated database of the tests of a module."""
    with fresh_database(server) as url:
        yield url


@pytest.fixture
def service(database: str, tmp_path: Path) -> Settings:
    """Settings of a service on a database of this test alone."""
    return service_settings(database, tmp_path)
