"""Fragments of CDA that templates write most often, as filters: ``{{ a.state|coded("address:stateCode") }}``.

They run some hundred times a document, where a Jinja macro, or a global function, costs several times as much. Each
returns ``Markup``; every value in it has been escaped here, once. A fact that is a null is written with its nullFlavor;
a fact that is absent where the element must stand is written with ``nullFlavor="NI"``, which the checks then name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from markupsafe import Markup, escape

from adapter.facts import II, Coding, Null, Quantity

#: Of an element that must stand and whose fact is absent: "no information".
NO_INFORMATION: Final = "NI"
SNILS: Final = "1.2.643.100.3"

_EMPTY: Final = Markup()
#: Whether a text has anything to escape in an attribute: most have not, and searching is cheaper than escaping.
_special: Final = re.compile("[&<>\"'\n\t]").search


def markup(written: str) -> Markup:
    """``written`` as markup: every value in it has been escaped. Skips what ``Markup()`` does for other types."""
    return str.__new__(Markup, written)


def escaped(value: object) -> str:
    """``value`` for use as text."""
    text = str(value)
    return str(escape(text)) if _special(text) else text


def attribute(value: object) -> Markup:
    """``value`` for use between double quotes; tabs and line ends survive the parser as character references."""
    text = str(value)
    if _special(text):
        text = str(escape(text)).replace("\n", "&#10;").replace("\t", "&#9;")
    return markup(text)


def null(fact: Any, tag: str, flavor: str = NO_INFORMATION, kind: str = "") -> Markup:
    """``<tag nullFlavor="…"/>`` with the flavor of ``fact`` where it is a null, else ``flavor``."""
    typed = f' xsi:type="{kind}"' if kind else ""
    return markup(f'<{tag}{typed} nullFlavor="{attribute(fact.flavor if isinstance(fact, Null) else flavor)}"/>')


@lru_cache(maxsize=8192)
def _coded(tag: str, coding: Coding, kind: str) -> Markup:
    typed = f' xsi:type="{kind}"' if kind else ""
    return markup(f"<{tag}{typed}{code_attributes(coding)}/>")


def code_attributes(coding: Coding) -> str:
    """The five attributes of a coded element, with a leading space."""
    return (
        f' code="{attribute(coding.code)}" codeSystem="{attribute(coding.system)}"'
        f' codeSystemVersion="{attribute(coding.version)}" codeSystemName="{attribute(coding.system_name)}"'
        f' displayName="{attribute(coding.display)}"'
    )


def coded(fact: Coding | Null | None, tag: str = "code", kind: str = "", version: str = "") -> Markup:
    """A coded element.

    Args:
        fact: the coding.
        tag: qualified name.
        kind: ``xsi:type``, empty for none.
        version: version of the book where the schema fixes one; empty for the coding's own.
    """
    if fact is None or isinstance(fact, Null):
        return null(fact, tag, kind=kind)
    return _coded(tag, fact._replace(version=version) if version else fact, kind)


def coded_with(fact: Coding | Null | None, tag: str, translation: Coding, kind: str = "") -> Markup:
    """A coded element that holds its ``translation``; ``kind`` its ``xsi:type``."""
    if fact is None or isinstance(fact, Null):
        return null(fact, tag, kind=kind)
    typed = f' xsi:type="{kind}"' if kind else ""
    return markup(f"<{tag}{typed}{code_attributes(fact)}>{coded(translation, 'translation')}</{tag}>")


def coded_as(fact: Coding, original: str, tag: str = "code") -> Markup:
    """A coded element with the sender's own words as ``originalText``."""
    return markup(f"<{tag}{code_attributes(fact)}>{text(original, 'originalText')}</{tag}>")


def qualified(fact: Coding | Null | None, qualifier: Coding, tag: str = "code") -> Markup:
    """A coded element that a ``qualifier`` says more of."""
    if fact is None or isinstance(fact, Null):
        return null(fact, tag)
    return markup(f"<{tag}{code_attributes(fact)}><qualifier>{value(qualifier)}</qualifier></{tag}>")


