"""``egisz stand``: РЭМД, ИПС and registers played on this machine."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adapter.errors import UsageError
from adapter.findings import Text
from adapter.settings import settings

if TYPE_CHECKING:
    from adapter.signing.port import Signer


def stand(
    port: Annotated[int, typer.Option("--port", "-p", min=1, max=65535, help="порт / port")] = 8090,
    host: Annotated[str, typer.Option("--host", help="адрес / address to listen at")] = "127.0.0.1",
    callback: Annotated[
        str,
        typer.Option(
            "--callback", metavar="URL", help="куда слать, если ReplyTo нет / where results go without ReplyTo"
        ),
    ] = "",
    state: Annotated[
        Path | None, typer.Option("--state", metavar="FILE", help="файл состояния, иначе память / file of its state")
    ] = None,
    delay: Annotated[float, typer.Option("--delay", min=0, help="секунд до проверки / seconds before the check")] = 0.2,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="[SERVICE:]NAME[=ARG][*N]",
            help="сбой по требованию, list покажет все / a fault on demand",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="проверять документы / check documents with the engine")
    ] = True,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="сертификаты на дату документа, открытые виды / certificates and kinds by date"),
    ] = False,
    signed: Annotated[
        bool, typer.Option("--signed", help="только подписанные сообщения / signed messages only")
    ] = False,
    organisation: Annotated[
        list[str] | None,
        typer.Option("--organisation", metavar="OID", help="МО, карточка которой есть в ФРМО / an МО that ФРМО knows"),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", metavar="PEM", help="подписывать сообщения им / sign messages with it"),
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", metavar="PEM", help="ключ RSA к нему / its RSA key")] = None,
) -> None:
    """Запустить стенд РЭМД, ИПС и регистров / run a stand of РЭМД, ИПС and registers.

    Для проб и разработки: без защиты, не для данных пациентов. Документы отправлять на любой путь, сообщения регистров
    на /registers/…; что принято, покажут GET /admin/documents и /admin/registers. / For trials and development: without
    protection, not for data of patients. Post documents to any path, messages of registers to /registers/…;
    GET /admin/documents and /admin/registers tell what was taken.
    """
    if fault == ["list"]:
        _list_faults()
        return
    import uvicorn

    from adapter.stand.app import Options, create_stand
    from adapter.stand.processing import Timing
    from adapter.stand.service import Entrance
    from adapter.transport.security import Verifier

    options = Options(
        address=f"http://{host}:{port}/",
        callback=callback,
        file=state,
        faults=fault or (),
        timing=Timing(delay=delay),
        entrance=Entrance(verifier=Verifier() if signed else None),
        organisations=frozenset(organisation or ()),
        certificates=strict,
        closed_kinds=strict,
        validate=check,
        signer=_signer(certificate, key),
    )
    typer.echo(
        Text(
            f"Стенд: {options.address}; регистры: {options.address}registers",
            f"The stand is at {options.address}; its registers: {options.address}registers",
        ).get(settings().lang)
    )
    config = uvicorn.Config(create_stand(options), host=host, port=port, log_level="warning", access_log=False)
    # uvicorn raises the signal again once it has stopped; by then it has done its work.
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: None)
    uvicorn.Server(config).run()


def _list_faults() -> None:
    """Print the faults of documents, then those of a register."""
    from adapter.stand.faults import FAULTS
    from adapter.stand.registers.faults import ANY, REGISTER_FAULTS

    of_registers = {f"{ANY}:{name}": told for name, told in REGISTER_FAULTS.items()}
    for name, (argument, text) in {**FAULTS, **of_registers}.items():
        typer.echo(f"{name + ('=' + argument if argument else ''):<36} {text.get(settings().lang)}")


def _signer(certificate: Path | None, key: Path | None) -> Signer | None:
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise UsageError(Text("нужны и --certificate, и --key", "both --certificate and --key are needed"))
    from adapter.signing.certificate import read_certificate
    from adapter.signing.local import RsaSigner

    return RsaSigner(read_certificate(certificate), key, b"")
