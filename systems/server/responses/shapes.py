"""OpenAI's shapes of responses: items of the input and the output, and the response that has them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from systems.server.chat.request import PlainText
from systems.server.chat.shapes import Dropped, TokenLogprob
from systems.server.responses.request import ChosenTool, FormSchema, JsonObject

ItemStatus = Literal["in_progress", "completed", "incomplete"]


class InputText(msgspec.Struct, tag_field="type", tag="input_text"):
    """What somebody else than the assistant said."""

    text: str


class OutputText(msgspec.Struct, tag_field="type", tag="output_text"):
    """What the assistant said; ``logprobs`` are empty unless they were asked for."""

    text: str
    annotations: list[Any] = msgspec.field(default_factory=list)
    logprobs: list[TokenLogprob] = msgspec.field(default_factory=list)


class MessageItem(msgspec.Struct, tag_field="type", tag="message"):
    """A message; one that is being made has no content yet."""

    id: str
    role: Literal["user", "assistant", "system", "developer"]
    content: list[InputText | OutputText]
    status: ItemStatus = "completed"


class CallItem(msgspec.Struct, tag_field="type", tag="function_call"):
    """A call of a function, with its arguments in JSON; what comes of it is told with the ``call_id``."""

    id: str
    call_id: str
    name: str
    arguments: str
    status: ItemStatus = "completed"


class ResultItem(msgspec.Struct, tag_field="type", tag="function_call_output"):
    """What came of a call."""

    id: str
    call_id: str
    output: str
    name: str | msgspec.UnsetType = msgspec.UNSET
    status: ItemStatus = "completed"


Item = MessageItem | CallItem | ResultItem


class InputDetails(msgspec.Struct):
    """How much of the prompt had been computed before; nothing is written to a cache that would cost more."""

    cached_tokens: int
    cache_write_tokens: int = 0


class OutputDetails(msgspec.Struct):
    """The model does not reason apart from its reply."""

    reasoning_tokens: int = 0


class ResponseUsage(msgspec.Struct):
    """How many tokens a response took."""

    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


class IncompleteDetails(msgspec.Struct):
    """Why a response ended before it was complete: its bound, or the context."""

    reason: Literal["max_output_tokens"] = "max_output_tokens"


class ResponseProblem(msgspec.Struct):
    """Why a response failed."""

    code: str
    message: str
    type: str
    param: str | None


class NoReasoning(msgspec.Struct):
    """How the model reasons apart from its reply: not at all."""

    effort: None = None
    summary: None = None


class FunctionTool(msgspec.Struct, tag_field="type", tag="function"):
    """A function that could be called; its parameters are always held to."""

    name: str
    parameters: dict[str, Any] | None
    description: str | None = None
    strict: bool = True


class TextFormat(msgspec.Struct):
    """The form that the text of the reply has."""

    format: PlainText | JsonObject | FormSchema


class ResponseObject(msgspec.Struct, kw_only=True):
    """A response, while it is made and when it is whole; with what it was asked with."""

    id: str
    created_at: int
    model: str
    status: Literal["in_progress", "completed", "incomplete", "failed"] = "in_progress"
    completed_at: int | None = None
    error: ResponseProblem | None = None
    incomplete_details: IncompleteDetails | None = None
    output: list[Item] = msgspec.field(default_factory=list)
    usage: ResponseUsage | None = None
    fourgig: Dropped | msgspec.UnsetType = msgspec.UNSET
    instructions: str | None
    previous_response_id: str | None
    store: bool
    max_output_tokens: int | None
    temperature: float | None
    top_p: float | None
    top_logprobs: int
    text: TextFormat
    tools: list[FunctionTool]
    tool_choice: Literal["none", "auto", "required"] | ChosenTool
    parallel_tool_calls: bool
    truncation: Literal["auto", "disabled"]
    metadata: dict[str, str]
    safety_identifier: str | None
    prompt_cache_key: str | None
    user: str | None
    background: bool = False
    max_tool_calls: None = None
    reasoning: NoReasoning = msgspec.field(default_factory=NoReasoning)
    service_tier: Literal["default"] = "default"
    object: Literal["response"] = "response"


class DeletedResponse(msgspec.Struct):
    """A response that is not kept any more."""

    id: str
    object: Literal["response"] = "response"
    deleted: bool = True


class ItemList(msgspec.Struct):
    """A page of the items from which a response was made."""

    data: list[Item]
    first_id: str | None
    last_id: str | None
    has_more: bool
    object: Literal["list"] = "list"
