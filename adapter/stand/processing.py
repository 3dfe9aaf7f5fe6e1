"""What happens to a registration after its acknowledgement: the full check, the file, its check, the result."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from adapter.errors import EgiszError, InputError, NetworkError, TransportFailed
from adapter.log import get_logger
from adapter.stand.callbacks import Callbacks, File
from adapter.stand.checks import Checks, conformance, identity_of, item
from adapter.stand.registry import Received, Registered, Registry
from adapter.stand.validation import Validator
from adapter.transport.envelope import ANONYMOUS
from adapter.transport.errors import ErrorItem
from adapter.transport.ids import normalise_message_id
from adapter.transport.schema import SERVICE_WSDL, load_schema
from adapter.xml import parse

_NAMESPACE: Final = uuid.UUID("f3f1e6a4-0f66-5d0d-9c37-0b1e5d1b7f0a")
#: Documents are kept at least so long [placeholder].
_STORED: Final = timedelta(days=25 * 365)
_REGION: Final = re.compile(r"1\.2\.643\.5\.1\.13\.13\.12\.[0-9]+\.([0-9]+)\.")
_NAMED: Final = {
    "several": ("NO_SNILS", "WRONG_CREATION_DATE", "VALIDATION_ERROR"),
    "recipient": ("RECIPIENT_INFO_MISMATCH",),
}


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds.

    Attributes:
        delay: from the acknowledgement to the full check.
        file: how long a file is waited for that comes in a message of its own.
        tries: how often a result is sent before it is given up until the next start.
        pause: before the second try; it doubles, up to 30 times itself.
    """

    delay: float = 0.0
    file: float = 60.0
    tries: int = 12
    pause: float = 0.5


