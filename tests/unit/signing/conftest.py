"""Keys of the run, one pair an algorithm."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from adapter.signing.certificate import Algorithm
from adapter.signing.local import AssemblingSigner, RsaSigner, open_gost
from tests.signing import ALGORITHMS, Pair, need


@pytest.fixture(scope="session")
def pair_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Algorithm], Pair]:
    made: dict[Algorithm, Pair] = {}

    def get(algorithm: Algorithm) -> Pair:
        need(algorithm)
        if algorithm not in made:
            made[algorithm] = Pair(tmp_path_factory.mktemp(algorithm), algorithm)
        return made[algorithm]

    return get


@pytest.fixture(params=ALGORITHMS)
def pair(request: pytest.FixtureRequest, pair_of: Callable[[Algorithm], Pair]) -> Pair:
    return pair_of(request.param)


@pytest.fixture
def rsa(pair_of: Callable[[Algorithm], Pair]) -> Pair:
    return pair_of("rsa")


@pytest.fixture
def gost(pair_of: Callable[[Algorithm], Pair]) -> Pair:
    return pair_of("gost2012-256")


@pytest.fixture
def signer(pair: Pair) -> AssemblingSigner:
    if pair.algorithm == "rsa":
        return RsaSigner(pair.certificate, pair.key, b"")
    return open_gost(pair.certificate, pair.key, b"")
