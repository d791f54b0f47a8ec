"""The reader's network, as llama.cpp computes the "llama" architecture: its weights by their GGUF names."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import rms_norm, scaled_dot_product_attention, silu

from experiments.reader.initial import angles
from systems.models.shapes import Shape

Weights = dict[str, Tensor]


def hidden(
    weights: Weights,
    shape: Shape,
    tokens: Tensor,
    places: Tensor,
    questions: Tensor,
    watched: Sequence[tuple[int, int]] = (),
) -> tuple[Tensor, list[Tensor]]:
    """Return the last hidden states of a batch of token rows (batch × length × width).

    With them comes, for each head ``watched``, given as its layer and its number there, the logarithm of how much each
    token attends to each (batch × length × length).

    A token sees what comes before it in the part that questions share and in its own question: ``questions`` and
    ``places`` are as in `experiments.reader.rows.Row`.
    """
    batch, length = tokens.shape
    attention: dict[tuple[int, int], Tensor] = {}
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
        for number in (head for where, head in watched if where == layer):
            scores = query[:, number] @ key[:, number].mT / shape.head_size**0.5
            attention[layer, number] = scores.masked_fill(~seen[:, 0], -torch.inf).log_softmax(-1)
        mixed = scaled_dot_product_attention(query, key, heads[2], attn_mask=seen)
        state = state + mixed.transpose(1, 2).reshape(batch, length, shape.hidden) @ matrix("attn_output").T
        normed = rms_norm(state, (shape.hidden,), matrix("ffn_norm"), shape.norm_epsilon)
        state = state + (silu(normed @ matrix("ffn_gate").T) * (normed @ matrix("ffn_up").T)) @ matrix("ffn_down").T
    state = rms_norm(state, (shape.hidden,), weights["output_norm.weight"], shape.norm_epsilon)
    return state, [attention[head] for head in watched]


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
