"""A database for the tests of operation."""

from __future__ import annotations

from tests.fixtures import database, server, service

__all__ = ["database", "server", "service"]
