"""Conversion in processes of its own: it holds the interpreter, and the API has to answer meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING, Final, TypeVar

from adapter.errors import EgiszError, EnvironmentProblem, InputError, InternalError
from adapter.facts import II
from adapter.findings import Finding, Text
from adapter.pipeline.ports import Made, MadeDocument, MadeMessage, Numbers

if TYPE_CHECKING:
    from adapter.convert import Converter, Document
    from adapter.registers.messages import Message
    from adapter.registers.services import Services

Result = TypeVar("Result")
_DIED = Text("процесс преобразования завершился аварийно", "the process that converts has died")
_HUNG = Text("преобразование не закончилось вовремя", "the conversion did not end in time")
#: Seconds for a conversion, which takes thousandths of one; the first of a process loads the catalogue.
LIMIT: Final = 300.0
#: Seconds that a stop waits for the conversions at hand.
_GRACE: Final = 30.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A conversion that could not be done: an error that can cross to another process, without its values.

    Attributes:
        bug: it is one of ours; ``text`` is then the type of the error alone.
    """

    text: Text
    bug: bool


class ProcessMaker:
    """Converts in processes, each with a converter that it makes for its first Bundle.

    Args:
        processes: how many.
        limit: seconds for a conversion; the process of one that takes longer is killed.
    """

    def __init__(self, processes: int = 1, limit: float = LIMIT) -> None:
        self._processes, self._limit = processes, limit
        self._pool: ProcessPoolExecutor | None = None
        # One more than there are processes, so that none waits for the next; the limit is not for a queue.
        self._slots = asyncio.Semaphore(processes + 1)

    async def make(
        self, data: bytes, *, fhir_version: str, organisation: str, versions: Mapping[II, int] | None = None
    ) -> Made:
        """See :class:`adapter.pipeline.ports.Maker`."""
        return await self.do(make, data, fhir_version, organisation, dict(versions or {}))

    async def messages(
        self, data: bytes, *, fhir_version: str, organisation: str, numbers: Numbers
    ) -> tuple[MadeMessage, ...]:
        """See :class:`adapter.pipeline.ports.Maker`."""
        plain = {product: dict(records) for product, records in numbers.items()}
        return await self.do(make_messages, data, fhir_version, organisation, plain)

    async def do(self, work: Callable[..., Result], *given: object) -> Result:
        """The result of a function of a module, worked out in one of the processes.

        Raises:
            EnvironmentProblem: it could not be done, or not in time.
            InternalError: an error of ours.
        """
        async with self._slots:
            done = await self._run(work, given)
        if isinstance(done, Failure):
            raise InternalError(done.text) if done.bug else EnvironmentProblem(done.text)
        return done

    async def _run(self, work: Callable[..., Result], given: tuple[object, ...]) -> Result | Failure:
        pool = self._pool = self._pool or _pool(self._processes)
        call = asyncio.get_running_loop().run_in_executor(pool, _safely, work, given)
        try:
            return await asyncio.wait_for(call, self._limit)
        except TimeoutError:
            self._drop(pool)
            raise EnvironmentProblem(_HUNG) from None
        except BrokenExecutor:
            # Killed, or out of memory: this Bundle or another one that was being converted has done it.
            self._drop(pool)
            raise EnvironmentProblem(_DIED) from None

    def _drop(self, pool: ProcessPoolExecutor) -> None:
        """Go on with new processes."""
        if self._pool is pool:
            self._pool = None
            _end(pool, 0)

    def close(self) -> None:
        """Stop the processes; what they convert now is finished, as far as it ends in time."""
        if self._pool is not None:
            _end(self._pool, _GRACE)
            self._pool = None

    def kill(self) -> None:
        """Stop the processes at once; what they do now is lost."""
        if self._pool is not None:
            self._drop(self._pool)


def _end(pool: ProcessPoolExecutor, grace: float) -> None:
    """End the processes of a pool, and kill what does not end within ``grace`` seconds."""
    # They are asked for before the pool forgets them; there is no public way before Python 3.14.
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    until = time.monotonic() + grace
    for one in processes:
        one.join(max(0.0, until - time.monotonic()))
        if one.is_alive():
            one.kill()
    if grace:
        # Its thread and its semaphores go with it.
        pool.shutdown()


def _pool(processes: int) -> ProcessPoolExecutor:
    # Not forked: the parent has threads and connections.
    return ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_start)


