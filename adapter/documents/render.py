"""Rendering: facts and switches of a header to the bytes of a document.

Templates write elements in any layout; the finished text is parsed once (which proves it well-formed), indented and
serialised, so that the bytes depend on the facts only. Text is escaped by autoescape alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Protocol

from jinja2 import (
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
    pass_context,
)
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from lxml import etree
from markupsafe import Markup

from adapter import xml
from adapter.catalogue import Catalogue, builtin_root
from adapter.documents import elements, narrative
from adapter.documents.header import Header
from adapter.documents.templates import quicken
from adapter.errors import InputError, InternalError, MappingError, XmlRefused
from adapter.facts import II, Coding, Fact, Null, Quantity
from adapter.findings import Finding, Place, Severity, Text

DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_NSI: Final = "1.2.643.5.1.13.13."
_SECTIONS: Final = "99.2.197"
_FIELDS: Final = "99.2.166"
_ELEMENTS: Final = (
    "attribute",
    "coded",
    "coded_as",
    "coded_with",
    "fias",
    "ii",
    "null",
    "organization_id",
    "quantity",
    "qualified",
    "snils",
    "telecoms",
    "text",
    "time",
    "value",
)
_WORDS: Final = ("diagnosed", "formulated", "moment", "row")
#: Versions of books that the document being rendered quotes: fact ``versions``, where a kind keeps those of the sender.
_quoted: ContextVar[Mapping[str, str]] = ContextVar("quoted")


class Codings(Protocol):
    """Where templates get complete codings from: ``adapter.nsi.terms.Terms``."""

    def coding(self, system: str, code: str) -> Coding | None:
        """The coding of ``code`` in the book ``system`` (OID), ``None`` where it is unknown."""


class Renderer:
    """Renders documents; make one and keep it. Safe to use from several threads.

    Templates of an overlay run in a sandbox, the built-in ones they use as well.

    Args:
        catalogue: where ``templates/`` are.
        codings: source of the codes that templates use by themselves.
        cache: folder for compiled templates, ``None`` for none.
    """

    def __init__(self, catalogue: Catalogue, codings: Codings, *, cache: Path | None = None) -> None:
        self._codings = codings
        own = catalogue.roots == (builtin_root(),)
        if cache is not None:
            cache.mkdir(parents=True, exist_ok=True)
        environment: type[Environment] = Environment if own else ImmutableSandboxedEnvironment
        # What the sandbox compiles runs nowhere else, and what is compiled without it must not run in it.
        files = f"{environment.__name__}_%s.cache"
        self._environment = environment(
            loader=FileSystemLoader([root / "templates" for root in catalogue.roots]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
            bytecode_cache=FileSystemBytecodeCache(str(cache), files) if cache is not None else None,
        )
        quicken(self._environment)
        # An import compares the names of globals each time: none are needed, since filters are called directly.
        self._environment.globals.clear()
        self._environment.filters.update(self._filters())
        self._environment.tests["null"] = _is(Null)
        self._environment.tests["coding"] = _is(Coding)

    def _filters(self) -> dict[str, Callable[..., Any]]:
        """What templates may call, by name."""
        return {
            **named_filters(elements, narrative),
            "field": self._term(_FIELDS, "code"),
            "section_code": self._term(_SECTIONS, "code"),
            "section_title": self._term(_SECTIONS, "title"),
        }

    def render(self, template: str, facts: Fact, header: Header | Mapping[str, Any]) -> bytes:
        """The document, UTF-8 with declaration and without a byte order mark, two spaces a level.

        Args:
            template: path under ``templates/``, e.g. ``cda/body/170.xml.j2``.
            facts: facts of the document.
            header: switches of the kind.

        Raises:
            MappingError: the template is absent or wrong, or reads a fact that the mapping does not make.
            InputError: MAP04, a text has a character that XML cannot carry.
        """
        return serialised(finished(template, self._written(template, facts, header), facts))

    def _written(self, template: str, facts: Fact, header: Header | Mapping[str, Any]) -> str:
        """The text that a template writes."""
        switches = header if isinstance(header, Header) else Header.of(header)
        _quoted.set(getattr(facts, "versions", None) or {})
        try:
            return self._environment.get_template(template).render(facts=facts, header=switches)
        except TemplateError as error:
            raise _template_error(template, error) from error

    def _term(self, book: str, tag: str) -> Callable[[Context, str], Markup]:
        """A filter: code of ``book`` → element ``tag``, for codes that templates use by themselves.

        It takes the context only to keep Jinja from folding a constant code into the compiled template, which may
        outlive the book.
        """
        found: dict[tuple[str, str | None], Markup] = {}
        system = _NSI + book

        @pass_context
        def term(_context: Context, code: str) -> Markup:
            version = _quoted.get().get(system)
            element = found.get((code, version))
            if element is None:
                coding = self._coding(system, code)
                if version is not None:
                    coding = coding._replace(version=version)
                element = elements.text(coding.display, tag) if tag == "title" else elements.coded(coding, tag)
                found[code, version] = element
            return element

        return term

    def _coding(self, system: str, code: str) -> Coding:
        coding = self._codings.coding(system, code)
        if coding is None:
            raise MappingError(
                Text(
                    f"код {code} справочника {system} неизвестен: импортируйте его или дополните vocabulary.yaml",
                    f"code {code} of book {system} is unknown: import it or add it to vocabulary.yaml",
                )
            )
        return coding


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda fact: isinstance(fact, kind)


def named_filters(elements: ModuleType, narrative: ModuleType) -> dict[str, Callable[..., Any]]:
    """Filters that are functions of these modules, by name."""
    return {name: getattr(elements, name) for name in _ELEMENTS} | {name: getattr(narrative, name) for name in _WORDS}


def finished(template: str, written: str, facts: Fact) -> xml.ElementTree:
    """The text of a template as the tree of a document, indented."""
    if "\r" in written:
        # Only values hold it: a parser would read a bare one as a line feed.
        written = written.replace("\r", "&#13;")
    try:
        tree = xml.parse(written.encode())
    except (XmlRefused, UnicodeEncodeError) as error:
        if xml.FORBIDDEN.search(written):
            raise InputError(_forbidden(facts)) from None
        if isinstance(error, XmlRefused) and error.finding.code == "XML04":
            raise
        line = error.finding.place.line if isinstance(error, XmlRefused) else 0
        raise MappingError(
            Text(
                f"шаблон написал не XML (строка результата {line}); проверьте парность тегов",
                f"the template wrote no XML (line {line} of the result); check that tags are balanced",
            ),
            file=f"templates/{template}",
        ) from error
    etree.indent(tree, "  ")
    return tree


def serialised(tree: xml.ElementTree) -> bytes:
    """The tree of a document as its bytes."""
    return DECLARATION + etree.tostring(tree, encoding="UTF-8", xml_declaration=False) + b"\n"


def _template_error(template: str, error: TemplateError) -> MappingError:
    """The error of the tree; messages of Jinja name types and attributes, never values."""
    reason, file, line = str(error.message or type(error).__name__), template, 0
    if isinstance(error, TemplateNotFound):
        ru, en = f"нет шаблона {error.name}", f"there is no template {error.name}"
    elif isinstance(error, TemplateSyntaxError):
        file, line = error.name or template, error.lineno
        ru, en = f"шаблон неверен: {reason}", f"the template is wrong: {reason}"
    else:
        file, line = _raised_at(error) or (template, 0)
        if isinstance(error, UndefinedError):
            ru, en = f"шаблон читает то, чего нет: {reason}", f"the template reads what is not there: {reason}"
        elif isinstance(error, SecurityError):
            ru, en = f"шаблону это запрещено: {reason}", f"a template may not do that: {reason}"
        else:
            ru, en = f"шаблон остановился: {reason}", f"the template stopped: {reason}"
    return MappingError(Text(ru, en), file=f"templates/{file}", line=line)


def _raised_at(error: TemplateError) -> tuple[str, int] | None:
    """Template and line where an error was raised, from its traceback (Jinja rewrites it to template lines)."""
    found: tuple[str, int] | None = None
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.endswith(".j2"):
            found = (file.rpartition("/templates/")[2], trace.tb_lineno)
        trace = trace.tb_next
    return found


def _forbidden(facts: Fact) -> Finding:
    """MAP04: names the facts whose text XML cannot carry."""
    paths = [path for path, text in texts(facts) if xml.FORBIDDEN.search(text)]
    if not paths:
        raise InternalError("a template wrote a character that XML forbids, and no fact has one")
    return Finding(
        "MAP04",
        Severity.ERROR,
        Text(
            f"В тексте есть символ, который XML не допускает: {', '.join(paths)}.",
            f"A text has a character that XML cannot carry: {', '.join(paths)}.",
        ),
        Text(
            "Удалите управляющие символы (NUL и подобные) и непарные суррогаты у отправителя.",
            "Remove control characters (NUL and the like) and lone surrogates at the sender.",
        ),
        Place(),
        rule=paths[0],
    )


def texts(fact: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text among facts, with its path: ``patient.addresses[0].line``."""
    if isinstance(fact, str):
        yield path, fact
    elif isinstance(fact, Fact):
        for name, value in fact:
            yield from texts(value, f"{path}.{name}" if path else name)
    elif isinstance(fact, list):
        for index, value in enumerate(fact):
            yield from texts(value, f"{path}[{index}]")
    elif isinstance(fact, II | Coding | Quantity):
        for value in fact:
            yield from texts(value, path)
