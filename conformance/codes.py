"""Every code that a finding may carry: its title and its documentation page.

Rules of our own are documented by their docstrings (:mod:`conformance.rules`), all other codes by
``conformance/codes.yaml``. ``egisz explain`` and ``docs/reference/codes.md`` are made from this.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from adapter.errors import InternalError
from adapter.findings import Severity, Text
from conformance.rules import RULES

FILE: Final = Path(__file__).with_name("codes.yaml")

#: Topics of the codes by their letters, in the order of the reference page.
TOPICS: Final = {
    "FHIR": Text("Чтение FHIR", "Reading FHIR"),
    "MAP": Text("Отображение FHIR в факты", "Mapping FHIR to facts"),
    "LNT": Text("Проверка каталога", "Lint of the catalogue"),
    "XML": Text("Разметка документа", "Markup of the document"),
    "DOC": Text("Документ и его вид", "The document and its kind"),
    "XSD": Text("Схема XSD", "XSD schema"),
    "SCH": Text("Правила Schematron", "Schematron rules"),
    "STR": Text("Структура вида без пакета", "Structure of the kind without a pack"),
    "NSI": Text("Справочники НСИ", "Reference books"),
    "PCK": Text("Пакеты проверки", "Validation packs"),
    "SIG": Text("Подписи и сертификаты", "Signatures and certificates"),
    "ID": Text("Номера и идентификаторы", "Numbers and identifiers"),
    "OID": Text("OID", "OIDs"),
    "TS": Text("Даты и время", "Dates and times"),
    "ADR": Text("Адреса", "Addresses"),
    "TEL": Text("Контакты", "Telecommunication"),
    "API": Text("Запросы к службе", "Requests to the service"),
    "MSG": Text("Сообщения регистров", "Messages of registers"),
    "REG": Text("Запрос на регистрацию и документ", "Registration request and document"),
    "SOAP": Text("Сообщения SOAP", "SOAP messages"),
    "FER": Text("Запросы ФЭР", "Requests of ФЭР"),
    "FCL": Text("Сервер FHIR МИС", "FHIR server of the МИС"),
    "JRN": Text("Журнал службы", "Journal of the service"),
}


@dataclass(frozen=True, slots=True)
class Code:
    """One code.

    Attributes:
        severity: the usual severity; a rule may be milder where it is less certain.
        title: what is wrong, one sentence.
        page: what it means, why it matters, how to mend it, where the rule comes from.
    """

    code: str
    severity: Severity
    title: Text
    page: Text

    @property
    def topic(self) -> str:
        """The letters of the code."""
        return self.code.rstrip("0123456789")


@lru_cache(maxsize=1)
def all_codes() -> Mapping[str, Code]:
    """Every code, by topic and number.

    Raises:
        InternalError: ``codes.yaml`` or a rule breaks the form of a code.
    """
    found = [_written(code, facts) for code, facts in YAML(typ="safe").load(FILE).items()]
    found.extend(Code(rule.code, rule.severity, rule.title, rule.page) for rule in RULES.values())
    order = list(TOPICS)
    try:
        found.sort(key=lambda code: (order.index(code.topic), code.code))
    except ValueError as error:
        raise InternalError(f"a code has letters without a topic: {error}") from error
    codes = {code.code: code for code in found}
    if len(codes) != len(found):
        raise InternalError("a code is documented twice")
    return codes


def _written(code: str, facts: Mapping[str, Any]) -> Code:
    try:
        return Code(code, Severity(facts["severity"]), _text(facts["title"]), _text(facts["page"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InternalError(f"{FILE.name}: {code}: {type(error).__name__}: {error}") from error


def _text(value: Mapping[str, str]) -> Text:
    return Text(**{language: text.strip() for language, text in value.items()})


def nearest(name: str) -> list[str]:
    """Codes that look like ``name``, best first."""
    wanted = name.upper()
    topic = [code.code for code in all_codes().values() if code.topic == wanted.rstrip("0123456789")]
    return difflib.get_close_matches(wanted, topic or all_codes(), n=3) or topic[:3]


def markdown() -> str:
    """The reference page of all codes, both languages under each code."""
    lines = [
        "# Коды сообщений / Codes of findings",
        "",
        "Страница создана из кода: `conformance/codes.yaml` и описаний правил. То же показывает `egisz explain КОД`.",
        "This page is made from the code: `conformance/codes.yaml` and docstrings of rules; see `egisz explain`.",
    ]
    topic = ""
    for code in all_codes().values():
        if code.topic != topic:
            topic = code.topic
            lines += ["", f"## {topic}: {TOPICS[topic].ru} / {TOPICS[topic].en}"]
        lines += ["", f"### {code.code}", "", f"`{code.severity.value}`"]
        for title, page in ((code.title.ru, code.page.ru), (code.title.en, code.page.en)):
            lines += ["", f"**{title}**", "", page]
    return "\n".join(lines) + "\n"
