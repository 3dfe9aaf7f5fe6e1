"""What all resources are drawn with: the release, the dialect, references, moments, texts that can be found again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, TypeVar
from uuid import UUID, uuid5

from hypothesis import strategies as st

from adapter.catalogue import Catalogue, read_plain
from conformance.strategies.identifiers import Dialect, identifiers
from conformance.strategies.texts import hostile_texts, words

Release = Literal["R4", "R4B", "R5"]
Resource = dict[str, Any]
T = TypeVar("T")

NSI: Final = "1.2.643.5.1.13.13."
#: Kinds of documents that Bundles are drawn for.
KINDS: Final = ("119", "142", "163", "170", "185", "191", "195", "204", "227")
ALL: Final = frozenset(KINDS)
#: Codes with the name and the version of the book that a sender quotes; not every receiver has these books at hand.
_QUOTED: Final = {
    ("11.1005", "T88.1"): (
        "Другие осложнения, связанные с иммунизацией, не классифицированные в других рубриках",
        "2.24",
    ),
    ("11.1009", "4"): ("На обследование", "2.5"),
    ("11.1038", "5"): ("Работающий", "17.1"),
    ("11.1070", "A05.10.006"): ("Регистрация электрокардиограммы", "2.10"),
    ("11.1070", "B01.015.001"): ("Прием (осмотр, консультация) врача-кардиолога первичный", "2.10"),
    ("11.1070", "B04.047.001"): ("Диспансерный прием (осмотр, консультация) врача-терапевта", "2.10"),
    ("11.1468", "2"): ("Пероральный", "2.3"),
    ("11.1471", "7012719"): ("Ультразвуковое исследование сердца фокусированное", "2.38"),
    ("11.1485", "2270"): ("Гематома места пункции", "4.4"),
    ("11.1520", "227"): ("Протокол консультации (CDA) Редакция 5", "12.34"),
    ("11.1064", "22"): ("Пищевая аллергия", "2.2"),
    ("11.1063", "12"): ("Зуд", "1.2"),
    ("99.2.541", "1.00000.0216"): ("Инвалиды III группы", "6.19"),
    ("99.2.785", "67"): ("Гемодиализ", "1.2"),
}
_SPACE: Final = UUID("8a1c63c2-5d0e-4a54-9d0c-3d1f5d5a4c11")


class Planted(NamedTuple):
    """A text that was put into a Bundle.

    Attributes:
        element: where, as ``Patient.name.family``.
        text: all of it.
        mark: the part of it that stands nowhere else.
        kinds: the documents that have a place for it.
    """

    element: str
    text: str
    mark: str
    kinds: frozenset[str]


@dataclass(slots=True)
class Draft:
    """A Bundle that is being drawn.

    Attributes:
        draw: of hypothesis.
        version: release of FHIR.
        dialect: spellings of identifiers.
        complete: whether everything stands there that a document wants.
        hostile: whether texts are hostile ones.
        entries: resources with the URL that references name them by.
        planted: texts that were put there.
        literal: whether references are ``Type/id`` instead of ``urn:uuid:``.
        document: whether the Bundle is a document, so that a Composition must say of which kind.
    """

    draw: st.DrawFn
    version: Release
    dialect: Dialect
    complete: bool = True
    hostile: bool = False
    entries: list[tuple[str, Resource]] = field(default_factory=list)
    planted: list[Planted] = field(default_factory=list)
    literal: bool = False
    document: bool = False

    @property
    def r5(self) -> bool:
        """Whether the shapes of R5 are wanted."""
        return self.version == "R5"

    def add(self, resource: Resource) -> Resource:
        """Put a resource into the Bundle under a new id; a Reference to it."""
        name = resource["resourceType"]
        resource["id"] = f"{name.lower()[:12]}-{len(self.entries) + 1}"
        url = f"{name}/{resource['id']}" if self.literal else f"urn:uuid:{uuid5(_SPACE, resource['id'])}"
        self.entries.append((url, resource))
        return {"reference": url}

    def pick(self, items: Sequence[T]) -> T:
        """One of some things."""
        return items[self.count(0, len(items) - 1)]

    def count(self, least: int, most: int) -> int:
        """How many of something."""
        number: int = self.draw(_between(least, most))
        return number

    def coin(self) -> bool:
        """Whether something that no document needs stands there."""
        return self.draw(_COIN)

    def given(self) -> bool:
        """Whether something that a document wants stands there: almost always, and always where it is complete."""
        return self.complete or self.draw(_between(0, 9)) > 0

    def composed(self) -> bool:
        """Whether a Composition says of which kind the document is; in a document Bundle only it can."""
        return (self.document and self.given()) or self.coin()

    def text(self, element: str, kinds: frozenset[str] = frozenset(), *, plain: Sequence[str] = ()) -> str:
        """A text: one of ``plain`` or of words, or a hostile one, which is noted."""
        if not self.hostile:
            return self.pick(plain) if plain else self.draw(words())
        mark = f"Ъ{len(self.planted)}ж{element.rpartition('.')[2]}"
        text = self.draw(hostile_texts(mark=mark))
        self.planted.append(Planted(element, text, mark, kinds))
        return text

    def identifier(self, kind: str, **how: Any) -> Resource:
        """An Identifier in the dialect of the Bundle."""
        return self.draw(identifiers(kind, dialect=self.dialect, **how))

    def own(self, kind: str) -> Resource:
        """An Identifier of the sending МИС, which every dialect can write with its OID."""
        return self.draw(identifiers(kind, dialect=Dialect.OID))

    def moment(self, first: int = 2024, last: int = 2025) -> str:
        """A dateTime with a zone; by default of years in which the kinds are open."""
        year, month, day, minute, second, zone = self.draw(_moments(first, last))
        return f"{year}-{month:02d}-{day:02d}T{minute // 60:02d}:{minute % 60:02d}:{second}{zone}"

    def day(self, first: int, last: int) -> str:
        """A date."""
        return self.moment(first, last)[:10]


# Strategies are made once: making one costs more than drawing from it.
_COIN: Final = st.booleans()
_between = lru_cache(maxsize=64)(st.integers)
_ZONES: Final = ("+03:00", "+03:00", "+11:00", "Z", "-05:00", "+05:30", "+02:00")


@lru_cache(maxsize=16)
def _moments(first: int, last: int) -> st.SearchStrategy[tuple[int, int, int, int, str, str]]:
    return st.tuples(
        st.integers(first, last),
        st.integers(1, 12),
        st.integers(1, 28),
        st.integers(0, 24 * 60 - 1),
        st.sampled_from(("00", "59", "30.125")),
        st.sampled_from(_ZONES),
    )


def concept(system: str, code: str, display: str = "") -> Resource:
    """A CodeableConcept of one coding; a bare OID becomes ``urn:oid:``."""
    coding = {"system": f"urn:oid:{system}" if system[:1].isdigit() else system, "code": code}
    return {"coding": [coding | ({"display": display} if display else {})]}


def book(short: str, code: str) -> Resource:
    """A CodeableConcept of a reference book by the end of its OID: ``11.1002``, ``99.2.48``."""
    return concept(NSI + short, code)


def quoted(short: str, code: str) -> Resource:
    """As :func:`book`, with the name and the version of the book that a sender quotes."""
    display, version = _QUOTED[short, code]
    made = concept(NSI + short, code, display)
    made["coding"][0]["version"] = version
    return made


@lru_cache(maxsize=64)
def codes(name: str, source: str) -> tuple[str, ...]:
    """Codes of a source in a concept map of the catalogue, e.g. products of ``vaccine-group``.

    Raises:
        KeyError: the map has no such source.
    """
    for group in read_plain(Catalogue().file(f"mappings/concepts/{name}.yaml"))["groups"]:
        if group["source"] == source:
            return tuple(group["elements"])
    raise KeyError(source)
