"""The facts of a registration in РЭМД: as JSON, and who is to sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from adapter.facts import Fact, fact, plain

if TYPE_CHECKING:
    from adapter.signing.plan import Person

#: Id of the map of ``mappings/registers``.
REGISTRATION: Final = "remd-registration"


def dump_registration(registration: Fact) -> bytes:
    """The facts as JSON; it holds data of a patient."""
    return orjson.dumps(plain(registration))


def load_registration(data: bytes) -> Fact:
    """The facts of :func:`dump_registration`."""
    facts = fact(orjson.loads(data))
    assert isinstance(facts, Fact)
    return facts


def signers_of(registration: Fact) -> list[Person]:
    """Who is to sign, in order."""
    from adapter.signing.plan import Person

    return [
        Person(signer.snils, code_of(getattr(signer, "role", None)), code_of(getattr(signer, "position", None)))
        for signer in getattr(registration, "signers", None) or []
    ]


def code_of(value: Fact | str | None) -> str:
    """The code of a coded fact, which may be given bare; empty where there is none."""
    return str(getattr(value, "code", None) or "") if isinstance(value, Fact) else value or ""
