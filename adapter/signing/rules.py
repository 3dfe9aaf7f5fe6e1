"""Who signs which kind (``mappings/signing.yaml``, the form of НСИ 99.2.42), and the plan for one document."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from adapter.catalogue import Catalogue
from adapter.findings import Severity, Text
from adapter.mapping.yaml import Map, load

FILE: Final = "mappings/signing.yaml"
_ANY: Final = "*"
_MARKS: Final = ("official", "observed", "inferred")
_ORGANISATION: Final = ("required", "optional", "none")


@dataclass(frozen=True, slots=True)
class RoleRule:
    """One line of the rules of a kind.

    Attributes:
        roles: codes of 99.2.368; empty: any.
        posts: codes of 11.1002 that the role needs; empty: any.
        least, most: number of signatures; ``most`` ``None``: any number.
    """

    roles: frozenset[str]
    posts: frozenset[str]
    least: int
    most: int | None

    def admits(self, role: str, post: str) -> bool:
        """Whether a signature counts for this line."""
        return (not self.roles or role in self.roles) and (not self.posts or post in self.posts)

    @property
    def label(self) -> str:
        """The roles, for messages."""
        return ", ".join(sorted(self.roles)) or _ANY


@dataclass(frozen=True, slots=True)
class KindRule:
    """The rules of a kind.

    Attributes:
        people: lines in the order of the file.
        organisation: ``required``, ``optional`` or ``none``.
        mark: ``official``, ``observed`` or ``inferred``.
        first, last: days between which they hold, ``None``: no limit.
    """

    people: tuple[RoleRule, ...]
    organisation: str
    mark: str
    first: date | None = None
    last: date | None = None

    @property
    def severity(self) -> Severity:
        """Of what breaks them."""
        return Severity.WARNING if self.mark == "inferred" else Severity.ERROR

    def holds_on(self, day: date) -> bool:
        """Whether the rules hold for a document of ``day``."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class SigningRules:
    """All rules."""

    default: KindRule
    kinds: Mapping[str, KindRule]

    def of(self, kind: str, day: date) -> KindRule:
        """The rules for a document of a kind (code of 11.1520) created on ``day``."""
        rule = self.kinds.get(kind)
        return rule if rule is not None and rule.holds_on(day) else self.default


def load_rules(catalogue: Catalogue) -> SigningRules:
    """Read ``mappings/signing.yaml``.

    Raises:
        MappingError: something in it is wrong; names file, line and column.
    """
    raw = load(catalogue.file(FILE), FILE)
    raw.check_keys(("default", "kinds"), Text("ключ", "key"))
    kinds = raw.get("kinds") or Map(FILE, raw.spot)
    if not isinstance(kinds, Map):
        raise raw.error("нужны виды с правилами", "kinds with their rules are needed", value="kinds")
    return SigningRules(_kind(raw, "default"), {kind: _kind(kinds, kind) for kind in kinds})


def _kind(parent: Map, key: str) -> KindRule:
    raw = parent.get(key)
    if not isinstance(raw, Map):
        raise parent.error(f"нужны правила «{key}»", f"rules «{key}» are needed", value=key)
    raw.check_keys(("mark", "people", "organisation", "from", "to"), Text("ключ", "key"))
    people = raw.get("people")
    if not isinstance(people, list) or not people or not all(isinstance(line, Map) for line in people):
        raise raw.error("people: нужен список строк", "people: a list of lines is needed", value="people")
    return KindRule(
        tuple(_line(line) for line in people),
        _choice(raw, "organisation", _ORGANISATION),
        _choice(raw, "mark", _MARKS),
        _day(raw, "from"),
        _day(raw, "to"),
    )


def _line(raw: Map) -> RoleRule:
    raw.check_keys(("role", "posts", "min", "max"), Text("ключ", "key"))
    role = raw.get("role")
    roles = [role] if isinstance(role, str) else role
    if not isinstance(roles, list) or not roles:
        raise raw.error('нужна роль, список ролей или "*"', 'a role, a list of roles, or "*" is needed', value="role")
    least, most = _count(raw, "min") or 0, _count(raw, "max")
    if most is not None and most < least:
        raise raw.error("max меньше min", "max is less than min", value="max")
    names = frozenset(str(name) for name in roles)
    posts = frozenset(str(post) for post in raw.get("posts") or ())
    return RoleRule(frozenset() if _ANY in names else names, posts, least, most)


def _count(raw: Map, key: str) -> int | None:
    value = raw.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise raw.error(f"{key}: нужно число", f"{key}: a number is needed", value=key)
    return value


def _choice(raw: Map, key: str, known: Sequence[str]) -> str:
    value = str(raw.get(key, ""))
    if value not in known:
        near = difflib.get_close_matches(value, known, n=1) or known
        listed = ", ".join(near)
        raise raw.error(f"{key}: ожидается {listed}", f"{key}: expected {listed}", value=key)
    return value


def _day(raw: Map, key: str) -> date | None:
    value: Any = raw.get(key)
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise raw.error(f"{key}: нужен день ГГГГ-ММ-ДД", f"{key}: a day YYYY-MM-DD is needed", value=key) from None
