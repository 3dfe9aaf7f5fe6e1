"""Installing packs: what is accepted, what is refused, and that a refusal leaves nothing behind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from adapter.errors import PackError, UsageError
from conformance.packs import PackStore, TemplateId, disk, install, staging
from conformance.packs.manifest import read_manifest

Folder = Callable[..., Path]
Files = Callable[..., dict[str, str | bytes]]
Tree = Callable[[Path], dict[str, bytes]]


@pytest.fixture
def store(tmp_path: Path) -> PackStore:
    return PackStore(tmp_path / "store")


def test_a_published_folder(store: PackStore, folder: Folder, files: Files) -> None:
    [pack] = store.install(folder({**files("170", folder="170/"), "guide.pdf": "x"}))
    assert (pack.kind, pack.xsd_family) == ("170", "modular")
    assert pack.label == f"v1.0.1-{pack.digest[:8]}"
    assert pack.title == "Сертификат профилактических прививок (CDA) Редакция 2"  # from the catalogue of kinds
    assert pack.template_ids == (TemplateId("1.2.643.5.1.13.13.14.53.9.2", "53"),)
    assert pack.directory == store.root / "170" / pack.label
    assert pack.schematrons == (pack.directory / "170.sch",)
    assert pack.xsd == pack.directory / "CDA.xsd"
    assert store.find("170") == pack
    assert store.packs() == [pack]
    assert store.verify(pack) == []


def test_the_manifest(store: PackStore, folder: Folder, files: Files) -> None:
    source = folder(files("170"), name="from-the-portal")
    [pack] = store.install(source)
    manifest = read_manifest(pack.directory)
    assert manifest.files == {name: hashlib.sha256((source / name).read_bytes()).hexdigest() for name in files("170")}
    assert (manifest.source, manifest.version, manifest.published) == ("from-the-portal", "1.0.1", "2023-04-03")
    assert manifest.counts.model_dump() == {
        "patterns": 2,
        "rules": 2,
        "asserts": 2,
        "reports": 1,
        "malformed": 0,
    }
    assert str(source.parent) not in (pack.directory / "manifest.json").read_text()


def test_files_are_kept_byte_for_byte(store: PackStore, folder: Folder, files: Files) -> None:
    content = files("170")
    content["170.sch"] = b"\xef\xbb\xbf" + content["170.sch"].replace("\n", "\r\n").encode()
    [pack] = store.install(folder(content))
    assert (pack.directory / "170.sch").read_bytes() == content["170.sch"]


def test_the_same_rules_in_any_wrapping_are_the_same_edition(
    store: PackStore, folder: Folder, zipped: Folder, files: Files
) -> None:
    first = store.install_all(folder(files("170")))
    again = store.install_all(zipped(files("data/170", folder="data/170/")))
    described = {**files("170"), "pack.json": json.dumps({"code": "170", "title": "Т"})}
    third = store.install_all(folder(described, name="described"))
    assert [item.status for outcome in (first, again, third) for item in outcome.installed] == [
        "installed",
        "unchanged",
        "unchanged",
    ]
    assert len(store.inventory().editions) == 1


def test_nothing_is_written_when_nothing_changes(store: PackStore, folder: Folder, files: Files, tree: Tree) -> None:
    source = folder(files("170"))
    store.install(source)
    before = tree(store.root)
    store.install(source)
    assert tree(store.root) == before


def test_a_damaged_edition_is_repaired(store: PackStore, folder: Folder, files: Files) -> None:
    source = folder(files("170"))
    [pack] = store.install(source)
    (pack.directory / "CDA.xsd").write_text("spoiled")
    [item] = store.install_all(source).installed
    assert item.status == "repaired"
    assert store.verify(item.pack) == []


class TestKind:
    ROOT_163: ClassVar = {"root": "1.2.643.5.1.13.13.14.109.9.1", "code": "109"}

    def test_by_pack_json_before_the_name(self, store: PackStore, folder: Folder, files: Files) -> None:
        content = {**files("guide"), "pack.json": json.dumps({"code": "170"})}
        assert [pack.kind for pack in store.install(folder(content))] == ["170"]

    def test_by_the_template_where_the_name_says_nothing(self, store: PackStore, folder: Folder, files: Files) -> None:
        [pack] = store.install(folder(files("guide", **self.ROOT_163)))
        assert pack.kind == "163"

    def test_by_the_user_before_all(self, store: PackStore, folder: Folder, files: Files) -> None:
        outcome = store.install_all(folder(files("170")), kind="999")
        assert [item.pack.kind for item in outcome.installed] == ["999"]
        assert any("170" in note.en for note in outcome.installed[0].notes)

    def test_by_the_user_out_of_many(self, store: PackStore, folder: Folder, files: Files) -> None:
        content = {**files("170", folder="170/"), **files("163", folder="163/", **self.ROOT_163)}
        outcome = store.install_all(folder(content), kind="163")
        assert [item.pack.kind for item in outcome.installed] == ["163"]
        with pytest.raises(PackError, match="for kind 5"):
            store.install_all(folder(content), kind="5")

    def test_unknown_template(self, store: PackStore, folder: Folder, files: Files) -> None:
        with pytest.raises(PackError, match=r"guide\.sch: the kind cannot be told.*--kind") as caught:
            store.install(folder(files("guide", root="1.2.3")))
        assert "guide.sch: не удалось определить вид" in caught.value.text.ru

    def test_a_template_of_several_kinds(self, store: PackStore, folder: Folder, files: Files) -> None:
        with pytest.raises(PackError, match="82, 83, 84"):
            store.install(folder(files("guide", root="1.2.643.5.1.13.13.14.69.9.2", code="69")))

    def test_a_copy_under_the_name_of_another_kind_is_told(
        self, store: PackStore, folder: Folder, files: Files
    ) -> None:
        [item] = store.install_all(folder(files("147"))).installed
        assert "belongs to kind 170" in item.notes[0].en

    @pytest.mark.parametrize("kind", ["../x", "", "a", "1/2"])
    def test_impossible(self, store: PackStore, folder: Folder, files: Files, kind: str) -> None:
        with pytest.raises(UsageError):
            store.install_all(folder(files("170")), kind=kind)


def test_packs_without_schema_or_without_schematron(store: PackStore, folder: Folder, files: Files) -> None:
    content = files("data/170", folder="data/4/")
    outcome = store.install_all(folder(content))
    assert [(item.pack.kind, item.pack.xsd is None, item.notes[0].en) for item in outcome.installed] == [
        ("170", True, "the pack has no XSD"),
        ("4", False, "the pack has no Schematron"),
    ]
    assert store.verify(outcome.installed[1].pack) == []


def test_one_bad_pack_does_not_hold_up_the_others(store: PackStore, folder: Folder, files: Files) -> None:
    content = {**files("170", folder="170/"), **files("163", folder="163/"), "163.sch": "<schema"}
    source = folder(content)
    outcome = store.install_all(source)
    assert [item.pack.kind for item in outcome.installed] == ["170"]
    assert [item.place for item in outcome.refused] == ["163.sch"]
    with pytest.raises(PackError, match=r"not installed: 163\.sch:1: .*well-formed"):
        store.install(source)
    assert store.find("170") is not None


def _described(content: dict[str, str | bytes], **changes: object) -> dict[str, str | bytes]:
    digests = {
        name: hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()
        for name, data in content.items()
    }
    return {**content, "pack.json": json.dumps({"code": "170", "sha256": {**digests, **changes}})}


def test_a_construct_that_cannot_be_run(store: PackStore, folder: Folder, files: Files, tree: Tree) -> None:
    rule = "<rule context='ClinicalDocument'><assert test='fold-left(a, 0, f)'>x</assert></rule>"
    with pytest.raises(PackError, match=r"170\.sch:16: a rule that cannot be run: .*fold-left") as caught:
        store.install(folder(files("170", more=f"<pattern>{rule}</pattern>")))
    assert "170.sch:16: правило нельзя выполнить: " in caught.value.text.ru
    assert tree(store.root) == {}


def test_a_schema_that_does_not_compile(store: PackStore, folder: Folder, files: Files, tree: Tree) -> None:
    content = files("170")
    content["CDA.xsd"] = content["CDA.xsd"].replace("xs:string", "NoSuchType")
    with pytest.raises(PackError, match=r"CDA\.xsd:\d+ does not compile"):
        store.install(folder(content))
    assert tree(store.root) == {}


def test_a_schema_that_leads_out_of_the_pack(store: PackStore, folder: Folder, files: Files, tree: Tree) -> None:
    with pytest.raises(PackError, match=r"CDA\.xsd:2: the schema takes a file from outside"):
        store.install(folder({**files("170", included="datatypes"), "CDA.xsd": OUTSIDE}))
    assert tree(store.root) == {}


OUTSIDE = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:include schemaLocation="../../secret.xsd"/>
</xs:schema>
"""


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ({"170.sch": "<!DOCTYPE x><schema/>"}, r"170\.sch:1: .*DOCTYPE"),
        ({"CDA.xsd": "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x/>"}, r"CDA\.xsd:1: .*DOCTYPE"),
        ({"unused.xsd": "<!DOCTYPE x><x/>"}, r"unused\.xsd:1: .*DOCTYPE"),
        ({"170.sch": "<schema/>"}, "not a Schematron"),
        ({"pack.json": "{}"}, "pack.json: cannot be understood: code"),
        ({"pack.json": "not json"}, "pack.json: cannot be understood: json_invalid"),
        ({"pack.json": '{"code": "../1"}'}, "pack.json: cannot be understood: code"),
        ({"pack.json": '{"code": "170", "xsd": {"entry": "other.xsd"}}'}, "xsd.entry is missing"),
        ({"pack.json": '{"code": "170", "xsd": {"entry": "../CDA.xsd"}}'}, "xsd.entry is missing"),
    ],
)
def test_bad_files(
    store: PackStore, folder: Folder, files: Files, tree: Tree, spoil: dict[str, str], message: str
) -> None:
    with pytest.raises(PackError, match=message) as caught:
        store.install(folder({**files("170"), **spoil}))
    assert tree(store.root) == {}
    assert caught.value.text.ru != caught.value.text.en


