"""pytest plugin for teams whose programs make СЭМД: ``assert_conformant`` and its fixtures.

It is loaded in every pytest run of an environment that has this package, so it imports the rest only when used.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

if TYPE_CHECKING:
    from adapter.xml import Element, ElementTree
    from conformance import Checker
    from conformance.report import Report

    Document: TypeAlias = bytes | str | Path | Element | ElementTree


class PartlyChecked(UserWarning):
    """Nothing was found, but something could not be checked (a pack or a book is absent).

    ``-W error::conformance.pytest_plugin.PartlyChecked`` turns it into a failure.
    """


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the plugin."""
    group = parser.getgroup("egisz", "conformance of СЭМД")
    group.addoption("--egisz-packs", metavar="DIR", type=Path, help="installed packs (default: as egisz check)")
    group.addoption("--egisz-nsi", metavar="DIR", type=Path, help="imported НСИ books (default: as egisz check)")


@pytest.fixture(scope="session")
def conformance_checker(request: pytest.FixtureRequest) -> Checker:
    """A checker for the whole run, over ``--egisz-packs`` and ``--egisz-nsi``."""
    return _checker(request.config.getoption("--egisz-packs"), request.config.getoption("--egisz-nsi"))


@pytest.fixture(name="assert_conformant")
def _assert_conformant(conformance_checker: Checker) -> Callable[..., Report]:
    """:func:`assert_conformant` with the checker of the run."""

    def check(xml: Document, *, kind: str | None = None, allow: Collection[str] = ()) -> Report:
        __tracebackhide__ = True
        return _assert(conformance_checker, xml, kind, allow)

    return check


def assert_conformant(xml: Document, *, kind: str | None = None, allow: Collection[str] = ()) -> Report:
    """Fail unless a document has no errors.

    Args:
        xml: the document: bytes, text of XML, a path, or an lxml element or tree.
        kind: check it as this kind; found out where not given.
        allow: codes of findings (``NSI02``) or ids of rules (``170.sch:31``) that do not count.

    Returns:
        The report, for further assertions.

    Raises:
        AssertionError: with the text report; it names places and rules, never a value of the document.
    """
    __tracebackhide__ = True
    return _assert(_checker(None, None), xml, kind, allow)


def _assert(checker: Checker, xml: Document, kind: str | None, allow: Collection[str]) -> Report:
    __tracebackhide__ = True
    from dataclasses import replace

    from adapter.settings import settings
    from conformance.reporters import render
    from conformance.reporters.words import gaps_text

    report = checker.check(_bytes(xml), source=str(xml) if isinstance(xml, Path) else "", kind=kind)
    kept = tuple(found for found in report.findings if found.code not in allow and found.rule not in allow)
    judged = replace(report, findings=kept)
    language = settings().lang
    if not judged.ok:
        raise AssertionError("\n" + render("text", [judged], language=language))
    gaps = gaps_text(judged, language)
    if gaps:
        warnings.warn(PartlyChecked(gaps), stacklevel=3)
    return report


def _bytes(xml: Document) -> bytes:
    if isinstance(xml, bytes):
        return xml
    if isinstance(xml, str):
        return xml.encode("utf-8")
    if isinstance(xml, Path):
        return xml.read_bytes()
    from lxml import etree

    return etree.tostring(xml, encoding="UTF-8", xml_declaration=True)


_made: dict[tuple[Path, Path], Checker] = {}


def _checker(packs: Path | None, nsi: Path | None) -> Checker:
    """The checker over these folders (those of the settings where not given), made once a process."""
    from adapter.settings import settings
    from conformance.batch import Setup, make_checker

    key = (packs or settings().packs_dir, nsi or settings().nsi_dir)
    if key not in _made:
        _made[key] = make_checker(Setup(*key, kind=None, max_bytes=settings().xml_max_bytes))
    return _made[key]
