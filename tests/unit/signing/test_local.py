"""Keys in files: containers that an independent tool takes, plain signatures, broken keys."""

from __future__ import annotations

import hashlib
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from adapter.errors import InternalError, SigningError
from adapter.signing import verify_cms, verify_raw
from adapter.signing.certificate import SigningCertificate
from adapter.signing.cms import parse
from adapter.signing.libcrypto import DIGEST_NAMES, libcrypto
from adapter.signing.local import AssemblingSigner, LibcryptoSigner, OpensslSigner, RsaSigner, open_gost
from tests.signing import NOW, Pair, openssl_verify

CONTENT = "<?xml version='1.0'?>\r\n<a>текст</a>\n".encode()

#: GOST R 34.11-2012, appendix A, example 1.
VECTOR = b"012345678901234567890123456789012345678901234567890123456789012"
VECTOR_DIGESTS = {
    "gost2012-256": "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500",
    "gost2012-512": "1b54d01a4af5b9d5cc3d86d68d285462b19abc2475222f35c085122be4ba1ffa"
    "00ad30f8767b3a82384c6574f024c311e2a481332b08ef7f41797891c1646f48",
    "rsa": hashlib.sha256(VECTOR).hexdigest(),
}


def test_openssl_takes_the_container(tmp_path: Path, pair: Pair, signer: AssemblingSigner) -> None:
    signature = signer.cms(CONTENT, at=NOW)
    gost = pair.algorithm != "rsa"
    assert openssl_verify(tmp_path, pair.file, signature, CONTENT, gost=gost) == ""
    assert openssl_verify(tmp_path, pair.file, signature, CONTENT + b" ", gost=gost)


def test_the_container_says_when_and_who(pair: Pair, signer: AssemblingSigner) -> None:
    moscow = datetime(2026, 11, 24, 15, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=3)))
    container = verify_cms(signer.cms(CONTENT, at=moscow), CONTENT)
    assert container.signing_time == NOW
    assert container.certificate == pair.certificate
    assert container.message_digest == signer.digest(CONTENT)
    assert container.certificate_digest == signer.digest(pair.certificate.der)


