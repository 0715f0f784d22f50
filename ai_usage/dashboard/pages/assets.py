"""Style sheet, scripts and mark: made once, named by their content, kept by browsers for good."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ai_usage.dashboard.charts.palettes import style_sheet
from ai_usage.dashboard.charts.rendering import bundle

FOLDER = Path(__file__).parent.parent / "static"
STYLES = ("base.css", "parts.css", "filters.css")
PATH = "/static/{digest}/{name}"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    """One file as it is served."""

    name: str
    body: bytes
    packed: bytes
    digest: str

    @property
    def href(self) -> str:
        """Its address: another content has another."""
        return f"/static/{self.digest}/{self.name}"


@lru_cache(maxsize=8)
def asset(name: str) -> Asset:
    """A file by name. Raises `KeyError` for any that is not ours.

    `vega.js` takes a second to make: ask for it before the first page does.
    """
    if name == "style.css":
        text = style_sheet() + "\n".join((FOLDER / style).read_text() for style in STYLES)
    elif name == "vega.js":
        text = bundle()
    elif name in ("page.js", "theme.js", "mark.svg"):
        text = (FOLDER / name).read_text()
    else:
        raise KeyError(name)
    body = text.encode()
    digest = hashlib.sha256(body).hexdigest()[:12]
    return Asset(name, body, gzip.compress(body, 9, mtime=0), digest)


def href(name: str) -> str:
    """Where a page finds the file."""
    return asset(name).href


def serve(request: Request) -> Response:
    """The file; another digest than its own is not found, so that no cache keeps a wrong one."""
    name = request.path_params["name"]
    try:
        found = asset(name)
    except KeyError:
        raise HTTPException(404) from None
    if request.path_params["digest"] != found.digest:
        raise HTTPException(404)
    is_packed = "gzip" in request.headers.get("accept-encoding", "")
    return Response(
        found.packed if is_packed else found.body,
        media_type=_TYPES[Path(name).suffix],
        headers={
            "cache-control": "public, max-age=31536000, immutable",
            "vary": "accept-encoding",
            **({"content-encoding": "gzip"} if is_packed else {}),
        },
    )
