"""Shapes of published models: the widths and depths that decide speed and memory, without the weights."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from systems.errors import UnknownName

Quant = Literal["f16", "q8_0", "q4_0", "q4_k"]
RECIPE = 1
"""Raise this when the bytes of made models change, so that a cache never mistakes an old one for a new one."""

QUANTS: tuple[Quant, ...] = get_args(Quant)


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """The architecture of one model of the Llama family. ``published_as`` says whose numbers these are."""

    name: str
    published_as: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    ffn: int
    vocabulary: int
    tied: bool
    context: int
    rope_theta: float
    norm_epsilon: float = 1e-5
    default_quant: Quant  # four bits, as the paper's example; q4_k needs rows divisible by 256

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.hidden // self.heads


SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape(
            name="tiny",
            published_as="no published model: for tests only",
            hidden=64,
            layers=2,
            heads=4,
            kv_heads=2,
            ffn=256,
            vocabulary=4096,
            tied=True,
            context=2048,
            rope_theta=10_000.0,
            default_quant="q8_0",
        ),
        Shape(
            name="135m",
            published_as="SmolLM2-135M",
            hidden=576,
            layers=30,
            heads=9,
            kv_heads=3,
            ffn=1536,
            vocabulary=49_152,
            tied=True,
            context=8192,
            rope_theta=100_000.0,
            default_quant="q4_0",
        ),
        Shape(
            name="360m",
            published_as="SmolLM2-360M",
            hidden=960,
            layers=32,
            heads=15,
            kv_heads=5,
            ffn=2560,
            vocabulary=49_152,
            tied=True,
            context=8192,
            rope_theta=100_000.0,
            default_quant="q4_0",
        ),
        Shape(
            name="1.1b",
            published_as="TinyLlama-1.1B",
            hidden=2048,
            layers=22,
            heads=32,
            kv_heads=4,
            ffn=5632,
            vocabulary=32_000,
            tied=False,
            context=2048,
            rope_theta=10_000.0,
            default_quant="q4_k",
        ),
        # The two Llama 3 models also stretch their rotary frequencies for long contexts; that table of 64 factors
        # changes neither speed nor memory and is left out.
        Shape(
            name="3b",
            published_as="Llama-3.2-3B",
            hidden=3072,
            layers=28,
            heads=24,
            kv_heads=8,
            ffn=8192,
            vocabulary=128_256,
            tied=True,
            context=131_072,
            rope_theta=500_000.0,
            default_quant="q4_k",
        ),
        Shape(
            name="8b",
            published_as="Llama-3.1-8B",
            hidden=4096,
            layers=32,
            heads=32,
            kv_heads=8,
            ffn=14_336,
            vocabulary=128_256,
            tied=False,
            context=131_072,
            rope_theta=500_000.0,
            default_quant="q4_k",
        ),
    )
}


def get_shape(name: str) -> Shape:
    """Return the shape called ``name``. Raises `UnknownName`."""
    try:
        return SHAPES[name]
    except KeyError:
        raise UnknownName("model shape", name, SHAPES) from None


def get_quant(name: str) -> Quant:
    """Return ``name`` as a quantisation this project writes. Raises `UnknownName`."""
    for quant in QUANTS:
        if quant == name:
            return quant
    raise UnknownName("quantisation", name, QUANTS)