@pytest.mark.parametrize("year", [1999, 2049, 2050])
def test_signing_times_of_both_forms(tmp_path: Path, rsa: Pair, year: int) -> None:
    moment = datetime(year, 2, 3, 4, 5, 6, tzinfo=UTC)
    signature = RsaSigner(rsa.certificate, rsa.key, b"").cms(CONTENT, at=moment)
    assert parse(signature).signing_time == moment
    (tmp_path / "s").write_bytes(signature)
    shown = subprocess.run(
        ["openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", tmp_path / "s"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert f"Feb  3 04:05:06 {year} GMT" in shown


def test_a_time_without_a_zone_is_a_bug(signer: AssemblingSigner) -> None:
    with pytest.raises(InternalError):
        signer.cms(CONTENT, at=datetime(2026, 1, 1))


def test_rsa_is_deterministic(rsa: Pair) -> None:
    one, other = (RsaSigner(rsa.certificate, rsa.key, b"") for _ in range(2))
    assert one.cms(CONTENT, at=NOW) == other.cms(CONTENT, at=NOW)
    assert one.cms(CONTENT, at=NOW) != one.cms(CONTENT, at=NOW + timedelta(seconds=1))


def test_digests(pair: Pair, signer: AssemblingSigner) -> None:
    assert signer.digest(VECTOR).hex() == VECTOR_DIGESTS[pair.algorithm]


def test_a_plain_signature_is_of_its_data_alone(pair: Pair, signer: AssemblingSigner) -> None:
    signature = signer.raw(CONTENT)
    assert len(signature) == {"gost2012-256": 64, "gost2012-512": 128, "rsa": 256}[pair.algorithm]
    assert verify_raw(pair.certificate, CONTENT, signature)
    assert not verify_raw(pair.certificate, CONTENT + b"x", signature)
    assert not verify_raw(pair.certificate, CONTENT, signature[:-1] + bytes((signature[-1] ^ 1,)))
    assert not verify_raw(pair.certificate, CONTENT, b"")


def test_the_openssl_command_does_the_same(tmp_path: Path, gost: Pair) -> None:
    command = OpensslSigner(gost.certificate, gost.key, b"")
    assert command.digest(VECTOR).hex() == VECTOR_DIGESTS["gost2012-256"]
    assert verify_raw(gost.certificate, CONTENT, command.raw(CONTENT))
    assert openssl_verify(tmp_path, gost.file, command.cms(CONTENT, at=NOW), CONTENT, gost=True) == ""


# -- the order of r and s: an implementation of GOST R 34.10-2012 in integers, from the standard's text ---------------

#: id-GostR3410-2001-CryptoPro-A-ParamSet (RFC 4357, 11.4), which `paramset:A` is.
P = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFD97
A, Q = P - 3, 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF6C611070995AD10045841B09B761B893
G = (1, 0x8D91E471E0989CDA27DF505A453F2B7635294F2DDF23E3B122ACC99C9E9F1E14)
Point = tuple[int, int] | None


def add(one: Point, other: Point) -> Point:
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    slope = (3 * x1 * x1 + A) * pow(2 * y1, -1, P) if one == other else (y2 - y1) * pow(x2 - x1, -1, P)
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def times(count: int, point: Point) -> Point:
    total: Point = None
    while count:
        if count & 1:
            total = add(total, point)
        point, count = add(point, point), count >> 1
    return total


def holds(certificate: SigningCertificate, digest: bytes, r: int, s: int) -> bool:
    key = certificate.der.index(bytes.fromhex("03430004 40".replace(" ", ""))) + 5
    point = tuple(int.from_bytes(certificate.der[key + at : key + at + 32], "little") for at in (0, 32))
    inverse = pow(int.from_bytes(digest, "little") % Q or 1, -1, Q)
    found = add(times(s * inverse % Q, G), times(-r * inverse % Q, (point[0], point[1])))
    return found is not None and found[0] % Q == r


@pytest.mark.parametrize("command", [False, True], ids=["in process", "openssl"])
def test_a_gost_signature_is_s_and_then_r(gost: Pair, command: bool) -> None:
    make = OpensslSigner if command else open_gost
    signature = make(gost.certificate, gost.key, b"").raw(VECTOR)
    first, second = (int.from_bytes(half) for half in (signature[:32], signature[32:]))
    digest = bytes.fromhex(VECTOR_DIGESTS["gost2012-256"])
    assert holds(gost.certificate, digest, r=second, s=first)
    assert not holds(gost.certificate, digest, r=first, s=second)


# -- threads -----------------------------------------------------------------------------------------


def test_one_key_in_many_threads(pair: Pair, signer: AssemblingSigner) -> None:
    contents = [bytes((number,)) * (1 + number * 37) for number in range(120)]
    with ThreadPoolExecutor(8) as pool:
        signatures = list(pool.map(lambda content: signer.cms(content, at=NOW), contents))
    for content, signature in zip(contents, signatures, strict=True):
        assert verify_cms(signature, content).certificate == pair.certificate
    with pytest.raises(SigningError):
        verify_cms(signatures[0], contents[1])


def test_the_library_is_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def slow(name: str) -> SigningError:
        opened.append(name)
        time.sleep(0.05)
        return SigningError("absent")

    monkeypatch.setattr("adapter.signing.libcrypto._opened", {})
    monkeypatch.setattr("adapter.signing.libcrypto._open", slow)

    def ask(_: int) -> str:
        with pytest.raises(SigningError) as caught:
            libcrypto()
        return str(caught.value)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(16))) == {"absent"}
    assert opened == [""]


# -- what can be wrong with a key --------------------------------------------------------------------


def encrypted(pair: Pair, folder: Path, password: str) -> Path:
    target = folder / "encrypted.key"
    engine = ("-engine", "gost") if pair.algorithm != "rsa" else ()
    subprocess.run(
        ["openssl", "pkey", *engine, "-in", pair.key, "-aes256", "-passout", f"pass:{password}", "-out", target],
        check=True,
        capture_output=True,
    )
    return target


