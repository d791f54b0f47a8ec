"""The reader's network, as llama.cpp computes the "llama" architecture: its weights by their GGUF names."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import rms_norm, scaled_dot_product_attention, silu

from experiments.reader.initial import angles
from systems.models.shapes import Shape

Weights = dict[str, Tensor]


def hidden(weights: Weights, shape: Shape, tokens: Tensor, places: Tensor, questions: Tensor) -> Tensor:
    """Return the last hidden states of a batch of token rows (batch × length × width).

    A token sees what comes before it in the part that questions share and in its own question: ``questions`` and
    ``places`` are as in `experiments.reader.rows.Row`.
    """
    batch, length = tokens.shape
    state = weights["token_embd.weight"][tokens]
    rotation = _rotation(shape, places)
    seen = (questions[:, None, :] == 0) | (questions[:, None, :] == questions[:, :, None])
    seen = (seen & torch.ones(length, length, dtype=torch.bool, device=tokens.device).tril())[:, None]
    for layer in range(shape.layers):

        def matrix(name: str, layer: int = layer) -> Tensor:
            return weights[f"blk.{layer}.{name}.weight"]

        normed = rms_norm(state, (shape.hidden,), matrix("attn_norm"), shape.norm_epsilon)
        heads = [
            (normed @ matrix(name).T).view(batch, length, shape.heads, shape.head_size).transpose(1, 2)
            for name in ("attn_q", "attn_k", "attn_v")
        ]
        query, key = (_rotated(part, rotation) for part in heads[:2])
        mixed = scaled_dot_product_attention(query, key, heads[2], attn_mask=seen)
        state = state + mixed.transpose(1, 2).reshape(batch, length, shape.hidden) @ matrix("attn_output").T
        normed = rms_norm(state, (shape.hidden,), matrix("ffn_norm"), shape.norm_epsilon)
        state = state + (silu(normed @ matrix("ffn_gate").T) * (normed @ matrix("ffn_up").T)) @ matrix("ffn_down").T
    return rms_norm(state, (shape.hidden,), weights["output_norm.weight"], shape.norm_epsilon)


def logits(weights: Weights, states: Tensor) -> Tensor:
    """Return the scores of all tokens after ``states``: the embedding serves as the output matrix."""
    return states @ weights["token_embd.weight"].T


def _rotation(shape: Shape, places: Tensor) -> Tensor:
    """Return the turn of every pair of numbers at ``places``, as complex numbers of length 1."""
    turned = places[:, None, :, None] * angles(shape).to(places.device)
    return torch.polar(torch.ones_like(turned), turned)


def _rotated(heads: Tensor, rotation: Tensor) -> Tensor:
    """Rotate neighbouring pairs of numbers, as llama.cpp does for this architecture."""
    return torch.view_as_real(torch.view_as_complex(heads.unflatten(-1, (-1, 2))) * rotation).flatten(-2)
