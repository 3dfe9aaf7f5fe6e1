"""Each rule has a YAML file of snippets: those that pass (no ``expect``) and those that fail.

A snippet is put into an otherwise empty document; ``expect`` lists every finding as ``<line> <code> <severity>``, the
line counted within the snippet. ``kind`` and ``today`` are what the rules are told.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from adapter.catalogue import Catalogue
from adapter.documents.kinds import Kinds, load_kinds
from adapter.xml import parse
from conformance.rules import RULES, run_rules

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.yaml"))
CASES = [(path.stem, case) for path in FILES for case in YAML(typ="safe").load(path)]
TODAY = date(2024, 8, 2)

DOCUMENT = """<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"\
 xmlns:identity="urn:hl7-ru:identity" xmlns:address="urn:hl7-ru:address" xmlns:medService="urn:hl7-ru:medService"\
 xmlns:fias="urn:hl7-ru:fias" xmlns:PII="urn:hl7-ru:PII">
{}
</ClinicalDocument>"""


@pytest.fixture(scope="module")
def kinds() -> Kinds:
    return load_kinds(Catalogue())


@pytest.mark.parametrize(("code", "case"), CASES, ids=[f"{code}: {case['name']}" for code, case in CASES])
def test_snippet(code: str, case: dict, kinds: Kinds) -> None:
    kind = None
    if "kind" in case:
        kind = kinds.by_code(case["kind"])
        assert kind is not None
    tree = parse(DOCUMENT.format(case["xml"]).encode())
    findings = run_rules(tree, kind=kind, kinds=kinds, today=case.get("today", TODAY))
    assert [f"{f.place.line - 1} {f.code} {f.severity}" for f in findings] == case.get("expect", [])


def test_every_rule_has_snippets_of_both_sorts() -> None:
    assert sorted(RULES) == [path.stem for path in FILES]
    for code in RULES:
        expected = [case.get("expect", []) for name, case in CASES if name == code]
        assert [] in expected, f"{code}: no snippet passes"
        assert any(f" {code} " in item for items in expected for item in items), f"{code}: no snippet fails"


@pytest.mark.parametrize("code", sorted(RULES))
def test_every_rule_is_documented_in_both_languages(code: str) -> None:
    rule = RULES[code]
    for language in ("ru", "en"):
        assert len(rule.page.get(language).split()) > 10
    assert rule.page.ru != rule.page.en
    assert all((*rule.title, *rule.hint))
    assert "Источник" in rule.page.ru or "вывод проекта" in rule.page.ru, "where does the rule come from?"
