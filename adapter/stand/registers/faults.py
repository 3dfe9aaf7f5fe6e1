"""What goes wrong with a register on demand: ``SERVICE:NAME[=ARGUMENT][*COUNT]``; ``registers:…`` is every service."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Final

from adapter.errors import UsageError
from adapter.findings import Text
from adapter.stand.faults import Faults, Known

#: Of any service.
ANY: Final = "registers"

#: Name → what its argument is by default, and what it does.
REGISTER_FAULTS: Final[Known] = {
    "timeout": ("60", Text("не принято, ответа нет столько секунд", "not taken, no answer for so many seconds")),
    "slow": ("5", Text("ответ через столько секунд", "the answer comes after so many seconds")),
    "error": ("500", Text("не принято, ошибка сервиса с этим статусом", "not taken, the service fails so")),
    "lost": ("503", Text("принято, но ответ потерян", "taken, but the answer is lost")),
    "duplicate": ("", Text("запрос приходит дважды", "the request comes twice")),
    "malformed": ("cut", Text("ответ не прочесть: cut, html, empty", "the answer is unreadable: cut, html, empty")),
}  # fmt: skip

_NUMBERS: Final = frozenset({"timeout", "slow", "error", "lost"})
_FORMS: Final = ("cut", "html", "empty")


class RegisterFaults:
    """The faults of the register services.

    Args:
        services: their names.
        written: faults, each with the name of a service or ``registers`` before a colon.

    Raises:
        UsageError: a service or a fault is unknown.
    """

    def __init__(self, services: Iterable[str], written: Sequence[str] = ()) -> None:
        self._services = (*services, ANY)
        self._faults: dict[str, Faults] = {}
        self.replace(written)

    def draw(self, service: str) -> dict[str, str]:
        """The faults that the next request to a service meets, by name."""
        return {**self._faults[ANY].draw(), **self._faults[service].draw()}

    def replace(self, written: Sequence[str]) -> None:
        """Other faults instead.

        Raises:
            UsageError: one of them is unknown; then nothing changes.
        """
        by_service: dict[str, list[str]] = {name: [] for name in self._services}
        for text in written:
            service, _, fault = text.partition(":")
            if service not in by_service:
                near = ", ".join(difflib.get_close_matches(service, by_service, n=1) or by_service)
                raise UsageError(
                    Text(f"нет сервиса «{service}»; есть: {near}", f"there is no service «{service}»; there is: {near}")
                )
            by_service[service].append(fault)
        made = {service: Faults(texts, REGISTER_FAULTS, _NUMBERS) for service, texts in by_service.items()}
        for faults in made.values():
            for one in faults.active:
                _check(one.name, one.argument)
        self._faults = made

    def active(self) -> list[str]:
        """The faults that are on, as they are written."""
        return [
            f"{service}:{one.name}={one.argument}" for service, faults in self._faults.items() for one in faults.active
        ]


def split(written: Iterable[str]) -> tuple[list[str], list[str]]:
    """Faults of documents, and faults of registers, which have a colon."""
    texts = list(written)
    return [text for text in texts if ":" not in text], [text for text in texts if ":" in text]


def spoilt(body: bytes, form: str) -> tuple[bytes, str | None]:
    """An answer that cannot be read, and its content type where it is another."""
    if form == "html":
        return b"<html><body><h1>OK</h1></body></html>", "text/html"
    return (b"", None) if form == "empty" else (body[: len(body) // 2], None)


def _check(name: str, argument: str) -> None:
    if name == "malformed" and argument not in _FORMS:
        raise UsageError(Text(f"malformed: {', '.join(_FORMS)}", f"malformed: {', '.join(_FORMS)}"))
    if name in {"error", "lost"} and not 400 <= int(argument) <= 599:
        raise UsageError(Text(f"{name}: статус 400–599", f"{name}: a status, 400–599"))
