"""The chat page: files of this folder and nothing from anywhere else, and a policy that says so to the browser.

The page asks for relative addresses only, so that it works under whatever path a proxy puts it.
"""

from __future__ import annotations

import hashlib
from functools import cache, partial
from importlib import resources

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from systems.errors import NotAllowed
from systems.server.wire.guard import Guard

_FOLDER = "browser"

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}

# Nothing inline, nothing evaluated, no text that becomes markup; what the page talks to is this server.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",  # asked again each time: the parts of two versions do not go together
}


def routes(guard: Guard) -> list[Route]:
    """Return the addresses of the page and of its parts."""
    return [Route("/", partial(_open, guard), methods=["GET"]), Route("/page/{name}", _show, methods=["GET"])]


async def _open(guard: Guard, request: Request) -> Response:
    try:
        guard.check_name(request.headers)
    except NotAllowed as error:  # the page would open, and could reach nothing
        return PlainTextResponse(f"{error}\n", 403)
    return await _show(request)


async def _show(request: Request) -> Response:
    name = request.path_params.get("name", "index.html")
    found = _parts().get(name)
    if found is None:
        raise HTTPException(404)
    content, digest = found
    headers = {**_HEADERS, "etag": digest}
    if request.headers.get("if-none-match") == digest:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=_TYPES[name.rpartition(".")[2]])


@cache
def _parts() -> dict[str, tuple[bytes, str]]:
    """Return the content of each part of the page by its name, with a digest of it."""
    folder = resources.files(__package__).joinpath(_FOLDER)
    contents = {each.name: each.read_bytes() for each in folder.iterdir() if each.name.rpartition(".")[2] in _TYPES}
    return {name: (content, f'"{hashlib.sha256(content).hexdigest()[:32]}"') for name, content in contents.items()}
