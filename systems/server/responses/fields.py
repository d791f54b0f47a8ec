"""Every field that a client may send for a response, and what the server does with it, as for chat completions.

The decoder, the description of the server and the documentation follow this table; tests hold them to it, and hold the
table to the fields that OpenAI's own client knows. A field that stands nowhere here is ignored.
"""

from __future__ import annotations

from systems.server.chat.fields import Field

OPENAI: dict[str, Field] = {
    "input": Field("obeyed", "a text, or items: messages, calls of functions, their results, references"),
    "instructions": Field("obeyed", "for this response alone"),
    "previous_response_id": Field("obeyed", "what was said up to that response comes before the input"),
    "store": Field("obeyed", "`false`: the response is not kept, nor does an agent remember this turn"),
    "model": Field("obeyed", "the name that `/v1/models` lists, or `default`"),
    "stream": Field("obeyed", "server-sent events"),
    "max_output_tokens": Field("obeyed", "an upper bound; beyond the context it is none"),
    "temperature": Field("obeyed", "0 takes the likeliest token"),
    "top_p": Field("obeyed", "0 takes the likeliest token"),
    "top_logprobs": Field("obeyed", "of the model itself, before sampling; with the end of the text"),
    "include": Field("obeyed", "`message.output_text.logprobs`; there is nothing else to include"),
    "text": Field("obeyed", "`format`: `text`, `json_object`, `json_schema`, strict or not: the reply always fits"),
    "tools": Field("obeyed", "functions; other tools are refused, the server calls nothing by itself"),
    "tool_choice": Field("obeyed", "`auto`, `none`, `required`, a function's name, `allowed_tools`"),
    "parallel_tool_calls": Field("obeyed", "`false`: one call at most"),
    "truncation": Field("obeyed", "`disabled`: refused where messages have no room; otherwise the oldest are left out"),
    "metadata": Field("obeyed", "up to 16 pairs, told with the response"),
    "safety_identifier": Field("obeyed", "names the person, whose memory it is"),
    "user": Field("obeyed", "the same, where there is no `safety_identifier`"),
    "prompt_cache_key": Field("obeyed", "names the conversation"),
    "reasoning": Field("accepted", "the model does not reason apart from its reply"),
    "max_tool_calls": Field("accepted", "it bounds tools that the server would call by itself"),
    "service_tier": Field("accepted", "there is one"),
    "stream_options": Field("accepted", "obfuscation is never added"),
    "prompt_cache_options": Field("accepted", "what was computed is kept anyway"),
    "prompt_cache_retention": Field("accepted", "what was computed is kept while there is room"),
    "background_options": Field("accepted", "nothing without `background`"),
    "image": Field("accepted", "images are refused where they stand"),
    "access_programs": Field("accepted", "there are none"),
    "background": Field("refused", "a response is made while its client waits"),
    "conversation": Field("refused", "say `previous_response_id`, or name a conversation by `prompt_cache_key`"),
    "context_management": Field("refused", "nothing is compacted; what has no room is left out and told"),
    "prompt": Field("refused", "there are no templates of prompts"),
    "moderation": Field("refused", "nothing here judges what is said"),
}

LLAMA: dict[str, Field] = {
    "seed": Field("obeyed", "-1 draws one"),
    "stop": Field("obeyed", "up to 16 strings"),
    "top_k": Field("obeyed", "0 or -1: all tokens"),
    "min_p": Field("obeyed", "as llama.cpp's"),
    "repeat_penalty": Field("obeyed", "1 is none"),
}
"""What other servers take beside OpenAI's fields."""

_ELSEWHERE = "only `/v1/chat/completions` has it"

CHAT: dict[str, Field] = {
    "messages": Field("refused", "say `input`"),
    "max_tokens": Field("refused", "say `max_output_tokens`"),
    "max_completion_tokens": Field("refused", "say `max_output_tokens`"),
    "response_format": Field("refused", "say `text.format`"),
    "functions": Field("refused", "say `tools`"),
    "function_call": Field("refused", "say `tool_choice`"),
    "n": Field("refused", f"{_ELSEWHERE}; 1 asks for nothing else"),
    "logprobs": Field("refused", "say `include` or `top_logprobs`"),
    "logit_bias": Field("refused", _ELSEWHERE),
    "grammar": Field("refused", _ELSEWHERE),
    "json_schema": Field("refused", "say `text.format`"),
    "ignore_eos": Field("refused", _ELSEWHERE),
    "presence_penalty": Field(
        "refused", "responses of OpenAI's have none; chat completions do, and here there is `repeat_penalty`"
    ),
    "frequency_penalty": Field(
        "refused", "responses of OpenAI's have none; chat completions do, and here there is `repeat_penalty`"
    ),
}
"""What would be obeyed in a chat completion is not ignored here."""

FIELDS: dict[str, Field] = {**OPENAI, **LLAMA, **CHAT}
"""All of them, by name."""
