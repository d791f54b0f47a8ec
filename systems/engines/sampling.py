"""How a token is chosen, once everybody who has a say was heard; and llama.cpp's sampler that chooses it so."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from systems.engines.interface import Sampling
from systems.errors import BiasRefused

# The keys under which llama.cpp finds, in a model's file, how the model is meant to be sampled.
_KEYS = {
    "temperature": "general.sampling.temp",
    "top_k": "general.sampling.top_k",
    "top_p": "general.sampling.top_p",
    "min_p": "general.sampling.min_p",
    "repeat_penalty": "general.sampling.penalty_repeat",
    "repeat_last_n": "general.sampling.penalty_last_n",
}

# Below this a temperature leaves the likeliest token alone; and llama.cpp, which divides by it, reckons in 32 bits.
_GREEDY = 1e-6

KEYS = tuple(_KEYS.values())
"""What `of_model` reads of a model's metadata."""


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """How one reply is sampled. The fields are those of `Sampling`, with the values that nobody changed.

    These are llama.cpp's own but for the temperature. ``seed`` None: no chance is in it.
    """

    temperature: float = 0.0
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.0
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    ignore_end: bool = False
    logit_bias: tuple[tuple[int, float], ...] = ()

    @property
    def looks_back(self) -> int:
        """How many tokens that were said before the reply the penalties count, at most."""
        return self.repeat_last_n if self.penalises else 0

    @property
    def penalises(self) -> bool:
        """Whether what was said weighs less, or more, when it is to be said again."""
        return self.repeat_penalty != 1 or self.presence_penalty != 0 or self.frequency_penalty != 0

    @property
    def is_plain(self) -> bool:
        """Whether the likeliest token is all that is asked."""
        return self.temperature <= 0 and not self.penalises and not self.logit_bias


def said(sampling: Sampling) -> dict[str, Any]:
    """Return the fields of which ``sampling`` says something."""
    return {name: value for name, value in msgspec.structs.asdict(sampling).items() if value not in (None, ())}


def chosen(*heard: Sampling | None) -> Chosen:
    """Return how a reply is sampled: as the first of ``heard`` says, or who comes after, field by field.

    Where chance is in it and nobody names a seed, one is drawn.
    """
    fields: dict[str, Any] = {}
    for sampling in reversed(heard):
        if sampling is not None:
            fields |= said(sampling)
    found = Chosen(**fields)
    if found.temperature < _GREEDY:
        return msgspec.structs.replace(found, temperature=0.0, seed=None)
    return found if found.seed is not None else msgspec.structs.replace(found, seed=secrets.randbits(31))


def of_model(metadata: Mapping[str, str]) -> Sampling:
    """Return how a model's file says that it is meant to be sampled; what cannot be is left out."""
    fields: dict[str, Any] = {}
    for name, key in _KEYS.items():
        try:
            value = float(metadata[key])
            exact = int(value) if value.is_integer() else value
            fields[name] = getattr(msgspec.convert({name: exact}, Sampling), name)
        except (KeyError, ValueError, OverflowError, msgspec.ValidationError):
            continue
    return Sampling(**fields)


def require_tokens(how: Chosen, words: int) -> None:
    """Raise `BiasRefused` for a bias of what is no token of a vocabulary of ``words``, or that is no number."""
    for token, bias in how.logit_bias:
        if not 0 <= token < words:
            raise BiasRefused(f"The token {token}, which is given a bias, is none of the model's {words}.")
        if not math.isfinite(bias):
            raise BiasRefused(f"The bias of the token {token} is {bias}, which is no number to be added.")


def sampler(library: Any, words: int, how: Chosen, said_before: Sequence[int] = ()) -> Any:
    """Return llama.cpp's sampler, of a vocabulary of ``words``; to be freed with ``llama_sampler_free``.

    ``said_before`` are tokens that the penalties count as if the reply had begun with them.
    """
    chain = library.llama_sampler_chain_init(library.llama_sampler_chain_default_params())
    parts = []
    if how.logit_bias:
        biases = (library.llama_logit_bias * len(how.logit_bias))(*how.logit_bias)
        parts.append(library.llama_sampler_init_logit_bias(words, len(biases), biases))
    if how.penalises:
        penalties = how.repeat_penalty, how.frequency_penalty, how.presence_penalty
        parts.append(library.llama_sampler_init_penalties(words, how.repeat_last_n, *penalties))
        for token in said_before:
            library.llama_sampler_accept(parts[-1], token)
    if how.seed is None:
        parts.append(library.llama_sampler_init_greedy())
    else:
        parts += [
            library.llama_sampler_init_top_k(how.top_k),
            library.llama_sampler_init_top_p(how.top_p, 1),
            library.llama_sampler_init_min_p(how.min_p, 1),
            library.llama_sampler_init_temp(how.temperature),
            library.llama_sampler_init_dist(how.seed & 0x7FFFFFFF),  # the largest value means "draw a seed"
        ]
    for part in parts:
        library.llama_sampler_chain_add(chain, part)
    return chain
