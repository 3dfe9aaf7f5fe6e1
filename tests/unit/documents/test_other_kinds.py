"""The one header serves kinds that have no mapping yet: it is put on the bodies of the example documents.

Switches of these kinds are what a mapping of them would say; no line of Python is about any of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from facts import LOCAL, NULLS, Maker, fact
from lxml import etree

from adapter import xml
from adapter.catalogue import Catalogue
from adapter.documents.header import Header
from adapter.documents.render import Renderer
from adapter.documents.requirements import Requirements, Why
from adapter.facts import II, Null
from adapter.nsi.terms import Terms
from conformance import Checker

DETAILS = ("service_event.type", "service_event.condition")
#: Kind → code of the event, switches.
KINDS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "191": (
        "64",
        {
            "residence": "required",
            "props": "both",
            "guardian": "optional",
            "referral": "optional",
            "service_event": "required",
            "performer_ids": 1,
            "performer_function": "required",
            "component_of": "required",
            "requires": ["provider.address", "encounter.card_type"],
        },
    ),
    "163": (
        "48",
        {
            "service_event": "required",
            "service_details": "required",
            "nulls": [*DETAILS, "encounter.card_document_type"],
            "referrer": "optional",
            "referral": "optional",
            "referral_ids": 1,
            "component_of": "optional",
            "encounter_time": True,
            "requires": ["encounter.card_type", "encounter.card_document_type", "service_event.high"],
        },
    ),
    "185": (
        "50",
        {"guardian": "optional", "service_event": "required", "service_time": "value", "performers": "absent"},
    ),
    "142": (
        "5",
        {
            "guardian": "optional",
            "payer_version": "5.2",
            "service_event": "required",
            "performer_function": "required",
            "component_of": "optional",
            "encounter_time": True,
            "encounter_ids": "1..2",
        },
    ),
    "119": (
        "1",
        {
            "xsd": "generic",
            "payer": "required",
            "referrer": "optional",
            "referral": "optional",
            "referral_ids": 1,
            "service_event": "required",
            "component_of": "required",
            "encounter_time": True,
            "requires": ["encounter.card_type", "encounter.card_document_type", "service_event.high"],
            "nulls": ["encounter.card_document_type"],
        },
    ),
}


def overlay(tmp_path: Path, example: Path) -> tuple[Catalogue, dict[str, str]]:
    """A catalogue whose body template is the body of an example, and what the example says of its kind."""
    tree = xml.parse(example.read_bytes())
    root = tree.getroot()
    (body,) = root.findall(f"{{{xml.HL7}}}component")
    sections = "".join(etree.tostring(part, encoding="unicode") for part in body[0])
    folder = tmp_path / "templates" / "cda" / "body"
    folder.mkdir(parents=True)
    text = f'{{% extends "cda/document.xml.j2" %}}{{% block body %}}{{% raw %}}{sections}{{% endraw %}}{{% endblock %}}'
    (folder / "example.xml.j2").write_text(text, encoding="utf-8")
    known = {name: root.find(f"{{{xml.HL7}}}{name}") for name in ("templateId", "code")}
    return Catalogue(tmp_path), {
        "root": known["templateId"].get("root"),
        "code": known["code"].get("code"),
        "book": known["code"].get("codeSystem").removeprefix("1.2.643.5.1.13.13."),
    }


@pytest.mark.packs
@pytest.mark.books
@pytest.mark.examples
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_header_of(
    maker: Maker, terms: Terms, checker: Checker, examples_dir: Path, tmp_path: Path, kind: str, full: bool
) -> None:
    catalogue, known = overlay(tmp_path, examples_dir / f"semd{kind}_min.xml")
    event, switches = KINDS[kind]
    header = Header.of({**switches, "nulls": [*NULLS, *switches.get("nulls", ())]})
    facts = maker.document(
        kind,
        known["root"],
        maker.code(known["book"], known["code"]),
        full=full,
        service_event=maker.service_event(event),
        encounter=maker.encounter(),
        referral=None,
        referrer=None,
    )
    facts.encounter.card_document_type = Null("NI") if kind in ("163", "119") else None
    if kind == "163":
        facts.service_event.type = facts.service_event.condition = Null("NI")
    facts.patient.gender = maker.code("11.1040", "1")
    if kind == "119":
        facts.patient.addresses = [maker.address("3"), *([maker.address("1")] if full else [])]
    if full and header.referral != "absent":
        number = "119.77.26.05.000000001"
        facts.referral = fact(id=II(f"{LOCAL}.51", "R-1"), registry_number=number, code=maker.code("11.1522", "3"))
    if full and header.referrer != "absent":
        facts.referrer = maker.staff("D-9", "111-111-111 45", "59")
    if kind in ("191", "185", "119"):
        facts.provider = maker.organization()
    facts.payer = facts.payer or (maker.payer() if header.payer == "required" else None)
    wanted = [gap for gap in Requirements(catalogue).missing(facts, header) if gap.why is not Why.SURPLUS]
    assert wanted == []
    data = Renderer(catalogue, terms).render("cda/body/example.xml.j2", facts, header)
    report = checker.check(data, kind=kind)
    official = [f for f in report.findings if f.code[:3] in ("XSD", "SCH", "NSI") and f.severity.value == "error"]
    assert [(f.code, f.xpath, f.rule, f.message.en) for f in official] == []
