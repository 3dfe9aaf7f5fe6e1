"""The port of the pipeline to the keys: what it asks of a certificate."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from adapter.catalogue import Catalogue
from adapter.pipeline.remd import KeyringSigning
from adapter.pipeline.running import ogrn_of
from adapter.settings import Settings
from adapter.signing import Keyring, load_rules
from adapter.signing.testkeys import make_keyring
from tests.signing import NOW, OGRN, SNILS

OID = "1.2.643.5.1.13.13.12.2.77.1"
ORGANISATION = f'oid: "{OID}"\nmis: {{number: "1", instance: "1"}}\nzone: "+0300"\n'


@pytest.mark.parametrize(
    ("line", "codes"),
    [(f'ogrn: "{OGRN}"', []), ('ogrn: "1027700000019"', ["SIG06"]), ("", [])],
    ids=["that of the certificate", "another", "none"],
)
def test_a_seal_has_the_ogrn_that_the_file_of_its_organisation_says(
    tmp_path: Path, line: str, codes: list[str]
) -> None:
    (tmp_path / "organisations").mkdir()
    (tmp_path / "organisations" / f"{OID}.yaml").write_text(ORGANISATION + line, "utf-8")
    keyring = Keyring.load(make_keyring(tmp_path, "rsa", [SNILS], organisation=OID, ogrn=OGRN))
    signing = KeyringSigning(keyring, load_rules(Catalogue()), ogrn_of(Catalogue(), Settings(data=tmp_path)))
    signers = [{"snils": SNILS, "role": {"code": "DOCTOR"}}]
    registration = orjson.dumps({"creationDateTime": NOW.isoformat(), "signers": signers})
    product: Any = SimpleNamespace(kind="170", organisation=OID)
    made = asyncio.run(signing.sign(product, b"document", registration, at=NOW))
    assert [one.code for one in made.findings if one.code != "SIG12"] == codes
    assert bool(made.items) is not bool(codes)
