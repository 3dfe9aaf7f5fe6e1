"""Messages by WSDL: what a message may hold is the WSDL's to say, so that the official one can take the place of ours.

zeep reads the WSDL and writes the elements. A value for which the WSDL has no element is an error of the configuration:
the mapping of the registration and the WSDL must name things alike.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from lxml import etree

from adapter.errors import UsageError
from adapter.facts import II, Coding, Fact, Null
from adapter.findings import Text

SERVICE: Final = "http://egisz.rosminzdrav.ru/iehr/emdr/service/"
CALLBACK: Final = "http://egisz.rosminzdrav.ru/iehr/emdr/callback/"
FOLDER: Final = Path(__file__).with_name("wsdl")
SERVICE_WSDL: Final = FOLDER / "remd-service.wsdl"
CALLBACK_WSDL: Final = FOLDER / "remd-callback.wsdl"

N3: Final = "http://tempuri.org/"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_N3: Final = "http://schemas.datacontract.org/2004/07/"

#: Prefixes under which our messages are written.
PREFIXES: Final = {
    SERVICE: "ser",
    CALLBACK: "cb",
    N3: "n3",
    XSI: "i",
    f"{_N3}EMKService.Data.Dto": "pix",
    f"{_N3}N3.EMK.Dto": "dto",
    f"{_N3}N3.EMK.Dto.Case": "case",
    f"{_N3}N3.EMK.Dto.Step": "step",
    f"{_N3}N3.EMK.Dto.MedRec": "rec",
    f"{_N3}N3.EMK.Dto.MedRec.Diag": "diag",
    f"{_N3}N3.EMK.Dto.MedRec.MedDoc": "doc",
    "http://schemas.microsoft.com/2003/10/Serialization/Arrays": "arr",
}

#: Name of the value that says of which derived type a part is (``xsi:type``), by the local name of the type.
TYPE: Final = "@type"

#: Name of the value of an item that stands for several: a list of them.
ITEMS: Final = "*"


class Schema:
    """The elements of a WSDL.

    Args:
        wsdl: the file; what it imports lies beside it.

    Raises:
        UsageError: the file cannot be read as a WSDL.
    """

    def __init__(self, wsdl: Path) -> None:
        from zeep import Client
        from zeep.exceptions import Error
        from zeep.settings import Settings

        try:
            # No network: an import by URL would make the meaning of a message depend on a server.
            options = Settings(strict=True, forbid_external=True)
            self._client: Any = Client(str(wsdl), settings=options, transport=_local())  # type: ignore[no-untyped-call] # zeep has no annotations
        except (Error, OSError, etree.XMLSyntaxError, ValueError) as error:
            raise UsageError(Text(f"{wsdl}: не читается как WSDL", f"{wsdl}: cannot be read as a WSDL")) from error
        self._types: dict[str, list[Any]] = {}
        for one in self._client.wsdl.types.types:
            if one.qname:
                self._types.setdefault(one.qname.localname, []).append(one)

    def build(self, name: str, values: Mapping[str, Any] | Fact) -> etree._Element:
        """A message.

        Args:
            name: ``{namespace}element``.
            values: by the names of the elements; a list stands for ``<list><item/>…</list>``, whatever the one name in
                it is, and so do facts that have lists: these follow one another. Facts, codings and ids of a mapping
                are taken, too; what is absent or null is left out. ``@type`` among the values of a part names a type
                derived from that of the part.

        Raises:
            UsageError: the WSDL has no such element, or does not take the values.
        """
        from zeep.exceptions import Error

        try:
            element = self._client.get_element(name)
            namespace = etree.QName(name).namespace or ""
            # Under this parent the prefixes are ours, whatever zeep would have chosen.
            known = {prefix: namespace for namespace, prefix in PREFIXES.items()}
            known = known if namespace in PREFIXES else {**known, "m": namespace}
            parent = etree.Element("parent", nsmap=known)
            element.render(parent, element(**self._fitted(element.type, values, name)))
        except (Error, LookupError, TypeError, ValueError, AttributeError) as error:
            raise _unfit(name, error) from error
        # Declared anew: a prefix that stands in the value of xsi:type alone would be left behind with the parent.
        made = etree.Element(parent[0].tag, dict(parent[0].attrib), nsmap=known)
        made.text = parent[0].text
        made.extend(list(parent[0]))
        named = [str(value).partition(":")[0] for value in _types_named(made)]
        etree.cleanup_namespaces(made, keep_ns_prefixes=named)
        return made

    def missing(self, name: str, values: Mapping[str, Any] | Fact) -> list[str]:
        """Paths of elements that a message wants and the values do not give, as :meth:`build` takes them.

        Raises:
            UsageError: the WSDL has no such element.
        """
        from zeep.exceptions import Error

        try:
            return list(_missing(self._client.get_element(name).type, values, ""))
        except (Error, LookupError) as error:
            raise _unfit(name, error) from error

    def parse(self, element: etree._Element) -> dict[str, Any]:
        """The values of a message; lists as :meth:`build` takes them are dicts with ``item``.

        Raises:
            UsageError: the message does not fit the WSDL.
        """
        from zeep.exceptions import Error
        from zeep.helpers import serialize_object

        element = copy.deepcopy(element)
        # zeep takes a comment for an element.
        etree.strip_tags(element, etree.Comment, etree.ProcessingInstruction)
        try:
            known = self._client.get_element(str(element.tag))
            values: dict[str, Any] = serialize_object(known.parse(element, self._client.wsdl.types), dict) or {}  # type: ignore[no-untyped-call] # zeep has no annotations
        except (Error, LookupError, TypeError, ValueError) as error:
            raise _unfit(str(element.tag), error) from error
        return values

    def has(self, name: str) -> bool:
        """Whether there is a global element ``{namespace}element``."""
        from zeep.exceptions import LookupError as NoSuchElement

        try:
            self._client.get_element(name)
        except NoSuchElement:
            return False
        return True

    def _fitted(self, xsd_type: Any, values: Any, path: str) -> Any:
        """The values of a complex type as zeep takes them."""
        parts = dict(xsd_type.elements or [])
        if len(parts) == 1 and not isinstance(values, Coding):
            ((name, part),) = parts.items()
            if part.accepts_multiple:
                return {name: [self._value(part.type, item, f"{path}.{name}") for item in _listed(values)]}
        items = values.items() if isinstance(values, Mapping) else values
        found = {}
        for name, value in items:
            if value is None or value == [] or isinstance(value, Null) or name == TYPE:
                continue
            if name not in parts:
                raise UnknownPart(f"{path.rpartition('}')[2]}.{name}")
            made = self._value(parts[name].type, value, f"{path}.{name}")
            # A part of which nothing is known would be an empty element.
            if made != {} and not (isinstance(made, dict) and list(made.values()) == [[]]):
                found[name] = made
        return found

    def _value(self, xsd_type: Any, value: Any, path: str) -> Any:
        derived = dict(value).get(TYPE) if isinstance(value, Mapping | Fact) else None
        if derived is not None:
            xsd_type = self._derived(str(derived), path)
            return xsd_type(**self._fitted(xsd_type, value, path))
        parts = getattr(xsd_type, "elements", None)
        if not parts:
            return _plain(xsd_type, value)
        if [name for name, _ in parts] == ["_value_1"]:
            return _coded(xsd_type, value, path)
        return self._fitted(xsd_type, value, path)

    def _derived(self, local: str, path: str) -> Any:
        """The type of that local name, whatever its namespace."""
        found = self._types.get(local, [])
        if len(found) != 1:
            raise UnknownPart(f"{path.rpartition('}')[2]}: {local}")
        return found[0]


@lru_cache(maxsize=8)
def load_schema(wsdl: Path) -> Schema:
    """A schema, read once a process."""
    return Schema(wsdl)


_types_named: Final = etree.XPath("descendant-or-self::*/@i:type", namespaces={"i": XSI})


def _local() -> Any:
    from zeep.transports import Transport

    class _Files(Transport):
        def _load_remote_data(self, url: str) -> bytes:
            raise OSError(f"the WSDL imports {url}: only files are read")

    return _Files(cache=None)  # type: ignore[no-untyped-call] # zeep has no annotations


def _unfit(name: str, error: Exception) -> UsageError:
    # zeep quotes names of elements and, for a wrong value, its text: only the sort of the error is told.
    local = etree.QName(name).localname
    reason = error.args[0] if isinstance(error, UnknownPart) else type(error).__name__
    return UsageError(
        Text(
            f"сообщение {local} не подходит к WSDL: {reason}",
            f"the message {local} does not fit the WSDL: {reason}",
        )
    )


class UnknownPart(LookupError):
    """A value for which the WSDL has no element; says its path."""


def _listed(values: Any) -> Iterator[Any]:
    """The items of a list; of facts those of their lists and the parts that stand alone, one after the other."""
    if isinstance(values, Mapping | Fact):
        for part in dict(values).values():
            yield from _listed(part if isinstance(part, list) else [part] if isinstance(part, Mapping | Fact) else [])
        return
    for value in values:
        several = dict(value).get(ITEMS) if isinstance(value, Mapping | Fact) else None
        if several is None:
            yield value
        else:
            yield from _listed(several)


def _plain(xsd_type: Any, value: Any) -> bytes | int | bool | str:
    """A value without parts. A code or an id is bare where the WSDL has no place for its version or root."""
    from zeep.xsd import Base64Binary

    if isinstance(value, II):
        value = value.extension
    elif isinstance(value, Coding | Fact):
        value = getattr(value, "code", value)
    if isinstance(xsd_type, Base64Binary) and isinstance(value, str):
        # As FHIR has it, and zeep encodes it anew.
        return base64.b64decode("".join(value.split()), validate=True)
    return value if isinstance(value, bytes | int | bool) else str(value)


def _missing(xsd_type: Any, values: Any, prefix: str) -> Iterator[str]:
    """Elements that must stand and do not; a list stands for ``<list><item/>…</list>`` or for a repeated element."""
    parts = dict(getattr(xsd_type, "elements", None) or [])
    if isinstance(values, list) and list(parts) == ["item"]:
        values = {"item": values}
    given = (
        dict(values.items() if isinstance(values, Mapping) else values) if isinstance(values, Mapping | Fact) else None
    )
    if given is None:
        return
    for name, part in parts.items():
        value = given.get(name)
        if value is None or value == [] or isinstance(value, Null):
            if part.min_occurs > 0 and not part.nillable:
                yield f"{prefix}{name}"
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from _missing(part.type, item, f"{prefix}{name}[{index}].")
        else:
            yield from _missing(part.type, value, f"{prefix}{name}.")


def _coded(xsd_type: Any, value: Any, path: str) -> dict[str, Any]:
    """A text with attributes: a bare text, or a fact (or coding) whose code is the text."""
    if isinstance(value, str):
        return {"_value_1": value}
    facts = value._asdict() if isinstance(value, Coding) else dict(value)
    attributes = {name: facts.get(name) for name, _ in xsd_type.attributes}
    if "code" not in facts:
        raise UnknownPart(f"{path.rpartition('}')[2]}: a code is expected")
    return {"_value_1": facts["code"], **{name: part for name, part in attributes.items() if part}}
