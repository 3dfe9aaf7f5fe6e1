"""Words that all parts of reading FHIR share: version, limits, what was read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from adapter.findings import Finding
from adapter.settings import settings

Resource = dict[str, Any]

#: The class of a JSON number with a fraction is ``decimal.Decimal``, so that ``36.60`` stays ``36.60``.
Json = Any


class FhirVersion(StrEnum):
    """A release of FHIR that is read; the value is the number that FHIR itself writes."""

    R4 = "4.0.1"
    R4B = "4.3.0"
    R5 = "5.0.0"


@dataclass(frozen=True, slots=True)
class FhirLimits:
    """Bounds on what is read; more is refused with a finding.

    Attributes:
        max_bytes: of the whole input.
        max_depth: nested objects of one resource or Bundle.
        max_entries: resources of one Bundle, and lines of NDJSON.
    """

    max_bytes: int = 64 * 1024 * 1024
    max_depth: int = 100
    max_entries: int = 10_000

    @classmethod
    def configured(cls) -> FhirLimits:
        """The bounds that the settings of the process name."""
        conf = settings()
        return cls(conf.fhir_max_bytes, conf.fhir_max_depth, conf.fhir_max_entries)


DEFAULT_LIMITS: Final = FhirLimits()


@dataclass(frozen=True, slots=True)
class Reading:
    """One Bundle that was read.

    Attributes:
        bundle: a Bundle as JSON has it (a single resource is wrapped into a ``collection``).
        version: detected, or the one asked for.
        findings: of the text, the version and the structure; references are checked by
            :class:`adapter.fhir.graph.Graph`.
        index: 0-based number among the Bundles of the input.
    """

    bundle: Resource
    version: FhirVersion
    findings: tuple[Finding, ...]
    index: int = 0
