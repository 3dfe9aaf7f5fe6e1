"""The pages that say which answers of a register are certain and which are inferred.

Facts of a service are data: ``facts/<service>.yaml``: its title, and what the stand does there, each with its mark.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any, Final

from adapter.catalogue import read_plain
from adapter.findings import Text
from adapter.settings import settings

_FOLDER: Final = Path(__file__).parent / "facts"
_OTHER: Final = {"ru": "en", "en": "ru"}
_TITLE: Final = Text("Регистры стенда", "Registers of the stand")
_WHAT: Final = Text(
    "Что здесь известно из открытых источников, а что домыслено: настоящие сервисы могут отвечать иначе.",
    "What is known from public sources, and what is inferred here: the real services may answer otherwise.",
)
_ADMIN: Final = Text("Что принято и хранится", "What was received and is held")


@dataclass(frozen=True, slots=True)
class KnownFact:
    """One thing that a service of the stand does.

    Attributes:
        call: which call it is about, or ``""``.
        mark: how certain it is: a key of ``facts/marks.yaml``.
        text: what it does.
    """

    call: str
    mark: str
    text: Text


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a service."""

    title: Text
    facts: tuple[KnownFact, ...]


@lru_cache(maxsize=1)
def marks() -> dict[str, Text]:
    """Marks of certainty, the most certain first."""
    return {name: Text(**text) for name, text in read_plain(_FOLDER / "marks.yaml").items()}


@lru_cache(maxsize=32)
def facts_of(service: str) -> Facts:
    """The facts of a service, in the order of certainty, then as written."""
    read: dict[str, Any] = read_plain(_FOLDER / f"{service}.yaml")
    order = list(marks())
    told = [KnownFact(one.get("call", ""), one["mark"], Text(one["ru"], one["en"])) for one in read["facts"]]
    return Facts(Text(**read["title"]), tuple(sorted(told, key=lambda one: order.index(one.mark))))


def index(services: Iterable[str], lang: str = "") -> bytes:
    """The list of the services, HTML."""
    lang = _language(lang)
    rows = "".join(
        f'<li><a href="/registers/{name}?lang={lang}">{escape(facts_of(name).title.get(lang))}</a>: '
        f"<code>/registers/{name}/</code></li>"
        for name in services
    )
    return _document(lang, _TITLE, f"<ul>{rows}</ul>")


def page(service: str, lang: str = "") -> bytes:
    """The facts of one service, HTML."""
    lang = _language(lang)
    facts = facts_of(service)
    rows = []
    for mark, meaning in marks().items():
        told = [one for one in facts.facts if one.mark == mark]
        if told:
            rows.append(f'<tr><th colspan="2">{mark}: {escape(meaning.get(lang))}</th></tr>')
        rows += [_row(one, lang) for one in told]
    admin = f'<p><a href="/admin/registers/{service}">{_ADMIN.get(lang)}</a></p>'
    return _document(lang, facts.title, f"<table>{''.join(rows)}</table>{admin}")


def _row(fact: KnownFact, lang: str) -> str:
    return f"<tr><td><code>{escape(fact.call)}</code></td><td>{escape(fact.text.get(lang))}</td></tr>"


def _document(lang: str, title: Text, body: str) -> bytes:
    other, head = _OTHER[lang], escape(title.get(lang))
    return (
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8"><title>{head}</title>'
        "<style>body{font-family:sans-serif;max-width:60em;margin:2em auto}th{text-align:left;padding-top:1em}"
        "td{vertical-align:top;padding:.2em .6em .2em 0}</style></head>"
        f'<body><p><a href="?lang={other}">{other}</a></p><h1>{head}</h1><p>{_WHAT.get(lang)}</p>{body}'
        "</body></html>"
    ).encode()


def _language(lang: str) -> str:
    return lang if lang in _OTHER else settings().lang
