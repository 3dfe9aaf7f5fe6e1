"""The keys of the language, once: the loader checks by them, the JSON Schema for editors is made of them."""

from __future__ import annotations

from typing import Final, NamedTuple

from adapter.findings import Text


class Key(NamedTuple):
    """A key: JSON Schema of its value, and what it means."""

    schema: dict[str, object]
    text: Text


_EXPRESSION: Final[dict[str, object]] = {"type": ["string", "boolean", "number"]}
_EXPRESSIONS: Final[dict[str, object]] = {
    "oneOf": [_EXPRESSION, {"type": "array", "items": _EXPRESSION, "minItems": 1}]
}
_STRING: Final[dict[str, object]] = {"type": "string"}
_TEXTS: Final[dict[str, object]] = {
    "type": "object",
    "properties": {"ru": _STRING, "en": _STRING},
    "additionalProperties": False,
}
_FIELDS: Final[dict[str, object]] = {
    "type": "object",
    "additionalProperties": {"oneOf": [{"$ref": "#/$defs/field"}, {"type": "null"}]},
}

NULL_FLAVORS: Final = (
    "NI",
    "NA",
    "UNK",
    "NASK",
    "NAV",
    "ASKU",
    "OTH",
    "INV",
    "MSK",
    "PINF",
    "NINF",
    "UNC",
    "TRC",
    "NP",
)

_FLAVOR: Final[dict[str, object]] = {"enum": list(NULL_FLAVORS)}

ABSENT: Final[dict[str, Key]] = {
    "given": Key(
        {
            "oneOf": [
                {"type": "array", "items": _FLAVOR, "minItems": 1},
                {
                    "type": "object",
                    "propertyNames": _FLAVOR,
                    "additionalProperties": _FLAVOR,
                    "minProperties": 1,
                },
            ]
        },
        Text("какие nullFlavor отправителя берутся", "the nullFlavors that are taken from the sender"),
    ),
    "from": Key(_EXPRESSIONS, Text("где причина отсутствия", "where the reason is")),
    "else": Key(_FLAVOR, Text("nullFlavor без такой причины", "nullFlavor without such a reason")),
}

FIELD: Final[dict[str, Key]] = {
    "from": Key(
        _EXPRESSIONS, Text("выражение или варианты: берётся первый непустой", "an expression, or alternatives")
    ),
    "each": Key(_EXPRESSIONS, Text("то же, но берутся все значения", "the same, but every value is taken")),
    "identifier": Key(_STRING, Text("канонический вид идентификатора", "a canonical kind of identifier")),
    "constant": Key(_EXPRESSION, Text("литерал", "a literal")),
    "coding": Key(
        {"type": "string", "pattern": "^[0-9.]+#.+$"}, Text("код справочника OID#код", "a code of a book: OID#code")
    ),
    "use": Key(_STRING, Text("применить другое отображение", "apply another map")),
    "fields": Key(_FIELDS, Text("вложенные факты", "nested facts")),
    "let": Key(_FIELDS, Text("имена для вложенных полей", "names for nested fields")),
    "when": Key(_EXPRESSION, Text("условие поля", "a guard")),
    "as": Key(
        {
            "oneOf": [
                _STRING,
                {"type": "object", "maxProperties": 1},
                {"type": "array", "items": {"oneOf": [_STRING, {"type": "object", "maxProperties": 1}]}},
            ]
        },
        Text("преобразования по порядку", "converters, in order"),
    ),
    "concept": Key(_STRING, Text("карта понятий", "a concept map")),
    "required": Key(
        {"enum": [True, False, "error", "warning"]}, Text("обязательность", "a finding where there is nothing")
    ),
    "absent": Key(
        {
            "oneOf": [
                _FLAVOR,
                {
                    "type": "object",
                    "properties": {name: key.schema for name, key in ABSENT.items()},
                    "required": ["given"],
                    "additionalProperties": False,
                },
            ]
        },
        Text("nullFlavor, если значения нет", "nullFlavor where there is nothing"),
    ),
    "dropped": Key(
        _EXPRESSION,
        Text("что есть, но не попадает в факт: замечание MAP05", "what is there and left out: a note MAP05"),
    ),
    "hint": Key(_TEXTS, Text("что заполнить", "what to fill")),
    "note": Key(_STRING, Text("замечание для читателя", "a remark for readers")),
}

