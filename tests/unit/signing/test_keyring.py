"""``signing.yaml``: whom keys serve, which one is taken, and what is said of a wrong file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest

from adapter.errors import MappingError, SigningError, UsageError
from adapter.signing import Keyring, verify_cms
from adapter.signing.testkeys import Subject, make_keyring
from tests.signing import NOW, OGRN, SNILS, Pair, need

OID = "1.2.643.5.1.13.13.12.2.77.99999"


def written(folder: Path, text: str) -> Path:
    path = folder / "signing.yaml"
    path.write_text(text, "utf-8")
    return path


def entry(pair: Pair, more: str, name: str = "one") -> str:
    method = "rsa" if pair.algorithm == "rsa" else "gost"
    return f"  - {{name: {name}, method: {method}, certificate: {pair.file}, key: {pair.key}, {more}}}\n"


def test_keys_by_whom_they_serve(tmp_path: Path, rsa: Pair) -> None:
    other = Pair(tmp_path, "rsa", stem="other")
    path = written(
        tmp_path,
        "keys:\n"
        + entry(rsa, 'person: "112-233-445 95"')
        + entry(other, f'organisation: ["{OID}", "1.2.643.1"], transport: true', "two"),
    )
    keyring = Keyring.load(path)
    assert [key.place.line for key in keyring] == [2, 3]
    person = keyring.person(SNILS)
    assert person is not None
    assert person is keyring.person("112-233-445 95")
    assert person.certificate == rsa.certificate
    organisation = keyring.organisation(OID)
    assert organisation is not None
    assert organisation is keyring.organisation("1.2.643.1") is keyring.transport()
    assert organisation.certificate == other.certificate
    assert keyring.person("00000000000") is None
    assert keyring.person("") is None
    assert keyring.organisation("1.2.643.2") is None


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    path = make_keyring(tmp_path / "keys", "rsa", [SNILS], organisation=OID, ogrn=OGRN)
    signer = Keyring.load(path).person(SNILS)
    assert signer is not None
    assert signer.certificate.subject_snils == SNILS
    verify_cms(signer.cms(b"x", at=NOW), b"x")


def test_the_key_that_is_valid_and_lasts_longest_is_taken(tmp_path: Path) -> None:
    spans = {"old": (2020, 2024), "current": (2023, 2027), "next": (2026, 2030)}
    pairs = {
        name: Pair(tmp_path, "rsa", first=datetime(a, 1, 1, tzinfo=UTC), last=datetime(b, 1, 1, tzinfo=UTC), stem=name)
        for name, (a, b) in spans.items()
    }
    path = written(
        tmp_path, "keys:\n" + "".join(entry(pair, f'person: "{SNILS}"', name) for name, pair in pairs.items())
    )
    keyring = Keyring.load(path)
    for year, name in {2022: "old", 2023: "current", 2025: "current", 2026: "next", 2029: "next", 2035: "next"}.items():
        signer = keyring.person(SNILS, at=datetime(year, 6, 1, tzinfo=UTC))
        assert signer is not None
        assert signer.certificate == pairs[name].certificate, year


def test_one_broken_key_stops_nobody_else(tmp_path: Path, rsa: Pair) -> None:
    (tmp_path / "broken.crt").write_bytes(b"not a certificate")
    broken = "  - {name: broken, method: rsa, certificate: broken.crt, key: none.key, transport: true}\n"
    keyring = Keyring.load(written(tmp_path, "keys:\n" + broken + entry(rsa, f'person: "{SNILS}"')))
    assert keyring.person(SNILS) is not None
    for _ in range(2):
        with pytest.raises(SigningError, match=r"«broken».*broken\.crt"):
            keyring.transport()


def test_a_renewed_key_beside_a_broken_one_is_taken(tmp_path: Path, rsa: Pair) -> None:
    broken = f'  - {{name: broken, method: rsa, certificate: none.crt, key: none.key, person: "{SNILS}"}}\n'
    keyring = Keyring.load(written(tmp_path, "keys:\n" + broken + entry(rsa, f'person: "{SNILS}"')))
    signer = keyring.person(SNILS)
    assert signer is not None
    assert signer.certificate == rsa.certificate


def test_method_and_certificate_must_agree(tmp_path: Path, rsa: Pair) -> None:
    text = entry(rsa, "transport: true").replace("method: rsa", "method: gost")
    with pytest.raises(SigningError, match="another algorithm"):
        Keyring.load(written(tmp_path, "keys:\n" + text)).transport()


def test_a_signer_is_made_once_in_many_threads(tmp_path: Path, rsa: Pair) -> None:
    keyring = Keyring.load(written(tmp_path, "keys:\n" + entry(rsa, "transport: true")))
    barrier, found = Barrier(8), []

    def get() -> None:
        barrier.wait()
        found.append(keyring.transport())

    threads = [Thread(target=get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(signer) for signer in found}) == 1


def test_passwords_come_from_a_file_or_the_environment(
    tmp_path: Path, rsa: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cryptography.hazmat.primitives import serialization as form

    key = form.load_pem_private_key(rsa.key.read_bytes(), None)
    sealed = tmp_path / "sealed.key"
    sealed.write_bytes(
        key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"s3cret"))
    )
    (tmp_path / "password").write_text("s3cret\n", "utf-8")
    monkeypatch.setenv("CLINIC_KEY", "s3cret")
    for source in ("{file: password}", "{env: CLINIC_KEY}"):
        text = entry(rsa, f"transport: true, password: {source}").replace(str(rsa.key), str(sealed))
        signer = Keyring.load(written(tmp_path, "keys:\n" + text)).transport()
        assert signer is not None
        verify_cms(signer.cms(b"x", at=NOW), b"x")
    for source, named in {"{file: none}": "none", "{env: NO_SUCH_VARIABLE}": "NO_SUCH_VARIABLE"}.items():
        text = entry(rsa, f"transport: true, password: {source}")
        with pytest.raises(SigningError, match=named):
            Keyring.load(written(tmp_path, "keys:\n" + text)).transport()


def test_external_keys_are_read(tmp_path: Path, rsa: Pair) -> None:
    from adapter.signing.external import CommandSigner, HttpSigner

    (tmp_path / "token").write_text("t0ken\n")
    path = written(
        tmp_path,
        f"""
