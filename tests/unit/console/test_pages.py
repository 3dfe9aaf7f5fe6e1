"""What holds for every page: nothing inline, everything escaped, every asset there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adapter.api.console import assets, rendering

PAGES = sorted((Path(rendering.__file__).parent / "pages").glob("*.j2"))


def test_the_environment_escapes_always() -> None:
    made = rendering._environment()
    assert made.autoescape is True
    assert made.from_string("{{ x }}").render(x="<script>\"'&") == "&lt;script&gt;&#34;&#39;&amp;"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_has_nothing_inline_and_lets_nothing_through(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|hx-vals=['\"]js", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"\|\s*safe\b|autoescape|Markup", text)
    assert not re.search(r"""(?:src|href|action)=["']?(?:https?:)?//""", text), "nothing comes from elsewhere"
    # A value in an attribute without quotes is a place for another attribute.
    assert not re.search(r"\s[a-z-]+=\{\{", text)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_form_that_changes_something_carries_its_token(path: Path) -> None:
    for form in re.findall(r'<form[^>]*method="post".*?</form>', path.read_text("utf-8"), re.DOTALL):
        assert 'name="form_token"' in form or 'action="/console/sign-in"' in form, form[:100]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_assets_of_ours_are_there(path: Path) -> None:
    for name in re.findall(r"static\('([^']+)'\)", path.read_text("utf-8")):
        assert assets.static(name).endswith(name)


def test_an_asset_of_others_that_is_not_made_has_no_address() -> None:
    assert assets.vendor("nothing.js") == ""