class TestDigests:
    def test_equal(self, store: PackStore, folder: Folder, files: Files) -> None:
        assert store.install(folder(_described(files("170"))))[0].kind == "170"

    def test_changed(self, store: PackStore, folder: Folder, files: Files, tree: Tree) -> None:
        with pytest.raises(PackError, match=r"CDA\.xsd: the content differs"):
            store.install(folder(_described(files("170"), **{"CDA.xsd": "0" * 64})))
        assert tree(store.root) == {}

    def test_missing(self, store: PackStore, folder: Folder, files: Files) -> None:
        with pytest.raises(PackError, match=r"gone\.xsd: pack\.json names it, but it is missing"):
            store.install(folder(_described(files("170"), **{"gone.xsd": "0" * 64})))


def test_malformed_rules_are_told_and_do_not_refuse(store: PackStore, folder: Folder, files: Files) -> None:
    more = "<pattern><rule context='ClinicalDocument'><assert test='nowhere:x'>x</assert></rule></pattern>"
    [item] = store.install_all(folder(files("170", more=more))).installed
    assert [finding.code for finding in item.problems] == ["SCH04"]
    assert read_manifest(item.pack.directory).counts.malformed == 1
    assert [finding.code for finding in store.verify(item.pack)] == ["SCH04"]


