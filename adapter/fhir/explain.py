"""Why a resource is not valid: a walk over it with the structure in hand.

It runs only where the schema has said no. Each finding names the element by FHIRPath and what is expected there, never
the value.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from adapter.fhir.paths import step
from adapter.fhir.primitives import PRIMITIVES
from adapter.fhir.structure import Choice, Field, Structure, Type
from adapter.findings import Finding, Place, Severity, Text


def explain(types: Structure, one: Type, value: dict[str, Any], path: str) -> Iterator[Finding]:
    """Everything that is wrong with an object of a type, in the order of the document.

    Args:
        value: the object; resources inside it (``contained``, ``Bundle.entry.resource``) are not entered.
        path: FHIRPath of the object.
    """
    for name, inner in value.items():
        if name == "resourceType" and one.resource:
            continue
        field = one.fields.get(name)
        here = f"{path}.{step(name)}"
        if field is None:
            yield _unknown(one, name, here)
        elif not field.many:
            yield from _value(types, field, inner, here, null=False)
        elif isinstance(inner, list):
            for index, item in enumerate(inner):
                null = field.primitive or name.startswith("_")
                yield from _value(types, field, item, f"{here}[{index}]", null=null)
        else:
            yield _not_a_list(here)
    yield from _missing(one, value, path)
    if one.name == "FHIRPrimitiveExtension" and not value.keys() & {"id", "extension"}:
        yield _required(f"{path}.extension")


def _value(types: Structure, field: Field, value: Any, path: str, *, null: bool) -> Iterator[Finding]:
    if value is None and null:
        return
    if isinstance(value, list):
        yield _not_one(path)
    elif field.type == "Resource":
        if not isinstance(value, dict):
            yield _not_an_object(path, field)
    elif not field.primitive:
        if isinstance(value, dict):
            yield from explain(types, types.type(field.type), value, path)
        else:
            yield _not_an_object(path, field)
    else:
        yield from _primitive(field, value, path)


def _primitive(field: Field, value: Any, path: str) -> Iterator[Finding]:
    primitive = PRIMITIVES[field.type]
    if not primitive.right_kind(value):
        yield _finding(
            "FHIR12",
            Text(
                f"Значение не того вида: нужен тип {field.type}.",
                f"The value is of the wrong kind: {field.type} is due.",
            ),
            _expected(primitive.expected),
            path,
        )
    elif field.codes and value not in field.codes:
        known = ", ".join(field.codes)
        yield _finding(
            "FHIR15",
            Text("Кода нет в закрытом списке FHIR.", "The code is not in FHIR's closed list."),
            Text(f"Допустимы: {known}.", f"Allowed: {known}."),
            path,
        )
    elif not primitive.right_value(value):
        yield bad_value(path, field.type)


def _missing(one: Type, value: dict[str, Any], path: str) -> Iterator[Finding]:
    for name in one.required:
        if name not in value:
            yield _required(f"{path}.{name}")
    for name in one.required_values:
        reason = value.get(f"_{name}")
        if name not in value and not (isinstance(reason, dict) and reason.get("extension")):
            yield _required(f"{path}.{name}")
    for choice in one.choices:
        present = [name for name in choice.names if name in value]
        if len(present) > 1:
            yield _choice(choice, path, several=True)
        elif choice.required and not present:
            yield _choice(choice, path, several=False)


def bad_value(path: str, kind: str) -> Finding:
    """A value that its type has not."""
    expected = PRIMITIVES[kind].expected if kind in PRIMITIVES else Text("", "")
    return _finding(
        "FHIR13",
        Text(f"Значение не подходит к типу {kind}.", f"The value does not fit the type {kind}."),
        _expected(expected),
        path,
    )


def not_confirmed(path: str, kind: str) -> Finding:
    """A place that fhir.resources refuses and we do not: ``kind`` is its word for the error."""
    return _finding(
        "FHIR12",
        Text(f"Структура не подходит модели FHIR ({kind}).", f"The structure does not fit the model of FHIR ({kind})."),
        Text(
            "Сверьте элемент со спецификацией ресурса.", "Compare the element with the specification of the resource."
        ),
        path,
    )


def _unknown(one: Type, name: str, path: str) -> Finding:
    near = difflib.get_close_matches(name, one.fields, n=1)
    hint = (
        Text(f"Похожее имя: {near[0]}.", f"A similar name: {near[0]}.")
        if near
        else Text(
            "Своё содержание передаётся в extension. Проверьте и версию FHIR: имена в R4 и R5 различаются.",
            "Content of your own goes into extension. Check the version of FHIR too: R4 and R5 differ in names.",
        )
    )
    message = Text(f"В {one.name} нет такого элемента.", f"{one.name} has no such element.")
    return _finding("FHIR10", message, hint, path)


def _required(path: str) -> Finding:
    return _finding(
        "FHIR11",
        Text("Обязательного элемента нет.", "A required element is missing."),
        Text("Добавьте его.", "Add it."),
        path,
    )


def _choice(choice: Choice, path: str, *, several: bool) -> Finding:
    names = ", ".join(choice.names)
    many = Text("Элемент с выбором типа указан дважды.", "An element with a choice of type stands twice.")
    none = Text("Обязательного элемента с выбором типа нет.", "A required element with a choice of type is missing.")
    return _finding(
        "FHIR14" if several else "FHIR11",
        many if several else none,
        Text(f"Оставьте один из: {names}.", f"Keep one of: {names}.")
        if several
        else Text(f"Добавьте один из: {names}.", f"Add one of: {names}."),
        f"{path}.{choice.name}",
    )


def _not_a_list(path: str) -> Finding:
    return _finding(
        "FHIR12",
        Text("Элемент повторяемый: нужен массив.", "The element repeats: an array is due."),
        Text("Заключите значение в [ ], даже если оно одно.", "Put the value into [ ], even if there is only one."),
        path,
    )


def _not_one(path: str) -> Finding:
    return _finding(
        "FHIR12",
        Text("Элемент не повторяется: массив здесь недопустим.", "The element does not repeat: no array is due here."),
        Text("Оставьте одно значение без [ ].", "Keep one value without [ ]."),
        path,
    )


def _not_an_object(path: str, field: Field) -> Finding:
    return _finding(
        "FHIR12",
        Text(f"Здесь нужен объект {field.type}.", f"An object {field.type} is due here."),
        Text("Передайте { } с элементами этого типа.", "Send { } with elements of this type."),
        path,
    )


def _expected(expected: Text) -> Text:
    return Text(f"Ожидается: {expected.ru}.", f"Expected: {expected.en}.")


def _finding(code: str, message: Text, hint: Text, path: str) -> Finding:
    return Finding(code, Severity.ERROR, message, hint, Place(fhirpath=path))
