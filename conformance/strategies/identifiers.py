"""Identifiers in every spelling that ``mappings/identifiers.yaml`` knows.

The spellings are read from the catalogue: what is added there is drawn here at once. Numbers that have check digits
(СНИЛС, ЕНП, ИНН, ОГРН) have the right ones.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st

from adapter.catalogue import Catalogue, read_plain

#: Root of the ids of the МИС of ``mappings/organisation.yaml``.
MIS: Final = "1.2.643.5.1.13.13.12.2.77.99999.100.1.1"
ORGANISATION: Final = "1.2.643.5.1.13.13.12.2.77.99999"


class Dialect(StrEnum):
    """A family of spellings, told by how a system begins.

    ``OID`` has bare OIDs; ``GUIDES`` is what is left: addresses in examples of the guides.
    """

    RUCORE = "rucore"
    RU_CORE = "ru.core"
    FRCORE = "frcore"
    N3 = "n3"
    WORDS = "words"
    OID = "oid"
    GUIDES = "guides"


class Spelling(NamedTuple):
    """One way to say what an identifier is.

    Attributes:
        kind: canonical kind of ``mappings/identifiers.yaml``.
        system: ``Identifier.system``, empty for none.
        types: ``system#code`` of ``Identifier.type`` that may stand beside it or instead of it.
    """

    kind: str
    system: str
    types: tuple[str, ...]

    @property
    def dialect(self) -> Dialect:
        """The family that the system belongs to."""
        return dialect_of(self.system)


def dialect_of(system: str) -> Dialect:
    """The family of a system, as ``mappings/identifiers.yaml`` writes it."""
    beginnings = {
        "https://fhir.ru/ig/": Dialect.RUCORE,
        "https://fhir.ru/": Dialect.RU_CORE,
        "urn:": Dialect.FRCORE,
        "1.2.643.2.69.": Dialect.N3,
        "1.": Dialect.OID,
    }
    for beginning, dialect in beginnings.items():
        if system.startswith(beginning):
            return dialect
    return Dialect.GUIDES if ":" in system else Dialect.WORDS


@lru_cache(maxsize=1)
def _catalogue() -> dict[str, Any]:
    raw: dict[str, Any] = read_plain(Catalogue().file("mappings/identifiers.yaml"))["kinds"]
    return raw


def kinds() -> tuple[str, ...]:
    """Every canonical kind of the catalogue."""
    return tuple(_catalogue())


@lru_cache(maxsize=256)
def spellings(kind: str) -> tuple[Spelling, ...]:
    """All spellings of a kind; for a kind of the sending МИС also the OID of its suffix.

    Raises:
        KeyError: the catalogue has no such kind.
    """
    facts = _catalogue()[kind]
    types = tuple(str(one) for one in facts.get("types", ()))
    systems = [one["system"] if isinstance(one, dict) else str(one) for one in facts.get("systems", ())]
    if "suffix" in facts:
        systems.append(f"{MIS}.{facts['suffix']}")
    # What only a type tells has no system of its own.
    systems = systems or [""]
    return tuple(Spelling(kind, system, types) for system in systems)


def of_dialect(kind: str, dialect: Dialect) -> tuple[Spelling, ...]:
    """Spellings of a kind in a dialect; where it has none, of RuCoreIG, which most senders fall back to, or any."""
    every = spellings(kind)
    for wanted in (dialect, Dialect.RUCORE):
        some = tuple(one for one in every if one.dialect is wanted)
        if some:
            return some
    return every


@lru_cache(maxsize=1024)
def _some(kind: str, dialect: Dialect | None) -> st.SearchStrategy[Spelling]:
    return st.sampled_from(of_dialect(kind, dialect) if dialect else spellings(kind))


@lru_cache(maxsize=1024)
def _spelt(system: str) -> st.SearchStrategy[str]:
    """A system as senders write it: other case, ``http``, a trailing slash, an OID with ``urn:oid:``."""
    if system[:2].isdigit() or system.startswith(("0.", "1.", "2.")):
        return st.sampled_from((f"urn:oid:{system}", system, f"URN:OID:{system}"))
    if system.startswith("https://"):
        return st.sampled_from((system, f"http{system[5:]}", f"{system}/", system.replace("codesystem", "CodeSystem")))
    return st.sampled_from((system, system.capitalize() if ":" not in system else system, system.upper()))


@st.composite
def identifiers(
    draw: st.DrawFn,
    kind: str,
    *,
    dialect: Dialect | None = None,
    value: st.SearchStrategy[str] | None = None,
    typed: bool | None = None,
) -> dict[str, Any]:
    """A FHIR Identifier of a canonical kind.

    Args:
        kind: of ``mappings/identifiers.yaml``.
        dialect: spellings to take; all of them by default.
        value: what it holds; a well-formed number of that kind by default.
        typed: whether ``Identifier.type`` stands there; drawn by default.
    """
    spelling = draw(_some(kind, dialect))
    made: dict[str, Any] = {}
    with_type: bool = draw(st.booleans()) if typed is None else typed
    if spelling.types and (with_type or not spelling.system):
        system, _, code = draw(st.sampled_from(spelling.types)).rpartition("#")
        # Any code of the system will do where the catalogue has a star.
        made["type"] = {"coding": [{"system": draw(_spelt(system)), "code": code.replace("*", "1")}]}
    if spelling.system:
        made["system"] = draw(_spelt(spelling.system))
    made["value"] = draw(value if value is not None else values(kind, spelling.system))
    return made


# -- values -----------------------------------------------------------------------------------------


def _digits(size: int, *, first: str = "0123456789") -> st.SearchStrategy[str]:
    rest = st.integers(0, 10 ** (size - 1) - 1).map(lambda number: f"{number:0{size - 1}d}")
    return st.builds(str.__add__, st.sampled_from(first), rest)


def snils() -> st.SearchStrategy[str]:
    """A СНИЛС with right check digits, with separators or without."""

    def whole(number: int, form: str) -> str:
        digits = f"{number:09d}"
        check = sum(int(digit) * (9 - index) for index, digit in enumerate(digits)) % 101 % 100
        return form.format(digits[:3], digits[3:6], digits[6:], check)

    forms = st.sampled_from(("{}-{}-{} {:02d}", "{}{}{}{:02d}", "{} {} {} {:02d}"))
    return st.builds(whole, st.integers(2_000_000, 999_999_999), forms)


def _enp() -> st.SearchStrategy[str]:
    """A number of the ОМС policy with its check digit (Luhn)."""

    def whole(digits: str) -> str:
        doubled = [int(digit) * (2 if index % 2 == 0 else 1) for index, digit in enumerate(digits)]
        total = sum(number // 10 + number % 10 for number in doubled)
        return f"{digits}{-total % 10}"

    return _digits(15, first="123456789").map(whole)


def _ogrn(size: int) -> st.SearchStrategy[str]:
    """ОГРН (13 digits) or ОГРНИП (15): the last one is the rest of division by 11 or 13."""
    first = "1" if size == 13 else "3"
    return _digits(size - 1, first=first).map(lambda text: f"{text}{int(text) % (size - 2) % 10}")


def _inn() -> st.SearchStrategy[str]:
    """An ИНН of an organisation, with its check digit."""
    weights = (2, 4, 10, 3, 5, 9, 4, 6, 8)

    def whole(text: str) -> str:
        return f"{text}{sum(int(one) * weight for one, weight in zip(text, weights, strict=True)) % 11 % 10}"

    return _digits(9, first="7").map(whole)


def numbers() -> st.SearchStrategy[str]:
    """An id as a МИС gives it: letters, digits, ``-``, ``.``."""
    return st.from_regex(r"[A-Za-z]{0,2}-?[1-9][0-9]{0,8}", fullmatch=True)


@lru_cache(maxsize=1024)
def values(kind: str, system: str = "") -> st.SearchStrategy[str]:
    """A well-formed value of a kind; an id of a МИС where the kind has no form of its own."""
    passport = st.builds("{} {}".format, _digits(4), _digits(6))
    old_policy = st.builds("{} {}".format, _digits(6), _digits(10))
    forms: dict[str, st.SearchStrategy[str]] = {
        "snils": snils(),
        "inn": _inn(),
        "oms-policy": old_policy if "legacy" in system or system.endswith("6.226") else _enp(),
        "identity-document": st.one_of(passport, _digits(10), st.builds("I-ТС № {}".format, _digits(6))),
        "ogrn": _ogrn(13),
        "ogrnip": _ogrn(15),
        "okpo": _digits(8),
        "okato": st.just("45000000000"),
        "kpp": _digits(9, first="7"),
        "medical-organization": st.just(ORGANISATION if system != "urn:ietf:rfc:3986" else f"urn:oid:{ORGANISATION}"),
        "department": st.just(f"{ORGANISATION}.0.1"),
        "licence": st.builds("ЛО-77-01-{}".format, _digits(6)),
        "division-code": st.builds("{}-{}".format, _digits(3), _digits(3)),
        "insurer": _digits(5, first="7"),
        "remd-number": st.builds("5.77.25.01.{}".format, _digits(9)),
    }
    return forms.get(kind, numbers())
