"""Findings of the structure in words. They name parts of the structure, never a value of the document."""

from __future__ import annotations

from typing import Final

from adapter.findings import EMPTY, Finding, Severity, Text
from adapter.xml import XSI, Locator, place
from conformance.structure.walk import Broken

_MESSAGES: Final[dict[str, Text]] = {
    "STR01": Text("Нет обязательного элемента {name}.", "The required element {name} is missing."),
    "STR02": Text("Элементов {name} больше, чем допустимо.", "There are more elements {name} than allowed."),
    "STR03": Text("Такого элемента здесь быть не может.", "Such an element cannot stand here."),
    "STR04": Text("Значение {name} не то, которое требуется.", "The value of {name} is not the one required."),
    "STR05": Text("Атрибут {name} отсутствует или пуст.", "The attribute {name} is missing or empty."),
    "STR06": Text("Справочник не тот, который требуется.", "The code system is not the one required."),
    "STR07": Text("Такой nullFlavor здесь не допускается.", "Such a nullFlavor is not allowed here."),
    "STR08": Text("Элемент {name} стоит не на своём месте.", "The element {name} is out of order."),
    "STR09": Text("Значение {name} не той формы.", "The value of {name} has the wrong form."),
    "STR10": Text("Такого атрибута здесь быть не может.", "Such an attribute cannot stand here."),
    "STR11": Text("Текст элемента пуст или не допускается.", "The text is empty, or is not allowed here."),
    "STR12": Text("Значение {name} не согласуется с другими.", "{name} does not agree with other values."),
}
_ATTRIBUTES: Final = frozenset({"STR04", "STR05", "STR09"})


def finding(broken: Broken, kind: str, locate: Locator) -> Finding:
    """The finding for what is wrong."""
    message = _MESSAGES[broken.code]
    name = _name(broken)
    return Finding(
        broken.code,
        Severity.ERROR,
        Text(message.ru.format(name=name).replace("  ", " "), message.en.format(name=name).replace("  ", " ")),
        _hint(broken.expected),
        place(broken.element),
        locate(broken.element),
        f"{kind}:{broken.rule}",
    )


def _name(broken: Broken) -> str:
    name = broken.name.replace(f"{{{XSI}}}", "xsi:")
    if not name and broken.code in _ATTRIBUTES:
        return "text()"
    return f"@{name}" if broken.code in _ATTRIBUTES and "/" not in name else name


def _hint(expected: str) -> Text:
    """What is expected, where the structure says it."""
    if expected.startswith("="):
        values = expected[1:].replace("|", ", ")
        return Text(f"Ожидается: {values}.", f"Expected: {values}.")
    if expected.startswith("~"):
        return Text(f"Ожидается форма «{expected[1:]}».", f"Expected form: {expected[1:]}.")
    if expected.isdigit():
        return Text(f"Не более {expected}.", f"At most {expected}.")
    return _WORDS.get(expected, EMPTY)


_WORDS: Final[dict[str, Text]] = {
    "any": Text("Ожидается непустое значение.", "Expected: a value that is not empty."),
    "null": Text("Ожидается nullFlavor.", "Expected: a nullFlavor."),
    "given": Text("Ожидается значение, а не nullFlavor.", "Expected: a value, not a nullFlavor."),
    "absent": Text("Здесь он не допускается.", "It is not allowed here."),
    "present": Text("Здесь он обязателен.", "It is required here."),
}
