"""The playground: a mapping or template is changed beside a Bundle, and what becomes of it is seen at once.

Nothing is written to the catalogue: what a person takes away is a patch file.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from adapter.api.console.guard import Form, PageRefused, pages, posted, signed_in, viewed
from adapter.api.console.parts import console
from adapter.api.console.rendering import lang_of, page, render
from adapter.api.console.session import Role, Session
from adapter.api.console.words import title
from adapter.api.service import service
from adapter.catalogue import Catalogue
from adapter.findings import Text
from adapter.organisation import load_organisation
from adapter.playground.engine import Tried
from adapter.playground.files import completions, editable, examples, makeable, patch
from adapter.playground.layout import laid_out

router = pages()
#: Most bytes of a form: a Bundle and a file.
_MOST: Final = 8 * 1024 * 1024
_FIRST: Final = "mappings/resources/patient.yaml"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands in the form.

    Attributes:
        before: the file as the catalogue has it.
        line: to show first.
        document: id of the product that it began with; empty where it began with none.
        example: name of the example that was taken last.
    """

    file: str
    text: str
    before: str
    bundle: str
    organisation: str
    kind: str
    line: int = 0
    document: str = ""
    example: str = ""


@router.get("/playground")
async def playground(request: Request) -> Response:
    """The page, with a file of the catalogue and, where it began with a document, its Bundle."""
    session = await signed_in(request, Role.AUTHOR)
    catalogue = _catalogue(request)
    asked = request.query_params
    file = asked.get("file", "") or _FIRST
    before = _read(catalogue, file)
    bundle, organisation, kind, document = "", "", "", ""
    ident = asked.get("document", "")
    if ident:
        bundle, organisation, kind = await _of_document(request, session, ident)
        document = ident
    elif asked.get("example"):
        bundle = _example(asked["example"])
    line = int(asked["line"]) if asked.get("line", "").isdecimal() else 0
    sender = organisation or _own(catalogue)
    sheet = Sheet(file, before, before, bundle, sender, kind, line, document, asked.get("example", ""))
    await console(request).playground().warm(sender)
    tried = await _tried(request, sheet) if bundle else None
    return _page(request, catalogue, sheet, tried)


@router.post("/playground")
async def tried_without_script(request: Request) -> Response:
    """The page with what became of the change; or the patch, or another file."""
    session = await signed_in(request, Role.AUTHOR)
    fields = await posted(request, session, limit=_MOST)
    catalogue = _catalogue(request)
    sheet = _sheet(catalogue, fields)
    do = fields.get("do")
    if do == "patch":
        return _patch(sheet)
    if do == "open":
        before = _read(catalogue, fields.get("open"))
        sheet = dataclasses.replace(sheet, file=fields.get("open"), text=before, before=before, line=0)
    elif do == "example":
        # Of the fictive organisation, and of any kind.
        taken = _example(fields.get("example"))
        sheet = dataclasses.replace(sheet, bundle=taken, organisation=_own(catalogue), kind="", document="")
    return _page(request, catalogue, sheet, await _tried(request, sheet))


@router.post("/playground/try")
async def try_now(request: Request) -> Response:
    """What becomes of the change: HTML to show, and faults for the editor."""
    session = await signed_in(request, Role.AUTHOR)
    sheet = _sheet(_catalogue(request), await posted(request, session, limit=_MOST))
    tried = await _tried(request, sheet)
    lang = lang_of(request)
    return JSONResponse(
        {
            "html": render(request, "playground-result.html.j2", **_shown(tried), changed=sheet.text != sheet.before),
            "faults": [
                {"line": one.line, "column": one.column, "text": one.text.get(lang)}
                for one in tried.faults
                if one.file == sheet.file
            ],
            "milliseconds": tried.milliseconds,
        }
    )


@router.get("/playground/words")
async def words(request: Request, file: str = _FIRST) -> Response:
    """What the editor offers in a file."""
    await signed_in(request, Role.AUTHOR)
    catalogue = _catalogue(request)
    _read(catalogue, file)
    return Response(orjson.dumps(completions(catalogue, file)), media_type="application/json")


def _catalogue(request: Request) -> Catalogue:
    return Catalogue(console(request).settings.catalogue)


def _read(catalogue: Catalogue, file: str) -> str:
    """The text of a file that can be tried.

    Raises:
        HTTPException: it is none of these.
    """
    if file not in editable(catalogue):
        raise HTTPException(404)
    return catalogue.file(file).read_text(encoding="utf-8")


def _example(name: str) -> str:
    """An example Bundle.

    Raises:
        HTTPException: there is none of that name.
    """
    path = examples().get(name)
    if path is None:
        raise HTTPException(404)
    return path.read_text(encoding="utf-8")


def _own(catalogue: Catalogue) -> str:
    """The built-in fictive organisation."""
    return load_organisation(catalogue).oid


async def _of_document(request: Request, session: Session, ident: str) -> tuple[str, str, str]:
    """Bundle, organisation and kind of a document; that they were looked at is in the audit."""
    try:
        row = await service(request).journal.product(UUID(ident))
    except ValueError:
        row = None
    if row is None:
        raise HTTPException(404)
    await viewed(request, session, row.submission_id, resource="Bundle")
    data = await service(request).journal.bundle(row.submission_id)
    return laid_out((data or b"").decode("utf-8", "replace")), row.organisation, row.kind


def _sheet(catalogue: Catalogue, fields: Form) -> Sheet:
    """What a form says.

    Raises:
        HTTPException: it names a file that cannot be tried.
        PageRefused: the text cannot be written.
    """
    file = fields.get("file")
    before = _read(catalogue, file)
    text = (fields.all("text") or [""])[0].replace("\r\n", "\n")
    organisation = fields.get("organisation") or _own(catalogue)
    if not set(organisation) <= set("0123456789."):
        raise PageRefused(400, Text("OID организации неверен.", "The OID of the organisation is malformed."))
    bundle = (fields.all("bundle") or [""])[0]
    kind, document, example = (fields.get(name) for name in ("kind", "document", "example"))
    return Sheet(file, text, before, bundle, organisation, kind, 0, document, example)


async def _tried(request: Request, sheet: Sheet) -> Tried:
    kinds = (sheet.kind,) if sheet.kind else ()
    data = sheet.bundle.encode("utf-8", "replace")
    return await console(request).playground().run(sheet.file, sheet.text, data, sheet.organisation, kinds)


def _page(request: Request, catalogue: Catalogue, sheet: Sheet, tried: Tried | None) -> Response:
    return page(
        request,
        "playground.html.j2",
        sheet=sheet,
        files=editable(catalogue),
        kinds=makeable(catalogue),
        examples=list(examples()),
        title=title,
        changed=sheet.text != sheet.before,
        **(_shown(tried) if tried is not None else {"tried": None, "made": []}),
    )


def _shown(tried: Tried) -> dict[str, Any]:
    """A trial for a page."""
    return {"tried": tried, "made": tried.made}


def _patch(sheet: Sheet) -> Response:
    """The change as a file."""
    name = sheet.file.rpartition("/")[2].partition(".")[0]
    return Response(
        patch(sheet.file, sheet.before, sheet.text),
        media_type="text/x-diff; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.patch"'},
    )
