"""Jinja with less done for each value gives what the stock classes give."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2 import DictLoader, Environment, StrictUndefined, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from adapter.documents.templates import QuickContext, QuickTemplate, quicken

PARTS = """
{%- macro tag(name, value="-", kind="") -%}
<{{ name }}>{{ value }}{{ kind }}{{ caller() if caller is defined }}</{{ name }}>
{%- endmacro -%}
{%- macro both(one, other) %}{{ tag(one) }}{{ tag("x", other) }}{% endmacro -%}
"""
PAGE = """
{%- from "parts" import both, tag -%}
{%- block body %}{% for item in items %}{{ tag("a", value=item, kind=loop.index) }}{% endfor %}{% endblock -%}
{{ both("b", text) }}{{ text|upper }}{{ markup }}{{ items|length }}{{ none }}
{%- call tag("c") %}{{ text }}{% endcall %}
"""
VALUES: dict[str, Any] = {"items": ["<", Markup("<i/>"), 5, None], "text": 'a & "b"', "markup": Markup("<m/>")}


@pytest.mark.parametrize("kind", [Environment, ImmutableSandboxedEnvironment])
def test_the_same_text(kind: type[Environment]) -> None:
    def made(quick: bool) -> str:
        environment = kind(
            loader=DictLoader({"parts": PARTS, "page": PAGE}), autoescape=True, undefined=StrictUndefined
        )
        if quick:
            quicken(environment)
            assert isinstance(environment.get_template("page"), QuickTemplate)
            assert isinstance(environment.get_template("page").new_context(), QuickContext)
        return environment.get_template("page").render(VALUES)

    assert made(quick=True) == made(quick=False)
    assert "a &amp; &#34;b&#34;" in made(quick=True)


@pytest.mark.parametrize("text", ["{{ absent('x') }}", "{{ absent }}", "{{ items.absent }}", "{{ absent|upper }}"])
def test_what_is_not_there_is_an_error(text: str) -> None:
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    quicken(environment)
    with pytest.raises(UndefinedError):
        environment.from_string(text).render(VALUES)
