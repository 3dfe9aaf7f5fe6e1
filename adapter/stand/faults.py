"""What goes wrong on demand: ``NAME``, ``NAME=ARGUMENT``, each with ``*COUNT`` for the next registrations only."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Final

from adapter.errors import UsageError
from adapter.findings import Text

#: Name → what its argument is by default, and what it does.
Known = Mapping[str, tuple[str, Text]]

FAULTS: Final[Known] = {
    "unavailable": ("503", Text("страница шлюза, сообщение не принято", "a gateway's page, nothing is taken")),
    "lost": ("503", Text("принято, но ответ потерян", "taken, but the answer is lost")),
    "slow": ("5", Text("ответ через столько секунд", "the answer comes after so many seconds")),
    "fault": ("Receiver", Text("ошибка SOAP с этим кодом", "a SOAP fault of this code")),
    "refuse": ("RATE_LIMIT", Text("отказ сразу, с этим кодом", "refused at once, with this code")),
    "reject": ("NO_SNILS", Text("отказ обратным вызовом, с этим кодом", "refused by callback, with this code")),
    "several": ("", Text("отказ с несколькими ошибками", "refused with several errors")),
    "recipient": ("", Text("код получателя в написании сервиса", "a code of the recipient as the service spells it")),
    "silent": ("", Text("зарегистрирован, но результат не приходит", "registered, but no result comes")),
    "late": ("30", Text("результат на столько секунд позже", "the result comes so many seconds later")),
    "early": ("", Text("отказ приходит раньше ответа", "a refusal comes before the answer")),
    "duplicate": ("", Text("результат приходит дважды", "the result comes twice")),
    "contradict": ("", Text("сначала отказ, потом успех", "a refusal first, then success")),
    "warnings": ("IPS_VALIDATION_WARNING", Text("успех с замечанием", "success with a remark")),
    "spelling": ("", Text("номера сообщений в других написаниях", "ids of messages in other spellings")),
    "old": ("", Text("результат в старой форме, SOAP 1.1", "the result in the older form, SOAP 1.1")),
    "stray": ("", Text("ещё и результат неизвестного сообщения", "a result of an unknown message, too")),
}  # fmt: skip

#: Faults whose argument is a number.
_NUMBERS: Final = frozenset({"unavailable", "lost", "slow", "late"})
_FORM: Final = re.compile(r"([a-z-]+)(?:=([\w.-]+))?(?:\*([0-9]+))?")


@dataclass(slots=True)
class Fault:
    """One fault: ``left`` is how many registrations it still meets, ``None``: all."""

    name: str
    argument: str
    left: int | None = None

    @property
    def spent(self) -> bool:
        """It meets nothing any more."""
        return self.left == 0


class Faults:
    """The faults that are on.

    Args:
        written: them.
        known, numbers: which there are, and which of them take a number.
    """

    def __init__(self, written: Iterable[str] = (), known: Known = FAULTS, numbers: Set[str] = _NUMBERS) -> None:
        self._known, self._numbers = known, numbers
        self.active: list[Fault] = []
        self.replace(written)

    def draw(self) -> dict[str, str]:
        """The faults that the next registration meets, by name."""
        drawn = {}
        for fault in self.active:
            if not fault.spent and fault.name not in drawn:
                drawn[fault.name] = fault.argument
                if fault.left is not None:
                    fault.left -= 1
        return drawn

    def replace(self, written: Iterable[str]) -> None:
        """Other faults instead.

        Raises:
            UsageError: one of them is unknown; then nothing changes.
        """
        self.active = [parse_fault(text, self._known, self._numbers) for text in written]


def parse_fault(text: str, known: Known = FAULTS, numbers: Set[str] = _NUMBERS) -> Fault:
    """``NAME[=ARGUMENT][*COUNT]``.

    Raises:
        UsageError: not of this form, or the name is unknown.
    """
    match = _FORM.fullmatch(text)
    name = match.group(1) if match else text
    if match is None or name not in known:
        near = ", ".join(difflib.get_close_matches(name, known, n=1) or known)
        raise UsageError(Text(f"нет сбоя «{name}»; есть: {near}", f"there is no fault «{name}»; there is: {near}"))
    argument = match.group(2) or known[name][0]
    if name in numbers and not argument.isdigit():
        raise UsageError(Text(f"{name}: нужно число", f"{name}: a number is needed"))
    return Fault(name, argument, int(match.group(3)) if match.group(3) else None)
