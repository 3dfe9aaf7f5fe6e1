"""A small client of a FHIR server: searches with their pages, reads, and writes that say which version they change.

A search is a POST, so that no value of a patient stands in an address, which servers write into their logs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode, urljoin, urlsplit

from adapter.errors import FhirRefused, TransportFailed
from adapter.findings import EMPTY, Finding, Severity, Text
from adapter.transport.http import AnyHttp, HttpAnswer

Resource = dict[str, Any]
Parameters = Sequence[tuple[str, str]]

MEDIA: Final = "application/fhir+json"
#: Values of one parameter in one search: more would not fit the limits of some servers.
_TOGETHER: Final = 40


class Conflict(FhirRefused):
    """The resource has another version meanwhile: somebody else was first."""


@dataclass(frozen=True, slots=True)
class FhirLimits:
    """How much one search may bring: pages, and resources of all of them."""

    pages: int = 200
    resources: int = 20_000


@dataclass(slots=True)
class FhirClient:
    """See the module.

    Args:
        http: sends requests.
        base: address of the server.
        headers: of every request, such as ``Authorization``.
    """

    http: AnyHttp
    base: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    limits: FhirLimits = FhirLimits()

    async def search(self, kind: str, parameters: Parameters) -> list[Resource]:
        """The resources of a type that match, of all pages, each once.

        Raises:
            FhirRefused: the server refuses, or its answer is no FHIR.
            TransportFailed: no answer.
        """
        body = urlencode(list(parameters)).encode()
        answer = await self._send("POST", f"{kind}/_search", body, "application/x-www-form-urlencoded")
        found: dict[str, Resource] = {}
        seen: set[str] = set()
        while True:
            bundle = _resource(answer, "Bundle")
            for one in _matches(bundle, kind):
                found.setdefault(one["id"], one)
            following = self._following(bundle)
            if following is None:
                return list(found.values())
            if following in seen or len(seen) >= self.limits.pages or len(found) > self.limits.resources:
                raise _refused("FCL04", _PAGES)
            seen.add(following)
            answer = await self._request("GET", following, None, {})

    async def search_each(
        self, kind: str, parameter: str, values: Iterable[str], more: Parameters = ()
    ) -> list[Resource]:
        """The resources that have any of the values of a parameter, in as many searches as it takes.

        Raises:
            FhirRefused, TransportFailed: see :meth:`search`.
        """
        wanted = list(dict.fromkeys(values))
        found: dict[str, Resource] = {}
        for start in range(0, len(wanted), _TOGETHER):
            some = ",".join(wanted[start : start + _TOGETHER])
            for one in await self.search(kind, [(parameter, some), *more]):
                found.setdefault(one["id"], one)
        return list(found.values())

    async def read(self, kind: str, ident: str) -> Resource | None:
        """A resource; ``None`` where there is none.

        Raises:
            FhirRefused, TransportFailed: see :meth:`search`.
        """
        answer = await self._send("GET", f"{kind}/{quote(ident, safe='')}", None, accepted=(404, 410))
        return None if answer.status in (404, 410) else _resource(answer, kind)

    async def update(self, resource: Resource, version: str) -> None:
        """Change a resource that still has ``version``.

        Raises:
            Conflict: it has another one.
            FhirRefused, TransportFailed: see :meth:`search`.
        """
        path = f"{resource['resourceType']}/{quote(resource['id'], safe='')}"
        body = json.dumps(resource, ensure_ascii=False).encode()
        answer = await self._send("PUT", path, body, accepted=(409, 412), If_Match=f'W/"{version}"')
        if answer.status in (409, 412):
            raise Conflict(_finding("FCL05", _CHANGED), status=answer.status)

    async def create(self, resource: Resource, *, unless: Parameters) -> None:
        """Make a resource, unless there is one that matches a search already.

        Raises:
            FhirRefused, TransportFailed: see :meth:`search`.
        """
        body = json.dumps(resource, ensure_ascii=False).encode()
        await self._send("POST", resource["resourceType"], body, If_None_Exist=urlencode(list(unless)))

    async def _send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        content_type: str = MEDIA,
        accepted: Sequence[int] = (),
        **more: str,
    ) -> HttpAnswer:
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        if body is not None:
            headers["Content-Type"] = content_type
        return await self._request(method, f"{self.base.rstrip('/')}/{path}", body, headers, accepted)

    async def _request(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], accepted: Sequence[int] = ()
    ) -> HttpAnswer:
        answer = await self.http.request(method, url, body, {"Accept": MEDIA, **self.headers, **headers})
        if 200 <= answer.status < 300 or answer.status in accepted:
            return answer
        if answer.status >= 500 or answer.status == 429:
            # What stands behind a gateway may have got it all the same.
            raise TransportFailed(
                Text(f"сервер FHIR ответил {answer.status}", f"the FHIR server answered {answer.status}"),
                status=answer.status,
            )
        raise FhirRefused(
            _finding(
                "FCL01",
                Text(f"Сервер FHIR МИС отказал: {answer.status}.", f"The FHIR server refused: {answer.status}."),
                Text("Проверьте адрес, токен и права.", "Check the address, the token and its rights."),
            ),
            status=answer.status,
        )

    def _following(self, bundle: Resource) -> str | None:
        """The address of the next page; only of the server itself: it gets our token."""
        links = bundle.get("link")
        for link in links if isinstance(links, list) else ():
            if isinstance(link, dict) and link.get("relation") == "next" and isinstance(link.get("url"), str):
                base = f"{self.base.rstrip('/')}/"
                try:
                    url: str = urljoin(base, link["url"])
                    same = _origin(url) == _origin(base)
                except ValueError:
                    same = False
                if not same:
                    raise _refused("FCL03", _ELSEWHERE)
                return url
        return None


def version_of(resource: Resource) -> str | None:
    """The version of a resource as the server tells it in ``meta.versionId``."""
    meta = resource.get("meta")
    version = str(meta.get("versionId") or "") if isinstance(meta, dict) else ""
    return version or None


_PAGES: Final = Text("Поиск на сервере FHIR МИС не кончается.", "A search of the FHIR server does not end.")
_ELSEWHERE: Final = Text(
    "Следующая страница поиска — на другом сервере.", "The next page of a search is on another server."
)
_NO_FHIR: Final = Text("Ответ сервера МИС — не тот ресурс FHIR.", "The answer of the server is not that FHIR resource.")
_CHANGED: Final = Text("Ресурс тем временем изменён.", "The resource was changed meanwhile.")


def _matches(bundle: Resource, kind: str) -> list[Resource]:
    entries = bundle.get("entry")
    resources = [one.get("resource") for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
    return [
        one
        for one in resources
        if isinstance(one, dict) and one.get("resourceType") == kind and isinstance(one.get("id"), str) and one["id"]
    ]


def _resource(answer: HttpAnswer, kind: str) -> Resource:
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise _refused("FCL02", _NO_FHIR) from None
    if not isinstance(value, dict) or value.get("resourceType") != kind:
        raise _refused("FCL02", _NO_FHIR)
    return value


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


def _finding(code: str, message: Text, hint: Text = EMPTY) -> Finding:
    return Finding(code, Severity.ERROR, message, hint)


def _refused(code: str, message: Text) -> FhirRefused:
    return FhirRefused(_finding(code, message))
