"""The narrative of a section (``section/text``) as HTML: known CDA elements are mapped, others give text."""

from __future__ import annotations

from lxml import etree
from markupsafe import Markup, escape

from adapter.xml import HL7, Element

#: CDA narrative element → HTML element. A paragraph is a div because HTML's p cannot hold a list or a table.
_HTML = {
    "table": "table",
    "thead": "thead",
    "tbody": "tbody",
    "tfoot": "tfoot",
    "tr": "tr",
    "th": "th",
    "td": "td",
    "list": "ul",
    "item": "li",
    "paragraph": "div",
    "content": "span",
    "caption": "div",
    "sub": "sub",
    "sup": "sup",
}
_STYLES = {"bold": "bold", "italics": "italics", "underline": "underline", "emphasis": "italics"}
_SPANS = ("colspan", "rowspan")


def narrative(text: Element) -> Markup:
    """Safe HTML of a ``section/text`` element: no attribute of the document passes but spans of cells."""
    parts = [escape(text.text or "")]
    for event, node in etree.iterwalk(text, events=("start", "end", "comment", "pi")):
        if event == "start":
            if node is not text:
                parts.append(_open(node))
                parts.append(escape(node.text or ""))
            continue
        if node is text:
            continue
        if event == "end":
            parts.append(_close(node))
        parts.append(escape(node.tail or ""))
    return Markup("").join(parts)


def is_empty(text: Element) -> bool:
    """Whether there is nothing to read."""
    return not "".join(map(str, text.itertext("*"))).strip()


def _name(node: Element) -> str:
    """The HTML element for a CDA element; empty where only its text is kept."""
    namespace, _, local = str(node.tag).rpartition("}")
    if namespace not in {"{" + HL7, ""}:
        return ""
    if local == "list" and node.get("listType") == "ordered":
        return "ol"
    parent = node.getparent()
    if local == "caption" and parent is not None and str(parent.tag).endswith("table"):
        return "caption"
    return "br" if local == "br" else _HTML.get(local, "")


def _open(node: Element) -> Markup:
    name = _name(node)
    if not name:
        return Markup("")
    attributes = [Markup(' {}="{}"').format(key, value) for key in _SPANS if (value := _span(node, key))]
    css = [_STYLES[word] for word in node.get("styleCode", "").lower().split() if word in _STYLES]
    if str(node.tag).endswith("paragraph"):
        css.append("paragraph")
    if css:
        attributes.append(Markup(' class="{}"').format(" ".join(css)))
    return Markup("<{}{}>").format(name, Markup("").join(attributes))


def _close(node: Element) -> Markup:
    name = _name(node)
    return Markup("</{}>").format(name) if name and name != "br" else Markup("")


def _span(node: Element, key: str) -> str:
    value = node.get(key, "")
    return value if value.isascii() and value.isdigit() and 0 < int(value) < 1000 else ""
