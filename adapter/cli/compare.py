"""``egisz compare``: two documents value by value.

The one command that shows values of documents: to the person who has both files, on that person's own terminal or in
the file asked for. Nothing of them is logged.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
import typer

from adapter.cli.check import Language
from adapter.cli.output import Format, write
from adapter.errors import UsageError
from adapter.findings import Text
from adapter.settings import settings

if TYPE_CHECKING:
    from adapter.xml import ElementTree
    from conformance.compare import Comparison, Value
    from conformance.explanations import Explanation

#: Characters of a value that the text form shows; JSON shows all.
SHOWN: Final = 200

_WORDS: Final = {
    "equal": Text("равно", "equal"),
    "different": Text("различается", "different"),
    "missing": Text("отсутствует", "missing"),
    "extra": Text("лишнее", "extra"),
}


def compare(
    expected: Annotated[
        Path, typer.Argument(metavar="EXPECTED.xml", exists=True, dir_okay=False, help="образец / what is expected")
    ],
    actual: Annotated[
        Path, typer.Argument(metavar="ACTUAL.xml", exists=True, dir_okay=False, help="что получено / what was made")
    ],
    *,
    ignore: Annotated[
        Path | None,
        typer.Option(
            "--ignore",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="объяснённые отличия: YAML-список xpath, ru, en / explained differences",
        ),
    ] = None,
    fail_under: Annotated[
        float | None,
        typer.Option("--fail-under", metavar="PERCENT", min=0, max=100, help="доля равных, ниже которой код 1"),
    ] = None,
    output_format: Annotated[
        Format, typer.Option("--format", "-f", help="вид сравнения / form of the comparison")
    ] = Format.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", dir_okay=False, help="записать в файл / to a file")
    ] = None,
    lang: Annotated[Language | None, typer.Option("--lang", help="язык, иначе EGISZ_LANG / language")] = None,
    show_all: Annotated[bool, typer.Option("--all", "-a", help="и равные значения / equal values too")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="только итог / only the summary")] = False,
) -> None:
    """Сравнить два документа по значениям / compare two documents value by value.

    Показывает сами значения документов / shows the values of the documents themselves.

    Коды возврата / exit codes: 0 всё равно или объяснено (с --fail-under: равных не меньше), 1 нет, 2 неверный вызов.
    """
    from conformance.compare import compare as compared
    from conformance.explanations import explain, load_explanations

    explanations = load_explanations(ignore) if ignore else []
    result, unused = explain(compared(_parsed(expected), _parsed(actual)), explanations)
    language = lang.value if lang else settings().lang
    if output_format is Format.JSON:
        text = _json(result, unused)
    else:
        lines = [] if quiet else list(_lines(result, unused, language, show_all))
        text = "\n".join([*lines, summary(result, language)]) + "\n"
    write(text, output)
    if not (result.ok if fail_under is None else result.share >= fail_under):
        raise typer.Exit(1)


def _parsed(path: Path) -> ElementTree:
    from adapter.xml import XmlLimits, parse
    from conformance.batch import read_file

    limit = settings().xml_max_bytes
    try:
        return parse(read_file(path, limit), XmlLimits(limit))
    except OSError as error:
        raise UsageError(
            Text(f"файл не читается: {path}: {error.strerror}", f"cannot be read: {path}: {error.strerror}")
        ) from error


def summary(result: Comparison, language: str) -> str:
    """One line: what became of the values; the percentage is rounded down, so that 100 means all."""
    from conformance.compare import Verdict

    percent = math.floor(result.share * 10) / 10
    rest = (Verdict.DIFFERENT, Verdict.MISSING, Verdict.EXTRA)
    counts = ", ".join(f"{_WORDS[one].get(language)} {result.count(one)}" for one in rest)
    line = f"{_WORDS['equal'].get(language)} {result.count(Verdict.EQUAL)} "
    line += f"{'из' if language == 'ru' else 'of'} {result.total} ({percent} %), {counts}"
    known = [(one, result.count(one, explained=True)) for one in rest]
    if any(count for _, count in known):
        line += f"; {'объяснено' if language == 'ru' else 'explained'}: "
        line += ", ".join(f"{_WORDS[one].get(language)} {count}" for one, count in known if count)
    return line


def _lines(result: Comparison, unused: Sequence[Explanation], language: str, show_all: bool) -> Iterator[str]:
    """Values not equal (or all), those with an explanation last."""
    from conformance.compare import Verdict

    wanted = [one for one in result.values if show_all or one.verdict is not Verdict.EQUAL]
    for one in sorted(wanted, key=lambda value: value.reason is not None):
        yield from _value(one, language)
    for explanation in unused:
        ru, en = "объяснение ничего не объясняет", "the explanation explains nothing"
        yield f"{ru if language == 'ru' else en}: {explanation.xpath}"


def _value(one: Value, language: str) -> Iterator[str]:
    from conformance.compare import Verdict

    line = f"{'строка' if language == 'ru' else 'line'} {one.line}"
    yield f"{_WORDS[one.verdict].get(language)}  {one.xpath}  {line}"
    if one.expected is not None:
        yield f"  − {_short(one.expected)}" if one.verdict is not Verdict.EQUAL else f"  = {_short(one.expected)}"
    if one.actual is not None and one.verdict is not Verdict.EQUAL:
        moved = one.verdict is Verdict.DIFFERENT and one.actual_xpath != one.xpath
        yield f"  + {_short(one.actual)}" + (f"  ({one.actual_xpath}  {one.actual_line})" if moved else "")
    if one.reason is not None:
        yield f"  # {one.reason.get(language)}"


def _short(value: str) -> str:
    from conformance.batch import printable

    return printable(value if len(value) <= SHOWN else value[:SHOWN] + "…")


def _json(result: Comparison, unused: Sequence[Explanation]) -> str:
    from conformance.compare import Verdict

    entry: dict[str, Any] = {
        "comparison": 1,
        "ok": result.ok,
        "total": result.total,
        "share": result.share,
        "counts": {one.value: result.count(one) for one in Verdict},
        "explained": {one.value: result.count(one, explained=True) for one in Verdict if one is not Verdict.EQUAL},
        "unused_explanations": [one.xpath for one in unused],
        "values": [_plain(one) for one in result.values],
    }
    return orjson.dumps(entry, option=orjson.OPT_INDENT_2).decode() + "\n"


def _plain(one: Value) -> dict[str, Any]:
    return {
        "verdict": one.verdict,
        "xpath": one.xpath,
        "line": one.line,
        "expected": one.expected,
        "actual": one.actual,
        "actual_xpath": one.actual_xpath,
        "actual_line": one.actual_line,
        "reason": one.reason._asdict() if one.reason else None,
    }
