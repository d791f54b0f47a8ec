"""The reader's network, as llama.cpp computes the "llama" architecture: its weights by their GGUF names."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import rms_norm, scaled_dot_product_attention, silu

from systems.models.make import tensors
from systems.models.shapes import Shape

Weights = dict[str, Tensor]


def initial(shape: Shape, seed: int) -> Weights:
    """Return fresh weights: ones for norms, small random numbers for matrices."""
    random = torch.Generator().manual_seed(seed)
    weights: Weights = {}
    for tensor in tensors(shape, "f16"):
        if tensor.rows is None:
            weights[tensor.name] = torch.ones(tensor.columns)
            continue
        deviation = tensor.columns**-0.5
        if "output" in tensor.name or "down" in tensor.name:
            deviation /= (2 * shape.layers) ** 0.5
        weights[tensor.name] = torch.randn(tensor.rows, tensor.columns, generator=random) * deviation
    return weights


def hidden(weights: Weights, shape: Shape, tokens: Tensor) -> Tensor:
    """Return the last hidden states of a batch of token rows (batch × length × width)."""
    batch, length = tokens.shape
    state = weights["token_embd.weight"][tokens]
    cosine, sine = _rotation(shape, length, state)
    for layer in range(shape.layers):

        def matrix(name: str, layer: int = layer) -> Tensor:
            return weights[f"blk.{layer}.{name}.weight"]

        normed = rms_norm(state, (shape.hidden,), matrix("attn_norm"), shape.norm_epsilon)
        heads = [
            (normed @ matrix(name).T).view(batch, length, shape.heads, shape.head_size).transpose(1, 2)
            for name in ("attn_q", "attn_k", "attn_v")
        ]
        query, key = (_rotated(part, cosine, sine) for part in heads[:2])
        mixed = scaled_dot_product_attention(query, key, heads[2], is_causal=True)
        state = state + mixed.transpose(1, 2).reshape(batch, length, shape.hidden) @ matrix("attn_output").T
        normed = rms_norm(state, (shape.hidden,), matrix("ffn_norm"), shape.norm_epsilon)
        state = state + (silu(normed @ matrix("ffn_gate").T) * (normed @ matrix("ffn_up").T)) @ matrix("ffn_down").T
    return rms_norm(state, (shape.hidden,), weights["output_norm.weight"], shape.norm_epsilon)


def logits(weights: Weights, states: Tensor) -> Tensor:
    """Return the scores of all tokens after ``states``: the embedding serves as the output matrix."""
    return states @ weights["token_embd.weight"].T


def _rotation(shape: Shape, length: int, like: Tensor) -> tuple[Tensor, Tensor]:
    half = torch.arange(0, shape.head_size, 2, device=like.device)
    angles = torch.outer(torch.arange(length, device=like.device), shape.rope_theta ** (-half / shape.head_size))
    return angles.cos(), angles.sin()


def _rotated(heads: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotate neighbouring pairs of numbers, as llama.cpp does for this architecture."""
    even, odd = heads[..., 0::2], heads[..., 1::2]
    return torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), dim=-1).flatten(-2)
