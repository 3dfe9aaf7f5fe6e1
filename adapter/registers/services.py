"""Services of registers as data (``mappings/services``): which products they take, how, and what their answers mean.

A service takes the messages of its products by operations. What is particular to a protocol is one of the forms
(:mod:`adapter.registers.delivery`); everything else stands in the files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from adapter.catalogue import Catalogue
from adapter.findings import Text
from adapter.mapping.models import FileModel, validated
from adapter.mapping.yaml import load
from adapter.transport.errors import ErrorClass

FOLDER: Final = "mappings/services"


class Number(FileModel):
    """Where an answer has the number of a record: one of the three.

    Attributes:
        constant: what is kept where the service gives none.
        json_pointer: RFC 6901.
        xml: local name of the first element with it.
    """

    constant: str = ""
    json_pointer: Annotated[str, Field(alias="json", pattern=r"^(/[^/]+)*$")] = ""
    xml: str = ""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(map(bool, (self.constant, self.json_pointer, self.xml))) != 1:
            raise ValueError("needs one of constant, json, xml")
        return self


class Question(FileModel):
    """A GET with the parameters of the message, asked before it (whether the record is there) or after it.

    Attributes:
        path: by default that of the operation.
        number: of the record, in the answer.
    """

    path: str = ""
    number: Number


class Operation(FileModel):
    """How an operation is called.

    Attributes:
        method, path: of HTTP; placeholders ``{name}`` are of the key. By default the name of the operation has them.
        action: SOAPAction.
        number: of the record, in the answer.
        before: what is asked first; a record that is there makes the message a change of it.
        after: what is asked once the register has taken the message.
    """

    method: Literal["", "POST", "PUT", "DELETE"] = ""
    path: str = ""
    action: str = ""
    number: Number | None = None
    before: Question | None = None
    after: Question | None = None


class ErrorRule(FileModel):
    """What an answer that says no means.

    Attributes:
        match: expression found in the text of the answer; its group ``number`` is that of the record.
        code: that the service gives; with ``match``, the code that such a text is told by.
        status: of HTTP.
        operations: those that it is about; all by default.
        error_class: see :class:`~adapter.transport.errors.ErrorClass`; ``done``: the register has the record.
        number: of the record, where the text does not tell it.
        then: ``change``: the message is made anew with the number and sent once more; ``registered``: nothing is left.
        ru, en: what it means, and what is done.
    """

    match: str = ""
    code: str = ""
    status: tuple[int, ...] = ()
    operations: tuple[str, ...] = ()
    error_class: Annotated[ErrorClass, Field(alias="class", strict=False)]
    number: Number | None = None
    then: Literal["change", "registered"] = "change"
    ru: str
    en: str

    @field_validator("status", "operations", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("match")
    @classmethod
    def _expression(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error:
            raise ValueError("match is no regular expression") from None
        return value

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.match or self.code or self.status):
            raise ValueError("needs match, code or status")
        return self

    @cached_property
    def expression(self) -> re.Pattern[str] | None:
        """``match``, compiled."""
        return re.compile(self.match, re.IGNORECASE) if self.match else None

    @property
    def text(self) -> Text:
        """What it means."""
        return Text(self.ru, self.en)


class ServiceProduct(FileModel):
    """A product that a service takes.

    Attributes:
        scope: products with the same one share the numbers of records; by default the product has its own.
        needs: ``number``: it can only be sent once the number of its record is known.
        endpoint: which address of the service takes it, where there are several.
    """

    scope: str = ""
    needs: Literal["", "number"] = ""
    endpoint: str = ""


Authentication = Literal["none", "bearer", "jwt", "guid"]


class Service(FileModel):
    """A service of a register.

    Attributes:
        id: by which the organisation's file names it.
        form: ``rest``, ``soap`` (1.1, the message is the element of the Body) or ``file``.
        endpoints: names of its addresses, where there are several.
        authentication: that it knows; the first is what it expects.
        parameters: what is in the key, but for ``record``, are parameters of the address.
        remark: where an answer may have a remark about what was taken: a JSON pointer, or the local name of an element.
        products: in the order in which messages about one thing leave.
    """

    id: Annotated[str, Field(alias="service", pattern=r"^[a-z0-9-]+$")]
    form: Literal["rest", "soap", "file"]
    endpoints: tuple[str, ...] = ()
    authentication: Annotated[tuple[Authentication, ...], Field(min_length=1)]
    parameters: bool = False
    remark: str = ""
    products: Annotated[dict[str, ServiceProduct], Field(min_length=1)]
    operations: Annotated[dict[str, Operation], Field(min_length=1)]
    errors: tuple[ErrorRule, ...] = ()

    @field_validator("endpoints", "authentication", "errors", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _endpoints(self) -> Self:
        if any(product.endpoint not in (self.endpoints or ("",)) for product in self.products.values()):
            raise ValueError("a product names an endpoint that is not among the endpoints")
        return self

    def scope(self, product: str) -> str:
        """Whose numbers a product shares."""
        return self.products[product].scope or product

    def needs_number(self, product: str) -> bool:
        """It can only be sent once the number of its record is known."""
        return self.products[product].needs == "number"

    def rank(self, product: str) -> int:
        """Its place in the order of the service."""
        return list(self.products).index(product)


@dataclass(frozen=True, slots=True)
class Services:
    """All services, by id and by product."""

    by_id: Mapping[str, Service]
    by_product: Mapping[str, Service]

    @classmethod
    def load(cls, catalogue: Catalogue) -> Services:
        """Read ``mappings/services/*.yaml``.

        Raises:
            MappingError: a file is wrong, or a product is of two services.
        """
        by_id: dict[str, Service] = {}
        by_product: dict[str, Service] = {}
        for name, path in catalogue.files(FOLDER).items():
            raw = load(path, f"{FOLDER}/{name}")
            service = validated(raw, Service, names=_NAMES)
            by_id[service.id] = service
            for product in service.products:
                if product in by_product:
                    raise raw.error(
                        f"продукт {product} уже у службы {by_product[product].id}",
                        f"the product {product} is of the service {by_product[product].id}",
                        value="products",
                    )
                by_product[product] = service
        return cls(by_id, by_product)

    def of(self, product: str) -> Service | None:
        """The service that takes a product; ``None`` for a document and for what no service takes."""
        return self.by_product.get(product)

    def rank(self, product: str) -> tuple[str, int]:
        """For sorting: what one service takes stands together, in its order."""
        service = self.of(product)
        return (service.id, service.rank(product)) if service else ("", 0)


_NAMES: Final = {
    field.alias or name
    for model in (Number, Question, Operation, ErrorRule, ServiceProduct, Service)
    for name, field in model.model_fields.items()
}
