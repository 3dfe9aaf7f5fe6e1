"""Trials of a changed mapping or template: quick, harmless, and telling."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.catalogue import Catalogue, builtin_root
from adapter.playground import engine
from adapter.playground.engine import Edit, Tried, try_edit
from adapter.playground.faults import faults
from adapter.playground.files import completions, editable, makeable, patch, schema_of
from adapter.playground.trials import Playground

ROOT = builtin_root()
ORGANISATION = "1.2.643.5.1.13.13.12.2.77.99999"
BUNDLE = (Path(__file__).parents[2] / "examples" / "bundles" / "170-r4-rucore.json").read_bytes()
VACCINATION = (Path(__file__).parents[2] / "examples" / "registers" / "vaccination-r4-stages.json").read_bytes()
PATIENT, BODY = "mappings/resources/patient.yaml", "templates/cda/body/170.xml.j2"


@pytest.fixture(autouse=True)
def _unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is for a process of its own, and cannot be taken back."""
    monkeypatch.setattr(engine, "_limited", lambda: None)


def text_of(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


def tried(tmp_path: Path, file: str, text: str, bundle: bytes = BUNDLE) -> Tried:
    result = try_edit(Edit(tmp_path, file, text, bundle, ORGANISATION, ("170",)))
    # Nothing of a trial stays but what is kept for the next one.
    assert [path for path in tmp_path.rglob("*") if path.is_file() and "cache" not in path.parts] == []
    return result


def test_a_change_of_a_mapping_changes_the_document(tmp_path: Path) -> None:
    before = text_of(PATIENT)
    same = tried(tmp_path, PATIENT, before)
    assert [(one.kind, one.text == one.before) for one in same.made] == [("170", True)]
    assert same.faults == ()
    assert same.read == same.read_before > 50
    assert 0 < same.filled < same.rules
    made = tried(tmp_path, PATIENT, before.replace("fields:\n", "fields:\n  gender: {constant: x}\n", 1))
    assert made.faults
    changed = tried(tmp_path, PATIENT, before.replace("gender: {from: gender,", "gender: {from: \"'female'\","))
    (one,) = changed.made
    assert one.before != one.text
    assert 'displayName="Женский"' in one.text


def test_a_change_of_a_concept_map_changes_the_document(tmp_path: Path) -> None:
    file = "mappings/concepts/administrative-gender.yaml"
    before = text_of(file)
    assert "Женский" not in tried(tmp_path, file, before).made[0].text
    assert "Женский" in tried(tmp_path, file, before.replace('male: "1"', 'male: "2"', 1)).made[0].text
    assert "Женский" not in tried(tmp_path, file, before).made[0].text


def test_a_change_of_a_template_changes_the_document(tmp_path: Path) -> None:
    (one,) = tried(tmp_path, BODY, text_of(BODY).replace('row("Серия")', 'row("Серия и номер")')).made
    assert "Серия и номер" in one.text
    assert "Серия и номер" not in one.before


@pytest.mark.parametrize(
    ("old", "new", "line_of", "word"),
    [
        ("absent: UNK}", "absnt: UNK}", "absnt", "absnt"),
        (
            "concept: administrative-gender",
            "concept: administrative-gendr",
            "administrative-gendr",
            "administrative-gender",
        ),
        ("as: hl7-date", "as: hl7-dat", "hl7-dat,", ""),
        ("{from: gender,", "{from: 'gender.(',", "gender.(", ""),
    ],
)
def test_faults_have_their_place(tmp_path: Path, old: str, new: str, line_of: str, word: str) -> None:
    text = text_of(PATIENT).replace(old, new, 1)
    found = tried(tmp_path, PATIENT, text).faults
    line = next(number for number, one in enumerate(text.splitlines(), 1) if line_of in one)
    assert line in [one.line for one in found]
    assert any(word in one.text.en and one.text.ru for one in found)


def test_what_is_shipped_has_no_fault() -> None:
    catalogue = Catalogue()
    for file in editable(catalogue):
        assert faults(catalogue.file(file), file) == [], file


@pytest.mark.parametrize(
    "text",
    [
        '{% include "../../../../../../etc/passwd" %}',
        '{% include "/etc/passwd" %}',
        '{{ "".__class__.__mro__[1].__subclasses__() }}',
        "{{ facts.__init__.__globals__ }}",
        "{{ facts.patient.update({}) }}",
        "{% for a in facts %}",
        "{{ facts.nope }}",
        "{{ 1 / 0 }}",
        "{{ self.__init__ }}",
        "{% import 'os' as os %}",
        "{{ lipsum }}{{ cycler.__init__ }}",
        "{% set x = namespace() %}",
        "<a>",
    ],
)
def test_a_hostile_or_wrong_template_is_a_fault(tmp_path: Path, text: str) -> None:
    result = tried(tmp_path, BODY, text)
    assert result.faults, result
    assert not any(one.text for one in result.made)
    assert "root:" not in str(result)


def test_a_hostile_name_in_a_mapping_is_no_code(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    call = f"__import__('pathlib').Path({str(canary)!r}).touch()"
    text = text_of(PATIENT).replace("fields:\n", f'fields:\n  "x\\n    {call}\\n    # ": id\n', 1)
    assert [one.kind for one in tried(tmp_path, PATIENT, text).made] == ["170"]
    assert not canary.exists()


def test_a_mapping_reads_no_file_outside_the_catalogue(tmp_path: Path) -> None:
    file = "mappings/registers/vaccination-record.yaml"
    text = re.sub(r"schema: [^\s,}]+", "schema: ../../../../../../../../etc/passwd", text_of(file), count=1)
    result = try_edit(Edit(tmp_path, file, text, VACCINATION, ORGANISATION, ("vaccination-record",)))
    assert result.problem is not None
    assert "the catalogue has no file" in result.problem.en
    assert result.made == ()


DEEP = "map: patient\nsource: Patient\nfields: " + "{a: " * 3000 + "1" + "}" * 3000


@pytest.mark.parametrize(
    "text",
    [
        DEEP,
        "map: patient\nsource: Patient\nfields: " + "[" * 20_000,
        "fields: &a {b: *a}",
        "map: patient\nsource: Patient\nfields: {a: {constant: " + "9" * 5000 + "}}",
        "map: patient\nsource: [[]]\nfields: {a: {from: id, required: []}}",
        "map: patient\nsource: Patient\nfields: {a: {use: patient}}",
        "map: patient\nsource: Patient\nfields: {a: !!python/object/apply:os.system [id]}",
        "",
        "\0",
        "5",
    ],
)
def test_a_hostile_or_wrong_mapping_is_a_fault(tmp_path: Path, text: str) -> None:
    result = tried(tmp_path, PATIENT, text)
    assert result.faults, result
    assert not any(one.text for one in result.made)


def test_half_a_character_is_a_character(tmp_path: Path) -> None:
    assert tried(tmp_path, PATIENT, text_of(PATIENT) + "# \ud800\n").made[0].text


def test_what_differs_is_found_in_the_process_of_the_trial(tmp_path: Path) -> None:
    rows = "".join(f"<a>{number % 5}</a>" for number in range(700))
    (one,) = tried(tmp_path, BODY, f"<b>{rows}</b>").made
    assert 0 < len(one.sides) <= 400


def test_more_than_a_page_shows_is_not_shown(tmp_path: Path) -> None:
    loops = "{% for x in [1,2,3,4,5] %}" * 7, "{% endfor %}" * 7
    result = tried(tmp_path, BODY, f"<b>{loops[0]}<a>{'some words ' * 10}</a>{loops[1]}</b>")
    assert result.made == ()
    assert result.problem is not None
    assert "more than can be shown" in result.problem.en


def test_what_runs_for_ever_is_stopped_and_the_next_trial_works() -> None:
    loops = "".join(f"{{% for x{n} in [1,2,3,4,5,6,7,8,9,0] %}}" for n in range(12)) + "{% endfor %}" * 12

    async def run() -> tuple[Tried, Tried]:
        slow = Playground(limit=12)
        try:
            await slow.warm(ORGANISATION)
            hung = await slow.run(BODY, loops, BUNDLE, ORGANISATION, ("170",))
            return hung, await slow.run(BODY, text_of(BODY), BUNDLE, ORGANISATION, ("170",))
        finally:
            slow.close()

    hung, after = asyncio.run(run())
    assert hung.problem is not None
    assert hung.problem.en.startswith("The trial was stopped")
    assert [one.kind for one in after.made] == ["170"]


def test_all_memory_is_not_to_be_had() -> None:
    async def run() -> Tried:
        one = Playground(limit=30)
        try:
            await one.warm(ORGANISATION)
            return await one.run(BODY, '{{ "a" * 10 ** 11 }}', BUNDLE, ORGANISATION, ("170",))
        finally:
            one.close()

    assert [fault.text.en for fault in asyncio.run(run()).faults] == ["the template stopped: MemoryError"]


@pytest.mark.parametrize("bundle", [b"", b"{", b"<x/>", b"\xff"])
def test_a_bundle_that_is_none_is_a_problem(tmp_path: Path, bundle: bytes) -> None:
    result = tried(tmp_path, PATIENT, text_of(PATIENT), bundle)
    assert result.problem is not None
    assert result.made == ()


def test_completions_know_the_language() -> None:
    found = completions(Catalogue(), PATIENT)
    assert {"from", "each", "concept", "absent", "map", "source"} <= found["keys"].keys()
    assert all(found["keys"].values())
    assert "administrative-gender" in found["values"]["concept"]
    assert "patient" in found["values"]["use"]
    assert "snils" in found["values"]["identifier"]
    assert completions(Catalogue(), BODY)["keys"] == {}


def test_files_that_can_be_tried_are_of_the_catalogue() -> None:
    files = editable(Catalogue())
    assert {PATIENT, BODY, "mappings/concepts/administrative-gender.yaml", "mappings/routes.yaml"} <= {*files}
    assert all((ROOT / file).is_file() for file in files)
    assert schema_of("mappings/signing.yaml") is None
    assert {"170", "vaccination-record", "vzn-record"} <= {*makeable(Catalogue())}
    assert "header" not in makeable(Catalogue())


LINES = st.text(st.sampled_from("ab-+@ \\\n\t"), max_size=60)


@given(before=LINES, after=LINES)
def test_a_patch_makes_the_one_of_the_other(tmp_path_factory: pytest.TempPathFactory, before: str, after: str) -> None:
    text = patch("mappings/x.yaml", before, after)
    assert (text == "") == (before == after)
    if before == after or not before:
        return
    folder = tmp_path_factory.mktemp("patch")
    (folder / "mappings").mkdir()
    (folder / "mappings" / "x.yaml").write_text(before, encoding="utf-8", newline="")
    done = subprocess.run(
        ["git", "apply", "--unidiff-zero", "-"], input=text, cwd=folder, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, (done.stderr, text)
    made = folder / "mappings" / "x.yaml"
    assert (made.read_text(encoding="utf-8") if made.exists() else "") == after


@pytest.fixture(scope="module", autouse=True)
def _forgotten() -> Iterator[None]:
    """What is known of the settings of these tests is of no use to others."""
    yield
    engine._base.cache_clear()
