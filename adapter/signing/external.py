"""Keys outside: a command (CryptoPro ``cryptcp``, hardware tokens) and an HTTP signing service.

What comes back is checked before it is used: a container of one signer with the attributes of CAdES-BES, of the
expected certificate and content. A tool that is set up wrongly is found here, not by РЭМД.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

from adapter.errors import SigningError
from adapter.findings import Text
from adapter.signing.certificate import SigningCertificate
from adapter.signing.cms import build, parse, to_der
from adapter.signing.verify import digest, verify_raw

PLACEHOLDER: Final = re.compile(r"\{([a-z]+)\}")
#: What a command may be given: files of the content, of the signature and of the certificate.
COMMAND_PLACEHOLDERS: Final = frozenset({"input", "output", "certificate"})
#: What a request may carry: base64 of the content or of the digest to sign, the algorithm of the key.
REQUEST_PLACEHOLDERS: Final = frozenset({"content", "digest", "algorithm"})


def accept(made: bytes, content: bytes, certificate: SigningCertificate, library: Path | None) -> bytes:
    """A container that a tool made, as DER.

    Raises:
        SigningError: it is not what was asked for; says what is wrong.
    """
    whole = to_der(made)
    container = parse(whole)
    if container.certificate.der != certificate.der:
        raise SigningError(Text("подписано другим сертификатом", "signed with another certificate"))
    try:
        expected = digest(certificate.algorithm, content, library=library)
    except SigningError:
        # Without GOST on this machine the digest cannot be compared; the tool has its own provider.
        return whole
    if container.message_digest != expected:
        raise SigningError(Text("подписано другое содержимое", "another content was signed"))
    if not verify_raw(certificate, container.attributes, container.signature, library=library):
        raise SigningError(Text("подпись инструмента не верна", "the signature of the tool is wrong"))
    return whole


def fill(template: str, values: Mapping[str, str]) -> str:
    """A template with its placeholders replaced; other braces stay."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), template)


