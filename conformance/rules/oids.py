"""OID: shapes of OIDs and the meaning of their last arc."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from adapter.findings import Text
from adapter.xml import Element
from conformance.rules.identifiers import REMD_ROOT, SNILS_ROOT
from conformance.rules.registry import Broken, Document, attribute_rule, element_rule, tag
from conformance.rules.values import is_oid

_ID: Final = tag("id")
_SET_ID: Final = tag("setId")

#: Elements whose ids carry the staff number, and the header element they must stand in.
_STAFF_IN: Final[dict[object, frozenset[str]]] = {
    tag("assignedAuthor"): frozenset({tag("author")}),
    tag("assignedEntity"): frozenset({tag("legalAuthenticator"), tag("performer")}),
    tag("associatedEntity"): frozenset({tag("participant")}),
}
_HEADER: Final = frozenset({tag("ClinicalDocument"), tag("serviceEvent")})


@attribute_rule(
    "OID01",
    Text("Атрибут root не является OID.", "The attribute root is not an OID."),
    Text("Числа через точку без ведущих нулей, без urn:oid:.", "Dotted numbers without leading zeros or urn:oid:."),
    on="root",
)
def root_is_oid(value: str) -> bool:
    r"""RU: Вид OID в root.

    Каждый непустой root (id, setId, templateId, typeId) имеет вид `^[0-2](\.([1-9][0-9]*|0))+$`. Частые ошибки:
    `urn:oid:` перед OID, GUID, ведущие нули, пробелы.
    Источник: правило Core04 Schematron и образец OID в XSD.

    EN: Shape of the OID in root.

    Every root (id, setId, templateId, typeId) has the shape `^[0-2](\.([1-9][0-9]*|0))+$`. Common mistakes: `urn:oid:`
    before the OID, a GUID, leading zeros, blanks.
    Source: rule Core04 of the Schematron and the OID pattern of the XSD.
    """
    return is_oid(value)


@attribute_rule(
    "OID02",
    Text("Атрибут codeSystem не является OID.", "The attribute codeSystem is not an OID."),
    Text("OID справочника, без urn:oid:.", "The OID of a reference book, without urn:oid:."),
    on="codeSystem",
)
def code_system_is_oid(value: str) -> bool:
    """RU: Вид OID в codeSystem.

    Справочник называют по OID, например 1.2.643.5.1.13.13.11.1005. Адрес `urn:oid:…` или URL из FHIR не подходит: код
    не с чем сравнить, и правила видов перечисляют допустимые OID.
    Источник: правило OID (Core04) и перечни codeSystem в Schematron и XSD.

    EN: Shape of the OID in codeSystem.

    A reference book is named by its OID, e.g. 1.2.643.5.1.13.13.11.1005. `urn:oid:…` or a URL from FHIR does not do:
    there is nothing to compare the code with, and the rules of the kinds list the OIDs that are admitted.
    Source: the rule for OIDs (Core04) and the lists of codeSystem in Schematron and XSD.
    """
    return is_oid(value)


def _suffix_hint(suffix: str) -> Text:
    return Text(
        f"root вида <OID МО>.100.<МИС>.<экземпляр>{suffix}",
        f"a root of the form <OID of the organisation>.100.<МИС>.<instance>{suffix}",
    )


def _roots(parent: Element) -> list[str]:
    """Roots of the ids of ``parent`` that are not null."""
    return [element.get("root", "") for element in parent.iterchildren(_ID) if element.get("nullFlavor") is None]


def _lacks(parent: Element, *suffixes: str) -> Broken:
    """The ids of ``parent`` have no root with such an ending: said at the first of them."""
    return Broken(hint=_suffix_hint(" / ".join(suffixes)), element=parent.find(_ID))


@element_rule(
    "OID03",
    Text(
        "Окончание root не соответствует месту идентификатора.",
        "The last arc of a root does not fit the place of the identifier.",
    ),
    Text(
        "51 документ, 50 набор версий, 10 пациент, 70 сотрудник, 15 случай, 16/17 карта.",
        "51 document, 50 set of versions, 10 patient, 70 staff, 15 encounter, 16/17 chart.",
    ),
    on=(
        "ClinicalDocument",
        "setId",
        "patientRole",
        "assignedAuthor",
        "assignedEntity",
        "associatedEntity",
        "encompassingEncounter",
        "order",
    ),
)
def id_suffix(element: Element, _document: Document) -> Broken | None:
    """RU: Последняя дуга root по месту идентификатора.

    Местные идентификаторы имеют вид `<OID МО>.100.<МИС>.<экземпляр>.<окончание>`: 51 документ, 50 набор версий, 10
    пациент, 70 сотрудник, 15 случай или посещение, 16 и 17 карта стационарного и амбулаторного больного. Проверяются
    места заголовка: ClinicalDocument/id и setId, patientRole, автор, подписант, исполнители, направитель
    (participant REF), случай, направление (order: 51 или номер РЭМД). Порядок идентификаторов не важен: новые виды
    ищут по окончанию. Дуга .100 не требуется: новые виды её не проверяют.
    У пациента правило действует, где идентификаторов два и больше (виды 140 и 160 имеют один).
    Источник: таблицы заголовка СЭМД, Schematron (Main01, Main02, Main03, Main06, Main09, Main10, Main11) и XSD.

    EN: The last arc of a root, by the place of the identifier.

    Local identifiers look like `<OID of the organisation>.100.<МИС>.<instance>.<ending>`: 51 document, 50 set of
    versions, 10 patient, 70 staff, 15 encounter, 16 and 17 inpatient and ambulatory chart. The places of the header
    are checked: ClinicalDocument/id and setId, patientRole, author, legal authenticator, performers, referrer
    (participant REF), encounter, referral (order: 51 or a number of РЭМД). The order of the ids does not matter: newer
    kinds look for the ending. The arc .100 is not asked for: newer kinds do not test it.
    At the patient the rule holds where there are two ids or more (kinds 140 and 160 have one).
    Source: header tables of СЭМД, Schematron (Main01, Main02, Main03, Main06, Main09, Main10, Main11) and XSD.
    """
    return _BY_PLACE[element.tag](element)


def _document_id(document: Element) -> Broken | None:
    element = document.find(_ID)
    return None if element is None or element.get("root", ".51").endswith(".51") else _lacks(document, ".51")


def _set_id(element: Element) -> Broken | None:
    return None if element.get("root", ".50").endswith(".50") else Broken(hint=_suffix_hint(".50"))


def _patient_ids(role: Element) -> Broken | None:
    roots = _roots(role)
    if len(roots) < 2 or any(root.endswith(".10") for root in roots):
        return None
    return _lacks(role, ".10")


def _staff_ids(entity: Element) -> Broken | None:
    parent = entity.getparent()
    if parent is None or parent.tag not in _STAFF_IN[entity.tag] or not _in_header(parent):
        return None
    if entity.tag == tag("associatedEntity") and parent.get("typeCode") != "REF":
        return None
    own = [root for root in _roots(entity) if root != SNILS_ROOT]
    if not own or any(root.endswith(".70") for root in own):
        return None
    return _lacks(entity, ".70")


def _in_header(element: Element) -> bool:
    parent = element.getparent()
    return parent is not None and parent.tag in _HEADER


def _encounter_ids(encounter: Element) -> Broken | None:
    roots = _roots(encounter)
    if roots and not any(root.endswith(".15") for root in roots):
        return _lacks(encounter, ".15")
    if len(roots) > 1 and not any(root.endswith((".16", ".17")) for root in roots):
        return _lacks(encounter, ".16", ".17")
    return None


def _order_ids(order: Element) -> Broken | None:
    if all(root == REMD_ROOT or root.endswith(".51") for root in _roots(order)):
        return None
    return _lacks(order, ".51")


_BY_PLACE: Final[dict[object, Callable[[Element], Broken | None]]] = {
    tag("ClinicalDocument"): _document_id,
    tag("setId"): _set_id,
    tag("patientRole"): _patient_ids,
    tag("assignedAuthor"): _staff_ids,
    tag("assignedEntity"): _staff_ids,
    tag("associatedEntity"): _staff_ids,
    tag("encompassingEncounter"): _encounter_ids,
    tag("order"): _order_ids,
}


@element_rule(
    "OID04",
    Text(
        "Набор версий имеет тот же root, что и документ.",
        "The set of versions has the same root as the document.",
    ),
    Text("root у setId кончается на .50, у id на .51.", "The root of setId ends with .50, that of id with .51."),
    on=("ClinicalDocument",),
)
def set_differs_from_document(element: Element, _document: Document) -> Broken | None:
    """RU: root у id и setId различны.

    Идентификатор документа меняется с каждой версией, идентификатор набора остаётся. Они лежат в разных ветвях: .51
    и .50.
    Источник: таблица атрибутов документа, отчёт Main01 Schematron.

    EN: The roots of id and setId differ.

    The id of a document changes with every version, that of the set stays. They lie in different branches: .51, .50.
    Source: table of document attributes, report Main01 of the Schematron.
    """
    document_id, set_id = element.find(_ID), element.find(_SET_ID)
    if document_id is None or set_id is None:
        return None
    root = document_id.get("root")
    return Broken(element=set_id) if root and root == set_id.get("root") else None
