"""A request for a response as a question to what is hosted: a chat completion of what was said up to it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

import msgspec

from systems.server.chat.asked import ChatAsked, chat_asked
from systems.server.chat.request import (
    AllowedTools,
    AnyObject,
    ChatMessage,
    ChatRequest,
    FittingSchema,
    FunctionDefinition,
    NamedFunction,
    NamedTool,
    OnlyAllowed,
    PlainText,
    SchemaDefinition,
    ToolDefinition,
)
from systems.server.chat.shapes import ErrorBody
from systems.server.failures import Failure, bad_request
from systems.server.responses.items import messages_of, new_id
from systems.server.responses.request import ChosenTool, FormSchema, JsonObject, OfferedTool, ResponseRequest
from systems.server.responses.shapes import FunctionTool, Item, ResponseObject, TextFormat
from systems.server.responses.store import KeptResponse

# What a chat completion calls a field, and what a response does.
_HERE = {
    "messages": "input",
    "response_format": "text.format",
    "max_completion_tokens": "max_output_tokens",
    "logprobs": "top_logprobs",
}


class ResponseAsked(msgspec.Struct, frozen=True):
    """What a client asks, what is new of it, and the response as far as it is known before it is made."""

    chat: ChatAsked
    said: tuple[Item, ...]
    response: ResponseObject


def response_asked(
    request: ResponseRequest, model: str, before: Sequence[KeptResponse], said: Sequence[Item]
) -> ResponseAsked:
    """Return what ``request`` asks of ``model``: ``said`` after what was said ``before``. Raises `Failure`."""
    items = [*(item for one in before for item in one.items), *said]
    told = [ChatMessage("system", request.instructions)] if request.instructions else []
    tools = [_tool(tool, f"tools[{place}]") for place, tool in enumerate(request.tools or ())]
    chat = ChatRequest(
        messages=[*told, *messages_of(items)],
        max_completion_tokens=request.max_output_tokens,
        safety_identifier=request.safety_identifier,
        user=request.user,
        prompt_cache_key=request.prompt_cache_key or (before[-1].conversation if before else None),
        store=request.store,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        min_p=request.min_p,
        repeat_penalty=request.repeat_penalty,
        seed=request.seed,
        stop=request.stop,
        logprobs=request.tells_tokens,
        top_logprobs=request.top_logprobs,
        response_format=_form(request),
        tools=[ToolDefinition(FunctionDefinition(tool.name, tool.description, tool.parameters)) for tool in tools],
        tool_choice=_choice(request),
        parallel_tool_calls=request.parallel_tool_calls,
    )
    try:
        asked = chat_asked(chat)
    except Failure as error:
        raise in_these_words(error) from error
    # Whoever is asked says so before it generates, if it can know; else the reply tells what was left out.
    whole = msgspec.structs.replace(asked.asked, all_messages=request.truncation == "disabled")
    asked = msgspec.structs.replace(asked, asked=whole)
    return ResponseAsked(asked, tuple(said), _begun(request, model, tools))


def in_these_words(failed: Failure) -> Failure:
    """Return ``failed`` with the name that its field has in a response."""
    error = msgspec.json.decode(failed.body, type=ErrorBody).error
    field = _HERE.get(error.param or "")
    if field is None:
        return failed
    return Failure(failed.status, error.type, error.message, code=error.code, param=field)


def _begun(request: ResponseRequest, model: str, tools: list[FunctionTool]) -> ResponseObject:
    form = None if request.text is None else request.text.format
    return ResponseObject(
        id=new_id("resp"),
        created_at=int(time.time()),
        model=model,
        instructions=request.instructions,
        previous_response_id=request.previous_response_id,
        store=request.store is not False,
        max_output_tokens=request.max_output_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        top_logprobs=request.top_logprobs or 0,
        text=TextFormat(form or PlainText()),
        tools=tools,
        tool_choice=request.tool_choice or "auto",
        parallel_tool_calls=request.parallel_tool_calls is not False,
        truncation=request.truncation or "auto",
        metadata=request.metadata or {},
        safety_identifier=request.safety_identifier,
        prompt_cache_key=request.prompt_cache_key,
        user=request.user,
    )


def _form(request: ResponseRequest) -> AnyObject | FittingSchema | None:
    match None if request.text is None else request.text.format:
        case JsonObject():
            return AnyObject()
        case FormSchema(schema):
            return FittingSchema(SchemaDefinition(schema))
    return None


def _tool(tool: OfferedTool, where: str) -> FunctionTool:
    if tool.type != "function":
        raise bad_request(
            f"Tools of the type {tool.type[:50]!r} are not offered: the server calls nothing by itself. "
            "Say what a client can call as a function.",
            param=f"{where}.type",
            code="not_offered",
        )
    if tool.name is None:
        raise bad_request("A function's `name` stands beside its `type`.", param=f"{where}.name")
    return FunctionTool(tool.name, tool.parameters, tool.description)


def _choice(request: ResponseRequest) -> Literal["none", "auto", "required"] | NamedTool | OnlyAllowed | None:
    match request.tool_choice:
        case ChosenTool("function", str(name)):
            return NamedTool(NamedFunction(name))
        case ChosenTool("allowed_tools", _, mode, list(tools)):
            allowed = [NamedTool(NamedFunction(tool.name or "")) for tool in tools]
            return OnlyAllowed(AllowedTools(allowed, mode or "auto"))
        case ChosenTool(kind):
            raise bad_request(
                f"There is no `tool_choice` of the type {kind[:50]!r}: a function is chosen by its name.",
                param="tool_choice",
                code="not_offered",
            )
        case choice:
            return choice
