"""The pytest plugin in a run of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

BAD = b'<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2.643.100.3" extension="11122233344"/></ClinicalDocument>'


def test_importing_it_imports_nothing_heavy() -> None:
    heavy = "{'lxml', 'pydantic', 'jinja2', 'ruamel', 'typer', 'elementpath', 'adapter.xml', 'orjson'}"
    program = f"import pytest, sys; import conformance.pytest_plugin; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.stdout == "set()\n", run.stderr


def test_it_is_registered_and_takes_options(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--help")
    result.stdout.fnmatch_lines(["*--egisz-packs=DIR*", "*--egisz-nsi=DIR*"])


def test_bad_document_fails_without_its_values(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(f"""
        from conformance.pytest_plugin import assert_conformant
        XML = bytes.fromhex({BAD.hex()!r})

        def test_function():
            assert_conformant(XML)

        def test_fixture(assert_conformant):
            assert_conformant(XML)

        def test_text(assert_conformant):
            assert_conformant(XML.decode())
    """)
    result = pytester.runpytest_subprocess("--tb=short")
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*ID01*", "*/ClinicalDocument/id*"])
    assert "11122233344" not in result.stdout.str()


def test_allowed_codes_and_rules(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(f"""
        XML = bytes.fromhex({BAD.hex()!r})

        def test_allow(assert_conformant):
            report = assert_conformant(XML, allow={{"DOC02", "ID01", "id_suffix"}})
            assert not report.ok
    """)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, warnings=1)


def test_real_document_in_every_form(
    pytester: pytest.Pytester, examples_dir: Path, packs_source: Path, tmp_path: Path
) -> None:
    from conformance.packs import PackStore

    PackStore(tmp_path).install(packs_source / "170")
    pytester.makepyfile(f"""
        from pathlib import Path
        import pytest
        from lxml import etree
        from conformance import StageName
        PATH = Path({str(examples_dir / "semd170_min.xml")!r})

        @pytest.mark.parametrize("form", ["path", "bytes", "text", "element", "tree"])
        def test_form(assert_conformant, form):
            tree = etree.parse(PATH)
            xml = {{"path": PATH, "bytes": PATH.read_bytes(), "text": PATH.read_text("utf-8"),
                   "element": tree.getroot(), "tree": tree}}[form]
            report = assert_conformant(xml, kind="170")
            assert report.stage(StageName.SCHEMATRON).counts["asserts"] > 100
            assert report.pack
    """)
    result = pytester.runpytest_subprocess(f"--egisz-packs={tmp_path}", f"--egisz-nsi={tmp_path / 'none'}")
    result.assert_outcomes(passed=5, warnings=5)
    result.stdout.fnmatch_lines(["*PartlyChecked*"])


def test_partly_checked_can_be_made_a_failure(pytester: pytest.Pytester, examples_dir: Path) -> None:
    pytester.makepyfile(f"""
        from pathlib import Path

        def test_partly(assert_conformant):
            assert_conformant(Path({str(examples_dir / "semd170_min.xml")!r}))
    """)
    result = pytester.runpytest_subprocess("-W", "error::conformance.pytest_plugin.PartlyChecked")
    result.assert_outcomes(failed=1)
