"""Converters: one value of FHIR → one value of a fact. A value that cannot be converted is a finding, never a guess."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import mul
from typing import Any, Final

from adapter.documents.identity import derived_id as make_id
from adapter.documents.identity import identity_of, is_local_root, local_root, number_of
from adapter.facts import II, Coding, Fact
from adapter.findings import Text
from adapter.mapping.conversion import ConversionError
from adapter.mapping.formats import FORMATS
from adapter.mapping.identifiers import canonical, codings, string_of
from adapter.mapping.run import Run
from adapter.mapping.units import plain_number, quantity

_DATE: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_DATETIME: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(Z|[+-]\d{2}:\d{2})?")
_HL7: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?([+-]\d{4})?", re.ASCII)
_OID: Final = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+")
_PHONE: Final = re.compile(r"\+?[0-9(][0-9\s().\u2010-\u2015-]*")
_SEPARATORS: Final = re.compile(r"[\s-]")
_BLANKS: Final = re.compile(r"[ \t\r\n]+")
#: Numbers up to this one have no check digits.
_LAST_UNCHECKED_SNILS: Final = 1001998


Converter = Callable[[Any, Mapping[str, Any], Run], Any]


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ConversionError("Ожидается строка.", "A string is expected.")
    return value


def hl7_date(value: Any, arguments: Mapping[str, Any], run: Run) -> str:
    """date, dateTime or instant → ``YYYYMMDD``."""
    text = _string(value)
    match = _DATE.match(text)
    if match is None or match.group(3) is None:
        raise ConversionError(
            "Нужна дата с точностью до дня.",
            "A date of day precision is needed.",
            Text("ГГГГ-ММ-ДД", "YYYY-MM-DD"),
        )
    return "".join(match.groups())


def hl7_time(value: Any, arguments: Mapping[str, Any], run: Run) -> str:
    """dateTime or instant → ``YYYYMMDDHHMM+ZZZZ`` in the sender's offset; ``YYYYMMDD`` where no time was given.

    The rules accept positive offsets in tens of minutes only, so anything else is moved to the zone of the
    organisation.
    """
    text = _string(value)
    match = _DATETIME.fullmatch(text)
    if match is None:
        return hl7_date(text, arguments, run)
    year, month, day, hour, minute, _second, offset = match.groups()
    zone = run.organisation.zone
    if offset is None:
        return f"{year}{month}{day}{hour}{minute}{zone}"
    given = "+00:00" if offset == "Z" else offset
    if given.startswith("+") and given.endswith("0"):
        return f"{year}{month}{day}{hour}{minute}{given.replace(':', '')}"
    moved = _moved(int(year), int(month), int(day), int(hour), int(minute), given, zone)
    return f"{moved:%Y%m%d%H%M}{zone}"


def _moved(year: int, month: int, day: int, hour: int, minute: int, given: str, zone: str) -> datetime:
    def minutes(offset: str) -> int:
        sign = -1 if offset[0] == "-" else 1
        return sign * (int(offset[1:3]) * 60 + int(offset[-2:]))

    try:
        return datetime(year, month, day, hour, minute) + timedelta(minutes=minutes(zone) - minutes(given))
    except (ValueError, OverflowError):
        raise ConversionError("Такой даты нет.", "There is no such date.") from None


def iso_date(value: Any, _arguments: Mapping[str, Any], run: Run) -> str:
    """``YYYYMMDD`` and longer → ``YYYY-MM-DD``."""
    match = _HL7.fullmatch(_string(value))
    if match is None:
        raise ConversionError("Ожидается дата ГГГГММДД.", "A date YYYYMMDD is expected.")
    return "-".join(match.group(1, 2, 3))


def iso_time(value: Any, arguments: Mapping[str, Any], run: Run) -> str:
    """``YYYYMMDDHHMM+ZZZZ`` → ``YYYY-MM-DDTHH:MM:SS+ZZ:ZZ``; a day: its first moment in local time."""
    text = _string(value)
    match = _HL7.fullmatch(text)
    hour, minute, second, offset = match.group(4, 5, 6, 7) if match else (None, None, None, None)
    zone = offset or run.organisation.zone
    return f"{iso_date(text, arguments, run)}T{hour or '00'}:{minute or '00'}:{second or '00'}{zone[:3]}:{zone[3:]}"


def local_time(value: Any, _arguments: Mapping[str, Any], run: Run) -> str:
    """date, dateTime or instant → ``YYYY-MM-DDTHH:MM:SS`` in local time; a day: its first moment."""
    text = _string(value)
    match = _DATETIME.fullmatch(text)
    if match is None:
        return f"{iso_date(hl7_date(text, {}, run), {}, run)}T00:00:00"
    year, month, day, hour, minute, second, offset = match.groups()
    if offset is None:
        return f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}"
    given = "+00:00" if offset == "Z" else offset
    moved = _moved(int(year), int(month), int(day), int(hour), int(minute), given, run.organisation.zone)
    return f"{moved:%Y-%m-%dT%H:%M}:{second or '00'}"


def utc_day(value: Any, arguments: Mapping[str, Any], run: Run) -> str:
    """date, dateTime or instant → ``YYYY-MM-DDT00:00:00Z`` of the day in local time, as ФРМР and ФРМО write days."""
    return f"{local_time(value, arguments, run)[:10]}T00:00:00Z"


def days(value: Any, _arguments: Mapping[str, Any], run: Run) -> int | None:
    """Facts ``{start, end}`` in local time → days between them, at least one; nothing where one is absent."""
    if not isinstance(value, Fact):
        raise ConversionError("Ожидаются факты (fields).", "Facts are expected (fields).")
    start, end = getattr(value, "start", None), getattr(value, "end", None)
    if not isinstance(start, str) or not isinstance(end, str):
        return None
    return max((date.fromisoformat(end[:10]) - date.fromisoformat(start[:10])).days, 1)


def oid(value: Any, _arguments: Mapping[str, Any], run: Run) -> str:
    """``urn:oid:…``, a dictionary address or a bare OID → the OID."""
    text = canonical(_string(value))
    if not _OID.fullmatch(text):
        raise ConversionError("Ожидается OID.", "An OID is expected.")
    return text


def snils(value: Any, _arguments: Mapping[str, Any], run: Run) -> str:
    """СНИЛС with or without separators → ``NNN-NNN-NNN NN``; check digits are tested."""
    text = value.get("value") if isinstance(value, dict) else value
    digits = _SEPARATORS.sub("", _string(text))
    if not (len(digits) == 11 and digits.isascii() and digits.isdecimal()):
        raise ConversionError("СНИЛС — 11 цифр.", "A СНИЛС has 11 digits.")
    number, check = digits[:9], int(digits[9:])
    total = sum(map(mul, map(int, number), range(9, 0, -1)))
    if int(number) > _LAST_UNCHECKED_SNILS and total % 101 % 100 != check:
        raise ConversionError("Контрольные цифры СНИЛС неверны.", "The check digits of the СНИЛС are wrong.")
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:9]} {digits[9:]}"


def _checked(name: str) -> Converter:
    """A number as it is, with a warning where it does not have that form of :data:`FORMATS`."""

    def checked(value: Any, _arguments: Mapping[str, Any], run: Run) -> str:
        text = _string(value)
        if not FORMATS[name](text):
            raise ConversionError(
                "Неверная длина или контрольная цифра номера.",
                "A number of wrong length or check digit.",
                result=text,
            )
        return text

    return checked


def digits_only(value: Any, _arguments: Mapping[str, Any], run: Run) -> str:
    """Digits alone."""
    return re.sub(r"\D", "", _string(value))


def phone(value: Any, _arguments: Mapping[str, Any], run: Run) -> str:
    """A phone number → ``tel:+7…``, digits alone; an extension has no place in it."""
    found = _PHONE.search(_string(value))
    if found is None:
        raise ConversionError("Ожидается номер телефона.", "A phone number is expected.")
    number = re.sub(r"[^0-9]", "", found[0])
    if found[0].startswith("+"):
        return f"tel:+{number}"
    return f"tel:+7{number[1:]}" if len(number) == 11 and number[0] in "78" else f"tel:{number}"


def telecom(value: Any, arguments: Mapping[str, Any], run: Run) -> Fact | None:
    """ContactPoint → ``{value, use}`` with a scheme."""
    if not isinstance(value, dict) or not isinstance(value.get("value"), str):
        return None
    system, text = value.get("system"), value["value"].strip()
    if system == "email":
        uri = text if text.startswith("mailto:") else f"mailto:{text}"
    elif system in {"url", "other"}:
        uri = text
    else:
        uri = phone(text, arguments, run)
    use = {"home": "HP", "work": "WP", "mobile": "MC"}.get(value.get("use", ""))
    return Fact({"value": uri, "use": use})


def ii(value: Any, _arguments: Mapping[str, Any], run: Run) -> II:
    """Identifier → root and extension; the system must be an OID."""
    if not isinstance(value, dict):
        raise ConversionError("Ожидается Identifier.", "An Identifier is expected.")
    return II(oid(value.get("system") or "", {}, run), _string(value.get("value")))


def mis_ii(value: Any, arguments: Mapping[str, Any], run: Run) -> II:
    """Identifier or resource → an id of the sending МИС.

    ``suffix`` is the last arc of the root. An Identifier whose system has that shape keeps its root; otherwise the
    root is that of the organisation, and the extension the identifier's value, or the id or fullUrl of the resource.
    """
    if isinstance(value, II):
        return value
    suffix, system = str(arguments.get("suffix", "")), ""
    if isinstance(value, dict) and "resourceType" in value:
        extension = number_of(value, run.graph.full_url(value) or "")
    elif isinstance(value, dict):
        extension, system = string_of(value, "value"), canonical(string_of(value, "system"))
    else:
        extension = _string(value)
    if not extension:
        raise ConversionError("Нет значения идентификатора.", "The identifier has no value.")
    return II(system if is_local_root(system, suffix) else local_root(run.organisation.root, suffix), extension)


def identity(value: Any, _arguments: Mapping[str, Any], run: Run) -> str | None:
    """Resource → what tells it from every other one of its sender; nothing where nothing does."""
    if not isinstance(value, dict) or "resourceType" not in value:
        raise ConversionError("Ожидается ресурс.", "A resource is expected.")
    return identity_of(value, run.graph.full_url(value) or "") or None


def derived_ii(value: Any, arguments: Mapping[str, Any], run: Run) -> II:
    """Facts → an id of the sending МИС that depends on all of them, the absent ones too."""
    if not isinstance(value, Fact):
        raise ConversionError("Ожидаются факты (fields).", "Facts are expected (fields).")
    return make_id(local_root(run.organisation.root, str(arguments.get("suffix", ""))), vars(value).values())


def series_number(value: Any, arguments: Mapping[str, Any], run: Run) -> Fact:
    """Identifier or string → ``{series, number}``.

    The first of ``:``, space or ``-`` divides; ten digits without one are a passport's 4 + 6. A policy number of 16
    digits has no series.
    """
    text = _string(value.get("value") if isinstance(value, dict) else value).strip()
    compact = re.sub(r"\s+", " ", text)
    if arguments.get("kind") == "passport" and re.fullmatch(r"\d{2} \d{2} \d{6}", compact):
        return Fact({"series": compact[:5], "number": compact[6:]})
    match = re.fullmatch(r"(.+?)(?:[:№\s]+|-(?=\d{5,}$))(.+)", compact)
    if match:
        return Fact({"series": match.group(1).strip(), "number": match.group(2).strip()})
    if re.fullmatch(r"\d{10}", compact):
        return Fact({"series": compact[:4], "number": compact[4:]})
    return Fact({"series": None, "number": compact})


def coding(value: Any, _arguments: Mapping[str, Any], run: Run) -> Any:
    """A Coding of a reference book under any spelling → the complete coding."""
    item = next(iter(codings(value)), value)
    sent = string_of(item, "code") if isinstance(item, dict) else ""
    if not sent:
        raise ConversionError("Ожидается Coding.", "A Coding is expected.")
    version, display = (string_of(item, name) or None for name in ("version", "display"))
    found = run.terms.coding(run.identifiers.book(string_of(item, "system")), sent, version=version, display=display)
    if found is None:
        raise ConversionError("Кода нет в справочнике.", "The code is not in the book.")
    return found


def code(value: Any, _arguments: Mapping[str, Any], run: Run) -> str:
    """A coding → its code, for conditions on a translated code."""
    if not isinstance(value, Coding):
        raise ConversionError("Ожидается код справочника.", "A code of a book is expected.")
    return value.code


def display(value: Any, _arguments: Mapping[str, Any], run: Run) -> str:
    """A coding → its name, for a register that takes words."""
    if not isinstance(value, Coding):
        raise ConversionError("Ожидается код справочника.", "A code of a book is expected.")
    return value.display


def integer(value: Any, _arguments: Mapping[str, Any], run: Run) -> int:
    """A whole number."""
    text = plain_number(value)
    if not re.fullmatch(r"-?[0-9]+(?:\.0+)?", text):
        raise ConversionError("Ожидается целое число.", "A whole number is expected.")
    return int(Decimal(text))


def string(value: Any, _arguments: Mapping[str, Any], run: Run) -> str:
    """A string; numbers as they were written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal | float):
        return plain_number(value)
    return _string(value)


