"""What a register has answered: the number of a record, and what a refusal means, as its service file says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from adapter import xml
from adapter.errors import InputError
from adapter.findings import Text
from adapter.registers.services import ErrorRule, Number, Service
from adapter.transport.envelope import children, find_text, read, text_of
from adapter.transport.errors import ErrorClass, Verdict, error_book
from adapter.transport.http import HttpAnswer

#: How much of the text of an answer is looked at.
_SEEN: Final = 100_000
#: What may be a code: it is logged, and a text that stands in its place may quote a person.
_CODE: Final = re.compile(r"[0-9]{1,5}|[A-Z][A-Z0-9_.-]{0,39}|Client|Server|Sender|Receiver")
_NUMBER: Final = re.compile(r"[^\s<>]{1,100}")
_REFUSED: Final = Text(
    "Регистр отказал: его ответ хранится в журнале обмена.",
    "The register has refused: its answer is kept with the exchange.",
)
_STRANGE: Final = Text(
    "Ответ не похож на ответ регистра: сообщение отправляется снова.",
    "The answer is not one of the register: the message is sent again.",
)
_REMARKED: Final = Text(
    "Регистр принял сообщение с замечанием: оно в ответе, который хранится в журнале обмена.",
    "The register took the message with a remark: it is in the answer, which is kept with the exchange.",
)
_UNTOLD: Final = Text(
    "Регистр принял сообщение, но не назвал номера записи: оно отправляется снова.",
    "The register took the message and told no number of the record: it is sent again.",
)


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer means.

    Attributes:
        taken: the register has it.
        number: of the record, where it tells one.
        verdict: of a refusal, or of a remark about what was taken.
        change: the record was there: the message is made anew as a change of it.
    """

    taken: bool
    number: str | None = None
    verdict: Verdict | None = None
    change: bool = False


def said(service: Service, operation: str, answer: HttpAnswer, wanted: Number | None) -> Said:
    """What an answer of a service means.

    Args:
        operation: that was answered.
        wanted: where the answer has the number that it must tell.
    """
    if service.form == "soap":
        return _soap(service, operation, answer, wanted)
    return _rest(service, operation, answer, wanted)


def number_in(answer: HttpAnswer, wanted: Number) -> str | None:
    """The number in an answer; ``None`` where it has none there."""
    if wanted.constant:
        return wanted.constant
    if wanted.json_pointer:
        return _pointed(_json(answer.body), wanted.json_pointer)
    root = _xml(answer.body)
    found = next((one for one in root.iter(etree.Element) if etree.QName(one).localname == wanted.xml), None) if (
        root is not None
    ) else None  # fmt: skip
    return _shaped(text_of(found))


def _rest(service: Service, operation: str, answer: HttpAnswer, wanted: Number | None) -> Said:
    if not 200 <= answer.status < 300:
        return _refused(service, operation, answer, ())
    if answer.body.strip() and not _told(service, answer.body):
        return _strange(answer, _STRANGE)
    remark = None
    if service.remark and service.form == "rest" and _pointed(_json(answer.body), service.remark, shaped=False):
        remark = Verdict(ErrorClass.WARNING, _REMARKED)
    if wanted is None:
        return Said(taken=True, verdict=remark)
    number = number_in(answer, wanted)
    return Said(taken=True, number=number, verdict=remark) if number else _strange(answer, _UNTOLD)


def _told(service: Service, body: bytes) -> bool:
    """The body may be one of the service: a page of a gateway is an answer of 200, too."""
    if _json(body) is not None:
        return True
    root = _xml(body) if service.form == "file" else None
    return root is not None and etree.QName(root).localname.lower() != "html"


def _soap(service: Service, operation: str, answer: HttpAnswer, wanted: Number | None) -> Said:
    try:
        envelope = read(answer.body)
    except InputError:
        if 200 <= answer.status < 300:
            return _strange(answer, _STRANGE)
        return _refused(service, operation, answer, ())
    remark = _remark(service, envelope.root)
    number = number_in(answer, wanted) if wanted else None
    if envelope.fault is not None:
        codes = tuple(_codes(envelope.body))
        if remark is not None and not codes:
            return Said(taken=True, number=number, verdict=remark)
        return _refused(service, operation, answer, codes or (envelope.fault.code,))
    name = "" if envelope.body is None else etree.QName(envelope.body).localname
    if not 200 <= answer.status < 300 or name != f"{operation}Response":
        return _strange(answer, _STRANGE)
    return Said(taken=True, number=number, verdict=remark)


