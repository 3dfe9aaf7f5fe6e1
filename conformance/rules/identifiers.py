"""ID: numbers of people, organisations and documents that have check digits or a fixed form."""

from __future__ import annotations

from typing import Final

from adapter.findings import Severity, Text
from adapter.xml import Element
from conformance.rules.registry import BROKEN, Broken, Document, element_rule, tag, text_of
from conformance.rules.values import (
    is_enp,
    is_inn,
    is_ogrn,
    is_ogrnip,
    is_remd_number,
    is_snils,
    is_snils_shape,
    is_zero,
)

SNILS_ROOT: Final = "1.2.643.100.3"
REMD_ROOT: Final = "1.2.643.5.1.13.13.17.1.1"
_FEDERAL: Final = frozenset({SNILS_ROOT, REMD_ROOT})
POLICY_SYSTEM: Final = "1.2.643.5.1.13.13.11.1035"
UNIFIED_POLICIES: Final = frozenset({"2", "3"})
_NUMBER: Final = tag("identity:Number")


def _is_federal(element: Element) -> bool:
    """A СНИЛС or a number of РЭМД that is not null."""
    return element.get("root") in _FEDERAL and element.get("nullFlavor") is None


@element_rule(
    "ID01",
    Text("СНИЛС с неверными контрольными цифрами.", "A СНИЛС with wrong check digits."),
    Text(
        "11 цифр, последние две контрольные: сумма dᵢ·(10−i) по первым девяти, по модулю 101, 100 как 00.",
        "11 digits, the last two check the first nine: sum of dᵢ·(10−i) modulo 101, 100 as 00.",
    ),
    on=("id",),
    given=_is_federal,
)
def snils_check_digits(element: Element, _document: Document) -> Broken | None:
    """RU: Контрольные цифры СНИЛС.

    Проверяется каждый id с root 1.2.643.100.3: у пациента, автора, исполнителей, представителя. Такого номера, как с
    неверными контрольными цифрами, не существует: человека не найдут ни в ФРМР, ни в ГИП. Официальный Schematron
    проверяет только вид номера, поэтому ошибка дошла бы до регистрации. Номера до 001-001-998 выданы без контрольных
    цифр. Номер из одних нулей сходится по формуле, но не бывает настоящим (вывод проекта): предупреждение.
    Как исправить: сверить номер с документом; если СНИЛС нет, передать id с nullFlavor, где вид это позволяет.
    Источник: открытый алгоритм с проверенными примерами; вывод проекта о номере из нулей.

    EN: Check digits of СНИЛС (insurance number of a person).

    Every id with root 1.2.643.100.3 is checked: patient, author, performers, guardian. No number with wrong check
    digits exists: the person is found neither in the register of workers nor in that of patients. The official
    Schematron tests the shape only, so the mistake would travel as far as the registration. Numbers up to
    001-001-998 were issued without check digits. A number of zeros fits the formula but is never real (inference of
    this project): a warning.
    To mend: compare with the document; without a СНИЛС send the id with a nullFlavor where the kind allows it.
    Source: public algorithm with executed vectors; the zeros are an inference.
    """
    if element.get("root") != SNILS_ROOT:
        return None
    value = element.get("extension", "")
    if not is_snils_shape(value):
        return None
    if is_zero(value):
        return Broken(Severity.WARNING, Text("СНИЛС из одних нулей.", "A СНИЛС of zeros."))
    return None if is_snils(value) else BROKEN


@element_rule(
    "ID07",
    Text("Номер не имеет вида СНИЛС.", "A number that does not have the shape of a СНИЛС."),
    Text(
        "11 цифр; после каждой тройки может стоять один дефис или пробел.",
        "11 digits; one hyphen or blank may stand after each group of three.",
    ),
    on=("id",),
    given=_is_federal,
)
def snils_shape(element: Element, _document: Document) -> Broken | None:
    """RU: Вид СНИЛС.

    Атрибут extension при root 1.2.643.100.3: одиннадцать цифр, между группами допустим один дефис или пробел.
    РЭМД в запросе ждёт одиннадцать цифр без разделителей, поэтому лучше так писать и в документе.
    Источник: правило Schematron `^([0-9]{3}[-\\s]{0,1}){3}[0-9]{2}$`, общее для всех видов.

    EN: Shape of СНИЛС.

    The extension at root 1.2.643.100.3: eleven digits, one hyphen or blank allowed between groups. A registration
    request wants eleven digits without separators, so that form is the better one in the document too.
    Source: Schematron rule `^([0-9]{3}[-\\s]{0,1}){3}[0-9]{2}$`, shared by all kinds.
    """
    if element.get("root") != SNILS_ROOT:
        return None
    return None if is_snils_shape(element.get("extension", "")) else BROKEN


@element_rule(
    "ID02",
    Text("ИНН неверной длины или с неверной контрольной цифрой.", "An ИНН of wrong length or check digit."),
    Text("10 цифр у организации, 12 у человека.", "10 digits for an organisation, 12 for a person."),
    on=("identity:INN",),
    severity=Severity.WARNING,
)
def inn_check_digits(element: Element, _document: Document) -> Broken | None:
    """RU: ИНН: длина и контрольные цифры.

    Проверяется identity:INN (плательщик в DocInfo, реквизиты организации в Props). Организация: 10 цифр, последняя
    контрольная; человек: 12 цифр, последние две. Официальные правила этого не проверяют. Пустой элемент некоторые
    виды пропускают, поэтому о нём предупреждение: вместо пустого пишут nullFlavor.
    Источник: открытый алгоритм с проверенными примерами.

    EN: ИНН (taxpayer number): length and check digits.

    identity:INN is checked (payer in DocInfo, organisation in Props). An organisation has 10 digits, the last one is
    the check digit; a person has 12, the last two. The official rules do not test this. Some kinds let an empty
    element pass, so that is a warning: write a nullFlavor in place of nothing.
    Source: public algorithm with executed vectors.
    """
    if element.get("nullFlavor") is not None:
        return None
    value = text_of(element)
    if is_inn(value):
        return None
    return BROKEN if value else Broken(Severity.WARNING)


