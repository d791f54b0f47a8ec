"""What the server understands and says, as an OpenAPI page made from the types that it decodes and encodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from systems.server import messages, response_fields
from systems.server.chat_request import ChatRequest
from systems.server.embeddings import FIELDS as EMBEDDINGS_FIELDS
from systems.server.embeddings import PATH as EMBEDDINGS
from systems.server.embeddings import EmbeddingsReply, EmbeddingsRequest
from systems.server.fields import FIELDS, Field
from systems.server.response_events import AnyEvent
from systems.server.response_request import ResponseRequest
from systems.server.response_shapes import DeletedResponse, ItemList, ResponseObject
from systems.server.responses import PATH as RESPONSES
from systems.server.settings import ServerSettings
from systems.server.shapes import ChatCompletion, ChatCompletionChunk, ErrorBody, ModelList

WEBSOCKET = (
    *(messages.Hello, messages.Ask, messages.Settings, messages.Ping),
    *(messages.Token, messages.ReplyMessage, messages.Refusal, messages.Error, messages.InForce, messages.Pong),
)
_HTTP = (ChatRequest, ChatCompletion, ChatCompletionChunk, ModelList, ErrorBody, EmbeddingsRequest, EmbeddingsReply)

_RESPONSES = (ResponseRequest, ResponseObject, AnyEvent, DeletedResponse, ItemList)

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
        (*_HTTP, *_RESPONSES, *WEBSOCKET), ref_template="#/components/schemas/{name}"
    )
    request, completion, chunk, models, error, wanted, vectors = refs[: len(_HTTP)]
    _describe(components["ChatRequest"]["properties"], FIELDS)
    _describe(components["ResponseRequest"]["properties"], response_fields.FIELDS)
    _describe(components["EmbeddingsRequest"]["properties"], EMBEDDINGS_FIELDS)
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
            **_responses(refs[len(_HTTP) : len(_HTTP) + len(_RESPONSES)], errors),
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
        for path, operations in page["paths"].items():
            if path.startswith((RESPONSES, EMBEDDINGS)):
                for method in operations.keys() & {"get", "post", "delete"}:
                    operations[method]["security"] = [{"token": []}]
    return page


def _responses(refs: Sequence[Any], errors: dict[str, Any]) -> dict[str, Any]:
    """Return the paths of responses, whose shapes are ``refs``."""
    request, response, event, deleted, items = refs
    made = _answer("The response, whole or as server-sent events.", "application/json", response)
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": event}
    made["content"]["text/event-stream"] = {"schema": {"properties": {"data": data}, "required": ["data"]}}
    named = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    refused = {status: errors[status] for status in ("400", "401", "403", "404")}
    return {
        RESPONSES: {
            "post": {
                "operationId": "respond",
                "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
                "responses": {"200": made, **errors},
            }
        },
        f"{RESPONSES}/{{name}}": {
            "parameters": [named],
            "get": {
                "operationId": "response",
                "responses": {"200": _answer("A response that is kept.", "application/json", response), **refused},
            },
            "delete": {
                "operationId": "forgetResponse",
                "responses": {"200": _answer("It is not kept any more.", "application/json", deleted), **refused},
            },
        },
        f"{RESPONSES}/{{name}}/input_items": {
            "parameters": [named],
            "get": {
                "operationId": "inputItems",
                "responses": {"200": _answer("What it was made from.", "application/json", items), **refused},
            },
        },
    }


def _describe(properties: dict[str, Any], fields: Mapping[str, Field]) -> None:
    """Add what the server does with each field, and the fields that it accepts without effect."""
    for name, field in fields.items():
        properties.setdefault(name, {})["description"] = f"{field.how.capitalize()}: {field.why}."


def _answer(words: str, kind: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"description": words, "content": {kind: {"schema": schema or {"type": "string"}}}}
