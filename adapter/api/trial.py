"""``$convert`` and ``$validate``: what would become of a Bundle, at once, for developers of senders."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from adapter.convert import Converter
from adapter.errors import InputError, RequestRefused
from adapter.fhir import FhirLimits, operation_outcome, read


class Trial:
    """Converts in threads or processes of ``executor``, so that the endpoint goes on answering.

    Args:
        converter: the converter of an organisation, by its OID.
    """

    def __init__(self, converter: Callable[[str], Converter], executor: Executor | None = None) -> None:
        self._converter, self._executor = converter, executor

    async def run(
        self, data: bytes, organisation: str, version: str | None, products: tuple[str, ...], *, documents: bool
    ) -> dict[str, Any]:
        """Parameters with the documents and their outcomes, or without ``documents`` one OperationOutcome.

        Raises:
            RequestRefused: 400, nothing can be read.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._run, data, organisation, version, products, documents)

    def _run(
        self, data: bytes, organisation: str, version: str | None, products: tuple[str, ...], documents: bool
    ) -> dict[str, Any]:
        try:
            readings = read(data, version=version, limits=FhirLimits.configured())
        except InputError as error:
            raise RequestRefused(400, (error.finding,)) from None
        converter = self._converter(organisation)
        conversions = [converter.convert(reading, products=products) for reading in readings]
        made = [one for conversion in conversions for one in conversion.documents]
        found = [one for conversion in conversions for one in conversion.findings]
        if not documents:
            return operation_outcome([*found, *(finding for one in made for finding in one.findings)])
        parameters: list[dict[str, Any]] = [{"name": "outcome", "resource": operation_outcome(found)}]
        for document in made:
            parts: list[dict[str, Any]] = [
                {"name": "kind", "valueCode": document.kind},
                {"name": "route", "valueString": document.route},
                {"name": "accepted", "valueBoolean": document.ok},
                {"name": "outcome", "resource": operation_outcome(document.findings)},
            ]
            if document.ok and document.data is not None:
                content = base64.b64encode(document.data).decode()
                parts.append(
                    {
                        "name": "document",
                        "resource": {"resourceType": "Binary", "contentType": "application/xml", "data": content},
                    }
                )
            parameters.append({"name": "product", "part": parts})
        return {"resourceType": "Parameters", "parameter": parameters}
