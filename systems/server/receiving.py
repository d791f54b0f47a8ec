"""How an endpoint takes a request: who sends it, its body, and whether its client still waits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.datastructures import Headers
from starlette.types import Receive

from systems.server.chat.shapes import ANY_MODEL
from systems.server.failures import bad_request
from systems.server.service import ServedSystem
from systems.server.settings import MAX_BODY_BYTES

T = TypeVar("T")


class ClientLeft(Exception):
    """The client has gone: there is nobody to answer."""


def admitted(service: ServedSystem, headers: Headers) -> str:
    """Return the user of the request with these headers. Raises `NotAllowed` and `NotKnown`."""
    service.guard.check_origin(headers)
    return service.guard.bearer(headers)


def check_model(service: ServedSystem, model: str) -> None:
    """Raises `Failure` if ``model`` is not what is served."""
    if model not in (ANY_MODEL, service.model):
        raise bad_request(
            f"This server has no model {model[:100]!r}; it serves {service.model!r}.",
            status=404,
            code="model_not_found",
            param="model",
        )


async def body_of(receive: Receive, headers: Headers) -> bytes:
    """Return the request's body. Raises `Failure` for one that is too long, `ClientLeft` for one that breaks off."""
    length = headers.get("content-length", "")
    body, more = bytearray(), True
    while more:
        if len(body) > MAX_BODY_BYTES or (length.isdigit() and int(length) > MAX_BODY_BYTES):
            raise bad_request(f"A request has at most {MAX_BODY_BYTES} bytes.", status=413, code=None)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


async def unless_left(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of ``work``, which is cancelled if the client leaves. Raises `ClientLeft`."""
    task = asyncio.create_task(work)

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        task.cancel()

    watching = asyncio.create_task(watch())
    try:
        return await task
    except asyncio.CancelledError:
        if watching.done() and not watching.cancelled():
            raise ClientLeft from None
        task.cancel()
        raise
    finally:
        watching.cancel()
