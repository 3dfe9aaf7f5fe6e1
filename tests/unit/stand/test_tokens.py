"""Tokens that registers of the stand take: ours are taken, broken ones are not."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.registers.tokens import jwt
from adapter.signing.certificate import Algorithm
from adapter.signing.local import RsaSigner, open_gost
from adapter.signing.port import Signer
from adapter.stand.registers.jwt import wrong_with
from tests.signing import ALGORITHMS, Pair, need
from tests.unit.stand.conftest import AT, MO, Registers, golden, message_of

PERSON = {"mo": MO, "mr": "true", "snils": "21531846241"}
LIFE = timedelta(minutes=5)
Signers = Callable[..., Signer]


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> Signers:
    """A signer of an algorithm, and of a name others share with it or not."""
    made: dict[str, Signer] = {}

    def get(algorithm: Algorithm, name: str = "ours") -> Signer:
        need(algorithm)
        stem = f"{algorithm}-{name}"
        if stem not in made:
            pair = Pair(tmp_path_factory.mktemp(stem), algorithm)
            opened = (pair.certificate, pair.key, b"")
            made[stem] = RsaSigner(*opened) if algorithm == "rsa" else open_gost(*opened)
        return made[stem]

    return get


def made_by(signer: Signer) -> str:
    return jwt("system", "https://ips.example", signer, at=AT, life=LIFE)


def encoded(part: Any) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def parts_of(token: str) -> list[Any]:
    header, payload, signature = token.split(".")
    return [*(json.loads(base64.urlsafe_b64decode(one + "==")) for one in (header, payload)), signature]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_of_ours_is_good_for_its_time(signers: Signers, algorithm: Algorithm) -> None:
    token = made_by(signers(algorithm))
    assert wrong_with(token, AT) == ""
    assert wrong_with(token, AT + LIFE) == ""
    assert wrong_with(token, AT + LIFE + timedelta(minutes=2)) == "exp is past"
    assert wrong_with(token, AT - timedelta(minutes=2)) == "iat is in the future"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_was_signed_may_not_change(signers: Signers, algorithm: Algorithm) -> None:
    header, payload, signature = made_by(signers(algorithm)).split(".")
    claims = parts_of(f"{header}.{payload}.{signature}")[1]
    other = encoded({**claims, "sub": "another"})
    assert wrong_with(f"{header}.{other}.{signature}", AT)
    taken = made_by(signers(algorithm, "other")).split(".")[2]
    assert wrong_with(f"{header}.{payload}.{taken}", AT)


@pytest.mark.parametrize(
    ("place", "name", "value", "text"),
    [
        (0, "alg", "none", "alg is not one of"),
        (0, "alg", ["RS256"], "alg is not one of"),
        (0, "alg", "ECGOST3410-2012", "alg does not go with the key"),
        (0, "x5c", None, "x5c has no certificate"),
        (0, "x5c", [], "x5c has no certificate"),
        (0, "x5c", [1], "x5c has no certificate"),
        (0, "x5c", ["?"], "x5c is not Base64"),
        (0, "x5c", ["я"], "x5c is not Base64"),
        (0, "x5c", ["AAAA"], "certificate"),
        (1, "sub", "", "sub is missing"),
        (1, "aud", None, "aud is missing"),
        (1, "iat", "1", "iat is missing"),
        (1, "iat", True, "iat is missing"),
        (1, "exp", None, "exp is missing"),
    ],
)
def test_parts_of_a_token(signers: Signers, place: int, name: str, value: Any, text: str) -> None:
    parts = parts_of(made_by(signers("rsa")))
    parts[place][name] = value
    assert text in wrong_with(f"{encoded(parts[0])}.{encoded(parts[1])}.{parts[2]}", AT)


def test_a_certificate_has_its_term(signers: Signers) -> None:
    late = AT.replace(year=2190)
    token = jwt("system", "aud", signers("rsa"), at=late, life=LIFE)
    assert wrong_with(token, late) == "the certificate is not valid today"


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c", "e30.e30.e30", "e30.e30.", "....", "W10.W10.YQ", "я.я.я"])
def test_what_is_no_token(token: str) -> None:
    assert wrong_with(token, AT)


@given(
    st.one_of(st.text(max_size=40), st.lists(st.sampled_from(["e30", "YQ", "", "=", "W10"]), max_size=4).map(".".join))
)
def test_no_token_breaks_it(token: str) -> None:
    assert wrong_with(token, AT)


def test_a_register_takes_a_good_token_and_no_broken_one(signers: Signers) -> None:
    body, good = golden("frmr/worker-r4-new/frmr-person"), made_by(signers("rsa"))
    registers, strict = Registers(), Registers(signed=True)
    for one in (registers, strict):
        broken = one.ask("frmr", "POST person", body, token=good[:-4], **PERSON)
        assert broken.status == 403
        assert message_of(broken).startswith("Токен не принят: ")
        assert one.ask("frmr", "POST person", body, token="", **PERSON).status == 401
        assert one.ask("frmr", "POST person", body, token=good, **PERSON).status == 200
    assert registers.ask("frmr", "GET person", token="any", **PERSON).status == 200
    assert strict.ask("frmr", "GET person", token="any", **PERSON).status == 403
