"""The checks of the stand by themselves: signatures, checksums, kinds, dates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from adapter.catalogue import Catalogue
from adapter.documents.kinds import load_kinds
from adapter.signing.local import RsaSigner
from adapter.stand.checks import Checks, item, rough, texts
from adapter.transport.content import Checksum
from adapter.transport.errors import error_book
from tests.integration.stand.conftest import DOCTOR, OID, UID, document

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
KINDS = load_kinds(Catalogue())
CHECKS = Checks(KINDS)


def values(*people: bytes, clinic: bytes | None = None, **changes: Any) -> dict[str, Any]:
    """A request as zeep reads it."""
    content = Checksum().content
    signers = [{"signer": {"snils": DOCTOR}, "signature": content(data)} for data in people]
    return {
        "localUid": UID,
        "kind": "170",
        "creationDateTime": datetime(2024, 10, 5, 7, 10, tzinfo=UTC),
        "organization": OID,
        "personalSignatures": {"item": signers},
        "orgSignature": content(clinic) if clinic else None,
        **changes,
    }


def codes(request: dict[str, Any], checks: Checks = CHECKS) -> list[str]:
    return [one.code for one in checks.request(request, NOW)]


def test_signatures(keys: tuple[RsaSigner, RsaSigner]) -> None:
    doctor, clinic = (key.cms(document(), at=NOW) for key in keys)
    other = keys[1].cms(b"another document", at=NOW)
    assert codes(values(doctor, clinic=clinic)) == []
    assert codes(values(doctor, doctor)) == ["SIGNATURE_DUPLICATION"]
    assert codes(values(doctor, clinic=other)) == ["INCONSISTENT_DIGESTS"]
    assert codes(values(b"no container", clinic=clinic)) == ["SIGNATURE_DECODING_ERROR"]
    wrong = values(doctor)
    wrong["orgSignature"] = {"data": clinic, "checksum": 1}
    assert codes(wrong) == ["SIGNATURE_DECODING_ERROR"]


def test_a_signature_that_is_wrong(keys: tuple[RsaSigner, RsaSigner]) -> None:
    doctor = keys[0].cms(document(), at=NOW)
    broken = doctor[:-1] + bytes([doctor[-1] ^ 1])
    found = {one.code for one in CHECKS.file(values(broken), document())}
    assert "SIGNATURE_VERIFICATION_ERROR" in found
    assert "SIGNATURE_VERIFICATION_ERROR" not in {one.code for one in CHECKS.file(values(doctor), document())}


def test_a_kind_that_is_closed() -> None:
    closed = next(kind for kind in KINDS if kind.end is not None)
    after = datetime.combine(closed.end, datetime.max.time(), UTC).replace(year=closed.end.year + 1)  # type: ignore[arg-type,union-attr]
    request = values(kind=closed.code, creationDateTime=min(after, NOW))
    assert codes(request) == []
    assert codes(request, Checks(KINDS, closed_kinds=True)) == ["NO_DOCUMENT_KIND_ON_DATE"]


def test_without_signatures() -> None:
    assert [one.code for one in rough(values())] == ["NO_SIGNATURE"]
    assert rough(values(b"x")) == []
    assert rough(values(clinic=b"x")) == []


@pytest.mark.parametrize("code", texts()["codes"])
def test_every_code_of_the_stand_is_one_of_the_service(code: str) -> None:
    assert code in error_book().codes
    assert item(code, "x").message


def test_what_differs_has_a_code_of_the_service_for_each_rule() -> None:
    from conformance.codes import all_codes

    rules = {code for code, known in all_codes().items() if code.startswith("REG") and known.severity == "error"}
    differs = texts()["differs"]
    assert {code for code in rules if code <= "REG16"} == set(differs)
    assert {code for code, _ in differs.values()} <= set(error_book().codes)
