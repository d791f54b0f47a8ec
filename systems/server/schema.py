"""What the server understands and says, as an OpenAPI page made from the types that it decodes and encodes."""

from __future__ import annotations

from typing import Any

import msgspec

from systems.server import messages
from systems.server.chat_request import ChatRequest
from systems.server.embeddings import PATH as EMBEDDINGS
from systems.server.embeddings import EmbeddingsReply, EmbeddingsRequest
from systems.server.fields import FIELDS
from systems.server.settings import ServerSettings
from systems.server.shapes import ChatCompletion, ChatCompletionChunk, ErrorBody, ModelList

WEBSOCKET = (
    *(messages.Hello, messages.Ask, messages.Settings, messages.Ping, messages.Cancel),
    *(messages.Token, messages.ReplyMessage, messages.Refusal, messages.Error),
    *(messages.Stopped, messages.InForce, messages.Pong),
)
_HTTP = (ChatRequest, ChatCompletion, ChatCompletionChunk, ModelList, ErrorBody, EmbeddingsRequest, EmbeddingsReply)

_ERRORS = {
    400: "The request cannot be understood, or asks for what is not offered.",
    401: "A token is required.",
    403: "This page, or this user, may not do that.",
    404: "There is no such model.",
    413: "The request is too long.",
    429: "Not now; `Retry-After` says when.",
    500: "The request failed.",
    503: "Out of reach just now.",
    504: "The deadline passed.",
}


def openapi(settings: ServerSettings, *, embeddings: bool = False) -> dict[str, Any]:
    """Return the page of a server with these settings; the WebSocket's messages are under its components.

    ``embeddings`` says whether it makes these.
    """
    (refs, components) = msgspec.json.schema_components(
        (*_HTTP, *WEBSOCKET), ref_template="#/components/schemas/{name}"
    )
    request, completion, chunk, models, error, wanted, vectors = refs[: len(_HTTP)]
    _describe(components["ChatRequest"]["properties"])
    errors = {str(status): _answer(words, "application/json", error) for status, words in _ERRORS.items()}
    done = _answer("The reply, whole or as server-sent events.", "application/json", completion)
    event = {"type": "string", "contentMediaType": "application/json", "contentSchema": chunk}
    done["content"]["text/event-stream"] = {"schema": {"properties": {"data": event}, "required": ["data"]}}
    page: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "fourgig", "version": str(messages.VERSION)},
        "paths": {
            "/v1/chat/completions": {
                "post": {
                    "operationId": "complete",
                    "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
                    "responses": {"200": done, **errors},
                }
            },
            "/v1/models": {
                "get": {
                    "operationId": "models",
                    "responses": {
                        "200": _answer("What is served.", "application/json", models),
                        **{status: errors[status] for status in ("401", "403")},
                    },
                }
            },
            "/healthz": {"get": {"operationId": "alive", "responses": {"200": _answer("Alive.", "text/plain")}}},
            "/readyz": {
                "get": {
                    "operationId": "ready",
                    "responses": {"200": _answer("Ready.", "text/plain"), "503": _answer("Not ready.", "text/plain")},
                }
            },
        },
        "components": {"schemas": components},
    }
    if embeddings:
        page["paths"][EMBEDDINGS] = {
            "post": {
                "operationId": "embed",
                "requestBody": {"required": True, "content": {"application/json": {"schema": wanted}}},
                "responses": {"200": _answer("The vectors.", "application/json", vectors), **errors},
            }
        }
    if settings.tokens or settings.admin_tokens:
        page["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        page["paths"]["/v1/chat/completions"]["post"]["security"] = [{"token": []}]
        page["paths"]["/v1/models"]["get"]["security"] = [{"token": []}]
        if embeddings:
            page["paths"][EMBEDDINGS]["post"]["security"] = [{"token": []}]
    return page


def _describe(properties: dict[str, Any]) -> None:
    """Add what the server does with each field, and the fields that it accepts without effect."""
    for name, field in FIELDS.items():
        properties.setdefault(name, {})["description"] = f"{field.how.capitalize()}: {field.why}."


def _answer(words: str, kind: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"description": words, "content": {kind: {"schema": schema or {"type": "string"}}}}
