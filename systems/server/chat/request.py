"""The body of a request for a chat completion, as far as it is understood; `fields` says what is not."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from systems.engines.interface import Sampling
from systems.server.chat.fields import FIELDS
from systems.server.chat.shapes import ANY_MODEL
from systems.server.decoding import not_understood
from systems.server.failures import bad_request
from systems.server.settings import MAX_NAME

MAX_CHOICES = 8
"""How many replies one request may ask for."""

Count = Annotated[int, msgspec.Meta(ge=-2, extra_json_schema={"not": {"const": 0}})]
Stop = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME)]
FunctionName = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Zero = Annotated[float, msgspec.Meta(ge=0, le=0)]
One = Annotated[float, msgspec.Meta(ge=1, le=1)]
Nothing = Annotated[list[Any], msgspec.Meta(max_length=0)]
Token = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
TokenAsText = Annotated[str, msgspec.Meta(pattern="^[0-9]{1,10}$")]


class ContentPart(msgspec.Struct):
    """A part of a message; only text is understood."""

    type: str = "text"
    text: str | None = None
    refusal: str | None = None


class SaidCall(msgspec.Struct):
    """A function that was called, as a client sends it back; some send the arguments as they are, not as text."""

    name: str
    arguments: str | dict[str, Any] | None = None


class SaidToolCall(msgspec.Struct):
    """One of the calls of a message, as a client sends it back."""

    function: SaidCall
    id: str | None = None
    type: Literal["function"] | None = None


class ChatMessage(msgspec.Struct):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = None
    tool_calls: list[SaidToolCall] | None = None
    function_call: SaidCall | None = None
    tool_call_id: str | None = None
    name: str | None = None
    refusal: str | None = None
    audio: None = None


class StreamOptions(msgspec.Struct):
    """What a stream should end with."""

    include_usage: bool | None = None


class FunctionDefinition(msgspec.Struct):
    """A function that may be called; without ``parameters`` it takes none. What is called always fits these."""

    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ToolDefinition(msgspec.Struct):
    """A tool: a function."""

    function: FunctionDefinition
    type: Literal["function"] = "function"


class NamedFunction(msgspec.Struct):
    """A function by its name."""

    name: FunctionName


class NamedTool(msgspec.Struct, tag_field="type", tag="function"):
    """The one function that is to be called."""

    function: NamedFunction


class AllowedTools(msgspec.Struct):
    """Which of the tools may be called, and whether one must be."""

    tools: list[NamedTool]
    mode: Literal["auto", "required"] = "auto"


class OnlyAllowed(msgspec.Struct, tag_field="type", tag="allowed_tools"):
    """Some of the tools."""

    allowed_tools: AllowedTools


class PlainText(msgspec.Struct, tag_field="type", tag="text"):
    """No form."""


class AnyObject(msgspec.Struct, tag_field="type", tag="json_object"):
    """A reply that is a JSON object; llama.cpp's clients may add its ``schema``."""

    schema: dict[str, Any] | None = None


class SchemaDefinition(msgspec.Struct):
    """A JSON Schema. It is always held to, whether or not it is ``strict``."""

    schema: dict[str, Any]
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


class FittingSchema(msgspec.Struct, tag_field="type", tag="json_schema"):
    """A reply that fits a JSON Schema."""

    json_schema: SchemaDefinition


class NotOffered(msgspec.Struct, kw_only=True):
    """What is refused, save where it asks for nothing."""

    modalities: list[Literal["text"]] | None = None
    audio: None = None
    moderation: None = None
    web_search_options: None = None
    dynatemp_range: Zero | None = None
    typical_p: One | None = None
    dry_multiplier: Zero | None = None
    xtc_probability: Zero | None = None
    mirostat: Literal[0] | None = None
    top_n_sigma: Annotated[float, msgspec.Meta(le=0)] | None = None
    min_keep: Literal[0, 1] | None = None
    samplers: None = None
    n_indent: Literal[0] | None = None
    n_cmpl: Literal[1] | None = None
    n_probs: Literal[0] | None = None
    post_sampling_probs: Literal[False] | None = None
    t_max_predict_ms: Annotated[int, msgspec.Meta(le=0)] | None = None
    return_tokens: Literal[False] | None = None
    response_fields: Nothing | None = None
    lora: Nothing | None = None
    chat_template_kwargs: Annotated[dict[str, Any], msgspec.Meta(max_length=0)] | None = None
    add_generation_prompt: Literal[True] | None = None
    continue_final_message: Literal[False] | None = None
    repetition_penalty: One | None = None
    min_tokens: Literal[0] | None = None
    stop_token_ids: Nothing | None = None
    guided_json: None = None
    guided_regex: None = None
    guided_choice: None = None
    guided_grammar: None = None
    structured_outputs: None = None
    bad_words: Nothing | None = None
    allowed_token_ids: None = None
    length_penalty: One | None = None
    use_beam_search: Literal[False] | None = None
    best_of: Literal[1] | None = None
    include_stop_str_in_output: Literal[False] | None = None
    echo: Literal[False] | None = None
    prompt_logprobs: None = None
    truncate_prompt_tokens: None = None
    chat_template: None = None
    documents: Nothing | None = None
    negative_prompt: None = None
    tfs_z: One | None = None
    top_a: Zero | None = None
    ban_eos_token: Literal[False] | None = None
    grammar_lazy: Literal[False] | None = None
    format: None = None


