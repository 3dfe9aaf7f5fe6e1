"""Trials in a process of their own: what a person types may run for ever, or ask for all memory."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from adapter.errors import EnvironmentProblem
from adapter.findings import Text
from adapter.pipeline.making import ProcessMaker
from adapter.playground.engine import Edit, Tried, try_edit, warm

#: Seconds for a trial, which takes tenths of one; the first of a process loads the catalogue.
LIMIT: Final = 10.0
_STOPPED: Final = Text(
    "Попытка остановлена: она шла слишком долго или потребовала слишком много памяти.",
    "The trial was stopped: it took too long, or too much memory.",
)


class Playground:
    """Makes trials, one at a time; make one and keep it.

    Args:
        limit: seconds for a trial; the process of one that takes longer is killed.
    """

    def __init__(self, limit: float = LIMIT) -> None:
        self._folder = TemporaryDirectory(prefix="egisz-playground-")
        self._maker = ProcessMaker(1, limit)

    async def warm(self, organisation: str) -> None:
        """Start the process; what is wrong is told by the trial."""
        try:
            await self._maker.do(warm, organisation)
        except EnvironmentProblem:
            return

    async def run(self, file: str, text: str, bundle: bytes, organisation: str, kinds: tuple[str, ...]) -> Tried:
        """Try a change.

        Args:
            file: path of the file in the catalogue, one of those that can be tried.
            text: what it would be.
            bundle: what it is tried on.
            kinds: documents and messages to make; all where empty.

        Raises:
            InternalError: an error of ours.
        """
        try:
            return await self._maker.do(
                try_edit, Edit(Path(self._folder.name), file, text, bundle, organisation, kinds)
            )
        except EnvironmentProblem as error:
            return Tried(problem=Text(f"{_STOPPED.ru} ({error.text.ru})", f"{_STOPPED.en} ({error.text.en})"))

    def close(self) -> None:
        """End the process; whatever it tries is not waited for."""
        self._maker.kill()
        self._folder.cleanup()
