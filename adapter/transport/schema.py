"""Messages by WSDL: what a message may hold is the WSDL's to say, so that the official one can take the place of ours.

zeep reads the WSDL and writes the elements. A value for which the WSDL has no element is an error of the configuration:
the mapping of the registration and the WSDL must name things alike.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from lxml import etree

from adapter.errors import UsageError
from adapter.facts import Coding, Fact, Null
from adapter.findings import Text

SERVICE: Final = "http://egisz.rosminzdrav.ru/iehr/emdr/service/"
CALLBACK: Final = "http://egisz.rosminzdrav.ru/iehr/emdr/callback/"
FOLDER: Final = Path(__file__).with_name("wsdl")
SERVICE_WSDL: Final = FOLDER / "remd-service.wsdl"
CALLBACK_WSDL: Final = FOLDER / "remd-callback.wsdl"

#: Prefixes under which our messages are written.
PREFIXES: Final = {SERVICE: "ser", CALLBACK: "cb"}


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

    def build(self, name: str, values: Mapping[str, Any] | Fact) -> etree._Element:
        """A message.

        Args:
            name: ``{namespace}element``.
            values: by the names of the elements; a list stands for ``<list><item/>…</list>``; facts and codings of a
                mapping are taken, too; what is absent or null is left out.

        Raises:
            UsageError: the WSDL has no such element, or does not take the values.
        """
        from zeep.exceptions import Error

        try:
            element = self._client.get_element(name)
            namespace = etree.QName(name).namespace or ""
            # Under this parent the prefix is ours, whatever zeep would have chosen.
            parent = etree.Element("parent", nsmap={PREFIXES.get(namespace, "m"): namespace})
            element.render(parent, element(**_fitted(element.type, values, name)))
        except (Error, LookupError, TypeError, ValueError, AttributeError) as error:
            raise _unfit(name, error) from error
        made = parent[0]
        parent.remove(made)
        etree.cleanup_namespaces(made)
        return made

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


@lru_cache(maxsize=8)
def load_schema(wsdl: Path) -> Schema:
    """A schema, read once a process."""
    return Schema(wsdl)


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


def _fitted(xsd_type: Any, values: Any, path: str) -> dict[str, Any]:
    """The values of a complex type as zeep takes them."""
    parts = dict(xsd_type.elements or [])
    if isinstance(values, list | tuple) and not isinstance(values, Coding) and list(parts) == ["item"]:
        return {"item": [_value(parts["item"].type, item, f"{path}.item") for item in values]}
    items = values.items() if isinstance(values, Mapping) else values
    found = {}
    for name, value in items:
        if value is None or value == [] or isinstance(value, Null):
            continue
        if name not in parts:
            raise UnknownPart(f"{path.rpartition('}')[2]}.{name}")
        found[name] = _value(parts[name].type, value, f"{path}.{name}")
    return found


def _value(xsd_type: Any, value: Any, path: str) -> Any:
    parts = getattr(xsd_type, "elements", None)
    if not parts:
        # A code with its version is the bare code where the WSDL has no place for more.
        plain = getattr(value, "code", value) if isinstance(value, Coding | Fact) else value
        return plain if isinstance(plain, bytes | int | bool) else str(plain)
    if [name for name, _ in parts] == ["_value_1"]:
        return _coded(xsd_type, value, path)
    return _fitted(xsd_type, value, path)


def _coded(xsd_type: Any, value: Any, path: str) -> dict[str, Any]:
    """A text with attributes: a bare text, or a fact (or coding) whose code is the text."""
    if isinstance(value, str):
        return {"_value_1": value}
    facts = value._asdict() if isinstance(value, Coding) else dict(value)
    attributes = {name: facts.get(name) for name, _ in xsd_type.attributes}
    if "code" not in facts:
        raise UnknownPart(f"{path.rpartition('}')[2]}: a code is expected")
    return {"_value_1": facts["code"], **{name: part for name, part in attributes.items() if part}}
