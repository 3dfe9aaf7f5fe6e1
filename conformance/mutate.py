"""Mutants of a СЭМД: copies of a document with one small change each.

For holding a validator to another one, and for finding what the checks of a document's maker do not see::

    for mutant in mutants(document, seed=1, count=300):
        report = conformance.check(mutant.data)

The same document, seed and count give the same mutants. They go over all operators in turn, and every
operator goes over the whole document, not only its beginning. A mutant is always well-formed XML in UTF-8;
most mutants of a valid document are invalid, some are as valid as the original.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Final, NamedTuple

from lxml import etree

from adapter.findings import Text
from adapter.xml import HL7, XSI, Element, ElementTree, locate, parse

_XSI_TYPE: Final = f"{{{XSI}}}type"
_SECTION: Final = f"{{{HL7}}}section"
_BODY: Final = f"{{{HL7}}}structuredBody"
#: A namespace and names that no schema of a СЭМД knows.
_FOREIGN: Final = "urn:egisz-adapter:foreign"
_DATE: Final = re.compile(r"(\d{4})(\d\d)?(\d\d)?(\d{2,6})?([+-]\d{4})?")
_NULL_FLAVORS: Final = ("NI", "NA", "NAV", "UNK", "ASKU", "INV", "MSK", "x")
_TYPES: Final = ("CD", "ST", "TS", "PQ", "INT", "IVL_TS", "x")
#: Steps of the golden ratio visit a list evenly, however many of them are taken.
_STEP: Final = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed copy of a document.

    Attributes:
        name: the operator, a key of :data:`OPERATORS`.
        description: what the operator does, without any value of the document.
        data: the changed document.
        xpath: the changed element, as its place in the original document.
    """

    name: str
    description: Text
    data: bytes
    xpath: str


