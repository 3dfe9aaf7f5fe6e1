"""Explanations of values that need not be equal: a YAML list of ``xpath`` with a reason in both languages.

::

    - xpath: //translation/@codeSystemVersion
      ru: Quantity не несёт версии справочника.
      en: Quantity carries no version of the book.

An ``xpath`` names places as the comparison writes them: ``/ClinicalDocument/author/time/@value`` from the root,
``//translation`` (or ``translation``) anywhere. A step without a position means each position, ``*`` any one step,
``@*`` any attribute, ``//`` any steps between. A path of an element explains every value within it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from adapter.catalogue import read_plain
from adapter.errors import UsageError
from adapter.findings import Text
from conformance.compare import Comparison, Value, Verdict

_STEP: Final = re.compile(r"@?(?:[\w.:-]+|\*)(?:\(\))?(?:\[\d+\])?")
_POSITION: Final = r"(?:\[\d+\])?"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why values at some places need not be equal.

    Attributes:
        xpath: the places, as the module says.
        reason: for people.
    """

    xpath: str
    reason: Text
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, xpath: str, reason: Text) -> Explanation:
        """An explanation of ``xpath``.

        Raises:
            UsageError: ``xpath`` is no path of the kind that the module describes.
        """
        return cls(xpath, reason, _pattern(xpath))

    def covers(self, value: Value) -> bool:
        """The value stands at one of the places."""
        return self.pattern.fullmatch(value.xpath) is not None


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    xpath: str
    ru: str = Field(min_length=1)
    en: str = Field(min_length=1)


def load_explanations(path: Path) -> list[Explanation]:
    """The explanations of a file.

    Raises:
        UsageError: the file is no list of the shape above, or a path in it is wrong.
    """
    try:
        entries = TypeAdapter(list[_Entry]).validate_python(read_plain(path))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path}: {where}: {first['msg']}") from error
    return [Explanation.of(entry.xpath, Text(entry.ru, entry.en)) for entry in entries]


def explain(comparison: Comparison, explanations: Iterable[Explanation]) -> tuple[Comparison, tuple[Explanation, ...]]:
    """The comparison with the first explanation that covers each value not equal, and the explanations of nothing."""
    unused = list(dict.fromkeys(explanations))
    known = tuple(unused)
    values = []
    for value in comparison.values:
        if value.verdict is not Verdict.EQUAL:
            reason = next((one for one in known if one.covers(value)), None)
            if reason is not None:
                value = replace(value, reason=reason.reason)  # noqa: PLW2901 - the same value, explained
                unused = [one for one in unused if one is not reason]
        values.append(value)
    return Comparison(tuple(values)), tuple(unused)


def _pattern(xpath: str) -> re.Pattern[str]:
    absolute = xpath.startswith("/") and not xpath.startswith("//")
    pattern = "" if absolute else "(?:/[^/]+)*"
    for part in re.split("(?<!/)/(?!/)|//", xpath.strip("/")):
        if not _STEP.fullmatch(part):
            raise UsageError(Text(f"не путь к значениям: {xpath}", f"no path to values: {xpath}"))
    for slashes, step in re.findall("(//?|^)([^/]+)", xpath):
        pattern += ("(?:/[^/]+)*" if slashes == "//" else "") + "/" + _step(step)
    return re.compile(pattern + "(?:/.+)?")


def _step(step: str) -> str:
    name, bracket, position = step.partition("[")
    written = re.escape(name).replace(r"\*", r"[^/@\[]+")
    return written + (re.escape(bracket + position) if bracket else _POSITION)
