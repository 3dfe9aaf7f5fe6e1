"""``egisz convert``: FHIR Bundles in, checked documents and messages of registers out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from adapter.cli.bundles import bundle_files
from adapter.cli.output import Format, write_file
from adapter.cli.progress import shown
from adapter.errors import EnvironmentProblem
from adapter.findings import Finding, Severity, Text
from adapter.settings import settings

if TYPE_CHECKING:
    from adapter.bulk import Converted
    from adapter.convert import Document
    from adapter.registers.messages import Message

#: Mark in the name of a document or message that has errors and was written all the same, before its suffix.
INVALID = ".INVALID"
#: Bundles of fewer bytes together are converted in this process: others take more than a second to start, in which one
#: converts about 2 MB (measured on Bundles of 170).
PARALLEL_FROM = 8 * 1024 * 1024


def convert(
    bundles: Annotated[
        list[Path],
        typer.Argument(
            metavar="BUNDLE|DIR...", help="Bundle или NDJSON, JSON или XML; папки / Bundles, NDJSON, folders"
        ),
    ],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", file_okay=False, metavar="DIR", help="куда писать / where to")],
    product: Annotated[
        list[str] | None,
        typer.Option(
            "--product", metavar="N", help="только этот вид СЭМД или сообщение регистра / only this kind or message"
        ),
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
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="число процессов / number of processes")
    ] = None,
    output_format: Annotated[
        Format, typer.Option("--format", "-f", help="вид сводки / form of the summary")
    ] = Format.TEXT,
) -> None:
    """Преобразовать Bundle в СЭМД и сообщения регистров и проверить их / make СЭМД and messages of Bundles, checked.

    Коды возврата / exit codes: 0 ошибок нет, 1 есть ошибки, 2 неверный вызов, 3 среда.
    """
    from adapter.bulk import Setup, convert_all, plan
    from adapter.fhir import FhirLimits

    setup = Setup(catalogue, org, FhirLimits.configured(), fhir_version, tuple(product or ()), trace)
    files = bundle_files(bundles)
    if jobs is None:
        jobs = 1 if sum(path.stat().st_size for path in files) < PARALLEL_FROM else os.cpu_count() or 1
    tasks = plan(files, setup, jobs)
    _folder(out)
    folder = _Folder(out, force=force, trace=trace)
    entries = [folder.written(one) for group in shown(convert_all(tasks, setup, jobs), len(tasks)) for one in group]
    manifest = orjson.dumps({"manifest": 1, "bundles": entries}, option=orjson.OPT_INDENT_2)
    write_file(out / "manifest.json", manifest)
    if output_format is Format.JSON:
        typer.echo(manifest.decode())
    else:
        typer.echo("\n".join(_summary(entries, settings().lang)))
    if not all(entry["ok"] for entry in entries):
        raise typer.Exit(1)


class _Folder:
    """The folder of one run: nothing of the run takes the place of another."""

    def __init__(self, out: Path, *, force: bool, trace: bool) -> None:
        self._out, self._force, self._trace = out, force, trace
        self._sources: dict[str, str] = {}

    def written(self, converted: Converted) -> dict[str, Any]:
        """Write the documents and messages of a Bundle; the entry of the manifest."""
        made = converted.conversion
        documents = [_document(one, *self._one(one, converted.source)) for one in made.documents]
        messages = [_message(one, *self._one(one, converted.source)) for one in made.messages]
        return {
            "source": converted.source,
            "ok": made.ok and all(one["ok"] for one in (*documents, *messages)),
            "findings": [_finding(one) for one in made.findings],
            "documents": documents,
            "messages": messages,
        }

    def _one(self, made: Document | Message, source: str) -> tuple[str | None, tuple[Finding, ...]]:
        """Write a document or message: the name of the file, and what is against it."""
        path = Path(made.name)
        name = made.name if made.ok else f"{path.stem}{INVALID}{path.suffix}"
        if made.data is None or not (made.ok or self._force):
            file = None
        elif made.name in self._sources:
            return None, (_twice(self._sources[made.name]),)
        else:
            self._sources[made.name] = source
            write_file(self._out / name, made.data)
            file = name
        if self._trace:
            write_file(self._out / f"{Path(name).stem}.trace.json", orjson.dumps(made.trace))
        return file, ()


def _twice(source: str) -> Finding:
    return Finding(
        "DOC05",
        Severity.ERROR,
        Text(
            f"Не записано: документ того же вида, набора и версии, или то же сообщение, сделаны из {source}.",
            f"Not written: a document of the same kind, set and version, or the same message, was made of {source}.",
        ),
        Text(
            "Уберите повтор Bundle или дайте документам разные идентификаторы наборов или номера версий.",
            "Leave out the Bundle that is given twice, or give the documents different set ids or versions.",
        ),
    )


def _document(document: Document, file: str | None, more: tuple[Finding, ...]) -> dict[str, Any]:
    report = document.report
    return {
        "kind": document.kind,
        "route": document.route,
        "focus": document.focus,
        "file": file,
        "ok": document.ok and not more,
        "stages": {stage.name.value: stage.status.value for stage in report.stages} if report else {},
        "findings": [_finding(one) for one in (*document.findings, *more)],
    }


def _message(message: Message, file: str | None, more: tuple[Finding, ...]) -> dict[str, Any]:
    return {
        "product": message.product,
        "route": message.route,
        "focus": message.focus,
        "operation": message.operation,
        "file": file,
        "ok": message.ok and not more,
        "findings": [_finding(one) for one in (*message.findings, *more)],
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
        if not entry["documents"] and not entry["messages"]:
            yield "    нет документов" if language == "ru" else "    no documents"
        for document in entry["documents"]:
            unchecked = [name for name, status in document["stages"].items() if status == "not_checked"]
            note = f" (не проверено / not checked: {', '.join(unchecked)})" if unchecked else ""
            yield f"    {document['kind']}  {document['file'] or '—'}{note}"
            yield from _lines(document["findings"], language)
        for message in entry["messages"]:
            yield f"    {message['product']}  {message['file'] or '—'}  {message['operation']}".rstrip()
            yield from _lines(message["findings"], language)


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
