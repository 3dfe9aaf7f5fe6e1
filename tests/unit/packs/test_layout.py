"""Finding packs in the layouts they are published in."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.packs.folder import Listing
from conformance.packs.layout import find_packs

ROOT = Path("root")


def found(*files: str, name: str = "source") -> list[tuple[str, str | None, list[str], bool]]:
    """place, kind, files as ``name=path`` where they differ, whether it is refused."""
    return [
        (
            draft.place,
            draft.kind,
            sorted(
                target
                if path.relative_to(ROOT).as_posix() == target
                else f"{target}={path.relative_to(ROOT).as_posix()}"
                for target, path in draft.files.items()
            ),
            draft.problem is not None,
        )
        for draft in find_packs(Listing(ROOT, tuple(sorted(files)), ()), name)
    ]


def test_a_folder_with_pack_json() -> None:
    assert found("pack.json", "170.sch", "CDA.xsd", "coreschemas/voc.xsd") == [
        (".", None, ["170.sch", "CDA.xsd", "coreschemas/voc.xsd", "pack.json"], False)
    ]


def test_many_folders_with_pack_json() -> None:
    assert [
        (place, files)
        for place, _, files, _ in found("170/pack.json", "170/170.sch", "9/pack.json", "9/CDA.xsd", "9/x/y.xsd")
    ] == [
        ("170", ["170.sch=170/170.sch", "pack.json=170/pack.json"]),
        ("9", ["CDA.xsd=9/CDA.xsd", "pack.json=9/pack.json", "x/y.xsd=9/x/y.xsd"]),
    ]


def test_the_public_collection() -> None:
    drafts = found(
        "data/170.sch",
        "data/170/CDA.xsd",
        "data/170/coreschemas/voc.xsd",
        "data/76.sch",
        "data/76/CDA.xsd",
        "data/76_1.sch",
        "data/4/CDA.xsd",
    )
    schemas = ["CDA.xsd=data/170/CDA.xsd", "coreschemas/voc.xsd=data/170/coreschemas/voc.xsd"]
    assert drafts == [
        ("data/170.sch", "170", ["170.sch=data/170.sch", *schemas], False),
        ("data/4", "4", ["CDA.xsd=data/4/CDA.xsd"], False),
        ("data/76.sch", "76", ["76.sch=data/76.sch", "CDA.xsd=data/76/CDA.xsd"], False),
        ("data/76_1.sch", "76_1", ["76_1.sch=data/76_1.sch"], False),
    ]


@pytest.mark.parametrize(
    ("rules", "schema"),
    [
        ("guide.sch", "CDA.xsd"),
        ("top/guide.sch", "top/xsd/CDA.xsd"),
        ("top/schematron/guide.sch", "top/xsd/CDA.xsd"),
        ("top/xsd/sch/guide.sch", "top/xsd/CDA.xsd"),
        ("170.sch", "schema/CDA.xsd"),
        ("guide.sch", "170/CDA.xsd"),
    ],
)
def test_one_schematron_and_one_schema_nearby(rules: str, schema: str) -> None:
    [(place, kind, files, refused)] = found(rules, schema)
    assert (place, kind, refused) == (rules, "170" if rules == "170.sch" else None, False)
    assert [file.partition("=")[0] for file in files] == sorted([Path(rules).name, "CDA.xsd"])


def test_the_closest_schema_is_taken() -> None:
    drafts = found("a/guide.sch", "a/CDA.xsd", "b/CDA.xsd")
    assert drafts[0] == ("a/guide.sch", None, ["CDA.xsd=a/CDA.xsd", "guide.sch=a/guide.sch"], False)


@pytest.mark.parametrize(
    "files",
    [
        ("one.sch", "two.sch", "CDA.xsd"),
        ("one.sch", "a/CDA.xsd", "b/CDA.xsd"),
        ("old/170.sch", "new/170.sch", "xsd/CDA.xsd"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(files: tuple[str, ...]) -> None:
    drafts = found(*files)
    assert drafts
    assert all(refused for *_, refused in drafts)


def test_a_schematron_alone() -> None:
    assert found("x/170.sch", "x/readme.xsd") == [("x/170.sch", "170", ["170.sch=x/170.sch"], False)]


def test_a_schema_alone_is_named_by_its_folder_or_by_the_archive() -> None:
    assert found("4/CDA.xsd")[0][:2] == ("4", "4")
    assert found("CDA.xsd", name="4.zip")[0][:2] == (".", "4")
    assert found("xsd/CDA.xsd")[0][:2] == ("xsd", None)


def test_nothing() -> None:
    assert found("x/other.xsd") == []
