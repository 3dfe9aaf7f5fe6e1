"""Services of registers as data: what the files may say, and that they fit the maps."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.catalogue import Catalogue
from adapter.errors import MappingError
from adapter.mapping.mappings import Mappings
from adapter.registers.contacts import contacts_of, read_contacts
from adapter.registers.services import Services

SERVICES = Services.load(Catalogue())
_OID = "1.2.643.5.1.13.13.12.2.77.99999"


def test_each_message_has_a_service_and_each_product_a_map() -> None:
    maps = {name for name, spec in Mappings.load(Catalogue()).registers.items() if spec.message is not None}
    # Made as a file alone: its exchange is asynchronous, and what answers it is not known.
    made_alone = {"gip-patient"}
    # ФЭР asks for these, and is answered at once.
    answers = {name for name in maps if name.startswith("fer-")} - {"fer-appointment-status"}
    assert maps - set(SERVICES.by_product) <= made_alone | answers
    assert set(SERVICES.by_product) <= maps


def test_what_is_about_one_thing_leaves_in_order() -> None:
    order = sorted(
        ["vaccination-record-complication", "vaccination-record-person", "vaccination-record"], key=SERVICES.rank
    )
    assert order == ["vaccination-record", "vaccination-record-person", "vaccination-record-complication"]
    service = SERVICES.by_product["vaccination-record"]
    assert {service.scope(product) for product in service.products} == {"vaccination-register"}
    assert service.needs_number("vaccination-record-person")
    assert not service.needs_number("vaccination-record")


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ("form: rest\nservice: a", 1),
        ("service: a\nform: post\nauthentication: [none]\nproducts: {p: {}}\noperations: {o: {}}", 2),
        ("service: a\nform: rest\nauthentication: [none]\nproducts: {p: {endpoint: x}}\noperations: {o: {}}", 1),
        ("service: a\nform: rest\nauthentication: [none]\nproducts: {p: {}}\noperations: {o: {number: {}}}", 5),
        (
            "service: a\nform: rest\nauthentication: [none]\nproducts: {p: {}}\noperations: {o: {}}\n"
            "errors:\n  - {match: '(', class: done, ru: а, en: a}",
            7,
        ),
        (
            "service: a\nform: rest\nauthentication: [none]\nproducts: {p: {}}\noperations: {o: {}}\n"
            "errors:\n  - {class: done, ru: а, en: a}",
            7,
        ),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(tmp_path: Path, wrong: str, line: int) -> None:
    (tmp_path / "mappings/services").mkdir(parents=True)
    (tmp_path / "mappings/services/a.yaml").write_text(wrong, "utf-8")
    with pytest.raises(MappingError) as caught:
        Services.load(Catalogue(tmp_path))
    assert (caught.value.file, caught.value.line) == ("mappings/services/a.yaml", line)


def test_a_product_of_two_services_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mappings/services").mkdir(parents=True)
    text = "service: a\nform: rest\nauthentication: [none]\nproducts: {vzn-record: {}}\noperations: {o: {}}"
    (tmp_path / "mappings/services/a.yaml").write_text(text, "utf-8")
    with pytest.raises(MappingError, match="vzn-record"):
        Services.load(Catalogue(tmp_path))


def _organisation(folder: Path, services: str) -> Path:
    path = folder / f"{_OID}.yaml"
    path.write_text(f"oid: {_OID}\n{services}", "utf-8")
    return path


def test_contacts_of_an_organisation(tmp_path: Path) -> None:
    _organisation(
        tmp_path,
        "services:\n"
        "  n3: {urls: {pix: 'https://n3/pix.svc', emk: 'https://n3/emk.svc/'}, guid: {env: GUID}}\n"
        "  vaccination-register: {url: 'https://ips/v', token: {file: token}}\n"
        "  vzn: {folder: out}\n",
    )
    contacts = contacts_of(Catalogue(), SERVICES, tmp_path, _OID)
    n3 = contacts.of("n3")
    assert n3 is not None
    assert (n3.address("pix"), n3.address("emk"), n3.authentication) == (
        "https://n3/pix.svc",
        "https://n3/emk.svc",
        "guid",
    )
    assert contacts.of("frmr") is None
    assert contacts.folder == tmp_path


def test_the_built_in_organisation_reaches_nothing(tmp_path: Path) -> None:
    assert not contacts_of(Catalogue(), SERVICES, tmp_path, _OID).by_service


@pytest.mark.parametrize(
    "wrong",
    [
        "{nowhere: {url: 'https://a'}}",
        "{n3: {urls: {pix: 'https://a'}, guid: {env: A}}}",
        "{n3: {url: 'https://a', token: {env: A}}}",
        "{n3: {url: 'https://a'}}",
        "{vaccination-register: {folder: out}}",
        "{vaccination-register: {url: 'ftp://a', token: {env: A}}}",
        "{vaccination-register: {url: 'https://a', tokn: {env: A}}}",
        "{vaccination-register: {url: 'https://a', token: {env: A, file: b}}}",
        "{vaccination-register: {url: 'https://a', token: {env: A}, jwt: {system: b}}}",
        "{vaccination-register: {token: {env: A}}}",
        "nothing",
    ],
)
def test_wrong_contacts_are_refused_with_their_line(tmp_path: Path, wrong: str) -> None:
    path = _organisation(tmp_path, f"services: {wrong}\n")
    with pytest.raises(MappingError) as caught:
        read_contacts(path, SERVICES)
    assert caught.value.line == 2
