"""libxml2's schema errors in plain Russian and English, without the value that was refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from adapter.findings import EMPTY, Text
from adapter.xml import qname

_ELEMENT: Final = re.compile(r"^Element '(?P<element>[^']+)'(?:, attribute '(?P<attribute>[^']+)')?: ")
_NAME: Final = re.compile(r"\{([^}]*)\}([\w.-]+)")
#: Longest list of expected names or values worth showing.
_LONGEST: Final = 300

Explainer = Callable[[str, str], tuple[Text, Text]]


def _names(text: str) -> str:
    """Clark names as ``prefix:name``."""
    readable = _NAME.sub(lambda match: qname(match.group()), text).strip()
    return readable if len(readable) <= _LONGEST else readable[:_LONGEST] + "…"


def _last(stated: str) -> re.Pattern[str]:
    """Finds the last occurrence: a value that imitates libxml2's words stands before it."""
    return re.compile(rf".*{stated}", re.DOTALL)


_EXPECTED: Final = _last(r"Expected is (?:one of )?\( (.*) \)\.")


def _stated(expression: re.Pattern[str], message: str) -> str:
    match = expression.match(message)
    return _names(match.group(1)) if match else ""


def _content(where: str, message: str) -> tuple[Text, Text]:
    expected = _stated(_EXPECTED, message)
    if "Missing child" in message:
        text = Text(f"В элементе {where} не хватает дочерних элементов.", f"Child elements are missing in {where}.")
    else:
        text = Text(
            f"Элемент {where} здесь не допускается (или стоит не на своём месте).",
            f"The element {where} is not allowed here (or stands in the wrong order).",
        )
    return text, Text(f"Ожидается: {expected}.", f"Expected: {expected}.") if expected else EMPTY


def _simple(ru: str, en: str) -> Explainer:
    def explainer(where: str, _message: str) -> tuple[Text, Text]:
        return Text(ru.format(where), en.format(where)), EMPTY

    return explainer


def _expecting(ru: str, en: str, stated: str) -> Explainer:
    """The message, and as a hint what the schema says where the expression ``stated`` finds it."""
    compiled = _last(stated)

    def explainer(where: str, message: str) -> tuple[Text, Text]:
        expected = _stated(compiled, message)
        hint = Text(f"Ожидается: {expected}.", f"Expected: {expected}.") if expected else EMPTY
        return Text(ru.format(where), en.format(where)), hint

    return explainer


_TYPE = _expecting(
    "Значение {} не соответствует типу.", "The value of {} does not fit its type.", r"type '([^']+)'\.\s*$"
)
_LENGTH = _expecting(
    "Длина значения {} недопустима.",
    "The length of the value of {} is not allowed.",
    r"the allowed ((?:minimum |maximum )?length of '\d+')\.\s*$",
)
_RANGE = _expecting(
    "Значение {} вне допустимого диапазона.",
    "The value of {} is out of range.",
    r"the (?:minimum|maximum) value (?:allowed|inclusive|exclusive)? ?\('([^']*)'\)",
)

