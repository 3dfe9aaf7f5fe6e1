"""The conformance engine in a process of its own, so that a check does not hold up the stand."""

from __future__ import annotations

import asyncio
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TYPE_CHECKING, Protocol

from adapter.findings import Severity

if TYPE_CHECKING:
    from conformance import Checker

Errors = list[tuple[str, str, str]]


class Validator(Protocol):
    """Checks documents."""

    async def errors(self, data: bytes, kind: str) -> Errors:
        """(code, rule, XPath) of each error of a document that is said to be of ``kind``."""
        ...


class NoValidator:
    """Checks nothing."""

    async def errors(self, data: bytes, kind: str) -> Errors:
        """None."""
        return []


class ProcessValidator:
    """A :class:`Validator` with the packs and books of the settings; a process that has died is started anew."""

    def __init__(self) -> None:
        self._pool = _started()

    async def errors(self, data: bytes, kind: str) -> Errors:
        """See :class:`Validator`."""
        pool = self._pool
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, _errors, data, kind)
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = _started()
            # Once more: it may have died of another document, or been killed.
            return await asyncio.get_running_loop().run_in_executor(self._pool, _errors, data, kind)

    def close(self) -> None:
        """End the process, after the check that it is at."""
        self._pool.shutdown(cancel_futures=True)


def _started() -> ProcessPoolExecutor:
    # Not forked: the stand has threads, and locks of libxml2 would be copied held.
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


_checker: Checker | None = None


def _errors(data: bytes, kind: str) -> Errors:
    """In the process of the pool."""
    global _checker  # noqa: PLW0603 - made once in that process
    if _checker is None:
        from adapter.nsi import BookStore
        from adapter.settings import settings
        from conformance import Checker
        from conformance.packs import PackStore

        conf = settings()
        _checker = Checker(PackStore(conf.packs_dir), BookStore(conf.nsi_dir), cache=conf.cache / "schematron")
    report = _checker.check(data, kind=kind)
    return [(one.code, one.rule, one.xpath) for one in report.findings if one.severity is Severity.ERROR]
