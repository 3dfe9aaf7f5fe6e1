"""``make bench``: what a signature costs: GOST in process, GOST by the ``openssl`` command, RSA.

The content has the size of a usual document. The container (CMS, CAdES-BES) needs two digests and one signature. Keys
are made by the run. The floor is the bare engine: one GOST signature of 32 octets without a container.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from adapter.errors import SigningError
from adapter.signing.certificate import Algorithm, SigningCertificate, read_certificate
from adapter.signing.libcrypto import libcrypto
from adapter.signing.local import LibcryptoSigner, OpensslSigner, RsaSigner
from adapter.signing.testkeys import Subject, make_pair
from adapter.signing.verify import verify_cms
from tests.bench.measure import Run, medians, table

CONTENT = b"<ClinicalDocument>" + b"0123456789abcdef" * 2500 + b"</ClinicalDocument>"
GOST: tuple[Algorithm, ...] = ("gost2012-256", "gost2012-512")
AT = datetime(2026, 11, 24, tzinfo=UTC)


def runs(folder: Path) -> tuple[dict[str, Run], dict[str, Run]]:
    """What is measured: quick runs, and those that start a process."""

    def pair(algorithm: Algorithm) -> tuple[SigningCertificate, Path]:
        make_pair(folder, algorithm, Subject("Тест"), algorithm)
        return read_certificate(folder / f"{algorithm}.crt"), folder / f"{algorithm}.key"

    rsa = RsaSigner(*pair("rsa"), b"")
    quick: dict[str, Run] = {"RSA 2048, in process": lambda: rsa.cms(CONTENT, at=AT)}
    try:
        library = libcrypto()
        short, long = (LibcryptoSigner(*pair(size), b"", library) for size in GOST)
        command = OpensslSigner(*pair("gost2012-256"), b"")
    except SigningError as error:
        print(f"GOST is not measured: {error}")
        return quick, {}
    made = short.cms(CONTENT, at=AT)
    quick |= {
        "GOST 256, in process": lambda: short.cms(CONTENT, at=AT),
        "GOST 512, in process": lambda: long.cms(CONTENT, at=AT),
        "GOST 256, verification": lambda: verify_cms(made, CONTENT),
        "GOST 256, bare signature of 32 octets": lambda: short.raw(bytes(32)),
    }
    return quick, {"GOST 256, openssl command": lambda: command.cms(CONTENT, at=AT)}


def main() -> None:
    with TemporaryDirectory() as name:
        quick, slow = runs(Path(name))
        times = medians(quick) | medians(slow, rounds=5, calls=3, warmup=1)
    title = f"signing: {len(CONTENT) / 1000:.0f} KB, one signature with its container unless named otherwise"
    table(title, {label: f"{value:7.3f} ms" for label, value in times.items()})


if __name__ == "__main__":
    main()
