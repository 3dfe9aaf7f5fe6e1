"""Who signs which kind, in which order, and what is said where somebody cannot."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.catalogue import Catalogue
from adapter.errors import MappingError, SigningError
from adapter.findings import Severity
from adapter.signing import Keyring, Person, SigningRules, load_rules, make_signatures, plan_signatures, verify_cms
from adapter.signing.plan import Plan
from adapter.signing.rules import KindRule, RoleRule
from adapter.signing.testkeys import make_keyring
from tests.signing import NOW, OGRN, SNILS

OID = "1.2.643.5.1.13.13.12.2.77.99999"
SECOND = "22222222290"
CREATED = datetime(2024, 2, 15, 10, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    folder = tmp_path_factory.mktemp("keys")
    return Keyring.load(make_keyring(folder, "rsa", [SNILS, SECOND], organisation=OID, ogrn=OGRN))


def rules(folder: Path, text: str) -> SigningRules:
    (folder / "mappings").mkdir(exist_ok=True)
    (folder / "mappings" / "signing.yaml").write_text(text, "utf-8")
    return load_rules(Catalogue(folder))


STRICT = """
default: {mark: inferred, people: [{role: "*", min: 1}], organisation: required}
kinds:
  "170":
    mark: official
    people:
      - {role: AUTHOR, min: 1, max: 1, posts: ["334"]}
      - {role: [DOCTOR, NURSE], min: 1}
    organisation: none
    from: 2024-01-01
    to: 2024-12-31
