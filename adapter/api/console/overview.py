"""The overview: what came in, what is registered, what waits, what failed, and what will fail soon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from time import monotonic
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from adapter.api.console.certificates import certificates
from adapter.api.console.charts import columns
from adapter.api.console.guard import pages, signed_in
from adapter.api.console.parts import console
from adapter.api.console.queries import COUNTED, FAILED, WAITING, Snapshot
from adapter.api.console.rendering import page, render
from adapter.api.console.words import title, tone, word
from adapter.api.service import service
from adapter.findings import Text

router = pages()

#: Seconds between two looks at the journal, and those after which a browser asks anew whether it may look.
_LOOK: Final = 3.0
_STREAM: Final = 300.0
#: A document that is longer on its way deserves a look.
_LONG: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Period:
    """A period of the overview: so many buckets of such a length, up to now."""

    name: str
    title: Text
    bucket: timedelta
    count: int

    def since(self, now: datetime) -> datetime:
        """When it begins: at the begin of a bucket by the local clock, so that the last bucket holds now."""
        local = now.astimezone()
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        begin = midnight + (local - midnight) // self.bucket * self.bucket
        return begin - (self.count - 1) * self.bucket


PERIODS: Final = (
    Period("day", Text("сутки", "a day"), timedelta(hours=1), 24),
    Period("week", Text("неделя", "a week"), timedelta(hours=6), 28),
    Period("month", Text("месяц", "a month"), timedelta(days=1), 30),
)


@router.get("/")
async def overview(request: Request, period: str = "day") -> Response:
    """The page."""
    await signed_in(request)
    chosen = _period(period)
    return page(request, "overview.html.j2", period=chosen, periods=PERIODS, **await _numbers(request, chosen))


@router.get("/overview/live")
async def live(request: Request, period: str = "day") -> Response:
    """The numbers again, whenever they change, as server-sent events."""
    await signed_in(request)
    return StreamingResponse(_events(request, _period(period)), media_type="text/event-stream")


def _period(name: str) -> Period:
    return next((one for one in PERIODS if one.name == name), PERIODS[0])


async def _events(request: Request, period: Period) -> AsyncIterator[str]:
    parts, told, begun = console(request), b"", monotonic()
    yield "retry: 2000\n\n"
    while not parts.leaving and monotonic() - begun < _STREAM:
        text = render(request, "overview-numbers.html.j2", period=period, **await _numbers(request, period))
        digest = sha256(text.encode()).digest()
        if digest != told:
            told = digest
            lines = "".join(f"data: {line}\n" for line in text.splitlines())
            yield f"event: numbers\n{lines}\n"
        else:
            # A line that says nothing tells whether the browser is still there.
            yield ":\n\n"
        end = monotonic() + _LOOK
        while monotonic() < end and not parts.leaving:
            await asyncio.sleep(0.25)


async def _numbers(request: Request, period: Period) -> dict[str, Any]:
    """What the page shows."""
    parts, now = console(request), service(request).clock()
    since = period.since(now)
    until = since + period.count * period.bucket
    snapshot = await parts.watched(
        period.name, _LOOK / 2, lambda: parts.queries.snapshot(since, until, period.bucket), key=since
    )
    waiting = {state: snapshot.open[state] for state in WAITING if state in snapshot.open}
    oldest = min((came for _, came in waiting.values()), default=None)
    return {
        "now": now,
        "since": since,
        "until": until,
        "snapshot": snapshot,
        "chart": columns(_stacked(snapshot), since, period.bucket, period.count, _marks(period)),
        "totals": _parts(snapshot.came.total),
        "waiting": sum(rows for rows, _ in waiting.values()),
        "oldest": oldest,
        "long": oldest is not None and now - oldest > _LONG,
        "all_codes": sum(snapshot.stopped.values()) <= COUNTED,
        "groups": [
            (Text("По видам", "By kind"), "kind", _table(snapshot.came.kinds)),
            (Text("По организациям", "By organisation"), "organisation", _table(snapshot.came.organisations)),
        ],
        "certificates": certificates(parts.settings, now),
        "word": word,
        "tone": tone,
        "title": title,
    }


def _parts(counts: Mapping[str, int]) -> dict[str, int]:
    """States in the words of the overview."""
    return {
        "registered": counts.get("registered", 0),
        "waiting": sum(counts.get(state, 0) for state in WAITING),
        "held": counts.get("held", 0),
        "failed": sum(counts.get(state, 0) for state in FAILED),
    }


def _stacked(snapshot: Snapshot) -> dict[datetime, dict[str, int]]:
    return {bucket.astimezone(): _parts(counts) for bucket, counts in snapshot.came.buckets.items()}


def _table(groups: Mapping[str, Mapping[str, int]]) -> list[tuple[str, int, dict[str, int]]]:
    """Name, number and parts of each group, the most failed first, then the largest."""
    rows = [(name, sum(counts.values()), _parts(counts)) for name, counts in groups.items()]
    return sorted(rows, key=lambda row: (-row[2]["failed"], -row[1], row[0]))


def _marks(period: Period) -> Any:
    def mark(number: int, begin: datetime) -> str:
        if period.name == "day":
            return begin.strftime("%H:%M") if begin.hour % 2 == 0 else ""
        if period.name == "week":
            return begin.strftime("%d.%m") if not begin.hour else ""
        return begin.strftime("%d.%m") if number % 3 == 0 else ""

    return mark
