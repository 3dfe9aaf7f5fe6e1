"""The stand over HTTP: РЭМД takes any POST, registers have paths of their own; ``/admin`` tells and sets faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapter.catalogue import Catalogue
from adapter.documents.kinds import load_kinds
from adapter.errors import UsageError
from adapter.stand.callbacks import PARTS, Callbacks
from adapter.stand.checks import Checks
from adapter.stand.faults import Faults
from adapter.stand.processing import Processing, Timing
from adapter.stand.registers.desk import Desk
from adapter.stand.registers.desk import routes as register_routes
from adapter.stand.registers.faults import RegisterFaults, split
from adapter.stand.registers.listed import register_services
from adapter.stand.registers.state import Store
from adapter.stand.registry import Registry
from adapter.stand.service import Entrance, Service
from adapter.stand.validation import NoValidator, ProcessValidator, Validator
from adapter.transport.content import DEFAULT_CHECKSUM, Checksum
from adapter.transport.http import AioHttp, Http
from adapter.transport.security import Security

if TYPE_CHECKING:
    from adapter.signing.port import Signer


def _now() -> datetime:
    return datetime.now().astimezone()


@dataclass(frozen=True, slots=True)
class Options:
    """A stand.

    Attributes:
        address: where it is, for ``ReplyTo``.
        callback: where results go if a message names no address.
        file: its state; ``None`` keeps it in memory.
        faults: see :mod:`adapter.stand.faults`; with a colon: of registers, :mod:`adapter.stand.registers.faults`.
        timing: delays.
        entrance: whom it lets in.
        organisations: OIDs of those that ФРМО of the stand knows; empty: any.
        certificates, closed_kinds: see :class:`adapter.stand.checks.Checks`.
        validate: check documents with the conformance engine.
        signer: signs messages to a МИС.
        checksum: of files and signatures.
        clock: now, aware.
    """

    address: str = "http://127.0.0.1:8090/"
    callback: str = ""
    file: Path | None = None
    faults: Sequence[str] = ()
    timing: Timing = field(default_factory=Timing)
    entrance: Entrance = field(default_factory=Entrance)
    organisations: frozenset[str] = frozenset()
    certificates: bool = False
    closed_kinds: bool = False
    validate: bool = True
    signer: Signer | None = None
    checksum: Checksum = DEFAULT_CHECKSUM
    clock: Callable[[], datetime] = _now


def create_stand(options: Options, *, http: Http | None = None) -> Starlette:
    """The application of a stand.

    Args:
        options: of the stand.
        http: sends its messages; of its own by default.

    Raises:
        UsageError: a fault is unknown.
    """
    of_documents, of_registers = split(options.faults)
    faults, signed = Faults(of_documents), options.entrance.verifier is not None
    registers = register_services(signed=signed, organisations=options.organisations)
    register_faults = RegisterFaults([service.id for service in registers], of_registers)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        own = AioHttp() if http is None else None
        registry = Registry(options.file)
        validator: Validator = ProcessValidator() if options.validate else NoValidator()
        service = _service(options, faults, registry, validator, http or own)  # type: ignore[arg-type] # one of the two is there
        app.state.service = service
        store = Store(options.file)
        app.state.desk = Desk(registers, store, register_faults, options.clock)
        service.processing.resume()
        try:
            yield
        finally:
            await service.processing.stop()
            if isinstance(validator, ProcessValidator):
                await asyncio.to_thread(validator.close)
            if own is not None:
                await own.close()
            store.close()
            registry.close()

    routes = [
        Route("/health", _health),
        Route("/admin/documents", _documents),
        Route("/admin/documents/{local_uid}/file", _file),
        Route("/admin/faults", _faults, methods=["PUT"]),
        *register_routes(_desk),
        Route("/{path:path}", _message, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _service(options: Options, faults: Faults, registry: Registry, validator: Validator, http: Http) -> Service:
    security = None if options.signer is None else Security(options.signer, parts=PARTS)
    callbacks = Callbacks(http, options.address, security=security, checksum=options.checksum)
    checks = Checks(load_kinds(Catalogue()), options.checksum, options.certificates, options.closed_kinds)
    processing = Processing(registry, checks, callbacks, validator, options.clock, options.timing, options.callback)
    return Service(registry, processing, faults, options.entrance, options.clock, options.callback)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


async def _message(request: Request) -> Response:
    service: Service = request.app.state.service
    reply = await service.handle(await request.body())
    return Response(reply.body, reply.status, media_type=reply.content_type)


async def _health(request: Request) -> Response:
    service: Service = request.app.state.service
    return JSONResponse({"messages": service.registry.counts()})


async def _documents(request: Request) -> Response:
    """What is registered, in order, without the files."""
    service: Service = request.app.state.service
    listed = []
    for document in service.registry.documents():
        facts = asdict(document)
        del facts["file"]
        listed.append(facts)
    return JSONResponse({"documents": listed})


async def _file(request: Request) -> Response:
    service: Service = request.app.state.service
    document = service.registry.document(request.path_params["local_uid"])
    return Response(status_code=404) if document is None else Response(document.file, media_type="application/xml")


async def _faults(request: Request) -> Response:
    """Other faults: a JSON list of texts, as ``--fault`` takes them."""
    service: Service = request.app.state.service
    registers = _desk(request).faults
    try:
        of_documents, of_registers = split(str(text) for text in json.loads(await request.body()))
        wanted = Faults(of_documents)
        registers.replace(of_registers)
        service.faults.active = wanted.active
    except (ValueError, TypeError, UsageError) as error:
        return JSONResponse({"error": str(error)}, 400)
    active = [f"{one.name}={one.argument}" for one in service.faults.active]
    return JSONResponse({"faults": active + registers.active()})
