"""The one exception tree.

::

    EgiszError                  everything this project raises on purpose
    ├── UsageError              the caller asked for something impossible      (exit 2)
    │   └── MappingError        a file of the catalogue is wrong: file, line, column
    ├── ExpressionError         an expression met data that it cannot be applied to (exit 1)
    ├── InputError              the input was refused, carries a Finding       (exit 1)
    │   └── XmlRefused          hardened XML entry point said no
    ├── EnvironmentProblem      something outside is missing or broken         (exit 3)
    │   ├── PackError           a validation pack is broken, unknown or absent
    │   │   └── SchematronError a construct of a Schematron cannot be run
    │   ├── BookError           a reference book is broken or absent
    │   └── NetworkError        a download or a remote call failed
    └── InternalError           a broken promise of our own code               (exit 3)

Messages never hold a value from a document: places are named by line and XPath.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapter.findings import Text

if TYPE_CHECKING:
    from pathlib import Path

    from adapter.findings import Finding


class EgiszError(Exception):
    """Base of every error raised on purpose.

    Attributes:
        exit_code: what the command line returns.
        text: the message in both languages; ``str(error)`` is the English one. An error made from a plain string
            has that string for both.
    """

    exit_code = 3

    def __init__(self, message: str | Text = "") -> None:
        self.text = message if isinstance(message, Text) else Text(message, message)
        super().__init__(self.text.get("en"))


class UsageError(EgiszError):
    """The request itself is wrong: unknown option value, missing file, contradictory arguments."""

    exit_code = 2


class MappingError(UsageError):
    """A file of the catalogue is wrong.

    Args:
        reason: what is wrong and what was expected, with the nearest valid name where there is one.
        file: the file, empty for an expression by itself.
        line: 1-based, 0 unknown.
        column: 1-based, 0 unknown.
    """

    def __init__(self, reason: str | Text, *, file: str = "", line: int = 0, column: int = 0) -> None:
        self.reason = reason if isinstance(reason, Text) else Text(reason, reason)
        self.file, self.line, self.column = file, line, column
        where = ":".join(str(part) for part in (file, line, column) if part)
        prefix = f"{where}: " if where else ""
        super().__init__(Text(prefix + self.reason.ru, prefix + self.reason.en))


class ExpressionError(EgiszError):
    """An expression of a mapping met data that it does not fit: several items where one is needed, a wrong type.

    The mapping is well formed, and so is the data: where it happens is known to the caller only.

    Args:
        reason: which function or operator, and what it expects; never a value.
    """

    exit_code = 1

    def __init__(self, reason: Text) -> None:
        super().__init__(reason)
        self.reason = reason


class InputError(EgiszError):
    """The input was refused as a whole; ``finding`` says why and where."""

    exit_code = 1

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class XmlRefused(InputError):
    """The hardened XML entry point (:mod:`adapter.xml`) refused the bytes."""


class EnvironmentProblem(EgiszError):
    """Something outside the program is missing, broken or unreachable."""


class PackError(EnvironmentProblem):
    """A validation pack is broken, unknown or absent."""


class SchematronError(PackError):
    """A Schematron holds a construct that cannot be run faithfully.

    Args:
        reason: what is wrong, in English.
        file: the ``.sch`` file, if known.
        line: 1-based line in that file, if known.
        construct: the offending part of the XPath expression.
    """

    def __init__(self, reason: str, *, file: Path | None = None, line: int | None = None, construct: str = "") -> None:
        self.reason, self.file, self.line, self.construct = reason, file, line, construct
        where = f"{file.name if file else '<schematron>'}:{line if line is not None else '?'}"
        super().__init__(f"{where}: {reason}" + (f": {construct}" if construct else ""))


class BookError(EnvironmentProblem):
    """A reference book (НСИ) is broken or absent."""


class NetworkError(EnvironmentProblem):
    """A download or a remote call failed; the rest of the program goes on without it."""


class InternalError(EgiszError):
    """A promise of our own code was broken: report it as a bug."""
