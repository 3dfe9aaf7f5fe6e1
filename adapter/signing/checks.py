"""Checks of certificates and keys before they are used: findings ``SIG01``… for people who can mend them.

The rule of such a finding is the name of the key in ``signing.yaml``, its place the line there.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from adapter.errors import SigningError
from adapter.findings import Finding, Place, Severity, Text
from adapter.signing.certificate import SigningCertificate, digits
from adapter.signing.port import Signer

#: What a trial signs: any bytes would do.
PROBE: Final = b"egisz sign check"

_Say = Callable[[str, Severity, Text, Text], Finding]


def check_certificate(
    certificate: SigningCertificate,
    *,
    at: datetime,
    now: datetime | None = None,
    snils: str = "",
    ogrn: str = "",
    warn_days: int = 30,
    place: Place,
    rule: str,
) -> list[Finding]:
    """Whether a certificate will do; see :meth:`adapter.signing.Keyring.check`."""

    def say(code: str, severity: Severity, message: Text, hint: Text) -> Finding:
        return Finding(code, severity, message, hint, place, rule=rule)

    return [*_dates(certificate, at, now or at, warn_days, say), *_subject(certificate, snils, ogrn, say)]


def _dates(
    certificate: SigningCertificate, at: datetime, now: datetime, warn_days: int, say: _Say
) -> Iterator[Finding]:
    moments = [(at, Text("на дату документа", "on the date of the document"))]
    if now != at:
        moments.append((now, Text("сейчас", "now")))
    for moment, when in moments:
        if moment < certificate.not_before:
            yield say(
                "SIG01",
                Severity.ERROR,
                Text(f"Сертификат {when.ru} ещё не действует", f"The certificate is not valid yet {when.en}"),
                Text("Подпишите другим ключом.", "Sign with another key."),
            )
        elif moment > certificate.not_after:
            yield say(
                "SIG02",
                Severity.ERROR,
                Text(f"Срок сертификата {when.ru} истёк", f"The certificate has expired {when.en}"),
                Text("Получите новый сертификат и добавьте ключ.", "Get a new certificate and add its key."),
            )
    left = certificate.not_after - now
    if timedelta(0) <= left < timedelta(days=warn_days):
        yield say(
            "SIG03",
            Severity.WARNING,
            Text(f"Сертификат истекает, дней: {left.days}", f"The certificate expires, days left: {left.days}"),
            Text(
                "Получите новый сертификат и добавьте ключ рядом со старым: смена пройдёт сама.",
                "Get a new certificate and add its key beside the old one: the change comes by itself.",
            ),
        )


def _subject(certificate: SigningCertificate, snils: str, ogrn: str, say: _Say) -> Iterator[Finding]:
    other = Text("Проверьте, чей ключ указан.", "Check whose key is named.")
    if snils and not certificate.subject_snils:
        message = Text("В сертификате нет СНИЛС", "The certificate has no СНИЛС")
        yield say("SIG05", Severity.ERROR, message, Text("Нужен сертификат с СНИЛС.", "One with a СНИЛС is needed."))
    elif snils and certificate.subject_snils != digits(snils):
        message = Text(
            "СНИЛС в сертификате не тот, что у подписанта", "The certificate has another СНИЛС than the signer"
        )
        yield say("SIG04", Severity.ERROR, message, other)
    if ogrn and not certificate.subject_ogrn:
        message = Text("В сертификате нет ОГРН", "The certificate has no ОГРН")
        yield say("SIG07", Severity.ERROR, message, Text("Нужен сертификат с ОГРН.", "One with an ОГРН is needed."))
    elif ogrn and certificate.subject_ogrn != ogrn:
        message = Text(
            "ОГРН в сертификате не тот, что у организации", "The certificate has another ОГРН than the organisation"
        )
        yield say("SIG06", Severity.ERROR, message, other)
    if not certificate.may_sign:
        message = Text("Назначение ключа не допускает подписи", "The key usage does not admit signatures")
        yield say(
            "SIG11", Severity.ERROR, message, Text("Нужен сертификат подписи.", "A signature certificate is needed.")
        )
    if certificate.algorithm == "rsa":
        message = Text("Ключ RSA годится только для испытательного контура", "An RSA key is for test stands only")
        yield say("SIG12", Severity.NOTE, message, Text("Для работы нужен ГОСТ.", "Production needs GOST."))


def check_key_file(path: Path, place: Place, rule: str) -> list[Finding]:
    """Whether others may read a private key; a file that is not there is the business of :func:`try_key`."""
    if os.name != "posix" or not path.is_file() or not stat.S_IMODE(path.stat().st_mode) & 0o077:
        return []
    message = Text("Файл ключа доступен не только владельцу", "The key file is open to others than its owner")
    return [
        Finding("SIG09", Severity.WARNING, message, Text(f"chmod 600 {path}", f"chmod 600 {path}"), place, rule=rule)
    ]


def try_key(open_signer: Callable[[], Signer], library: Path | None, place: Place, rule: str) -> list[Finding]:
    """Sign something and verify it by the certificate.

    Returns:
        SIG10 where the key cannot be used, SIG08 where it is not the key of the certificate.
    """
    from adapter.signing.libcrypto import libcrypto
    from adapter.signing.verify import verify_cms

    try:
        signer = open_signer()
        signature = signer.cms(PROBE, at=datetime.now(UTC))
    except SigningError as error:
        return [Finding("SIG10", Severity.ERROR, error.text, place=place, rule=rule)]
    if signer.certificate.algorithm != "rsa":
        try:
            libcrypto(library)
        except SigningError:
            # It was signed by a command; here is nothing to verify with.
            return []
    try:
        verify_cms(signature, PROBE, library=library)
    except SigningError as error:
        message = Text("Ключ не от этого сертификата", "The key is not that of the certificate")
        return [Finding("SIG08", Severity.ERROR, message, error.text, place, rule=rule)]
    return []
