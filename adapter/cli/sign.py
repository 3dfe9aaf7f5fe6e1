"""``egisz sign``: the keys of signatures: what there is, and test keys."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adapter.cli.output import Format, print_json
from adapter.errors import UsageError
from adapter.findings import Finding, Severity, Text
from adapter.settings import settings

if TYPE_CHECKING:
    from adapter.signing.keyring import Keyring, KeyringKey

app = typer.Typer(
    name="sign",
    help="Ключи подписи: проверка, тестовые ключи / keys of signatures: check, test keys.",
    no_args_is_help=True,
)


@app.command("check")
def check(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="signing.yaml, иначе EGISZ_SIGNING / default: EGISZ_SIGNING"),
    ] = None,
    all_keys: Annotated[
        bool,
        typer.Option("--try-all", help="пробная подпись и внешними ключами / try external keys too, not only files"),
    ] = False,
    output: Annotated[Format, typer.Option("--format", help="text or json")] = Format.TEXT,
) -> None:
    """Какие ключи есть, кому служат, до какого дня, что с ними не так / which keys there are and what is wrong."""
    from adapter.signing.keyring import Keyring

    config = settings()
    keyring = Keyring.load(file or config.signing_file, libcrypto=config.libcrypto, openssl=config.openssl)
    rows = [(key, _findings(keyring, key, all_keys)) for key in keyring]
    if output is Format.JSON:
        listed = [_json(key, findings) for key, findings in rows]
        print_json(listed)
    else:
        for key, findings in rows:
            _show(key, findings)
    if any(finding.severity is Severity.ERROR for _, findings in rows for finding in findings):
        raise typer.Exit(1)


def _findings(keyring: Keyring, key: KeyringKey, all_keys: bool) -> list[Finding]:
    from adapter.signing.checks import check_key_file, try_key

    place, name = key.place, key.entry.name
    file = keyring.key_file(key)
    findings = [] if key.certificate is None else keyring.check_key(key, at=datetime.now(UTC))
    if file is not None:
        findings += check_key_file(file, place, name)
    if key.certificate is None or file is not None or all_keys:
        findings += try_key(lambda: keyring.open(key), settings().libcrypto, place, name)
    return findings


def _serves(key: KeyringKey) -> list[tuple[Text, str]]:
    entry = key.entry
    served = [(Text("СНИЛС", "СНИЛС"), entry.person)] if entry.person else []
    served += [(Text("организация", "organisation"), oid) for oid in entry.organisation]
    return [*served, (Text("транспорт", "transport"), "ИПС")] if entry.transport else served


def _show(key: KeyringKey, findings: Iterable[Finding]) -> None:
    language = settings().lang
    certificate = key.certificate
    served = ", ".join(f"{what.get(language)} {who}" for what, who in _serves(key))
    line = f"{key.entry.name}  {key.entry.method}"
    if certificate is not None:
        until = Text("до", "until").get(language)
        line += f" ({certificate.algorithm})  {until} {certificate.not_after:%Y-%m-%d}"
    typer.echo(f"{line}  {served}")
    for finding in findings:
        where = f"{finding.place.file}:{finding.place.line}"
        typer.echo(f"  {finding.code} {finding.severity.value}: {where}: {finding.message.get(language)}")
        hint = finding.hint.get(language)
        if hint:
            typer.echo(f"        {hint}")


def _json(key: KeyringKey, findings: Iterable[Finding]) -> dict[str, Any]:
    language, entry, certificate = settings().lang, key.entry, key.certificate
    validity = None
    if certificate is not None:
        validity = {
            "algorithm": certificate.algorithm,
            "not_before": certificate.not_before.isoformat(),
            "not_after": certificate.not_after.isoformat(),
            "serial": f"{certificate.serial:x}",
        }
    return {
        "name": entry.name,
        "method": entry.method,
        "person": entry.person,
        "organisation": list(entry.organisation),
        "transport": entry.transport,
        "certificate": validity,
        "findings": [
            {
                "code": finding.code,
                "severity": finding.severity.value,
                "message": finding.message.get(language),
                "hint": finding.hint.get(language),
                "line": finding.place.line,
            }
            for finding in findings
        ],
    }


@app.command("test-keys")
def test_keys(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="папка без signing.yaml / a folder without one")],
    gost: Annotated[
        bool | None,
        typer.Option("--gost/--rsa", help="алгоритм; иначе ГОСТ, если он есть / default: GOST where it works"),
    ] = None,
    snils: Annotated[
        list[str] | None, typer.Option("--snils", help="СНИЛС подписанта, можно несколько / of a signer, repeatable")
    ] = None,
    bundles: Annotated[
        list[Path] | None,
        typer.Option("--for", metavar="PATH", help="всем врачам этих Bundle / for the practitioners of these Bundles"),
    ] = None,
    org: Annotated[
        Path | None, typer.Option("--org", help="файл организации, иначе вымышленная / file of the organisation")
    ] = None,
) -> None:
    """Сделать тестовые ключи и signing.yaml к ним / make test keys and a signing.yaml that names them."""
    from adapter.catalogue import Catalogue
    from adapter.organisation import load_organisation
    from adapter.signing.certificate import digits
    from adapter.signing.testkeys import make_keyring

    if (folder / "signing.yaml").exists():
        raise UsageError(
            Text(f"в папке {folder} уже есть signing.yaml", f"there is a signing.yaml in {folder} already")
        )
    config = settings()
    organisation = load_organisation(Catalogue(config.catalogue), org)
    legal = organisation.values.get("legal_authenticator", {}).get("snils", "")
    people = dict.fromkeys(digits(one) for one in (*(snils or ()), *_practitioners(bundles or ()), str(legal)) if one)
    for one in people:
        if len(one) != 11 or not one.isdigit():
            raise UsageError(Text("СНИЛС: нужно 11 цифр", "СНИЛС: 11 digits are needed"))
    if gost is None:
        gost = _has_gost()
    path = make_keyring(
        folder,
        "gost2012-256" if gost else "rsa",
        list(people),
        organisation=organisation.oid,
        ogrn=str(organisation.values.get("ogrn", "")),
        inn=str(organisation.values.get("inn", "")),
        openssl=config.openssl,
    )
    kind = Text("ГОСТ Р 34.10-2012", "GOST R 34.10-2012") if gost else Text("RSA", "RSA")
    count = len(people) + 1
    done = Text(
        f"Сделано ключей: {count} ({kind.ru}). Включить: EGISZ_SIGNING={path}",
        f"Keys made: {count} ({kind.en}). To use them: EGISZ_SIGNING={path}",
    )
    typer.echo(done.get(config.lang))


def _has_gost() -> bool:
    """Whether GOST keys can be made here; says where they cannot."""
    from adapter.errors import SigningError
    from adapter.signing.libcrypto import libcrypto

    try:
        libcrypto(settings().libcrypto)
    except SigningError as error:
        typer.echo(error.text.get(settings().lang), err=True)
        return False
    return shutil.which(settings().openssl) is not None


def _practitioners(paths: Sequence[Path]) -> list[str]:
    """СНИЛС of the practitioners of Bundles, whatever the dialect: identifiers that are one by their check digits."""
    if not paths:
        return []
    from adapter.cli.bundles import bundle_files
    from adapter.fhir import Graph, read
    from conformance.rules.values import is_snils, is_snils_shape

    found = []
    for file in bundle_files(paths):
        for reading in read(file.read_bytes()):
            for resource in Graph(reading.bundle, reading.version).of_type("Practitioner"):
                values = [str(one.get("value", "")) for one in resource.get("identifier", [])]
                found += [value for value in values if is_snils_shape(value) and is_snils(value)]
    return found
