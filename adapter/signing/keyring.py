"""The keyring: the keys of ``signing.yaml`` and whom they serve."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from adapter.errors import SigningError
from adapter.findings import Finding, Place, Text
from adapter.signing.certificate import SigningCertificate, digits, read_certificate
from adapter.signing.checks import check_certificate
from adapter.signing.config import CommandKey, Entry, FileKey, HttpKey, load_config
from adapter.signing.port import Signer


@dataclass(slots=True)
class KeyringKey:
    """One key of the file.

    Attributes:
        entry: what the file says.
        place: where it says so.
        certificate: its certificate; ``None`` where that cannot be read, ``problem`` says why.
    """

    entry: Entry
    place: Place
    certificate: SigningCertificate | None = None
    problem: SigningError | None = None
    _signer: Signer | None = field(default=None, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def signer(self, make: Callable[[Entry, SigningCertificate], Signer]) -> Signer:
        """The signer, made at the first use.

        Raises:
            SigningError: the certificate or the key cannot be used; names the key.
        """
        with self._lock:
            if self._signer is None:
                self._signer = self._made(make)
            return self._signer

    def _made(self, make: Callable[[Entry, SigningCertificate], Signer]) -> Signer:
        problem = self.problem
        if self.certificate is not None:
            try:
                return make(self.entry, self.certificate)
            except SigningError as error:
                problem = error
        assert problem is not None
        name = self.entry.name
        raise SigningError(
            Text(f"ключ «{name}»: {problem.text.ru}", f"key «{name}»: {problem.text.en}"), problem.error_class
        ) from problem


class Keyring:
    """Keys by whom they serve. Safe in several threads.

    Private keys are opened at the first use, so that one broken key stops nobody else's documents. Where several keys
    serve the same one, as around the end of a certificate, the one that is valid and lasts longest is taken.

    Args:
        keys: in the order of the file.
        folder: what relative paths are relative to.
        warn_days: days before its end at which a certificate is warned of.
        libcrypto: the library, by default that of the machine.
        openssl: the command, for machines where the library cannot be opened.
    """

    def __init__(
        self,
        keys: tuple[KeyringKey, ...],
        folder: Path,
        *,
        warn_days: int = 30,
        libcrypto: Path | None = None,
        openssl: str = "openssl",
    ) -> None:
        self._keys, self._folder, self._warn_days = keys, folder, warn_days
        self._libcrypto, self._openssl = libcrypto, openssl

    @classmethod
    def load(cls, path: Path, *, libcrypto: Path | None = None, openssl: str = "openssl") -> Keyring:
        """Read ``signing.yaml`` and the certificates that it names.

        Raises:
            UsageError: there is no such file.
            MappingError: something in it is wrong. A certificate that cannot be read is the trouble of its key alone.
        """
        config, lines = load_config(path)
        keys = tuple(
            KeyringKey(entry, Place(line=line, file=path.name)) for entry, line in zip(config.keys, lines, strict=True)
        )
        for key in keys:
            try:
                key.certificate = read_certificate(path.parent / key.entry.certificate)
            except SigningError as error:
                key.problem = error
        return cls(keys, path.parent, warn_days=config.warn_days, libcrypto=libcrypto, openssl=openssl)

    def __iter__(self) -> Iterator[KeyringKey]:
        return iter(self._keys)

    def person(self, snils: str, *, at: datetime | None = None) -> Signer | None:
        """The key of a person, by СНИЛС with or without separators; ``at`` is the signing time, by default now.

        Raises:
            SigningError: there is one, but it cannot be used.
        """
        wanted = digits(snils)
        return self._best(lambda entry: bool(wanted) and entry.person == wanted, at)

    def organisation(self, oid: str, *, at: datetime | None = None) -> Signer | None:
        """The key that signs for an organisation (OID in ФРМО).

        Raises:
            SigningError: there is one, but it cannot be used.
        """
        return self._best(lambda entry: oid in entry.organisation, at)

    def transport(self, *, at: datetime | None = None) -> Signer | None:
        """The key that signs messages to ИПС.

        Raises:
            SigningError: there is one, but it cannot be used.
        """
        return self._best(lambda entry: entry.transport, at)

    def _best(self, wanted: Callable[[Entry], bool], at: datetime | None) -> Signer | None:
        moment = at or datetime.now(UTC)
        found = [key for key in self._keys if wanted(key.entry)]
        return self.open(max(found, key=lambda key: _rank(key, moment))) if found else None

    def open(self, key: KeyringKey) -> Signer:
        """The signer of a key.

        Raises:
            SigningError: it cannot be used.
        """
        return key.signer(self._make)

    def check(
        self, signer: Signer, *, at: datetime, now: datetime | None = None, snils: str = "", ogrn: str = ""
    ) -> list[Finding]:
        """Whether a certificate will do.

        Args:
            signer: the key.
            at: date of the document; the certificate has to be valid then.
            now: signing time, on which it has to be valid too and to which the warning days count; default ``at``.
            snils: СНИЛС that the subject must have, empty: not compared.
            ogrn: ОГРН that the subject must have, empty: that of the file, if any.
        """
        certificate = signer.certificate
        key = next((key for key in self._keys if key.certificate and key.certificate.der == certificate.der), None)
        entry = key.entry if key else None
        return check_certificate(
            certificate,
            at=at,
            now=now,
            snils=snils,
            ogrn=ogrn or (entry.ogrn if entry else ""),
            warn_days=self._warn_days,
            place=key.place if key else Place(),
            rule=entry.name if entry else "",
        )

    def check_key(self, key: KeyringKey, *, at: datetime) -> list[Finding]:
        """Whether the certificate of a key will do for whom the file says that it serves; the key is not opened."""
        assert key.certificate is not None
        return check_certificate(
            key.certificate,
            at=at,
            snils=key.entry.person,
            ogrn=key.entry.ogrn,
            warn_days=self._warn_days,
            place=key.place,
            rule=key.entry.name,
        )

    def key_file(self, key: KeyringKey) -> Path | None:
        """The file of the private key, if it is in one."""
        return self._folder / key.entry.key if isinstance(key.entry, FileKey) else None

    def _make(self, entry: Entry, certificate: SigningCertificate) -> Signer:
        if isinstance(entry, FileKey):
            return self._file_signer(entry, certificate)
        if isinstance(entry, CommandKey):
            from adapter.signing.external import CommandSigner

            return CommandSigner(
                certificate,
                entry.command,
                raw_command=entry.raw_command,
                timeout=entry.timeout,
                library=self._libcrypto,
            )
        return self._http_signer(entry, certificate)

    def _file_signer(self, entry: FileKey, certificate: SigningCertificate) -> Signer:
        from adapter.signing.local import RsaSigner, open_gost

        if (certificate.algorithm == "rsa") != (entry.method == "rsa"):
            raise SigningError(
                Text(
                    f"method: {entry.method}, а сертификат другого алгоритма",
                    f"method: {entry.method}, but the certificate is of another algorithm",
                )
            )
        password = entry.password.read(self._folder).encode() if entry.password else b""
        path = self._folder / entry.key
        if entry.method == "rsa":
            return RsaSigner(certificate, path, password)
        return open_gost(certificate, path, password, library=self._libcrypto, command=self._openssl)

    def _http_signer(self, entry: HttpKey, certificate: SigningCertificate) -> Signer:
        from adapter.signing.external import HttpSigner

        return HttpSigner(
            certificate,
            entry.url,
            request=entry.request,
            answer=entry.answer,
            token=entry.token.read(self._folder) if entry.token else "",
            ca=self._folder / entry.ca if entry.ca else None,
            timeout=entry.timeout,
            library=self._libcrypto,
        )


def _rank(key: KeyringKey, moment: datetime) -> tuple[bool, bool, float]:
    certificate = key.certificate
    if certificate is None:
        return (False, False, 0.0)
    return (True, certificate.valid_on(moment), certificate.not_after.timestamp())
