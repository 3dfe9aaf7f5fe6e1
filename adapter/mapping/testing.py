"""Tests of mappings as data (``mappings/tests/*.yaml``): a fragment of FHIR, and the facts and findings it must give.

Unlike findings, what a failed test says shows values: they are those of the test.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from adapter.catalogue import Catalogue
from adapter.errors import MappingError
from adapter.facts import Fact, Null
from adapter.fhir.graph import Graph
from adapter.fhir.model import FhirVersion
from adapter.findings import Finding, Text
from adapter.mapping.keys import TEST
from adapter.mapping.mappings import Mappings
from adapter.mapping.model import Field, MapSpec
from adapter.mapping.run import Run
from adapter.mapping.yaml import Map, load, plain
from adapter.nsi.terms import Terms
from adapter.organisation import Organisation

FOLDER: Final = "mappings/tests"
_KEY: Final = Text("ключ", "key")
_UNSET: Final = object()
_KINDS: Final[Mapping[type, Text]] = {
    str: Text("строка", "a string"),
    list: Text("список", "a list"),
    Map: Text("отображение", "a mapping"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One test.

    Attributes:
        name: what it is about.
        file, line: where it stands.
        map: id of a map, a document or a message; empty where a concept map is tested by itself.
        concept: id of a concept map.
        given: the focus, or a Bundle; for a concept map a code, Coding, CodeableConcept or Quantity.
        focus: type of the focus in a Bundle; by default the types of the map.
        around: resources that references of ``given`` lead to.
        version: release of FHIR.
        organisation: keys that differ from the configuration of the organisation.
        books: reference books (OIDs) without which the test says nothing.
        expect: facts, those that are looked at; ``None``: a concept map gives nothing.
        findings: exactly these (``CODE rule`` or ``CODE``); ``None``: not looked at.
        raw: the test in its file, for errors with a place.
    """

    name: str
    file: str
    line: int
    map: str
    concept: str
    given: Any
    focus: str
    around: tuple[dict[str, Any], ...]
    version: FhirVersion
    organisation: Mapping[str, Any]
    books: tuple[str, ...]
    expect: Mapping[str, Any] | None
    findings: tuple[str, ...] | None
    raw: Map

    @property
    def id(self) -> str:
        """``file.yaml: name``."""
        return f"{self.file.rpartition('/')[2]}: {self.name}"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a test.

    Attributes:
        problems: what differs; empty where it passed.
        skipped: why it was not run, empty where it was.
        rules: ids of the rules that gave a value.
    """

    case: Case
    problems: tuple[str, ...] = ()
    skipped: str = ""
    rules: frozenset[str] = frozenset()

    @property
    def ok(self) -> bool:
        """It passed, or could not be run."""
        return not self.problems


def load_cases(catalogue: Catalogue, files: Iterable[Path] = ()) -> list[Case]:
    """The tests of a catalogue, or of ``files``.

    Raises:
        MappingError: a file is wrong.
    """
    paths = {str(path): path for path in files}
    if not paths:
        paths = {f"{FOLDER}/{name}": path for name, path in catalogue.files(FOLDER).items()}
    return [case for name, path in paths.items() for case in _read(load(path, name, decimals=True))]


def selected(cases: Sequence[Case], words: Sequence[str]) -> list[Case]:
    """The tests whose name, file or map has one of the words in it; all of them where there are none."""
    lowered = [word.lower() for word in words]
    return [
        case
        for case in cases
        if not lowered or any(word in case.id.lower() or word in (case.map.lower(), case.concept) for word in lowered)
    ]


def _read(raw: Map) -> Iterator[Case]:
    raw.check_keys(("tests", "note"), _KEY)
    tests = raw.get("tests")
    if not isinstance(tests, list):
        raise raw.error("нет списка «tests»", "the list «tests» is missing", value="tests")
    names: set[str] = set()
    for item in tests:
        if not isinstance(item, Map):
            raise raw.error("тест должен быть отображением", "a test must be a mapping", value="tests")
        case = _case(item)
        if case.name in names:
            raise item.error(f"тест «{case.name}» уже есть", f"the test «{case.name}» stands twice", value="name")
        names.add(case.name)
        yield case


def _case(raw: Map) -> Case:
    raw.check_keys(TEST, _KEY)
    version = str(raw.get("fhir", "R4"))
    if version not in FhirVersion.__members__:
        known = ", ".join(FhirVersion.__members__)
        raise raw.error(f"ожидается одно из {known}", f"one of {known} is expected", value="fhir")
    findings = _of(raw, "findings", list, None)
    concept = _of(raw, "concept", str, "")
    if concept and "map" in raw:
        raise raw.error("вместе с «concept» нет «map»", "«map» does not go with «concept»", value="map")
    bare = concept and isinstance(raw.get("given"), str)
    nothing = concept and "expect" in raw and raw["expect"] is None
    around = _of(raw, "with", list, [])
    return Case(
        name=_of(raw, "name", str),
        file=raw.file,
        line=raw.spot[0],
        map="" if concept else _of(raw, "map", str),
        concept=concept,
        given=plain(_of(raw, "given", str if bare else Map)),
        focus=_of(raw, "focus", str, ""),
        around=tuple(plain(around)),
        version=FhirVersion[version],
        organisation=plain(_of(raw, "organisation", Map, {})),
        books=tuple(_of(raw, "books", list, [])),
        expect=None if nothing else _of(raw, "expect", Map, {}),
        findings=None if findings is None else tuple(str(item) for item in findings),
        raw=raw,
    )


def _of(raw: Map, key: str, kind: type, default: Any = _UNSET) -> Any:
    """The value of a key, of the kind that it must have."""
    value = raw.get(key, default)
    if value is _UNSET:
        raise raw.error(f"у теста нет ключа «{key}»", f"the test has no «{key}»")
    if value is not default and not isinstance(value, kind):
        ru, en = _KINDS[kind]
        raise raw.error(f"«{key}»: ожидается {ru}", f"«{key}»: {en} is expected", value=key)
    return value


class Runner:
    """Runs tests against the mappings of a catalogue; makes what they share once."""

    def __init__(self, mappings: Mappings, organisation: Organisation, terms: Terms) -> None:
        self._mappings, self._organisation, self._terms = mappings, organisation, terms

    def run(self, case: Case, language: str = "en") -> Result:
        """Run one test; a wrong test is a problem of it, too."""
        absent = [book for book in case.books if not self._terms.imported(book)]
        if absent:
            books = ", ".join(absent)
            return Result(case, skipped=Text(f"нет справочников: {books}", f"books are absent: {books}").get(language))
        try:
            return self._run(case, language)
        except MappingError as error:
            return Result(case, (error.text.get(language),))

    def _run(self, case: Case, language: str) -> Result:
        if case.concept:
            return self._translate(case, language)
        spec = self._spec(case)
        bundle, focus = _focus(case, spec)
        graph = Graph(bundle, case.version)
        organisation = self._organisation
        if case.organisation:
            organisation = replace(organisation, values={**organisation.values, **case.organisation})
        made = self._mappings.apply(spec, focus, graph, organisation, self._terms, traced=True)
        rules = frozenset(line.rule for line in made.trace if line.shape not in ("nothing", "list of 0"))
        return Result(case, _problems(case, made.facts, made.findings, language), rules=rules)

    def _translate(self, case: Case, language: str) -> Result:
        """A concept map by itself; its findings are under its id."""
        concept = self._mappings.concepts.get(case.concept)
        if concept is None:
            raise _unknown(case.raw, "concept", case.concept, self._mappings.concepts)
        graph = Graph({"resourceType": "Bundle", "type": "collection"}, case.version)
        run = Run(graph, self._organisation, self._mappings.identifiers, self._terms)
        spec = Field(case.concept, case.file, case.line)
        fact = concept.translate(run, spec, case.given, case.given)
        return Result(case, _problems(case, fact, run.findings, language))

    def _spec(self, case: Case) -> MapSpec:
        known = {**self._mappings.registers, **self._mappings.documents, **self._mappings.maps}
        if case.map not in known:
            raise _unknown(case.raw, "map", case.map, known)
        return known[case.map]


def _unknown(raw: Map, key: str, name: str, known: Iterable[str]) -> MappingError:
    near = difflib.get_close_matches(name, known, n=1)
    ru, en = (f"; ближайшее: {near[0]}", f"; nearest: {near[0]}") if near else ("", "")
    return raw.error(f"нет отображения «{name}»{ru}", f"there is no map «{name}»{en}", value=key)


def _problems(case: Case, fact: Any, findings: Iterable[Finding], language: str) -> tuple[str, ...]:
    """What differs from what the test expects."""
    problems = [text.get(language) for text in _differences(fact, case.expect, "")]
    if case.findings is not None:
        found = [(finding.code, finding.rule) for finding in findings]
        problems += [text.get(language) for text in _other_findings(case.findings, found)]
    return tuple(problems)


def _focus(case: Case, spec: MapSpec) -> tuple[dict[str, Any], Any]:
    """The Bundle and the focus in it; what is given is a resource, a Bundle or an element."""
    given = case.given
    kind = given.get("resourceType")
    around = [{"resource": resource} for resource in case.around]
    if kind is None:
        return {"resourceType": "Bundle", "type": "collection", "entry": around}, given
    if kind != "Bundle":
        entries = [{"resource": given}, *around]
        return {"resourceType": "Bundle", "type": "collection", "entry": entries}, given
    bundle = {**given, "entry": [*given.get("entry", []), *around]}
    wanted = (case.focus,) if case.focus else spec.source
    if not case.focus and "Bundle" in wanted:
        return bundle, bundle
    for entry in bundle["entry"]:
        resource = entry.get("resource", {})
        if resource.get("resourceType") in wanted or "Any" in wanted:
            return bundle, resource
    names = ", ".join(wanted)
    raise case.raw.error(f"в Bundle нет {names}", f"the Bundle has no {names}", value="given")


def _differences(fact: Any, expected: Any, path: str) -> Iterator[Text]:
    """What differs between a fact and what is expected of it."""
    if expected is None:
        if fact not in (None, []):
            yield _other(path, "ничего", "nothing", fact)
    elif isinstance(expected, dict):
        if set(expected) == {"null"}:
            if not (isinstance(fact, Null) and fact.flavor == expected["null"]):
                yield _other(path, f"null {expected['null']}", f"null {expected['null']}", fact)
            return
        yield from _parts(fact, expected, path)
    elif isinstance(expected, list):
        yield from _items(fact, expected, path)
    elif fact != expected or isinstance(fact, bool) is not isinstance(expected, bool):
        yield _other(path, repr(expected), repr(expected), fact)


def _parts(fact: Any, expected: Mapping[str, Any], path: str) -> Iterator[Text]:
    names = list(dict(fact)) if isinstance(fact, Fact) else list(getattr(fact, "_fields", ()))
    if not names or isinstance(fact, Null):
        yield _other(path, f"{{{', '.join(expected)}}}", f"{{{', '.join(expected)}}}", fact)
        return
    for name, value in expected.items():
        inner = f"{path}.{name}" if path else name
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1) or names
            ru, en = "такого факта нет; есть", "there is no such fact; there is"
            yield Text(f"{inner}: {ru} {', '.join(near)}", f"{inner}: {en} {', '.join(near)}")
        else:
            yield from _differences(getattr(fact, name), value, inner)


def _items(fact: Any, expected: Sequence[Any], path: str) -> Iterator[Text]:
    if not isinstance(fact, list):
        yield _other(path, f"список из {len(expected)}", f"a list of {len(expected)}", fact)
        return
    if len(fact) != len(expected):
        yield Text(
            f"{path}: ожидается элементов {len(expected)}, получено {len(fact)}",
            f"{path}: {len(expected)} items are expected, there are {len(fact)}",
        )
    for index, (one, other) in enumerate(zip(fact, expected, strict=False)):
        yield from _differences(one, other, f"{path}[{index}]")


def _other(path: str, ru: str, en: str, fact: Any) -> Text:
    got = repr(written(fact))
    return Text(f"{path}: ожидается {ru}, получено {got}", f"{path}: expected {en}, got {got}")


def written(fact: Any) -> Any:
    """A fact as plain values, as ``expect`` writes it."""
    if isinstance(fact, Null):
        return {"null": fact.flavor}
    if isinstance(fact, Fact):
        return {name: written(value) for name, value in fact}
    if isinstance(fact, list):
        return [written(item) for item in fact]
    if isinstance(fact, tuple) and hasattr(fact, "_asdict"):
        return {name: written(value) for name, value in fact._asdict().items()}
    return fact


def _other_findings(expected: Iterable[str], found: Iterable[tuple[str, str]]) -> Iterator[Text]:
    left = Counter(found)
    for text in expected:
        code, _, rule = text.partition(" ")
        match = next((pair for pair in left if pair[0] == code and rule in ("", pair[1])), None)
        if match is None:
            yield Text(f"нет сообщения {text}", f"the finding {text} is not there")
            continue
        left[match] -= 1
        if not left[match]:
            del left[match]
    for (code, rule), count in left.items():
        yield from [Text(f"лишнее сообщение {code} {rule}", f"unexpected finding {code} {rule}")] * count
