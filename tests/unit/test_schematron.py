"""The Schematron engine on small schemas of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.errors import SchematronError
from adapter.xml import parse
from conformance.schematron import Schematron, compile_schematron

HEAD = '<schema xmlns="http://purl.oclc.org/dsdl/schematron" queryBinding="xslt2">\n'
NS = (
    '<ns prefix="xsi" uri="http://www.w3.org/2001/XMLSchema-instance"/>'
    '<ns prefix="identity" uri="urn:hl7-ru:identity"/>\n'
)


def schema(tmp_path: Path, *patterns: str, head: str = HEAD + NS, cache: Path | None = None) -> Schematron:
    """Patterns are given as their rules; each stands on a line of its own from line 3 on."""
    path = tmp_path / "t.sch"
    path.write_text(
        head + "\n".join(f"<pattern>{rules}</pattern>" for rules in patterns) + "</schema>", encoding="utf-8"
    )
    return compile_schematron(path, cache=cache)


def rule(context: str, *tests: str, report: bool = False) -> str:
    tag = "report" if report else "assert"
    checks = "".join(f'<{tag} test="{test}">M</{tag}>' for test in tests)
    return f'<rule context="{context}">{checks}</rule>'


def document(body: str, prefix: str = "") -> str:
    names = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:identity="urn:hl7-ru:identity"'
    if prefix:
        return f'<{prefix}:ClinicalDocument xmlns:{prefix}="urn:hl7-org:v3" {names}>{body}</{prefix}:ClinicalDocument>'
    return f'<ClinicalDocument xmlns="urn:hl7-org:v3" {names}>{body}</ClinicalDocument>'


def failed(schematron: Schematron, body: str) -> set[tuple[str, str]]:
    """Failures, after making sure that the merged rules and the single ones agree."""
    tree = parse(document(body).encode())
    result = schematron.validate(tree)
    every = {(failure.check.rule, failure.xpath) for failure in schematron.detail_all(tree)}
    assert every == result.failed | result.stopped
    return set(result.failed)


def test_assert_and_report(tmp_path: Path) -> None:
    engine = schema(tmp_path, rule("ClinicalDocument/id", "@root"), rule("ClinicalDocument/id", "@x", report=True))
    assert failed(engine, "<id root='1'/>") == set()
    assert failed(engine, "<id x='1'/>") == {
        ("t.sch:3", "/ClinicalDocument/id"),
        ("t.sch:4", "/ClinicalDocument/id"),
    }


def test_names_match_whatever_the_prefix(tmp_path: Path) -> None:
    engine = schema(tmp_path, rule("ClinicalDocument/id", "@root"))
    for prefix in ("", "hl7", "x"):
        name = f"{prefix}:id" if prefix else "id"
        tree = parse(document(f"<{name}/>", prefix).encode())
        assert [failure.xpath for failure in engine.failures(tree)] == ["/ClinicalDocument/id"]


def test_names_of_other_namespaces_do_not_match(tmp_path: Path) -> None:
    engine = schema(tmp_path, rule("ClinicalDocument/id", "@root"))
    assert failed(engine, "<id xmlns='urn:other'/>") == set()


def test_only_the_first_rule_of_a_pattern_that_matches_applies(tmp_path: Path) -> None:
    engine = schema(tmp_path, rule("id[@a]", "@b") + rule("id", "@c") + rule("ClinicalDocument/id", "@never"))
    assert failed(engine, "<id a='1' b='1'/>") == set()
    assert {place for _, place in failed(engine, "<id a='1'/><id/>")} == {
        "/ClinicalDocument/id[1]",
        "/ClinicalDocument/id[2]",
    }


@pytest.mark.parametrize(
    ("first", "second", "body", "expected"),
    [
        ("id[1]", "id", "<id/><id/>", {"/ClinicalDocument/id[2]"}),
        ("id[2]", "id", "<id/><id/>", {"/ClinicalDocument/id[1]"}),
        ("id[@a][2]", "id", "<id a=''/><id/><id a=''/>", {"/ClinicalDocument/id[1]", "/ClinicalDocument/id[2]"}),
        ("id[last()]", "id", "<id/><id/>", {"/ClinicalDocument/id[1]"}),
        ("author/id", "id", "<author><id/></author><id/>", {"/ClinicalDocument/id"}),
        ("author//id", "id", "<author><x><id/></x></author><id/>", {"/ClinicalDocument/id"}),
        ("/ClinicalDocument", "ClinicalDocument", "", set()),
        ("*", "id", "<id/>", set()),
        ("x/id | y/id", "id", "<x><id/></x><y><id/></y><id/>", {"/ClinicalDocument/id"}),
    ],
)
def test_exclusion_of_earlier_rules(tmp_path: Path, first: str, second: str, body: str, expected: set[str]) -> None:
    engine = schema(tmp_path, rule(first, "true()") + rule(second, "false()"))
    assert {place for _, place in failed(engine, body)} == expected


@pytest.mark.parametrize(
    ("context", "test", "body", "failures"),
    [
        ("/", "count(ClinicalDocument) = 1", "", 0),
        ("/", "count(ClinicalDocument) = 2", "", 1),
        ("id", "@root = ['a', 'b']", "<id root='a'/><id root='b'/><id root='c'/><id/>", 2),
        ("id", "count(@use != '') = [0, 1]", "<id/>", 0),
        ("id[2]", "false()", "<id/><id/><x><id/><id/></x>", 2),
        ("//id", "false()", "<id/><x><id/></x>", 2),
        ("x//id", "false()", "<id/><x><y><id/></y></x>", 1),
        ("*[@xsi:type = 'CD']", "@code", "<x xsi:type='CD'/><y xsi:type='CD' code='1'/><z xsi:type='ST'/>", 1),
        ("*[identity:Doc/identity:No]", "false()", "<x><identity:Doc><identity:No/></identity:Doc></x>", 1),
        ("*[identity:Doc]", "count(identity:Doc) = 1", "<x><identity:Doc/><identity:Doc/></x>", 1),
        ("*[not(@a)]", "@b", "<x a='1'/><y b='1'/><z/>", 2),
        ("id", "matches(@root, '^[0-9]+$')", "<id root='1'/><id root='a'/><id/>", 2),
        ("ClinicalDocument", "matches(id/@root, setId/@root)", "<id root='1.2'/><setId root='1.2'/>", 0),
        ("id", "if (@a) then @b else not(@c)", "<id/><id a=''/><id c=''/><id a='' b=''/>", 2),
        ("id", "x/not(@a)", "<id><x/></id><id><x a=''/></id><id/>", 2),
        ("id", "x = 3", "<id><x>3.0</x></id><id><x>4</x></id>", 1),
        ("id", "../y/@a = current()/@a", "<id a='1'/><id a='2'/><y a='1'/>", 1),
        ("id", "../y[@a = current()/@a]", "<id a='1'/><id a='2'/><y a='1'/>", 1),
        ("text", ". != ''", "<text> </text><text/><text><!-- c --></text>", 2),
    ],
)  # fmt: skip
def test_constructs(tmp_path: Path, context: str, test: str, body: str, failures: int) -> None:
    found = failed(schema(tmp_path, rule(context, test.replace("<", "&lt;"))), body)
    assert len(found) == failures


@pytest.mark.parametrize(
    ("test", "body"),
    [
        ("matches(x/@a, 'v')", "<id><x a='v'/><x a='v'/></id>"),
        ("matches(@a, @b)", "<id a='1' b='('/>"),
        ("x = 3", "<id><x>three</x></id>"),
        ("x/not(@a)", "<id><x/><x/></id>"),
        ("string-length(x) = 1", "<id><x/><x/></id>"),
    ],
)
def test_a_dynamic_error_is_said_and_the_other_checks_go_on(tmp_path: Path, test: str, body: str) -> None:
    engine = schema(tmp_path, rule("id", test, "@z"))
    result = engine.validate(parse(document(body).encode()))
    assert result.stopped == {("t.sch:3", "/ClinicalDocument/id")}
    assert {rule for rule, _ in result.failed} == {"t.sch:3#2"}
    assert [failure.finding().code for failure in result.failures] == ["SCH03", "SCH01"]


def test_a_context_that_stops_does_not_match(tmp_path: Path) -> None:
    engine = schema(tmp_path, rule("id[x/not(@a)]", "false()") + rule("id", "@b"))
    body = "<id><x/></id><id><x a=''/></id><id><x/><x/></id>"
    result = engine.validate(parse(document(body).encode()))
    assert {place for _, place in result.failed} == {f"/ClinicalDocument/id[{n}]" for n in (1, 2, 3)}
    assert (result.stopped, result.contexts, result.asserts) == (frozenset(), 3, 3)
    assert engine.failures(parse(document("<id b=''><x/><x/></id>").encode())) == ()


def test_nested_clinical_documents_are_left_to_the_single_rules(tmp_path: Path) -> None:
    engine = schema(tmp_path, rule("ClinicalDocument/id", "@root"))
    assert failed(engine, "<id root='1'/><ClinicalDocument><id/></ClinicalDocument>") == {
        ("t.sch:3", "/ClinicalDocument/ClinicalDocument/id")
    }
    assert failed(engine, "<id root='1'/><ClinicalDocument/>") == set()


def test_counts(tmp_path: Path) -> None:
    engine = schema(tmp_path, rule("id", "@a", "@b"), rule("ClinicalDocument/id[@a]", "@b"), rule("none", "@c"))
    result = engine.validate(parse(document("<id a='' b=''/><id a='' b=''/>").encode()))
    assert (result.contexts, result.asserts) == (4, 6)


def test_nothing_fires_on_a_document_without_its_namespace(tmp_path: Path) -> None:
    engine = schema(tmp_path, rule("ClinicalDocument/id", "@root"))
    result = engine.validate(parse(b"<ClinicalDocument><id/></ClinicalDocument>"))
    assert (result.contexts, result.failures) == (0, ())
    assert not engine.accepts(parse(b"<ClinicalDocument><id/></ClinicalDocument>"))


def test_a_malformed_rule_is_a_finding_about_the_pack(tmp_path: Path) -> None:
    engine = schema(tmp_path, rule("id", "@PII:x", "@a"), rule("PII:id", "@a"))
    assert [(problem.code, problem.place.line) for problem in engine.problems] == [("SCH04", 3), ("SCH04", 4)]
    assert failed(engine, "<id/>") == {("t.sch:3#2", "/ClinicalDocument/id")}


@pytest.mark.parametrize(
    ("rules", "construct"),
    [
        (rule("id", "@a eq 'x'"), "@a eq 'x'"),
        (rule("id", "count("), "count("),
        (rule("preceding-sibling::id", "@a"), "preceding-sibling::id"),
        (rule("count(a)", "@a"), ""),
        (rule("id/@root", "."), "attribute::root"),
        (rule("id/text()", "."), "child::text()"),
        ('<let name="x" value="1"/>' + rule("id", "@a"), "let"),
        ('<rule context="id"><extends rule="r"/></rule>', "extends"),
    ],
)
def test_what_cannot_be_run_is_refused_with_its_place(tmp_path: Path, rules: str, construct: str) -> None:
    with pytest.raises(SchematronError) as caught:
        schema(tmp_path, rule("id", "@a"), rules)
    assert (caught.value.file, caught.value.line) == (tmp_path / "t.sch", 4)
    assert caught.value.construct == construct


@pytest.mark.parametrize(
    "content", ["", "<a/>", "<!DOCTYPE schema><schema/>", HEAD.replace("xslt2", "xpath") + "</schema>"]
)
def test_files_that_are_no_schematron_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "t.sch"
    path.write_text(content)
    with pytest.raises(SchematronError):
        compile_schematron(path)


def test_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert schema(tmp_path, rule("id", "@a"), head="\ufeff" + HEAD + NS).rule_count == 1


def test_the_message_never_carries_a_value(tmp_path: Path) -> None:
    rules = '<rule context="id"><assert test="@a">before <value-of select="@b"/> after</assert></rule>'
    engine = schema(tmp_path, rules)
    (failure,) = engine.failures(parse(document("<id b='secret'/>").encode()))
    assert failure.finding().message.ru == "before after"


def test_the_cache_is_used_and_a_damaged_entry_is_made_anew(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = schema(tmp_path, rule("id", "@a"), cache=cache)
    (entry,) = cache.iterdir()
    stored = entry.read_bytes()
    entry.write_bytes(stored.replace(b"@a", b"@b"))
    assert failed(schema(tmp_path, rule("id", "@a"), cache=cache), "<id b=''/>") == set()
    entry.write_bytes(b"{")
    assert failed(schema(tmp_path, rule("id", "@a"), cache=cache), "<id b=''/>") == failed(first, "<id b=''/>")
    assert entry.read_bytes() == stored


def test_a_cache_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert schema(tmp_path, rule("id", "@a"), cache=blocked / "cache").rule_count == 1
