"""The body of a request for a response, as far as it is understood; `response_fields` says what is not."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from systems.server.chat.request import ContentPart, Count, FunctionName, Name, PlainText, Stop, Zero
from systems.server.chat.shapes import ANY_MODEL
from systems.server.decoding import not_understood
from systems.server.responses.fields import FIELDS

Key = Annotated[str, msgspec.Meta(max_length=64)]
Value = Annotated[str, msgspec.Meta(max_length=512)]
Nothing = Annotated[list[Any], msgspec.Meta(max_length=0)]
No = Annotated[dict[str, Any], msgspec.Meta(max_length=0)]


class InputItem(msgspec.Struct):
    """An item of the input: a message, a call of a function or its result, a reference; by its ``type``."""

    type: str | None = None
    id: str | None = None
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | list[ContentPart] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | dict[str, Any] | None = None
    output: str | list[ContentPart] | dict[str, Any] | None = None


class JsonObject(msgspec.Struct, tag_field="type", tag="json_object"):
    """A reply that is a JSON object."""


class FormSchema(msgspec.Struct, tag_field="type", tag="json_schema", omit_defaults=True):
    """A reply that fits a JSON Schema, whether or not it is ``strict``."""

    schema: dict[str, Any]
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


class TextForm(msgspec.Struct):
    """The form of a reply's text."""

    format: PlainText | JsonObject | FormSchema | None = None
    verbosity: str | None = None


class OfferedTool(msgspec.Struct):
    """A tool; only functions are understood."""

    type: str
    name: FunctionName | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class AllowedTool(msgspec.Struct, omit_defaults=True):
    """A function by its name."""

    type: str
    name: FunctionName | None = None


class ChosenTool(msgspec.Struct, omit_defaults=True):
    """The one function that is to be called, or those that may be."""

    type: str
    name: FunctionName | None = None
    mode: Literal["auto", "required"] | None = None
    tools: list[AllowedTool] | None = None


class NotOfferedHere(msgspec.Struct, kw_only=True):
    """What is refused, save where it asks for nothing."""

    background: Literal[False] | None = None
    conversation: None = None
    context_management: Nothing | None = None
    prompt: None = None
    moderation: None = None
    messages: Nothing | None = None
    max_tokens: None = None
    max_completion_tokens: None = None
    response_format: PlainText | None = None
    functions: Nothing | None = None
    function_call: None = None
    n: Literal[1] | None = None
    logprobs: Literal[False] | None = None
    logit_bias: No | None = None
    grammar: None = None
    json_schema: None = None
    ignore_eos: Literal[False] | None = None
    presence_penalty: Zero | None = None
    frequency_penalty: Zero | None = None


class ResponseRequest(NotOfferedHere, kw_only=True):
    """The body of a request; what only advises, and is not known, is ignored."""

    input: str | Annotated[list[InputItem], msgspec.Meta(max_length=1000)] | None = None
    instructions: str | None = None
    previous_response_id: str | None = None
    store: bool | None = None
    model: str = ANY_MODEL
    stream: bool | None = None
    max_output_tokens: Count | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=10)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    include: list[str] | None = None
    text: TextForm | None = None
    tools: Annotated[list[OfferedTool], msgspec.Meta(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | ChosenTool | None = None
    parallel_tool_calls: bool | None = None
    truncation: Literal["auto", "disabled"] | None = None
    metadata: Annotated[dict[Key, Value], msgspec.Meta(max_length=16)] | None = None
    safety_identifier: Name | None = None
    user: Name | None = None
    prompt_cache_key: Name | None = None
    seed: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: Stop | Annotated[list[Stop], msgspec.Meta(max_length=16)] | None = None
    top_k: Annotated[int, msgspec.Meta(ge=-1, le=2**31 - 1)] | None = None
    min_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    repeat_penalty: Annotated[float, msgspec.Meta(gt=0, le=10)] | None = None

    @property
    def asks_for_form(self) -> bool:
        """Whether a grammar is to be made of what it says."""
        return bool(self.tools) or (self.text is not None and self.text.format is not None)

    @property
    def tells_tokens(self) -> bool:
        """Whether the tokens of the reply are to be told with their probabilities."""
        return bool(self.top_logprobs) or "message.output_text.logprobs" in (self.include or ())


_decoder = msgspec.json.Decoder(ResponseRequest)


def decoded(body: bytes) -> ResponseRequest:
    """Return the request in ``body``. Raises `Failure`, which names the field at fault."""
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise not_understood(error, FIELDS) from error
