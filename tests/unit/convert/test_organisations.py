"""Configurations of senders by their OID."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.catalogue import Catalogue, builtin_root
from adapter.errors import MappingError, UsageError
from adapter.organisation import Organisations, load_organisation

CLINIC = "1.2.643.5.1.13.13.12.2.77.1"


def _file(folder: Path, name: str, oid: str) -> None:
    fictive = load_organisation(Catalogue()).oid
    text = (builtin_root() / "mappings" / "organisation.yaml").read_text(encoding="utf-8")
    (folder / f"{name}.yaml").write_text(text.replace(fictive, oid), encoding="utf-8")


def test_a_file_for_each_and_the_fictive_one(tmp_path: Path) -> None:
    _file(tmp_path, CLINIC, CLINIC)
    known = Organisations(Catalogue(), tmp_path)
    assert known.find(CLINIC).root == f"{CLINIC}.100.1.1"
    fictive = load_organisation(Catalogue()).oid
    assert known.find(fictive).oid == fictive


@pytest.mark.parametrize("oid", ["1.2.643.5.1.13.13.12.2.77.2", "../secret", ""])
def test_none_for_it(tmp_path: Path, oid: str) -> None:
    with pytest.raises(UsageError):
        Organisations(Catalogue(), tmp_path).find(oid)


def test_a_file_of_another_organisation(tmp_path: Path) -> None:
    _file(tmp_path, CLINIC, "1.2.643.5.1.13.13.12.2.77.3")
    with pytest.raises(MappingError):
        Organisations(Catalogue(), tmp_path).find(CLINIC)