def test_a_key_with_a_password(tmp_path: Path, pair: Pair) -> None:
    key = encrypted(pair, tmp_path, "пароль-1")
    password = "пароль-1".encode()
    for make in [RsaSigner] if pair.algorithm == "rsa" else [open_gost, OpensslSigner]:
        verify_cms(make(pair.certificate, key, password).cms(CONTENT, at=NOW), CONTENT)


@pytest.mark.parametrize("password", [b"", b"wrong-password"])
def test_a_wrong_password_is_named_and_not_quoted(tmp_path: Path, pair: Pair, password: bytes) -> None:
    key = encrypted(pair, tmp_path, "right-password")
    makers = [lambda: RsaSigner(pair.certificate, key, password)]
    if pair.algorithm != "rsa":
        makers = [
            lambda: open_gost(pair.certificate, key, password),
            lambda: OpensslSigner(pair.certificate, key, password).raw(b"x"),
        ]
    for make in makers:
        with pytest.raises(SigningError) as caught:
            make()
        assert caught.value.error_class == "permanent"
        assert "password" not in f"{caught.value.text}{caught.value}".replace("the password is wrong", "")


@pytest.mark.parametrize(
    "content", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_broken_key(tmp_path: Path, pair: Pair, content: bytes) -> None:
    key = tmp_path / "broken.key"
    key.write_bytes(content)
    with pytest.raises(SigningError):
        RsaSigner(pair.certificate, key, b"") if pair.algorithm == "rsa" else open_gost(pair.certificate, key, b"")


def test_a_key_that_is_not_there(tmp_path: Path, rsa: Pair) -> None:
    with pytest.raises(SigningError, match="No such file"):
        RsaSigner(rsa.certificate, tmp_path / "absent.key", b"")


def test_a_key_of_another_kind(rsa: Pair, gost: Pair) -> None:
    with pytest.raises(SigningError):
        RsaSigner(rsa.certificate, gost.key, b"")


# -- what can be wrong with a machine ----------------------------------------------------------------


def test_without_a_library_the_command_signs(tmp_path: Path, gost: Pair) -> None:
    signer = open_gost(gost.certificate, gost.key, b"", library=tmp_path / "no-such-library.so")
    assert isinstance(signer, OpensslSigner)
    verify_cms(signer.cms(CONTENT, at=NOW), CONTENT)
    assert isinstance(open_gost(gost.certificate, gost.key, b""), LibcryptoSigner)


def test_without_either_the_package_is_named(tmp_path: Path, gost: Pair) -> None:
    with pytest.raises(SigningError, match="libengine-gost-openssl") as caught:
        open_gost(gost.certificate, gost.key, b"", library=tmp_path / "none.so", command=str(tmp_path / "none"))
    assert "openssl" in caught.value.text.ru


def test_a_library_without_engines_is_named(tmp_path: Path) -> None:
    # Any library that is not libcrypto, such as OpenSSL 4 where engines are gone.
    import ctypes.util

    with pytest.raises(SigningError, match="engine"):
        libcrypto(Path(ctypes.util.find_library("c") or "libc.so.6"))
    with pytest.raises(SigningError, match="engine"):
        libcrypto(tmp_path / "absent.so")


def test_a_machine_without_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gost: Pair) -> None:
    import sys

    monkeypatch.setenv("OPENSSL_ENGINES", str(tmp_path))
    code = (
        "from adapter.signing.libcrypto import libcrypto\nfrom adapter.errors import SigningError\n"
        "try:\n    libcrypto()\nexcept SigningError as error:\n    print(error)\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "libengine-gost-openssl" in shown


def test_names_of_digests_are_openssls(gost: Pair) -> None:
    for algorithm, name in DIGEST_NAMES.items():
        shown = subprocess.run(
            ["openssl", "dgst", "-engine", "gost", f"-{name}", "-r"], input=VECTOR, check=True, capture_output=True
        ).stdout.decode()
        assert shown.split()[0] == VECTOR_DIGESTS[algorithm]