def _start() -> None:
    """First in every process: signals to the group are the parent's business, and nobody outlives it."""
    from adapter.log import configure
    from adapter.settings import settings

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    configure(settings().log_level)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that is killed tells nobody, and a process of the pool would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _safely(work: Callable[..., Result], given: tuple[object, ...]) -> Result | Failure:
    try:
        return work(*given)
    except InternalError as error:
        return Failure(error.text, bug=True)
    except EgiszError as error:
        return Failure(error.text, bug=False)
    except Exception as error:  # noqa: BLE001 - its text may quote the Bundle, and must not cross
        name = type(error).__name__
        return Failure(Text(name, name), bug=True)


def make(data: bytes, fhir_version: str, organisation: str, versions: Mapping[II, int]) -> Made:
    """Convert a Bundle, in this process.

    Raises:
        EgiszError: the catalogue or the configuration of the organisation is wrong or absent.
    """
    from adapter.fhir import FhirLimits, read

    converter = converter_of(organisation)
    try:
        readings = read(data, version=fhir_version or None, limits=FhirLimits.configured())
    except InputError as error:
        return Made(True, (error.finding,))
    findings: list[Finding] = []
    documents: list[MadeDocument] = []
    messages: list[MadeMessage] = []
    for number, reading in enumerate(readings):
        conversion = converter.convert(reading, versions=versions, registrations=True)
        findings += conversion.findings
        documents += [_made(number, one) for one in conversion.documents]
        messages += [_made_message(number, one, None, converter) for one in conversion.messages]
    return Made(False, tuple(findings), tuple(documents), tuple(messages))


def make_messages(data: bytes, fhir_version: str, organisation: str, numbers: Numbers) -> tuple[MadeMessage, ...]:
    """Messages of a Bundle with the numbers of their records, in this process; none of one that cannot be read.

    Raises:
        EgiszError: see :func:`make`.
    """
    from adapter.fhir import FhirLimits, read

    converter = converter_of(organisation)
    try:
        readings = read(data, version=fhir_version or None, limits=FhirLimits.configured())
    except InputError:
        return ()
    # Each product by itself: ids of records are those of its own register.
    return tuple(
        _made_message(number, one, records.get(one.record), converter)
        for number, reading in enumerate(readings)
        for product, records in numbers.items()
        for one in converter.convert(reading, products=(product,), records=records).messages
    )


@lru_cache(maxsize=1)
def _shared() -> Converter:
    from adapter.bulk import Setup, make_converter
    from adapter.fhir import FhirLimits

    return make_converter(Setup(None, None, FhirLimits.configured()))


@lru_cache(maxsize=1000)
def converter_of(organisation: str) -> Converter:
    """The converter of an organisation, in this process."""
    from adapter.catalogue import Catalogue
    from adapter.organisation import Organisations
    from adapter.settings import settings

    conf = settings()
    return _shared().sent_by(Organisations(Catalogue(conf.catalogue), conf.organisations_dir).find(organisation))


def _made(number: int, document: Document) -> MadeDocument:
    from adapter.registers.registration import dump_registration

    registration = dump_registration(document.registration) if document.registration is not None else None
    return MadeDocument(
        number,
        document.route,
        document.focus,
        document.kind,
        document.ok and registration is not None,
        document.findings,
        document.data,
        registration,
        document.set_id,
        document.version,
        document.given_version,
        document.id.extension if document.id is not None else None,
    )


@lru_cache(maxsize=1)
def _services() -> Services:
    from adapter.catalogue import Catalogue
    from adapter.registers.services import Services
    from adapter.settings import settings

    return Services.load(Catalogue(settings().catalogue))


def _made_message(number: int, message: Message, record: str | None, converter: Converter) -> MadeMessage:
    from adapter.registers.contacts import register_of

    service = _services().of(message.product)
    said = None if message.data is None else message.operation.encode() + b"\n" + message.data
    return MadeMessage(
        number,
        message.route,
        message.focus,
        message.product,
        message.ok,
        message.ok,
        message.findings,
        message.data,
        hashlib.sha256(said).digest() if said is not None else None,
        message.id,
        message.subject,
        message.record,
        register_of(converter.organisation.values, service.id) if service else "",
        message.name,
        message.operation,
        message.key,
        record,
    )
