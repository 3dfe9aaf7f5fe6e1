"""The primitive types of FHIR: how each stands in JSON and which values it has.

The patterns say what fhir.resources accepts. They name white space by its characters, because ``\\s`` means different
characters in Python, in Rust and in ECMAScript. Dates are checked by the calendar, leap years included.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from adapter.findings import Text

_SPACES: Final = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_ODD_SPACES: Final = "".join(char for char in _SPACES if char not in " \r\n\t")

_YEAR: Final = "(?:[0-9](?:[0-9](?:[0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_MONTH: Final = f"{_YEAR}(?:-(?:0[1-9]|1[0-2]))?"
_COMMON_DAY: Final = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_LEAP_YEAR: Final = "(?:[0-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_DAY: Final = f"(?:{_YEAR}-{_COMMON_DAY}|{_LEAP_YEAR}-02-29)"
_TIME: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE: Final = "(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_BASE64: Final = (
    "[ \\r\\n\\t]*(?:(?:[0-9a-zA-Z+/][ \\r\\n\\t]*){4})*"
    "(?:(?:[0-9a-zA-Z+/][ \\r\\n\\t]*){2}(?:=[ \\r\\n\\t]*){2}|(?:[0-9a-zA-Z+/][ \\r\\n\\t]*){3}=[ \\r\\n\\t]*)?"
)
_INT32: Final = 2**31 - 1


@dataclass(frozen=True)
class Primitive:
    """A primitive type.

    Attributes:
        kind: ``boolean``, ``integer``, ``number``, ``string`` or ``integer64`` of JSON Schema (the last is an integer
            or a string of digits: R5 writes it as a string).
        expected: what a value looks like, for people.
        pattern: which strings are values; ``anywhere`` where it only has to occur in them.
        low, high: bounds of an integer.
        longest: longest string.
    """

    kind: str
    expected: Text
    pattern: str = ""
    anywhere: bool = False
    low: int | None = None
    high: int | None = None
    longest: int | None = None

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def right_kind(self, value: Any) -> bool:
        """Whether a JSON value is of the right kind: a string, a number, a boolean."""
        if isinstance(value, bool):
            return self.kind == "boolean"
        if isinstance(value, str):
            return self.kind in {"string", "integer64"}
        whole = isinstance(value, int) or (isinstance(value, Decimal) and value == value.to_integral_value())
        if self.kind in {"integer", "integer64"}:
            return whole
        return self.kind == "number" and isinstance(value, int | Decimal | float)

    def right_value(self, value: Any) -> bool:
        """Whether a value of the right kind is in the value space."""
        if isinstance(value, str):
            if self.longest is not None and len(value) > self.longest:
                return False
            found = self._regex.search(value) if self.anywhere else self._regex.fullmatch(value)
            return not self.pattern or found is not None
        if self.low is not None and value < self.low:
            return False
        return self.high is None or value <= self.high

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The type as JSON Schema."""
        if self.kind == "integer64":
            return {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": f"^(?:{self.pattern})$"}]}
        found: dict[str, Any] = {"type": self.kind}
        if self.pattern:
            found["pattern"] = self.pattern if self.anywhere else f"^(?:{self.pattern})$"
        bounds = {"minimum": self.low, "maximum": self.high, "maxLength": self.longest}
        return found | {name: bound for name, bound in bounds.items() if bound is not None}


def _text(ru: str, en: str, pattern: str = "", *, anywhere: bool = False, longest: int | None = None) -> Primitive:
    return Primitive("string", Text(ru, en), pattern, anywhere, longest=longest)


def _integer(ru: str, en: str, low: int) -> Primitive:
    return Primitive("integer", Text(ru, en), low=low, high=_INT32)


PRIMITIVES: Final[dict[str, Primitive]] = {
    "boolean": Primitive("boolean", Text("true или false без кавычек", "true or false without quotes")),
    "string": _text("непустая строка", "a string that is not empty", f"[^{_ODD_SPACES}]", anywhere=True),
    "markdown": _text("строка", "a string"),
    "xhtml": _text("строка с <div>…</div>", "a string with <div>…</div>"),
    "uri": _text("строка с URI", "a string with a URI"),
    "url": _text("строка с URL", "a string with a URL"),
    "canonical": _text("строка с каноническим URL", "a string with a canonical URL"),
    "oid": _text("urn:oid:1.2.3", "urn:oid:1.2.3", r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+"),
    "uuid": _text(
        "urn:uuid: и UUID версии 4",
        "urn:uuid: and a UUID of version 4",
        "urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    ),
    "code": _text(
        "код без пробелов по краям и двойных пробелов",
        "a code without spaces around it and double spaces in it",
        f"[^{_SPACES}]+(?:[{_SPACES}][^{_SPACES}]+)*",
    ),
    "id": _text(
        "буквы A–Z, a–z, цифры, «-» и «.»", "letters A–Z, a–z, digits, - and .", r"[A-Za-z0-9\-.]+", longest=255
    ),
    "base64Binary": _text("base64", "base64", _BASE64),
    "date": _text("ГГГГ, ГГГГ-ММ или ГГГГ-ММ-ДД", "YYYY, YYYY-MM or YYYY-MM-DD", f"{_MONTH}|{_DAY}"),
    "dateTime": _text(
        "ГГГГ, ГГГГ-ММ, ГГГГ-ММ-ДД или ГГГГ-ММ-ДДTчч:мм:сс с часовым поясом (+03:00 или Z)",
        "YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a time zone (+03:00 or Z)",
        f"{_MONTH}|{_DAY}(?:T{_TIME}{_ZONE})?",
    ),
    "instant": _text(
        "ГГГГ-ММ-ДДTчч:мм:сс с часовым поясом (+03:00 или Z)",
        "YYYY-MM-DDThh:mm:ss with a time zone (+03:00 or Z)",
        f"{_DAY}T{_TIME}{_ZONE}",
    ),
    "time": _text("чч:мм:сс", "hh:mm:ss", _TIME),
    "decimal": Primitive("number", Text("число без кавычек", "a number without quotes")),
    "integer": _integer("целое число без кавычек", "a whole number without quotes", -_INT32 - 1),
    "unsignedInt": _integer("целое число от 0", "a whole number from 0", 0),
    "positiveInt": _integer("целое число от 1", "a whole number from 1", 1),
    "integer64": Primitive("integer64", Text("целое число", "a whole number"), "-?(?:0|[1-9][0-9]{0,17})"),
}
