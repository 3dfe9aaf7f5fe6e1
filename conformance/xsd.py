"""The XSD layer: libxml2 validates, our own words say what is wrong and where.

libxml2's messages quote the offending value; here only what the schema itself says (allowed names, fixed values,
patterns, types) is kept.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

from lxml import etree

from adapter.errors import PackError
from adapter.findings import Finding, Place, Severity, Text
from adapter.xml import Element, ElementTree, Locator
from conformance.xsd_messages import explain


class Schema:
    """A compiled XSD; safe to use from several threads."""

    def __init__(self, entry: Path) -> None:
        self._entry = entry
        self._schema = _compile(entry)
        self._detail: etree.XMLSchema | None = None
        self._lock = threading.Lock()

    def accepts(self, tree: ElementTree) -> bool:
        """Whether the document is valid; the fast path."""
        return bool(self._schema(tree))

    def validate(self, tree: ElementTree) -> list[Finding]:
        """All violations in document order, code XSD01."""
        return [] if self.accepts(tree) else self._findings(tree)

    def _findings(self, tree: ElementTree) -> list[Finding]:
        # The error log belongs to the schema object: a second one, used by one thread at a time, keeps it whole.
        with self._lock:
            if self._detail is None:
                self._detail = _compile(self._entry)
            self._detail(tree)
            locator = Locator()
            return [self._finding(entry, tree, locator) for entry in self._detail.error_log]

    @staticmethod
    def _finding(entry: Any, tree: ElementTree, locate: Locator) -> Finding:
        element = _element(tree.getroot(), entry.path or "")
        xpath = "" if element is None else locate(element)
        message, hint = explain(entry.type_name, entry.message)
        return Finding(
            "XSD01",
            Severity.ERROR,
            message,
            hint,
            Place(line=entry.line),
            xpath,
            entry.type_name.removeprefix("SCHEMAV_"),
        )


def _element(root: Element, path: str) -> Element | None:
    """The element at a path of libxml2, which names prefixes as the document does and so is no XPath to evaluate.

    ``/*/*[12]/identity:Series[2]``: ``*`` counts all elements, a name only its own.
    """
    found: Element | None = None
    for step in filter(None, path.split("/")):
        name, _, index = step.rstrip("]").partition("[")
        if name.startswith("@"):
            break
        among = [root] if found is None else found.iterchildren("*")
        same = [element for element in among if name in ("*", _qualified(element))]
        number = int(index or 1)
        if number > len(same):
            return None
        found = same[number - 1]
    return found


def _qualified(element: Element) -> str:
    local = etree.QName(element).localname
    return f"{element.prefix}:{local}" if element.prefix else local


def _compile(entry: Path) -> etree.XMLSchema:
    try:
        return etree.XMLSchema(file=str(entry))
    except (etree.XMLSchemaParseError, OSError) as error:
        last = error.error_log.last_error if isinstance(error, etree.LxmlError) else None
        line = f":{last.line}" if last is not None else ""
        raise PackError(
            Text(
                f"Схема {entry.name}{line} не компилируется.",
                f"The schema {entry.name}{line} does not compile.",
            )
        ) from None


@lru_cache(maxsize=256)
def _cached(entry: Path, _stamp: tuple[int, int]) -> Schema:
    return Schema(entry)


def load_schema(entry: Path) -> Schema:
    """The schema whose entry file is ``entry`` (``CDA.xsd``), compiled once a process.

    Raises:
        PackError: it is missing or does not compile.
    """
    try:
        stat = entry.stat()
    except OSError:
        raise PackError(Text(f"Нет файла схемы {entry.name}.", f"The schema file {entry.name} is missing.")) from None
    return _cached(entry, (stat.st_mtime_ns, stat.st_size))
