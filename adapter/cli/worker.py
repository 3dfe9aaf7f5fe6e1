"""``egisz worker``: converts, signs and sends what the journal holds."""

from __future__ import annotations

import asyncio
import signal

from adapter.cli.loop import quick_loop
from adapter.settings import settings


def worker() -> None:
    """Запустить обработчик: преобразование, подпись, отправка / convert, sign and send.

    Обработчиков может быть много, на разных машинах, над одной базой (EGISZ_DATABASE_URL).
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
        async with configured_worker(journal, settings()) as made:
            await made.run(stop=stop)
    finally:
        await journal.close()
