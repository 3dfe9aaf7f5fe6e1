"""Reading mappings: YAML → :mod:`adapter.mapping.model`, with inheritance; every error names its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from adapter.catalogue import Catalogue
from adapter.errors import MappingError
from adapter.findings import Severity, Text
from adapter.mapping import keys
from adapter.mapping.absence import CONCEPT, Given
from adapter.mapping.fhirpath import Expression, compile_expression
from adapter.mapping.model import Conversion, Field, MapSpec, MessageForm, Route, products_of
from adapter.mapping.yaml import Map, load, unknown

_KEY: Final = Text("ключ", "key")
_SOURCES: Final = ("from", "each", "identifier", "constant", "coding")
#: Attributes that a new source of a field replaces in what it inherits.
_SOURCE_ATTRIBUTES: Final[dict[str, Any]] = {
    "sources": (),
    "each": False,
    "identifier": "",
    "constant": None,
    "coding": None,
}


class Loader:
    """Reads the maps and documents of a catalogue.

    Args:
        catalogue: where the files are.
        converters: names that ``as`` may call.
    """

    def __init__(self, catalogue: Catalogue, converters: Mapping[str, object]) -> None:
        self._catalogue = catalogue
        self._converters = converters
        self._raw: dict[str, tuple[Map, str]] = {}
        self._done: dict[str, MapSpec] = {}
        self._open: list[str] = []
        self.uses: list[tuple[Map, str, str]] = []

    def load(self) -> tuple[dict[str, MapSpec], ...]:
        """(maps, documents, registers) by id.

        Raises:
            MappingError: the first error of a file, with line and column.
        """
        for kind, folder in keys.FOLDERS.items():
            for name, path in self._catalogue.files(folder).items():
                self._register(kind, load(path, f"{folder}/{name}"))
        specs = {key: self._spec(key) for key in self._raw}
        for at, key, name in self.uses:
            if key == "use" and f"map:{name}" not in specs:
                known = [spec.id for spec_key, spec in specs.items() if spec_key.startswith("map:")]
                raise no_such(at, "use", name, known, Text("отображение", "map"))
        return tuple(
            {spec.id: spec for key, spec in specs.items() if key.startswith(f"{kind}:")} for kind in keys.FOLDERS
        )

    def routes(self) -> list[Route]:
        """``mappings/routes.yaml`` in order, then those of ``mappings/routes/*.yaml``."""
        found: dict[str, Route] = {}
        for name, path in self._catalogue.parts("mappings/routes.yaml").items():
            raw = load(path, name)
            raw.check_keys(("routes",), _KEY)
            for item in raw.get("routes") or []:
                if not isinstance(item, Map):
                    raise raw.error("маршрут должен быть отображением", "a route must be a mapping", value="routes")
                route = self._route(item)
                if route.id in found:
                    raise item.error(f"маршрут «{route.id}» уже есть", f"there is a route «{route.id}»", value="id")
                found[route.id] = route
        return [*found.values()]

    def _route(self, item: Map) -> Route:
        item.check_keys(keys.ROUTE, _KEY)
        for name in ("id", "focus"):
            if not isinstance(item.get(name), str):
                raise item.error(f"у маршрута нет ключа «{name}»", f"the route has no «{name}»", value=name)
        products = products_of(item.get("product"))
        if products is None:
            raise item.error(
                "у маршрута нет ключа «product»: вид документа в кавычках или список видов",
                "the route has no «product»: a kind in quotes, or a list of kinds",
                value="product",
            )
        when, each = (
            None if item.get(key) is None else self._expression(item, key, item[key]) for key in ("when", "each")
        )
        on = item.get("on", True)
        if not isinstance(on, bool):
            raise item.error("ожидается true или false", "true or false is expected", value="on")
        return Route(item["id"], products, item["focus"], when, on, item.get("note", ""), item.file, each)

    def _register(self, kind: str, raw: Map) -> None:
        raw.check_keys(keys.HEADS[kind], _KEY)
        name = raw.get(kind)
        if name is None:
            raise raw.error(f"нет ключа «{kind}»", f"the key «{kind}» is missing")
        if not isinstance(name, str):
            raise raw.error(f"«{kind}» — строка в кавычках", f"«{kind}» is a string in quotes", value=kind)
        key = f"{kind}:{name}"
        if key in self._raw:
            other = self._raw[key][0].file
            raise raw.error(f"«{name}» уже есть в {other}", f"«{name}» is defined in {other} as well", key=kind)
        self._raw[key] = (raw, name)

    def _spec(self, key: str) -> MapSpec:
        if key in self._done:
            return self._done[key]
        raw, name = self._raw[key]
        if key in self._open:
            raise raw.error("наследование по кругу", "inheritance goes in a circle", key="extends")
        self._open.append(key)
        base = self._base(key, raw)
        spec = self._made(raw, name, base)
        self._open.pop()
        self._done[key] = spec
        return spec

    def _base(self, key: str, raw: Map) -> MapSpec | None:
        parent = raw.get("extends")
        if parent is None:
            return None
        kind = key.partition(":")[0]
        parent_key = f"{kind}:{parent}"
        if parent_key not in self._raw:
            known = [other.partition(":")[2] for other in self._raw if other.startswith(kind + ":")]
            raise no_such(raw, "extends", str(parent), known, Text("отображение", "map"))
        return self._spec(parent_key)

    def _made(self, raw: Map, name: str, base: MapSpec | None) -> MapSpec:
        source = raw.get("source", base.source if base else ())
        if isinstance(source, str):
            source = (source,)
        if not source:
            raise raw.error("нет ключа «source»: тип FHIR", "the key «source» is missing: a FHIR type")
        return MapSpec(
            id=name,
            file=raw.file,
            source=tuple(source),
            let=self._fields(raw, "let", name, base.let if base else {}),
            fields=self._fields(raw, "fields", name, base.fields if base else {}),
            template=raw.get("template", base.template if base else ""),
            header={**(base.header if base else {}), **(raw.get("header") or {})},
            extends=base.id if base else "",
            message=_message(raw) or (base.message if base else None),
        )

    def _fields(self, at: Map, key: str, prefix: str, base: Mapping[str, Field]) -> dict[str, Field]:
        raw = at.get(key)
        # A let and a fact may have the same name; the id of a rule says which it is.
        sign = "%" if key == "let" else ""
        fields = dict(base)
        if raw is None:
            return fields
        if not isinstance(raw, Map):
            raise at.error(f"«{key}» должен быть отображением", f"«{key}» must be a mapping", value=key)
        for name, value in raw.items():
            if value is None:
                if name not in base:
                    raise raw.error(f"нечего убирать: «{name}»", f"nothing to take away: «{name}»", key=name)
                del fields[name]
            else:
                fields[name] = self._field(raw, name, value, f"{prefix}.{sign}{name}", base.get(name))
        return fields

    def _field(self, at: Map, name: str, value: Any, rule: str, base: Field | None) -> Field:
        line = at.spots[name][0]
        if not isinstance(value, Map):
            sources = self._expressions(at, name, value)
            return Field(rule, at.file, line, sources)
        value.check_keys(keys.FIELD, _KEY)
        given = [key for key in _SOURCES if key in value]
        if len(given) > 1 and given != ["from", "identifier"]:
            raise value.error(
                f"ключи «{given[0]}» и «{given[1]}» исключают друг друга",
                f"the keys «{given[0]}» and «{given[1]}» exclude each other",
                key=given[1],
            )
        start = base or Field(rule, at.file, line)
        if given:
            start = replace(start, **_SOURCE_ATTRIBUTES)
        changes: dict[str, Any] = {"rule": rule, "file": at.file, "line": line}
        for key in value:
            self._read[key](self, value, key, changes)
        for part in ("fields", "let"):
            if part in value:
                changes[part] = self._fields(value, part, rule, getattr(start, part))
        return replace(start, **changes)

    # -- keys of a field ----------------------------------------------------------------------------

    def _read_from(self, at: Map, key: str, changes: dict[str, Any]) -> None:
        changes["sources"] = self._expressions(at, key, at[key])
        changes["each"] = key == "each"

    def _read_string(self, at: Map, key: str, changes: dict[str, Any]) -> None:
        if not isinstance(at[key], str):
            raise at.error(f"«{key}» должен быть строкой", f"«{key}» must be a string", value=key)
        changes[key] = at[key]
        if key in {"use", "concept", "identifier"}:
            self.uses.append((at, key, at[key]))

    def _read_constant(self, at: Map, key: str, changes: dict[str, Any]) -> None:
        if at[key] is None or isinstance(at[key], list | Map):
            raise at.error(
                "константа — строка, число или логическое", "a constant is a string, number or boolean", value=key
            )
        changes["constant"] = at[key]

    def _read_coding(self, at: Map, key: str, changes: dict[str, Any]) -> None:
        system, mark, code = str(at[key]).partition("#")
        if not mark or not code or not system.replace(".", "").isdigit():
            raise at.error("ожидается OID#код", "OID#code is expected", value=key)
        changes["coding"] = (system, code)

    def _read_one(self, at: Map, key: str, changes: dict[str, Any]) -> None:
        changes[key] = self._expression(at, key, at[key])

    def _read_as(self, at: Map, key: str, changes: dict[str, Any]) -> None:
        items = at[key] if isinstance(at[key], list) else [at[key]]
        changes["converters"] = tuple(self._conversion(at, item) for item in items)

    def _conversion(self, at: Map, item: Any) -> Conversion:
        arguments: Any = {}
        if isinstance(item, Map) and len(item) == 1:
            ((item, arguments),) = item.items()
        if not isinstance(item, str) or not isinstance(arguments, dict):
            raise at.error("ожидается имя преобразования", "the name of a converter is expected", value="as")
        if item not in self._converters:
            raise no_such(at, "as", item, self._converters, Text("преобразование", "converter"))
        return Conversion(item, arguments)

    def _read_required(self, at: Map, key: str, changes: dict[str, Any]) -> None:
        known = {True: Severity.ERROR, "error": Severity.ERROR, "warning": Severity.WARNING, False: None}
        if at[key] not in known:
            raise at.error("ожидается true, error или warning", "true, error or warning is expected", value=key)
        changes["required"] = known[at[key]]

    def _read_absent(self, at: Map, key: str, changes: dict[str, Any]) -> None:
        value = at[key]
        if not isinstance(value, Map):
            changes.update(absent=_flavor(at, key), given=None)
            return
        value.check_keys(keys.ABSENT, _KEY)
        given = value.get("given")
        listed = dict(zip(given, given, strict=True)) if isinstance(given, list) else given
        if not isinstance(listed, dict) or not listed or not {*listed, *listed.values()} <= {*keys.NULL_FLAVORS}:
            raise at.error("given — список nullFlavor", "given is a list of nullFlavors", value=key)
        sources = self._expressions(value, "from", value["from"]) if "from" in value else ()
        changes.update(given=Given(dict(listed), sources), absent=_flavor(value, "else") if "else" in value else "")
        self.uses.append((at, "absent", CONCEPT))

    def _read_hint(self, at: Map, key: str, changes: dict[str, Any]) -> None:
        hint = at[key]
        if not isinstance(hint, Map):
            raise at.error("ожидается {ru: …, en: …}", "{ru: …, en: …} is expected", value=key)
        hint.check_keys(("ru", "en"), _KEY)
        changes["hint"] = Text(hint.get("ru", ""), hint.get("en", ""))

    def _skip(self, _at: Map, _key: str, _changes: dict[str, Any]) -> None:
        """``fields`` and ``let`` are read with what they inherit."""

    _read: Final[dict[str, Callable[..., None]]] = {
        "from": _read_from, "each": _read_from, "identifier": _read_string, "constant": _read_constant,
        "coding": _read_coding, "use": _read_string, "fields": _skip, "let": _skip, "when": _read_one,
        "as": _read_as, "concept": _read_string, "required": _read_required, "absent": _read_absent,
        "dropped": _read_one, "hint": _read_hint, "note": _read_string,
    }  # fmt: skip

    # -- expressions --------------------------------------------------------------------------------

    def _expressions(self, at: Map, key: str, value: Any) -> tuple[Expression, ...]:
        items = value if isinstance(value, list) else [value]
        if not items:
            raise at.error("список вариантов пуст", "the list of alternatives is empty", value=key)
        return tuple(self._expression(at, key, item) for item in items)

    @staticmethod
    def _expression(at: Map, key: str, value: Any) -> Expression:
        if value is None or isinstance(value, list | Map):
            raise at.error("ожидается выражение FHIRPath", "a FHIRPath expression is expected", value=key)
        text = str(value).lower() if isinstance(value, bool) else str(value)
        try:
            return compile_expression(text)
        except MappingError as error:
            raise at.error(error.reason.ru, error.reason.en, value=key) from None


def _message(raw: Map) -> MessageForm | None:
    """How a message becomes bytes; ``None`` where the map says nothing of it."""
    given = raw.get("message")
    if given is None:
        return None
    if not isinstance(given, Map):
        raise raw.error("«message» должен быть отображением", "«message» must be a mapping", value="message")
    given.check_keys(keys.MESSAGE, _KEY)
    form = given.get("form")
    if form not in keys.FORMS:
        raise given.error("ожидается json, soap или xml", "json, soap or xml is expected", value="form")
    for name in ("schema", *{"soap": ("element",), "xml": ("template",)}.get(form, ())):
        if not isinstance(given.get(name), str):
            raise given.error(f"у сообщения нет ключа «{name}»", f"the message has no «{name}»")
    return MessageForm(form, given["schema"], given.get("element", ""), given.get("template", ""))


def _flavor(at: Map, key: str) -> str:
    if at[key] not in keys.NULL_FLAVORS:
        raise no_such(at, key, str(at[key]), keys.NULL_FLAVORS, Text("nullFlavor", "nullFlavor"))
    return str(at[key])


def no_such(at: Map, key: str, name: str, known: Iterable[str], what: Text) -> MappingError:
    """The refusal of an unknown name that is the value of ``key``, with the nearest one that is known."""
    error = unknown(at, name, known, what)
    line, column = at.values_at[key]
    return MappingError(error.reason, file=at.file, line=line, column=column)


def load_specs(
    catalogue: Catalogue, converters: Mapping[str, object]
) -> tuple[tuple[dict[str, MapSpec], ...], list[Route], list[tuple[Map, str, str]]]:
    """(maps, documents, registers) and routes of a catalogue, and the names that fields refer to with their places."""
    loader = Loader(catalogue, converters)
    return loader.load(), loader.routes(), loader.uses
