"""The same clinical facts as a transaction of R4 and as a document of R5 give the same document."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.fhir import read
from adapter.nsi import BookStore
from adapter.nsi.importer import import_folder
from adapter.organisation import load_organisation

pytestmark = pytest.mark.books

BUNDLES = Path(__file__).parents[2] / "examples" / "bundles"
#: A document names itself by the ids of its Bundle, which a transaction has not.
OWN_IDS = re.compile(rb"<(id|setId) root=\"[0-9.]+\.5[01]\" extension=\"[^\"]+\"/>")


@pytest.fixture(scope="module")
def converter(nsi_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Converter:
    home = tmp_path_factory.mktemp("same")
    import_folder(nsi_source, home / "nsi")
    catalogue = Catalogue()
    return Converter(catalogue, BookStore(home / "nsi", catalogue), load_organisation(catalogue), checker=None)


def bundle(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((BUNDLES / f"{name}.json").read_bytes())
    return loaded


def resources(of: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in of["entry"] if entry["resource"]["resourceType"] == kind]


def converted(converter: Converter, of: dict[str, Any], kind: str) -> bytes:
    (reading,) = read(json.dumps(of).encode())
    (document,) = converter.convert(reading).documents
    assert document.kind == kind
    assert document.data is not None
    assert OWN_IDS.search(document.data)
    return OWN_IDS.sub(b"", document.data)


def as_sent(of: dict[str, Any]) -> None:
    """No change."""


def as_conclusion(of: dict[str, Any]) -> None:
    """The same visit where nothing but the conclusion was recorded: it makes a 204."""
    course = [one for one in resources(of, "Observation") if one["code"]["coding"][0]["code"] == "805"]
    assert course
    of["entry"] = [entry for entry in of["entry"] if entry["resource"] not in course]
    for composition in resources(of, "Composition"):
        composition["type"] = {"coding": [{"system": "urn:oid:1.2.643.5.1.13.13.11.1520", "code": "204"}]}
        composition["title"] = "Медицинское заключение"


def as_follow_up(of: dict[str, Any]) -> None:
    """The same visit as a part of a dispensary follow-up, with all that a consultation may have beside the visit."""
    known = {entry["fullUrl"] for entry in bundle("119-r4")["entry"]}
    more = bundle("119-follow-up-r4")
    (rich,) = resources(more, "Encounter")
    more["entry"] = [entry for entry in more["entry"] if entry["fullUrl"] not in known]
    assert len(more["entry"]) > 15
    (encounter,) = resources(of, "Encounter")
    encounter.update({key: rich[key] for key in ("basedOn", "episodeOfCare")})
    if resources(of, "Composition"):
        (composition,) = resources(of, "Composition")
        composition.update(type=rich["type"][-1], title="Протокол консультации в рамках диспансерного наблюдения")
        for request in resources(more, "ServiceRequest"):
            request["code"] = {"concept": request["code"]}
        for procedure in resources(more, "Procedure"):
            procedure["occurrencePeriod"] = procedure.pop("performedPeriod")
        for document in resources(more, "DocumentReference"):
            document["context"] = document["context"]["encounter"]
    else:
        encounter["type"] = rich["type"]
    of["entry"] += more["entry"]


@pytest.mark.parametrize(
    ("kind", "source", "change"),
    [("119", "119", as_sent), ("119", "119", as_follow_up), ("191", "191", as_sent), ("204", "119", as_conclusion)],
)
def test_transaction_and_document(
    converter: Converter, kind: str, source: str, change: Callable[[dict[str, Any]], None]
) -> None:
    transaction, document = bundle(f"{source}-r4"), bundle(f"{source}-r5-rucore26")
    change(transaction)
    change(document)
    assert transaction["type"] == "transaction"
    assert resources(transaction, "Composition") == []
    assert converted(converter, transaction, kind) == converted(converter, document, kind)


def test_another_fact_is_another_document(converter: Converter) -> None:
    transaction, document = bundle("119-r4"), bundle("119-r5-rucore26")
    resources(transaction, "ClinicalImpression")[0]["summary"] = "Иное заключение."
    assert converted(converter, transaction, "119") != converted(converter, document, "119")
