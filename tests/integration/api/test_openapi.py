"""The application keeps to its OpenAPI, over real HTTP, whatever is sent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.integration.api.conftest import Api, application

#: Each operation gets so many requests; the same ones in every run.
EXAMPLES = 20


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[str]:
    """The application at a real address."""
    app = application(tmp_path_factory.mktemp("served"), database_url)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_every_operation_keeps_to_the_schema(address: str, api: Api) -> None:
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 10
    for operation in operations:
        _exercise(operation, api)


def _exercise(operation: Any, api: Api) -> None:
    @hypothesis.seed(1)
    @hypothesis.settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @hypothesis.given(case=operation.as_strategy())
    def exercise(case: Any) -> None:
        # The same secret and the same database as the application that was asked.
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, excluded_checks=excluded)

    token = api.token("mis")
    # What a Bundle must hold to ask for something is FHIR's to say, not OpenAPI's.
    excluded = [positive_data_acceptance] if operation.method == "post" else []
    exercise()