MAP: Final[dict[str, Key]] = {
    "map": Key(_STRING, Text("имя отображения", "id of the map")),
    "source": Key(
        {"oneOf": [_STRING, {"type": "array", "items": _STRING}]}, Text("тип FHIR", "FHIR type of the focus")
    ),
    "extends": Key(_STRING, Text("от чего наследует", "what it inherits from")),
    "let": Key(_FIELDS, Text("имена для значений", "names for values")),
    "fields": Key(_FIELDS, Text("факты", "facts")),
    "note": Key(_STRING, Text("замечание", "a remark")),
}

DOCUMENT: Final[dict[str, Key]] = {
    "document": Key(_STRING, Text("вид СЭМД или основа", "kind of the document, or a base")),
    **{name: key for name, key in MAP.items() if name != "map"},
    "template": Key(_STRING, Text("шаблон тела", "template of the body")),
    "header": Key({"type": "object"}, Text("переключатели заголовка", "switches of the header")),
    "sections": Key({"type": "object"}, Text("секции", "sections")),
}

FORMS: Final = ("json", "soap", "xml")
MESSAGE: Final[dict[str, Key]] = {
    "form": Key({"enum": [*FORMS]}, Text("вид сообщения", "form of the message")),
    "schema": Key(
        _STRING,
        Text(
            "файл в mappings/registers/schemas: JSON Schema, WSDL или XSD",
            "file in mappings/registers/schemas: JSON Schema, WSDL or XSD",
        ),
    ),
    "element": Key(
        {"type": "string", "pattern": "^[{][^}]+[}]"},
        Text(
            "элемент SOAP: {пространство}имя; без имени — его даёт факт operation",
            "element of SOAP: {namespace}name; without a name the fact operation gives it",
        ),
    ),
    "template": Key(_STRING, Text("шаблон XML", "template of XML")),
}

REGISTER: Final[dict[str, Key]] = {
    "register": Key(_STRING, Text("сообщение регистра", "message of a register")),
    **{name: key for name, key in MAP.items() if name != "map"},
    "message": Key(
        {
            "type": "object",
            "properties": {name: key.schema for name, key in MESSAGE.items()},
            "required": ["form", "schema"],
            "additionalProperties": False,
        },
        Text("как факт body становится байтами", "how the fact body becomes bytes"),
    ),
}

#: Sorts of maps, by the key that names one: where they are, and their keys.
FOLDERS: Final = {"map": "mappings/resources", "document": "mappings/documents", "register": "mappings/registers"}
#: Folder of the schemas of messages in a catalogue.
SCHEMAS: Final = "mappings/registers/schemas"
HEADS: Final = {"map": MAP, "document": DOCUMENT, "register": REGISTER}

ROUTE: Final[dict[str, Key]] = {
    "id": Key(_STRING, Text("имя маршрута", "id of the route")),
    "product": Key(
        {"oneOf": [_STRING, {"type": "array", "items": _STRING, "minItems": 1}]},
        Text(
            "документ или сообщение, или редакции одного документа",
            "id of a document or message, or editions of one document",
        ),
    ),
    "focus": Key(_STRING, Text("тип ресурса", "type of the resource")),
    "when": Key(_EXPRESSION, Text("условие", "condition")),
    "each": Key(
        _EXPRESSION,
        Text("части ресурса: по сообщению на каждую", "parts of the resource: a message of each"),
    ),
    "on": Key(
        {"type": "boolean"},
        Text("false: маршрут включает организация", "false: an organisation switches the route on"),
    ),
    "note": Key(_STRING, Text("замечание", "a remark")),
}

