"""The pages that say which answers of a register are certain and which are inferred."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from adapter.findings import Text
from adapter.settings import settings
from adapter.stand.registers.known import KnownFact, known, marks

_OTHER: Final = {"ru": "en", "en": "ru"}
_TITLE: Final = Text("Регистры стенда", "Registers of the stand")
_WHAT: Final = Text(
    "Что здесь известно из открытых источников, а что домыслено: настоящие сервисы могут отвечать иначе.",
    "What is known from public sources, and what is inferred here: the real services may answer otherwise.",
)
_ADMIN: Final = Text("Что принято и хранится", "What was received and is held")


def index(services: Iterable[str], lang: str = "") -> bytes:
    """The list of the services, HTML."""
    lang = _language(lang)
    rows = "".join(
        f'<li><a href="/registers/{name}?lang={lang}">{escape(known(name).title.get(lang))}</a>: '
        f"<code>/registers/{name}/</code></li>"
        for name in services
    )
    return _document(lang, _TITLE, f"<ul>{rows}</ul>")


def page(service: str, lang: str = "") -> bytes:
    """The facts of one service, HTML."""
    lang = _language(lang)
    of_service = known(service)
    rows: list[str] = []
    for mark, meaning in marks().items():
        told = [one for one in of_service.facts if one.mark == mark]
        if told:
            rows.append(f'<tr><th colspan="2">{mark}: {escape(meaning.get(lang))}</th></tr>')
        rows += [_row(one, lang) for one in told]
    admin = f'<p><a href="/admin/registers/{service}">{_ADMIN.get(lang)}</a></p>'
    return _document(lang, of_service.title, f"<table>{''.join(rows)}</table>{admin}")


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