@element_rule(
    "ID03",
    Text("ОГРН неверной длины или с неверной контрольной цифрой.", "An ОГРН of wrong length or check digit."),
    Text("13 цифр, последняя контрольная.", "13 digits, the last one is the check digit."),
    on=("identity:Ogrn",),
    severity=Severity.WARNING,
)
def ogrn_check_digit(element: Element, _document: Document) -> Broken | None:
    """RU: ОГРН организации.

    identity:Props/identity:Ogrn: 13 цифр; последняя равна числу из первых двенадцати по модулю 11, затем по модулю 10.
    Частая ошибка: в Ogrn записан ОГРНИП (15 цифр), для него есть identity:Ogrnip.
    Источник: открытый алгоритм с проверенными примерами.

    EN: ОГРН (state registration number of an organisation).

    identity:Props/identity:Ogrn: 13 digits; the last is the number of the first twelve modulo 11 modulo 10.
    A common mistake: ОГРНИП (15 digits) written into Ogrn; it belongs to identity:Ogrnip.
    Source: public algorithm with executed vectors.
    """
    return None if element.get("nullFlavor") is not None or is_ogrn(text_of(element)) else BROKEN


@element_rule(
    "ID04",
    Text("ОГРНИП неверной длины или с неверной контрольной цифрой.", "An ОГРНИП of wrong length or check digit."),
    Text("15 цифр, последняя контрольная.", "15 digits, the last one is the check digit."),
    on=("identity:Ogrnip",),
    severity=Severity.WARNING,
)
def ogrnip_check_digit(element: Element, _document: Document) -> Broken | None:
    """RU: ОГРНИП предпринимателя.

    identity:Props/identity:Ogrnip: 15 цифр; последняя равна числу из первых четырнадцати по модулю 13, затем по
    модулю 10.
    Источник: открытый алгоритм с проверенными примерами.

    EN: ОГРНИП (state registration number of an entrepreneur).

    identity:Props/identity:Ogrnip: 15 digits; the last is the number of the first fourteen modulo 13 modulo 10.
    Source: public algorithm with executed vectors.
    """
    return None if element.get("nullFlavor") is not None or is_ogrnip(text_of(element)) else BROKEN


@element_rule(
    "ID05",
    Text("Номер полиса единого образца не проходит проверку ЕНП.", "A unified policy number that is no valid ЕНП."),
    Text("16 цифр, последняя контрольная.", "16 digits, the last one is the check digit."),
    on=("identity:InsurancePolicyType",),
    severity=Severity.WARNING,
)
def enp_check_digit(element: Element, _document: Document) -> Broken | None:
    """RU: ЕНП: номер полиса ОМС единого образца.

    Где вид полиса (справочник 1.2.643.5.1.13.13.11.1035) равен 2 или 3, соседний identity:Number должен быть ЕНП:
    16 цифр с контрольной цифрой. Предупреждение, а не ошибка: алгоритм известен и проверен, но то, что номером
    полисов 2 и 3 служит именно ЕНП, вывод проекта; официальные правила номер не проверяют.

    EN: ЕНП, the number of a policy of the unified kind.

    Where the kind of policy (book 1.2.643.5.1.13.13.11.1035) is 2 or 3, the identity:Number beside it should be a
    ЕНП: 16 digits with a check digit. A warning and not an error: the algorithm is known and was executed, but that
    the number of policies 2 and 3 is the ЕНП is an inference of this project; the official rules do not test the
    number.
    """
    if element.get("code") not in UNIFIED_POLICIES or element.get("codeSystem") != POLICY_SYSTEM:
        return None
    parent = element.getparent()
    number = parent.find(_NUMBER) if parent is not None else None
    if number is None or number.get("nullFlavor") is not None or is_enp(text_of(number)):
        return None
    return Broken(element=number)


@element_rule(
    "ID06",
    Text(
        "Регистрационный номер РЭМД не имеет положенного вида.",
        "A registration number of РЭМД that does not have the required shape.",
    ),
    Text(
        "<вид>.<регион>.<ГГ>.<ММ>.<9 цифр> или старый вид <2 цифры>.<2 цифры>.<3-4 цифры>.<9 цифр>.",
        "<kind>.<region>.<YY>.<MM>.<9 digits>, or the older <2 digits>.<2 digits>.<3-4 digits>.<9 digits>.",
    ),
    on=("id",),
    given=_is_federal,
)
def remd_number(element: Element, _document: Document) -> Broken | None:
    """RU: Номер документа в РЭМД.

    id с root 1.2.643.5.1.13.13.17.1.1 называет уже зарегистрированный документ (направление, связанный документ). Номер
    выдаёт РЭМД: `119.77.26.05.030830566`. Собственный номер МИС пишут в id с root, который кончается на .51.
    Источник: правила Schematron (модули Main11, Main12); приняты все три вида, которые в них встречаются.

    EN: Number of a document in РЭМД.

    An id with root 1.2.643.5.1.13.13.17.1.1 names a registered document (referral, linked document). The register
    issues it: `119.77.26.05.030830566`. The own number of a МИС goes into the id whose root ends with .51.
    Source: Schematron rules (modules Main11, Main12); all three shapes found there are accepted.
    """
    if element.get("root") != REMD_ROOT:
        return None
    return None if is_remd_number(element.get("extension", "")) else BROKEN
