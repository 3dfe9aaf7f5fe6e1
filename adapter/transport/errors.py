"""What an answer of РЭМД means: the class of its errors and what to do about them (``errors.yaml``)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Self

from adapter.catalogue import read_plain
from adapter.findings import EMPTY, Text

FILE: Final = Path(__file__).with_name("errors.yaml")

#: What may be a code. Codes are logged and shown; a text that a service puts in the place of one may quote a person.
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,99}")
#: Stands for such a text.
UNREADABLE: Final = "UNREADABLE_CODE"

#: How much of a text is looked at: the cause stands at its beginning.
_SEEN: Final = 2000


class ErrorClass(StrEnum):
    """What is done about an error.

    Attributes:
        TRANSPORT: no answer of the service: the outcome is unknown, the same message is sent again.
        TEMPORARY: the service cannot now: the same document is sent again later.
        PERMANENT: the same bytes get the same answer: a person or a mapping must change something.
        DONE: the state has it already: its number is taken over, nothing is sent again.
        WARNING: a remark on an accepted message.
        BY_TEXT: an umbrella code whose text says nothing known: a person must read it; as blocking as permanent.
        FOREIGN: a code of another service; as blocking as permanent.
    """

    TRANSPORT = "transport"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    DONE = "done"
    WARNING = "warning"
    BY_TEXT = "by-text"
    FOREIGN = "foreign"

    @property
    def retried(self) -> bool:
        """The same bytes may be sent again."""
        return self in {ErrorClass.TRANSPORT, ErrorClass.TEMPORARY}


#: The class of an answer is the first of these that any of its errors has.
_ORDER: Final = (
    ErrorClass.DONE,
    ErrorClass.PERMANENT,
    ErrorClass.FOREIGN,
    ErrorClass.BY_TEXT,
    ErrorClass.TEMPORARY,
    ErrorClass.TRANSPORT,
    ErrorClass.WARNING,
)


@dataclass(frozen=True, slots=True, repr=False)
class ErrorItem:
    """One error of an answer.

    Attributes:
        code: of НСИ …99.2.305; empty where the answer has none; ``soap:Sender`` for a SOAP fault.
        message: the text of the service. It may quote names and СНИЛС: it is kept, and never logged.
    """

    code: str
    message: str = ""

    def __repr__(self) -> str:
        return f"ErrorItem({self.code!r})"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means.

    Attributes:
        error_class: of the whole answer.
        advice: what to do, of the error that decides.
        codes: every code, in order, each once; the code that a text stands for instead of its umbrella.
        retry_after: seconds that the service asks to wait, where it does.
        emdr_id: number under which РЭМД has the document already, where the text tells it.
        unknown: codes that the book does not have.
    """

    error_class: ErrorClass
    advice: Text
    codes: tuple[str, ...] = ()
    retry_after: float | None = None
    emdr_id: str | None = None
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownError:
    """A row of the book: ``number`` is its ID there (0: no row), ``final`` operations for which it is permanent."""

    number: int
    error_class: ErrorClass
    advice: Text
    stage: str = ""
    wait: float | None = None
    final: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Pattern:
    expression: re.Pattern[str]
    code: str
    known: KnownError | None
    also: frozenset[str]


