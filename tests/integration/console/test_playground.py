"""The playground without scripts, its answers to scripts, and that nothing of the catalogue changes."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapter.api.console.session import Role
from adapter.catalogue import Catalogue, builtin_root
from adapter.settings import settings
from tests.integration.console.conftest import Desk

BUNDLE = (Path(__file__).parents[3] / "examples" / "bundles" / "170-r4-rucore.json").read_text(encoding="utf-8")
FILE = "mappings/resources/patient.yaml"
TEXT = (builtin_root() / FILE).read_text(encoding="utf-8")
CHANGED = TEXT.replace("gender: {from: gender,", "gender: {from: \"'female'\",")
HOSTILE = "<script>alert(1)</script>\"'&</textarea><img src=x onerror=alert(2)>{{ 7*7 }}"


@pytest.fixture(autouse=True)
def author(desk: Desk, _own_settings: None) -> Iterator[None]:
    settings.cache_clear()
    desk.sign_in(Role.AUTHOR)
    yield


def test_it_is_for_authors(desk: Desk) -> None:
    assert "/console/playground" in desk.get("/console/")
    desk.sign_in(Role.OPERATOR)
    assert "/console/playground" not in desk.get("/console/")
    assert desk.http.get("/console/playground").status_code == 403
    assert desk.post("/console/playground/try", file=FILE, text=TEXT, bundle=BUNDLE).status_code == 403


def test_a_change_is_tried_without_a_script(desk: Desk) -> None:
    answer = desk.post("/console/playground", do="try", file=FILE, text=CHANGED, bundle=BUNDLE, kind="170")
    assert answer.status_code == 200
    page = html.unescape(answer.text)
    assert "What the change changes" in page
    assert 'displayName="Женский"' in page
    assert (builtin_root() / FILE).read_text(encoding="utf-8") == TEXT


def test_a_script_gets_faults_with_places(desk: Desk) -> None:
    wrong = TEXT.replace("absent: UNK}", "absnt: UNK}")
    told = desk.post("/console/playground/try", file=FILE, text=wrong, bundle=BUNDLE, kind="170").json()
    line = next(number for number, one in enumerate(wrong.splitlines(), 1) if "absnt" in one)
    assert [one["line"] for one in told["faults"]] == [line]
    assert "unknown key: absnt" in told["html"]


def test_the_patch_is_a_file(desk: Desk) -> None:
    answer = desk.post("/console/playground", do="patch", file=FILE, text=CHANGED.replace("\n", "\r\n"), bundle="")
    assert answer.headers["content-disposition"] == 'attachment; filename="patient.patch"'
    assert answer.text.startswith(f"--- a/{FILE}\n+++ b/{FILE}\n@@")
    assert len(re.findall(r"^[+-](?![+-])", answer.text, re.MULTILINE)) == 2


def test_another_file_is_opened(desk: Desk) -> None:
    answer = desk.post(
        "/console/playground", do="open", open="mappings/routes.yaml", file=FILE, text="x", bundle=BUNDLE
    )
    assert "routes:" in answer.text
    assert 'name="file" value="mappings/routes.yaml"' in answer.text


def test_an_example_is_taken_and_the_change_stays(desk: Desk) -> None:
    answer = desk.post(
        "/console/playground", do="example", example="170-r4-rucore", file=FILE, text=CHANGED, bundle="{", kind="119"
    )
    page = html.unescape(answer.text)
    assert "from: \"'female'\"," in page
    assert "<option selected>170-r4-rucore</option>" in page
    assert "What the change changes" in page
    assert '"resourceType": "Bundle"' in desk.get("/console/playground?example=170-r4-rucore").replace("&#34;", '"')
    for name in ("../../pyproject", "nobody"):
        assert desk.http.get("/console/playground", params={"example": name}).status_code == 404
        assert desk.post("/console/playground", do="example", example=name, file=FILE, text="").status_code == 404


@pytest.mark.parametrize(
    "file", ["../pyproject.toml", "/etc/passwd", "mappings/signing.yaml", "mappings/../README.md", ""]
)
def test_files_outside_are_not_there(desk: Desk, file: str) -> None:
    assert desk.post("/console/playground/try", file=file, text="x", bundle=BUNDLE).status_code == 404
    if file:
        assert desk.http.get("/console/playground", params={"file": file}).status_code == 404
        assert desk.http.get("/console/playground/words", params={"file": file}).status_code == 404


def test_hostile_text_shows_as_text(desk: Desk) -> None:
    answer = desk.post(
        "/console/playground", do="try", file=FILE, text=HOSTILE, bundle=json.dumps({"x": HOSTILE}), organisation="1.2"
    )
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    assert html.unescape(answer.text).count("</textarea><img src=x") >= 1
    assert desk.post("/console/playground/try", file=FILE, text="x", bundle="", organisation=HOSTILE).status_code == 400


def test_words_for_the_editor(desk: Desk) -> None:
    found = json.loads(desk.get(f"/console/playground/words?file={FILE}"))
    assert "concept" in found["keys"]
    assert "administrative-gender" in found["values"]["concept"]


def test_a_form_of_somebody_else_is_refused(desk: Desk) -> None:
    answer = desk.http.post("/console/playground/try", data={"file": FILE, "text": TEXT, "bundle": BUNDLE})
    assert answer.status_code == 403


def test_the_catalogue_is_as_it_was() -> None:
    assert Catalogue().file(FILE).read_text(encoding="utf-8") == TEXT
