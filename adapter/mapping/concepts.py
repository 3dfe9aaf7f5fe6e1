"""Concept maps: a code of any system → a coding of a reference book (``mappings/concepts/*.yaml``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from adapter.catalogue import Catalogue
from adapter.facts import Coding, Null
from adapter.findings import Severity, Text
from adapter.mapping import keys
from adapter.mapping.identifiers import Identifiers, canonical, codings, string_of
from adapter.mapping.model import Field
from adapter.mapping.run import Run
from adapter.mapping.yaml import Map, load
from adapter.nsi.terms import BorrowedCoding

_UNMAPPED: Final = {"error": Severity.ERROR, "warning": Severity.WARNING, "absent": None}


class Given(NamedTuple):
    """A code as the sender wrote it, its system under the canonical name."""

    system: str
    code: str
    display: str
    version: str


@dataclass(frozen=True, slots=True)
class Group:
    """How codes of one source are translated.

    Attributes:
        source: canonical system; empty for a bare code, ``*`` for any.
        elements: code → codes of the target, or a null; several codes are never picked from, they are a finding.
        identity: codes pass as they are.
        column: column of the book that holds the sender's code.
        none: what stands in that column where there is no code.
        display: column of the book that holds the sender's display name or text.
    """

    source: str
    elements: Mapping[str, tuple[str | Null, ...]]
    identity: bool
    column: str
    none: str
    display: str


@dataclass(frozen=True, slots=True)
class ConceptMap:
    """A concept map; :meth:`translate` is its use.

    Attributes:
        unmapped: how bad it is that a code has no counterpart; ``None``: the fact is absent, without a finding.
        waits: what the map is there for, where no document uses it yet.
        bare: codes of the target are taken as they are, without name and version, whether or not the book is here.
    """

    id: str
    target: str
    groups: tuple[Group, ...]
    unmapped: Severity | None
    waits: Text | None
    bare: bool = False

    def translate(self, run: Run, spec: Field, value: Any, focus: Any) -> Coding | Null | None:
        """The coding of the target book; findings go to ``run``, and then there is none."""
        given = _given(value, run.identifiers)
        known = run.terms.translations.get((self.id, given))
        if known is not None:
            return known
        before = len(run.findings)
        found = self._translated(run, spec, given, focus)
        if found is not None and len(run.findings) == before:
            run.terms.remember(self.id, given, found)
        return found

    def _translated(self, run: Run, spec: Field, given: tuple[Given, ...], focus: Any) -> Coding | Null | None:
        # A bare code is looked up in no book, which would tell that there is none.
        own = [item for item in given if item.system == self.target and (item.code or not self.bare)]
        if own and not any(group.source == self.target for group in self.groups):
            return self._completed(run, spec, focus, own[0].code, own[0])
        for group in self.groups:
            found = self._candidates(run, group, given)
            if len(found) == 1:
                target, source = next(iter(found.items()))
                return target if isinstance(target, Null) else self._completed(run, spec, focus, target, source)
            if found:
                self._ambiguous(run, spec, focus, [str(code) for code in found if not isinstance(code, Null)])
                return None
        if self.unmapped is not None:
            self._unmapped(run, spec, focus)
        return None

    def _candidates(self, run: Run, group: Group, given: tuple[Given, ...]) -> dict[str | Null, Given]:
        found: dict[str | Null, Given] = {}
        for item in given:
            if group.source not in ("*", item.system):
                continue
            if item.code in group.elements:
                found.update(dict.fromkeys(group.elements[item.code], item))
            elif group.identity and item.code:
                found[item.code] = item
            elif group.column and item.code not in ("", group.none):
                found.update(dict.fromkeys(run.terms.find(self.target, group.column, item.code), item))
            if group.display and item.display and not found:
                found.update(dict.fromkeys(run.terms.find(self.target, group.display, item.display), item))
        return found

    def _completed(self, run: Run, spec: Field, focus: Any, code: str, given: Given) -> Coding | None:
        if self.bare:
            return Coding(code, self.target, "", "", "")
        own = given.system == self.target
        coding = run.terms.coding(
            self.target,
            code,
            version=(given.version or None) if own else None,
            display=(given.display or None) if own else None,
        )
        if coding is None:
            # A wrong code of the book itself is the sender's error; a translated one is as bad as no counterpart.
            run.find(
                "MAP02",
                Severity.ERROR if own else self._severity,
                spec,
                focus,
                Text(
                    f"Кода нет в справочнике {self.target} (или справочник не импортирован).",
                    f"The code is not in the book {self.target} (or the book is not imported).",
                ),
                Text("egisz nsi show OID КОД; egisz nsi import ПАПКА", "egisz nsi show OID CODE; egisz nsi import DIR"),
            )
        elif isinstance(coding, BorrowedCoding):
            run.find(
                "MAP06",
                Severity.NOTE,
                spec,
                focus,
                Text(
                    f"Название кода взято у отправителя: справочник {self.target} не импортирован.",
                    f"The display name is the sender's: the book {self.target} is not imported.",
                ),
            )
        return coding

    @property
    def _severity(self) -> Severity:
        """Of a code that is lost: never silent, an error where the map says so."""
        return Severity.ERROR if self.unmapped is Severity.ERROR else Severity.WARNING

    def _ambiguous(self, run: Run, spec: Field, focus: Any, codes: list[str]) -> None:
        listed = ", ".join(sorted(codes, key=lambda code: (len(code), code))[:20])
        run.find(
            "MAP03",
            self._severity,
            spec,
            focus,
            Text(
                f"Коду соответствует несколько кодов справочника {self.target}: {listed}.",
                f"The code has several counterparts in the book {self.target}: {listed}.",
            ),
            Text(
                f"Передайте код справочника {self.target} ещё одним coding.",
                f"Send the code of the book {self.target} as one more coding.",
            ),
        )

    def _unmapped(self, run: Run, spec: Field, focus: Any) -> None:
        assert self.unmapped is not None
        run.find(
            "MAP02",
            self.unmapped,
            spec,
            focus,
            Text(
                f"Для кода нет соответствия в справочнике {self.target} (карта {self.id}).",
                f"The code has no counterpart in the book {self.target} (concept map {self.id}).",
            ),
            Text(
                f"Передайте код справочника {self.target} или дополните mappings/concepts/{self.id}.yaml.",
                f"Send a code of the book {self.target}, or add to mappings/concepts/{self.id}.yaml.",
            ),
        )


def _given(value: Any, identifiers: Identifiers) -> tuple[Given, ...]:
    """Codes in a code, Coding, CodeableConcept, CodeableReference or Quantity, or in the coding of a fact."""
    if isinstance(value, dict):
        found = [*_given(value["concept"], identifiers)] if "concept" in value else []
        found += [_coding(coding, identifiers) for coding in codings(value)]
        if isinstance(value.get("code"), str):
            found.append(_coding(value, identifiers))
        words = value.get("text") or value.get("unit")
        if isinstance(words, str):
            found.append(Given("", "", words, ""))
        return tuple(found)
    if isinstance(value, Coding):
        return (Given(value.system, value.code, value.display, value.version),)
    return (Given("", value, value, ""),) if isinstance(value, str) else ()


def _coding(coding: Mapping[str, Any], identifiers: Identifiers) -> Given:
    system = string_of(coding, "system")
    display = string_of(coding, "display") or string_of(coding, "unit")
    return Given(
        identifiers.book(system) if system else "", string_of(coding, "code"), display, string_of(coding, "version")
    )


def load_concepts(catalogue: Catalogue, identifiers: Identifiers) -> dict[str, ConceptMap]:
    """Read all concept maps.

    Raises:
        MappingError: a file is wrong.
    """
    found: dict[str, ConceptMap] = {}
    for name, path in catalogue.files("mappings/concepts").items():
        raw = load(path, f"mappings/concepts/{name}")
        concept_map = _read(raw, identifiers.book)
        if concept_map.id in found:
            raise raw.error("карта с таким именем уже есть", "a map of that id exists already", key="concepts")
        found[concept_map.id] = concept_map
    return found


def _read(raw: Map, book: Callable[[str], str]) -> ConceptMap:
    raw.check_keys(keys.CONCEPTS, Text("ключ", "key"))
    for key in ("concepts", "target"):
        if not isinstance(raw.get(key), str):
            raise raw.error(f"нет ключа «{key}»", f"the key «{key}» is missing", value=key)
    unmapped = raw.get("unmapped", "error")
    if unmapped not in _UNMAPPED:
        raise raw.error("ожидается error, warning или absent", "error, warning or absent is expected", value="unmapped")
    groups = tuple(_group(raw, item, book) for item in raw.get("groups") or ())
    waits = raw.get("waits")
    if waits is not None and not (isinstance(waits, Map) and waits.get("ru") and waits.get("en")):
        raise raw.error("ожидаются ru и en", "ru and en are expected", value="waits")
    return ConceptMap(
        raw["concepts"],
        raw["target"],
        groups,
        _UNMAPPED[unmapped],
        None if waits is None else Text(waits["ru"], waits["en"]),
        raw.get("bare") is True,
    )


def _group(at: Map, raw: Any, book: Callable[[str], str]) -> Group:
    if not isinstance(raw, Map):
        raise at.error("группа должна быть отображением", "a group must be a mapping", value="groups")
    raw.check_keys(keys.GROUP, Text("ключ", "key"))
    source = str(raw.get("source", ""))
    elements = {str(code): _targets(raw, value) for code, value in (raw.get("elements") or {}).items()}
    return Group(
        source if source in {"", "*"} else book(canonical(source)),
        elements,
        bool(raw.get("identity")),
        str(raw.get("column") or ""),
        str(raw.get("none") or ""),
        str(raw.get("display") or ""),
    )


def _targets(at: Map, value: Any) -> tuple[str | Null, ...]:
    if isinstance(value, Map):
        if "absent" in value:
            return (Null(str(value["absent"])),)
        value = value.get("code")
    codes = value if isinstance(value, list) else [value]
    if not codes or not all(isinstance(code, str | int) for code in codes):
        raise at.error("ожидается код справочника", "a code of the book is expected", value="elements")
    return tuple(str(code) for code in codes)
