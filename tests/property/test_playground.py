"""Whatever is typed into the playground: an answer, no error of ours, nothing but the trial's own folder is touched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.catalogue import builtin_root
from adapter.playground import engine
from adapter.playground.engine import Edit, try_edit

ORGANISATION = "1.2.643.5.1.13.13.12.2.77.99999"
BUNDLE = (Path(__file__).parents[2] / "examples" / "bundles" / "170-r4-rucore.json").read_bytes()
FILES = (
    "mappings/resources/patient.yaml",
    "mappings/documents/170.yaml",
    "mappings/concepts/administrative-gender.yaml",
    "mappings/routes.yaml",
    "mappings/identifiers.yaml",
    "templates/cda/body/170.xml.j2",
)
#: Python that leaves a trace wherever it runs.
CODE = "__import__('pathlib').Path({!r}).touch()"
PIECES = (
    "", "\n", "  ", ":", "- ", "{", "}", "[", "]", "&a ", "*a", "!!str ", "? ", "|\n", "'", '"', "#", "null", "~", "5",
    "{{", "}}", "{%", "%}", "{% for a in facts %}", "{{ facts.__class__ }}", "{{ self }}", "|attr('__class__')",
    "%org", "$this", ".resolve()", ".where(", ")", "'x'.matches('(', )", "use: patient", "fields: {a: id}", "\t", "\0",
    "\ud800", "\u2028", "<a>", "</a>", "&", "CODE", '"x\\n    CODE\\n    #": id', '"x\\r    CODE\\r#": id', "x\\\nCODE",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _own() -> Iterator[None]:
    """The limit of memory is for a process of its own; what is known of the settings is of these tests alone."""
    patch = pytest.MonkeyPatch()
    patch.setattr(engine, "_limited", lambda: None)
    yield
    patch.undo()
    engine._base.cache_clear()


@given(data=st.data())
@settings(max_examples=80)
def test_an_arbitrary_edit_gives_an_answer(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, outside = tmp_path_factory.mktemp("trial"), tmp_path_factory.mktemp("outside")
    file = data.draw(st.sampled_from(FILES))
    text = (builtin_root() / file).read_text(encoding="utf-8")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        end = at + data.draw(st.integers(0, 30))
        piece = data.draw(st.sampled_from(PIECES)).replace("CODE", CODE.format(str(outside / "canary")))
        text = text[:at] + piece + text[end:]
    tried = try_edit(Edit(folder, file, text, BUNDLE, ORGANISATION, ("170",)))
    assert tried.faults or tried.problem or tried.made or tried.findings or tried.rules == 0
    assert list(outside.iterdir()) == []
    assert [path for path in folder.rglob("*") if path.is_file() and "cache" not in path.parts] == []


MAPS = (
    "mappings/resources/patient.yaml",
    "mappings/documents/170.yaml",
    "mappings/concepts/administrative-gender.yaml",
)
KEYED = re.compile(r"^( *)[\w-]+:", re.MULTILINE)


@given(data=st.data())
@settings(max_examples=40)
def test_no_name_of_a_mapping_is_code(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A key or value with Python in it, beside any key of the file, after any way to end a line or a string."""
    folder, outside = tmp_path_factory.mktemp("trial"), tmp_path_factory.mktemp("outside")
    file = data.draw(st.sampled_from(MAPS))
    text = (builtin_root() / file).read_text(encoding="utf-8")
    place = data.draw(st.sampled_from([*KEYED.finditer(text)]))
    ending = data.draw(st.sampled_from(["\\n", "\\r", "\\n    ", "'", '\\"', "')", "\\\\'", "'''", "}", "]\\n"]))
    code = CODE.format(str(outside / "canary"))
    hostile = data.draw(
        st.sampled_from(['"{0}": id', 'zz: {{constant: "{0}"}}', 'zz: {{fields: {{"{0}": id}}}}'])
    ).format(f"x{ending}{code}{ending}#")
    text = f"{text[: place.start()]}{place[1]}{hostile}\n{text[place.start() :]}"
    try_edit(Edit(folder, file, text, BUNDLE, ORGANISATION, ("170",)))
    assert list(outside.iterdir()) == []