class TestFolders:
    def test_a_link_is_refused(self, store: PackStore, folder: Folder, files: Files, tree: Tree) -> None:
        source = folder(files("170"))
        (source / "extra.xsd").symlink_to("/etc/passwd")
        with pytest.raises(PackError, match=r"extra\.xsd: a link"):
            store.install(source)
        assert tree(store.root) == {}

    def test_a_linked_folder_is_refused(self, store: PackStore, folder: Folder, files: Files) -> None:
        source = folder(files("170"))
        (source / "more").symlink_to(source / "coreschemas")
        with pytest.raises(PackError, match="more: a link"):
            store.install(source)

    def test_hidden_folders_are_not_looked_into(self, store: PackStore, folder: Folder, files: Files) -> None:
        outcome = store.install_all(folder({**files("170"), ".git/170.sch": "<", "__MACOSX/170.sch": "<"}))
        assert len(outcome.installed) == 1

    def test_no_pack(self, store: PackStore, folder: Folder, tree: Tree) -> None:
        with pytest.raises(PackError, match="neither a Schematron"):
            store.install(folder({"readme.txt": "x"}))
        assert tree(store.root) == {}

    def test_no_such_path(self, store: PackStore, tmp_path: Path) -> None:
        with pytest.raises(UsageError):
            store.install(tmp_path / "absent")

    def test_too_many_files(self, store: PackStore, folder: Folder, files: Files) -> None:
        limits = install.Limits(entries=2)
        with pytest.raises(PackError, match="too many files"):
            install.install_source(store.root, folder(files("170")), limits=limits)

    def test_a_file_too_large(self, store: PackStore, folder: Folder, files: Files) -> None:
        limits = install.Limits(file_bytes=100)
        with pytest.raises(PackError, match="larger than allowed"):
            install.install_source(store.root, folder(files("170")), limits=limits)


