"""The book of errors against НСИ, and what answers mean together."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from adapter.transport.errors import UNREADABLE, ErrorClass, ErrorItem, error_book

BOOK = error_book()


def classify(*items: tuple[str, str], operation: str = "registerDocument"):
    return BOOK.classify([ErrorItem(*item) for item in items], operation=operation)


def test_every_code_of_the_book(examples_dir: Path) -> None:
    with (examples_dir / "remd" / "nsi305_v3.18.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert {code: row.number for code, row in BOOK.codes.items()} == {row["code"]: int(row["nsi_id"]) for row in rows}
    assert len(rows) == 127
    for row in rows:
        error_class = BOOK.codes[row["code"]].error_class
        if error_class in {ErrorClass.BY_TEXT, ErrorClass.DONE, ErrorClass.WARNING}:
            continue
        if row["code"] == "WRONG_CREATION_DATE":
            # What is sent was not in the future by our clock: theirs is behind, and it passes a little later.
            assert error_class is ErrorClass.TEMPORARY
            continue
        assert error_class.retried == (row["retryable_EGISZ_Proxy"] == "yes"), row["code"]


def test_advice_is_in_two_languages_and_our_own(examples_dir: Path) -> None:
    texts = (examples_dir / "remd" / "nsi305_v3.18.tsv").read_text(encoding="utf-8")
    for code, row in BOOK.codes.items():
        assert row.advice.ru.endswith("."), code
        assert row.advice.en.endswith("."), code
        assert row.advice.ru != row.advice.en
        assert row.advice.ru not in texts, code


# Texts of errors.md §5, values generalised.
REAL = [
    ("PATIENT_MPI_MISMATCH", "[Пол пациента] [FEMALE] не соответствует данным ГИП [Мужской]", "permanent"),
    ("NO_SNILS", "СНИЛС пациента в составе сведений о пациенте обязателен для данного вида документов", "permanent"),
    ("CA_INACCESSIBILITY", "Удостоверяющий центр сертификата недоступен: Время ожидания истекло.", "temporary"),
    ("GET_DOCUMENT_FILE_ERROR", "Ошибка получения файла ЭМД из файлового хранилища: Статус ответа МИС", "temporary"),
    ("RATE_LIMIT", "Доступ к сервису временно запрещён - превышен лимит запросов", "temporary"),
    ("RUNTIME_ERROR", "Не удается провести проверку ФРМР", "temporary"),
    ("RUNTIME_ERROR", "Невозможно обработать запрос", "temporary"),
    ("VALIDATION_ERROR", "Организация [..] не привязана к РМИС [emdr-rmis-1]", "permanent"),
    ("VALIDATION_ERROR", "Ошибка валидации СЭМД: cvc-complex-type.2.4.a: Invalid content was found", "permanent"),
    ("VALIDATION_ERROR", "СНИЛС  пациента в ЭМД [111] отличается от СНИЛС пациента в запросе", "permanent"),
    (
        "VALIDATION_ERROR",
        "Документ с идентификатором 'X'\nуже зарегистрирован с номером [1.77.26.05.030830566]",
        "done",
    ),
    ("VALIDATION_ERROR", "Ошибка получения файла ЭМД из файлового хранилища", "temporary"),
    ("VALIDATION_ERROR", "слова, которых никто не видел", "by-text"),
    ("RECIPIENT_SNILS_MISMATCH", "", "permanent"),
    ("TIME_EXPIRED_ERROR", "", "foreign"),
    ("IPS_VALIDATION_WARNING", "", "warning"),
    ("NEVER_SEEN", "", "permanent"),
    ("", "Сетевая ошибка", "transport"),
    ("", "RATE_LIMIT: подождите", "temporary"),
    ("soap:Sender", "x", "permanent"),
    ("soap:Server", "x", "temporary"),
]


@pytest.mark.parametrize(("code", "message", "expected"), REAL)
def test_class_of_a_text(code: str, message: str, expected: str) -> None:
    verdict = classify((code, message))
    assert verdict.error_class == expected
    assert verdict.advice.ru
    assert verdict.advice.en


def test_an_umbrella_text_is_the_code_that_it_stands_for() -> None:
    assert classify(("VALIDATION_ERROR", "Для ЭМД 230 запрещена регистрация новых версий")).codes == (
        "RESTRICT_NEW_VERSION",
    )


def test_a_text_refines_a_specific_code() -> None:
    text = "В ФРМР не найдена актуальная на дату создания документа карточка МР c данными из сертификата подписи МО"
    verdict = classify(("VALUE_MISMATCH_METADATA_AND_CERTIFICATE", text))
    assert verdict.codes == ("VALUE_MISMATCH_METADATA_AND_CERTIFICATE",)
    assert "ФРМР" in verdict.advice.ru


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["INTERNAL_ERROR", "NO_SNILS"], "permanent"),
        (["VALIDATION_ERROR", "INTERNAL_ERROR"], "by-text"),
        (["VALIDATION_ERROR", "NO_SNILS"], "permanent"),
        (["NO_SNILS", "NOT_UNIQUE_PROVIDED_ID"], "done"),
        (["IPS_VALIDATION_WARNING", "INTERNAL_ERROR"], "temporary"),
    ],
)
def test_the_most_blocking_error_decides(codes: list[str], expected: str) -> None:
    for order in (codes, codes[::-1]):
        assert classify(*((code, "") for code in order)).error_class == expected


def test_number_of_a_document_that_is_registered() -> None:
    text = "Документ с идентификатором 'X' уже зарегистрирован с номером [119.77.26.05.030830566]"
    assert classify(("NOT_UNIQUE_PROVIDED_ID", text)).emdr_id == "119.77.26.05.030830566"
    assert classify(("NOT_UNIQUE_PROVIDED_ID", "есть: 01.18.246.000000184.")).emdr_id == "01.18.246.000000184"
    assert classify(("NOT_UNIQUE_PROVIDED_ID", "уже есть")).emdr_id is None


def test_rate_limit_says_how_long() -> None:
    assert classify(("RATE_LIMIT", "")).retry_after == 60
    assert classify(("RATE_LIMIT", ""), ("NO_SNILS", "")).retry_after is None


def test_a_missing_record_is_final_for_reading() -> None:
    assert classify(("REGISTRY_ITEM_NOT_FOUND", "")).error_class == "temporary"
    assert classify(("REGISTRY_ITEM_NOT_FOUND", ""), operation="demandContent").error_class == "permanent"


def test_unknown_codes_are_named_and_a_refusal_without_a_reason_is_permanent() -> None:
    assert classify(("NEVER_SEEN", ""), ("NO_SNILS", "")).unknown == ("NEVER_SEEN",)
    assert classify().error_class == "permanent"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, "permanent"),
        (404, "permanent"),
        (408, "transport"),
        (503, "transport"),
        (429, "temporary"),
        (200, "transport"),
    ],
)
def test_http(status: int, expected: str) -> None:
    assert BOOK.http(status).error_class == expected


def test_an_item_does_not_show_its_text() -> None:
    assert "Иванов" not in repr(ErrorItem("NO_SNILS", "Иванов"))


#: Stems of texts under an umbrella code by their class, as a reporting product has met them.
STEMS = {
    "done": """
        Документ с идентификатором 'x' уже зарегистрирован
    """,
    "temporary": """
        Дата и время создания подписи МО [..] не может быть позже
        Дата и время создания подписи медицинского работника [..] x не может быть позже
        Ошибка получения файла ЭМД из файлового хранилища
        Удостоверяющий центр сертификата недоступен
        Не удается провести проверку
        Не удается произвести проверку
        Невозможно обработать запрос
        Непредвиденная ошибка при проверке подписей
    """,
    "transport": """
        network unreachable
        Connection reset
        соединение разорвано
        Сетевая ошибка
    """,
    "permanent": """
        Вид документов [1] не актуален на дату создания
        запрещена регистрация новых версий
        MO code:1.2 is not actual
        Указанная должность сотрудника со СНИЛС [1] не соответствует
        Дата рождения сотрудника со СНИЛС [1] по данным не соответствует
        ФИО сотрудника со СНИЛС [1] не соответствуют
        личное дело сотрудника со СНИЛС [1] в организации отсутствует
        В ФРМР не найден сотрудник со СНИЛС
        не найдена актуальная на дату карточка МР
        Несоответствие данных подписанта в запросе и в сертификате
        Указанное значение [..] Имя не соответствует данным ГИП
        СНИЛС пациента в составе сведений о пациенте обязателен
        Получатель [..] из запроса на регистрацию сведений не найден
        Справочник OID [1]. Версия [2] недопустима для документа вида
        Справочник OID [1] Версия [3] отсутствует для данного справочника
        Справочник OID [1] Элемент с кодом [3] отсутствует
        Наименование элемента [1] не соответствует наименованию элемента в НСИ
        Уникальный идентификатор документа в ЭМД [..] отличается
        Дата создания документа в ЭМД [..] отличается
        СНИЛС  пациента в ЭМД [..] отличается
        Имя пациента в ЭМД [..] отличается
        Фамилия пациента в ЭМД [..] отличается
        Отчество пациента в ЭМД [..] отличается
        Дата рождения пациента в ЭМД [..] отличается
        Пол пациента в ЭМД [..] отличается
        Локальный идентификатор пациента в ЭМД [..] отличается
        Недопустимые символы в имени
        МО из запроса на регистрацию сведений [..] не совпадает
        СП не совпадает с СП providerOrganization
        не совпадает с СП representedOrganization
        не совпадает с СП representedCustodianOrganization
        Организация не привязана к РМИС [emdr-rmis-1]
        Подразделение с идентификатором [..] не существовало
        Подразделение с идентификатором [..] не соответствует организации
        ОГРН(ИП) МО из СЭМД [1] не совпадает
        tmk:ogrn
        Props/Ogrn
        отсутствует атрибут "Дата и время создания"
        сертификат x срок действия истёк
        истекший срок сертификат
        certificate has expired
        сертификат подписи отозван
        certificate revoked
        Certificate does not specify OCSP responder
        Invalid content was found starting
        The content of element 'x' is not complete
        Attribute 'x' is not allowed to appear in element
        Attribute 'x' must appear on element
        cvc-datatype-valid.1
        cvc-elt.1
        org.xml.sax.SAXParseException
        ParseError
        У1. patientRole/addr/address:Type должен иметь 1 атрибута
        patientRole/addr должен иметь 1 элемент address:Type
        patientRole должен иметь 1 элемента addr
        Элемент state должен содержать не пустое значение
        Элемент fias:AOGUID
        patientRole/id[1] не должен иметь атрибут @nullFlavor
        telecom не должен иметь атрибут @nullFlavor
        ДОЛЖЕН содержать не менее одного [1..*] элемента telecom
        identity:DocInfo
        IdentityCardType
        Неверный формат номера ДУЛ
        LINKDOCS
        Допустимые значения для элементов
        Ошибка валидации Schematron: X
        схематрон
        документ x аннулирован
        аннулирован этот документ
        targetId with unique ID 1 not found in repository
        Ошибки валидации в ФРМСС: [code: DUPLICATE, description: x]
    """,
}


@pytest.mark.parametrize(
    ("expected", "message"),
    [(kind, text.strip()) for kind, texts in STEMS.items() for text in texts.strip().splitlines()],
)
def test_every_known_stem_has_its_class(expected: str, message: str) -> None:
    for text in (message, f"VALIDATION_ERROR: {message}.", f"Ошибка.\n{message.upper()}\nещё"):
        assert classify(("VALIDATION_ERROR", text)).error_class == expected
        assert classify(("RUNTIME_ERROR", text)).error_class == expected


@pytest.mark.parametrize("text", ["Пациент Тестов Иван", "NO_SNILS 112-233-445 95", "11223344595", "A" * 101])
def test_a_text_in_the_place_of_a_code_is_not_repeated(text: str) -> None:
    verdict = classify((text, ""))
    assert verdict.codes == verdict.unknown == (UNREADABLE,)
    assert not verdict.error_class.retried


def test_a_code_with_blanks_around_it_is_one() -> None:
    assert classify((" NO_SNILS\n", "")).codes == ("NO_SNILS",)
