"""How an organisation is served: the part ``fer`` of its file; and the words of answers, ``mappings/fer.yaml``.

::

    fer:
      fhir: {url: "https://mis.clinic/fhir", token: {file: secrets/mis}}
      networks: ["10.1.0.0/16"]
      certificates: ["<SHA-256 of the certificate of ФЭР, hexadecimal>"]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, field_validator

from adapter.catalogue import Catalogue
from adapter.findings import Text
from adapter.mapping.models import FileModel, validated
from adapter.mapping.yaml import Map, load
from adapter.registers.contacts import Url
from adapter.signing.config import Oid, Secret

FACTS: Final = "mappings/fer.yaml"
XSD: Final = "mappings/registers/schemas/fer/fer.xsd"


class Server(FileModel):
    """The FHIR server of the МИС.

    Attributes:
        url: its base.
        token: of a bearer; without one no header is sent.
    """

    url: Url
    token: Secret | None = None


class State(FileModel):
    """What ФЭР calls a state of an Appointment, for UpdateAppointmentStatus."""

    status: Annotated[str, Field(min_length=1)]
    code: Annotated[str, Field(min_length=1)]


class Part(FileModel):
    """The part ``fer`` of the file of an organisation.

    Attributes:
        fhir: without it ФЭР is not served.
        networks: from which ФЭР may call; by default this machine alone.
        certificates: SHA-256 fingerprints of certificates of ФЭР, which a proxy has verified.
        organisations: OIDs where one can book; by default the organisation's own.
        session_minutes: how long a Session_ID is remembered. [placeholder]
        statuses: see there.
    """

    fhir: Server | None = None
    networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    certificates: tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...] = ()
    organisations: tuple[Oid, ...] = ()
    session_minutes: Annotated[int, Field(ge=1, le=1440)] = 60
    statuses: tuple[State, ...] = ()

    @field_validator("networks", "certificates", "organisations", "statuses", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("certificates", mode="before")
    @classmethod
    def _fingerprints(cls, value: Any) -> Any:
        """As they are written, with colons or without."""
        if not isinstance(value, list):
            return value
        return [one.replace(":", "").lower() if isinstance(one, str) else one for one in value]


class _File(FileModel):
    fer: Part


@dataclass(frozen=True, slots=True)
class Configured:
    """How an organisation is served, and the folder of its file, where relative paths of secrets begin."""

    part: Part
    folder: Path

    def headers(self) -> dict[str, str]:
        """Headers of every request to the FHIR server.

        Raises:
            SigningError: the token cannot be read.
        """
        assert self.part.fhir is not None, "served"
        token = self.part.fhir.token
        return {} if token is None else {"Authorization": f"Bearer {token.read(self.folder).strip()}"}


_NAMES: Final = {name for model in (Part, Server, State, Secret) for name in model.model_fields}


def read_part(path: Path, name: str = "") -> Configured | None:
    """The part ``fer`` of the file of an organisation; ``None`` where it has none.

    Raises:
        MappingError: it is wrong.
    """
    raw = load(path, name or str(path))
    if raw.get("fer") is None:
        return None
    only = Map(raw.file, raw.spot)
    only["fer"], only.spots["fer"] = raw["fer"], raw.spots["fer"]
    return Configured(validated(only, _File, names=_NAMES).fer, path.parent)


def served(folder: Path, oid: str) -> Configured | None:
    """How an organisation is served by its file ``<OID>.yaml`` in a folder; ``None``: it is not.

    Args:
        oid: of an address that anybody may call: a name of a file only where it is an OID.

    Raises:
        MappingError: its file is wrong.
    """
    path = folder / f"{oid}.yaml"
    if not oid.replace(".", "").isdigit() or not path.is_file():
        return None
    found = read_part(path)
    return found if found is not None and found.part.fhir is not None else None


class Word(FileModel):
    """What an answer says: Status_Code and Comment."""

    code: Annotated[str, Field(min_length=1)]
    text: Annotated[str, Field(min_length=1)]


class Facts(FileModel):
    """Words of the service.

    Attributes:
        names: operations of version 1 → their name in version 2.
        statuses: by the name that the adapter has for what happened.
    """

    names: Mapping[str, str]
    statuses: Mapping[str, Word]


STATUSES: Final = (
    "done",
    "no-patient",
    "several-patients",
    "no-session",
    "no-slot",
    "taken",
    "past",
    "no-booking",
    "not-cancellable",
)


def load_facts(catalogue: Catalogue) -> Facts:
    """The words of answers.

    Raises:
        MappingError: the file is wrong.
    """
    raw = load(catalogue.file(FACTS), FACTS)
    facts = validated(raw, Facts, names={*Facts.model_fields, *Word.model_fields, *STATUSES})
    absent = [name for name in STATUSES if name not in facts.statuses]
    if absent:
        text = Text(f"нет состояний: {', '.join(absent)}", f"states are missing: {', '.join(absent)}")
        raise raw.error(text.ru, text.en, key="statuses")
    return facts