class CommandSigner:
    """A signing tool started for every signature; no shell is involved.

    Args:
        certificate: of the key.
        command: program and arguments for a container, with ``{input}``, ``{output}``, ``{certificate}``. Without
            ``{input}`` the content goes to standard input, without ``{output}`` the signature is read from standard
            output. What the tool prints is never shown: it may quote a PIN.
        raw_command: the same for a plain signature; empty: the key cannot sign messages.
        timeout: seconds, after which the tool and its children are killed.
        library: libcrypto for digests.
    """

    def __init__(
        self,
        certificate: SigningCertificate,
        command: Sequence[str],
        *,
        raw_command: Sequence[str] = (),
        timeout: float = 60.0,
        library: Path | None = None,
    ) -> None:
        self.certificate: Final = certificate
        self._command, self._raw_command = tuple(command), tuple(raw_command)
        self._timeout, self._library = timeout, library

    def cms(self, content: bytes, *, at: datetime) -> bytes:
        """See :class:`adapter.signing.Signer`; the signing time is the tool's."""
        return accept(self._run(self._command, content), content, self.certificate, self._library)

    def raw(self, data: bytes) -> bytes:
        """See :class:`adapter.signing.Signer`."""
        if not self._raw_command:
            raise SigningError(
                Text("для ключа не задана raw_command", "no raw_command is configured for the key"),
            )
        return self._run(self._raw_command, data)

    def digest(self, data: bytes) -> bytes:
        """See :class:`adapter.signing.Signer`."""
        return digest(self.certificate.algorithm, data, library=self._library)

    def _run(self, command: Sequence[str], content: bytes) -> bytes:
        with TemporaryDirectory(prefix="egisz-sign-") as name:
            folder = Path(name)
            files = {"input": folder / "content", "output": folder / "signature", "certificate": folder / "cert.der"}
            files["input"].write_bytes(content)
            files["certificate"].write_bytes(self.certificate.der)
            used = {found for part in command for found in PLACEHOLDER.findall(part)}
            arguments = [fill(part, {key: str(path) for key, path in files.items()}) for part in command]
            printed = self._start(arguments, None if "input" in used else content)
            if "output" not in used:
                return printed
            try:
                return files["output"].read_bytes()
            except OSError as error:
                raise SigningError(
                    Text("команда подписи не создала файл", "the signing command did not make its file")
                ) from error

    def _start(self, arguments: Sequence[str], standard_input: bytes | None) -> bytes:
        try:
            # A session of its own, so that children of a wrapper script die with it.
            process = subprocess.Popen(  # noqa: S603 - a list from the operator's file, no shell
                arguments,
                stdin=subprocess.DEVNULL if standard_input is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SigningError(
                Text(f"команда подписи не запущена: {reason}", f"the signing command was not started: {reason}")
            ) from error
        try:
            printed, _ = process.communicate(standard_input, timeout=self._timeout)
        except subprocess.TimeoutExpired:
            raise SigningError(
                Text("команда подписи не ответила вовремя", "the signing command did not end in time"), "temporary"
            ) from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        if process.returncode:
            raise SigningError(
                Text(
                    f"команда подписи завершилась с кодом {process.returncode}",
                    f"the signing command ended with exit code {process.returncode}",
                )
            )
        return bytes(printed)


class HttpSigner:
    """A signing service: one POST of JSON for every signature.

    The port is synchronous and its callers are worker threads, so each call runs the one HTTP client of the project
    in an event loop of its own; nothing is shared between threads and nothing has to be closed.

    Args:
        certificate: of the key.
        url: where to post.
        request: fields of the JSON object with ``{content}``, ``{digest}``, ``{algorithm}``. With ``{digest}`` the
            service gives plain signatures and containers are made here; else it gives containers.
        answer: field of the answer that holds base64 of the signature; empty: the body is the signature.
        token: sent as ``Authorization: Bearer``, empty for none.
        ca: certificates of the service's authority in PEM, by default those of the machine.
        timeout: seconds for one call.
        library: libcrypto for digests.
    """

    def __init__(
        self,
        certificate: SigningCertificate,
        url: str,
        *,
        request: Mapping[str, str],
        answer: str = "signature",
        token: str = "",
        ca: Path | None = None,
        timeout: float = 60.0,
        library: Path | None = None,
    ) -> None:
        self.certificate: Final = certificate
        self._url, self._request, self._answer, self._token = url, dict(request), answer, token
        self._ca, self._timeout, self._library = ca, timeout, library
        self._plain = any("digest" in PLACEHOLDER.findall(value) for value in request.values())

    def cms(self, content: bytes, *, at: datetime) -> bytes:
        """See :class:`adapter.signing.Signer`."""
        if self._plain:
            made = build(content, self.certificate, at, digest=self.digest, sign=self.raw)
        else:
            made = self._post({"content": base64.b64encode(content).decode()})
        return accept(made, content, self.certificate, self._library)

    def raw(self, data: bytes) -> bytes:
        """See :class:`adapter.signing.Signer`."""
        if not self._plain:
            raise SigningError(
                Text(
                    "служба подписи не даёт простых подписей: в request нет {digest}",
                    "the signing service gives no plain signatures: the request has no {digest}",
                )
            )
        return self._post({"digest": base64.b64encode(self.digest(data)).decode()})

    def digest(self, data: bytes) -> bytes:
        """See :class:`adapter.signing.Signer`."""
        return digest(self.certificate.algorithm, data, library=self._library)

    def _post(self, values: Mapping[str, str]) -> bytes:
        known = {**values, "algorithm": self.certificate.algorithm}
        body = {key: fill(value, known) for key, value in self._request.items()}
        status, answer = asyncio.run(self._exchange(body))
        if status != 200:
            kind: Literal["temporary", "permanent"] = (
                "temporary" if status >= 500 or status in (408, 429) else "permanent"
            )
            raise SigningError(Text(f"служба подписи: HTTP {status}", f"the signing service: HTTP {status}"), kind)
        return self._signature(answer)

    async def _exchange(self, body: Mapping[str, str]) -> tuple[int, bytes]:
        import ssl

        from aiohttp import ClientError, ClientSession, ClientTimeout

        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            trust = ssl.create_default_context(cafile=self._ca) if self._ca else True
            async with (
                ClientSession(timeout=ClientTimeout(self._timeout)) as session,
                session.post(self._url, json=body, headers=headers, ssl=trust, allow_redirects=False) as response,
            ):
                return response.status, await response.read()
        except (ClientError, TimeoutError, OSError) as error:
            name = type(error).__name__
            raise SigningError(
                Text(f"служба подписи не ответила ({name})", f"the signing service did not answer ({name})"),
                "transport",
            ) from error

    def _signature(self, answer: bytes) -> bytes:
        import orjson

        if not self._answer:
            return answer
        try:
            whole: Any = orjson.loads(answer)
            return base64.b64decode(whole[self._answer], validate=True)
        except (orjson.JSONDecodeError, KeyError, TypeError, binascii.Error, ValueError):
            # Not chained: such an error may quote the answer.
            raise SigningError(
                Text(
                    f"в ответе службы подписи нет base64 в поле «{self._answer}»",
                    f"the answer of the signing service has no base64 in «{self._answer}»",
                )
            ) from None