class ErrorBook:
    """Codes, texts, HTTP statuses and SOAP faults; see ``errors.yaml``."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.version: str = data["version"]
        self.codes: Mapping[str, KnownError] = {code: _known(facts) for code, facts in data["codes"].items()}
        self.alias: Mapping[str, str] = data["alias"]
        self.umbrella = frozenset(data["umbrella"])
        self.patterns = tuple(_pattern(facts) for facts in data["patterns"])
        self._numbers = tuple(re.compile(text, re.IGNORECASE) for text in data["numbers"])
        self._http: Mapping[str, str] = data["http"]
        self._faults: Mapping[str, str] = data["faults"]
        self._advice = {name: _known(facts) for name, facts in data["advice"].items()}

    @classmethod
    def load(cls, path: Path = FILE) -> Self:
        """Read a book.

        Raises:
            UsageError: not YAML.
        """
        return cls(read_plain(path))

    def classify(self, items: Sequence[ErrorItem], *, operation: str = "registerDocument") -> Verdict:
        """What the errors of one answer mean together.

        Args:
            items: as they came; none of them for a refusal without a reason.
            operation: which was answered; some codes are final for some operations.
        """
        if not items:
            return Verdict(ErrorClass.PERMANENT, self._advice["silent"].advice)
        found = [self._resolved(item) for item in items]
        classes = [ErrorClass.PERMANENT if operation in known.final else known.error_class for _, known in found]
        whole = next(one for one in _ORDER if one in classes)
        advice = _joined(known.advice for (_, known), one in zip(found, classes, strict=True) if one is whole)
        waits = [known.wait for _, known in found if known.wait is not None]
        return Verdict(
            whole,
            advice,
            tuple(dict.fromkeys(code for code, _ in found if code)),
            max(waits) if waits and whole.retried else None,
            self.number(items) if whole is ErrorClass.DONE else None,
            tuple(dict.fromkeys(code for code, known in found if code and not known.number and ":" not in code)),
        )

    def http(self, status: int) -> Verdict:
        """What an HTTP status means where the answer is no SOAP; an answer of 200 that is none is of a gateway."""
        error_class = ErrorClass(self._http.get(str(status), "permanent" if 400 <= status < 500 else "transport"))
        advice = self._advice["http-refused" if status in {401, 403} else "transport"].advice
        if error_class is ErrorClass.PERMANENT and status not in {401, 403}:
            advice = self._advice["fault-permanent"].advice
        return Verdict(error_class, advice, (f"http:{status}",))

    def transport(self) -> Verdict:
        """No answer at all."""
        return Verdict(ErrorClass.TRANSPORT, self._advice["transport"].advice)

    def number(self, items: Iterable[ErrorItem]) -> str | None:
        """The emdrId in the text of an error, where one is."""
        for item in items:
            for expression in self._numbers:
                match = expression.search(item.message[:_SEEN])
                if match:
                    return match.group(1).rstrip(".")
        return None

    def _resolved(self, item: ErrorItem) -> tuple[str, KnownError]:
        """The code that an item stands for, and what is known of it."""
        code = self.alias.get(item.code.strip(), item.code.strip())
        if code and not _CODE.fullmatch(code):
            code = UNREADABLE
        message = item.message[:_SEEN]
        if not code:
            # The texts themselves have the form "CODE:text".
            head, mark, rest = message.partition(":")
            if mark and self.alias.get(head.strip(), head.strip()) in self.codes:
                return self._resolved(ErrorItem(head.strip(), rest))
        if code.startswith("soap:"):
            return code, self._fault(code)
        if code.startswith("http:"):
            verdict = self.http(int(code[5:]) if code[5:].isascii() and code[5:].isdigit() else 500)
            return code, KnownError(0, verdict.error_class, verdict.advice)
        known = self.codes.get(code)
        if known is not None and code not in self.umbrella:
            return code, next((p.known for p in self._matching(code, message) if p.known), known)
        if code and known is None:
            return code, self._advice["unknown"]
        for pattern in self._matching(code, message):
            if pattern.known is not None:
                return code, pattern.known
            return pattern.code, self.codes[pattern.code]
        return code, known or self.codes["VALIDATION_ERROR"]

    def _matching(self, code: str, message: str) -> Iterable[_Pattern]:
        open_ = not code or code in self.umbrella
        return (p for p in self.patterns if (open_ or code in p.also) and p.expression.search(message))

    def _fault(self, code: str) -> KnownError:
        error_class = self._faults.get(code.removeprefix("soap:"), "temporary")
        return self._advice[f"fault-{error_class}"]


@lru_cache(maxsize=1)
def error_book() -> ErrorBook:
    """The built-in book, read once."""
    return ErrorBook.load()


def _known(facts: Mapping[str, Any]) -> KnownError:
    return KnownError(
        facts.get("id", 0),
        ErrorClass(facts["class"]),
        Text(facts["ru"], facts["en"]),
        facts.get("stage", ""),
        facts.get("wait"),
        tuple(facts.get("final", ())),
    )


def _pattern(facts: Mapping[str, Any]) -> _Pattern:
    expression = re.compile(facts["match"], re.IGNORECASE | re.DOTALL)
    known = _known(facts) if "class" in facts else None
    return _Pattern(expression, facts.get("as", ""), known, frozenset(facts.get("also", ())))


def _joined(advice: Iterable[Text]) -> Text:
    """Texts one after the other, each once."""
    texts = list(dict.fromkeys(advice))
    return Text(" ".join(text.ru for text in texts), " ".join(text.en for text in texts)) if texts else EMPTY
