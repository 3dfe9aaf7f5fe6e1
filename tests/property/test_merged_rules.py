"""The merged rules say yes exactly where every single rule does, on random schemas and random trees."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.xml import parse
from conformance.schematron import compile_schematron

NAMES = ("id", "addr", "code", "section")
STEP = st.builds(
    lambda name, predicate: name + predicate,
    st.sampled_from((*NAMES, "*")),
    st.sampled_from(
        ("", "", "", "[@a]",
         "[not(@a)]", "[@a = 'x']", "[1]", "[2]", "[code]", "[code/@a = ['x', 'y']][id]", "[last()]",
         "[@a][1]", "[1][@a]", "[code/not(@a)]")
    ),
)  # fmt: skip
CONTEXT = st.builds(
    lambda start, steps, glue: start + glue.join(steps),
    st.sampled_from(("", "//", "ClinicalDocument/", "ClinicalDocument//", "/ClinicalDocument/")),
    st.lists(STEP, min_size=1, max_size=3),
    st.sampled_from(("/", "//")),
)
TEST = st.sampled_from(
    ("@a", "not(@a)", "@a != ''", "count(code) = 1", "count(id) = [0, 1]", "code/@a = 'x'", ". != ''",
     "@a = ['x', 'y']",
     "matches(@a, '^x$')", "matches(code/@a, 'x')", "if (@a) then code else not(code)", "../@a", "@a = current()/../@a",
     "id[@a = current()/@a]")
)  # fmt: skip
CHECK = st.builds(lambda tag, test: f'<{tag} test="{test}">m</{tag}>', st.sampled_from(("assert", "report")), TEST)
RULE = st.builds(
    lambda contexts, checks: f'<rule context="{" | ".join(contexts)}">{"".join(checks)}</rule>',
    st.lists(CONTEXT, min_size=1, max_size=2),
    st.lists(CHECK, min_size=1, max_size=3),
)
PATTERN = st.builds(lambda rules: f"<pattern>{''.join(rules)}</pattern>", st.lists(RULE, min_size=1, max_size=3))
SCHEMA = st.builds(
    lambda patterns: (
        '<schema xmlns="http://purl.oclc.org/dsdl/schematron" queryBinding="xslt2">' + "".join(patterns) + "</schema>"
    ),
    st.lists(PATTERN, min_size=1, max_size=4),
)
TREE = st.recursive(
    st.builds(
        lambda name, attribute, text: f"<{name}{attribute}>{text}</{name}>",
        st.sampled_from(NAMES),
        st.sampled_from(("", ' a=""', ' a="x"', ' a="y"')),
        st.sampled_from(("", "x", " ")),
    ),
    lambda inner: st.builds(
        lambda name, attribute, children: f"<{name}{attribute}>{''.join(children)}</{name}>",
        st.sampled_from((*NAMES, "ClinicalDocument")),
        st.sampled_from(("", ' a="x"')),
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


@given(SCHEMA, st.lists(TREE, max_size=4))
@settings(max_examples=200)
def test_merged_equals_single(schema: str, children: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.sch"
        path.write_text(schema)
        engine = compile_schematron(path)
    tree = parse(f'<ClinicalDocument xmlns="urn:hl7-org:v3">{"".join(children)}</ClinicalDocument>'.encode())
    every = list(engine.detail_all(tree))
    if engine.accepts(tree):
        assert not every
    assert {(f.check.rule, f.xpath, f.dynamic) for f in engine.failures(tree)} == {
        (f.check.rule, f.xpath, f.dynamic) for f in every
    }
