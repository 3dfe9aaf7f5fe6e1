"""ADR, TEL: addresses and telecommunication."""

from __future__ import annotations

from typing import Final

from adapter.findings import Severity, Text
from adapter.xml import Element
from conformance.rules.registry import BROKEN, Broken, Document, element_rule, tag, text_of
from conformance.rules.values import has_scheme, is_guid, is_postal_code, is_telephone

RUSSIA: Final = "185"
REGION_SYSTEMS: Final = frozenset({"1.2.643.5.1.13.13.99.2.206", "1.2.643.5.1.13.13.11.1093"})
COUNTRY_SYSTEM: Final = "1.2.643.5.1.13.13.99.2.545"
_COUNTRY: Final = (tag("address:country"), tag("address:Country"))


def _is_foreign(element: Element) -> bool:
    """The address that holds ``element`` names a country other than Russia."""
    parent = element.getparent()
    if parent is None:
        return False
    return any(country.get("code") not in {None, RUSSIA} for country in parent.iterchildren(*_COUNTRY))


@element_rule(
    "ADR01",
    Text("Почтовый индекс не из шести цифр.", "A postal code that is not six digits."),
    Text("Шесть цифр, или nullFlavor.", "Six digits, or a nullFlavor."),
    on=("postalCode",),
)
def postal_code(element: Element, document: Document) -> Broken | None:
    """RU: Почтовый индекс.

    postalCode без nullFlavor содержит ровно шесть цифр. В адресе другой страны (address:country не 185) правило не
    действует. Новое поколение правил проверяет только непустоту, поэтому там, и где поколение неизвестно, непустой
    неверный индекс даёт предупреждение.
    Источник: правила Schematron для postalCode (Extra02, Core02).

    EN: Postal code.

    A postalCode without a nullFlavor holds exactly six digits. The rule does not hold in an address of another country
    (address:country other than 185). The newest generation of rules tests only that it is not empty, so there, and
    where the generation is unknown, a wrong code that is not empty is a warning.
    Source: rules of the Schematron for postalCode (Extra02, Core02).
    """
    if element.get("nullFlavor") is not None:
        return None
    value = text_of(element)
    if is_postal_code(value) or _is_foreign(element):
        return None
    return BROKEN if document.strict or not value else Broken(Severity.WARNING)


@element_rule(
    "ADR02",
    Text(
        "Субъект РФ закодирован не по справочнику субъектов.", "A region coded by a book that is not that of regions."
    ),
    Text("codeSystem 1.2.643.5.1.13.13.99.2.206.", "codeSystem 1.2.643.5.1.13.13.99.2.206."),
    on=("address:stateCode",),
)
def region_system(element: Element, _document: Document) -> Broken | None:
    """RU: Справочник региона.

    address:stateCode российского адреса (страна не указана или 185) кодируется по 1.2.643.5.1.13.13.99.2.206
    (прежний OID 1.2.643.5.1.13.13.11.1093 правила тоже принимают). Код по ОКАТО или ФИАС сюда не годится.
    Источник: правило Core02 Schematron.

    EN: Book of the region.

    address:stateCode of a Russian address (no country, or 185) is coded by 1.2.643.5.1.13.13.99.2.206 (the rules also
    accept the former OID 1.2.643.5.1.13.13.11.1093). A code of ОКАТО or ФИАС does not do here.
    Source: rule Core02 of the Schematron.
    """
    if element.get("nullFlavor") is not None or element.get("codeSystem") in REGION_SYSTEMS:
        return None
    return None if _is_foreign(element) else BROKEN