def boolean(value: Any, _arguments: Mapping[str, Any], run: Run) -> bool:
    """A boolean."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise ConversionError("Ожидается логическое значение.", "A boolean is expected.")


def text(value: Any, _arguments: Mapping[str, Any], run: Run) -> str:
    """A text for people: line ends and runs of spaces folded, whatever else is white (a no-break space) kept."""
    written = _string(value)
    if written.isprintable() and "  " not in written:
        # A space is the only white character that can be printed.
        return written.strip(" ")
    return _BLANKS.sub(" ", written).strip(" ")


def first(value: Any, _arguments: Mapping[str, Any], run: Run) -> Any:
    """The first of a list."""
    return value[0] if isinstance(value, list) and value else None if value == [] else value


def last(value: Any, _arguments: Mapping[str, Any], run: Run) -> Any:
    """The last of a list."""
    return value[-1] if isinstance(value, list) and value else None if value == [] else value


def join(value: Any, arguments: Mapping[str, Any], run: Run) -> str:
    """A list of strings as one."""
    items = value if isinstance(value, list) else [value]
    return str(arguments.get("with", " ")).join(_string(item) for item in items)


CONVERTERS: Final[dict[str, Converter]] = {
    "hl7-date": hl7_date, "hl7-time": hl7_time, "iso-date": iso_date, "iso-time": iso_time,
    "local-time": local_time, "utc-day": utc_day, "days": days,
    **{name: _checked(name) for name in ("enp", "inn", "ogrn")},
    "oid": oid, "snils": snils, "digits": digits_only, "phone": phone,
    "telecom": telecom, "ii": ii, "mis-ii": mis_ii, "identity": identity, "derived-ii": derived_ii,
    "series-number": series_number, "coding": coding, "code": code, "display": display,
    "quantity": quantity, "integer": integer, "string": string, "boolean": boolean, "text": text,
    "first": first, "last": last, "join": join,
}  # fmt: skip
