"""Reading FHIR: bytes to checked Bundles, and the graph of their resources.

``read`` gives a :class:`Reading` for each Bundle of an input; :class:`Graph` follows its references;
``operation_outcome`` puts findings into FHIR's own form.
"""

from __future__ import annotations

from adapter.fhir.graph import Graph
from adapter.fhir.model import FhirLimits, FhirVersion, Reading
from adapter.fhir.outcome import operation_outcome
from adapter.fhir.reading import read, read_file
from adapter.fhir.validation import validate

__all__ = ["FhirLimits", "FhirVersion", "Graph", "Reading", "operation_outcome", "read", "read_file", "validate"]
