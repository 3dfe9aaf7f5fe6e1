"""``pack.json`` of a published folder: what it says about the pack, and the digests that bind its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from adapter.documents.kinds import TemplateId
from conformance.packs.model import KIND, PACK_JSON, refuse


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class _Template(_Declared):
    root: str
    document_code: str = ""


class _Schema(_Declared):
    entry: str


class PackJson(_Declared):
    """The part of ``pack.json`` that is used.

    Attributes:
        code: the kind.
        title: official title of the kind.
        template_id: templates, each with the document code it belongs to.
        xsd: entry of the XSD set.
        sha256: digest of each file by name, hexadecimal.
    """

    code: Annotated[str, Field(pattern=f"^{KIND.pattern}$")]
    title: str = ""
    template_id: tuple[_Template, ...] = ()
    xsd: _Schema | None = None
    sha256: Mapping[str, str] = Field(default_factory=dict)

    @property
    def templates(self) -> tuple[TemplateId, ...]:
        """The templates as the pack model has them."""
        return tuple(TemplateId(item.root, item.document_code) for item in self.template_id)

    def check(self, digests: Mapping[str, str]) -> None:
        """Hold the files to the digests given here.

        Raises:
            PackError: a file is missing or differs; names it.
        """
        for name, expected in sorted(self.sha256.items()):
            if name not in digests:
                raise refuse(name, f"нет файла, названного в {PACK_JSON}", f"{PACK_JSON} names it, but it is missing")
            if digests[name] != expected.lower():
                raise refuse(
                    name,
                    f"содержимое не то: sha256 не совпадает с {PACK_JSON}",
                    f"the content differs: sha256 is not the one in {PACK_JSON}",
                )


def read_pack_json(place: str, data: bytes) -> PackJson:
    """Read ``pack.json`` of the folder ``place``.

    Raises:
        PackError: not JSON, or a field of another shape.
    """
    try:
        return PackJson.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or first["type"]
        raise refuse(f"{place}/{PACK_JSON}", f"не понятен: {field}", f"cannot be understood: {field}") from error
