"""A move of many documents, one after another in the background, with how far it has come.

Each document is moved in a transaction of its own and told in the audit before. A process that ends leaves the rest as
it was: the same choice made again finds what is left.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, get_args
from uuid import UUID, uuid4

from adapter.errors import EgiszError, InternalError, Overtaken, UsageError
from adapter.findings import Text
from adapter.log import get_logger
from adapter.pipeline import Journal
from adapter.pipeline.audit import Audit

MoveName = Literal["replay", "hold", "release", "drop"]
MOVES: Final[tuple[MoveName, ...]] = get_args(MoveName)
#: Finished ones that are still told of.
_KEPT: Final = 100
_INTERNAL: Final = Text("внутренняя ошибка", "internal error")
_OVERTAKEN: Final = Text("состояние тем временем изменилось", "the state has changed meanwhile")


@dataclass(slots=True)
class Progress:
    """A move of many.

    Attributes:
        agent: who has asked for it, as the audit names the person.
        refused: why not → how many, with an example.
        broken: what ended it before its time.
    """

    id: UUID
    move: MoveName
    agent: str
    ids: Sequence[UUID]
    moved: int = 0
    refused: Counter[Text] = field(default_factory=Counter)
    examples: dict[Text, UUID] = field(default_factory=dict)
    broken: Text | None = None
    finished: bool = False

    @property
    def total(self) -> int:
        """How many were asked for."""
        return len(self.ids)

    @property
    def done(self) -> int:
        """How many it has come to."""
        return self.moved + self.refused.total()


class Bulk:
    """Moves that run, and the last ones that ended, of this process."""

    def __init__(self, journal: Journal, audit: Audit) -> None:
        self._journal, self._audit = journal, audit
        self._known: OrderedDict[UUID, Progress] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, move: MoveName, ids: Sequence[UUID], agent: str) -> Progress:
        """Move documents or Bundles in the background."""
        made = Progress(uuid4(), move, agent, ids)
        self._known[made.id] = made
        for old in [one.id for one in self._known.values() if one.finished][:-_KEPT]:
            del self._known[old]
        task = asyncio.create_task(self._run(made))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return made

    def find(self, ident: UUID) -> Progress | None:
        """One that runs here, or has ended not long ago."""
        return self._known.get(ident)

    async def close(self) -> None:
        """Stop; a document that is being moved is moved."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, progress: Progress) -> None:
        try:
            for ident in progress.ids:
                await asyncio.shield(self._one(progress, ident))
        except EgiszError as error:
            get_logger().error("console.move_failed", error_type=type(error).__name__)
            progress.broken = (
                Text("внутренняя ошибка", "internal error") if isinstance(error, InternalError) else error.text
            )
        finally:
            progress.finished = True

    async def _one(self, progress: Progress, ident: UUID) -> None:
        await self._audit.access(progress.agent, "U", "Task", str(ident))
        try:
            await getattr(self._journal.outbox, progress.move)(ident)
        except Overtaken:
            self._refuse(progress, _OVERTAKEN, ident)
        except UsageError as error:
            self._refuse(progress, error.text, ident)
        else:
            progress.moved += 1

    @staticmethod
    def _refuse(progress: Progress, why: Text, ident: UUID) -> None:
        progress.refused[why] += 1
        progress.examples.setdefault(why, ident)
