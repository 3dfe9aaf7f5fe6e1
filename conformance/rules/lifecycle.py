"""DOC1x: the kind of the document: is it open for registration, does the document agree with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from adapter.documents.kinds import KIND_SYSTEMS, Kind, Kinds, TemplateId, document_codings
from adapter.findings import EMPTY, Finding, Severity, Text
from adapter.xml import Element
from conformance.rules.registry import EFFECTIVE_TIME, RULES, Broken, Document, element_rule, tag

_ROOT: Final = ("ClinicalDocument",)
_TEMPLATE: Final = tag("templateId")
_CODE: Final = tag("code")


def _severity(mark: str, dated: bool) -> Severity:
    """An error where the date of the kind is certain and the document has a date of its own, else a warning."""
    return Severity.ERROR if mark == "H" and dated else Severity.WARNING


def _third_party(mark: str) -> Text:
    if mark == "H":
        return EMPTY
    return Text(" (по стороннему источнику)", " (by a third-party source)")


def _use_successor(kind: Kind, kinds: Kinds | None, today: date) -> Text:
    later = kinds.successor(kind, today) if kinds is not None else None
    if later is None:
        return Text(
            "Преемник неизвестен: проверьте справочник 1.2.643.5.1.13.13.11.1520.",
            "No successor is known: look into the book 1.2.643.5.1.13.13.11.1520.",
        )
    return Text(
        f"Преемник: {later.code} «{later.official_title}».",
        f"The successor is {later.code} «{later.official_title}».",
    )


@element_rule(
    "DOC10",
    Text("Вид документа закрыт для регистрации.", "The kind of the document is closed for registration."),
    Text("Преемник этого вида.", "The successor of this kind."),
    on=_ROOT,
)
def kind_closed(element: Element, document: Document) -> Broken | None:
    """RU: Вид закрыт на дату документа.

    РЭМД отвергает документ, дата создания которого вне срока вида (NO_DOCUMENT_KIND_ON_DATE). Дата создания берётся
    из ClinicalDocument/effectiveTime; где её нет, из дня проверки, и тогда это предупреждение. Предупреждение и
    там, где дата закрытия известна только из одной сторонней копии справочника (виды 105 и 170). День закрытия
    считается последним днём приёма (вывод проекта).
    Как исправить: сделать документ по преемнику, который назван в совете.
    Источник: справочник 1.2.643.5.1.13.13.11.1520 (mappings/kinds.yaml), классификатор 1.2.643.5.1.13.13.99.2.305,
    код 17.

    EN: The kind is closed on the date of the document.

    РЭМД refuses a document whose date of creation is outside the validity of its kind (NO_DOCUMENT_KIND_ON_DATE).
    The date is that of ClinicalDocument/effectiveTime; without one, the day of the check, and then it is a warning.
    It is a warning too where the closing date stands in one third-party copy of the book only (kinds 105 and 170).
    The closing day counts as the last day of acceptance (inference of this project).
    To mend: make the document by the successor that the hint names.
    Source: book 1.2.643.5.1.13.13.11.1520 (mappings/kinds.yaml), classifier 1.2.643.5.1.13.13.99.2.305, code 17.
    """
    kind = document.kind
    created = document.created
    broken = _closed(kind, document.kinds, created.day if created else None, document.today) if kind else None
    return None if broken is None else replace(broken, element=element.find(EFFECTIVE_TIME))


def closed_kind(kind: Kind, kinds: Kinds, created: date | None, today: date) -> Finding | None:
    """DOC10 about a document that is not checked, or not even made.

    Args:
        kind: its kind.
        kinds: the catalogue, for the successor.
        created: its date, ``None`` where it has none.
        today: the day that stands for it then.
    """
    broken = _closed(kind, kinds, created, today)
    return None if broken is None else RULES["DOC10"].finding(None, "", broken)


def _closed(kind: Kind, kinds: Kinds | None, created: date | None, today: date) -> Broken | None:
    if kind.end is None or (created or today) <= kind.end:
        return None
    by = _third_party(kind.end_mark)
    return Broken(
        _severity(kind.end_mark, created is not None),
        Text(
            f"Вид {kind.code} закрыт для документов позже {kind.end}{by.ru}.",
            f"Kind {kind.code} is closed for documents after {kind.end}{by.en}.",
        ),
        _use_successor(kind, kinds, today),
    )


@element_rule(
    "DOC11",
    Text("Вид документа ещё не открыт для регистрации.", "The kind of the document is not open yet."),
    Text("Вид, который действует на дату документа.", "The kind that is valid on the date of the document."),
    on=_ROOT,
)
def kind_not_open(element: Element, document: Document) -> Broken | None:
    """RU: Вид ещё не открыт на дату документа.

    Документ датирован раньше первого дня вида: РЭМД его отвергнет (NO_DOCUMENT_KIND_ON_DATE). Предупреждение, где
    начало известно только из сторонней копии справочника или у документа нет даты.
    Источник: справочник 1.2.643.5.1.13.13.11.1520 (mappings/kinds.yaml), классификатор 1.2.643.5.1.13.13.99.2.305,
    код 17.

    EN: The kind is not open yet on the date of the document.

    The document is dated before the first day of its kind: РЭМД refuses it (NO_DOCUMENT_KIND_ON_DATE). A warning
    where the first day is known from a third-party copy of the book only, or where the document has no date.
    Source: book 1.2.643.5.1.13.13.11.1520 (mappings/kinds.yaml), classifier 1.2.643.5.1.13.13.99.2.305, code 17.
    """
    kind = document.kind
    if kind is None or _day(document) >= kind.start:
        return None
    by = _third_party(kind.start_mark)
    return Broken(
        _severity(kind.start_mark, document.created is not None),
        Text(
            f"Вид {kind.code} открыт для документов с {kind.start}{by.ru}.",
            f"Kind {kind.code} is open for documents from {kind.start}{by.en}.",
        ),
        element=element.find(EFFECTIVE_TIME),
    )


@element_rule(
    "DOC12",
    Text("Для новых документов этот вид уже закрыт.", "This kind is closed for new documents."),
    Text("Преемник этого вида.", "The successor of this kind."),
    on=_ROOT,
    severity=Severity.NOTE,
)
def kind_closed_today(element: Element, document: Document) -> Broken | None:
    """RU: Вид закрыт сегодня, но не на дату документа.

    Сам документ датирован временем, когда вид действовал, и отказа по виду быть не должно. Новые документы делают по
    преемнику, который назван в совете. Замечание.
    Источник: справочник 1.2.643.5.1.13.13.11.1520 (mappings/kinds.yaml).

    EN: The kind is closed today, though not on the date of the document.

    The document itself is dated within the validity of its kind, which should not be refused. New documents are made by
    the successor that the hint names. A note.
    Source: book 1.2.643.5.1.13.13.11.1520 (mappings/kinds.yaml).
    """
    kind = document.kind
    if kind is None or kind.end is None or not _day(document) <= kind.end < document.today:
        return None
    by = _third_party(kind.end_mark)
    return Broken(
        message=Text(
            f"Вид {kind.code} закрыт для документов позже {kind.end}{by.ru}; этот документ старше.",
            f"Kind {kind.code} is closed for documents after {kind.end}{by.en}; this document is older.",
        ),
        hint=_use_successor(kind, document.kinds, document.today),
        element=element.find(_TEMPLATE),
    )


def _day(document: Document) -> date:
    created = document.created
    return document.today if created is None or created.day is None else created.day


@element_rule(
    "DOC13",
    Text("Код документа противоречит его виду.", "The code of the document contradicts its kind."),
    Text(
        "Код, система кодирования и перевод кода, положенные виду.",
        "The code, code system and translation of the kind.",
    ),
    on=_ROOT,
)
def code_fits_kind(element: Element, document: Document) -> Broken | None:
    """RU: Код документа соответствует виду.

    Вид определён по templateId (или задан). ClinicalDocument/code и его translation должны называть его же: у первого
    поколения тип документа из 11.1522, у второго вид руководства из 99.2.1079 с переводом на вид из 11.1520, у
    третьего вид из 11.1520. У некоторых видов (97, 98, 119, 125, 126) код выбирает и root у templateId.
    Частая ошибка: шаблон новой редакции, а код остался от прежней.
    Источник: таблица поколений кода документа; mappings/kinds.yaml. Где правила вида не известны, сверяется только код
    в 11.1520; где код сложен по образцу соседей (147, 169), это предупреждение.

    EN: The code of the document fits its kind.

    The kind is found by templateId (or was given). ClinicalDocument/code and its translation must name the same: in
    the first generation the type from 11.1522, in the second the kind of guide from 99.2.1079 with a translation to
    the kind in 11.1520, in the third the kind in 11.1520. In some kinds (97, 98, 119, 125, 126) the code also
    chooses the root of templateId. A common mistake: the template of a new edition with the code of the old one.
    Source: table of the generations of the document code; mappings/kinds.yaml. Where the rules of the kind are not
    known, only a code in 11.1520 is compared; where the code is formed after its neighbours (147, 169) it is a warning.
    """
    kind = document.kind
    code = element.find(_CODE)
    if kind is None or code is None or _agrees(kind, element):
        return None
    return Broken(Severity.ERROR if kind.code_mark == "H" else Severity.WARNING, element=code)


def _agrees(kind: Kind, root: Element) -> bool:
    codings = document_codings(root)
    if any(
        coding.system in KIND_SYSTEMS and coding.code not in {kind.code, *kind.document_codes} for coding in codings
    ):
        return False
    if not kind.document_codes:
        return True
    own = codings[0]
    if own.code not in kind.document_codes or own.system not in kind.code_systems:
        return False
    translations = {coding.code for coding in codings[1:]}
    if kind.translation and translations and kind.translation not in translations:
        return False
    bound = [template for template in kind.template_ids if template.document_code]
    roots = {template.get("root", "") for template in root.iterchildren(_TEMPLATE)}
    return not any(template.root in roots for template in bound) or _admits(bound, roots, own.code)


def _admits(bound: list[TemplateId], roots: set[str], code: str) -> bool:
    return any(template.root in roots and template.document_code == code for template in bound)
