"""A database for the tests of the pipeline with the registers of the stand."""

from __future__ import annotations

from tests.fixtures import database, server, service

__all__ = ["database", "server", "service"]
