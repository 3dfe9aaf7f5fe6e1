"""Reports in the forms that people and machines read.

Every format is a module with one function ``render(reports, options) -> str``; :func:`render` finds it by its
name.

======  ===========================================================================================
text    for a person at a terminal
json    the stable machine form; its JSON Schema is :func:`conformance.reporters.json.schema`
sarif   SARIF 2.1.0, for code scanning
junit   JUnit XML, a suite a document, a case a stage
html    one self-contained page with the document beside the findings (holds values of the document)
======  ===========================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Final, cast

from adapter.errors import UsageError
from conformance.report import Report

FORMATS: Final = ("text", "json", "sarif", "junit", "html")


@dataclass(frozen=True, slots=True)
class Options:
    """How to render.

    Attributes:
        language: ``ru`` or ``en``.
        documents: the checked documents by ``Report.source``; only html shows them.
        width: columns of the terminal, for text.
        colour: whether text may hold ANSI colours.
        quiet: text only: leave out documents without errors, and the summary.
    """

    language: str = "ru"
    documents: Mapping[str, bytes] = field(default_factory=dict)
    width: int = 100
    colour: bool = False
    quiet: bool = False


Renderer = Callable[[Sequence[Report], Options], str]


def renderer(format_name: str) -> Renderer:
    """The function that renders ``format_name``; its module is imported only now.

    Raises:
        UsageError: there is no such format.
    """
    if format_name not in FORMATS:
        raise UsageError(f"unknown format {format_name!r}: one of {', '.join(FORMATS)}")
    return cast("Renderer", import_module(f"conformance.reporters.{format_name}").render)


def render(
    format_name: str,
    reports: Sequence[Report],
    *,
    language: str = "ru",
    documents: Mapping[str, bytes] | None = None,
) -> str:
    """Render reports in the format of that name, without colours; see :class:`Options` for more."""
    return renderer(format_name)(reports, Options(language=language, documents=documents or {}))
