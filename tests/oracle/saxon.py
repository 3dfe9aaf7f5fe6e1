"""Running the oracle's stylesheets in SaxonC."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import saxonche
from lxml import etree

from adapter.xml import HL7, parse
from tests.oracle.stylesheet import Source, oracle_stylesheet, read

#: A rule's id and the place of the context node.
Hit = tuple[str, str]


@functools.cache
def processor() -> saxonche.PySaxonProcessor:
    """The one processor of the process: SaxonC leaks with many and fails in several threads."""
    return saxonche.PySaxonProcessor(license=False)


def without_namespace(tree: etree._ElementTree) -> bytes:
    """``tree`` with the elements of ``urn:hl7-org:v3`` in no namespace, serialised.

    The Ministry's validator removes the text of the default namespace declaration before the Schematron sees
    the document; this does the same for any spelling of it. ``tree`` itself is changed.
    """
    for element in tree.iter(f"{{{HL7}}}*"):
        element.tag = etree.QName(element).localname
    etree.cleanup_namespaces(tree)
    return etree.tostring(tree, encoding="UTF-8")


def compile_stylesheet(text: str) -> Callable[[bytes], str]:
    """A function from a document to the serialised result of the stylesheet ``text``.

    Raises:
        saxonche.PySaxonApiError: the stylesheet does not compile (undeclared prefix, wrong regex).
    """
    executable = processor().new_xslt30_processor().compile_stylesheet(stylesheet_text=text)
    builder = processor().new_document_builder()

    def run(data: bytes) -> str:
        node = builder.parse_xml(xml_text=data.decode("utf-8"))
        return executable.transform_to_string(xdm_node=node) or ""

    return run


@dataclass(frozen=True, slots=True)
class OracleResult:
    """What Saxon says of a document: faults, and rules that it stopped with a dynamic error."""

    failures: set[Hit]
    errors: set[Hit]


class SaxonOracle:
    """A Schematron compiled for SaxonC. Use it in one thread only."""

    def __init__(self, path: Path) -> None:
        self.source: Source = read(path)
        self._run = compile_stylesheet(oracle_stylesheet(path, namespace=""))

    def run(self, data: bytes) -> OracleResult:
        """Validate ``data`` (UTF-8, any spelling of the namespace)."""
        result = OracleResult(set(), set())
        for line in self._run(without_namespace(parse(data))).splitlines():
            rule_id, kind, place = line.split("|", 2)
            (result.errors if kind == "error" else result.failures).add((rule_id, place))
        return result
