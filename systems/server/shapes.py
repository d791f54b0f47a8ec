"""OpenAI's shapes of chat completions: requests, replies, pieces of replies and errors."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from systems.engines.interface import FinishReason

ANY_MODEL = "default"
"""The name under which every server serves what it has."""

Count = Annotated[int, msgspec.Meta(ge=-2, extra_json_schema={"not": {"const": 0}})]
Nothing = Annotated[list[Any], msgspec.Meta(max_length=0)]
Stop = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class TextPart(msgspec.Struct):
    """A part of a message; only text is understood."""

    type: Literal["text"]
    text: str


class ChatMessage(msgspec.Struct):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]

    def text(self) -> str:
        """Return the content as one text."""
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class StreamOptions(msgspec.Struct):
    """What a stream should end with."""

    include_usage: bool = False


class PlainText(msgspec.Struct):
    """The one form of a reply."""

    type: Literal["text"]


class ChatRequest(msgspec.Struct):
    """The body of a request, as far as it is understood.

    ``max_tokens`` is an upper bound; -1 and -2 are none, as to llama.cpp's server and others.
    ``top_k``, ``min_p``, ``repeat_penalty``, ``repeat_last_n`` and ``ignore_eos`` are those of llama.cpp's server. What
    would change the form of a reply and is not offered is refused; what only advises, and is not known, is ignored.
    """

    messages: Annotated[list[ChatMessage], msgspec.Meta(min_length=1, max_length=1000)]
    model: str = ANY_MODEL
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=10)] | None = None
    top_k: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None
    top_p: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    min_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    repeat_last_n: Annotated[int, msgspec.Meta(ge=0, le=4096)] | None = None
    repeat_penalty: Annotated[float, msgspec.Meta(gt=0, le=10)] | None = None
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
    stop: Stop | Annotated[list[Stop], msgspec.Meta(max_length=16)] | None = None
    ignore_eos: bool | None = None
    n: Literal[1] | None = None
    logprobs: Literal[False] | None = None
    response_format: PlainText | None = None
    tools: Nothing | None = None
    functions: Nothing | None = None


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


class AssistantMessage(msgspec.Struct):
    """The reply."""

    content: str
    role: Literal["assistant"] = "assistant"
    refusal: None = None


class Choice(msgspec.Struct):
    """The one reply that is generated."""

    message: AssistantMessage
    finish_reason: FinishReason
    index: int = 0
    logprobs: None = None


class ChatCompletion(msgspec.Struct):
    """A whole reply."""

    id: str
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    fourgig: Dropped
    object: Literal["chat.completion"] = "chat.completion"


class Delta(msgspec.Struct, omit_defaults=True):
    """What is new in a chunk."""

    role: Literal["assistant"] | None = None
    content: str | None = None


class ChunkChoice(msgspec.Struct):
    """The one reply that is generated, so far as this chunk goes."""

    delta: Delta
    finish_reason: FinishReason | None = None
    index: int = 0
    logprobs: None = None


class ChatCompletionChunk(msgspec.Struct):
    """A piece of a streamed reply; the last of them says what the prompt had no room for."""

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
    """What is served, by its name, and how long a prompt and its reply may be together; null where it is unknown."""

    id: str
    context_length: int | None
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "fourgig"


class ModelList(msgspec.Struct):
    """Everything that is served."""

    data: list[ListedModel]
    object: Literal["list"] = "list"
