"""Coded elements against the reference books, as the Ministry's validator compares them.

Source: the validator's tag list and list of exceptions (``mappings/books.yaml``). An element is compared if
its name is on the list and it has all of ``code``, ``codeSystem``, ``codeSystemName``, ``codeSystemVersion``
and ``displayName``; a missing attribute is the business of the Schematron.

Codes of findings: NSI01 code absent in the book, NSI02 ``displayName`` differs, NSI03 ``codeSystemName``
differs, NSI04 the version cannot exist, NSI05 not checked.

On NSI04 and NSI05: the validator asks ФНСИ whether a version exists. Offline nobody can say that of a version
that is not stored: it may be newer than the last sync. So NSI04 is an error only where the version is not of
the form ``major.minor`` (no book has another, [INF]), and every other version that is not stored is the note
NSI05, which lists the versions that are. Notes are one for a book and version, at the first of its places,
with their number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from adapter.findings import Finding, Severity, Text
from adapter.nsi import Book, BookStore, short_oid
from adapter.xml import Element, ElementTree, Locator, place


@dataclass(frozen=True, slots=True)
class CodedResult:
    """What became of the coded elements of a document.

    Attributes:
        findings: in document order; a note stands where its first place is.
        checked: elements that were compared in full, found right or wrong.
        not_checked: elements that could not be compared (each is counted in a note NSI05).
        skipped: elements of books that are not to be compared.
    """

    findings: list[Finding]
    checked: int
    not_checked: int
    skipped: int = 0


def check_coded(tree: ElementTree, books: BookStore) -> CodedResult:
    """Compare every coded element of a document with its book.

    Raises:
        BookError: the store is broken.
        UsageError: ``mappings/books.yaml`` is broken.
    """
    checked = skipped = 0
    judge: _Judge | None = None
    book_of = books.book
    for element in tree.iter(*books.policy.tags):
        get = element.get
        oid = get("codeSystem")
        if oid is None:
            continue
        version, code, name, display = (
            get("codeSystemVersion"), get("code"), get("codeSystemName"), get("displayName")
        )  # fmt: skip
        if version is None or code is None or name is None or display is None:
            continue
        book = book_of(oid, version)
        if book is not None:
            if book.exact.get(code) == display and book.code_system_name == name:
                checked += 1
                continue
            if book.skip:
                skipped += 1
                continue
        judge = judge or _Judge(books)
        judge.look(element, book, _Coding(oid, version, code, name, display))
    if judge is None:
        return CodedResult([], checked, 0, skipped)
    return CodedResult(judge.findings(), checked + judge.checked, judge.not_checked, skipped)


class _Coding(NamedTuple):
    """The five attributes of a coded element."""

    oid: str
    version: str
    code: str
    name: str
    display: str


@dataclass(slots=True)
class _Unchecked:
    """Places that could not be checked for one reason."""

    order: int
    first: Element
    explain: Callable[[int], tuple[Text, Text]]
    places: int = 1


@dataclass(slots=True)
class _Judge:
    """Everything that the accepting path did not accept at once."""

    books: BookStore
    checked: int = 0
    not_checked: int = 0
    order: int = 0
    found: list[tuple[int, Finding]] = field(default_factory=list)
    unchecked: dict[tuple[str, str], _Unchecked] = field(default_factory=dict)
    locate: Locator = field(default_factory=Locator)

    def look(self, element: Element, book: Book | None, coding: _Coding) -> None:
        self.order += 1
        if book is None:
            self._absent(element, coding)
        else:
            if coding.name != book.code_system_name:
                self._error(element, "codeSystemName", "NSI03", _name_differs(book))
            if book.comparable:
                self.checked += 1
                self._compare(element, book, coding)
            else:
                self._note(element, book.oid, book.version, lambda places: _no_rows(book, places))

    def findings(self) -> list[Finding]:
        notes = [
            (entry.order, self._finding("NSI05", Severity.NOTE, entry.explain(entry.places), entry.first, ""))
            for entry in self.unchecked.values()
        ]
        return [finding for _, finding in sorted(self.found + notes, key=lambda item: item[0])]

    def _compare(self, element: Element, book: Book, coding: _Coding) -> None:
        if coding.code not in book.codes:
            self._error(element, "code", "NSI01", _code_absent(book))
        elif not book.skip_display_name and book.codes[coding.code] != coding.display:
            self._error(element, "displayName", "NSI02", _display_differs(book))

    def _absent(self, element: Element, coding: _Coding) -> None:
        if self._again(coding.oid, coding.version):
            return
        policy = self.books.policy
        if coding.oid.startswith(policy.not_books):
            return
        versions = self.books.versions(coding.oid)
        if not versions and policy.oid.fullmatch(coding.oid) is None:
            self._note(element, "", "", _foreign)
        elif policy.version.fullmatch(coding.version) is None:
            self.checked += 1
            self._error(element, "codeSystemVersion", "NSI04", _impossible_version(coding.oid))
        else:
            self._note(
                element, coding.oid, coding.version,
                lambda places: _not_stored(coding.oid, coding.version, versions, places),
            )  # fmt: skip

    def _error(self, element: Element, attribute: str, code: str, texts: tuple[Text, Text]) -> None:
        self.found.append((self.order, self._finding(code, Severity.ERROR, texts, element, f"/@{attribute}")))

    def _finding(
        self, code: str, severity: Severity, texts: tuple[Text, Text], element: Element, attribute: str
    ) -> Finding:
        message, hint = texts
        return Finding(code, severity, message, hint, place(element), self.locate(element) + attribute)

    def _note(self, element: Element, oid: str, version: str, explain: Callable[[int], tuple[Text, Text]]) -> None:
        if not self._again(oid, version):
            self.not_checked += 1
            self.unchecked[oid, version] = _Unchecked(self.order, element, explain)

    def _again(self, oid: str, version: str) -> bool:
        """Count one more place under a note that is there already."""
        entry = self.unchecked.get((oid, version))
        if entry is None:
            return False
        self.not_checked += 1
        entry.places += 1
        return True


# Texts. The OID and the version are quoted only where they have the shape of a book's; the code and the
# display name of the document never, nor the right name of its code, which would tell the code.


def _code_absent(book: Book) -> tuple[Text, Text]:
    oid = short_oid(book.oid)
    return Text(
        f"code: такого кода нет в столбце {book.key_column} справочника {oid} версии {book.version} "
        f"«{book.full_name}».",
        f"code: column {book.key_column} of book {oid} version {book.version} («{book.full_name}») has no such code.",
    ), Text(
        f"Похожие коды покажет egisz nsi show {oid} КОД --version {book.version}.",
        f"Similar codes: egisz nsi show {oid} CODE --version {book.version}.",
    )


def _display_differs(book: Book) -> tuple[Text, Text]:
    oid = short_oid(book.oid)
    return Text(
        f"displayName не равно значению столбца {book.value_column} справочника {oid} версии {book.version} "
        f"«{book.full_name}» для этого кода.",
        f"displayName is not the value of column {book.value_column} of book {oid} version {book.version} "
        f"(«{book.full_name}») for this code.",
    ), Text(
        "Наименование сравнивается целиком, с регистром букв и пробелами. Верное значение покажет "
        f"egisz nsi show {oid} КОД --version {book.version}.",
        "The whole text is compared, with case and spaces. The right value: "
        f"egisz nsi show {oid} CODE --version {book.version}.",
    )


def _name_differs(book: Book) -> tuple[Text, Text]:
    oid = short_oid(book.oid)
    return Text(
        f"codeSystemName не равно наименованию справочника {oid} версии {book.version}.",
        f"codeSystemName is not the name of book {oid} version {book.version}.",
    ), Text(
        f"Нужно «{book.code_system_name}»: egisz nsi show {oid} --version {book.version}.",
        f"It must be «{book.code_system_name}»: egisz nsi show {oid} --version {book.version}.",
    )


def _impossible_version(oid: str) -> tuple[Text, Text]:
    short = short_oid(oid)
    return Text(
        f"codeSystemVersion: у справочника {short} не может быть такой версии.",
        f"codeSystemVersion: book {short} cannot have such a version.",
    ), Text(
        f"Версия пишется как в НСИ: два числа через точку. Загруженные версии: egisz nsi show {short}.",
        f"A version is written as in НСИ: two numbers with a dot. Stored versions: egisz nsi show {short}.",
    )


def _foreign(places: int) -> tuple[Text, Text]:
    return Text(
        f"codeSystem не похож на OID справочника НСИ: не проверено мест: {places}.",
        f"codeSystem does not look like the OID of an НСИ book; places not checked: {places}.",
    ), Text(
        "Проверьте OID: известные справочники показывает egisz nsi list.",
        "Check the OID: egisz nsi list shows the known books.",
    )


def _not_stored(oid: str, version: str, versions: tuple[str, ...], places: int) -> tuple[Text, Text]:
    short = short_oid(oid)
    hint = Text(
        f"Загрузите: egisz nsi sync {short}@{version} или egisz nsi import ПАПКА.",
        f"Get it: egisz nsi sync {short}@{version} or egisz nsi import DIR.",
    )
    if not versions:
        return Text(
            f"Справочник {short} версии {version} не загружен: не проверено мест: {places}.",
            f"Book {short} version {version} is not stored here; places not checked: {places}.",
        ), hint
    known = ", ".join(versions)
    return Text(
        f"Версия {version} справочника {short} не загружена (есть {known}): не проверено мест: {places}.",
        f"Version {version} of book {short} is not stored (there are {known}); places not checked: {places}.",
    ), hint


def _no_rows(book: Book, places: int) -> tuple[Text, Text]:
    short = short_oid(book.oid)
    if book.complete:
        return Text(
            f"В справочнике {short} версии {book.version} нет столбца кода или наименования: "
            f"не проверено мест: {places}.",
            f"Book {short} version {book.version} has no column for the code or the name; "
            f"places not checked: {places}.",
        ), Text(
            "Столбцы задаёт mappings/books.yaml; так же поступает проверка Министерства.",
            "mappings/books.yaml names the columns; the Ministry's validator does the same.",
        )
    return Text(
        f"Строки справочника {short} версии {book.version} не загружены, есть только паспорт: "
        f"не проверено мест: {places}.",
        f"The rows of book {short} version {book.version} are not stored, only its passport is; "
        f"places not checked: {places}.",
    ), Text(
        f"Загрузите: egisz nsi sync {short}@{book.version}.",
        f"Get them: egisz nsi sync {short}@{book.version}.",
    )