def _remark(service: Service, root: etree._Element) -> Verdict | None:
    """What an answer of SOAP remarks: the outer remark says nothing where there are inner ones."""
    found = [one for one in root.iter(etree.Element) if etree.QName(one).localname == service.remark]
    if not service.remark or not found:
        return None
    codes = [find_text(one, "WarningCode") for one in found if not list(one.iter(f"{{*}}{service.remark}"))[1:]]
    told = tuple(f"{service.id}:{code}" for code in codes if _CODE.fullmatch(code))
    return Verdict(ErrorClass.WARNING, _REMARKED, told)


def _codes(fault: etree._Element | None) -> Iterator[str]:
    """Codes of a fault and of those within it; the outer one says nothing where there are inner ones."""
    for detail in () if fault is None else fault.iter("detail", "{*}Detail"):
        for part in children(detail):
            yield from _leaves(part)


def _leaves(fault: etree._Element) -> Iterator[str]:
    inner = [one for group in children(fault, "Errors") for one in children(group)]
    for one in inner:
        yield from _leaves(one)
    code = find_text(fault, "ErrorCode")
    if code and not inner:
        yield code


def _refused(service: Service, operation: str, answer: HttpAnswer, codes: tuple[str, ...]) -> Said:
    text = answer.body[:_SEEN].decode("utf-8", "replace")
    if not codes:
        code = _pointed(_json(answer.body), "/code")
        codes = (code,) if code else ()
    for rule in service.errors:
        if rule.operations and operation not in rule.operations:
            continue
        match = rule.expression.search(text) if rule.expression else None
        if match is None and (rule.match or not (rule.code in codes or answer.status in rule.status)):
            continue
        return _ruled(rule, answer, match)
    told = tuple(f"{service.id}:{one}" for one in codes if _CODE.fullmatch(one))
    if service.form == "soap" and codes:
        return Said(taken=False, verdict=Verdict(ErrorClass.PERMANENT, _REFUSED, told, unknown=told))
    verdict = error_book().http(answer.status)
    if verdict.error_class is ErrorClass.PERMANENT and answer.status not in {401, 403}:
        return Said(taken=False, verdict=Verdict(ErrorClass.PERMANENT, _REFUSED, (*verdict.codes, *told)))
    return Said(taken=False, verdict=verdict)


def _ruled(rule: ErrorRule, answer: HttpAnswer, match: re.Match[str] | None) -> Said:
    number = match.group("number") if match is not None and "number" in match.re.groupindex else None
    if number is None and rule.number is not None:
        number = number_in(answer, rule.number)
    verdict = Verdict(rule.error_class, rule.text, (rule.code,) if rule.code else ())
    done = rule.error_class is ErrorClass.DONE
    if not done:
        return Said(taken=False, number=None, verdict=verdict)
    if rule.then == "registered":
        return Said(taken=True, number=number, verdict=verdict)
    return Said(taken=False, number=number, verdict=verdict, change=number is not None)


def _strange(answer: HttpAnswer, text: Text) -> Said:
    return Said(taken=False, verdict=Verdict(ErrorClass.TRANSPORT, text, (f"http:{answer.status}",)))


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _xml(data: bytes) -> etree._Element | None:
    try:
        return xml.parse(data).getroot()
    except InputError:
        return None


def _pointed(value: Any, pointer: str, *, shaped: bool = True) -> str | None:
    """The scalar that a JSON pointer leads to; a number of a record or a code is ``shaped``."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and name.isascii() and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, dict) and name in value:
            value = value[name]
        else:
            return None
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    return _shaped(str(value)) if shaped else str(value)


def _shaped(text: str) -> str | None:
    return text if _NUMBER.fullmatch(text) else None
