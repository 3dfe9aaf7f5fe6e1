"""``egisz worker``: converts, signs and sends what the journal holds."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

from adapter.cli.loop import quick_loop, settle
from adapter.errors import UsageError
from adapter.findings import Text
from adapter.settings import settings

if TYPE_CHECKING:
    from adapter.pipeline import Journal


def worker() -> None:
    """Запустить обработчик: преобразование, подпись, отправка / convert, sign and send.

    Обработчиков может быть много, на разных машинах, над одной базой (EGISZ_DATABASE_URL).
    Состояние и метрики — на порту EGISZ_WORKER_PORT / health and metrics at the port EGISZ_WORKER_PORT.
    Останавливается по Ctrl-C или SIGTERM, закончив начатое / stops on Ctrl-C or SIGTERM, finishing what was begun.
    """
    with asyncio.Runner(loop_factory=quick_loop()) as runner:
        runner.run(_work())


async def _work() -> None:
    from adapter.pipeline import Journal
    from adapter.pipeline.running import configured_worker

    stop = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    journal = await Journal.open(settings())
    try:
        async with configured_worker(journal, settings()) as made, _observed(journal):
            settle()
            await made.run(stop=stop)
    finally:
        await journal.close()


@asynccontextmanager
async def _observed(journal: Journal) -> AsyncIterator[None]:
    """The port for operators, where one is wanted; as long as the worker works.

    Raises:
        UsageError: the port is taken.
    """
    conf = settings()
    if not conf.worker_port:
        yield
        return
    import uvicorn

    from adapter.api.operations import worker_app

    try:
        listening = socket.create_server((conf.worker_host, conf.worker_port))
    except OSError as error:
        where, why = f"{conf.worker_host}:{conf.worker_port}", type(error).__name__
        raise UsageError(
            Text(f"порт не открыть: {where} ({why})", f"the port cannot be opened: {where} ({why})")
        ) from None
    config = uvicorn.Config(worker_app(journal), log_config=None, access_log=False, server_header=False, lifespan="off")
    server = uvicorn.Server(config)
    # The signals are the worker's: it stops first.
    server.capture_signals = nullcontext  # type: ignore[assignment,method-assign] # uvicorn has no setting for it
    serving = asyncio.create_task(server.serve([listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
