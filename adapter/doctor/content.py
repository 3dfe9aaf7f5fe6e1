"""What documents are made of: organisations, packs, books, keys of signatures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from adapter.catalogue import Catalogue
from adapter.doctor.line import Line, Mark
from adapter.errors import UsageError
from adapter.findings import Finding, Severity, Text
from adapter.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from adapter.signing.keyring import Keyring, KeyringKey

ORGANISATIONS: Final = Text("организации", "organisations")
PACKS: Final = Text("пакеты проверки", "validation packs")
BOOKS: Final = Text("справочники НСИ", "reference books")
SIGNING: Final = Text("ключи подписи", "keys of signatures")


async def packs(settings: Settings) -> AsyncIterator[Line]:
    """A pack for each kind that is made, unchanged."""
    from adapter.documents.kinds import load_kinds
    from adapter.mapping.mappings import Mappings
    from conformance.packs import PackStore
    from conformance.packs.verify import verify_files

    part = PACKS
    catalogue = Catalogue(settings.catalogue)
    store, kinds = PackStore(settings.packs_dir), load_kinds(catalogue)
    made = [code for code in Mappings.load(catalogue).documents if kinds.by_code(code) is not None]
    found = {code: store.find(code) for code in sorted(made, key=lambda code: code.zfill(4))}
    lacking = [code for code, pack in found.items() if pack is None]
    damaged = [code for code, pack in found.items() if pack is not None and verify_files(pack.directory)]
    count = len(found) - len(lacking)
    yield Line(part, Mark.OK, Text(f"установлено: {count} из {len(found)}", f"installed: {count} of {len(found)}"))
    if lacking:
        names, fetch = ", ".join(lacking), f"egisz packs fetch {' '.join(lacking)}"
        yield Line(
            part,
            Mark.WARNING,
            Text(f"нет для видов {names}: проверены не полностью", f"none for kinds {names}: partly checked"),
            Text(fetch, fetch),
        )
    if damaged:
        names, verify = ", ".join(damaged), f"egisz packs verify {' '.join(damaged)}"
        yield Line(
            part,
            Mark.ERROR,
            Text(f"изменены после установки: {names}", f"changed since they were installed: {names}"),
            Text(verify, verify),
        )


async def books(settings: Settings) -> AsyncIterator[Line]:
    """Any reference books."""
    from adapter.nsi import BookStore

    part = BOOKS
    count = len(BookStore(settings.nsi_dir, Catalogue(settings.catalogue)).books())
    if count:
        yield Line(part, Mark.OK, Text(f"книг и версий: {count}", f"books and versions: {count}"))
    else:
        yield Line(
            part,
            Mark.WARNING,
            Text("нет ни одного: коды не сверены с книгами", "none: codes are not compared with books"),
            Text("egisz nsi sync", "egisz nsi sync"),
        )


async def organisations(settings: Settings) -> AsyncIterator[Line]:
    """The configuration of each sender."""
    from adapter.organisation import Organisations

    part = ORGANISATIONS
    catalogue = Catalogue(settings.catalogue)
    files = sorted(settings.organisations_dir.glob("*.yaml"))
    known = Organisations(catalogue, settings.organisations_dir)
    for path in files:
        try:
            oid = known.find(path.stem).oid
        except UsageError as error:
            yield Line(part, Mark.ERROR, error.text)
        else:
            yield Line(part, Mark.OK, Text(oid, oid))
    if not files:
        yield Line(
            part,
            Mark.WARNING,
            Text("настроена только вымышленная, для проб", "only the fictive one, for trials"),
            Text(
                f"Положите настройки каждой в {settings.organisations_dir}/<OID>.yaml.",
                f"Put the configuration of each into {settings.organisations_dir}/<OID>.yaml.",
            ),
        )


async def signing(settings: Settings) -> AsyncIterator[Line]:
    """Every key: its certificate, and where it is in a file whether it signs."""
    from adapter.signing.keyring import Keyring

    part = SIGNING
    if not settings.signing_file.is_file():
        yield Line(
            part,
            Mark.WARNING,
            Text("нет файла ключей: документы не подпишутся", "no file of keys: documents cannot be signed"),
            Text("docs/reference/signing.md; для проб — egisz sign test-keys", "For trials: egisz sign test-keys"),
        )
        return
    keyring = Keyring.load(settings.signing_file, libcrypto=settings.libcrypto, openssl=settings.openssl)
    for key in keyring:
        name = Text(f"ключ подписи {key.entry.name}", f"key {key.entry.name}")
        if key.problem is not None:
            yield Line(name, Mark.ERROR, key.problem.text)
            continue
        findings = _examined(keyring, key, settings.libcrypto)
        for one in findings:
            mark = Mark.ERROR if one.severity is Severity.ERROR else Mark.WARNING
            yield Line(name, mark, one.message, one.hint)
        if not findings and key.certificate is not None:
            until = f"{key.certificate.not_after:%Y-%m-%d}"
            yield Line(name, Mark.OK, Text(f"действует до {until}", f"valid until {until}"))


def _examined(keyring: Keyring, key: KeyringKey, library: Path | None) -> list[Finding]:
    """The certificate, and for a key in a file whether it signs; programs and services are not troubled."""
    from adapter.signing.checks import check_key_file, try_key

    findings = keyring.check_key(key, at=datetime.now(UTC))
    file = keyring.key_file(key)
    if file is not None:
        findings += check_key_file(file, key.place, key.entry.name)
        findings += try_key(lambda: keyring.open(key), library, key.place, key.entry.name)
    return findings
