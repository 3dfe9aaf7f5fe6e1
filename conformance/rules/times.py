"""TS: time stamps, intervals and dates that contradict each other."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from adapter.findings import Severity, Text
from adapter.xml import XSI, Element
from conformance.rules.registry import BROKEN, EFFECTIVE_TIME, Broken, Document, element_rule, tag
from conformance.rules.values import Moment, moment

#: Elements that hold a time stamp wherever they stand.
_ALWAYS: Final = ("effectiveTime", "time", "birthTime", "PII:birthTime", "identity:IssueDate")
#: Elements that hold one inside an interval of time; elsewhere (a range of quantities) they hold a number.
_BOUNDS: Final = ("low", "high", "identity:low", "identity:high")
_BOUND_TAGS: Final = frozenset(map(tag, _BOUNDS))
_INTERVALS: Final = frozenset(map(tag, ("effectiveTime", "time", "phase", "identity:effectiveTime")))
_STAMPS: Final = (*_ALWAYS, *_BOUNDS, "value")
_VALUE: Final = tag("value")
_TYPE: Final = f"{{{XSI}}}type"
_TOMORROW: Final = timedelta(days=1)


def _stamp(element: Element) -> Moment | None:
    """The time stamp of ``element``, ``None`` where it has none."""
    value = element.get("value")
    if value is None or element.get("nullFlavor") is not None:
        return None
    if element.tag in _BOUND_TAGS:
        parent = element.getparent()
        if parent is None or not (parent.tag in _INTERVALS or _is_typed(parent, "IVL_TS")):
            return None
    elif element.tag == _VALUE and not _is_typed(element, "TS"):
        return None
    return moment(value)


def _is_typed(element: Element, name: str) -> bool:
    return element.tag == _VALUE and element.get(_TYPE, "").rpartition(":")[2] == name


def _is_faulty(element: Element) -> bool:
    stamp = _stamp(element)
    return stamp is not None and bool(stamp.faults)


def _fault(element: Element, code: str) -> Broken | None:
    stamp = _stamp(element)
    return BROKEN if stamp is not None and code in stamp.faults else None


@element_rule(
    "TS01",
    Text("Значение не является датой или временем СЭМД.", "The value is not a date or time of a СЭМД."),
    Text("ГГГГММДД, ГГГГММДДЧЧММ+ЗЗЗЗ или ГГГГММДДЧЧММСС+ЗЗЗЗ.", "YYYYMMDD, YYYYMMDDHHMM+ZZZZ or YYYYMMDDHHMMSS+ZZZZ."),
    on=_STAMPS,
    given=_is_faulty,
)
def time_shape(element: Element, _document: Document) -> Broken | None:
    """RU: Вид даты и времени.

    Проверяются effectiveTime, time, birthTime, IssueDate, границы интервалов времени и value типа TS. Только цифры
    и пояс: без дефисов, двоеточий, буквы T, долей секунды; часы всегда с минутами; пояс только вместе со временем.
    Источник: правило Core03 Schematron.

    EN: Shape of dates and times.

    Checked are effectiveTime, time, birthTime, IssueDate, the bounds of intervals of time and values of type TS. Digits
    and a zone only: no hyphens, colons, letter T or fractions; hours come with minutes; a zone comes with a time.
    Source: rule Core03 of the Schematron.
    """
    return _fault(element, "TS01")


@element_rule(
    "TS02",
    Text("Дата известна только до года или месяца.", "The date is known to the year or month only."),
    Text("Точность не меньше дня: ГГГГММДД.", "Day precision at least: YYYYMMDD."),
    on=_STAMPS,
    given=_is_faulty,
)
def day_precision(element: Element, document: Document) -> Broken | None:
    """RU: Точность не меньше дня.

    Год и год с месяцем проходят образец, но старые и средние поколения правил о них сообщают как об ошибке. Новое
    поколение (виды 142, 173, 194 и дальше) не сообщает, поэтому там, и где поколение неизвестно, это предупреждение.
    Как исправить: указать день или передать nullFlavor, где вид это позволяет. Недостающее не выдумывают.
    Источник: отчёты Core03 Schematron.

    EN: Day precision at least.

    A year and a year with a month fit the pattern, but the legacy and middle generations of rules report them as
    errors. The newest generation (kinds 142, 173, 194 and later) does not, so there, and where the generation is
    unknown, this is a warning.
    To mend: give the day, or a nullFlavor where the kind allows it. Nothing missing is invented.
    Source: reports of Core03 of the Schematron.
    """
    fault = _fault(element, "TS02")
    return Broken(Severity.WARNING) if fault is not None and not document.strict else fault


@element_rule(
    "TS03",
    Text("Время без часового пояса.", "A time without a zone."),
    Text("После времени пояс: +0300.", "A zone after the time: +0300."),
    on=_STAMPS,
    given=_is_faulty,
)
def zone_given(element: Element, _document: Document) -> Broken | None:
    """RU: Пояс обязателен, где есть время.

    Время без пояса не проходит ни одного образца. МИС знает пояс своей организации: его и пишут.
    Источник: правило Core03 Schematron.

    EN: A zone is mandatory with a time.

    A time without a zone fits none of the patterns. A МИС knows the zone of its organisation: that is the one to write.
    Source: rule Core03 of the Schematron.
    """
    return _fault(element, "TS03")


@element_rule(
    "TS04",
    Text(
        "Часовой пояс не положительный или не кратен десяти минутам.",
        "A zone that is not positive or not in tens of minutes.",
    ),
    Text("+ЧЧММ, минуты десятками, не больше +1400.", "+HHMM, minutes in tens, at most +1400."),
    on=_STAMPS,
    given=_is_faulty,
)
def zone_positive(element: Element, _document: Document) -> Broken | None:
    """RU: Пояс положительный, десятками минут.

    Правила видов принимают только `+` и минуты десятками: `Z` и `-0500` отвергаются (проверено). Вместо `Z` пишут
    `+0000` или, лучше, местное время. Поясов больше +1400 не бывает.
    Источник: правило Core03 Schematron; предел +1400 из самих часовых поясов.

    EN: A positive zone in tens of minutes.

    The rules of the kinds accept `+` and tens of minutes only: `Z` and `-0500` are refused (tested). Write `+0000` for
    `Z` or, better, the local time. No zone is beyond +1400.
    Source: rule Core03 of the Schematron; the limit of +1400 comes from the zones themselves.
    """
    return _fault(element, "TS04")


@element_rule(
    "TS05",
    Text("Такого дня или времени не существует.", "There is no such day or time."),
    Text("Настоящая дата календаря, часы 00-23.", "A real date of the calendar, hours 00-23."),
    on=_STAMPS,
    given=_is_faulty,
)
def real_moment(element: Element, _document: Document) -> Broken | None:
    """RU: Настоящие дата и время.

    Образцы Schematron пропускают 31 февраля, 19-й месяц и 29 часов. Такое значение не прочтёт ни одна система.
    Источник: календарь; официальные правила этого не проверяют.

    EN: A real date and time.

    The patterns of the Schematron let 31 February, month 19 and 29 hours pass. No system can read such a value.
    Source: the calendar; the official rules do not test this.
    """
    return _fault(element, "TS05")


_LOW_HIGH: Final[dict[object, tuple[str, str]]] = {
    tag("effectiveTime"): (tag("low"), tag("high")),
    tag("time"): (tag("low"), tag("high")),
    tag("value"): (tag("low"), tag("high")),
    tag("identity:effectiveTime"): (tag("identity:low"), tag("identity:high")),
}


@element_rule(
    "TS06",
    Text("Начало интервала позже его конца.", "An interval that begins after its end."),
    Text("low не позже high.", "low not after high."),
    on=("effectiveTime", "time", "value", "identity:effectiveTime"),
)
def interval_order(element: Element, _document: Document) -> Broken | None:
    """RU: Порядок границ интервала.

    low не позже high; значения с поясами сравниваются как моменты, без времени по дням.
    Источник: определение интервала в типах данных HL7 V3; официальные правила этого не проверяют.

    EN: Order of the bounds of an interval.

    low is not after high; values with zones are compared as instants, without a time by their days.
    Source: the definition of an interval in the data types of HL7 V3; the official rules do not test this.
    """
    if len(element) < 2:
        return None
    low_tag, high_tag = _LOW_HIGH[element.tag]
    low, high = element.find(low_tag), element.find(high_tag)
    if low is None or high is None:
        return None
    first, last = _stamp(low), _stamp(high)
    return Broken(element=low) if first is not None and last is not None and _is_after(first, last) else None


def _is_after(one: Moment, other: Moment) -> bool:
    if one.instant is not None and other.instant is not None:
        return one.instant > other.instant
    return one.day is not None and other.day is not None and one.day > other.day


@element_rule(
    "TS07",
    Text("Дата рождения позже документа.", "A birth date later than the document."),
    Text(
        "Дата рождения не позже effectiveTime документа.", "The birth date is not after the document's effectiveTime."
    ),
    on=("birthTime", "PII:birthTime"),
)
def birth_before_document(element: Element, document: Document) -> Broken | None:
    """RU: Рождение не позже документа.

    Дата рождения пациента или представителя сравнивается по дням с ClinicalDocument/effectiveTime; где у документа даты
    нет, с завтрашним днём (из-за часовых поясов).
    Источник: смысл данных; официальные правила этого не проверяют.

    EN: Birth is not later than the document.

    The birth date of a patient or guardian is compared by days with ClinicalDocument/effectiveTime; where the document
    has no date, with tomorrow (because of time zones).
    Source: the meaning of the data; the official rules do not test this.
    """
    born = _stamp(element)
    if born is None or born.day is None:
        return None
    created = document.created
    limit = document.today + _TOMORROW if created is None or created.day is None else created.day
    return BROKEN if born.day > limit else None


@element_rule(
    "TS08",
    Text("Дата документа в будущем.", "The date of the document is in the future."),
    Text("effectiveTime не позже дня регистрации.", "effectiveTime is not after the day of registration."),
    on=("ClinicalDocument",),
    severity=Severity.WARNING,
)
def document_not_future(element: Element, document: Document) -> Broken | None:
    """RU: Документ не из будущего.

    РЭМД отвергает документ, созданный позже дня регистрации (WRONG_CREATION_DATE). Сравнение с завтрашним днём
    проверки, чтобы пояса не мешали. Предупреждение: к регистрации день может наступить.
    Источник: классификатор сообщений РЭМД 1.2.643.5.1.13.13.99.2.305, код 47.

    EN: The document is not from the future.

    РЭМД refuses a document created after the day of registration (WRONG_CREATION_DATE). The comparison is with the day
    after the check, so that zones do not matter. A warning: the day may have come when the document is registered.
    Source: classifier of РЭМД messages 1.2.643.5.1.13.13.99.2.305, code 47.
    """
    created = document.created
    if created is None or created.day is None or created.day <= document.today + _TOMORROW:
        return None
    return Broken(element=element.find(EFFECTIVE_TIME))