class ChatRequest(NotOffered, kw_only=True):
    """The body of a request; what only advises, and is not known, is ignored."""

    messages: Annotated[list[ChatMessage], msgspec.Meta(min_length=1, max_length=1000)]
    model: str = ANY_MODEL
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    n_predict: Count | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    safety_identifier: Name | None = None
    user: Name | None = None
    prompt_cache_key: Name | None = None
    store: bool | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=MAX_CHOICES)] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=10)] | None = None
    top_k: Annotated[int, msgspec.Meta(ge=-1, le=2**31 - 1)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    min_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    repeat_last_n: Annotated[int, msgspec.Meta(ge=-1, le=4096)] | None = None
    repeat_penalty: Annotated[float, msgspec.Meta(gt=0, le=10)] | None = None
    presence_penalty: Annotated[float, msgspec.Meta(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, msgspec.Meta(ge=-2, le=2)] | None = None
    seed: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: Stop | Annotated[list[Stop], msgspec.Meta(max_length=16)] | None = None
    ignore_eos: bool | None = None
    logit_bias: dict[TokenAsText, float] | list[tuple[Token, float]] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    response_format: PlainText | AnyObject | FittingSchema | None = None
    grammar: Annotated[str, msgspec.Meta(max_length=65_536)] | None = None
    json_schema: dict[str, Any] | None = None
    tools: Annotated[list[ToolDefinition], msgspec.Meta(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | OnlyAllowed | None = None
    parallel_tool_calls: bool | None = None
    functions: Annotated[list[FunctionDefinition], msgspec.Meta(max_length=128)] | None = None
    function_call: Literal["none", "auto"] | NamedFunction | None = None

    @property
    def asks_for_form(self) -> bool:
        """Whether a grammar is to be made of what it says."""
        return any((self.tools, self.functions, self.response_format, self.grammar, self.json_schema is not None))

    def most(self) -> int | None:
        """Return how long a reply is wanted at most; None if no bound is named. Raises `Failure`."""
        for name in ("max_completion_tokens", "max_tokens", "n_predict"):
            said: int | None = getattr(self, name)
            if said == 0:
                raise bad_request("A reply has at least one token.", param=name)
            if said is not None:
                return None if said < 0 else said
        return None

    def sampling(self) -> Sampling | None:
        """Return what is said of sampling; None if that is nothing."""
        said: dict[str, Any] = {
            name: value
            for name in ("temperature", "top_p", "min_p", "repeat_penalty")
            if (value := getattr(self, name)) is not None
        }
        said |= {name: value for name in ("presence_penalty", "frequency_penalty") if (value := getattr(self, name))}
        if said.get("top_p") == 0:  # no probability at all: the likeliest token alone
            said |= {"top_p": None, "temperature": 0.0}
        if self.top_k is not None:
            said["top_k"] = max(self.top_k, 0)
        if self.repeat_last_n is not None:
            said["repeat_last_n"] = 4096 if self.repeat_last_n < 0 else self.repeat_last_n
        if self.seed not in (None, -1):
            said["seed"] = self.seed & (2**63 - 1)
        if self.stop:
            said["stop"] = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)
        if self.ignore_eos is not None:
            said["ignore_end"] = self.ignore_eos
        if self.logit_bias:
            pairs = self.logit_bias.items() if isinstance(self.logit_bias, dict) else self.logit_bias
            said["logit_bias"] = tuple((int(token), float(bias)) for token, bias in pairs)
        return Sampling(**said) if said else None

    def likeliest(self) -> int | None:
        """Return how many of the likeliest tokens are to be told at each place; None if no probabilities are."""
        if self.logprobs:
            return self.top_logprobs or 0
        if self.top_logprobs:
            raise bad_request("`top_logprobs` are told with `logprobs`: set that to true.", param="top_logprobs")
        return None


_decoder = msgspec.json.Decoder(ChatRequest)


def decoded(body: bytes) -> ChatRequest:
    """Return the request in ``body``. Raises `Failure`, which names the field at fault."""
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise not_understood(error, FIELDS) from error
