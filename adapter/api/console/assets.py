"""Styles and scripts: ours beside the code, those of others in ``vendor/``, which set-up makes.

Addresses carry a hash of the content, so that browsers keep a file for ever and never use an old one.
"""

from __future__ import annotations

import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

router = APIRouter(prefix="/console", include_in_schema=False)
_HERE: Final = Path(__file__).parent
STATIC: Final = _HERE / "static"
VENDOR: Final = _HERE / "vendor"
_KEPT: Final = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


@lru_cache(maxsize=1)
def _files() -> dict[str, Path]:
    """Every asset by its name under ``/console/static/``; what is not listed is not served."""
    found = {}
    for folder in (STATIC, VENDOR):
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file():
                found[f"{folder.name}/{path.relative_to(folder).as_posix()}"] = path
    return found


@lru_cache(maxsize=256)
def _address(name: str) -> str:
    digest = hashlib.sha256(_files()[name].read_bytes()).hexdigest()[:12]
    return f"/console/assets/{digest}/{name}"


def static(name: str) -> str:
    """The address of an asset of ours."""
    return _address(f"static/{name}")


def vendor(name: str) -> str:
    """The address of an asset of others; empty where set-up has not made it."""
    return _address(f"vendor/{name}") if f"vendor/{name}" in _files() else ""


@router.get("/assets/{digest}/{name:path}")
async def asset(digest: str, name: str) -> Response:
    """A file; for everybody, like the page of signing in that needs it."""
    path = _files().get(name)
    if path is None or digest not in _address(name):
        raise HTTPException(404)
    return FileResponse(path, media_type=mimetypes.guess_type(path.name)[0] or "text/plain", headers=_KEPT)