CONCEPTS: Final[dict[str, Key]] = {
    "concepts": Key(_STRING, Text("имя карты понятий", "id of the concept map")),
    "target": Key(
        {"type": "string", "pattern": "^([0-9.]+|urn:[!-~]+)$"},
        Text("OID справочника назначения, или наша система кодов", "OID of the target book, or a code system of ours"),
    ),
    "groups": Key({"type": "array", "items": {"$ref": "#/$defs/group"}}, Text("группы по порядку", "groups in order")),
    "unmapped": Key(
        {"enum": ["error", "warning", "absent"]}, Text("что с кодом без соответствия", "what of a code without a row")
    ),
    "status": Key(_STRING, Text("достоверность", "certainty")),
    "bare": Key(
        {"type": "boolean"},
        Text("коды берутся как есть, без названия и версии", "codes are taken as they are, without name and version"),
    ),
    "waits": Key(_TEXTS, Text("для чего карта, если документы её ещё не используют", "what an unused map is for")),
    "note": Key(_STRING, Text("замечание", "a remark")),
}

_CODE: Final[dict[str, object]] = {"type": ["string", "integer"]}
_CANDIDATES: Final[dict[str, object]] = {"type": "array", "items": _CODE, "minItems": 2}
_TARGET: Final[dict[str, object]] = {
    "oneOf": [
        _CODE,
        _CANDIDATES,
        {
            "type": "object",
            "properties": {
                "code": {"oneOf": [_CODE, _CANDIDATES]},
                "absent": _FLAVOR,
                "status": _STRING,
                "note": _STRING,
            },
            "additionalProperties": False,
        },
    ]
}

GROUP: Final[dict[str, Key]] = {
    "source": Key(
        _STRING, Text("система кодов; пусто — код без системы, * — любая", "code system; empty: a bare code, *: any")
    ),
    "elements": Key(
        {"type": "object", "additionalProperties": _TARGET}, Text("код → код справочника", "code → code of the book")
    ),
    "identity": Key({"type": "boolean"}, Text("коды проходят как есть", "codes pass as they are")),
    "column": Key(
        _STRING, Text("столбец справочника с кодом отправителя", "column of the book with the sender's code")
    ),
    "none": Key(_STRING, Text("что стоит в столбце, если кода нет", "what the column has where there is no code")),
    "display": Key(_STRING, Text("столбец с названием у отправителя", "column with the sender's display name")),
    "status": Key(_STRING, Text("достоверность", "certainty")),
    "note": Key(_STRING, Text("замечание", "a remark")),
}

TEST: Final[dict[str, Key]] = {
    "name": Key(_STRING, Text("о чём тест", "what the test is about")),
    "map": Key(_STRING, Text("имя отображения или документа", "id of a map or a document")),
    "concept": Key(_STRING, Text("вместо map: имя карты понятий", "instead of map: id of a concept map")),
    "given": Key(
        {"type": ["object", "string"]},
        Text("ресурс, Bundle, элемент FHIR или код", "a resource, a Bundle, an element or a code"),
    ),
    "focus": Key(_STRING, Text("тип ресурса, если given — Bundle", "type of the focus where given is a Bundle")),
    "with": Key(
        {"type": "array", "items": {"type": "object"}},
        Text("ресурсы, на которые ссылается given", "resources that references of given lead to"),
    ),
    "fhir": Key({"enum": ["R4", "R4B", "R5"]}, Text("версия FHIR", "release of FHIR")),
    "organisation": Key(
        {"type": "object"}, Text("отличия настройки организации", "what differs in the organisation's configuration")
    ),
    "books": Key(
        {"type": "array", "items": _STRING},
        Text("без этих справочников тест пропускается", "the test is skipped without these books"),
    ),
    "expect": Key({"type": ["object", "null"]}, Text("ожидаемые факты", "the facts that are looked at")),
    "findings": Key(
        {"type": "array", "items": _STRING}, Text("ровно эти сообщения: КОД правило", "exactly these: CODE rule")
    ),
    "note": Key(_STRING, Text("замечание", "a remark")),
}
