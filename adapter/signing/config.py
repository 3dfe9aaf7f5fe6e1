"""``signing.yaml``: which keys there are and whom they serve. The form is documented in ``docs/reference/signing.md``.

The file holds no secret: passwords and tokens are named by the file or the environment variable that has them.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from adapter.errors import SigningError, UsageError
from adapter.findings import Text
from adapter.mapping.models import FileModel, validated
from adapter.mapping.yaml import load
from adapter.signing.certificate import digits
from adapter.signing.external import COMMAND_PLACEHOLDERS, PLACEHOLDER, REQUEST_PLACEHOLDERS

_OID: Final = r"^[0-2](?:\.(?:0|[1-9][0-9]*))+$"

Oid = Annotated[str, Field(pattern=_OID)]


class Secret(FileModel):
    """Where a secret is: a file (its last line break is not part of it) or an environment variable."""

    file: str = ""
    env: str = ""

    @model_validator(mode="after")
    def _one(self) -> Secret:
        if bool(self.file) == bool(self.env):
            raise ValueError("needs either file or env")
        return self

    def read(self, folder: Path) -> str:
        """The secret.

        Raises:
            SigningError: the file or the variable is not there.
        """
        if self.env:
            if self.env not in os.environ:
                raise SigningError(Text(f"переменной {self.env} нет", f"the variable {self.env} is not set"))
            return os.environ[self.env]
        path = folder / self.file
        try:
            return path.read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SigningError(Text(f"секрет {path} не читается", f"the secret {path} cannot be read")) from error


class _Entry(FileModel):
    name: Annotated[str, Field(min_length=1, description="name of the key, for messages")]
    certificate: Annotated[str, Field(min_length=1, description="certificate in PEM or DER")]
    person: Annotated[str, Field(description="СНИЛС of the person who signs with it")] = ""
    organisation: Annotated[tuple[Oid, ...], Field(description="OIDs in ФРМО of the organisations it signs for")] = ()
    ogrn: Annotated[str, Field(pattern=r"^(?:[0-9]{13})?$", description="ОГРН the subject must have")] = ""
    transport: Annotated[bool, Field(description="signs messages to ИПС")] = False

    @field_validator("person")
    @classmethod
    def _person(cls, value: str) -> str:
        snils = digits(value)
        if value and not re.fullmatch(r"[0-9]{11}", snils):
            raise ValueError("needs a СНИЛС of 11 digits in quotes")
        return snils

    @field_validator("organisation", mode="before")
    @classmethod
    def _organisation(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _serves(self) -> _Entry:
        if not (self.person or self.organisation or self.transport):
            raise ValueError("serves nobody: needs person, organisation or transport")
        return self


class FileKey(_Entry):
    """A key in a file: ``gost`` through OpenSSL, ``rsa`` for test stands."""

    method: Literal["gost", "rsa"]
    key: Annotated[str, Field(min_length=1, description="private key in PEM")]
    password: Annotated[Secret | None, Field(description="of the key")] = None


class CommandKey(_Entry):
    """A key that a program uses: CryptoPro, a hardware token."""

    method: Literal["command"]
    command: Annotated[tuple[str, ...], Field(min_length=1, description="makes a container")]
    raw_command: Annotated[tuple[str, ...], Field(description="makes a plain signature")] = ()
    timeout: Annotated[float, Field(gt=0, description="seconds")] = 60.0

    @field_validator("command", "raw_command", mode="before")
    @classmethod
    def _arguments(cls, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(part, str | int) for part in value):
            raise ValueError("needs a list of arguments, program first (no shell reads it)")
        arguments = tuple(str(part) for part in value)
        _check_placeholders(arguments, COMMAND_PLACEHOLDERS)
        return arguments

    @field_validator("timeout", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return _seconds(value)


class HttpKey(_Entry):
    """A key of a signing service."""

    method: Literal["http"]
    url: Annotated[str, Field(pattern=r"^https?://", description="where to post")]
    request: Annotated[dict[str, str], Field(min_length=1, description="fields of the JSON object that is posted")] = {  # noqa: RUF012 - pydantic copies it
        "content": "{content}"
    }
    answer: Annotated[str, Field(description="field of the answer with the signature in base64")] = "signature"
    token: Annotated[Secret | None, Field(description="sent as Authorization: Bearer")] = None
    ca: Annotated[str, Field(description="certificates of the service's authority, PEM")] = ""
    timeout: Annotated[float, Field(gt=0, description="seconds")] = 60.0

    @field_validator("request")
    @classmethod
    def _placeholders(cls, value: dict[str, str]) -> dict[str, str]:
        used = _check_placeholders(tuple(value.values()), REQUEST_PLACEHOLDERS)
        if len(used & {"content", "digest"}) != 1:
            raise ValueError("needs either {content} or {digest}")
        return value

    @field_validator("timeout", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return _seconds(value)


Entry = FileKey | CommandKey | HttpKey


class SigningFile(FileModel):
    """The whole file."""

    warn_days: Annotated[int, Field(ge=0, description="days before its end at which a certificate is warned of")] = 30
    keys: Annotated[
        tuple[Annotated[Entry, Field(discriminator="method")], ...], Field(min_length=1, description="the keys")
    ]

    @field_validator("keys", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _names(self) -> SigningFile:
        if len({entry.name for entry in self.keys}) != len(self.keys):
            raise ValueError("two keys have the same name")
        return self


def load_config(path: Path) -> tuple[SigningFile, tuple[int, ...]]:
    """Read a file.

    Returns:
        the file, and the line of each key.

    Raises:
        UsageError: there is no such file.
        MappingError: something in it is wrong; names file and line.
    """
    if not path.is_file():
        raise UsageError(
            Text(
                f"нет файла ключей {path} (EGISZ_SIGNING); для пробы: egisz sign test-keys ПАПКА",
                f"there is no file of keys {path} (EGISZ_SIGNING); to try: egisz sign test-keys DIR",
            )
        )
    raw = load(path)
    config = validated(raw, SigningFile, names=_NAMES, tags=_METHODS, problems=_PROBLEMS)
    return config, tuple(entry.spot[0] for entry in raw["keys"])


_NAMES: Final = sorted({name for model in (SigningFile, FileKey, CommandKey, HttpKey) for name in model.model_fields})
_METHODS: Final = ("gost", "rsa", "command", "http")
_PROBLEMS: Final = {
    "union_tag_invalid": Text("method: gost, rsa, command или http", "method: gost, rsa, command or http"),
    "union_tag_not_found": Text(
        "не задан method: gost, rsa, command или http", "method is missing: gost, rsa, command or http"
    ),
}


def _check_placeholders(texts: tuple[str, ...], known: frozenset[str]) -> set[str]:
    used = {found for text in texts for found in PLACEHOLDER.findall(text)}
    if used - known:
        listed = ", ".join(f"{{{name}}}" for name in sorted(known))
        raise ValueError(f"unknown placeholder; known: {listed}")
    return used


def _seconds(value: Any) -> Any:
    # The reader of YAML keeps fractions as text.
    if isinstance(value, bool) or not isinstance(value, int | str):
        return value
    try:
        return float(value)
    except ValueError:
        raise ValueError("needs a number of seconds") from None
