"""YAML with places: every mapping and list knows the line and column of its keys and items."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from adapter.errors import MappingError
from adapter.findings import Text

#: 1-based line and column.
Spot = tuple[int, int]

_TAG: Final = "tag:yaml.org,2002:"
_BOOLEANS: Final = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}


#: What was read, for whoever reads the same files again and again; ``None``: nobody does.
_kept: ContextVar[dict[Any, Any] | None] = ContextVar("kept", default=None)


@contextmanager
def keeping(files: dict[Any, Any]) -> Iterator[None]:
    """Keep what is read within in ``files``, and read nothing that is there: it must not be changed."""
    token = _kept.set(files)
    try:
        yield
    finally:
        _kept.reset(token)


class Map(dict[str, Any]):
    """A mapping of a file; ``spots`` tells where each key stands, ``values_at`` where its value does."""

    def __init__(self, file: str, spot: Spot) -> None:
        super().__init__()
        self.file = file
        self.spot = spot
        self.spots: dict[str, Spot] = {}
        self.values_at: dict[str, Spot] = {}

    def error(self, ru: str, en: str, *, key: str = "", value: str = "") -> MappingError:
        """An error at a key (``key``), at the value of a key (``value``), or at the mapping."""
        line, column = self.spots.get(key) or self.values_at.get(value) or self.spot
        return MappingError(Text(ru, en), file=self.file, line=line, column=column)

    def check_keys(self, known: Iterable[str], what: Text) -> None:
        """Refuse a key that is not known, with the nearest one that is."""
        names = list(known)
        for key in self:
            if key not in names:
                raise unknown(self, key, names, what)


def unknown(at: Map, key: str, known: Iterable[str], what: Text) -> MappingError:
    """The refusal of an unknown name at ``key``."""
    near = difflib.get_close_matches(key, list(known), n=1)
    ru, en = (f"; ближайшее: {near[0]}", f"; nearest: {near[0]}") if near else ("", "")
    return at.error(f"неизвестно: {what.ru} «{key}»{ru}", f"unknown {what.en} «{key}»{en}", key=key)


def load(path: Path, name: str = "", *, decimals: bool = False) -> Map:
    """Read a file whose top is a mapping.

    Args:
        path: the file.
        name: its name in errors; by default its path.
        decimals: numbers with a fraction are ``Decimal``, as in FHIR; otherwise they stay text, so that ``1.10``
            is the version 1.10.

    Raises:
        MappingError: not YAML, a duplicate key, an alias of itself, or the top is not a mapping.
    """
    file = name or str(path)
    kept, text = _kept.get(), path.read_bytes()
    key = file, text, decimals
    if kept is not None and key in kept:
        found: Map = kept[key]
        return found
    value = _composed(text, file, decimals)
    if kept is not None:
        kept[key] = value
    return value


def _composed(text: bytes, file: str, decimals: bool) -> Map:
    try:
        node = YAML(typ="safe").compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
        problem = str(error.problem or "")
        raise MappingError(
            Text(f"не YAML: {problem}", f"not YAML: {problem}"), file=file, line=line, column=column
        ) from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise MappingError(Text("не YAML в UTF-8", "not YAML in UTF-8"), file=file) from error
    value = _Reader(file, decimals).value(node) if node is not None else None
    if not isinstance(value, Map):
        raise MappingError(Text("ожидается отображение ключей", "a mapping of keys is expected"), file=file, line=1)
    return value


def plain(value: Any) -> Any:
    """The same without places: dicts and lists as JSON has them, which is what expressions read."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list) else value


class _Reader:
    def __init__(self, file: str, decimals: bool) -> None:
        self.file = file
        self._decimals = decimals
        self._open: set[int] = set()

    def value(self, node: Node) -> Any:
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if id(node) in self._open:
            raise self._error(node, "псевдоним указывает на самого себя", "an alias points to itself")
        self._open.add(id(node))
        if isinstance(node, SequenceNode):
            result: Any = [self.value(item) for item in node.value]
        else:
            assert isinstance(node, MappingNode)
            result = self._map(node)
        self._open.discard(id(node))
        return result

    def _map(self, node: MappingNode) -> Map:
        result = Map(self.file, _spot(node))
        for key_node, value_node in node.value:
            key = self.value(key_node)
            if not isinstance(key, str):
                key = str(key_node.value)
            if key in result:
                raise self._error(key_node, f"ключ «{key}» повторяется", f"the key «{key}» is repeated")
            result[key] = self.value(value_node)
            result.spots[key] = _spot(key_node)
            result.values_at[key] = _spot(value_node)
        return result

    def _scalar(self, node: ScalarNode) -> Any:
        text, tag = node.value, str(node.tag).removeprefix(_TAG)
        if tag == "null":
            return None
        if tag == "bool":
            return _BOOLEANS[text.lower()]
        if tag == "int" and text.lstrip("+-").isdigit():
            return int(text)
        if tag == "float" and self._decimals:
            return self._decimal(node)
        return text

    def _decimal(self, node: ScalarNode) -> Decimal:
        try:
            return Decimal(node.value)
        except InvalidOperation:
            raise self._error(node, "ожидается число", "a number is expected") from None

    def _error(self, node: Node, ru: str, en: str) -> MappingError:
        line, column = _spot(node)
        return MappingError(Text(ru, en), file=self.file, line=line, column=column)


def _spot(node: Node) -> Spot:
    return node.start_mark.line + 1, node.start_mark.column + 1
