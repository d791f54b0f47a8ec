"""The addresses the server answers at, and the endpoint behind each."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from systems.engines.scripted import PATH
from systems.errors import NotAllowed
from systems.server import embeddings, kept, page, planning, websocket
from systems.server.chat import completions
from systems.server.failures import bad_request, failure
from systems.server.receiving import admitted
from systems.server.responses import endpoint as responses
from systems.server.schema import openapi
from systems.server.service import ServedSystem
from systems.server.wire.addresses import NoSuchAddress, UnderPath
from systems.server.wire.framing import WEBSOCKET
from systems.server.wire.origins import CrossOrigin


def application(service: ServedSystem) -> ASGIApp:
    """Return the ASGI application of ``service``."""
    routes = [
        *page.routes(service.guard),
        WebSocketRoute(WEBSOCKET, partial(websocket.serve, service)),
        Route(WEBSOCKET, _no_handshake, methods=["GET"]),
        Route("/v1/chat/completions", completions.Completions(service), methods=["POST"]),
        Route("/v1/models", partial(completions.models, service), methods=["GET"]),
        Route(embeddings.PATH, embeddings.Embeddings(service), methods=["POST"]),
        *responses.routes(service),
        *kept.routes(service),
        *_for_experiments(service),
        Route("/healthz", _alive, methods=["GET"]),
        Route("/readyz", partial(_ready, service), methods=["GET"]),
        Route("/openapi.json", partial(_schema, service), methods=["GET"]),
        Route("/metrics", partial(_metrics, service), methods=["GET"]),
    ]
    found = Starlette(routes=routes, exception_handlers={HTTPException: NoSuchAddress(routes).__call__})
    # It would redirect to an address that it makes up from the request's, which a proxy may have changed.
    found.router.redirect_slashes = False
    app: ASGIApp = CrossOrigin(found, service.guard)
    return UnderPath(app, service.settings.root_path) if service.settings.root_path else app


def _for_experiments(service: ServedSystem) -> list[Route]:
    if service.scripts is None or not service.settings.experiment:
        return []
    return [Route(PATH, planning.Planning(service, service.scripts), methods=["POST"])]


async def _no_handshake(_: Request) -> Response:
    failed = bad_request("Here is a WebSocket: ask for it with `Upgrade: websocket`.", status=426, code=None)
    response = failed.response()
    response.headers.update({"upgrade": "websocket", "connection": "upgrade"})
    return response


async def _alive(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _ready(service: ServedSystem, _: Request) -> Response:
    if service.stopping or service.short_of_memory:
        return PlainTextResponse("stopping\n" if service.stopping else "short of memory\n", 503)
    return PlainTextResponse("ready\n")


async def _metrics(service: ServedSystem, request: Request) -> Response:
    try:
        admitted(service, request.headers)
    except NotAllowed as error:
        return failure(error).response()
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _described(service: ServedSystem) -> dict[str, Any]:
    return openapi(service.settings, embeddings=service.embeddings is not None, keeps=service.host.keeper is not None)


async def _schema(service: ServedSystem, _: Request) -> Response:
    return Response(
        msgspec.json.encode(_described(service)),
        media_type="application/json",
    )
