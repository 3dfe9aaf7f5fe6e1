"""``egisz outbox``: documents on their way, what stopped them, and what an operator does about it.

Shows states, codes and times; values of documents only where ``replay --dry-run --values`` is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import typer

from adapter.cli.output import Format, print_json, say
from adapter.errors import UsageError
from adapter.findings import Text
from adapter.settings import settings

if TYPE_CHECKING:
    from adapter.pipeline import Journal, ProductRow, SubmissionRow
    from adapter.pipeline.outbox import History
    from adapter.pipeline.preview import Preview

app = typer.Typer(
    name="outbox",
    help="Документы в пути: список, история, повтор, снятие / documents on their way.",
    no_args_is_help=True,
)
Result = TypeVar("Result")
IdsArgument = Annotated[list[UUID], typer.Argument(metavar="ID...", help="номера документов или Bundle / ids")]


class Only(StrEnum):
    """States that may be asked for."""

    CHECKED = "checked"
    SIGNED = "signed"
    SENT = "sent"
    AWAITING = "awaiting"
    HELD = "held"
    REGISTERED = "registered"
    REJECTED = "rejected"
    DEAD = "dead"


FormatOption = Annotated[Format, typer.Option("--format", "-f", help="вид вывода / form of the output")]
_DEFAULT = tuple(one for one in Only if one is not Only.REGISTERED)


def _with_journal(work: Callable[[Journal], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        from adapter.pipeline import Journal

        journal = await Journal.open(settings(), connections=2)
        try:
            return await work(journal)
        finally:
            await journal.close()

    return asyncio.run(run())


@app.command("ls")
def list_(
    state: Annotated[
        list[Only] | None, typer.Option("--state", "-s", help="состояния; иначе все, кроме registered / states")
    ] = None,
    organisation: Annotated[str | None, typer.Option("--organisation", metavar="OID", help="OID в ФРМО")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="сколько строк / how many")] = 50,
    output: FormatOption = Format.TEXT,
) -> None:
    """Документы и Bundle в пути, последние изменения первыми / documents on their way, last changed first."""
    wanted = [one.value for one in state or _DEFAULT]

    async def work(journal: Journal) -> tuple[list[ProductRow], list[SubmissionRow], dict[str, Any]]:
        box = journal.outbox
        products = await box.products(wanted, organisation=organisation, limit=limit)
        submissions = [] if state else await box.submissions(organisation=organisation, limit=limit)
        return products, submissions, await box.counts()

    products, submissions, counts = _with_journal(work)
    if output is Format.JSON:
        print_json(
            {
                "counts": {kind: {one: rows for one, (rows, _) in found.items()} for kind, found in counts.items()},
                "products": [_plain_product(one) for one in products],
                "submissions": [_plain_submission(one) for one in submissions],
            }
        )
        return
    _table([*products, *submissions])
    for kind, title in (("product", say("Документы", "Documents")), ("submission", "Bundle")):
        told = ", ".join(f"{one} {rows}" for one, (rows, _) in sorted(counts[kind].items())) or "0"
        typer.echo(f"{title}: {told}")


@app.command("show")
def show(
    row_id: Annotated[UUID, typer.Argument(metavar="ID", help="номер документа или Bundle / id")],
    output: FormatOption = Format.TEXT,
) -> None:
    """Всё о документе или Bundle: состояние, замечания, история, сообщения / all about one."""
    history = _with_journal(lambda journal: journal.outbox.show(row_id))
    if output is Format.JSON:
        print_json(_plain_history(history))
    else:
        _shown(history)


@app.command("replay")
def replay(
    row_ids: Annotated[list[UUID] | None, typer.Argument(metavar="[ID]...", help="номера / ids")] = None,
    *,
    stopped_at: Annotated[
        str | None,
        typer.Option("--stopped-at", metavar="STAGE", help="все, кого остановила стадия / all that a stage stopped"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="показать, что изменится в документе / show what would change")
    ] = False,
    values: Annotated[
        bool, typer.Option("--values", help="и сами значения / and the values themselves (with --dry-run)")
    ] = False,
    output: FormatOption = Format.TEXT,
) -> None:
    """Повторить остановленное / try again what stopped.

    Документ подписывается и отправляется снова; не прошедший проверку, и Bundle, преобразуются заново.
    """
    if not row_ids and stopped_at is None:
        raise UsageError(Text("назовите номера или --stopped-at", "name ids, or --stopped-at"))
    if dry_run:
        _dry_run(row_ids or [], values, output)
        return

    async def work(journal: Journal) -> list[str]:
        chosen = list(row_ids or ())
        if stopped_at is not None:
            stopped = await journal.outbox.products(["rejected", "dead"], limit=10_000)
            chosen += [one.id for one in stopped if one.stopped_at == stopped_at]
        return [await _tried(journal.outbox.replay, one) for one in dict.fromkeys(chosen)]

    _report(_with_journal(work), output)


@app.command("drop")
def drop(row_ids: IdsArgument, output: FormatOption = Format.TEXT) -> None:
    """Снять с отправки / give up."""
    _each(row_ids, "drop", output)


@app.command("hold")
def hold(row_ids: IdsArgument, output: FormatOption = Format.TEXT) -> None:
    """Придержать неотправленное / keep from leaving."""
    _each(row_ids, "hold", output)


@app.command("release")
def release(row_ids: IdsArgument, output: FormatOption = Format.TEXT) -> None:
    """Отпустить придержанное / let go what is held."""
    _each(row_ids, "release", output)


def _each(row_ids: Sequence[UUID], name: str, output: Format) -> None:
    async def work(journal: Journal) -> list[str]:
        return [await _tried(getattr(journal.outbox, name), one) for one in row_ids]

    _report(_with_journal(work), output)


async def _tried(move: Callable[[UUID], Awaitable[ProductRow | SubmissionRow]], row_id: UUID) -> str:
    """The state after a move, or why it was not made."""
    try:
        return f"{row_id} {(await move(row_id)).state.value}"
    except UsageError as error:
        return f"{row_id} ! {error.text.get(settings().lang)}"


def _report(lines: Sequence[str], output: Format) -> None:
    refused = [line for line in lines if " ! " in line]
    if output is Format.JSON:
        print_json([dict(zip(("id", "result"), line.split(" ", 1), strict=True)) for line in lines])
    else:
        typer.echo("\n".join(lines) if lines else say("нечего повторять", "nothing to replay"))
    if refused:
        raise typer.Exit(1)


# -- what a replay would change -------------------------------------------------------------------------------------


def _dry_run(row_ids: Sequence[UUID], values: bool, output: Format) -> None:
    from adapter.catalogue import Catalogue
    from adapter.pipeline.making import ProcessMaker
    from adapter.pipeline.preview import preview
    from adapter.registers.services import Services

    services = Services.load(Catalogue(settings().catalogue))

    async def work(journal: Journal) -> list[tuple[UUID, list[Preview]]]:
        maker = ProcessMaker()
        try:
            return [(one, await preview(journal, one, maker, services)) for one in row_ids]
        finally:
            maker.close()

    found = _with_journal(work)
    if output is Format.JSON:
        print_json(
            [{"id": str(one), "documents": [_plain_preview(each, values) for each in made]} for one, made in found]
        )
        return
    for one, made in found:
        typer.echo(str(one))
        for each in made:
            typer.echo(f"  {each.kind}  {_STATUS[each.status].get(settings().lang)}  {each.focus}")
            for line in _changes(each, values):
                typer.echo(f"    {line}")


_STATUS = {
    "same": Text("без изменений", "the same"),
    "changed": Text("изменится", "would change"),
    "new": Text("новый", "new"),
    "gone": Text("больше не создаётся", "would not be made"),
    "failed": Text("не пройдёт проверку", "would fail its check"),
}


def _changes(one: Preview, values: bool) -> list[str]:
    from conformance.batch import printable

    lines = [
        f"{finding.severity} {finding.code} {finding.message.get(settings().lang)}"
        for finding in one.findings
        if finding.severity != "note"
    ]
    for value in one.comparison.values if one.comparison else ():
        if value.verdict == "equal":
            continue
        lines.append(f"{value.verdict} {value.xpath}")
        if values:
            lines += [f"  − {printable(value.expected)}"] if value.expected is not None else []
            lines += [f"  + {printable(value.actual)}"] if value.actual is not None else []
    return lines


def _plain_preview(one: Preview, values: bool) -> dict[str, Any]:
    differing = [each for each in (one.comparison.values if one.comparison else ()) if each.verdict != "equal"]
    return {
        "kind": one.kind,
        "focus": one.focus,
        "status": one.status,
        "product": str(one.product.id) if one.product else None,
        "findings": [_plain_finding(each) for each in one.findings],
        "changes": [
            {"verdict": each.verdict, "xpath": each.xpath}
            | ({"before": each.expected, "after": each.actual} if values else {})
            for each in differing
        ],
    }


# -- forms of the output --------------------------------------------------------------------------------------------


def _table(rows: Sequence[ProductRow | SubmissionRow]) -> None:
    from rich.console import Console
    from rich.table import Table

    lang = settings().lang
    table = Table(box=None, pad_edge=False)
    for ru, en in (("номер", "id"), ("вид", "kind"), ("состояние", "state"), ("где", "at"), ("попыток", "tries")):
        table.add_column(say(ru, en), no_wrap=True)
    table.add_column(say("изменён", "changed"), no_wrap=True)
    table.add_column(say("причина", "reason"), ratio=1)
    for row in rows:
        reason = " ".join([*row.error.codes, row.error.text.get(lang)]) if row.error else ""
        kind, at = getattr(row, "kind", "Bundle"), getattr(row, "stopped_at", "")
        changed = row.changed_at.astimezone().strftime("%d.%m %H:%M:%S")
        table.add_row(str(row.id), kind, row.state.value, at, str(row.attempts or ""), changed, reason)
    Console(highlight=False).print(table)


def _shown(history: History) -> None:
    lang = settings().lang
    for key, value in _plain_row(history.row).items():
        if value not in (None, "", [], {}) and key not in ("findings", "error"):
            typer.echo(f"{key}: {value}")
    if history.row.error is not None:
        trouble = history.row.error
        typer.echo(f"{trouble.error_class} {' '.join(trouble.codes)}: {trouble.text.get(lang)}")
    for one in history.row.findings:
        typer.echo(f"  {one.severity} {one.code} {one.message.get(lang)} {one.place.fhirpath or one.xpath}".rstrip())
    for move in history.moves:
        typer.echo(f"{_time(move.at)}  {move.name}: {move.before or '—'} → {move.after}")
    for message in history.messages:
        arrow = "→" if message["direction"] == "out" else "←"
        codes = " ".join(message["codes"])
        typer.echo(
            f"{_time(message['at'])}  {arrow} {message['operation']} {message['message_id']} "
            f"{message['outcome'] or '—'} {codes}".rstrip()
        )


def _time(moment: Any) -> str:
    return str(moment.astimezone().strftime("%d.%m %H:%M:%S"))


def _plain_row(row: ProductRow | SubmissionRow) -> dict[str, Any]:
    from adapter.pipeline import ProductRow

    return _plain_product(row) if isinstance(row, ProductRow) else _plain_submission(row)


def _plain_product(row: ProductRow) -> dict[str, Any]:
    names = ("client", "organisation", "kind", "route", "focus", "version", "local_uid", "stopped_at", "attempts")
    return {
        "id": str(row.id),
        "submission": str(row.submission_id),
        "state": row.state.value,
        **{name: getattr(row, name) for name in (*names, "signatures", "emdr_id", "unrz", "created_at", "changed_at")},
        "registered_at": row.registered_at,
        **_plain_trouble(row),
    }


def _plain_submission(row: SubmissionRow) -> dict[str, Any]:
    names = ("client", "organisation", "version", "attempts", "received_at", "changed_at")
    return {
        "id": str(row.id),
        "state": row.state.value,
        **{name: getattr(row, name) for name in names},
        **_plain_trouble(row),
    }


def _plain_trouble(row: ProductRow | SubmissionRow) -> dict[str, Any]:
    error = row.error
    return {
        "error": {"class": error.error_class, "codes": error.codes, **error.text._asdict()} if error else None,
        "findings": [_plain_finding(one) for one in row.findings],
    }


def _plain_finding(one: Any) -> dict[str, Any]:
    place = {"fhirpath": one.place.fhirpath, "xpath": one.xpath, "rule": one.rule}
    return {"code": one.code, "severity": one.severity, "message": one.message._asdict(), **place}


def _plain_history(history: History) -> dict[str, Any]:
    moves = [{"name": one.name, "before": one.before, "after": one.after, "at": one.at} for one in history.moves]
    return {**_plain_row(history.row), "moves": moves, "messages": list(history.messages)}
