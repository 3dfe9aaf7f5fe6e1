"""Keys in files: GOST in process or by the ``openssl`` command, RSA for test stands."""

from __future__ import annotations

import hashlib
import os
import subprocess
from abc import ABC, abstractmethod
from datetime import datetime
from pathlib import Path
from typing import Final

from adapter.errors import SigningError
from adapter.findings import Text
from adapter.log import get_logger
from adapter.signing.certificate import SigningCertificate
from adapter.signing.cms import build
from adapter.signing.libcrypto import DIGEST_NAMES, PACKAGE, Libcrypto, libcrypto

#: Seconds for one run of ``openssl``, which takes hundredths of one.
_OPENSSL_TIMEOUT: Final = 30


class AssemblingSigner(ABC):
    """A signer whose key gives plain signatures; the container is made here."""

    def __init__(self, certificate: SigningCertificate) -> None:
        self.certificate: Final = certificate

    @abstractmethod
    def raw(self, data: bytes) -> bytes:
        """See :class:`adapter.signing.Signer`."""

    @abstractmethod
    def digest(self, data: bytes) -> bytes:
        """See :class:`adapter.signing.Signer`."""

    def cms(self, content: bytes, *, at: datetime) -> bytes:
        """See :class:`adapter.signing.Signer`."""
        return build(content, self.certificate, at, digest=self.digest, sign=self.raw)


class LibcryptoSigner(AssemblingSigner):
    """GOST R 34.10-2012 in process.

    Raises:
        SigningError: libcrypto has no GOST, or the key cannot be read.
    """

    def __init__(self, certificate: SigningCertificate, key: Path, password: bytes, library: Libcrypto) -> None:
        super().__init__(certificate)
        self._library = library
        self._key = library.load_key(read_key(key), password)

    def raw(self, data: bytes) -> bytes:
        return self._library.sign(self._key, self.certificate.algorithm, data)

    def digest(self, data: bytes) -> bytes:
        return self._library.digest(self.certificate.algorithm, data)


class OpensslSigner(AssemblingSigner):
    """GOST R 34.10-2012 by the ``openssl`` command, for machines where the library cannot be opened in process.

    Args:
        certificate: of the key.
        key: private key in PEM; the command reads it itself.
        password: of the key, empty for none; it goes through a pipe, never through the command line or environment.
        command: the ``openssl`` program.
    """

    def __init__(self, certificate: SigningCertificate, key: Path, password: bytes, command: str = "openssl") -> None:
        super().__init__(certificate)
        self._key, self._password, self._command = key, password, command
        self._name = DIGEST_NAMES[certificate.algorithm]

    def raw(self, data: bytes) -> bytes:
        reading, writing = os.pipe()
        try:
            os.write(writing, self._password + b"\n")
            os.close(writing)
            secret = ("-passin", f"fd:{reading}")
            return self._run(data, "-sign", str(self._key), *secret, inherited=(reading,))
        finally:
            os.close(reading)

    def digest(self, data: bytes) -> bytes:
        return self._run(data, "-binary")

    def _run(self, data: bytes, *arguments: str, inherited: tuple[int, ...] = ()) -> bytes:
        command = [self._command, "dgst", "-engine", "gost", f"-{self._name}", *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - a list, no shell
                command, input=data, capture_output=True, check=False, timeout=_OPENSSL_TIMEOUT, pass_fds=inherited
            )
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SigningError(Text(f"openssl не запущен: {reason}", f"openssl was not started: {reason}")) from error
        except subprocess.TimeoutExpired:
            raise SigningError(
                Text("openssl не ответил вовремя", "openssl did not answer in time"), "temporary"
            ) from None
        if done.returncode or not done.stdout:
            raise SigningError(
                Text(
                    f"openssl dgst: код {done.returncode}: ключ не читается, или {PACKAGE.ru}",
                    f"openssl dgst: exit code {done.returncode}: the key cannot be read, or {PACKAGE.en}",
                )
            )
        return done.stdout


class RsaSigner(AssemblingSigner):
    """RSA, PKCS #1 v1.5 with SHA-256: for test stands; the same content and time give the same bytes.

    Raises:
        SigningError: the key cannot be read.
    """

    def __init__(self, certificate: SigningCertificate, key: Path, password: bytes) -> None:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        super().__init__(certificate)
        try:
            loaded = load_pem_private_key(read_key(key), password or None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise _not_rsa() from error
        if not isinstance(loaded, RSAPrivateKey):
            raise _not_rsa()
        self._key: Final = loaded

    def raw(self, data: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        return self._key.sign(data, PKCS1v15(), SHA256())

    def digest(self, data: bytes) -> bytes:
        return hashlib.sha256(data).digest()


def _not_rsa() -> SigningError:
    return SigningError(
        Text(
            "не закрытый ключ RSA в PEM, или пароль не подходит",
            "not an RSA private key in PEM, or the password is wrong",
        )
    )


def open_gost(
    certificate: SigningCertificate,
    key: Path,
    password: bytes,
    *,
    library: Path | None = None,
    command: str = "openssl",
) -> AssemblingSigner:
    """A GOST signer: in process, else by the ``openssl`` command.

    Raises:
        SigningError: neither can do GOST, or the key cannot be read.
    """
    try:
        found = libcrypto(library)
    except SigningError as error:
        fallback = OpensslSigner(certificate, key, password, command)
        try:
            fallback.digest(b"")
        except SigningError as second:
            message = Text(f"{error.text.ru}; {second.text.ru}", f"{error.text.en}; {second.text.en}")
            raise SigningError(message, second.error_class) from second
        get_logger().warning("signing.library_absent", error_type=type(error).__name__)
        return fallback
    return LibcryptoSigner(certificate, key, password, found)


def read_key(path: Path) -> bytes:
    """The bytes of a key file.

    Raises:
        SigningError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SigningError(Text(f"ключ {path}: {reason}", f"key {path}: {reason}")) from error
