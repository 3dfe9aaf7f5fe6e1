"""Reading ``mappings/structures/``: files, what extends what, blocks, and the merging of nodes.

A node of a structure is plain data until :mod:`conformance.structure.node` compiles it. The language is described in
``mappings/structures/README.md``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from adapter.catalogue import Catalogue
from adapter.errors import MappingError

FOLDER: Final = "mappings/structures"

#: A node as it is written: a mapping, or the name of a block with a cardinality (``"contact 0..*"``).
Written = dict[str, Any]

ABSENT: Final = "absent"
KEYS: Final = frozenset(
    {
        "is",
        "card",
        "about",
        "attributes",
        "book",
        "codes",
        "nullFlavor",
        "text",
        "children",
        "order",
        "open",
        "one_of",
        "by",
        "cases",
        "otherwise",
        "rules",
    }
)
FILE_KEYS: Final = frozenset(
    {"kind", "extends", "about", "null_flavors", "short_oids", "patterns", "blocks", "document", "changes"}
)
_STEP: Final = re.compile(r"([^\[\]{}]+)(?:\[(\d+)\]|\{([^{}]+)\})?")


@dataclass(frozen=True, slots=True)
class Source:
    """A structure with everything that it extends.

    Attributes:
        kind: code of the kind, empty for a file that is only extended.
        null_flavors: what ``null: any`` allows.
        short_oids: beginnings of OIDs by their short form.
        patterns: regular expressions by name; they match the whole value.
        blocks: shared nodes by name.
        document: the node of the root element.
    """

    name: str
    kind: str = ""
    null_flavors: tuple[str, ...] = ()
    short_oids: Mapping[str, str] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    blocks: Mapping[str, Any] = field(default_factory=dict)
    document: Written = field(default_factory=dict)


def read(catalogue: Catalogue, name: str, _above: tuple[str, ...] = ()) -> Source:
    """The structure in ``<name>.yaml``, laid over the one that it extends.

    Raises:
        MappingError: the file is not a structure.
        UsageError: the catalogue has no such file.
    """
    file = f"{FOLDER}/{name}.yaml"
    if name in _above:
        raise MappingError(f"structures extend each other in a ring: {' > '.join((*_above, name))}", file=file)
    data = _load(catalogue, file)
    unknown(data, FILE_KEYS, file, "the file")
    parent = data.get("extends")
    base = read(catalogue, str(parent), (*_above, name)) if parent else Source(name)
    blocks = {**base.blocks, **data.get("blocks", {})}
    document = merge(base.document, data.get("document", {}), blocks, f"{file}: document")
    for path, change in (data.get("changes") or {}).items():
        document = _changed(document, _steps(path, file), change, blocks, f"{file}: {path}")
    return Source(
        name,
        str(data.get("kind", "")),
        tuple(data.get("null_flavors", base.null_flavors)),
        {**base.short_oids, **data.get("short_oids", {})},
        {**base.patterns, **data.get("patterns", {})},
        blocks,
        document,
    )


def _load(catalogue: Catalogue, file: str) -> Written:
    path = catalogue.file(file)
    try:
        data = YAML(typ="safe", pure=True).load(path)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
        reason = str(getattr(error, "problem", "") or "not YAML")
        raise MappingError(reason, file=str(path), line=line, column=column) from None
    if not isinstance(data, dict):
        raise MappingError("a structure is a mapping of keys", file=str(path))
    return data


def unknown(data: Mapping[str, Any], known: frozenset[str], file: str, where: str) -> None:
    """Refuse keys that the language does not have, with the nearest that it has."""
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(known))}"
            raise MappingError(f"{where}: unknown key {key!r}{hint}", file=file)


def parse(node: Any, where: str) -> Written:
    """A node as a mapping: ``"contact 0..*"`` becomes ``{is: contact, card: 0..*}``."""
    if isinstance(node, str):
        block, _, card = node.partition(" ")
        return {"is": block, "card": card.strip()} if card else {"is": block}
    if node is None:
        return {}
    if not isinstance(node, dict):
        raise MappingError(f"{where}: expected a mapping, a list or the name of a block")
    unknown(node, KEYS, "", where)
    return node


def expand(node: Any, blocks: Mapping[str, Any], where: str) -> Written:
    """The node with the block that it names laid under it."""
    written = parse(node, where)
    name = written.get("is")
    if name is None:
        return written
    if name not in blocks:
        near = difflib.get_close_matches(str(name), list(blocks), n=1)
        raise MappingError(f"{where}: no block {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    own = {key: value for key, value in written.items() if key != "is"}
    return merge(expand(blocks[name], blocks, where), own, blocks, where)


def merge(base: Any, over: Any, blocks: Mapping[str, Any], where: str) -> Written:
    """``over`` laid on ``base``: attributes, children and cases one by one, everything else as a whole."""
    result = dict(expand(base, blocks, where))
    for key, value in expand(over, blocks, where).items():
        if key == "attributes":
            result[key] = _attributes(result.get(key, {}), value)
        elif key in {"children", "cases"}:
            result[key] = _merged(result.get(key, {}), value, blocks, where)
        else:
            result[key] = value
    return result


def _attributes(base: Mapping[str, Any], over: Mapping[str, Any]) -> Written:
    return {name: value for name, value in {**base, **over}.items() if value != ABSENT}


def _merged(base: Mapping[Any, Any], over: Mapping[Any, Any], blocks: Mapping[str, Any], where: str) -> Written:
    """An ``absent`` takes a child away; a string or a list replaces it; a mapping changes it.

    A new child stands before the next one of ``over`` that ``base`` has too, else at the end.
    """
    result = {str(name): value for name, value in base.items()}
    waiting: Written = {}
    for given, value in over.items():
        name = str(given)
        below = result.get(name)
        if value == ABSENT:
            result.pop(name, None)
        elif below is None:
            waiting[name] = value
        else:
            whole = not isinstance(value, dict) or "is" in value or isinstance(below, list)
            result[name] = value if whole else merge(below, value, blocks, f"{where}/{name}")
            result, waiting = _before(result, name, waiting), {}
    return {**result, **waiting}


def _before(children: Written, name: str, new: Written) -> Written:
    """``children`` with ``new`` put before the child ``name``."""
    if not new:
        return children
    result: Written = {}
    for key, value in children.items():
        if key == name:
            result.update(new)
        result[key] = value
    return result


def _steps(path: str, file: str) -> list[tuple[str, int, str]]:
    """``a/b[2]/c{8009}`` as (name, position or 0, case or ""). OIDs in braces may hold anything but braces."""
    steps = []
    for part in re.findall(r"[^/{]+(?:\{[^{}]+\})?", path):
        found = _STEP.fullmatch(part)
        if found is None:
            raise MappingError(f"not a path of elements: {path!r}", file=file)
        steps.append((found[1], int(found[2] or 0), found[3] or ""))
    return steps


def _changed(
    node: Any, steps: list[tuple[str, int, str]], change: Any, blocks: Mapping[str, Any], where: str
) -> Written:
    if not steps:
        return merge(node, change, blocks, where)
    (name, position, case), rest = steps[0], steps[1:]
    result = dict(expand(node, blocks, where))
    children = dict(result.get("children", {}))
    below = children.get(name)
    if below is None and (position or case or rest):
        raise MappingError(f"{where}: there is no element {name!r} to change")
    if change == ABSENT and not rest and not position and not case:
        children.pop(name, None)
    elif not rest and not position and not case and not isinstance(change, dict):
        children[name] = change
    elif position:
        children[name] = [
            _changed(item, rest, change, blocks, where) if n == position else item
            for n, item in enumerate(below or (), 1)
        ]
    elif case:
        switch = dict(expand(below, blocks, where))
        cases = {str(key): value for key, value in switch["cases"].items()}
        if case not in cases:
            raise MappingError(f"{where}: there is no case {case!r}")
        if change == ABSENT and not rest:
            cases.pop(case)
        else:
            cases[case] = _changed(cases[case], rest, change, blocks, where)
        children[name] = {**switch, "cases": cases}
    else:
        children[name] = _changed(below if below is not None else {}, rest, change, blocks, where)
    return {**result, "children": children}


def names(catalogue: Catalogue) -> Iterator[str]:
    """Names of all files of the folder, without the ending."""
    for file in catalogue.files(FOLDER):
        yield file.removesuffix(".yaml")
