"""``mappings/books.yaml``: which elements are compared, and where a book departs from its passport."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from adapter.catalogue import Catalogue, read_plain
from adapter.errors import UsageError
from adapter.nsi.model import expand_oid
from adapter.xml import PREFIXES

FILE = "mappings/books.yaml"


class Override(BaseModel):
    """Where the check of a book departs from its passport; see the comments in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str | None = None
    value: str | None = None
    full_name: str | None = None
    skip_display_name: bool = False
    skip: bool = False


def _clark(name: str) -> str:
    """``identity:IdentityCardType`` → ``{urn:hl7-ru:identity}IdentityCardType``."""
    prefix, colon, local = name.rpartition(":")
    uris = {prefix: uri for uri, prefix in PREFIXES.items()}
    if prefix + colon not in uris:
        raise ValueError(f"unknown prefix {prefix}:")
    return f"{{{uris[prefix + colon]}}}{local}"


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tags: list[Annotated[str, AfterValidator(_clark)]]
    not_books: list[str]
    oid_pattern: Annotated[str, AfterValidator(_pattern)]
    version_pattern: Annotated[str, AfterValidator(_pattern)]
    books: dict[str, Override]


@dataclass(frozen=True, slots=True)
class Policy:
    """How coded elements are checked.

    Attributes:
        tags: names of the elements that are compared, in Clark notation.
        not_books: prefixes of OIDs that are not books of ФНСИ.
        oid, version: the shapes of a book's OID and version.
        overrides: by full OID.
    """

    tags: tuple[str, ...]
    not_books: tuple[str, ...]
    oid: re.Pattern[str]
    version: re.Pattern[str]
    overrides: dict[str, Override]

    def override(self, oid: str) -> Override:
        """The override of a book, an empty one where it follows its passport."""
        return self.overrides.get(oid, _NONE)


_NONE = Override()


def load_policy(catalogue: Catalogue) -> Policy:
    """Read the file.

    Raises:
        UsageError: the file is not YAML, repeats a key, or is not of the expected shape; names the file and the place.
    """
    path = catalogue.file(FILE)
    try:
        raw = _File.model_validate(read_plain(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise UsageError(f"{path}: {where}: {first['msg']}") from None
    return Policy(
        tags=tuple(raw.tags),
        not_books=tuple(raw.not_books),
        oid=re.compile(raw.oid_pattern),
        version=re.compile(raw.version_pattern),
        overrides={expand_oid(oid): override for oid, override in raw.books.items()},
    )
