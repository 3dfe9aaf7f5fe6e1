"""GOST through OpenSSL's libcrypto and its engine, in process.

cffi in ABI mode: nothing is compiled, the library of the machine is opened when the first GOST key is used. The
engine is loaded once for the process, and only for its own algorithms. A signature costs a fraction of a millisecond;
the ``openssl`` command needs about ten.
"""

from __future__ import annotations

import ctypes.util
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Final

from cffi import FFI  # type: ignore[import-untyped]  # it ships no types

from adapter.errors import SigningError
from adapter.findings import Text
from adapter.settings import settings
from adapter.signing.certificate import Algorithm

#: Names of the digests in OpenSSL.
DIGEST_NAMES: Final[Mapping[Algorithm, str]] = {"gost2012-256": "md_gost12_256", "gost2012-512": "md_gost12_512"}

PACKAGE: Final = Text(
    "нужен модуль gost для OpenSSL (Debian, Ubuntu: пакет libengine-gost-openssl)",
    "the gost engine of OpenSSL is needed (Debian, Ubuntu: package libengine-gost-openssl)",
)

_DECLARATIONS: Final = """
typedef struct engine_st ENGINE;
typedef struct evp_pkey_st EVP_PKEY;
typedef struct evp_md_st EVP_MD;
typedef struct evp_md_ctx_st EVP_MD_CTX;
typedef struct bio_st BIO;
typedef struct x509_st X509;
int OPENSSL_init_crypto(uint64_t opts, const void *settings);
ENGINE *ENGINE_by_id(const char *id);
int ENGINE_init(ENGINE *engine);
int ENGINE_set_default(ENGINE *engine, unsigned int flags);
const EVP_MD *EVP_get_digestbyname(const char *name);
int EVP_Digest(const void *data, size_t count, unsigned char *md, unsigned int *size, const EVP_MD *type, ENGINE *impl);
BIO *BIO_new_mem_buf(const void *data, int size);
int BIO_free(BIO *bio);
EVP_PKEY *PEM_read_bio_PrivateKey(BIO *bio, EVP_PKEY **x, void *callback, void *password);
void EVP_PKEY_free(EVP_PKEY *key);
X509 *d2i_X509(X509 **x, const unsigned char **in, long size);
EVP_PKEY *X509_get_pubkey(X509 *certificate);
void X509_free(X509 *certificate);
EVP_MD_CTX *EVP_MD_CTX_new(void);
void EVP_MD_CTX_free(EVP_MD_CTX *context);
int EVP_DigestSignInit(EVP_MD_CTX *context, void **pctx, const EVP_MD *type, ENGINE *engine, EVP_PKEY *key);
int EVP_DigestSign(EVP_MD_CTX *context, unsigned char *sig, size_t *size, const unsigned char *data, size_t count);
int EVP_DigestVerifyInit(EVP_MD_CTX *context, void **pctx, const EVP_MD *type, ENGINE *engine, EVP_PKEY *key);
int EVP_DigestVerify(EVP_MD_CTX *context, const unsigned char *sig, size_t size, const unsigned char *data,
    size_t count);
unsigned long ERR_get_error(void);
void ERR_clear_error(void);
const char *ERR_reason_error_string(unsigned long code);
"""
#: ENGINE_METHOD_CIPHERS | DIGESTS | PKEY_METHS | PKEY_ASN1_METHS: never its random numbers.
_METHODS: Final = 0x0040 | 0x0080 | 0x0200 | 0x0400
#: OPENSSL_INIT_ADD_ALL_CIPHERS | ADD_ALL_DIGESTS | LOAD_CONFIG | ENGINE_DYNAMIC.
_INIT: Final = 0x0004 | 0x0008 | 0x0040 | 0x0400
#: Where the machine has no ldconfig, as small containers do.
_USUAL_NAMES: Final = ("libcrypto.so.3", "libcrypto.so.1.1")
_MAX_SIGNATURE: Final = 128


