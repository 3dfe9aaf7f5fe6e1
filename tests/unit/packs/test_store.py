"""The store: editions side by side, the active one, damage, verification."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from adapter.errors import PackError, UsageError
from conformance.packs import Pack, PackStore


@pytest.fixture
def store(tmp_path: Path) -> PackStore:
    return PackStore(tmp_path / "store")


@pytest.fixture
def add(store: PackStore, folder: Callable[..., Path], files: Callable[..., dict[str, str]]):
    def install(kind: str = "170", version: str = "1.0.1") -> Pack:
        [pack] = store.install(folder(files(kind, version=version), name=f"{kind}-{version}"))
        return pack

    return install


def test_an_empty_store(store: PackStore) -> None:
    assert store.packs() == []
    assert store.find("170") is None
    assert not store.root.exists()


@pytest.mark.parametrize("kind", ["..", "", ".", "170/../170", "абв"])
def test_find_takes_kinds_only(store: PackStore, add: Callable[..., Pack], kind: str) -> None:
    add()
    assert store.find(kind) is None


def test_editions_stand_side_by_side_and_the_last_installed_is_active(
    store: PackStore, add: Callable[..., Pack]
) -> None:
    first, second = add(version="1.0.1"), add(version="1.0.2")
    assert store.find("170") == second
    assert [(item.pack, item.active) for item in store.inventory().editions] == [
        (first, False),
        (second, True),
    ]


def test_installing_an_older_edition_again_changes_nothing_and_says_which_is_used(
    store: PackStore, add: Callable[..., Pack], folder: Callable[..., Path], files: Callable[..., dict[str, str]]
) -> None:
    _, second = add(version="1.0.1"), add(version="1.0.2")
    [item] = store.install_all(folder(files("170", version="1.0.1"), name="again")).installed
    assert item.status == "unchanged"
    assert f"another edition is used, {second.label}" in item.notes[0].en
    assert store.find("170") == second


def test_use(store: PackStore, add: Callable[..., Pack]) -> None:
    first, second = add(version="1.0.1"), add(version="1.1.0")
    assert store.use("170", first.label) == first
    assert store.find("170") == first
    assert store.use("170", "v1.1") == second
    assert store.find("170") == second
    assert {path.name for path in (store.root / "170").iterdir()} == {first.label, second.label, "active.json"}


@pytest.mark.parametrize(("kind", "label"), [("170", "v1"), ("170", ""), ("170", "v9"), ("5", "v1"), ("..", "170")])
def test_use_wants_one_edition(store: PackStore, add: Callable[..., Pack], kind: str, label: str) -> None:
    add(version="1.0.1"), add(version="1.0.2")
    with pytest.raises(UsageError):
        store.use(kind, label)


def test_kinds_are_sorted_as_numbers(store: PackStore, add: Callable[..., Pack]) -> None:
    for kind in ("170", "76_1", "9", "76"):
        add(kind)
    assert [pack.kind for pack in store.packs()] == ["9", "76", "76_1", "170"]


def test_an_installation_cut_off_before_its_last_step(store: PackStore, add: Callable[..., Pack]) -> None:
    pack = add()
    (store.root / "170" / "active.json").unlink()
    assert store.find("170") == pack
    add(version="2.0.0")
    (store.root / "170" / "active.json").unlink()
    with pytest.raises(PackError, match="not recorded which edition"):
        store.find("170")
    assert store.packs() == []
    assert [finding.code for finding in store.inventory().problems] == ["PCK05"]


DAMAGE = {
    "gone": (None, "cannot be read"),
    "empty": ("", "damaged"),
    "cut": ('{"format": 1, "kind": "170"', "damaged"),
    "another shape": ('{"format": 2}', "damaged"),
    "not an object": ("[]", "damaged"),
    "a path out": ('"files"', "damaged"),
    "another kind": ("163", "another pack"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_manifest_names_the_folder_and_hides_no_other(
    store: PackStore, add: Callable[..., Pack], case: str
) -> None:
    other, pack = add("163"), add("170")
    manifest = pack.directory / "manifest.json"
    content, message = DAMAGE[case]
    if content is None:
        manifest.unlink()
    elif case == "a path out":
        manifest.write_text(manifest.read_text().replace('"CDA.xsd":', '"../CDA.xsd":'))
    elif case == "another kind":
        manifest.write_text(
            manifest.read_text().replace('"kind": "170"', '"kind": "163"').replace('"kind":"170"', '"kind":"163"')
        )
    else:
        manifest.write_text(content)
    assert store.packs() == [other]
    [finding] = store.inventory().problems
    assert (finding.code, finding.place.file) == ("PCK05", f"170/{pack.label}")
    assert f"170/{pack.label}/manifest.json" in finding.message.ru
    with pytest.raises(PackError, match=message):
        store.find("170")
    assert [found.code for found in store.verify(pack)] == ["PCK05"]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"active": 5}', '{"active": "../../x"}', "\ufffd"])
def test_a_damaged_record_of_the_active_edition(store: PackStore, add: Callable[..., Pack], content: str) -> None:
    pack = add()
    (store.root / "170" / "active.json").write_text(content)
    with pytest.raises(PackError, match=r"170/active\.json: damaged"):
        store.find("170")
    assert [finding.code for finding in store.inventory().problems] == ["PCK05"]
    assert store.use("170", pack.label) == pack
    assert store.find("170") == pack


class TestVerify:
    def test_clean(self, store: PackStore, add: Callable[..., Pack]) -> None:
        assert store.verify(add()) == []

    @pytest.mark.parametrize("name", ["170.sch", "CDA.xsd", "coreschemas/datatypes.xsd"])
    def test_missing(self, store: PackStore, add: Callable[..., Pack], name: str) -> None:
        pack = add()
        (pack.directory / name).unlink()
        findings = store.verify(pack)
        assert (findings[0].code, findings[0].place.file) == ("PCK01", f"170/{pack.label}/{name}")
        assert {finding.code for finding in findings} <= {"PCK01", "PCK04"}

    def test_changed_but_sound(self, store: PackStore, add: Callable[..., Pack]) -> None:
        pack = add()
        rules = pack.directory / "170.sch"
        rules.write_bytes(rules.read_bytes() + b"\n")
        assert [(finding.code, finding.place.file) for finding in store.verify(pack)] == [
            ("PCK02", f"170/{pack.label}/170.sch")
        ]

    def test_changed_to_something_that_does_not_compile(self, store: PackStore, add: Callable[..., Pack]) -> None:
        pack = add()
        for name in ("170.sch", "coreschemas/datatypes.xsd"):
            (pack.directory / name).write_text("<spoiled")
        assert [finding.code for finding in store.verify(pack)] == ["PCK02", "PCK02", "PCK04", "PCK04"]

    def test_replaced_by_a_link(self, store: PackStore, add: Callable[..., Pack], tmp_path: Path) -> None:
        pack = add()
        rules = pack.directory / "170.sch"
        rules.rename(tmp_path / "elsewhere.sch")
        rules.symlink_to(tmp_path / "elsewhere.sch")
        assert [finding.code for finding in store.verify(pack)] == ["PCK02"]

    def test_unknown_file(self, store: PackStore, add: Callable[..., Pack]) -> None:
        pack = add()
        (pack.directory / "coreschemas" / "new.xsd").write_text("x")
        [finding] = store.verify(pack)
        assert (finding.code, finding.severity.value) == ("PCK03", "warning")
        assert finding.place.file == f"170/{pack.label}/coreschemas/new.xsd"
