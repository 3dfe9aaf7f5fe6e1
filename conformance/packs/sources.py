"""Sources that packs can be downloaded from: ``conformance/sources.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

from adapter.errors import UsageError
from adapter.findings import Text
from conformance.packs.manifest import FileName, Sha256
from conformance.packs.model import KIND

_FILE = Path(__file__).parents[1] / "sources.yaml"


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Mapping[Literal["ru", "en"], str]
    certainty: Literal["known", "inferred"]
    base_url: Annotated[str, Field(pattern=r"^https?://")]


class FileSource(_Source):
    """A source that gives every file by itself, pinned.

    Attributes:
        schematron: path of ``<kind>.sch``.
        schema: path of every other file.
        kinds: kind → file name in the pack → sha256.
    """

    form: Literal["files"]
    schematron: str
    schema_path: str = Field(alias="schema")
    kinds: Mapping[str, Mapping[FileName, Sha256]]

    def paths(self, kind: str) -> dict[str, str]:
        """File name in the pack → path below the base address."""
        return {
            file: (self.schematron if file == f"{kind}.sch" else self.schema_path).format(kind=kind, file=file)
            for file in self.kinds[kind]
        }


class ArchiveSource(_Source):
    """A source that gives a zip of a guide's repository; ``archives`` are paths to try in turn."""

    form: Literal["archive"]
    archives: tuple[str, ...]

    def paths(self, guide: str) -> list[str]:
        """Paths below the base address for the guide with that OID, percent-encoded."""
        line = guide.rpartition(".")[0]
        return [path.format(guide=guide, guide_line=line) for path in self.archives]


Source = FileSource | ArchiveSource


class _Sources(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: Mapping[str, Annotated[Source, Field(discriminator="form")]]


@lru_cache(maxsize=1)
def load_sources() -> Mapping[str, Source]:
    """All sources by name, in the order in which they are tried."""
    return _Sources.model_validate(YAML(typ="safe").load(_FILE)).sources


def choose(kind: str, guide: str, name: str | None) -> tuple[str, Source]:
    """The source for a kind: the one called ``name``, or the first that knows the kind.

    Args:
        guide: OID of the implementation guide; empty where the kind has none.

    Raises:
        UsageError: no such source, or it does not have the kind.
    """
    sources = load_sources()
    if name is not None and name not in sources:
        names = ", ".join(sources)
        raise UsageError(Text(f"Нет источника {name}; есть: {names}", f"No source {name}; there are: {names}"))
    for known, source in sources.items():
        if name in (None, known) and _has(source, kind, guide):
            return known, source
    raise UsageError(
        Text(
            f"Вид {kind} неоткуда скачать" + (f" (источник {name})" if name else ""),
            f"There is nowhere to download kind {kind} from" + (f" (source {name})" if name else ""),
        )
    )


def _has(source: Source, kind: str, guide: str) -> bool:
    if not KIND.fullmatch(kind):
        return False
    return kind in source.kinds if isinstance(source, FileSource) else bool(guide)
