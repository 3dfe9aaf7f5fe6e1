"""What a converter raises where it cannot convert, or not all of it."""

from __future__ import annotations

from typing import Any

from adapter.findings import EMPTY, Text


class ConversionError(ValueError):
    """A value cannot be converted; the message says what was expected, never what was given.

    Attributes:
        code: of the finding.
        result: the fact that is made all the same; then the finding is a warning.
    """

    def __init__(self, ru: str, en: str, hint: Text = EMPTY, *, code: str = "MAP04", result: Any = None) -> None:
        super().__init__(en)
        self.message = Text(ru, en)
        self.hint = hint
        self.code = code
        self.result = result
