"""Documents in which every fact is marked where it is written: for tools that lead from a value to its rule.

A fact behaves like its value and is turned into marked text only where it is written, so templates decide as always and
the document is the same but for the marks. Making documents pays nothing for it: filters are those of
:mod:`adapter.documents.elements` and :mod:`adapter.documents.narrative`, loaded once more for this environment alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any, Final

from markupsafe import Markup, escape

from adapter.documents import elements, narrative
from adapter.documents.elements import markup
from adapter.documents.header import Header
from adapter.documents.render import Renderer, finished, named_filters, serialised, texts
from adapter.errors import InternalError
from adapter.facts import II, Coding, Fact, Null, Quantity

#: Marks are made of characters of private use: no register takes them, and those that a value has are not used.
_PRIVATE: Final = range(0xF0000, 0xFFFFE)


@dataclass(frozen=True, slots=True)
class Marks:
    """How facts are marked: ``begin number middle text end``.

    Attributes:
        paths: of the facts, by their number.
    """

    begin: str
    middle: str
    end: str
    paths: list[str]

    def wrapped(self, number: int, text: str) -> str:
        """A text that a fact gave."""
        return f"{self.begin}{number}{self.middle}{text}{self.end}" if text else text


class Told(str):
    """A text that is marked when it is written."""

    __slots__ = ("_marks", "_number")

    _marks: Marks
    _number: int

    @classmethod
    def of(cls, text: str, number: int, marks: Marks) -> Told:
        """``text`` as the fact of a number."""
        made = cls.__new__(cls, text)
        made._marks, made._number = marks, number
        return made

    def like(self, text: str) -> Told:
        """Another text that came of the same fact."""
        return Told.of(text, self._number, self._marks)

    def __str__(self) -> str:
        return self._marks.wrapped(self._number, str.__str__(self))

    def __html__(self) -> Markup:
        return escape(str(self))

    def replace(self, *given: Any) -> Told:
        return self.like(super().replace(*given))

    def strip(self, *given: Any) -> Told:
        return self.like(super().strip(*given))

    def __getitem__(self, key: Any) -> Told:
        return self.like(super().__getitem__(key))


class ToldNumber(int):
    """A whole number that is marked when it is written."""

    _told: Told

    @classmethod
    def of(cls, value: int, told: Told) -> ToldNumber:
        """``value`` as the fact that ``told`` is its text of."""
        made = cls(value)
        made._told = told
        return made

    def __str__(self) -> str:
        return str(self._told)

    __format__ = object.__format__


@dataclass(frozen=True, slots=True)
class ToldBoolean:
    """``True`` or ``False`` that is marked when it is written; neither can be derived from."""

    value: bool
    told: Told

    def __bool__(self) -> bool:
        return self.value

    def __eq__(self, other: object) -> bool:
        return bool(self.value == (other.value if isinstance(other, ToldBoolean) else other))

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        return str(self.told.like(str(self.value)))


class MarkingRenderer(Renderer):
    """Renders documents with marks; arguments as of :class:`~adapter.documents.render.Renderer`."""

    def _filters(self) -> dict[str, Callable[..., Any]]:
        return {**super()._filters(), **named_filters(_elements(), _narrative())}

    def marked(self, template: str, facts: Fact, header: Header | Mapping[str, Any]) -> tuple[str, Marks]:
        """The document as :meth:`render` gives it, as text with marks.

        Raises:
            MappingError, InputError: see :meth:`render`.
        """
        told, marks = tell(facts)
        written = self._written(template, told, header)
        # A fact may name an element, and no mark can stand in a name.
        written = re.sub(f"(</?){marks.begin}[0-9]+{marks.middle}([^{marks.end}]*){marks.end}", r"\1\2", written)
        return serialised(finished(template, written, facts)).decode(), marks


def tell(facts: Fact, *, texts_only: bool = False) -> tuple[Fact, Marks]:
    """Facts that are marked where they are written; ``texts_only`` leaves out numbers and booleans."""
    marks = _marks(facts)
    made: Fact = _Teller(marks, texts_only).told(facts, "")
    return made, marks


def _marks(facts: Fact) -> Marks:
    used = {letter for _, text in texts(facts) for letter in text if ord(letter) in _PRIVATE}
    begin, middle, end, *_ = (chr(code) for code in _PRIVATE[: len(used) + 3] if chr(code) not in used)
    return Marks(begin, middle, end, [])


class _Teller:
    """Makes facts whose texts know which fact they are."""

    def __init__(self, marks: Marks, texts_only: bool) -> None:
        self._marks, self._texts_only = marks, texts_only

    def told(self, value: Any, path: str) -> Any:
        """A fact with its parts; dicts are none of them (versions of books)."""
        match value:
            case Fact():
                return Fact({name: self._part(name, part, path) for name, part in value})
            case list():
                return [self.told(part, f"{path}[{number}]") for number, part in enumerate(value)]
            case Null():
                # What stands in its place was decided by the rule of the fact.
                return Null(self._text(value.flavor, path))
            case Coding() | II() | Quantity():
                parts = value._asdict().items()
                return value._replace(**{name: self.told(part, f"{path}.{name}") for name, part in parts})
            case int() if self._texts_only:
                return value
            case bool():
                return ToldBoolean(value, self._text("", path))
            case int():
                return ToldNumber.of(value, self._text(str(value), path))
            case str():
                return self._text(value, path)
            case _:
                return value

    def _part(self, name: str, part: Any, path: str) -> Any:
        # What begins with @ says how to write, and is not written.
        return part if name.startswith("@") else self.told(part, f"{path}.{name}" if path else name)

    def _text(self, text: str, path: str) -> Told:
        self._marks.paths.append(path)
        return Told.of(text, len(self._marks.paths) - 1, self._marks)


def _again(module: ModuleType) -> Any:
    """A module once more, with names of its own."""
    spec = find_spec(module.__name__)
    if spec is None or spec.loader is None:
        raise InternalError("a module of the package is not there")
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def _elements() -> Any:
    made = _again(elements)
    # Equal codings may be different facts.
    made._coded = made._coded.__wrapped__
    plain = made.value

    def value(fact: Any, kind: str = "ST") -> Markup:
        if not isinstance(fact, ToldBoolean):
            return markup(plain(fact, kind))
        said = "true" if fact.value else "false"
        return markup(str(plain(fact.value)).replace(f'"{said}"', f'"{fact.told.like(said)!s}"'))

    made.value = value
    return made


def _narrative() -> Any:
    made = _again(narrative)
    spoken, moment = made.spoken, made.moment

    def spoken_marked(fact: Any) -> str:
        return str(fact.told.like(spoken(fact.value))) if isinstance(fact, ToldBoolean) else str(spoken(fact))

    def moment_marked(fact: Any) -> Any:
        return fact.like(moment(fact)) if isinstance(fact, Told) else moment(fact)

    made.spoken, made.moment = spoken_marked, moment_marked
    return made
