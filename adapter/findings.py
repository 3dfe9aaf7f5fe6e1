"""Findings: the one shape of a diagnostic, from the first byte to the state's answer.

A finding never carries a value of a document or a Bundle: it names the place (line, FHIRPath,
XPath), the rule and what was expected. Texts are in Russian and in English.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """An ``error`` means the state would refuse; a ``warning`` is worth a look; a ``note`` informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Text(NamedTuple):
    """A text for people in both languages."""

    ru: str
    en: str

    def get(self, language: str) -> str:
        """The text in ``language`` (``ru`` or ``en``); the other one where that is empty."""
        return (self.en or self.ru) if language == "en" else (self.ru or self.en)


EMPTY = Text("", "")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the input: 1-based line and column (0 = unknown), FHIRPath, file where it is not the input."""

    line: int = 0
    column: int = 0
    fhirpath: str = ""
    file: str = ""


NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class Finding:
    """One diagnostic.

    Attributes:
        code: stable code of the check (``egisz explain CODE``).
        severity: error, warning or note.
        message: what is wrong, without any value of the document.
        hint: what to do about it.
        place: where in the input.
        xpath: where in the target document, as an XPath with ``[n]`` positions.
        rule: id of the rule that spoke: a place in a pack (``170.sch:31``), a rule of ours, a mapping rule.
    """

    code: str
    severity: Severity
    message: Text
    hint: Text = EMPTY
    place: Place = NOWHERE
    xpath: str = ""
    rule: str = ""
