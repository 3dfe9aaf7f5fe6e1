"""Hypothesis strategies for FHIR Bundles in the Russian dialects, for tests of senders and of this project.

::

    from hypothesis import given
    from conformance.strategies import Dialect, as_json, vaccination_bundles

    @given(vaccination_bundles(dialect=Dialect.FRCORE, version="R4"))
    def test_our_gateway_accepts(bundle):
        assert gateway.post(as_json(bundle)).status == 200

It needs hypothesis (``egisz-adapter[testing]``), which nothing else here imports. All people are invented.
"""

from conformance.strategies.broken import Broken, broken_bundles
from conformance.strategies.bundles import (
    HostileBundle,
    as_json,
    bundles,
    encounter_bundles,
    hostile_bundles,
    vaccination_bundles,
)
from conformance.strategies.identifiers import Dialect, identifiers, snils
from conformance.strategies.parts import KINDS, Planted
from conformance.strategies.people import patients
from conformance.strategies.texts import hostile_texts, long_texts, words

__all__ = [
    "KINDS",
    "Broken",
    "Dialect",
    "HostileBundle",
    "Planted",
    "as_json",
    "broken_bundles",
    "bundles",
    "encounter_bundles",
    "hostile_bundles",
    "hostile_texts",
    "identifiers",
    "long_texts",
    "patients",
    "snils",
    "vaccination_bundles",
    "words",
]
