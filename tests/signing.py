"""Keys and independent verification for tests of signatures; every key is made by the run itself."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from adapter.errors import SigningError
from adapter.signing.certificate import Algorithm, SigningCertificate, read_certificate
from adapter.signing.libcrypto import libcrypto
from adapter.signing.testkeys import FIRST, LAST, Subject, make_pair

ALGORITHMS: tuple[Algorithm, ...] = ("gost2012-256", "gost2012-512", "rsa")
SNILS = "11223344595"
OGRN = "1027700000008"
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@cache
def gost_problem() -> str:
    """Why GOST cannot be tested on this machine, empty where it can."""
    if shutil.which("openssl") is None:
        return "the openssl command is not here"
    try:
        libcrypto()
    except SigningError as error:
        return error.text.en
    return ""


def need(algorithm: str) -> None:
    """Skip by name where the algorithm, or the tool that verifies it, is not to be had."""
    if algorithm != "rsa" and gost_problem():
        pytest.skip(f"GOST: {gost_problem()}")
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command is not here")


class Pair:
    """A key and its certificate in files."""

    def __init__(
        self,
        folder: Path,
        algorithm: Algorithm,
        subject: Subject | None = None,
        *,
        first: datetime = FIRST,
        last: datetime = LAST,
        stem: str = "pair",
    ) -> None:
        self.algorithm = algorithm
        self.key, self.file = folder / f"{stem}.key", folder / f"{stem}.crt"
        make_pair(folder, stem, subject or Subject("Тест", snils=SNILS, ogrn=OGRN), algorithm, first=first, last=last)

    @property
    def certificate(self) -> SigningCertificate:
        return read_certificate(self.file)


def openssl_verify(folder: Path, certificate: Path, signature: bytes, content: bytes, *, gost: bool) -> str:
    """Verify a detached CAdES-BES container by the ``openssl`` command; empty: it is right."""
    (folder / "signature.p7s").write_bytes(signature)
    (folder / "content").write_bytes(content)
    engine = ("-engine", "gost") if gost else ()
    done = subprocess.run(
        [
            *("openssl", "cms", "-verify", *engine, "-cades", "-binary", "-inform", "DER", "-purpose", "any"),
            *("-in", str(folder / "signature.p7s"), "-content", str(folder / "content")),
            *("-CAfile", str(certificate), "-out", str(folder / "out")),
        ],
        capture_output=True,
        check=False,
        text=True,
    )
    return "" if done.returncode == 0 and "CAdES Verification successful" in done.stderr else done.stderr or "refused"
