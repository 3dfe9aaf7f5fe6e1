"""Tiny packs of our own: a Schematron of three checks and an XSD of two files."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

SCHEMATRON = """\
<!-- Схематрон для СЭМД "Проба (CDA) Редакция 1" -->
<!-- 01.02.2023 - v.1.0.0: Схематрон разработан -->
<!-- 03.04.2023 - v.{version}: Исправление -->
<schema xmlns="http://purl.oclc.org/dsdl/schematron" queryBinding="xslt2">
  <pattern>
    <rule context="ClinicalDocument/templateId">
      <assert test="@root='{root}'">У1-1. templateId</assert>
    </rule>
  </pattern>
  <pattern>
    <rule context="ClinicalDocument/code">
      <assert test="@code='{code}'">У1-2. code</assert>
      <report test="@nullFlavor">У1-3. nullFlavor</report>
    </rule>
  </pattern>
{more}</schema>
"""
ENTRY = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:hl7-org:v3">
  <xs:include schemaLocation="coreschemas/{included}.xsd"/>
  <xs:element name="ClinicalDocument" type="xs:string"/>
</xs:schema>
"""
INCLUDED = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:hl7-org:v3"/>\n'

Files = Mapping[str, str | bytes]


def pack_files(
    name: str = "170",
    *,
    folder: str = "",
    version: str = "1.0.1",
    root: str = "1.2.643.5.1.13.13.14.53.9.2",
    code: str = "53",
    more: str = "",
    included: str = "datatypes",
) -> dict[str, str | bytes]:
    """Files of a pack: ``<name>.sch`` and, in ``folder`` (beside it by default), the XSD set."""
    return {
        f"{name}.sch": SCHEMATRON.format(version=version, root=root, code=code, more=more),
        f"{folder}CDA.xsd": ENTRY.format(included=included),
        f"{folder}coreschemas/{included}.xsd": INCLUDED,
    }


@pytest.fixture
def files() -> Callable[..., dict[str, str | bytes]]:
    return pack_files


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Write files into a new folder of that name."""

    def make(content: Files, name: str = "source") -> Path:
        root = tmp_path / name
        for path, data in content.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data.encode() if isinstance(data, str) else data)
        return root

    return make


@pytest.fixture
def zipped(tmp_path: Path) -> Callable[..., Path]:
    """Write files into a new zip of that name; names are taken as they are."""

    def make(content: Files, name: str = "source.zip", method: int = zipfile.ZIP_DEFLATED) -> Path:
        target = tmp_path / name
        with zipfile.ZipFile(target, "w", method) as archive:
            for path, data in content.items():
                archive.writestr(zipfile.ZipInfo(path), data, compress_type=method)
        return target

    return make


@pytest.fixture
def tree() -> Callable[[Path], dict[str, bytes]]:
    """Everything below a folder: name → bytes (folders end with ``/``)."""

    def read(root: Path) -> dict[str, bytes]:
        return {
            path.relative_to(root).as_posix() + ("/" if path.is_dir() else ""): b""
            if path.is_dir()
            else path.read_bytes()
            for path in sorted(root.rglob("*"))
        }

    return read
