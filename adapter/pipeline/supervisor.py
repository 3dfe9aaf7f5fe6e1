"""Keeps the embedded PostgreSQL running: a server that ended by itself is started again.

It ends where its disk is full at the wrong moment (it cannot write its log, stops at once, and cannot recover before
there is space), and where it is killed. Every process that uses the cluster watches it; starting is done by one.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from adapter.errors import DatabaseError
from adapter.log import get_logger
from adapter.pipeline.postgres import Cluster

#: Seconds between two looks, and between two tries to start.
_LOOK: Final = 2.0


class Supervisor:
    """Watches a cluster that this process has started or joined."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._leaving = asyncio.Event()
        self._task = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Watch no more; a start that is under way is waited for, so that nobody is left with the server."""
        self._leaving.set()
        await self._task

    async def _watch(self) -> None:
        while not self._leaving.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), _LOOK)
            if self._leaving.is_set() or self._cluster.alive():
                continue
            get_logger().error("postgres.ended")
            try:
                await asyncio.to_thread(self._cluster.start)
            except (DatabaseError, OSError) as error:
                get_logger().error("postgres.not_started", error_type=type(error).__name__)
            else:
                get_logger().warning("postgres.started_again")
