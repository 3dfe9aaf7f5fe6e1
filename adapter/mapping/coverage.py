"""Coverage both ways: elements of the input that no rule read, and rules and places of templates that got nothing.

The Bundle is wrapped in dicts that note which of their keys are asked for; the mappings then run as always.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import orjson

from adapter.catalogue import Catalogue
from adapter.fhir.graph import Graph
from adapter.fhir.model import Reading
from adapter.findings import Text
from adapter.mapping.lint.facts import read_by_templates
from adapter.mapping.lint.subject import Subject, is_nothing
from adapter.mapping.lint.walk import Walk
from adapter.mapping.mappings import Mappings
from adapter.mapping.model import Field
from adapter.mapping.yaml import Map, load
from adapter.nsi.terms import Terms
from adapter.organisation import Organisation

FILE: Final = "mappings/coverage.yaml"
_KEY: Final = Text("ключ", "key")
_REFERENCE: Final = ("reference", "identifier", "type")
_EMPTY: Final = frozenset({"nothing", "list of 0"})


class _Recorded(dict[str, Any]):
    """A dict that notes which of its keys were asked for.

    It calls itself a plain dict, because compiled expressions compare the class instead of asking ``isinstance``.
    """

    __slots__ = ("asked",)

    @property  # type: ignore[misc] # a lie on purpose, see above
    def __class__(self) -> type[dict[str, Any]]:  # type: ignore[override] # the same
        return dict

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__({key: _recorded(value) for key, value in values.items()})
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


def _recorded(value: Any) -> Any:
    if isinstance(value, dict):
        return _Recorded(value)
    return [_recorded(item) for item in value] if isinstance(value, list) else value


class _Graph(Graph):
    """A graph that notes which references were followed: it has read them all beforehand by itself."""

    def resolve(self, reference: dict[str, Any]) -> dict[str, Any] | None:
        """See :class:`Graph`."""
        for key in _REFERENCE:
            if key in reference:
                reference.get(key)
        return super().resolve(reference)


@dataclass(frozen=True, slots=True)
class Ignored:
    """An element that no document has a place for."""

    path: re.Pattern[str]
    reason: Text


@dataclass(slots=True)
class Elements:
    """Elements of one path: how many there are, and where the first that nobody read stands."""

    total: int = 0
    unread: int = 0
    first: str = ""


@dataclass(slots=True)
class Coverage:
    """What became of the Bundles that were looked at.

    Attributes:
        elements: by path from the type of their resource; only what is not ignored.
        ignored: how many values were ignored.
        rules: rules of the documents that were made, by id.
        filled, reached: ids of rules that gave a value, and of those that were asked at all.
        slots: ids of rules that a template reads.
        made: how many products of each document.
        unmade: documents that no Bundle yielded.
    """

    elements: dict[str, Elements] = field(default_factory=dict)
    ignored: int = 0
    rules: dict[str, Field] = field(default_factory=dict)
    filled: set[str] = field(default_factory=set)
    reached: set[str] = field(default_factory=set)
    slots: set[str] = field(default_factory=set)
    made: dict[str, int] = field(default_factory=dict)
    unmade: list[str] = field(default_factory=list)

    @property
    def input_percent(self) -> float:
        """Share of the values of the input that a rule read."""
        total = sum(one.total for one in self.elements.values())
        return _percent(total - sum(one.unread for one in self.elements.values()), total)

    @property
    def rules_percent(self) -> float:
        """Share of the rules that gave a value."""
        return _percent(len(self.filled & self.rules.keys()), len(self.rules))

    @property
    def unread(self) -> list[tuple[str, Elements]]:
        """Paths with values that nobody read."""
        return sorted((path, one) for path, one in self.elements.items() if one.unread)

    @property
    def unfilled(self) -> list[Field]:
        """Rules that gave nothing, in the order of their files."""
        rules = [rule for name, rule in self.rules.items() if name not in self.filled]
        return sorted(rules, key=lambda rule: (rule.file, rule.line))


def _percent(part: int, whole: int) -> float:
    return 100.0 if not whole else round(100 * part / whole, 1)


def load_ignored(catalogue: Catalogue) -> list[Ignored]:
    """Read ``mappings/coverage.yaml``.

    Raises:
        MappingError: the file is wrong.
    """
    raw = load(catalogue.file(FILE), FILE)
    raw.check_keys(("ignore",), _KEY)
    found = []
    for item in raw.get("ignore") or []:
        if not isinstance(item, Map):
            raise raw.error("ожидается {path, reason}", "{path, reason} is expected", value="ignore")
        item.check_keys(("path", "reason"), _KEY)
        path, reason = item.get("path"), item.get("reason")
        if not isinstance(path, str) or not isinstance(reason, Map):
            raise item.error("нужны path и reason {ru, en}", "path and reason {ru, en} are needed")
        found.append(Ignored(_pattern(path), Text(str(reason.get("ru", "")), str(reason.get("en", "")))))
    return found


def _pattern(path: str) -> re.Pattern[str]:
    """``**.coding.userSelected`` → a pattern of whole paths and everything below them."""
    parts = {"**": "[^.]+(?:[.][^.]+)*", "*": "[^.]+"}
    body = "[.]".join(parts.get(name, re.escape(name)) for name in path.split("."))
    return re.compile(f"{body}(?:[.].*)?")


class Meter:
    """Measures coverage of Bundles; :meth:`add` each, then :meth:`result`."""

    def __init__(self, catalogue: Catalogue, mappings: Mappings, organisation: Organisation, terms: Terms) -> None:
        self._mappings, self._organisation, self._terms = mappings, organisation, terms
        self._subject = Subject(catalogue, mappings, organisation, terms)
        self._ignored = load_ignored(catalogue)
        self._coverage = Coverage()

    def add(self, reading: Reading, products: Collection[str] = ()) -> None:
        """Run the mappings over a Bundle; only those documents and messages where any are named."""
        bundle = _Recorded(reading.bundle)
        graph = _Graph(bundle, reading.version)
        for node in _nodes(bundle):
            node.asked.clear()
        for product in self._mappings.plan(graph, self._organisation, self._terms, asked=products, today=date.today()):
            made = self._mappings.facts(product, graph, self._organisation, self._terms, traced=True)
            count = self._coverage.made.get(product.document, 0)
            self._coverage.made[product.document] = count + 1
            for line in made.trace:
                self._coverage.reached.add(line.rule)
                if line.shape not in _EMPTY and not line.shape.startswith("null "):
                    self._coverage.filled.add(line.rule)
        self._count(bundle)

    def result(self) -> Coverage:
        """The coverage of all that was added."""
        slots = read_by_templates(self._subject)
        for spec, walk, _ in self._subject.walks:
            if spec.id not in self._coverage.made:
                if spec.message is None:
                    self._coverage.unmade.append(spec.id)
                continue
            self._add_rules(walk, slots)
        return self._coverage

    def quick(self) -> Coverage:
        """The coverage of all that was added, without places of templates and documents that were not made."""
        for name in self._coverage.made:
            walk = Walk(self._mappings.maps)
            walk.start(self._mappings.documents.get(name) or self._mappings.registers[name])
            self._add_rules(walk, ())
        return self._coverage

    def _add_rules(self, walk: Walk, slots: Iterable[str]) -> None:
        for mark, rule in walk.rules.items():
            if is_nothing(rule):
                continue
            self._coverage.rules[rule.rule] = rule
            if mark in slots:
                self._coverage.slots.add(rule.rule)

    def _count(self, bundle: _Recorded) -> None:
        for place, path, read in _leaves(bundle, "Bundle", "Bundle"):
            if any(one.path.fullmatch(path) for one in self._ignored):
                self._coverage.ignored += 1
                continue
            one = self._coverage.elements.setdefault(path, Elements())
            one.total += 1
            if not read:
                one.unread += 1
                one.first = one.first or place


def _nodes(value: Any) -> Iterator[_Recorded]:
    if isinstance(value, _Recorded):
        yield value
        for part in value.values():
            yield from _nodes(part)
    elif isinstance(value, list):
        for part in value:
            yield from _nodes(part)


def _leaves(node: _Recorded, place: str, path: str) -> Iterator[tuple[str, str, bool]]:
    """Every value: its place, its path from the type of its resource, and whether it was read."""
    for key, value in node.items():
        values = value if isinstance(value, list) else [value]
        for index, one in enumerate(values):
            where = f"{place}.{key}" + (f"[{index}]" if isinstance(value, list) else "")
            if isinstance(one, _Recorded):
                kind = dict.get(one, "resourceType")
                yield from _leaves(one, where, kind if isinstance(kind, str) else f"{path}.{key}")
            elif one is not None:
                yield where, f"{path}.{key}", key in node.asked


# -- forms ------------------------------------------------------------------------------------------


def as_text(coverage: Coverage, language: str) -> str:
    """For a terminal."""

    def say(ru: str, en: str) -> str:
        return ru if language == "ru" else en

    lines = [say("Документы: ", "Documents: ") + _made(coverage, say("нет", "none"))]
    if coverage.unmade:
        lines.append(say("Не получились: ", "Not made: ") + ", ".join(coverage.unmade))
    total = sum(one.total for one in coverage.elements.values())
    lines.append(
        say(
            f"Вход: прочитано {coverage.input_percent} % из {total} значений (без учёта {coverage.ignored})",
            f"Input: {coverage.input_percent} % of {total} values were read ({coverage.ignored} are not counted)",
        )
    )
    lines += [f"  {path}  ×{one.unread}  {one.first}" for path, one in coverage.unread]
    lines.append(
        say(
            f"Правила: дали значение {coverage.rules_percent} % из {len(coverage.rules)}",
            f"Rules: {coverage.rules_percent} % of {len(coverage.rules)} gave a value",
        )
    )
    for rule in coverage.unfilled:
        state = say("пусто", "nothing") if rule.rule in coverage.reached else say("не спрошено", "not asked")
        slot = say(", место в шаблоне", ", place in a template") if rule.rule in coverage.slots else ""
        lines.append(f"  {rule.rule}  {rule.file}:{rule.line}  {state}{slot}")
    return "\n".join(lines) + "\n"


def _made(coverage: Coverage, none: str) -> str:
    return ", ".join(f"{name} ×{count}" for name, count in coverage.made.items()) or none


def as_json(coverage: Coverage) -> str:
    """The machine form."""
    made: dict[str, Any] = {
        "version": 1,
        "documents": coverage.made,
        "not_made": coverage.unmade,
        "input": {
            "percent": coverage.input_percent,
            "values": sum(one.total for one in coverage.elements.values()),
            "ignored": coverage.ignored,
            "unread": [{"path": path, "count": one.unread, "first": one.first} for path, one in coverage.unread],
        },
        "rules": {
            "percent": coverage.rules_percent,
            "total": len(coverage.rules),
            "unfilled": [
                {"rule": rule.rule, "file": rule.file, "line": rule.line, "reached": rule.rule in coverage.reached,
                 "slot": rule.rule in coverage.slots}
                for rule in coverage.unfilled
            ],
        },
    }  # fmt: skip
    return orjson.dumps(made, option=orjson.OPT_INDENT_2).decode() + "\n"


def measure(readings: Iterable[Reading], meter: Meter) -> Coverage:
    """Coverage of Bundles together."""
    for reading in readings:
        meter.add(reading)
    return meter.result()
