"""OpenAI's shapes of chat completions: replies, pieces of replies and errors."""

from __future__ import annotations

from typing import Literal

import msgspec

from systems.engines.interface import FinishReason

ANY_MODEL = "default"
"""The name under which every server serves what it has."""


class PromptDetails(msgspec.Struct):
    """How much of the prompt had been computed before."""

    cached_tokens: int


class Usage(msgspec.Struct):
    """How many tokens a reply took."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails


class Dropped(msgspec.Struct):
    """What the prompt had no room for: the oldest messages, then notes of an agent's.

    And the ``seed`` with which the same messages get the same reply; null where no chance was in it.
    """

    dropped_messages: int
    dropped_notes: int
    seed: int | None = None


class CalledFunction(msgspec.Struct):
    """The name of a function that is called, and its arguments in JSON."""

    name: str
    arguments: str


class ToolCall(msgspec.Struct):
    """A call of a function; what comes of it is told with the ``id``."""

    id: str
    function: CalledFunction
    type: Literal["function"] = "function"


class AssistantMessage(msgspec.Struct):
    """The reply: text, or calls of functions; null is where there is no text."""

    content: str | None
    tool_calls: list[ToolCall] | msgspec.UnsetType = msgspec.UNSET
    function_call: CalledFunction | msgspec.UnsetType = msgspec.UNSET
    role: Literal["assistant"] = "assistant"
    refusal: None = None


class LikelyToken(msgspec.Struct):
    """A token and its natural log probability; its bytes, where it is no whole character by itself."""

    token: str
    logprob: float
    bytes: list[int]


class TokenLogprob(LikelyToken):
    """A token of the reply, and the likeliest at its place."""

    top_logprobs: list[LikelyToken]


class Logprobs(msgspec.Struct):
    """All tokens of a reply."""

    content: list[TokenLogprob]
    refusal: None = None


ChatFinish = FinishReason | Literal["tool_calls", "function_call"]


class Choice(msgspec.Struct):
    """One of the replies that were asked for."""

    message: AssistantMessage
    finish_reason: ChatFinish
    index: int = 0
    logprobs: Logprobs | None = None


class ChatCompletion(msgspec.Struct):
    """A whole reply."""

    id: str
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    fourgig: Dropped
    object: Literal["chat.completion"] = "chat.completion"


class FunctionDelta(msgspec.Struct, omit_defaults=True):
    """What is new of a call: its name first, then pieces of its arguments."""

    name: str | None = None
    arguments: str | None = None


class ToolCallDelta(msgspec.Struct):
    """What is new of the call at ``index``; its first piece has the id and the name."""

    index: int
    function: FunctionDelta
    id: str | msgspec.UnsetType = msgspec.UNSET
    type: Literal["function"] | msgspec.UnsetType = msgspec.UNSET


class Delta(msgspec.Struct, omit_defaults=True):
    """What is new in a chunk."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    tool_calls: list[ToolCallDelta] | None = None
    function_call: FunctionDelta | None = None


class ChunkChoice(msgspec.Struct):
    """One of the replies, so far as this chunk goes."""

    delta: Delta
    finish_reason: ChatFinish | None = None
    index: int = 0
    logprobs: Logprobs | None = None


class ChatCompletionChunk(msgspec.Struct):
    """A piece of a streamed reply; the last of each says what the prompt had no room for."""

    id: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None
    fourgig: Dropped | msgspec.UnsetType = msgspec.UNSET
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"


class ErrorDetails(msgspec.Struct):
    """What went wrong, in words and for programs."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(msgspec.Struct):
    """Every error's body."""

    error: ErrorDetails


class ListedModel(msgspec.Struct):
    """What is served, by its name, and how long a prompt and its reply may be together; null where it is unknown.

    What a model with ``random_weights`` says means nothing.
    """

    id: str
    context_length: int | None
    random_weights: bool = False
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "fourgig"


class ModelList(msgspec.Struct):
    """Everything that is served."""

    data: list[ListedModel]
    object: Literal["list"] = "list"
