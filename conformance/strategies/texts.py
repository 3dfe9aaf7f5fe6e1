"""Texts: plain Russian ones, and hostile ones that break software which quotes, cuts or logs badly."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

#: Pieces that have a meaning to XML, HTML, JSON, templates, shells, terminals or readers of right-to-left scripts.
HOSTILE: Final = (
    *("<", ">", "&", "]]>", "<![CDATA[", "<!--", "-->", "<?xml?>", "&amp;", "&lt;", "&#0;", "&nbsp;", '"', "'", "`"),
    *("{{ 7*7 }}", "{% raw %}", "{# #}", "${x}", "%s", "%n", "\\", "\\u0000", "\\n", "';--", "../..", "</name>"),
    *("\x00", "\x01", "\x08", "\x0b", "\x1b[31m", "\x1f", "\x7f", "\x85", "\ufffe", "\uffff"),
    *("\t", "\n", "\r\n", "\r", "  ", "\u00a0", "\u2009", "\u200b", "\u2028", "\u2029", "\ufeff", "\u3000"),
    *(
        "\u202e",
        "\u202a",
        "\u2066",
        "\u2069",
        "\u200f",
        "\u061c",
        "\u200d",
        "e\u0301",
        "и\u0306",
        "Z\u0351\u036b\u0343",
    ),
    *("👨‍⚕️", "🏳️‍🌈", "🇷🇺", "👍🏽", "𝕏", "\U0010fffd", "ﷺ", "№", "«»", "ё", "İ", "ß", "ﬁ", "שלום", "مرحبا", "漢字"),
)
_WORDS: Final = (
    *("жалобы", "отсутствуют", "осмотрен", "врачом", "противопоказаний", "нет", "состояние", "удовлетворительное"),
    *("наблюдение", "в", "динамике", "на", "фоне", "лечения", "улучшение", "справа", "слева", "норма"),
)


def words(*, most: int = 6) -> st.SearchStrategy[str]:
    """A plain phrase of one to ``most`` Russian words."""
    return st.lists(st.sampled_from(_WORDS), min_size=1, max_size=most).map(lambda some: " ".join(some).capitalize())


def hostile_texts(*, mark: str = "", most: int = 6) -> st.SearchStrategy[str]:
    """A text of pieces of :data:`HOSTILE` and of any characters but surrogates.

    Args:
        mark: stands inside the text, so that a test finds again where it went.
        most: pieces before and after the mark.
    """
    any_character = st.characters(exclude_categories=["Cs"])
    piece = st.one_of(st.sampled_from(HOSTILE), st.sampled_from(_WORDS), any_character)
    side = st.lists(piece, max_size=most).map("".join)
    return st.builds(lambda before, after: f"{before}{mark or 'текст'}{after}", side, side)


def long_texts(*, size: int = 1_000_000, mark: str = "") -> st.SearchStrategy[str]:
    """A text of ``size`` characters: one piece again and again, so that drawing it costs nothing."""
    piece = st.sampled_from(("а", "слово ", "<", "&", "]]>", "👨‍⚕️", "\u202e", "\u00a0", "'\""))
    return piece.map(lambda one: (mark + one * (size // len(one) + 1))[:size])
