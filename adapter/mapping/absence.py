"""Why a value is absent: what the sender says, as a nullFlavor that the place takes.

A sender says it in the extension data-absent-reason (on an element, or beside a primitive in ``_birthDate``), in
iso21090-nullFlavor, or in ``dataAbsentReason`` beside the value of an Observation. The concept map
``data-absent-reason`` turns it into a nullFlavor; ``given`` of a field says which of them its place takes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from adapter.mapping.fhirpath import Expression, compile_expression

if TYPE_CHECKING:
    from adapter.mapping.model import Field

#: The concept map that turns reasons into nullFlavors.
CONCEPT: Final = "data-absent-reason"

_EXTENSIONS: Final = (
    "http://hl7.org/fhir/StructureDefinition/iso21090-nullFlavor",
    "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
)
#: A path that ends in the value of an Observation or of its component.
_VALUE: Final = re.compile(r"(?:(?P<owner>.*)\.)?value(?:[A-Z][A-Za-z0-9]*|\.ofType\([A-Za-z]+\))?")


@dataclass(frozen=True, slots=True)
class Given:
    """``absent: {given: …}`` of a field.

    Attributes:
        flavors: nullFlavor of the sender → what is written.
        sources: where the reason is looked for; empty: at the sources of the field.
    """

    flavors: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[Expression, ...] = ()


def reasons(spec: Field) -> tuple[Expression, ...]:
    """Expressions for the reason why a field has no value; of an identifier, from the Identifier."""
    if spec.given is None or spec.given.sources:
        return spec.given.sources if spec.given else ()
    texts = ["value"] if spec.identifier else [source.text for source in spec.sources]
    found = [f"({text}).extension('{url}').value" for text in texts for url in _EXTENSIONS]
    for text in texts if not spec.identifier else ():
        match = _VALUE.fullmatch(text)
        if match:
            owner = match["owner"]
            found.append(f"{owner}.dataAbsentReason" if owner else "dataAbsentReason")
    return tuple(compile_expression(text) for text in found)