@element_rule(
    "ADR03",
    Text("Страна закодирована не по справочнику стран.", "A country coded by a book that is not that of countries."),
    Text("codeSystem 1.2.643.5.1.13.13.99.2.545.", "codeSystem 1.2.643.5.1.13.13.99.2.545."),
    on=("address:country", "address:Country"),
)
def country_system(element: Element, _document: Document) -> Broken | None:
    """RU: Справочник страны.

    address:country кодируется по 1.2.643.5.1.13.13.99.2.545; Россия имеет код 185. Буквенный код ISO сюда не годится.
    Источник: правило Core02 Schematron.

    EN: Book of the country.

    address:country is coded by 1.2.643.5.1.13.13.99.2.545; Russia has the code 185. A letter code of ISO does not do.
    Source: rule Core02 of the Schematron.
    """
    if element.get("nullFlavor") is not None or element.get("codeSystem") == COUNTRY_SYSTEM:
        return None
    return BROKEN


@element_rule(
    "ADR04",
    Text("Идентификатор ФИАС не является GUID.", "An identifier of ФИАС that is not a GUID."),
    Text("8-4-4-4-12 шестнадцатеричных цифр.", "8-4-4-4-12 hexadecimal digits."),
    on=("fias:AOGUID", "fias:HOUSEGUID"),
    severity=Severity.WARNING,
)
def fias_guid(element: Element, _document: Document) -> Broken | None:
    """RU: GUID ФИАС.

    fias:AOGUID и fias:HOUSEGUID: GUID с дефисами. Предупреждение: официальные правила требуют только непустоты, вид
    следует из самого ФИАС (вывод проекта). Коды КЛАДР сюда не годятся.

    EN: GUID of ФИАС.

    fias:AOGUID and fias:HOUSEGUID: a GUID with hyphens. A warning: the official rules ask only that it is not
    empty, the shape follows from ФИАС itself (inference of this project). Codes of КЛАДР do not do here.
    """
    return None if element.get("nullFlavor") is not None or is_guid(text_of(element)) else BROKEN


@element_rule(
    "TEL01",
    Text("Телефон записан не в виде tel:.", "A telephone that does not have the tel: shape."),
    Text(
        "tel: и цифры, дефисы, точки, скобки, без пробелов: tel:+74950000000.",
        "tel: and digits, hyphens, dots, brackets, no blanks: tel:+74950000000.",
    ),
    on=("telecom",),
)
def telephone_shape(element: Element, document: Document) -> Broken | None:
    r"""RU: Вид телефона.

    telecom/@value со схемой tel: имеет вид `^tel:\+?[-0-9().]+$`. Пробелы и добавочные номера не допускаются. Старое
    поколение правил это проверяет; для остальных видов (их правила требуют только непустоты) это предупреждение.
    Источник: таблица заголовка, правило У1-4 Schematron.

    EN: Shape of a telephone.

    A telecom/@value with the scheme tel: has the shape `^tel:\+?[-0-9().]+$`. Blanks and extensions are not
    allowed. The legacy generation of rules tests this; for other kinds (whose rules ask only for a value) it is a
    warning.
    Source: header table, rule У1-4 of the Schematron.
    """
    if element.get("nullFlavor") is not None or is_telephone(element.get("value", "")):
        return None
    legacy = document.kind is not None and document.kind.generation == "legacy"
    return BROKEN if legacy else Broken(Severity.WARNING)


@element_rule(
    "TEL02",
    Text("Контакт без схемы адреса.", "A telecom value without a scheme."),
    Text(
        "tel:, mailto:, fax: или другая схема перед значением.",
        "tel:, mailto:, fax: or another scheme before the value.",
    ),
    on=("telecom",),
    severity=Severity.WARNING,
)
def telecom_scheme(element: Element, _document: Document) -> Broken | None:
    """RU: Схема контакта.

    telecom/@value это адрес URL: `tel:+7…`, `mailto:…`. Номер без схемы правила пропускают, но получатель не
    отличит телефон от почты. Предупреждение.
    Источник: тип данных TEL в HL7 V3; официальные правила этого не проверяют.

    EN: Scheme of a telecom value.

    telecom/@value is a URL: `tel:+7…`, `mailto:…`. The rules let a number without a scheme pass, but a receiver cannot
    tell a telephone from mail. A warning.
    Source: data type TEL of HL7 V3; the official rules do not test this.
    """
    if element.get("nullFlavor") is not None or has_scheme(element.get("value", "")):
        return None
    return BROKEN