Change = Callable[[Element, str, random.Random], None]
Where = Callable[[Element], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Operator:
    """A kind of change.

    Attributes:
        description: for people.
        where: names of the attributes of an element that the operator can change; ``[""]`` for an operator on
            the element itself; empty where it cannot work.
        change: makes the change in place; takes the element, the attribute and a source of choices.
    """

    description: Text
    where: Where
    change: Change


#: All operators by name. A new one is a function below with ``@operator``.
OPERATORS: Final[dict[str, Operator]] = {}


class _Site(NamedTuple):
    element: int
    attribute: str


def mutants(data: bytes, *, seed: int, count: int) -> Iterator[Mutant]:
    """Yield ``count`` mutants of ``data``, the same for the same ``seed``.

    Operators that find no place in the document are left out. In a document of a few elements a change can
    come more than once.

    Raises:
        XmlRefused: :func:`adapter.xml.parse` refuses ``data``.
    """
    choices = random.Random(seed)  # noqa: S311 - repeatable choices, nothing secret
    work = _work(parse(data))
    phases = [choices.random() for _ in work]
    for n in range(count):
        turn, which = divmod(n, len(work))
        name, sites = work[which]
        site = sites[int((phases[which] + turn * _STEP) % 1.0 * len(sites))]
        tree = parse(data)
        element = _elements(tree)[site.element]
        xpath = locate(element)
        OPERATORS[name].change(element, site.attribute, choices)
        yield Mutant(name, OPERATORS[name].description, _serialise(tree), xpath)


def _elements(tree: ElementTree) -> list[Element]:
    return list(tree.getroot().iter("*"))


def _work(tree: ElementTree) -> list[tuple[str, list[_Site]]]:
    """The operators that find places in ``tree``, with the places in document order."""
    elements = _elements(tree)
    sites = {
        name: [_Site(n, attribute) for n, element in enumerate(elements) for attribute in operator.where(element)]
        for name, operator in OPERATORS.items()
    }
    return [(name, found) for name, found in sites.items() if found]


def _serialise(tree: ElementTree) -> bytes:
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + etree.tostring(tree, encoding="UTF-8")


def _operator(name: str, ru: str, en: str, where: Where) -> Callable[[Change], Change]:
    """Register a change under ``name``."""

    def register(change: Change) -> Change:
        OPERATORS[name] = Operator(Text(ru, en), where, change)
        return change

    return register


# Where operators work


def _any(_element: Element) -> Sequence[str]:
    return [""]


def _inner(element: Element) -> Sequence[str]:
    return [] if element.getparent() is None else [""]


def _not_last(element: Element) -> Sequence[str]:
    return [""] if next(element.itersiblings("*"), None) is not None else []


def _with_content(element: Element) -> Sequence[str]:
    return [""] if len(element) or (element.text or "").strip() else []


def _with_text(element: Element) -> Sequence[str]:
    return [""] if (element.text or "").strip() else []


def _of_section(element: Element) -> Sequence[str]:
    return [""] if element.getparent() is not None and element.find(_SECTION) is not None else []


def _all_attributes(element: Element) -> Sequence[str]:
    return [str(name) for name in element.attrib]


def _with_date(element: Element) -> Sequence[str]:
    return ["value"] if _DATE.fullmatch(element.get("value", "")) else []


def _having(*names: str) -> Where:
    return lambda element: [name for name in names if name in element.attrib]


def _lacking(name: str) -> Where:
    return lambda element: [] if name in element.attrib else [name]


def _identifier(element: Element) -> Sequence[str]:
    return [""] if element.tag == f"{{{HL7}}}id" and _inner(element) else []


# Structure


def _detach(element: Element) -> None:
    """Take ``element`` out and leave the text behind it where it is."""
    parent, tail = element.getparent(), element.tail
    if parent is None:
        return
    before = element.getprevious()
    if tail and before is not None:
        before.tail = (before.tail or "") + tail
    elif tail:
        parent.text = (parent.text or "") + tail
    element.tail = None
    parent.remove(element)


def _clear(element: Element) -> None:
    """Take away text and children, keep attributes."""
    del element[:]
    element.text = None


@_operator("remove-element", "Удалён элемент", "An element was removed", _inner)
def _remove_element(element: Element, _attribute: str, _choices: random.Random) -> None:
    _detach(element)


@_operator("duplicate-element", "Элемент повторён", "An element was repeated", _inner)
def _duplicate_element(element: Element, _attribute: str, _choices: random.Random) -> None:
    element.addnext(deepcopy(element))


@_operator("empty-element", "Удалено содержимое элемента", "The content of an element was removed", _with_content)
def _empty_element(element: Element, _attribute: str, _choices: random.Random) -> None:
    _clear(element)


@_operator("rename-element", "Элемент переименован", "An element was renamed", _any)
def _rename_element(element: Element, _attribute: str, choices: random.Random) -> None:
    names = sorted({str(other.tag) for other in element.getroottree().getroot().iter("*")} - {str(element.tag)})
    element.tag = choices.choice([*names, f"{{{HL7}}}unknown"])


@_operator("swap-siblings", "Соседние элементы переставлены", "Two neighbours were swapped", _not_last)
def _swap_siblings(element: Element, _attribute: str, _choices: random.Random) -> None:
    neighbour = next(element.itersiblings("*"))
    element.tail, neighbour.tail = neighbour.tail, element.tail
    neighbour.addnext(element)


@_operator("move-section", "Секция перенесена в другое место", "A section was moved elsewhere", _of_section)
def _move_section(element: Element, _attribute: str, choices: random.Random) -> None:
    root = element.getroottree().getroot()
    _move(element, [root, *root.iter(_SECTION, _BODY)], choices)


@_operator("move-element", "Элемент перенесён в другое место", "An element was moved elsewhere", _inner)
def _move_element(element: Element, _attribute: str, choices: random.Random) -> None:
    _move(element, list(element.getroottree().getroot().iter("*")), choices)


def _move(element: Element, parents: list[Element], choices: random.Random) -> None:
    inside = set(element.iter("*"))
    parent = choices.choice([other for other in parents if other not in inside])
    _detach(element)
    parent.insert(choices.randint(0, len(parent)), element)


@_operator("insert-element", "Вставлен неизвестный элемент", "An unknown element was inserted", _any)
def _insert_element(element: Element, _attribute: str, choices: random.Random) -> None:
    stranger = etree.Element(f"{{{choices.choice((HL7, _FOREIGN))}}}unknown", {"value": "1"})
    element.insert(choices.randint(0, len(element)), stranger)


@_operator("insert-comment", "Вставлен комментарий", "A comment was inserted", _with_content)
def _insert_comment(element: Element, _attribute: str, choices: random.Random) -> None:
    """In the middle of the text where there is text: a text node becomes two."""
    comment = etree.Comment("comment")
    text = element.text or ""
    at = choices.randint(0, len(text))
    element.text, comment.tail = text[:at], text[at:]
    element.insert(0, comment)


# Attributes


@_operator("remove-type", "Удалён xsi:type", "An xsi:type was removed", _having(_XSI_TYPE))
@_operator("remove-null-flavor", "Удалён nullFlavor", "A nullFlavor was removed", _having("nullFlavor"))
@_operator("remove-attribute", "Удалён атрибут", "An attribute was removed", _all_attributes)
def _remove_attribute(element: Element, attribute: str, _choices: random.Random) -> None:
    del element.attrib[attribute]


@_operator("empty-attribute", "Значение атрибута стало пустым", "An attribute became empty", _all_attributes)
def _empty_attribute(element: Element, attribute: str, _choices: random.Random) -> None:
    element.set(attribute, "")


@_operator("pad-attribute", "Лишний знак у края значения", "A stray character at an edge", _all_attributes)
def _pad_attribute(element: Element, attribute: str, choices: random.Random) -> None:
    value, stray = element.get(attribute, ""), choices.choice((" ", "\n", "\t", "x", "0", "."))
    element.set(attribute, choices.choice((value + stray, stray + value)))


@_operator("borrow-attribute", "Значение взято у другого элемента", "A value of another element", _all_attributes)
def _borrow_attribute(element: Element, attribute: str, choices: random.Random) -> None:
    values = [other.get(attribute, "") for other in element.getroottree().getroot().iter("*")]
    element.set(attribute, choices.choice(sorted(set(values))))


@_operator("code-system", "Другой справочник", "Another code system", _having("codeSystem"))
def _code_system(element: Element, attribute: str, choices: random.Random) -> None:
    value = element.get(attribute, "")
    element.set(attribute, choices.choice(("1.2.643.5.1.13.13.11.9999", value + ".1", value[:-1])))


@_operator("code-system-version", "Другая версия справочника", "Another version", _having("codeSystemVersion"))
def _code_system_version(element: Element, attribute: str, choices: random.Random) -> None:
    element.set(attribute, choices.choice(("0.0", "1", "v1", element.get(attribute, "") + ".1")))


@_operator("code", "Другой код", "Another code", _having("code"))
def _code(element: Element, attribute: str, choices: random.Random) -> None:
    value = element.get(attribute, "")
    element.set(attribute, choices.choice(("0", "99999", value + "0", value[:-1], value.swapcase())))


@_operator("date", "Испорчена дата", "A date was spoilt", _with_date)
def _date(element: Element, attribute: str, choices: random.Random) -> None:
    value = element.get(attribute, "")
    day = (value + "0101")[:8]
    spoilt = [value[:4], value[:6], value[:7], day, f"{day[:4]}1345", f"{day[:6]}32"]
    spoilt += [day + time for time in ("1030", "1030+0300", "1030-0300", "103059+0300", "1030Z", "25")]
    element.set(attribute, choices.choice([*spoilt, f"{day[:4]}-{day[4:6]}-{day[6:]}"]))


@_operator("root", "Изменён корень идентификатора", "The root of an identifier was changed", _having("root"))
def _root(element: Element, attribute: str, choices: random.Random) -> None:
    value = element.get(attribute, "")
    shorter = value.rpartition(".")[0]
    element.set(attribute, choices.choice((value + ".1", value + ".", shorter, shorter + ".999", shorter + ".01")))


@_operator("extension", "Изменён номер идентификатора", "The extension was changed", _having("extension"))
def _extension(element: Element, attribute: str, choices: random.Random) -> None:
    value = element.get(attribute, "")
    digits = re.sub(r"\D", "", value)
    element.set(attribute, choices.choice((value[:-1], value + "1", digits, value[::-1], "0")))


@_operator("borrow-id", "Идентификатор взят у другого элемента", "The identifier of another element", _identifier)
def _borrow_id(element: Element, _attribute: str, choices: random.Random) -> None:
    other = choices.choice(list(element.getroottree().getroot().iter(str(element.tag))))
    attributes = other.items()
    element.attrib.clear()
    for name, value in attributes:
        element.set(name, value)


@_operator("foreign-attribute", "Добавлен чужой атрибут", "An attribute of another namespace was added", _any)
def _foreign_attribute(element: Element, _attribute: str, choices: random.Random) -> None:
    element.set(f"{{{_FOREIGN}}}{choices.choice(('code', 'nullFlavor', 'value'))}", "1")


# Absence, text and types


@_operator("change-null-flavor", "Другой nullFlavor", "Another nullFlavor", _having("nullFlavor"))
@_operator("add-null-flavor", "Добавлен nullFlavor", "A nullFlavor was added", _lacking("nullFlavor"))
def _set_null_flavor(element: Element, attribute: str, choices: random.Random) -> None:
    element.set(attribute, choices.choice(_NULL_FLAVORS))


@_operator(
    "replace-by-null-flavor",
    "Содержимое заменено на nullFlavor",
    "The content was replaced by a nullFlavor",
    _lacking("nullFlavor"),
)
def _replace_by_null_flavor(element: Element, attribute: str, choices: random.Random) -> None:
    element.attrib.clear()
    _clear(element)
    element.set(attribute, choices.choice(_NULL_FLAVORS))


@_operator("text", "Изменён текст", "The text was changed", _with_text)
def _text(element: Element, _attribute: str, choices: random.Random) -> None:
    text = element.text or ""
    element.text = choices.choice(("", "   ", "0", text + "\n", " " + text, text[:-1], "Я" * 2000))


@_operator("change-type", "Другой xsi:type", "Another xsi:type", _having(_XSI_TYPE))
@_operator("add-type", "Добавлен xsi:type", "An xsi:type was added", _lacking(_XSI_TYPE))
def _set_type(element: Element, attribute: str, choices: random.Random) -> None:
    element.set(attribute, choices.choice(_TYPES))
