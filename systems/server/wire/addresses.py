"""What there is under an address, and where nothing is: the nearest that there is."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from systems.server.failures import bad_request

# Parts of an address by which none is recognised.
_EVERYWHERE = {"", "v1", "api", "openai"}


class NoSuchAddress:
    """Answers requests that no route takes: an error that names what there is, or for OPTIONS what may be asked."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._paths = [route.path for route in routes if isinstance(route, Route)]

    async def __call__(self, request: Request, error: Exception) -> Response:
        """Answer one request."""
        assert isinstance(error, HTTPException)
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        headers = dict(error.headers or {})
        if request.method == "OPTIONS" and (error.status_code == 405 or path == "*"):
            methods = headers.get("Allow", "GET, HEAD, POST")
            return Response(status_code=204, headers={"allow": f"{methods}, OPTIONS"})
        failed = bad_request(f"{error.detail}.", status=error.status_code, code="unknown_url")
        if error.status_code == 405:
            sentence = f"{path[:200]} takes {headers.get('Allow', 'other methods')}, not {request.method}."
            failed = bad_request(sentence, status=405, code="method_not_supported")
        elif error.status_code == 404:
            near = nearest(path, self._paths)
            hint = f"Did you mean {near}?" if near else "What there is, /openapi.json lists."
            failed = bad_request(f"There is no {path[:200]} on this server. {hint}", status=404, code="unknown_url")
        response = failed.response()
        response.headers.update(headers)
        return response


def nearest(path: str, paths: Iterable[str]) -> str | None:
    """Return the one of ``paths`` that whoever asks for ``path`` most likely means; None if none is near."""
    known = [each for each in paths if each != "/" and "{" not in each]  # none that is a pattern of addresses
    asked = re.sub("/+", "/", path).rstrip("/").lower()
    tail = asked.removeprefix("/v1")
    for each in known:
        if asked.endswith(each) or (tail and each.endswith(tail)):
            return each
    close = difflib.get_close_matches(asked, known, 1, cutoff=0.7)
    if close:
        return close[0]
    parts = set(asked.split("/")) - _EVERYWHERE
    return next((each for each in known if parts & set(each.split("/"))), None)


class UnderPath:
    """An application whose addresses a proxy shows under ``root_path``, and does not take that away."""

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, with ``root_path`` or without."""
        path = scope.get("path", "")
        if path.startswith(f"{self._root_path}/"):
            scope = {**scope, "root_path": self._root_path}
        elif path == self._root_path and scope["type"] == "http":
            # The page asks for what lies beside it: without the slash that would be beside ``root_path``.
            await RedirectResponse(f"{path}/")(scope, receive, send)
            return
        await self._app(scope, receive, send)