class Killed(BaseException):
    """Stands for a signal: nothing may catch it."""


STEPS = [
    (install, "read_contents"),
    (staging, "write_file"),
    (staging, "compile_rules"),
    (staging, "compile_schema"),
    (staging, "write_manifest"),
    (staging, "sync_folder"),
    (install, "sync_folder"),
    (install, "write_active"),
    (disk, "write_file"),
    (disk, "sync_folder"),
]


@pytest.mark.parametrize("failure", [Killed, OSError(28, "No space left on device")], ids=["killed", "full"])
@pytest.mark.parametrize(("module", "step"), STEPS, ids=[f"{m.__name__}.{s}" for m, s in STEPS])
@pytest.mark.parametrize("earlier", [False, True], ids=["first", "second"])
def test_a_failure_at_any_step_changes_nothing(
    store: PackStore,
    folder: Folder,
    files: Files,
    tree: Tree,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    step: str,
    failure: BaseException,
    earlier: bool,
) -> None:
    if earlier:
        store.install(folder(files("170"), name="earlier"))
    before = tree(store.root) if earlier else {}

    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(module, step, fail)
    with pytest.raises((Killed, OSError, PackError)):
        store.install(folder(files("170", version="2.0.0")))
    assert tree(store.root) == before


def test_a_failed_repair_puts_the_old_edition_back(
    store: PackStore, folder: Folder, files: Files, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = folder(files("170"))
    [pack] = store.install(source)
    (pack.directory / "extra.xsd").write_text("x")
    before = tree(store.root)

    def fail(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(install, "write_active", fail)
    with pytest.raises(Killed):
        store.install(source)
    assert tree(store.root) == before


def test_a_store_that_cannot_be_written(tmp_path: Path, folder: Folder, files: Files) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PackError, match="cannot be written"):
        PackStore(tmp_path / "file" / "store").install(folder(files("170")))


def test_what_a_killed_process_left_goes_the_next_day(
    store: PackStore, folder: Folder, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = store.root / ".incoming-old"
    left.mkdir(parents=True)
    source = folder(files("170"))
    store.install(source)
    assert left.exists()  # it may be an installation under way
    monkeypatch.setattr(disk, "_STALE_AFTER", -1.0)
    store.install(source)
    assert not left.exists()