_EXPLAINERS: Final[dict[str, Explainer]] = {
    "ELEMENT_CONTENT": _content,
    "CVC_COMPLEX_TYPE_3_2_1": _simple("Атрибут {} не допускается.", "The attribute {} is not allowed."),
    "CVC_COMPLEX_TYPE_3_2_2": _simple("Атрибут {} не допускается.", "The attribute {} is not allowed."),
    "CVC_COMPLEX_TYPE_4": _expecting(
        "В элементе {} нет обязательного атрибута.",
        "A required attribute is missing in {}.",
        r": The attribute '([^']+)' is required but missing\.\s*$",
    ),
    "CVC_COMPLEX_TYPE_2_1": _simple("Элемент {} должен быть пустым.", "The element {} must be empty."),
    "CVC_COMPLEX_TYPE_2_2": _simple(
        "В элементе {} не допускаются дочерние элементы.", "Child elements are not allowed in {}."
    ),
    "CVC_COMPLEX_TYPE_2_3": _simple("В элементе {} не допускается текст.", "Text is not allowed in {}."),
    "CVC_TYPE_3_1_1": _simple(
        "В элементе {} не допускаются атрибуты.", "Attributes are not allowed in {}."
    ),
    "CVC_TYPE_3_1_2": _simple(
        "В элементе {} не допускаются дочерние элементы: его содержимое — текст.",
        "Child elements are not allowed in {}: its content is text.",
    ),
    "CVC_TYPE_2": _simple(
        "Тип элемента {} абстрактный: нужен атрибут xsi:type.",
        "The type of {} is abstract: xsi:type is needed.",
    ),
    "CVC_ELT_1": _simple(
        "Корневой элемент {} не объявлен схемой этого вида документа.",
        "The root element {} is not declared by the schema of this kind.",
    ),
    "CVC_ELT_3_1": _simple("Элемент {} не может быть xsi:nil.", "The element {} cannot be xsi:nil."),
    "CVC_ELT_4_2": _simple("xsi:type элемента {} называет неизвестный тип.", "xsi:type of {} names an unknown type."),
    "CVC_ELT_4_3": _simple(
        "xsi:type элемента {} здесь не допускается: тип не произведён от объявленного.",
        "xsi:type of {} is not allowed here: the type is not derived from the declared one.",
    ),
    "CVC_AU": _expecting(
        "Значение {} не равно единственному допустимому.",
        "The value of {} is not the only one allowed.",
        r"fixed value constraint '(.*)'\.\s*$",
    ),
    "CVC_ELT_5_2_2_2_2": _expecting(
        "Значение {} не равно единственному допустимому.",
        "The value of {} is not the only one allowed.",
        r"fixed value constraint '(.*)'\.\s*$",
    ),
    "CVC_ENUMERATION_VALID": _expecting(
        "Значение {} не входит в список допустимых.",
        "The value of {} is not in the list of allowed values.",
        r"is not an element of the set \{(.*)\}\.\s*$",
    ),
    "CVC_PATTERN_VALID": _expecting(
        "Значение {} не соответствует образцу.",
        "The value of {} does not match the pattern.",
        r"is not accepted by the pattern '(.*)'\.\s*$",
    ),
    "CVC_MINLENGTH_VALID": _LENGTH,
    "CVC_MAXLENGTH_VALID": _LENGTH,
    "CVC_LENGTH_VALID": _LENGTH,
    "CVC_MININCLUSIVE_VALID": _RANGE,
    "CVC_MAXINCLUSIVE_VALID": _RANGE,
    "CVC_MINEXCLUSIVE_VALID": _RANGE,
    "CVC_MAXEXCLUSIVE_VALID": _RANGE,
    "CVC_DATATYPE_VALID_1_2_1": _TYPE,
    "CVC_DATATYPE_VALID_1_2_2": _TYPE,
    "CVC_DATATYPE_VALID_1_2_3": _TYPE,
    "CVC_IDC": _simple("Нарушена уникальность или ссылка {}.", "A uniqueness or reference constraint of {} fails."),
}  # fmt: skip

_OTHER: Final = _simple("Нарушение схемы в {}.", "The schema is violated at {}.")


def explain(type_name: str, message: str) -> tuple[Text, Text]:
    """Message and hint for an error of libxml2.

    Args:
        type_name: e.g. ``SCHEMAV_CVC_AU``.
        message: libxml2's own text; only schema facts are taken from it.
    """
    match = _ELEMENT.match(message)
    where = ""
    if match:
        where = qname(match["element"])
        if match["attribute"]:
            where += f"/@{qname(match['attribute'])}"
    return _EXPLAINERS.get(type_name.removeprefix("SCHEMAV_"), _OTHER)(where, message)
