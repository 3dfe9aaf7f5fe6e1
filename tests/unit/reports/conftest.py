"""Reports made by hand, and the small document that they speak of."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.findings import EMPTY, Finding, Place, Severity, Text
from conformance.report import Report, Stage, StageName, Status

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:identity="urn:hl7-ru:identity"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <id root="1.2.3.100.1.1.51" extension="7"/>
  <code code="53" displayName="Сертификат"/>
  <title>Сертификат о прививках</title>
  <effectiveTime value="202402151030+0300"/>
  <recordTarget>
    <patientRole>
      <id root="1.2.643.100.3" extension="112-233-445 95"/>
      <addr><streetAddressLine>ул. Тестовая, 1</streetAddressLine></addr>
      <patient>
        <name><family>Пациентов</family><given>Пётр</given><identity:Patronymic>Ильич</identity:Patronymic></name>
        <birthTime value="19850301"/>
      </patient>
    </patientRole>
  </recordTarget>
  <author>
    <time nullFlavor="NI"/>
    <assignedAuthor>
      <code code="171" displayName="Медсестра"/>
      <assignedPerson><name><family>Авторова</family><given>Анна</given></name></assignedPerson>
    </assignedAuthor>
  </author>
  <component>
    <structuredBody>
      <component>
        <section>
          <title>Иммунизация</title>
          <text><table><tbody><tr><th colspan="2">Дата</th></tr><tr><td>15.02.2024</td></tr></tbody></table>
            <list listType="ordered"><item>боль</item></list></text>
          <entry>
            <observation>
              <code code="8010" displayName="Реакция"/>
              <effectiveTime value="20240215"/>
              <value xsi:type="CD" code="3" displayName="боль"/>
            </observation>
          </entry>
        </section>
      </component>
      <component>
        <section>
          <title>Диагноз</title>
          <entry>
            <observation><code code="1" displayName="Масса"/><value xsi:type="PQ" value="80" unit="кг"/></observation>
          </entry>
        </section>
      </component>
    </structuredBody>
  </component>
</ClinicalDocument>
"""
NO_PACK = Text("нет пакета вида 227", "no pack for kind 227")
BIRTH_TIME = "/ClinicalDocument/recordTarget/patientRole/patient/birthTime"
VALUE = "/ClinicalDocument/component/structuredBody/component[1]/section/entry/observation/value"


def _stages(**changed: Stage) -> tuple[Stage, ...]:
    """Five passed stages, some replaced."""
    passed = {
        StageName.XML: Stage(StageName.XML, Status.PASSED, ms=0.25),
        StageName.XSD: Stage(StageName.XSD, Status.PASSED, ms=0.5),
        StageName.SCHEMATRON: Stage(StageName.SCHEMATRON, Status.PASSED, {"contexts": 241, "asserts": 530}, ms=1.0),
        StageName.BOOKS: Stage(StageName.BOOKS, Status.PASSED, {"checked": 40, "not_checked": 0}, ms=0.25),
        StageName.RULES: Stage(StageName.RULES, Status.PASSED, ms=0.5),
    }
    return tuple(changed.get(name.value, stage) for name, stage in passed.items())


def _finding(code: str, severity: Severity = Severity.ERROR, **more: object) -> Finding:
    """A finding with texts made of its code."""
    values: dict[str, object] = {"hint": EMPTY, **more}
    return Finding(code, severity, Text(f"Текст {code}.", f"Message {code}."), **values)  # type: ignore[arg-type]


@pytest.fixture
def accepted() -> Report:
    return Report("docs/accepted.xml", "170", "Сертификат (CDA) Редакция 2", "v1", _stages(), ())


@pytest.fixture
def rejected() -> Report:
    failed = Stage(StageName.SCHEMATRON, Status.FAILED, {"contexts": 241, "asserts": 530}, ms=2.0)
    books = Stage(StageName.BOOKS, Status.PASSED, {"checked": 39, "not_checked": 1}, ms=0.25)
    value = {"hint": Text("Сверьте код.", "Check the code."), "rule": "170.sch:412"}
    return Report(
        "docs/rejected.xml",
        "170",
        "Сертификат (CDA) Редакция 2",
        "v1",
        _stages(schematron=failed, books=books),
        (
            _finding("SCH01", place=Place(14, 9), xpath=BIRTH_TIME, rule="170.sch:31"),
            _finding("SCH01", place=Place(38), xpath=VALUE, **value),
            _finding("SCH01", place=Place(44), xpath=VALUE.replace("[1]", "[2]"), **value),
            _finding("SCH04", Severity.WARNING, place=Place(7, file="170.sch")),
            _finding("NSI05", Severity.NOTE, place=Place(36)),
            _finding("ID01", Severity.WARNING, place=Place(10), rule="ID01"),
        ),
    )


@pytest.fixture
def partial() -> Report:
    return Report(
        "docs/partial.xml",
        "227",
        "Протокол консультации (CDA) Редакция 5",
        "",
        _stages(
            xsd=Stage(StageName.XSD, Status.NOT_CHECKED, reason=NO_PACK),
            schematron=Stage(StageName.SCHEMATRON, Status.NOT_CHECKED, reason=NO_PACK),
        ),
        (_finding("DOC03", Severity.NOTE, hint=Text("egisz packs fetch 227", "egisz packs fetch 227")),),
    )


@pytest.fixture
def broken() -> Report:
    reason = Text("документ не прочитан", "the document was not read")
    unread = {name.value: Stage(name, Status.NOT_CHECKED, reason=reason) for name in StageName}
    unread["xml"] = Stage(StageName.XML, Status.FAILED, ms=0.125)
    return Report("-", "", "", "", _stages(**unread), (_finding("XML01", place=Place(3, 18)),))


@pytest.fixture
def reports(accepted: Report, rejected: Report, partial: Report, broken: Report) -> list[Report]:
    """One report of each sort."""
    return [accepted, rejected, partial, broken]


@pytest.fixture
def document() -> bytes:
    """A small СЭМД with two sections."""
    return DOCUMENT.encode()


@pytest.fixture
def documents() -> dict[str, bytes]:
    """What they are reports on."""
    whole = DOCUMENT.encode()
    return {"docs/accepted.xml": whole, "docs/rejected.xml": whole, "docs/partial.xml": whole, "-": whole[:200]}


@pytest.fixture
def golden_dir() -> Path:
    """Reports read by a person and found right."""
    return Path(__file__).parents[2] / "golden" / "reports"
