"""Bytes to Bundles: JSON, XML or NDJSON by content, any type of Bundle, or single resources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from adapter import xml
from adapter.errors import InputError, UsageError, XmlRefused
from adapter.fhir.model import DEFAULT_LIMITS, FhirLimits, FhirVersion, Reading, Resource
from adapter.fhir.ndjson import Line, collection, group, iter_resources, not_fhir, read_lines, too_many
from adapter.fhir.structure import structure
from adapter.fhir.text import TrailingText, decode, measure, odd_characters, refuse, without_mark
from adapter.fhir.validation import validate
from adapter.fhir.versions import detect, parse_version
from adapter.fhir.xmlform import from_xml
from adapter.findings import Finding, Text
from adapter.xml import XmlLimits


def read(data: bytes, *, version: str | None = None, limits: FhirLimits = DEFAULT_LIMITS) -> list[Reading]:
    """Read one input.

    Args:
        data: a Bundle of any type, a single resource (it is wrapped into a ``collection``), or NDJSON of Bundles and of
            single resources (these are grouped into one ``collection`` a patient); a Bundle that holds nothing but
            Bundles is read as those.
        version: ``R4``, ``R4B``, ``R5`` or a number as ``4.0``; detected where it is ``None``.
        limits: bounds; more is refused.

    Returns:
        The Bundles in the order of the input, each with its findings.

    Raises:
        InputError: nothing can be read; its finding has code FHIR01 to FHIR05 or FHIR08, of XML also XML01 to XML05.
        UsageError: ``version`` is none of those.
    """
    asked = parse_version(version) if version is not None else None
    if len(data) > limits.max_bytes:
        raise _too_large(len(data), limits)
    data, findings = without_mark(data)
    if data.lstrip()[:1] == b"<":
        return _from_xml(data, asked, limits, findings)
    try:
        value, more = decode(data, limits)
    except TrailingText:
        return _from_ndjson(data, asked, limits, findings)
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
        raise not_fhir()
    bundles = list(_bundles(value, more))
    return [
        _reading(bundle, asked, limits, [*(findings if index == 0 else ()), *inner], index)
        for index, (bundle, inner) in enumerate(bundles)
    ]


def read_file(path: Path, *, version: str | None = None, limits: FhirLimits = DEFAULT_LIMITS) -> list[Reading]:
    """Read a file, whose size is asked before it is read.

    Args:
        path: the file.
        version: see :func:`read`.
        limits: see :func:`read`.

    Raises:
        InputError: see :func:`read`.
        UsageError: the file cannot be read, or ``version`` is none.
    """
    try:
        size = path.stat().st_size
        if size > limits.max_bytes:
            raise _too_large(size, limits)
        with path.open("rb") as stream:  # a pipe has no size
            data = stream.read(limits.max_bytes + 1)
    except OSError as error:
        raise UsageError(
            Text(f"файл не читается: {path}: {error.strerror}", f"cannot be read: {path}: {error.strerror}")
        ) from error
    return read(data, version=version, limits=limits)


def _too_large(size: int, limits: FhirLimits) -> InputError:
    return refuse(
        "FHIR03",
        Text(
            f"Входные данные больше допустимого: {size} байт, предел {limits.max_bytes}.",
            f"The input is too large: {size} bytes, the limit is {limits.max_bytes}.",
        ),
        Text(
            "Разделите данные или поднимите предел EGISZ_FHIR_MAX_BYTES.",
            "Split the data, or raise the limit EGISZ_FHIR_MAX_BYTES.",
        ),
    )


def _bundles(value: Resource, findings: list[Finding]) -> Iterator[tuple[Resource, list[Finding]]]:
    """A resource as Bundles."""
    if value["resourceType"] != "Bundle":
        yield collection([value]), [_inside(finding, value["resourceType"]) for finding in findings]
        return
    inner = list(iter_resources(value))
    if inner and all(isinstance(one, dict) and one.get("resourceType") == "Bundle" for one in inner):
        for index, one in enumerate(inner):
            yield one, findings if index == 0 else []
    else:
        yield value, findings


def _inside(finding: Finding, name: str) -> Finding:
    """A finding of a single resource, with the path that it has in the Bundle around it."""
    rest = finding.place.fhirpath.removeprefix(name)
    return replace(finding, place=replace(finding.place, fhirpath=f"Bundle.entry[0].resource{rest}"))


def _reading(
    bundle: Resource, asked: FhirVersion | None, limits: FhirLimits, findings: list[Finding], index: int
) -> Reading:
    entries = bundle.get("entry")
    if isinstance(entries, list) and len(entries) > limits.max_entries:
        raise too_many(limits)
    version, more = (asked, []) if asked is not None else detect(bundle)
    return Reading(bundle, version, (*findings, *more, *validate(bundle, version)), index)


def _from_xml(data: bytes, asked: FhirVersion | None, limits: FhirLimits, findings: list[Finding]) -> list[Reading]:
    try:
        root = xml.parse(data, XmlLimits(limits.max_bytes)).getroot()
    except XmlRefused as error:
        raise InputError(error.finding) from None
    version = asked or FhirVersion.R4
    value = from_xml(root, structure(version.name))
    if asked is None:
        version, more = detect(value, shapes=False)
        findings = [*findings, *more]
        if version is not FhirVersion.R4:
            value = from_xml(root, structure(version.name))
    measure(value, limits)
    findings += odd_characters(value)
    return [
        _reading(one, version, limits, inner, index) for index, (one, inner) in enumerate(_bundles(value, findings))
    ]


def _from_ndjson(data: bytes, asked: FhirVersion | None, limits: FhirLimits, findings: list[Finding]) -> list[Reading]:
    lines, refused = read_lines(data, limits)
    if not lines:
        raise InputError(refused[0])
    found: list[tuple[Resource, list[Finding]]] = []
    singles = [line for line in lines if line.value["resourceType"] != "Bundle"]
    for line in lines:
        if line.value["resourceType"] == "Bundle":
            found += _bundles(line.value, line.findings)
    found += [(collection([line.value for line in one]), _of_lines(one)) for one in (group(singles) if singles else ())]
    found[0] = (found[0][0], [*findings, *refused, *found[0][1]])
    return [_reading(bundle, asked, limits, inner, index) for index, (bundle, inner) in enumerate(found)]


def _of_lines(lines: list[Line]) -> list[Finding]:
    return [finding for line in lines for finding in line.findings]
