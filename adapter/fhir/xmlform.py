"""FHIR XML as the same values that FHIR JSON has.

Lists and types are not visible in XML, so the structure of the models is asked. What it does not know is kept in the
plainest form, and validation then names it.
"""

from __future__ import annotations

import re
from typing import Any, Final

from lxml import etree

from adapter.fhir.model import Resource
from adapter.fhir.primitives import PRIMITIVES
from adapter.fhir.structure import Field, Structure, Type
from adapter.fhir.text import NumberOutOfRange, number, refuse
from adapter.findings import Text

NAMESPACE: Final = "http://hl7.org/fhir"
XHTML: Final = "http://www.w3.org/1999/xhtml"
_DIV: Final = f"{{{XHTML}}}div"
_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NO_FIELD: Final = Field("", many=False)


def from_xml(root: etree._Element, types: Structure) -> Resource:
    """A resource in XML as JSON has it.

    Raises:
        InputError: FHIR08, the root is no FHIR resource.
    """
    if etree.QName(root).namespace != NAMESPACE:
        raise refuse(
            "FHIR08",
            Text("Корневой элемент не из пространства имён FHIR.", "The root element is not in the namespace of FHIR."),
            Text(f'Ресурс FHIR начинается с xmlns="{NAMESPACE}".', f'A FHIR resource begins with xmlns="{NAMESPACE}".'),
            line=root.sourceline or 1,
        )
    return _resource(root, types)


def _resource(element: etree._Element, types: Structure) -> Resource:
    name = etree.QName(element).localname
    return {"resourceType": name} | _object(element, types, types.resource(name))


def _object(element: etree._Element, types: Structure, one: Type | None) -> dict[str, Any]:
    """Attributes and children of an element of a complex type; ``one`` is ``None`` where the type is not known."""
    found: dict[str, Any] = dict(_attributes(element))
    for child in element.iterchildren(etree.Element):
        if child.tag == _DIV:
            found["div"] = _narrative(child)
            continue
        name = etree.QName(child).localname
        field = (one.fields.get(name) if one is not None else None) or _NO_FIELD
        value, extra = _value(child, types, field)
        _put(found, name, value, extra, many=field.many)
    return found


def _attributes(element: etree._Element) -> list[tuple[str, str]]:
    return [(str(name), str(value)) for name, value in element.attrib.items() if not str(name).startswith("{")]


def _put(found: dict[str, Any], name: str, value: Any, extra: dict[str, Any] | None, *, many: bool) -> None:
    """Add an element: repeated ones become lists, ``_name`` keeps step with ``name`` by nulls."""
    if not many and name not in found and f"_{name}" not in found:
        if value is not None:
            found[name] = value
        if extra:
            found[f"_{name}"] = extra
        return
    values = found.get(name, [])
    values = values if isinstance(values, list) else [values]
    extras = found.get(f"_{name}")
    extras = extras if isinstance(extras, list) else [extras] if extras else []
    extras += [None] * (len(values) - len(extras)) if extras or extra else []
    values += [None] * (len(extras) - len(values))
    found[name] = [*values, value]
    if extra or extras:
        found[f"_{name}"] = [*extras, extra or None]
    if all(item is None for item in found[name]):
        del found[name]


def _value(element: etree._Element, types: Structure, field: Field) -> tuple[Any, dict[str, Any] | None]:
    """The value of an element, and the extension and id of a primitive one."""
    if field.type == "Resource":
        inner = next(element.iterchildren(etree.Element), None)
        return (_resource(inner, types) if inner is not None else {}), None
    if field.primitive or (not field.type and "value" in element.attrib):
        text = element.get("value")
        extra = _object(element, types, types.type("FHIRPrimitiveExtension"))
        extra.pop("value", None)
        return (None if text is None else _scalar(text, field.type)), extra or None
    return _object(element, types, types.type(field.type) if field.type else None), None


def _scalar(text: str, kind: str) -> Any:
    """A value as JSON has it; a text that is no value of its type stays a text, for validation to name."""
    json_kind = PRIMITIVES[kind].kind if kind else "string"
    if json_kind == "boolean":
        return {"true": True, "false": False}.get(text.strip(), text)
    if json_kind == "integer" and _WHOLE.fullmatch(text.strip()):
        return int(text)
    if json_kind == "number" and _NUMBER.fullmatch(text.strip()):
        return _decimal(text.strip())
    return text


def _decimal(text: str) -> Any:
    """The number as JSON would give it: an int where there is no fraction and no exponent."""
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        return number(text)
    except NumberOutOfRange:
        return text


def _narrative(div: etree._Element) -> str:
    """The ``div`` as text with its own namespace declaration and no other."""
    etree.cleanup_namespaces(div)
    return str(etree.tostring(div, encoding="unicode", with_tail=False))