@dataclass(slots=True)
class Processing:
    """Works on registrations, several at a time.

    Attributes:
        registry, checks, callbacks, validator: what it works with.
        clock: now, aware.
        callback: where messages go if a registration names no address.
    """

    registry: Registry
    checks: Checks
    callbacks: Callbacks
    validator: Validator
    clock: Callable[[], datetime]
    timing: Timing = field(default_factory=Timing)
    callback: str = ""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _files: dict[str, asyncio.Future[File]] = field(default_factory=dict)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(8))

    def resume(self) -> None:
        """Go on with what an earlier process has left."""
        for message_id in self.registry.open():
            self.begin(message_id)

    def begin(self, message_id: str, values: Mapping[str, Any] | None = None) -> None:
        """Work on a registration in the background.

        Args:
            values: of its request, where they were read just now.
        """
        self._spawn(self._process(message_id, values))

    def deliver(self, document: Registered, relates_to: str, to: str) -> None:
        """Send a demanded file in the background."""
        self._spawn(self._retried(lambda: self.callbacks.deliver(to, relates_to, document, self.clock())))

    async def stop(self) -> None:
        """Stop working; what is open is found by the next process."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def idle(self) -> None:
        """Wait until nothing is worked on."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            get_logger().error("stand.failed", error_type=type(error).__name__)

    # -- a registration -----------------------------------------------------------------------------------------------

    async def _process(self, message_id: str, values: Mapping[str, Any] | None) -> None:
        message = self.registry.message(message_id)
        if message is None:
            return
        if message.state == "pending":
            await asyncio.sleep(self.timing.delay)
            async with self._slots:
                errors, document = await self._decide(message, values or self._values(message))
            if document is None:
                self.registry.reject(message.id, errors)
        message = self.registry.message(message_id)
        if message is not None and not message.told:
            await self._tell(message)

    async def _decide(
        self, message: Received, values: Mapping[str, Any]
    ) -> tuple[Sequence[ErrorItem], Registered | None]:
        errors = _demanded(message.faults) or self.checks.request(values, self.clock())
        if errors:
            return errors, None
        got = await self._file(message)
        if isinstance(got, ErrorItem):
            return [got], None
        errors = self.checks.file(values, got)
        if not errors:
            errors = await self._validated(got, values["kind"])
        if errors:
            return errors, None
        root, extension, version = identity = identity_of(got)
        # Nothing is waited for from here on, so that no other version comes between.
        if root and version <= self.registry.last_version(root, extension):
            return [item("CANT_REG_VERSION")], None
        document = self._registered(message, values, got, identity)
        if document is None:
            other = self.registry.document(message.local_uid)
            number = other.emdr_id if other is not None else ""
            return [item("NOT_UNIQUE_PROVIDED_ID", message.local_uid, number)], None
        return [], document

    async def _validated(self, data: bytes, kind: str) -> list[ErrorItem]:
        try:
            return conformance(await self.validator.errors(data, kind))
        except (EgiszError, RuntimeError, OSError) as error:
            # The engine, its packs or its process failed: as the service says of its own validator.
            get_logger().error("stand.validator", error_type=type(error).__name__)
            return [item("XML_VALIDATOR_ERROR")]

    def _values(self, message: Received) -> Mapping[str, Any]:
        return load_schema(SERVICE_WSDL).parse(parse(message.request).getroot())

    def _registered(
        self, message: Received, values: Mapping[str, Any], data: bytes, identity: tuple[str, str, int]
    ) -> Registered | None:
        now = self.clock()
        region = _REGION.match(values["organization"])
        facts = {
            "local_uid": values["localUid"],
            "kind": values["kind"],
            "organization": values["organization"],
            "document_number": values["documentNumber"],
            "snils": (values.get("patient") or {}).get("snils") or "",
            "created": values["creationDateTime"].isoformat(),
            "set_root": identity[0],
            "set_extension": identity[1],
            "version": identity[2],
            "store_till": (now + _STORED).date().isoformat(),
            "file": data,
        }
        return self.registry.register(message.id, region.group(1) if region else "0", now, facts)

    # -- the file -----------------------------------------------------------------------------------------------------

    async def _file(self, message: Received) -> bytes | ErrorItem:
        to = self._address(message)
        if not to:
            return item("MIS_NOT_AVAILABLE")
        # Another id for each try: one that is asked again gets a file of its own.
        own = str(uuid.uuid5(_NAMESPACE, f"{message.id} {self.clock().isoformat()}"))
        key = normalise_message_id(own)
        came: asyncio.Future[File] = asyncio.get_running_loop().create_future()
        self._files[key] = came
        try:
            file = await self._asked(to, message.local_uid, own)
            if isinstance(file, ErrorItem):
                return file
            if file.data is None and file.status == "success":
                file = await asyncio.wait_for(came, self.timing.file)
        except TimeoutError:
            return item("FILE_WAS_NOT_SENT")
        finally:
            del self._files[key]
        if file.data is None or file.status == "error":
            return item("GET_DOCUMENT_FILE_ERROR", "Статус ответа МИС [error]")
        if not self.checks.checksum.fits(file.data, file.checksum):
            return item("GET_DOCUMENT_FILE_ERROR", "Контрольная сумма не совпадает")
        return file.data

    async def _asked(self, to: str, local_uid: str, message_id: str) -> File | ErrorItem:
        """Ask for a file; a МИС that is not there is asked again, as a result is told again."""
        try:
            file: File = await self._retried(lambda: self.callbacks.ask_file(to, local_uid, message_id, self.clock()))
        except TransportFailed as error:
            return item("RMIS_ERROR" if error.status else "MIS_NOT_AVAILABLE")
        except InputError:
            return item("RMIS_ERROR")
        return file

    def file_came(self, asked: str, data: bytes | None, checksum: str, status: str) -> bool:
        """A file came in a message of its own; false where nobody waits for it."""
        waiting = self._files.get(asked)
        if waiting is None or waiting.done():
            return False
        waiting.set_result(File(data, checksum, status or "success"))
        return True

    # -- the result ---------------------------------------------------------------------------------------------------

    async def _tell(self, message: Received) -> None:
        to = self._address(message)
        if "silent" in message.faults or not to:
            self.registry.told(message.id)
            return
        if "late" in message.faults:
            await asyncio.sleep(int(message.faults["late"]))
        document = self.registry.document(emdr_id=message.emdr_id or " ")
        warnings = [item(message.faults["warnings"])] if "warnings" in message.faults else []
        if "contradict" in message.faults and document is not None:
            await self._send(message, to, None, [item("INTERNAL_ERROR")], turn=1)
        await self._send(message, to, document, message.errors, warnings)
        if "duplicate" in message.faults:
            await self._send(message, to, document, message.errors, warnings)
        if "stray" in message.faults:
            other = Received("0" * 32, str(uuid.UUID(int=0)), "", to, message.soap, b"", {})
            await self._send(other, to, None, [item("INTERNAL_ERROR")])
        self.registry.told(message.id)

    async def refuse_early(self, message: Received) -> None:
        """A refusal that comes before the acknowledgement."""
        to = self._address(message)
        if to:
            await self._send(message, to, None, [item("INTERNAL_ERROR")], turn=2)

    async def _send(
        self,
        message: Received,
        to: str,
        document: Registered | None,
        errors: Sequence[ErrorItem],
        warnings: Sequence[ErrorItem] = (),
        turn: int = 0,
    ) -> None:
        await self._retried(
            lambda: self.callbacks.tell(
                message, to, self.clock(), document=document, errors=errors, warnings=warnings, turn=turn
            )
        )

    def _address(self, message: Received) -> str:
        return self.callback if message.reply_to in {"", ANONYMOUS} else message.reply_to

    async def _retried(self, send: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Until a МИС answers; a МИС that is being started again is waited for."""
        pause = self.timing.pause
        for turn in range(self.timing.tries):
            try:
                return await send()
            except NetworkError:
                if turn + 1 == self.timing.tries:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, self.timing.pause * 30)
        raise EgiszError("no tries")


def _demanded(faults: Mapping[str, str]) -> list[ErrorItem]:
    """Errors that are asked for."""
    if "reject" in faults:
        return [item(faults["reject"])]
    return [item(code) for name, codes in _NAMED.items() if name in faults for code in codes]
