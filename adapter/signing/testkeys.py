"""Self-signed test keys with СНИЛС and ОГРН in the subject, for stands, demos and tests. Never for production.

GOST pairs are made by the ``openssl`` command with its engine, RSA pairs by the cryptography package.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from adapter.errors import EnvironmentProblem, SigningError
from adapter.findings import Text
from adapter.signing.certificate import INN, OGRN, SNILS, Algorithm
from adapter.signing.libcrypto import DIGEST_NAMES, PACKAGE

#: Test certificates are valid for documents of any date that a test may have.
FIRST: Final = datetime(2020, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2045, 1, 1, tzinfo=UTC)

_TIMEOUT: Final = 60
_KEY_TYPES: Final[Mapping[Algorithm, tuple[str, str]]] = {
    "gost2012-256": ("gost2012_256", "A"),
    "gost2012-512": ("gost2012_512", "A"),
}
#: What OpenSSL calls the attributes of the subject: it takes no OIDs on the command line.
_SHORT_NAMES: Final[Mapping[str, str]] = {SNILS: "SNILS", OGRN: "OGRN", INN: "INN"}
_CONFIG: Final = """
[ca]
default_ca = own
[own]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
policy = named
x509_extensions = leaf
[named]
countryName = optional
commonName = supplied
SNILS = optional
OGRN = optional
INN = optional
[leaf]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature, nonRepudiation
[req]
distinguished_name = any_name
[any_name]
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a test certificate is for; ``inn`` of a legal entity is padded as certificates have it."""

    name: str
    snils: str = ""
    ogrn: str = ""
    inn: str = ""

    def attributes(self) -> dict[str, str]:
        """Attributes of the subject by OID."""
        found = {SNILS: self.snils, OGRN: self.ogrn, INN: self.inn.rjust(12, "0") if self.inn else ""}
        return {oid: value for oid, value in found.items() if value}


def make_pair(
    folder: Path,
    stem: str,
    subject: Subject,
    algorithm: Algorithm,
    *,
    first: datetime = FIRST,
    last: datetime = LAST,
    openssl: str = "openssl",
) -> None:
    """Make ``<stem>.key`` and ``<stem>.crt`` in PEM; the key is open to its owner alone.

    Raises:
        SigningError: GOST is asked for, and ``openssl`` cannot do it.
    """
    key, certificate = folder / f"{stem}.key", folder / f"{stem}.crt"
    key.touch(mode=0o600)
    if algorithm == "rsa":
        _make_rsa(key, certificate, subject, first, last)
    else:
        _make_gost(key, certificate, subject, algorithm, (first, last), openssl)


def _make_rsa(key: Path, certificate: Path, subject: Subject, first: datetime, last: datetime) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private = rsa.generate_private_key(65537, 2048)
    names = {"2.5.4.6": "RU", "2.5.4.3": subject.name, **subject.attributes()}
    name = x509.Name([x509.NameAttribute(x509.ObjectIdentifier(oid), value) for oid, value in names.items()])
    usage = x509.KeyUsage(True, True, *(False,) * 7)
    made = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number(), first, last)
        .add_extension(x509.BasicConstraints(False, None), critical=True)
        .add_extension(usage, critical=True)
        .sign(private, SHA256())
    )
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate.write_bytes(made.public_bytes(Encoding.PEM))


def _make_gost(
    key: Path,
    certificate: Path,
    subject: Subject,
    algorithm: Algorithm,
    validity: tuple[datetime, datetime],
    openssl: str,
) -> None:
    kind, parameters = _KEY_TYPES[algorithm]
    digest = DIGEST_NAMES[algorithm]
    attributes = {_SHORT_NAMES[oid]: value for oid, value in subject.attributes().items()}
    names = {"C": "RU", "CN": subject.name, **attributes}
    distinguished = "".join(f"/{name}={value.replace('/', ' ')}" for name, value in names.items())
    first, last = (f"{moment.astimezone(UTC):%Y%m%d%H%M%S}Z" for moment in validity)
    with TemporaryDirectory(prefix="egisz-keys-") as name:
        folder = Path(name)
        config, request = folder / "openssl.cnf", folder / "request.pem"
        config.write_text(_CONFIG.format(folder=folder), "utf-8")
        (folder / "index.txt").touch()
        engine = ("-engine", "gost")
        settings = ("-config", str(config))
        _run(openssl, "genpkey", *engine, "-algorithm", kind, "-pkeyopt", f"paramset:{parameters}", "-out", str(key))
        _run(
            *(openssl, "req", *engine, *settings, "-new", f"-{digest}", "-utf8", "-subj", distinguished),
            *("-key", str(key), "-out", str(request)),
        )
        # `ca`, because `req -x509` cannot make a certificate that begins in the past.
        _run(
            *(openssl, "ca", *engine, *settings, "-selfsign", "-batch", "-notext", "-md", digest),
            *("-startdate", first, "-enddate", last),
            *("-keyfile", str(key), "-in", str(request), "-out", str(certificate)),
        )


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_TIMEOUT)  # noqa: S603 - no shell
    except (OSError, subprocess.TimeoutExpired) as error:
        name = type(error).__name__
        raise SigningError(Text(f"openssl не работает ({name})", f"openssl does not work ({name})")) from error
    if done.returncode:
        raise SigningError(Text(f"openssl {command[1]}: {PACKAGE.ru}", f"openssl {command[1]}: {PACKAGE.en}"))


def make_keyring(
    folder: Path,
    algorithm: Algorithm,
    people: Sequence[str],
    *,
    organisation: str,
    ogrn: str,
    inn: str = "",
    openssl: str = "openssl",
) -> Path:
    """Make a pair for everybody and a matching ``signing.yaml``; the organisation's key signs messages too.

    Args:
        folder: made if it is not there.
        algorithm: of all keys.
        people: their СНИЛС, 11 digits.
        organisation: OID in ФРМО.
        ogrn: its ОГРН.
        inn: its ИНН.
        openssl: the command that makes GOST keys.

    Raises:
        SigningError: the keys cannot be made.
        EnvironmentProblem: the folder cannot be written.
    """
    method = "rsa" if algorithm == "rsa" else "gost"
    lines = [
        "# Test keys, self-signed: for stands and demos only. The form: docs/reference/signing.md.",
        "keys:",
        f"  - {{name: organisation, method: {method}, certificate: organisation.crt, key: organisation.key,",
        f'     organisation: "{organisation}", ogrn: "{ogrn}", transport: true}}',
    ]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        legal = Subject("Тестовая организация", ogrn=ogrn, inn=inn)
        make_pair(folder, "organisation", legal, algorithm, openssl=openssl)
        for number, snils in enumerate(people, 1):
            stem = f"person-{number}"
            subject = Subject(f"Тестовый подписант {number}", snils=snils)
            make_pair(folder, stem, subject, algorithm, openssl=openssl)
            lines.append(
                f'  - {{name: {stem}, method: {method}, certificate: {stem}.crt, key: {stem}.key, person: "{snils}"}}'
            )
        path = folder / "signing.yaml"
        path.write_text("\n".join(lines) + "\n", "utf-8")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise EnvironmentProblem(
            Text(f"не записано в {folder}: {reason}", f"not written to {folder}: {reason}")
        ) from error
    return path
