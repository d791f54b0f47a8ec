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

from systems.engines.scripted import PATH
from systems.errors import NotKnown
from systems.server import completions, embeddings, kept, page, planning, websocket
from systems.server.failures import bad_request
from systems.server.schema import openapi
from systems.server.service import ServedSystem


def application(service: ServedSystem) -> Starlette:
    """Return the ASGI application of ``service``."""
    return Starlette(
        routes=[
            *page.routes(),
            WebSocketRoute("/ws", partial(websocket.serve, service)),
            Route("/v1/chat/completions", completions.Completions(service), methods=["POST"]),
            Route("/v1/models", partial(completions.models, service), methods=["GET"]),
            Route(embeddings.PATH, embeddings.Embeddings(service), methods=["POST"]),
            *kept.routes(service),
            *_for_experiments(service),
            Route("/healthz", _alive, methods=["GET"]),
            Route("/readyz", partial(_ready, service), methods=["GET"]),
            Route("/openapi.json", partial(_schema, service), methods=["GET"]),
            Route("/metrics", partial(_metrics, service), methods=["GET"]),
        ],
        exception_handlers={HTTPException: _no_such_address},
    )


def _for_experiments(service: ServedSystem) -> list[Route]:
    if service.scripts is None or not service.settings.experiment:
        return []
    return [Route(PATH, planning.Planning(service, service.scripts), methods=["POST"])]


async def _alive(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _ready(service: ServedSystem, _: Request) -> Response:
    if service.stopping or service.short_of_memory:
        return PlainTextResponse("stopping\n" if service.stopping else "short of memory\n", 503)
    return PlainTextResponse("ready\n")


async def _metrics(service: ServedSystem, request: Request) -> Response:
    try:
        service.guard.bearer(request.headers)
    except NotKnown as error:
        return PlainTextResponse(f"{error}\n", 401)
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _described(service: ServedSystem) -> dict[str, Any]:
    return openapi(service.settings, embeddings=service.embeddings is not None, keeps=service.host.keeper is not None)


async def _schema(service: ServedSystem, _: Request) -> Response:
    return Response(
        msgspec.json.encode(_described(service)),
        media_type="application/json",
    )


async def _no_such_address(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    failed = bad_request(f"{error.detail}.", status=error.status_code, code="unknown_url")
    response = failed.response()
    response.headers.update(error.headers or {})
    return response
