"""What a list is asked for: the words of an address, and what they mean to the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self
from urllib.parse import urlencode
from uuid import UUID

from adapter.api.console.guard import PageRefused
from adapter.api.console.queries import BUNDLE_GROUPS, GROUPS, Key, Queries, Wanted, uuid_of
from adapter.findings import Text
from adapter.pipeline.states import product_machine, submission_machine

_FIELDS: Final = ("what", "q", "state", "kind", "organisation", "class", "code", "since", "until")
#: A number, a code or a name is not longer; what is longer is none.
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for, as it was written; empty does not matter.

    Attributes:
        what: ``documents`` or ``bundles``.
        q: a number that a person has in hand.
        state: a state, or a group of them.
        since, until: aware times; ``since`` belongs to it.
    """

    what: str = "documents"
    q: str = ""
    state: str = ""
    kind: str = ""
    organisation: str = ""
    error_class: str = ""
    code: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def of(cls, get: Callable[[str], str]) -> Self:
        """Of the fields of an address or a form.

        Raises:
            PageRefused: a time is none, a state is none.
        """
        given = {name: get(name).strip()[:_LONGEST] for name in _FIELDS}
        what = "bundles" if given["what"] == "bundles" else "documents"
        machine, groups = (submission_machine(), BUNDLE_GROUPS) if what == "bundles" else (product_machine(), GROUPS)
        state = given["state"]
        if state and state not in groups and state not in machine.states:
            raise _wrong(Text("нет такого состояния", "no such state"))
        return cls(
            what,
            given["q"],
            state,
            given["kind"],
            given["organisation"],
            given["class"],
            given["code"],
            _time(given["since"]),
            _time(given["until"]),
        )

    @property
    def empty(self) -> bool:
        """Everything is asked for."""
        return self == type(self)(self.what)

    def fields(self) -> dict[str, str]:
        """As it is written in an address or a form; without what does not matter."""
        written = {
            "what": self.what if self.what == "bundles" else "",
            "q": self.q,
            "state": self.state,
            "kind": self.kind,
            "organisation": self.organisation,
            "class": self.error_class,
            "code": self.code,
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
        }
        return {name: value for name, value in written.items() if value}

    def address(self, **more: str) -> str:
        """The address of the list."""
        query = urlencode({**self.fields(), **more})
        return f"/console/queue?{query}" if query else "/console/queue"

    def before(self, moment: datetime) -> Self:
        """The same, without what comes later."""
        return replace(self, until=min(self.until, moment) if self.until else moment)

    async def wanted(self, queries: Queries) -> Wanted:
        """What it means to the journal."""
        ids = None
        if self.q and self.what == "bundles":
            ids = [found] if (found := uuid_of(self.q)) else [UUID(int=0)]
        elif self.q:
            ids = await queries.find(self.q)
        groups = BUNDLE_GROUPS if self.what == "bundles" else GROUPS
        states = groups.get(self.state, (self.state,)) if self.state else None
        return Wanted(
            ids,
            states,
            self.kind or None,
            self.organisation or None,
            self.error_class or None,
            self.code or None,
            self.since,
            self.until,
        )


def key_of(text: str) -> Key | None:
    """Where a page begins; ``None`` for the first one.

    Raises:
        PageRefused: the text is no such place.
    """
    if not text:
        return None
    at, _, ident = text.partition("~")
    moment, found = _time(at), uuid_of(ident)
    if moment is None or found is None:
        raise _wrong(Text("нет такой страницы", "no such page"))
    return Key(moment, found)


def key_text(key: Key) -> str:
    """What :func:`key_of` reads."""
    return f"{key.at.isoformat()}~{key.id}"


def _time(text: str) -> datetime | None:
    """A time; one without an offset is by the clock of the service."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise _wrong(Text("время не прочитано", "the time cannot be read")) from None


def _wrong(why: Text) -> PageRefused:
    return PageRefused(
        400,
        Text(f"Отбор неверен: {why.ru}.", f"The filter is wrong: {why.en}."),
        Text("Откройте очередь заново.", "Open the queue anew."),
    )
