"""The signatures of one document: who signs, with which key, in which order; people first, then the organisation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from adapter.errors import SigningError
from adapter.findings import Finding, Severity, Text
from adapter.signing.certificate import digits
from adapter.signing.keyring import Keyring
from adapter.signing.port import Signer
from adapter.signing.rules import KindRule, SigningRules


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is to sign.

    Attributes:
        snils: СНИЛС, digits with or without separators.
        role: code of 99.2.368.
        post: code of 11.1002, empty where unknown.
    """

    snils: str
    role: str
    post: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One signature to make: a person's in a role, or (``person`` is ``None``) the organisation's."""

    signer: Signer
    person: Person | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The signatures of a document, in their order; with an error among ``findings`` it cannot be signed."""

    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]

    @property
    def ready(self) -> bool:
        """Whether all signatures can be made."""
        return not any(finding.severity is Severity.ERROR for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature: DER of the container; ``person`` is ``None`` for the organisation's."""

    person: Person | None
    data: bytes


def plan_signatures(
    kind: str,
    people: Sequence[Person],
    *,
    organisation: str,
    ogrn: str = "",
    keyring: Keyring,
    rules: SigningRules,
    created: datetime,
    now: datetime,
) -> Plan:
    """Plan the signatures of a document.

    Args:
        kind: code in 11.1520.
        people: who is to sign, in their order. A person who is named twice signs once, in the first role: РЭМД refuses
            a second signature of the same person (``SIGNATURE_DUPLICATION``).
        organisation: OID in ФРМО.
        ogrn: ОГРН that the organisation's certificate must have, empty: that of ``signing.yaml``, if any.
        keyring: the keys.
        rules: who signs which kind.
        created: date of the document, with zone.
        now: signing time, with zone.
    """
    rule = rules.of(kind, created.date())
    once: dict[str, Person] = {}
    for person in people:
        once.setdefault(digits(person.snils), person)
    findings = list(_counts(rule, list(once.values()), kind))
    steps: list[Step] = []
    for snils, person in once.items():
        signer = _found(partial(keyring.person, snils, at=now), _no_person_key(person), findings)
        if signer is not None:
            steps.append(Step(signer, person))
            findings += keyring.check(signer, at=created, now=now, snils=snils)
    if rule.organisation != "none":
        absent = _NO_ORGANISATION_KEY if rule.organisation == "required" else None
        signer = _found(partial(keyring.organisation, organisation, at=now), absent, findings)
        if signer is not None:
            steps.append(Step(signer, None))
            findings += keyring.check(signer, at=created, now=now, ogrn=ogrn)
    return Plan(tuple(steps), tuple(findings))


def make_signatures(plan: Plan, content: bytes, *, at: datetime) -> list[Signed]:
    """Sign a document as planned.

    Args:
        plan: one that is ready.
        content: the bytes of the document, which must not change any more.
        at: signing time; the same for all, because the organisation's may not be earlier than a person's.

    Raises:
        SigningError: the plan has errors, or a key cannot be used.
    """
    if not plan.ready:
        first = next(finding for finding in plan.findings if finding.severity is Severity.ERROR)
        raise SigningError(first.message)
    return [Signed(step.person, step.signer.cms(content, at=at)) for step in plan.steps]


def _found(get: Callable[[], Signer | None], absent: Finding | None, findings: list[Finding]) -> Signer | None:
    try:
        signer = get()
    except SigningError as error:
        findings.append(Finding("SIG10", Severity.ERROR, error.text))
        return None
    if signer is None and absent is not None:
        findings.append(absent)
    return signer


def _no_person_key(person: Person) -> Finding:
    return Finding(
        "SIG22",
        Severity.ERROR,
        Text(f"Нет ключа подписанта в роли {person.role}", f"There is no key of the signer in the role {person.role}"),
        Text("Добавьте ключ с его СНИЛС в signing.yaml.", "Add a key with their СНИЛС to signing.yaml."),
    )


_NO_ORGANISATION_KEY: Final = Finding(
    "SIG23",
    Severity.ERROR,
    Text("Нет ключа организации", "There is no key of the organisation"),
    Text("Добавьте ключ с её OID в signing.yaml.", "Add a key with its OID to signing.yaml."),
)


def _counts(rule: KindRule, people: Sequence[Person], kind: str) -> Iterator[Finding]:
    """Too few or too many signatures of a role; nobody at all is an error whatever the rules say."""
    where = f"signing.{kind}"
    if not people:
        yield Finding(
            "SIG20", Severity.ERROR, Text("Подписывать некому", "There is nobody to sign"), _ROLES_HINT, rule=where
        )
        return
    counted = [0] * len(rule.people)
    for person in people:
        line = next((n for n, one in enumerate(rule.people) if one.admits(person.role, person.post)), None)
        if line is None:
            message = Text(
                f"Роль {person.role} не подписывает документ вида {kind}",
                f"The role {person.role} does not sign documents of kind {kind}",
            )
            yield Finding("SIG24", rule.severity, message, _ROLES_HINT, rule=where)
        else:
            counted[line] += 1
    for one, count in zip(rule.people, counted, strict=True):
        if count < one.least:
            message = Text(
                f"Мало подписей в роли {one.label}: {count}, нужно {one.least}",
                f"Too few signatures in the role {one.label}: {count}, needed {one.least}",
            )
            yield Finding("SIG20", rule.severity, message, _ROLES_HINT, rule=where)
        elif one.most is not None and count > one.most:
            message = Text(
                f"Много подписей в роли {one.label}: {count}, допустимо {one.most}",
                f"Too many signatures in the role {one.label}: {count}, admitted {one.most}",
            )
            yield Finding("SIG21", rule.severity, message, _ROLES_HINT, rule=where)


_ROLES_HINT: Final = Text(
    "Кто подписывает вид, записано в mappings/signing.yaml.", "Who signs the kind stands in mappings/signing.yaml."
)
