"""The checks of РЭМД: of a request at once, of a request in full (этап 1), of a file (этап 2); with its codes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from adapter.catalogue import read_plain
from adapter.documents.kinds import Kinds
from adapter.errors import InputError, SigningError
from adapter.facts import Fact, fact
from adapter.findings import Finding, Severity
from adapter.registers.agreement import disagreements
from adapter.signing.cms import Container
from adapter.signing.cms import parse as parse_cms
from adapter.signing.verify import digest, verify_cms
from adapter.transport.content import Checksum
from adapter.transport.errors import ErrorItem
from adapter.xml import HL7, parse

Values = Mapping[str, Any]

_SKEW: Final = timedelta(minutes=5)
#: Errors of the conformance check that are told.
_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Checks:
    """How strict the stand is.

    Attributes:
        kinds: of documents.
        checksum: as it is counted.
        certificates: a certificate must be valid on the date of the document, and its СНИЛС be the signer's.
        closed_kinds: a kind must be open on that date.
    """

    kinds: Kinds
    checksum: Checksum = field(default_factory=Checksum)
    certificates: bool = False
    closed_kinds: bool = False

    def request(self, values: Values, now: datetime) -> list[ErrorItem]:
        """Этап 1 in full."""
        return [*self._document(values, now), *self._signatures(values)]

    def _document(self, values: Values, now: datetime) -> Iterator[ErrorItem]:
        kind, created = self.kinds.by_code(values["kind"]), _aware(values["creationDateTime"], now)
        if kind is None:
            yield item("OBJECT_NOT_FOUND", values["kind"])
        elif self.closed_kinds and not kind.open_on(created.date()):
            yield item("NO_DOCUMENT_KIND_ON_DATE", values["kind"])
        if created > now + _SKEW:
            yield item("WRONG_CREATION_DATE")

    def _signatures(self, values: Values) -> Iterator[ErrorItem]:
        seen: set[bytes] = set()
        digests: dict[str, bytes] = {}
        for signature, snils in signatures(values):
            if not self.checksum.fits(signature["data"], str(signature["checksum"])):
                yield item("SIGNATURE_DECODING_ERROR")
                continue
            if signature["data"] in seen:
                yield item("SIGNATURE_DUPLICATION")
            seen.add(signature["data"])
            try:
                container = _container(signature["data"])
            except SigningError:
                yield item("SIGNATURE_DECODING_ERROR")
                continue
            known = digests.setdefault(container.certificate.algorithm, container.message_digest)
            if known != container.message_digest:
                yield item("INCONSISTENT_DIGESTS")
            if self.certificates:
                yield from _certificate(container, snils, values["creationDateTime"])

    def file(self, values: Values, data: bytes) -> list[ErrorItem]:
        """Этап 2, but for the conformance of the document.

        Args:
            values: of the request.
            data: the file.
        """
        try:
            differences = disagreements(as_registration(values), data, kinds=self.kinds)
        except InputError:
            return [item("INVALID_CONTENT")]
        return [*_digests(values, data), *agreement(differences)]


def rough(values: Values) -> list[ErrorItem]:
    """The check before the acknowledgement, of what the schema cannot say."""
    return [] if any(True for _ in signatures(values)) else [item("NO_SIGNATURE")]


def signatures(values: Values) -> Iterator[tuple[Values, str]]:
    """(signature, СНИЛС of its signer, empty for the organisation's)."""
    for one in (values.get("personalSignatures") or {}).get("item") or ():
        yield one["signature"], one["signer"]["snils"]
    if values.get("orgSignature"):
        yield values["orgSignature"], ""


def identity_of(data: bytes) -> tuple[str, str, int]:
    """(root of the set, its extension, version) of a document.

    Raises:
        XmlRefused: no XML.
    """
    root = parse(data).getroot()
    set_id, version = root.find(f"{{{HL7}}}setId"), root.find(f"{{{HL7}}}versionNumber")
    number = "" if version is None else version.get("value") or ""
    if set_id is None:
        return "", "", int(number) if number.isdigit() else 1
    return set_id.get("root") or "", set_id.get("extension") or "", int(number) if number.isdigit() else 1


def as_registration(values: Values) -> Fact:
    """A request as the facts that it was made of."""
    plain = _texts({name: values.get(name) for name in values if name not in {"personalSignatures", "orgSignature"}})
    people = (values.get("personalSignatures") or {}).get("item") or ()
    plain["signers"] = [_texts(one["signer"]) for one in people]
    made = fact(plain)
    assert isinstance(made, Fact)
    return made


def agreement(findings: Iterable[Finding]) -> Iterator[ErrorItem]:
    """What differs between request and document, in the words of РЭМД."""
    differs = texts()["differs"]
    for finding in findings:
        if finding.severity is Severity.ERROR:
            code, text = differs[finding.code]
            yield ErrorItem(code, text)


def conformance(findings: Sequence[tuple[str, str, str]]) -> list[ErrorItem]:
    """Errors of the conformance check, (code, rule, XPath), as РЭМД would quote them."""
    return [
        ErrorItem("VALIDATION_ERROR", f"Ошибка валидации Schematron: {code} {rule}. Путь: {xpath}")
        for code, rule, xpath in findings[:_MOST]
    ]


def item(code: str, *parts: str) -> ErrorItem:
    """An error with its text; what the text names and nobody gave is left empty."""
    return ErrorItem(code, texts()["codes"].get(code, "").format(*parts, "", ""))


@lru_cache(maxsize=1)
def texts() -> Mapping[str, Any]:
    """Texts of errors."""
    found: Mapping[str, Any] = read_plain(Path(__file__).with_name("texts.yaml"))
    return found


@lru_cache(maxsize=256)
def _container(data: bytes) -> Container:
    """A container, which is looked at with the request and once more with the file."""
    return parse_cms(data)


def _digests(values: Values, data: bytes) -> Iterator[ErrorItem]:
    """Whether every signature is one of the file."""
    for signature, _ in signatures(values):
        container = _container(signature["data"])
        if container.message_digest != digest(container.certificate.algorithm, data):
            yield item("DIGEST_MISMATCH")
            return
        try:
            verify_cms(signature["data"], data)
        except SigningError:
            yield item("SIGNATURE_VERIFICATION_ERROR")


def _certificate(container: Container, snils: str, created: datetime) -> Iterator[ErrorItem]:
    certificate = container.certificate
    if not certificate.valid_on(_aware(created, container.signing_time)):
        yield item("PERSONAL_SIG_CERT_NOT_ACTUAL_ON_DOC_CREATION_DT")
    if snils and certificate.subject_snils != snils:
        yield item("VALUE_MISMATCH_METADATA_AND_CERTIFICATE")


def _aware(moment: datetime, other: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=other.tzinfo)


def _texts(values: Values) -> dict[str, Any]:
    """Values of zeep as texts; absent ones are left out, codes with a version are the bare code."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found[name] = value["_value_1"] if "_value_1" in value else _texts(value)
        elif value is not None and value != "":
            found[name] = value.isoformat() if isinstance(value, date | datetime) else str(value)
    return found
