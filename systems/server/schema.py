"""What the server understands and says, as an OpenAPI page made from the types that it decodes and encodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from systems.interface import KeptTurn
from systems.server import messages
from systems.server.chat.fields import FIELDS, Field
from systems.server.chat.request import ChatRequest
from systems.server.chat.shapes import ChatCompletion, ChatCompletionChunk, ErrorBody, ModelList
from systems.server.embeddings import FIELDS as EMBEDDINGS_FIELDS
from systems.server.embeddings import PATH as EMBEDDINGS
from systems.server.embeddings import EmbeddingsReply, EmbeddingsRequest
from systems.server.kept import CONVERSATIONS, TURNS, ConversationList, Correction, Deleted, TurnList
from systems.server.responses import fields as response_fields
from systems.server.responses.endpoint import PATH as RESPONSES
from systems.server.responses.events import AnyEvent
from systems.server.responses.request import ResponseRequest
from systems.server.responses.shapes import DeletedResponse, ItemList, ResponseObject
from systems.server.settings import ServerSettings

WEBSOCKET = (
    *(messages.Hello, messages.Ask, messages.Settings, messages.Ping, messages.Cancel),
    *(messages.Token, messages.ReplyMessage, messages.Refusal, messages.Error),
    *(messages.Stopped, messages.InForce, messages.Pong),
)
_HTTP = (
    *(ChatRequest, ChatCompletion, ChatCompletionChunk, ModelList, ErrorBody, EmbeddingsRequest, EmbeddingsReply),
    *(ConversationList, TurnList, Correction, KeptTurn, Deleted),
)
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


def openapi(settings: ServerSettings, *, embeddings: bool = False, keeps: bool = False) -> dict[str, Any]:
    """Return the page of a server with these settings; the WebSocket's messages are under its components.

    ``embeddings`` says whether it makes these, ``keeps`` whether one may look into what it keeps of conversations.
    """
    (refs, components) = msgspec.json.schema_components(
        (*_HTTP, *_RESPONSES, *WEBSOCKET), ref_template="#/components/schemas/{name}"
    )
    request, completion, chunk, models, error, wanted, vectors, *others = refs[: len(_HTTP)]
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
            **_responses(errors, *refs[len(_HTTP) : len(_HTTP) + len(_RESPONSES)]),
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
    if keeps:
        page["paths"] |= _kept(errors, *others)
    if settings.tokens or settings.admin_tokens:
        page["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        for path, operations in page["paths"].items():
            if path.startswith("/v1/"):
                for operation in operations.values():
                    operation["security"] = [{"token": []}]
    return page


def _kept(
    errors: dict[str, Any],
    conversations: dict[str, Any],
    turns: dict[str, Any],
    correction: dict[str, Any],
    turn: dict[str, Any],
    deleted: dict[str, Any],
) -> dict[str, Any]:
    """Return the operations on what is kept of conversations."""
    name = {"type": "string", "maxLength": 512}
    user = _parameter("user", name)
    one = _parameter("turn", {**name, "minLength": 1}, "path")

    def operation(name: str, words: str, schema: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
        return {
            "operationId": name,
            "parameters": [*parameters, user],
            "responses": {"200": _answer(words, "application/json", schema), **errors},
        }

    correcting = operation("correct", "The turn as it is now.", turn, one)
    correcting["requestBody"] = {"required": True, "content": {"application/json": {"schema": correction}}}
    conversation = _parameter("conversation", {**name, "minLength": 1}, "path")
    asked = (
        _parameter("conversation", name),
        _parameter("containing", {"type": "string"}),
        _parameter("before", name),
    )
    return {
        CONVERSATIONS: {
            "get": operation(
                "conversations",
                "The conversations.",
                conversations,
                _parameter("limit", {"type": "integer", "minimum": 1, "maximum": 500}),
                _parameter("after", name),
            )
        },
        CONVERSATIONS + "/{conversation}": {
            "delete": operation("forgetConversation", "Forgotten.", deleted, conversation, _parameter("since", name))
        },
        TURNS: {"get": operation("turns", "The turns.", turns, *asked)},
        TURNS + "/{turn}": {"patch": correcting, "delete": operation("forgetTurn", "Forgotten.", deleted, one)},
    }


def _parameter(name: str, schema: dict[str, Any], where: str = "query") -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "schema": schema}


def _responses(
    errors: dict[str, Any],
    request: dict[str, Any],
    response: dict[str, Any],
    event: dict[str, Any],
    deleted: dict[str, Any],
    items: dict[str, Any],
) -> dict[str, Any]:
    """Return the operations on responses."""
    made = _answer("The response, whole or as server-sent events.", "application/json", response)
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": event}
    made["content"]["text/event-stream"] = {"schema": {"properties": {"data": data}, "required": ["data"]}}
    named = _parameter("name", {"type": "string", "minLength": 1}, "path")
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
            "get": {
                "operationId": "response",
                "parameters": [named],
                "responses": {"200": _answer("A response that is kept.", "application/json", response), **refused},
            },
            "delete": {
                "operationId": "forgetResponse",
                "parameters": [named],
                "responses": {"200": _answer("It is not kept any more.", "application/json", deleted), **refused},
            },
        },
        f"{RESPONSES}/{{name}}/input_items": {
            "get": {
                "operationId": "inputItems",
                "parameters": [named],
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