def ii(fact: II | Null | None, tag: str = "id") -> Markup:
    """An instance identifier."""
    if fact is None or isinstance(fact, Null):
        return null(fact, tag)
    return markup(f'<{tag} root="{attribute(fact.root)}" extension="{attribute(fact.extension)}"/>')


def snils(fact: str | Null | None) -> Markup:
    """The СНИЛС as an identifier."""
    return markup(f'<id root="{SNILS}" extension="{attribute(fact)}"/>') if fact else null(fact, "id")


def text(fact: Any, tag: str, kind: str = "") -> Markup:
    """An element with text, ``kind`` its ``xsi:type``."""
    if fact is None or isinstance(fact, Null):
        return null(fact, tag, kind=kind)
    typed = f' xsi:type="{kind}"' if kind else ""
    return markup(f"<{tag}{typed}>{escaped(fact)}</{tag}>")


def time(fact: str | Null | None, tag: str, kind: str = "") -> Markup:
    """A point in time: ``<tag value="…"/>``."""
    if fact is None or isinstance(fact, Null):
        return null(fact, tag, kind=kind)
    typed = f' xsi:type="{kind}"' if kind else ""
    return markup(f'<{tag}{typed} value="{attribute(fact)}"/>')


def organization_id(fact: Any) -> Markup:
    """The id of an organization: its OID, and its department as extension where there is one."""
    if not fact.oid:
        return null(fact.oid, "id")
    extension = f' extension="{attribute(fact.department)}"' if fact.department else ""
    return markup(f'<id root="{attribute(fact.oid)}"{extension}/>')


def fias(fact: Any) -> Markup:
    """``fias:Address``: GUIDs of the street and of the house."""
    if fact is None or isinstance(fact, Null):
        return null(fact, "fias:Address")
    street, house = text(fact.aoguid, "fias:AOGUID"), text(fact.houseguid, "fias:HOUSEGUID")
    return markup(f"<fias:Address>{street}{house}</fias:Address>")


def telecoms(facts: Iterable[Any] | None) -> Markup:
    """``telecom`` elements, none where there are no contacts."""
    if not facts:
        return _EMPTY
    parts = (
        f'<telecom value="{attribute(fact.value)}"' + (f' use="{attribute(fact.use)}"/>' if fact.use else "/>")
        for fact in facts
    )
    return markup("\n".join(parts))


def value(fact: Any, kind: str = "ST") -> Markup:
    """``value`` of an observation; its ``xsi:type`` follows from the fact.

    Args:
        fact: coding (CD), quantity (PQ), boolean (BL), integer (INT) or text (ST).
        kind: ``xsi:type`` of a null.
    """
    if isinstance(fact, Coding):
        return _coded("value", fact, "CD")
    if isinstance(fact, Quantity):
        return quantity(fact, "value", "PQ")
    if isinstance(fact, bool):
        return markup(f'<value xsi:type="BL" value="{"true" if fact else "false"}"/>')
    if isinstance(fact, int):
        return markup(f'<value xsi:type="INT" value="{fact}"/>')
    if fact is None or isinstance(fact, Null):
        return null(fact, "value", kind=kind)
    return markup(f'<value xsi:type="ST">{escaped(fact)}</value>')


def quantity(fact: Quantity | Null | None, tag: str, kind: str = "") -> Markup:
    """A physical quantity in UCUM (``1`` where it has no unit), its unit of 11.1358 as ``translation`` where known."""
    if fact is None or isinstance(fact, Null):
        return null(fact, tag, kind=kind)
    typed = f' xsi:type="{kind}"' if kind else ""
    number = attribute(fact.value)
    head = f'<{tag}{typed} value="{number}" unit="{attribute(fact.ucum or fact.unit or "1")}"'
    if fact.translation is None:
        return markup(f"{head}/>")
    return markup(f'{head}><translation value="{number}"{code_attributes(fact.translation)}/></{tag}>')