"""


def plan(
    keyring: Keyring,
    known: SigningRules,
    *people: Person,
    kind: str = "170",
    created: datetime = CREATED,
    oid: str = OID,
) -> Plan:
    return plan_signatures(
        kind, people, organisation=oid, ogrn=OGRN, keyring=keyring, rules=known, created=created, now=NOW
    )


def codes(made: Plan) -> list[str]:
    return [finding.code for finding in made.findings if finding.code != "SIG12"]


def test_people_sign_first_then_the_organisation(keyring: Keyring) -> None:
    doctor, chief = Person("222-222-222 90", "DOCTOR"), Person(SNILS, "HEAD_DOCTOR")
    made = plan(keyring, load_rules(Catalogue()), doctor, chief)
    assert made.ready
    assert codes(made) == []
    signatures = make_signatures(made, b"document", at=NOW)
    assert [one.person for one in signatures] == [doctor, chief, None]
    read = [verify_cms(one.data, b"document") for one in signatures]
    assert [one.certificate.subject_snils for one in read] == [SECOND, SNILS, ""]
    assert read[-1].certificate.subject_ogrn == OGRN
    assert {one.signing_time for one in read} == {NOW}


def test_a_person_signs_once(keyring: Keyring) -> None:
    made = plan(keyring, load_rules(Catalogue()), Person(SNILS, "AUTHOR"), Person("112-233-445 95", "DOCTOR"))
    assert [step.person and step.person.role for step in made.steps] == ["AUTHOR", None]


def test_nobody_to_sign(keyring: Keyring) -> None:
    made = plan(keyring, load_rules(Catalogue()))
    assert codes(made) == ["SIG20"]
    assert not made.ready
    with pytest.raises(SigningError, match="nobody"):
        make_signatures(made, b"document", at=NOW)


def test_keys_that_are_not_there(keyring: Keyring) -> None:
    made = plan(keyring, load_rules(Catalogue()), Person("00000000000", "DOCTOR"), oid="1.2.3")
    assert codes(made) == ["SIG22", "SIG23"]
    assert made.steps == ()
    assert "00000000000" not in str(made.findings)


def test_a_key_that_cannot_be_opened(tmp_path: Path) -> None:
    path = make_keyring(tmp_path / "k", "rsa", [SNILS], organisation=OID, ogrn=OGRN)
    (tmp_path / "k" / "person-1.key").write_bytes(b"broken")
    made = plan(Keyring.load(path), load_rules(Catalogue()), Person(SNILS, "DOCTOR"))
    assert codes(made) == ["SIG10"]
    assert not made.ready


def test_certificates_are_checked_on_both_dates(keyring: Keyring) -> None:
    made = plan(keyring, load_rules(Catalogue()), Person(SNILS, "DOCTOR"), created=datetime(2019, 1, 1, tzinfo=UTC))
    assert codes(made) == ["SIG01", "SIG01"]
    assert not made.ready


def test_the_organisation_is_compared(keyring: Keyring) -> None:
    made = plan_signatures(
        "170",
        [Person(SNILS, "DOCTOR")],
        organisation=OID,
        ogrn="1027700000009",
        keyring=keyring,
        rules=load_rules(Catalogue()),
        created=CREATED,
        now=NOW,
    )
    assert codes(made) == ["SIG06"]


def test_counts_of_roles(tmp_path: Path, keyring: Keyring) -> None:
    known = rules(tmp_path, STRICT)
    author, doctor = Person(SNILS, "AUTHOR", "334"), Person(SECOND, "DOCTOR")
    made = plan(keyring, known, author, doctor)
    assert (codes(made), made.ready) == ([], True)
    assert [step.person for step in made.steps] == [author, doctor]
    assert codes(plan(keyring, known, author)) == ["SIG20"]
    assert codes(plan(keyring, known, Person(SNILS, "AUTHOR", "7"), doctor)) == ["SIG24", "SIG20"]
    assert codes(plan(keyring, known, author, Person(SECOND, "SURGEON"))) == ["SIG24", "SIG20"]
    assert codes(plan(keyring, known, author, Person(SECOND, "AUTHOR", "334"))) == ["SIG21", "SIG20"]


def test_inferred_rules_only_warn(tmp_path: Path, keyring: Keyring) -> None:
    known = rules(tmp_path, STRICT.replace("mark: official", "mark: inferred"))
    made = plan(keyring, known, Person(SNILS, "SURGEON"))
    assert codes(made) == ["SIG24", "SIG20", "SIG20"]
    assert {finding.severity for finding in made.findings if finding.code != "SIG12"} == {Severity.WARNING}
    assert made.ready


@pytest.mark.parametrize(
    ("day", "organisation"), [("2023-12-31", True), ("2024-01-01", False), ("2024-12-31", False), ("2025-01-01", True)]
)
def test_rules_hold_between_their_days(tmp_path: Path, day: str, organisation: bool) -> None:
    rule = rules(tmp_path, STRICT).of("170", date.fromisoformat(day))
    assert (rule.organisation == "required") is organisation


def test_an_optional_signature_of_the_organisation(tmp_path: Path, keyring: Keyring) -> None:
    known = rules(tmp_path, STRICT.replace("organisation: required", "organisation: optional"))
    person = Person(SNILS, "DOCTOR")
    assert [step.person for step in plan(keyring, known, person, kind="204").steps] == [person, None]
    made = plan(keyring, known, person, kind="204", oid="1.2.3")
    assert ([step.person for step in made.steps], codes(made)) == ([person], [])


def test_the_shipped_rules_name_known_roles_and_kinds() -> None:
    from adapter.catalogue import read_plain
    from adapter.documents.kinds import load_kinds

    catalogue = Catalogue()
    known = load_rules(catalogue)
    roles = set(read_plain(catalogue.file("mappings/vocabulary.yaml"))["books"]["99.2.368"]["codes"])
    kinds = load_kinds(catalogue)
    for kind, rule in known.kinds.items():
        assert kinds.by_code(kind) is not None
        assert {role for line in rule.people for role in line.roles} <= roles


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        ("mark: official", "mark: officiall", 5, "official"),
        ("mark: official", "marc: official", 5, "mark"),
        ("organisation: none", "organisation: never", 9, "organisation"),
        ("min: 1, max: 1", "min: 2, max: 1", 7, "max is less"),
        ("min: 1, max: 1", "min: one", 7, "number"),
        ("min: 1, max: 1", "least: 1", 7, "least"),
        ("role: AUTHOR", "role: []", 7, "role"),
        ("from: 2024-01-01", "from: january", 10, "YYYY-MM-DD"),
        ("default:", "defaults:", 2, "default"),
    ],
)
def test_errors_in_the_rules_name_the_line(tmp_path: Path, old: str, new: str, line: int, expected: str) -> None:
    with pytest.raises(MappingError) as caught:
        rules(tmp_path, STRICT.replace(old, new, 1))
    assert caught.value.line == line
    assert expected in str(caught.value)


ROLES = st.sampled_from(["AUTHOR", "DOCTOR", "NURSE", "SURGEON"])


@settings(max_examples=100)
@given(
    people=st.lists(st.builds(Person, st.sampled_from([SNILS, SECOND, "00000000000"]), ROLES), max_size=6),
    lines=st.lists(
        st.builds(
            RoleRule,
            st.frozensets(ROLES, max_size=2),
            st.just(frozenset()),
            st.integers(0, 2),
            st.none() | st.integers(2, 3),
        ),
        min_size=1,
        max_size=3,
    ),
    organisation=st.sampled_from(["required", "optional", "none"]),
)
def test_a_ready_plan_keeps_its_rules(
    keyring: Keyring, people: list[Person], lines: list[RoleRule], organisation: str
) -> None:
    rule = KindRule(tuple(lines), organisation, "official")
    made = plan(keyring, SigningRules(rule, {}), *people)
    signers = [step.person for step in made.steps if step.person is not None]
    assert len({person.snils for person in signers}) == len(signers)
    assert [step.person for step in made.steps][len(signers) :] == ([] if organisation == "none" else [None])
    assert signers == [person for n, person in enumerate(people) if _first(people, n) and person.snils != "00000000000"]
    if not made.ready:
        return
    left = list(signers)
    for line in lines:
        counted = [person for person in left if line.admits(person.role, person.post)]
        assert line.least <= len(counted) <= (len(counted) if line.most is None else line.most)
        left = [person for person in left if person not in counted]
    assert left == []


def _first(people: list[Person], at: int) -> bool:
    return all(person.snils != people[at].snils for person in people[:at])


def test_warning_days_count_from_now(tmp_path: Path) -> None:
    path = make_keyring(tmp_path / "k", "rsa", [SNILS], organisation=OID, ogrn=OGRN)
    keyring = Keyring.load(path)
    signer = keyring.person(SNILS)
    assert signer is not None
    made = plan_signatures(
        "170",
        [Person(SNILS, "DOCTOR")],
        organisation=OID,
        keyring=keyring,
        rules=load_rules(Catalogue()),
        created=CREATED,
        now=signer.certificate.not_after - timedelta(days=3),
    )
    assert codes(made) == ["SIG03", "SIG03"]
    assert made.ready
