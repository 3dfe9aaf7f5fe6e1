"""The one exception tree.

::

    EgiszError                  everything this project raises on purpose
    ├── UsageError              the caller asked for something impossible      (exit 2)
    │   └── MappingError        a file of the catalogue is wrong: file, line, column
    ├── ExpressionError         an expression met data that it cannot be applied to (exit 1)
    ├── InputError              the input was refused, carries a Finding       (exit 1)
    │   └── XmlRefused          hardened XML entry point said no
    ├── RequestRefused          an HTTP request was refused: status and findings
    ├── PageRefused             a page of the console was refused (adapter.api.console.guard)
    ├── SignInRefused           the identity provider lets nobody in (adapter.api.console.oidc)
    ├── TokenRefused            the token endpoint said no (adapter.api.access)
    ├── EnvironmentProblem      something outside is missing or broken         (exit 3)
    │   ├── PackError           a validation pack is broken, unknown or absent
    │   │   └── SchematronError a construct of a Schematron cannot be run
    │   ├── BookError           a reference book is broken or absent
    │   ├── DatabaseError       the database is absent, unreachable, full, or does not fit this version
    │   ├── SigningError        a key, certificate or signing tool cannot be used
    │   └── NetworkError        a download or a remote call failed
    │       ├── FhirRefused     a FHIR server refused, or its answer is no FHIR: carries a Finding
    │       └── TransportFailed a message got no answer: its outcome is unknown
    └── InternalError           a broken promise of our own code               (exit 3)
        └── Overtaken           somebody else has moved the row of a journal meanwhile: not an error of anybody

Messages never hold a value from a document: places are named by line and XPath.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

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


class RequestRefused(EgiszError):
    """An HTTP request was refused.

    Args:
        status: of HTTP, 400 to 599.
        findings: why, at least one.
        headers: of the answer, e.g. ``WWW-Authenticate``.
    """

    exit_code = 1

    def __init__(self, status: int, findings: tuple[Finding, ...], headers: dict[str, str] | None = None) -> None:
        super().__init__(findings[0].message)
        self.status, self.findings, self.headers = status, findings, headers or {}


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


class SigningError(EnvironmentProblem):
    """A signature cannot be made; never quotes a key, a password or the output of a signing tool.

    Args:
        message: what cannot be used and why.
        error_class: ``transport`` no answer, ``temporary`` worth another try, ``permanent`` a person has to act.
    """

    def __init__(
        self, message: str | Text, error_class: Literal["transport", "temporary", "permanent"] = "permanent"
    ) -> None:
        super().__init__(message)
        self.error_class = error_class


class DatabaseError(EnvironmentProblem):
    """The database is absent, unreachable, full, or does not fit this version; never quotes a row."""


class NetworkError(EnvironmentProblem):
    """A download or a remote call failed; the rest of the program goes on without it."""


class TransportFailed(NetworkError):
    """A message to a service of ЕГИСЗ got no answer: whether it was received is not known.

    Args:
        message: what happened, without the message itself.
        status: of HTTP, where a gateway answered instead of the service; 0 without any answer.
    """

    def __init__(self, message: str | Text, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class FhirRefused(NetworkError):
    """A FHIR server refused a request, or answered what is no FHIR.

    Args:
        finding: why, without a value of a resource.
        status: of HTTP, where that is the reason.
    """

    def __init__(self, finding: Finding, *, status: int = 0) -> None:
        super().__init__(finding.message)
        self.finding, self.status = finding, status


class InternalError(EgiszError):
    """A promise of our own code was broken: report it as a bug."""


class Overtaken(InternalError):
    """Somebody else has moved the row meanwhile; what was done about it is void, and the row goes its way."""
