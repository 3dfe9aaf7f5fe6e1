"""``egisz map lint``: what is wrong with mappings and templates before a Bundle has come.

Every rule has a stable code (``LNT…``), documented in ``conformance/codes.yaml``. Faults that keep a catalogue from
loading are no findings but :class:`~adapter.errors.MappingError`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from adapter.catalogue import Catalogue
from adapter.findings import Finding, Severity
from adapter.mapping.lint.concepts import concept_rows, holes
from adapter.mapping.lint.expressions import expressions
from adapter.mapping.lint.facts import facts_and_templates
from adapter.mapping.lint.messages import messages
from adapter.mapping.lint.subject import Subject
from adapter.mapping.lint.usage import lets, routes, tests, unused
from adapter.mapping.mappings import Mappings
from adapter.nsi.terms import Terms
from adapter.organisation import Organisation

RULES: Final[tuple[Callable[[Subject], Iterator[Finding]], ...]] = (
    expressions,
    concept_rows,
    holes,
    facts_and_templates,
    messages,
    lets,
    unused,
    routes,
    tests,
)
_ORDER: Final = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


def lint(catalogue: Catalogue, mappings: Mappings, organisation: Organisation, terms: Terms) -> list[Finding]:
    """Findings about a catalogue: by file, line and code.

    Raises:
        MappingError: a template or a test is not readable at all.
    """
    subject = Subject(catalogue, mappings, organisation, terms)
    found = {finding for rule in RULES for finding in rule(subject)}
    return sorted(
        found, key=lambda one: (one.place.file, one.place.line, _ORDER.index(one.severity), one.code, one.rule)
    )
