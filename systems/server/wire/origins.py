"""Web pages from elsewhere: those that are listed may call the server, and read what it answers, errors too."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from systems.errors import NotAllowed
from systems.server.failures import failure
from systems.server.wire.guard import Guard

# How long a browser may remember that a page may call, in seconds. Chromium remembers nothing for longer than this.
_REMEMBERED_S = 7200


class CrossOrigin(CORSMiddleware):
    """Says to browsers, with every answer, whether the page that asked may read it; and before, whether it may ask.

    Any header may be sent: clients add their own to OpenAI's. Nothing is said of credentials: the server knows no
    cookies, and a token goes into a header.
    """

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        super().__init__(
            app,
            allow_origins=guard.origins,
            allow_methods=("*",),
            allow_headers=("*",),
            allow_private_network=True,  # from a page of the internet to a machine in the house
            expose_headers=("Retry-After",),
            max_age=_REMEMBERED_S,
        )
        self._guard = guard

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answer what a browser asks before a request, in the same words as the request would be."""
        try:
            self._guard.check_origin(request_headers)
        except NotAllowed as error:
            refused = failure(error).response()
            refused.headers["vary"] = "Origin"
            return refused
        return super().preflight_response(request_headers)
