"""Pure checks of single values: check digits, OIDs, time stamps, shapes. None of them raises on any string.

Values repeat within a document and between documents, so results of short ones are remembered (bounded); an
overlong value is judged without being kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache, wraps
from typing import Final, NamedTuple, TypeVar

T = TypeVar("T")
_REMEMBERED: Final = 4096
_LONGEST: Final = 128


def remembered(function: Callable[[str], T]) -> Callable[[str], T]:
    """Keep the results for the last 4096 values of at most 128 characters."""
    cached = lru_cache(maxsize=_REMEMBERED)(function)

    @wraps(function)
    def call(value: str) -> T:
        return cached(value) if len(value) <= _LONGEST else function(value)

    return call


# Identifiers ---------------------------------------------------------------------------------------------------

_SNILS: Final = re.compile(r"(?:[0-9]{3}[-\s]?){3}[0-9]{2}")
_SEPARATORS: Final = re.compile(r"[-\s]")
#: Numbers up to this one were issued without check digits.
_LAST_UNCHECKED_SNILS: Final = 1_001_998
_INN: Final = re.compile(r"[0-9]{10}(?:[0-9]{2})?")
_OGRN: Final = re.compile(r"[0-9]{13}")
_OGRNIP: Final = re.compile(r"[0-9]{15}")
_ENP: Final = re.compile(r"[0-9]{16}")
_INN_10: Final = (2, 4, 10, 3, 5, 9, 4, 6, 8)
_INN_11: Final = (7, *_INN_10)
_INN_12: Final = (3, *_INN_11)
_REMD_NUMBER: Final = re.compile(
    r"[0-9]{2}[.][0-9]{2}[.][0-9]{3,4}[.][0-9]{9}"
    r"|[0-9]{1,3}[.][0-9]{2}[.][0-9]{2}[.][0-9]{2}[.][0-9]{9}"
    r"|[0-9]{1,3}[.][0-9]{2}[.][0-9]{4}[.][0-9]{2}[.][0-9]{7}"
)
_OID: Final = re.compile(r"[0-2](?:\.(?:[1-9][0-9]*|0))+")
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


@remembered
def is_snils_shape(value: str) -> bool:
    """Eleven digits; one hyphen or blank may stand after each group of three."""
    return _SNILS.fullmatch(value) is not None


@remembered
def is_snils(value: str) -> bool:
    """The check digits of a number that has the shape: Σ dᵢ·(10−i) mod 101, 100 as 00."""
    digits = _SEPARATORS.sub("", value)
    if int(digits[:9]) <= _LAST_UNCHECKED_SNILS:
        return True
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(9, 0, -1), strict=False))
    return total % 101 % 100 == int(digits[9:])


def is_zero(value: str) -> bool:
    """No digit but zero."""
    return not value.strip("0- ")


@remembered
def is_inn(value: str) -> bool:
    """ИНН of an organisation (10 digits, one check digit) or of a person (12 digits, two)."""
    if not _INN.fullmatch(value):
        return False
    if len(value) == 10:
        return _inn_digit(value, _INN_10) == value[9]
    return _inn_digit(value, _INN_11) == value[10] and _inn_digit(value, _INN_12) == value[11]


def _inn_digit(value: str, weights: tuple[int, ...]) -> str:
    return str(sum(int(digit) * weight for digit, weight in zip(value, weights, strict=False)) % 11 % 10)


@remembered
def is_ogrn(value: str) -> bool:
    """ОГРН: 13 digits, the last is the number of the first 12 mod 11 mod 10."""
    return bool(_OGRN.fullmatch(value)) and int(value[:12]) % 11 % 10 == int(value[12])


@remembered
def is_ogrnip(value: str) -> bool:
    """ОГРНИП: 15 digits, the last is the number of the first 14 mod 13 mod 10."""
    return bool(_OGRNIP.fullmatch(value)) and int(value[:14]) % 13 % 10 == int(value[14])


@remembered
def is_enp(value: str) -> bool:
    """ЕНП: 16 digits. Of the first 15, from the right: odd places make a number, doubled; even places precede it."""
    if not _ENP.fullmatch(value):
        return False
    backwards = value[14::-1]
    summed = backwards[1::2] + str(int(backwards[0::2]) * 2)
    return -sum(map(int, summed)) % 10 == int(value[15])


@remembered
def is_remd_number(value: str) -> bool:
    """Registration number of РЭМД, ``<kind>.<region>.<YY>.<MM>.<9 digits>`` or one of the two older forms."""
    return _REMD_NUMBER.fullmatch(value) is not None


@remembered
def is_oid(value: str) -> bool:
    """OID as the rules of СЭМД have it: no leading zero in an arc, at least two arcs."""
    return _OID.fullmatch(value) is not None


@remembered
def is_guid(value: str) -> bool:
    """GUID with hyphens."""
    return _GUID.fullmatch(value) is not None


# Addresses and telecom -----------------------------------------------------------------------------------------

_POSTAL: Final = re.compile(r"[0-9]{6}")
_TEL: Final = re.compile(r"tel:\+?[-0-9().]+")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.")


@remembered
def is_postal_code(value: str) -> bool:
    """Six digits."""
    return _POSTAL.fullmatch(value) is not None


@remembered
def is_telephone(value: str) -> bool:
    """``tel:`` and digits, hyphens, dots, brackets; no blank. Other schemes are not judged."""
    return not value.startswith("tel:") or _TEL.fullmatch(value) is not None


@remembered
def has_scheme(value: str) -> bool:
    """An address of the form ``scheme:rest``."""
    return _SCHEME.match(value) is not None


# Time stamps ---------------------------------------------------------------------------------------------------

_TS: Final = re.compile(
    r"([12][0-9]{3})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})([0-9]{2})([0-9]{2})?(Z|[+-][0-9]{4})?)?)?)?"
)
_LARGEST_OFFSET: Final = 14 * 60


class Moment(NamedTuple):
    """A time stamp.

    Attributes:
        faults: codes of the rules that the value breaks.
        day: the day as written, where it is real and the value is that precise.
        instant: the point in time, where the value has a real time and zone.
    """

    faults: frozenset[str]
    day: date | None = None
    instant: datetime | None = None


_SHAPELESS: Final = Moment(frozenset({"TS01"}))


@remembered
def moment(value: str) -> Moment:
    """Read ``YYYY[MM[DD[HHMM[SS]+ZZZZ]]]``."""
    match = _TS.fullmatch(value)
    if match is None:
        return _SHAPELESS
    year, month, day, hour, minute, second, zone = match.groups()
    if day is None:
        real = month is None or 1 <= int(month) <= 12
        return Moment(frozenset({"TS02"} if real else {"TS02", "TS05"}))
    faults: set[str] = set()
    if hour is not None:
        faults.update(_zone_faults(zone))
    try:
        real_day = date(int(year), int(month), int(day))
        clock = datetime(
            real_day.year, real_day.month, real_day.day, int(hour or 0), int(minute or 0), int(second or 0)
        )
    except ValueError:
        return Moment(frozenset(faults | {"TS05"}))
    if hour is None or faults:
        return Moment(frozenset(faults), real_day)
    return Moment(frozenset(), real_day, clock.replace(tzinfo=timezone(timedelta(minutes=_minutes(zone)))))


def _zone_faults(zone: str | None) -> tuple[str, ...]:
    if zone is None:
        return ("TS03",)
    if zone[0] != "+" or int(zone[3:]) > 50 or zone[4] != "0" or _minutes(zone) > _LARGEST_OFFSET:
        return ("TS04",)
    return ()


def _minutes(zone: str) -> int:
    return int(zone[1:3]) * 60 + int(zone[3:])
