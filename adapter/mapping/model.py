"""What a mapping says, as values: fields, maps, documents, routes. Read by :mod:`adapter.mapping.load`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from adapter.findings import Severity, Text
from adapter.mapping.absence import Given
from adapter.mapping.fhirpath import Expression

#: An expression that is the path of an element and nothing else.
_ELEMENT: Final = re.compile(r"[a-z]\w*(?:\.[a-z]\w*)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Conversion:
    """A converter with its arguments."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a map.

    Attributes:
        rule: id of the rule, the path from the map: ``patient.snils``.
        file, line: where it stands.
        sources: alternatives of ``from`` or ``each``.
        each: every value is taken.
        identifier: canonical kind of identifier.
        constant: literal value (``None`` = none); ``coding`` is (system, code).
        fields: nested fields, empty where there are none.
        required: severity of its absence.
        absent: nullFlavor where there is nothing.
        given: nullFlavors that are taken from the sender where there is nothing.
        dropped: what is there and has no place in the fact: a note.
    """

    rule: str
    file: str
    line: int
    sources: tuple[Expression, ...] = ()
    each: bool = False
    identifier: str = ""
    constant: Any = None
    coding: tuple[str, str] | None = None
    use: str = ""
    fields: Mapping[str, Field] = field(default_factory=dict)
    let: Mapping[str, Field] = field(default_factory=dict)
    when: Expression | None = None
    converters: tuple[Conversion, ...] = ()
    concept: str = ""
    required: Severity | None = None
    absent: str = ""
    given: Given | None = None
    dropped: Expression | None = None
    hint: Text | None = None
    note: str = ""

    def asides(self) -> Iterator[Expression]:
        """Expressions that decide about the value, or tell of what is left out, and are no part of it."""
        if self.when is not None:
            yield self.when
        if self.dropped is not None:
            yield self.dropped
        if self.given is not None:
            yield from self.given.sources

    def expressions(self) -> Iterator[Expression]:
        """The expressions of the rule itself, without those of the fields in it."""
        yield from self.sources
        yield from self.asides()

    def place(self, at: str) -> str:
        """FHIRPath of what gives the value, where the FHIRPath of the focus is ``at``."""
        if not self.sources or not _ELEMENT.fullmatch(self.sources[0].text):
            return at
        return f"{at}.{self.sources[0].text}" if at else self.sources[0].text

    def advice(self, kind: str) -> Text:
        """What to fill so that the field has a value.

        Args:
            kind: FHIR type of the focus, empty where it is unknown.
        """
        if self.hint is not None:
            return self.hint
        wanted = " | ".join(expression.text for expression in self.sources) or self.rule
        if self.identifier:
            wanted = f"identifier ({self.identifier})"
        where = f"{kind}.{wanted}" if kind and not wanted.startswith("%") else wanted
        return Text(f"Заполните {where}.", f"Fill {where}.")


@dataclass(frozen=True, slots=True)
class MessageForm:
    """How the fact ``body`` of a message becomes bytes.

    Attributes:
        form: ``json``, ``soap`` or ``xml``.
        schema: file in ``mappings/registers/schemas``: JSON Schema, WSDL or XSD.
        element: ``{namespace}name`` of the body of SOAP; ``{namespace}`` alone: the name is the fact ``operation``.
        template: path under ``templates/`` of an XML message.
    """

    form: str
    schema: str
    element: str = ""
    template: str = ""


@dataclass(frozen=True, slots=True)
class MapSpec:
    """A map of a resource or datatype, or (``header`` and ``template``) a document, or (``message``) a message.

    Attributes:
        source: FHIR types of the focus.
        extends: id of the map that it inherits from, empty for none.
    """

    id: str
    file: str
    source: tuple[str, ...]
    let: Mapping[str, Field]
    fields: Mapping[str, Field]
    template: str = ""
    header: Mapping[str, Any] = field(default_factory=dict)
    extends: str = ""
    message: MessageForm | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Which resources yield a product.

    Attributes:
        products: id of a document or message, or of several that are editions of one document.
        focus: FHIR type.
        when: condition on the resource.
        on: whether it is taken where the organisation says nothing of it.
        file: where it stands.
        each: parts of the resource that yield one product each; ``None``: the resource itself does.
    """

    id: str
    products: tuple[str, ...]
    focus: str
    when: Expression | None
    on: bool = True
    note: str = ""
    file: str = "mappings/routes.yaml"
    each: Expression | None = None


def products_of(value: Any) -> tuple[str, ...] | None:
    """What a route makes, written as a string or a list of them; ``None`` where it is neither."""
    listed = value if isinstance(value, list) else [value]
    return tuple(listed) if listed and all(isinstance(one, str) and one for one in listed) else None
