"""``egisz convert``: FHIR Bundles in, checked documents out."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from adapter.cli.output import write_file
from adapter.errors import EnvironmentProblem, InputError, UsageError
from adapter.findings import Finding, Severity, Text
from adapter.settings import settings

if TYPE_CHECKING:
    from adapter.convert import Conversion, Converter, Document
    from adapter.fhir import Reading

#: Mark in the name of a document that has errors and was written all the same.
INVALID = ".INVALID.xml"


class Format(StrEnum):
    """Forms of the summary."""

    TEXT = "text"
    JSON = "json"


def convert(
    bundles: Annotated[
        list[Path],
        typer.Argument(metavar="BUNDLE...", help="Bundle или NDJSON, JSON или XML / Bundles or NDJSON, JSON or XML"),
    ],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", file_okay=False, metavar="DIR", help="куда писать / where to")],
    product: Annotated[
        list[str] | None, typer.Option("--product", metavar="N", help="только этот вид СЭМД / only this kind")
    ] = None,
    org: Annotated[
        Path | None, typer.Option("--org", exists=True, dir_okay=False, help="настройки организации / organisation")
    ] = None,
    catalogue: Annotated[
        Path | None, typer.Option("--catalogue", exists=True, file_okay=False, help="своя папка поверх / overlay")
    ] = None,
    fhir_version: Annotated[
        str | None,
        typer.Option("--fhir-version", metavar="R4|R4B|R5", help="вместо определения / instead of detecting"),
    ] = None,
    trace: Annotated[
        bool, typer.Option("--trace", help="записать происхождение фактов / write where facts come from")
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="писать и документы с ошибками, с пометкой / write documents with errors, marked"),
    ] = False,
    output_format: Annotated[
        Format, typer.Option("--format", "-f", help="вид сводки / form of the summary")
    ] = Format.TEXT,
) -> None:
    """Преобразовать Bundle в СЭМД и проверить их / make СЭМД of Bundles and check them.

    Коды возврата / exit codes: 0 ошибок нет, 1 есть ошибки, 2 неверный вызов, 3 среда.
    """
    converter = _converter(catalogue, org)
    _folder(out)
    entries: list[dict[str, Any]] = []
    for path in bundles:
        for source, conversion in _conversions(converter, path, fhir_version, tuple(product or ()), trace):
            entries.append(_written(source, conversion, out, trace, force))
    manifest = orjson.dumps({"manifest": 1, "bundles": entries}, option=orjson.OPT_INDENT_2)
    write_file(out / "manifest.json", manifest)
    if output_format is Format.JSON:
        typer.echo(manifest.decode())
    else:
        typer.echo("\n".join(_summary(entries, settings().lang)))
    if not all(entry["ok"] for entry in entries):
        raise typer.Exit(1)


def _converter(overlay: Path | None, org: Path | None) -> Converter:
    from adapter.catalogue import Catalogue
    from adapter.convert import Converter
    from adapter.nsi import BookStore
    from adapter.organisation import load_organisation
    from conformance import Checker
    from conformance.packs import PackStore

    conf = settings()
    catalogue = Catalogue(overlay or conf.catalogue)
    books = BookStore(conf.nsi_dir, catalogue)
    checker = Checker(PackStore(conf.packs_dir), books, catalogue=catalogue, cache=conf.cache / "schematron")
    organisation = load_organisation(catalogue, org)
    return Converter(catalogue, books, organisation, checker=checker, cache=conf.cache / "templates")


def _conversions(
    converter: Converter, path: Path, version: str | None, products: tuple[str, ...], traced: bool
) -> Iterator[tuple[str, Conversion]]:
    from adapter.convert import Conversion

    try:
        readings = _read(path, version)
    except InputError as error:
        yield path.name, Conversion((error.finding,), ())
        return
    for reading in readings:
        name = path.name if len(readings) == 1 else f"{path.name}#{reading.index + 1}"
        yield name, converter.convert(reading, products=products, traced=traced)


def _read(path: Path, version: str | None) -> list[Reading]:
    from adapter.fhir import read

    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            Text(f"файл не читается: {path}: {error.strerror}", f"cannot be read: {path}: {error.strerror}")
        ) from error
    return read(data, version=version)


def _written(source: str, conversion: Conversion, out: Path, trace: bool, force: bool) -> dict[str, Any]:
    """Write the documents of a Bundle; the entry of the manifest."""
    documents = []
    for document in conversion.documents:
        name = document.name if document.ok else document.name.removesuffix(".xml") + INVALID
        file = None
        if document.data is not None and (document.ok or force):
            write_file(out / name, document.data)
            file = name
        if trace:
            write_file(out / f"{name.removesuffix('.xml')}.trace.json", orjson.dumps(document.trace))
        documents.append(_entry(document, file))
    return {
        "source": source,
        "ok": conversion.ok,
        "findings": [_finding(one) for one in conversion.findings],
        "documents": documents,
    }


def _entry(document: Document, file: str | None) -> dict[str, Any]:
    report = document.report
    return {
        "kind": document.kind,
        "route": document.route,
        "focus": document.focus,
        "file": file,
        "ok": document.ok,
        "stages": {stage.name.value: stage.status.value for stage in report.stages} if report else {},
        "findings": [_finding(one) for one in document.findings],
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "code": one.code,
        "severity": one.severity,
        "message": one.message._asdict(),
        "hint": one.hint._asdict(),
        "fhirpath": one.place.fhirpath,
        "line": one.place.line,
        "xpath": one.xpath,
        "rule": one.rule,
    }


def _summary(entries: list[dict[str, Any]], language: str) -> Iterator[str]:
    for entry in entries:
        yield f"{'OK' if entry['ok'] else '!!'}  {entry['source']}"
        yield from _lines(entry["findings"], language)
        if not entry["documents"]:
            yield "    нет документов" if language == "ru" else "    no documents"
        for document in entry["documents"]:
            unchecked = [name for name, status in document["stages"].items() if status == "not_checked"]
            note = f" (не проверено / not checked: {', '.join(unchecked)})" if unchecked else ""
            yield f"    {document['kind']}  {document['file'] or '—'}{note}"
            yield from _lines(document["findings"], language)


def _lines(findings: list[dict[str, Any]], language: str) -> Iterator[str]:
    for one in findings:
        if one["severity"] == Severity.NOTE:
            continue
        where = one["fhirpath"] or one["xpath"]
        yield f"      {one['severity']} {one['code']} {one['message'][language]} [{one['rule']}] {where}".rstrip()
        if one["hint"][language]:
            yield f"        → {one['hint'][language]}"


def _folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentProblem(
            Text(f"папка не создана: {out}: {error.strerror}", f"cannot make the folder: {out}: {error.strerror}")
        ) from error
