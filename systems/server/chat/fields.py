"""Every field that a client may send with a chat completion, and what the server does with it.

The decoder, the description of the server and the documentation follow this table; tests hold them to it, and hold the
table to the fields that OpenAI's own client knows. A field that stands nowhere here is ignored.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Treatment = Literal["obeyed", "accepted", "refused"]


class Field(NamedTuple):
    """What is done with a field: it is obeyed, accepted without effect, or refused unless it asks for nothing."""

    how: Treatment
    why: str


def _obeyed(why: str) -> Field:
    return Field("obeyed", why)


def _accepted(why: str) -> Field:
    return Field("accepted", why)


def _refused(why: str) -> Field:
    return Field("refused", why)


_SAMPLER = "this sampler is not offered"

OPENAI: dict[str, Field] = {
    "messages": _obeyed("text of every role, calls of tools and their results; images, sound and files are refused"),
    "model": _obeyed("the name that `/v1/models` lists, or `default`"),
    "stream": _obeyed("server-sent events"),
    "stream_options": _obeyed("`include_usage`; obfuscation is never added"),
    "max_tokens": _obeyed("an upper bound; beyond the context, -1 and -2 are none"),
    "max_completion_tokens": _obeyed("the same; it wins over `max_tokens`"),
    "n": _obeyed("up to 8 replies; an agent keeps the first"),
    "temperature": _obeyed("0 takes the likeliest token"),
    "top_p": _obeyed("0 takes the likeliest token"),
    "seed": _obeyed("-1 draws one"),
    "presence_penalty": _obeyed("over the last `repeat_last_n` tokens of the replies"),
    "frequency_penalty": _obeyed("the same"),
    "stop": _obeyed("up to 16 strings"),
    "logit_bias": _obeyed("by the numbers of tokens"),
    "logprobs": _obeyed("of the model itself, before sampling; in a stream with the reply's last piece"),
    "top_logprobs": _obeyed("with `logprobs`"),
    "response_format": _obeyed("`text`, `json_object`, `json_schema`, strict or not: the reply always fits"),
    "tools": _obeyed("functions; their arguments always fit their parameters"),
    "tool_choice": _obeyed("`auto`, `none`, `required`, a function's name, `allowed_tools`"),
    "parallel_tool_calls": _obeyed("`false`: one call at most"),
    "functions": _obeyed("as `tools`, in the older form"),
    "function_call": _obeyed("as `tool_choice`, in the older form"),
    "safety_identifier": _obeyed("names the person, whose memory it is"),
    "user": _obeyed("the same, where there is no `safety_identifier`"),
    "prompt_cache_key": _obeyed("names the conversation"),
    "store": _obeyed("`false`: an agent does not remember this turn"),
    "metadata": _accepted("nothing is kept by it"),
    "service_tier": _accepted("there is one"),
    "reasoning_effort": _accepted("the model does not reason apart from its reply"),
    "verbosity": _accepted("advice that this model was not trained to take; say it in words"),
    "prediction": _accepted("it would only save time"),
    "prompt_cache_options": _accepted("what was computed is kept anyway"),
    "prompt_cache_retention": _accepted("what was computed is kept while there is room"),
    "modalities": _refused('a reply is text; `["text"]` asks for nothing else'),
    "audio": _refused("a reply is text"),
    "moderation": _refused("nothing here judges what is said"),
    "web_search_options": _refused("the server does not search the web"),
}

LLAMA: dict[str, Field] = {
    "top_k": _obeyed("0 or -1: all tokens"),
    "min_p": _obeyed("as llama.cpp's"),
    "repeat_penalty": _obeyed("1 is none"),
    "repeat_last_n": _obeyed("up to 4,096 tokens of the replies; -1: as many"),
    "ignore_eos": _obeyed("the reply goes on to its bound"),
    "n_predict": _obeyed("as `max_tokens`, where that is not said"),
    "grammar": _obeyed("GBNF with the rule `root`, of which none is within itself"),
    "json_schema": _obeyed("as a `response_format` of `json_schema`"),
    "cache_prompt": _accepted("what was computed is kept anyway"),
    "id_slot": _accepted("the engine chooses its slots"),
    "n_keep": _accepted("what has no room is told in the reply"),
    "n_cache_reuse": _accepted("it would only save time"),
    "timings_per_token": _accepted("`usage` says how many tokens there were"),
    "return_progress": _accepted("a stream says that it is at work"),
    "sse_ping_interval": _accepted("a stream that is quiet says every five seconds that it is at work"),
    "reasoning_format": _accepted("the model does not reason apart from its reply"),
    "dynatemp_exponent": _accepted("nothing without `dynatemp_range`"),
    "dry_base": _accepted("nothing without `dry_multiplier`"),
    "dry_allowed_length": _accepted("nothing without `dry_multiplier`"),
    "dry_penalty_last_n": _accepted("nothing without `dry_multiplier`"),
    "dry_sequence_breakers": _accepted("nothing without `dry_multiplier`"),
    "xtc_threshold": _accepted("nothing without `xtc_probability`"),
    "mirostat_tau": _accepted("nothing without `mirostat`"),
    "mirostat_eta": _accepted("nothing without `mirostat`"),
    "dynatemp_range": _refused(f"{_SAMPLER}, save as 0"),
    "typical_p": _refused(f"{_SAMPLER}, save as 1"),
    "dry_multiplier": _refused(f"{_SAMPLER}, save as 0"),
    "xtc_probability": _refused(f"{_SAMPLER}, save as 0"),
    "mirostat": _refused(f"{_SAMPLER}, save as 0"),
    "top_n_sigma": _refused(f"{_SAMPLER}, save as -1 or 0"),
    "min_keep": _refused("samplers keep one token at least, no more"),
    "samplers": _refused("the order of the samplers is fixed"),
    "n_indent": _refused("lines are not indented for a client"),
    "n_cmpl": _refused("say `n`"),
    "n_probs": _refused("say `logprobs` and `top_logprobs`"),
    "post_sampling_probs": _refused("probabilities are those of the model itself"),
    "t_max_predict_ms": _refused("a reply is bounded by tokens, and by the server's deadline"),
    "return_tokens": _refused("the numbers of tokens are not told"),
    "response_fields": _refused("a reply has all its fields"),
    "lora": _refused("there are no adapters"),
    "chat_template_kwargs": _refused("the model's template is used as it is"),
    "add_generation_prompt": _refused("every request asks for a reply"),
    "continue_final_message": _refused("every reply is a message of its own"),
}

OTHERS: dict[str, Field] = {
    "repetition_penalty": _refused("say `repeat_penalty`"),
    "min_tokens": _refused("the model ends its replies itself"),
    "stop_token_ids": _refused("say `stop`"),
    "guided_json": _refused("say `response_format`"),
    "guided_regex": _refused("say `grammar`"),
    "guided_choice": _refused("say `grammar`"),
    "guided_grammar": _refused("say `grammar`"),
    "structured_outputs": _refused("say `response_format` or `grammar`"),
    "bad_words": _refused("say `logit_bias`"),
    "allowed_token_ids": _refused("say `grammar`"),
    "length_penalty": _refused("no beams are searched, save as 1"),
    "use_beam_search": _refused("no beams are searched"),
    "best_of": _refused("say `n`"),
    "include_stop_str_in_output": _refused("a reply ends before its `stop`"),
    "echo": _refused("a reply does not repeat its prompt"),
    "prompt_logprobs": _refused("probabilities are those of the reply"),
    "truncate_prompt_tokens": _refused("the oldest messages leave where there is no room"),
    "chat_template": _refused("the model's template is used as it is"),
    "documents": _refused("say them in a message"),
    "negative_prompt": _refused(_SAMPLER),
    "tfs_z": _refused(f"{_SAMPLER}, save as 1"),
    "top_a": _refused(f"{_SAMPLER}, save as 0"),
    "ban_eos_token": _refused("say `ignore_eos`"),
    "grammar_lazy": _refused("a grammar holds from the first token on"),
    "format": _refused("say `response_format`"),
    "options": _accepted("Ollama's own, which takes none of them at this address either"),
    "enable_thinking": _accepted("the model does not reason apart from its reply"),
    "thinking": _accepted("the same"),
    "reasoning_budget": _accepted("the same"),
    "thinking_budget_tokens": _accepted("the same"),
}
"""What clients of vLLM and of servers like it send: what would change a reply is not ignored."""

FIELDS: dict[str, Field] = {**OPENAI, **LLAMA, **OTHERS}
"""All of them, by name."""
