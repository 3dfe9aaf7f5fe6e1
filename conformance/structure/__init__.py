"""Checks of the structure of a document by the definition of its kind (``mappings/structures``), without a pack.

They tell most of what the Ministry's schema and Schematron of the kind would say. Where its pack is installed, the
official verdict speaks and these checks are not needed.
"""

from __future__ import annotations

import threading
from typing import Final

from adapter.catalogue import Catalogue
from adapter.errors import MappingError, UsageError
from adapter.findings import Finding, Text
from adapter.xml import HL7, ElementTree, Locator
from conformance.structure.node import Compiler, Node
from conformance.structure.source import names, read
from conformance.structure.walk import Broken, walk
from conformance.structure.words import finding

__all__ = ["Structures", "check_without_pack", "load"]

_ROOT: Final = f"{{{HL7}}}ClinicalDocument"


class Structures:
    """The structures of a catalogue, each compiled when it is first asked for. Safe to use from several threads."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._compiled: dict[str, Node] = {}
        self._lock = threading.Lock()
        #: Codes of the kinds that have a structure: files named by a code of 11.1520.
        self.kinds: tuple[str, ...] = tuple(name for name in names(catalogue) if name[:1].isdigit())

    def node(self, kind: str) -> Node:
        """The compiled structure of a kind.

        Raises:
            UsageError: it has none.
            MappingError: a file is wrong.
        """
        if kind not in self.kinds:
            raise UsageError(Text(f"нет структуры вида {kind}", f"there is no structure of kind {kind}"))
        with self._lock:
            if kind not in self._compiled:
                source = read(self._catalogue, kind)
                if source.kind != kind:
                    raise MappingError(f"the file of kind {kind} must say kind: {kind!r}", file=f"{kind}.yaml")
                self._compiled[kind] = Compiler(source).document()
            return self._compiled[kind]

    def accepts(self, tree: ElementTree, kind: str) -> bool:
        """Whether nothing is wrong; finds no places."""
        root = tree.getroot()
        return root.tag == _ROOT and not walk(root, self.node(kind))

    def check(self, tree: ElementTree, kind: str) -> list[Finding]:
        """Everything that is wrong with the structure, codes STR, in document order.

        Raises:
            UsageError: the kind has no structure.
            MappingError: a file of the structure is wrong.
        """
        root, node = tree.getroot(), self.node(kind)
        broken = walk(root, node) if root.tag == _ROOT else [Broken("STR03", root, node.path)]
        if not broken:
            return []
        wanted = {item.element for item in broken}
        order = {element: n for n, element in enumerate(root.iter("*")) if element in wanted}
        broken.sort(key=lambda item: (order[item.element], item.code))
        locate = Locator()
        return [finding(item, kind, locate) for item in broken]


def load(catalogue: Catalogue) -> Structures:
    """The structures of a catalogue."""
    return Structures(catalogue)


def check_without_pack(tree: ElementTree, kind: str, structures: Structures, *, installed: bool) -> list[Finding]:
    """What the stage of our own rules adds: the structure, where no pack of the kind speaks.

    Args:
        kind: code of the kind.
        installed: a pack of the kind is installed.

    Returns:
        Findings in document order; none where a pack is installed, or where the kind has no structure.
    """
    return [] if installed or kind not in structures.kinds else structures.check(tree, kind)
