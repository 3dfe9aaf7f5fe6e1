"""Does a registration agree with its document? РЭМД compares the two and refuses what differs; so do we, before it.

Source: «Описание выполняемых проверок в РЭМД», as the texts of its errors tell it (``adapter/transport/errors.yaml``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from adapter.facts import Fact
from adapter.findings import Finding, Severity, Text
from adapter.xml import HL7, Element, locate, parse, place

if TYPE_CHECKING:
    from adapter.documents.kinds import Kinds

SNILS: Final = "1.2.643.100.3"
_IDENTITY: Final = "urn:hl7-ru:identity"
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HL7_TIME: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?(?:\.\d+)?([+-]\d{4})?", re.ASCII)
_NS: Final = {"h": HL7}
_HINT: Final = Text(
    "Запрос создаётся из фактов документа: исправьте mappings/registers/remd-registration.yaml.",
    "The request is made of the facts of the document: mend mappings/registers/remd-registration.yaml.",
)


def disagreements(registration: Fact, document: bytes, *, kinds: Kinds | None = None) -> list[Finding]:
    """What РЭМД would find different in a registration and its document.

    Args:
        registration: facts of ``mappings/registers/remd-registration.yaml``.
        document: the СЭМД.
        kinds: tells the kind of the document; without it the kind is not compared.

    Returns:
        findings REG01 and on, errors but for REG02; places are those of the document.

    Raises:
        XmlRefused: the document is no XML.
    """
    root = parse(document).getroot()
    found = [*_identity(registration, root), *_organisation(registration, root)]
    if kinds is not None:
        found += _kind(registration, root, kinds)
    return [*found, *_patient(registration, root), *_signers(registration, root)]


def _identity(registration: Fact, root: Element) -> Iterator[Finding]:
    uid, told = _first(root, "h:id"), _text(registration, "localUid")
    if _attribute(uid, "extension") != told:
        yield _differs("REG01", "localUid", "номер документа", "the id of the document", uid, root)
    if not _UUID.fullmatch(told):
        yield Finding(
            "REG02",
            Severity.WARNING,
            Text(
                "Номер документа не UUID: РЭМД ждёт UUID по RFC 4122.",
                "The id of the document is no UUID: РЭМД wants one of RFC 4122.",
            ),
            Text("Дайте документу номер-UUID, или не давайте номера.", "Give the document a UUID, or no id at all."),
            place(root if uid is None else uid),
            locate(root if uid is None else uid),
            "remd-registration.localUid",
        )
    time = _first(root, "h:effectiveTime")
    if not _same_time(_attribute(time, "value"), _text(registration, "creationDateTime")):
        yield _differs("REG03", "creationDateTime", "дата создания", "the time of creation", time, root)


def _kind(registration: Fact, root: Element, kinds: Kinds) -> Iterator[Finding]:
    detected = {kind.code for kind in kinds.candidates(root)}
    if detected and _text(registration, "kind") not in detected:
        yield _differs("REG04", "kind", "вид документа", "the kind of the document", None, root)


def _organisation(registration: Fact, root: Element) -> Iterator[Finding]:
    custodian = _first(root, "h:custodian/h:assignedCustodian/h:representedCustodianOrganization/h:id")
    provider = _first(root, "h:recordTarget/h:patientRole/h:providerOrganization/h:id")
    if _text(registration, "organization") != _attribute(custodian, "root"):
        yield _differs("REG05", "organization", "организация", "the organisation", custodian, root)
    department = _text(getattr(registration, "department", None), "localId")
    if department and department not in {_attribute(provider, "extension"), _attribute(custodian, "extension")}:
        yield _differs("REG06", "department.localId", "подразделение", "the department", provider, root)


def _patient(registration: Fact, root: Element) -> Iterator[Finding]:
    patient = getattr(registration, "patient", None)
    role = _first(root, "h:recordTarget/h:patientRole")
    if patient is None or role is None:
        if (patient is None) != (role is None):
            yield _differs("REG07", "patient", "наличие пациента", "the presence of the patient", role, root)
        return
    person = _first(role, "h:patient")
    name = _first(person, "h:name")
    for field, value in _names(name).items():
        if value != _text(patient, field):
            yield _differs("REG08", f"patient.{field}", "имя пациента", "the name of the patient", name, root)
    birth = _first(person, "h:birthTime")
    if _attribute(birth, "value")[:8] != _text(patient, "birthDate").replace("-", ""):
        yield _differs("REG09", "patient.birthDate", "дата рождения", "the birth date", birth, root)
    snils = _snils(role)
    if _digits(_attribute(snils, "extension")) != _text(patient, "snils"):
        yield _differs("REG10", "patient.snils", "СНИЛС пациента", "the СНИЛС of the patient", snils, root)
    local = _first(role, "h:id")
    if _attribute(local, "extension") != _text(patient, "localId"):
        yield _differs("REG11", "patient.localId", "номер пациента", "the local id of the patient", local, root)
    gender = _first(person, "h:administrativeGenderCode")
    if _text(patient, "gender") and _attribute(gender, "code") != _text(patient, "gender"):
        yield _differs("REG12", "patient.gender", "пол пациента", "the sex of the patient", gender, root)


def _signers(registration: Fact, root: Element) -> Iterator[Finding]:
    signers = {_text(signer, "snils"): signer for signer in getattr(registration, "signers", None) or []}
    people: dict[str, Element] = {}
    for person in root.iter(f"{{{HL7}}}assignedAuthor", f"{{{HL7}}}assignedEntity"):
        people.setdefault(_digits(_attribute(_snils(person), "extension")), person)
    for snils, signer in signers.items():
        entity = people.get(snils)
        if entity is None:
            yield _differs(
                "REG13", "signers.snils", "подписанта нет в документе", "a signer is not in the document", None, root
            )
            continue
        local, name = _first(entity, "h:id"), _first(entity, "h:assignedPerson/h:name")
        if _attribute(local, "extension") != _text(signer, "localId"):
            yield _differs("REG14", "signers.localId", "номер сотрудника", "the local id of a signer", local, root)
        for field, value in _names(name).items():
            if value != _text(signer, field):
                yield _differs("REG15", f"signers.{field}", "имя сотрудника", "the name of a signer", name, root)
    legal = _first(root, "h:legalAuthenticator/h:assignedEntity")
    if legal is not None and _digits(_attribute(_snils(legal), "extension")) not in signers:
        yield Finding(
            "REG16",
            Severity.ERROR,
            Text(
                "Того, кто придал документу юридическую силу, нет среди подписантов.",
                "Who gave the document legal force is not among the signers.",
            ),
            _HINT,
            place(legal),
            locate(legal),
            "remd-registration.signers",
        )


def _differs(code: str, field: str, ru: str, en: str, at: Element | None, root: Element) -> Finding:
    at = root if at is None else at
    return Finding(
        code,
        Severity.ERROR,
        Text(f"Запрос и документ расходятся: {ru}.", f"The request and the document differ: {en}."),
        _HINT,
        place(at),
        locate(at),
        f"remd-registration.{field}",
    )


def _first(parent: Element | None, path: str) -> Element | None:
    return None if parent is None else parent.find(path, _NS)


def _snils(parent: Element) -> Element | None:
    return parent.find(f"h:id[@root='{SNILS}']", _NS)


def _attribute(element: Element | None, name: str) -> str:
    return "" if element is None else element.get(name) or ""


def _text(fact: Fact | None, name: str) -> str:
    value = getattr(fact, name, None)
    return "" if value is None else str(value)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _names(name: Element | None) -> dict[str, str]:
    """Names as a request has them; the patronymic may stand as the second given name."""
    given = [] if name is None else [one.text or "" for one in name.findall("h:given", _NS)]
    patronymic = None if name is None else name.findtext(f"{{{_IDENTITY}}}Patronymic")
    return {
        "surname": "" if name is None else name.findtext("h:family", "", _NS),
        "name": given[0] if given else "",
        "patrName": patronymic or (given[1] if len(given) > 1 else ""),
    }


def _same_time(document: str, request: str) -> bool:
    """Whether a time of a document is that of a request, which always has a clock; a day is the same day."""
    match = _HL7_TIME.fullmatch(document)
    try:
        told = datetime.fromisoformat(request)
    except ValueError:
        return False
    if match is None:
        return False
    year, month, day, hour, minute, second, zone = match.groups()
    if hour is None:
        return f"{told:%Y%m%d}" == year + month + day
    whole = f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}{zone or told.strftime('%z')}"
    try:
        return datetime.fromisoformat(whole) == told
    except (ValueError, TypeError):
        return False
