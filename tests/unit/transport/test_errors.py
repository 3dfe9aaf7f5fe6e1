"""The book of errors against НСИ, and what answers mean together."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from adapter.transport.errors import ErrorClass, ErrorItem, error_book

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