warn_days: 10
keys:
  - name: token
    method: command
    certificate: {rsa.file}
    command: [cryptcp, -sign, -detached, "{{input}}", "{{output}}"]
    timeout: 2.5
    person: "{SNILS}"
  - name: service
    method: http
    certificate: {rsa.file}
    url: https://sign.example/api
    request: {{data: "{{digest}}", key: k1}}
    answer: ""
    token: {{file: token}}
    organisation: {OID}
""",
    )
    keyring = Keyring.load(path)
    assert isinstance(keyring.person(SNILS), CommandSigner)
    assert isinstance(keyring.organisation(OID), HttpSigner)
    assert "t0ken" not in repr(list(keyring))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="test-keys"):
        Keyring.load(tmp_path / "signing.yaml")


ENTRY = 'name: a, method: rsa, certificate: c, key: k, person: "11223344595"'


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("warn_days: 1\nkeys: {a: b: c}", 2, "YAML"),
        ("keys: []", 1, "keys"),
        ("nothing: 1", 1, "nothing"),
        ("warn_days: soon\nkeys:\n  - {" + ENTRY + "}", 1, "warn_days"),
        ("keys:\n  - {name: a, method: rsa, certificate: c, key: k}", 2, "serves nobody"),
        ("keys:\n  - {" + ENTRY + "}\n  - {" + ENTRY + "}", 1, "same name"),
        ("keys:\n  - {name: a, method: rsa, certificate: c, transport: true}", 2, "key: is missing"),
        ("keys:\n  - {name: a, certificate: c, transport: true}", 2, "method is missing"),
        ("keys:\n  - {name: a, method: dsa, certificate: c, transport: true}", 2, "gost, rsa, command or http"),
        ("keys:\n  - {name: a, method: rsa, certificate: c, key: k, person: 11223344595}", 2, "in quotes"),
        ('keys:\n  - {name: a, method: rsa, certificate: c, key: k, person: "123"}', 2, "11 digits"),
        (
            "keys:\n  - name: a\n    method: rsa\n    certificate: c\n    key: k\n    organisation: MO-1",
            6,
            "organisation",
        ),
        ("keys:\n  - {" + ENTRY + "}\n  - name: b\n    method: rsa\n    ogrn: '1'", 5, "ogrn"),
        (
            "keys:\n  - name: a\n    method: rsa\n    certificat: c\n    key: k\n    transport: true",
            4,
            "nearest: certificate",
        ),
        ("keys:\n  - {" + ENTRY + ", password: hunter2}", 2, "password"),
        ("keys:\n  - {" + ENTRY + ", password: {file: a, env: b}}", 2, "either file or env"),
        ("keys:\n  - {" + ENTRY + ", password: {text: hunter2}}", 2, "password"),
        (
            "keys:\n  - {name: a, method: command, certificate: c, transport: true, command: sign it}",
            2,
            "list of arguments",
        ),
        (
            "keys:\n  - {name: a, method: command, certificate: c, transport: true, command: [a, '{pin}']}",
            2,
            "placeholder",
        ),
        (
            "keys:\n  - {name: a, method: command, certificate: c, transport: true, command: [a], timeout: x}",
            2,
            "seconds",
        ),
        ("keys:\n  - {name: a, method: http, certificate: c, transport: true, url: 'ftp://x'}", 2, "url"),
        (
            "keys:\n  - {name: a, method: http, certificate: c, transport: true, url: 'http://x', request: {a: b}}",
            2,
            "either",
        ),
    ],
)
def test_errors_name_file_and_line_and_quote_no_secret(tmp_path: Path, text: str, line: int, expected: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(MappingError) as caught:
        Keyring.load(path)
    error = caught.value
    assert (error.file, error.line) == (str(path), line)
    assert expected in str(error)
    shown: BaseException | None = error
    while shown is not None:
        assert "hunter2" not in str(shown)
        shown = shown.__cause__


def test_gost_keys_are_opened(tmp_path: Path) -> None:
    need("gost2012-256")
    path = make_keyring(tmp_path / "keys", "gost2012-256", [SNILS], organisation=OID, ogrn=OGRN, inn="7700000008")
    keyring = Keyring.load(path)
    transport = keyring.transport()
    assert transport is not None
    assert transport.certificate.algorithm == "gost2012-256"
    assert (transport.certificate.subject_ogrn, transport.certificate.subject_inn) == (OGRN, "7700000008")
    verify_cms(transport.cms(b"x", at=NOW), b"x")


# -- checks ------------------------------------------------------------------------------------------


def check(
    tmp_path: Path, pair: Pair, more: str = "transport: true", warn_days: int = 30, **wanted: object
) -> list[str]:
    keyring = Keyring.load(written(tmp_path, f"warn_days: {warn_days}\nkeys:\n" + entry(pair, more)))
    signer = keyring.transport()
    assert signer is not None
    findings = keyring.check(signer, **{"at": NOW, **wanted})  # type: ignore[arg-type]
    for finding in findings:
        assert (finding.place.file, finding.place.line, finding.rule) == ("signing.yaml", 3, "one")
        assert SNILS not in f"{finding.message}{finding.hint}"
    return [finding.code for finding in findings if finding.code != "SIG12"]


def test_a_certificate_that_will_do(tmp_path: Path, pair: Pair) -> None:
    assert check(tmp_path, pair, snils="112-233-445 95", ogrn=OGRN) == []


def test_dates(tmp_path: Path) -> None:
    last = NOW + timedelta(days=20)
    pair = Pair(tmp_path, "rsa", first=NOW - timedelta(days=300), last=last)
    assert check(tmp_path, pair) == ["SIG03"]
    assert check(tmp_path, pair, warn_days=20) == []
    assert check(tmp_path, pair, warn_days=0, at=last) == []
    assert check(tmp_path, pair, at=last + timedelta(seconds=1)) == ["SIG02"]
    assert check(tmp_path, pair, at=NOW - timedelta(days=301)) == ["SIG01"]
    # An old document signed now, and a document of the valid time when the certificate is over.
    assert check(tmp_path, pair, at=NOW - timedelta(days=301), now=NOW) == ["SIG01", "SIG03"]
    assert check(tmp_path, pair, at=NOW, now=last + timedelta(days=1)) == ["SIG02"]


def test_whose_certificate_it_is(tmp_path: Path) -> None:
    person = Pair(tmp_path, "rsa", Subject("Врач", snils=SNILS), stem="person")
    clinic = Pair(tmp_path, "rsa", Subject("Клиника", ogrn=OGRN), stem="clinic")
    assert check(tmp_path, person, snils="22222222290") == ["SIG04"]
    assert check(tmp_path, clinic, snils=SNILS) == ["SIG05"]
    assert check(tmp_path, clinic, ogrn="1027700000009") == ["SIG06"]
    assert check(tmp_path, person, ogrn=OGRN) == ["SIG07"]
    assert check(tmp_path, clinic, f'transport: true, ogrn: "{OGRN}"') == []
    assert check(tmp_path, clinic, 'transport: true, ogrn: "1027700000009"') == ["SIG06"]


def test_key_usage(tmp_path: Path) -> None:
    import subprocess

    key, file = tmp_path / "enc.key", tmp_path / "enc.crt"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-days", "3650"),
            *("-addext", "keyUsage=keyEncipherment", "-keyout", key, "-out", file),
        ],
        check=True,
        capture_output=True,
    )
    pair = Pair(tmp_path, "rsa", stem="usual")
    pair.key, pair.file = key, file
    now = datetime.now(UTC)
    assert check(tmp_path, pair, at=now) == ["SIG11"]


def test_rsa_is_for_test_stands(tmp_path: Path, rsa: Pair) -> None:
    keyring = Keyring.load(written(tmp_path, "keys:\n" + entry(rsa, "transport: true")))
    signer = keyring.transport()
    assert signer is not None
    assert [finding.code for finding in keyring.check(signer, at=NOW)] == ["SIG12"]