class Key:
    """A private key in the memory of libcrypto; freed with the object."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle


class Libcrypto:
    """libcrypto with its GOST engine; use :func:`libcrypto`, which makes one for the process.

    Args:
        name: name or path of the library.

    Raises:
        SigningError: no library, one without engines, or no GOST engine.
    """

    def __init__(self, name: str) -> None:
        self._ffi = FFI()
        self._ffi.cdef(_DECLARATIONS)
        try:
            self._lib: Any = self._ffi.dlopen(name)
            engine = self._engine()
        except (OSError, AttributeError) as error:
            # OpenSSL 4 has no engines any more: the functions are not there.
            raise SigningError(
                Text(f"{name} не открывается или без ENGINE; {PACKAGE.ru}", f"no {name} with engines; {PACKAGE.en}")
            ) from error
        if not engine:
            raise self._problem(PACKAGE.ru, PACKAGE.en)
        self._digests = {
            algorithm: self._lib.EVP_get_digestbyname(digest.encode()) for algorithm, digest in DIGEST_NAMES.items()
        }

    def _engine(self) -> bool:
        lib = self._lib
        lib.OPENSSL_init_crypto(_INIT, self._ffi.NULL)
        engine = lib.ENGINE_by_id(b"gost")
        return bool(engine and lib.ENGINE_init(engine) and lib.ENGINE_set_default(engine, _METHODS))

    def digest(self, algorithm: Algorithm, data: bytes) -> bytes:
        """GOST R 34.11-2012 of ``data``."""
        made, size = self._ffi.new("unsigned char[]", 64), self._ffi.new("unsigned int *")
        null = self._ffi.NULL
        if not self._lib.EVP_Digest(data, len(data), made, size, self._digests[algorithm], null):
            raise self._problem("хеш не вычислен", "the digest failed")
        return bytes(self._ffi.buffer(made, size[0]))

    def load_key(self, pem: bytes, password: bytes) -> Key:
        """Read a private key in PEM.

        Raises:
            SigningError: not a key, or the password is wrong.
        """
        lib, null = self._lib, self._ffi.NULL
        # An empty password, never none: without one OpenSSL asks at the terminal.
        secret = self._ffi.new("char[]", password)
        bio = lib.BIO_new_mem_buf(pem, len(pem))
        try:
            handle = lib.PEM_read_bio_PrivateKey(bio, null, null, secret)
        finally:
            lib.BIO_free(bio)
            self._ffi.buffer(secret)[:] = bytes(len(password) + 1)
        if not handle:
            raise self._problem("закрытый ключ не прочитан", "the private key cannot be read")
        return Key(self._ffi.gc(handle, lib.EVP_PKEY_free))

    def sign(self, key: Key, algorithm: Algorithm, data: bytes) -> bytes:
        """Plain signature: s, then r, big-endian (the engine's order)."""
        made = self._ffi.new("unsigned char[]", _MAX_SIGNATURE)
        size = self._ffi.new("size_t *", _MAX_SIGNATURE)
        lib, null, digest = self._lib, self._ffi.NULL, self._digests[algorithm]
        context = lib.EVP_MD_CTX_new()
        try:
            done = lib.EVP_DigestSignInit(context, null, digest, null, key.handle) == 1
            done = done and lib.EVP_DigestSign(context, made, size, data, len(data)) == 1
        finally:
            lib.EVP_MD_CTX_free(context)
        if not done:
            raise self._problem("подпись не создана", "the signature was not made")
        return bytes(self._ffi.buffer(made, size[0]))

    def verify(self, certificate: bytes, algorithm: Algorithm, data: bytes, signature: bytes) -> bool:
        """Whether the key of a certificate (DER) made ``signature`` of ``data``."""
        ffi, lib, null = self._ffi, self._lib, self._ffi.NULL
        place = ffi.from_buffer("unsigned char[]", certificate)
        parsed = lib.d2i_X509(null, ffi.new("const unsigned char **", place), len(certificate))
        key = lib.X509_get_pubkey(parsed) if parsed else null
        context = lib.EVP_MD_CTX_new()
        try:
            if not key or lib.EVP_DigestVerifyInit(context, null, self._digests[algorithm], null, key) != 1:
                raise self._problem("ключ сертификата не прочитан", "the key of the certificate cannot be read")
            found: int = lib.EVP_DigestVerify(context, signature, len(signature), data, len(data))
            lib.ERR_clear_error()
            return found == 1
        finally:
            lib.EVP_MD_CTX_free(context)
            lib.EVP_PKEY_free(key)
            lib.X509_free(parsed)

    def _problem(self, ru: str, en: str) -> SigningError:
        """An error with OpenSSL's first reason, which is a fixed text of the library."""
        reason, code = "", self._lib.ERR_get_error()
        if code:
            text = self._lib.ERR_reason_error_string(code)
            reason = f": {self._ffi.string(text).decode()}" if text else ""
            self._lib.ERR_clear_error()
        return SigningError(Text(f"libcrypto: {ru}{reason}", f"libcrypto: {en}{reason}"))


_lock: Final = Lock()
_opened: Final[dict[str, Libcrypto | SigningError]] = {}


def libcrypto(path: Path | None = None) -> Libcrypto:
    """The library with the engine, opened once in the process; a failure is remembered too.

    Args:
        path: the library; by default that of the settings, else that of the machine.

    Raises:
        SigningError: there is none that can do GOST.
    """
    name = str(path or settings().libcrypto or "")
    with _lock:
        if name not in _opened:
            _opened[name] = _open(name)
        found = _opened[name]
    if isinstance(found, SigningError):
        raise SigningError(found.text, found.error_class) from found
    return found


def _open(name: str) -> Libcrypto | SigningError:
    problem = SigningError(PACKAGE)
    # Python finds a library by running a command, so its answer is kept with the library.
    found = name or ctypes.util.find_library("crypto")
    for candidate in (found,) if found else _USUAL_NAMES:
        try:
            return Libcrypto(candidate)
        except SigningError as error:
            problem = error
    return problem
