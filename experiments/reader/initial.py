"""The weights training begins with: small random numbers, and heads that can already look back and copy.

What transformers find late, heads that know the tokens before a token and copy what once followed the same tokens
(C. Olsson et al., "In-context Learning and Induction Heads", 2022), is laid down here, in the way of A. Trockman and
J. Z. Kolter, "Mimetic Initialization of Self-Attention Layers", 2023. Every weight is free to change.

A state of six blocks, as wide as a head each, begins as: the token, the tokens one, two and three places back, a mean
of the last twenty or so, and, from the second layer on, the name of whom a line of notes, or a question, is about. The
first number of all is the same for every token, so that a head can look at a place whatever is there.
"""

from __future__ import annotations

import torch
from torch import Tensor

from systems.models.make import tensors
from systems.models.shapes import Shape

NAMING = (1, 2)
"""The head, by its layer and its number there, that is to look at the name from what is said of its bearer."""

POINTERS = ((2, 0), (3, 0))
"""The heads that are to look an answer up."""

_BACK = 3  # tokens known beside the token itself, each by a head
_NEAR, _FAR = 0.9, 0.7  # how sharply heads look at one place, and at many
_MEAN_OF = 7, 0.012, 0.07  # places back that a mean is taken around, by the turns between the two
_MEAN = 2.0  # how much stronger than the average a mean is written
_ALIKE, _COPIED = 0.3, 0.6  # how sharply equal tokens are looked for, and how strongly what followed is copied
_MEAN_BLOCK, _NAME_BLOCK = 4, 5


def initial(shape: Shape, seed: int) -> dict[str, Tensor]:
    """Return fresh weights by their GGUF names; the same for the same seed."""
    random = torch.Generator().manual_seed(seed)
    weights = {one.name: _fresh(one.name, one.rows, one.columns, random) for one in tensors(shape, "f16")}
    embedding = weights["token_embd.weight"]
    embedding.zero_()
    embedding[:, 1 : shape.head_size] = (
        torch.randn(len(embedding), shape.head_size - 1, generator=random) * shape.head_size**-0.5
    )
    embedding[:, 0] = 1.0
    _look_back(shape, weights)
    _name(shape, weights)
    _copy(shape, weights, random)
    return weights


def angles(shape: Shape) -> Tensor:
    """Return by how much each pair of a head's numbers is turned from one place to the next, largest first."""
    return torch.tensor(shape.rope_theta) ** (-torch.arange(0, shape.head_size, 2) / shape.head_size)


def _fresh(name: str, rows: int | None, columns: int, random: torch.Generator) -> Tensor:
    if rows is None:
        return torch.ones(columns)
    if "output" in name or "down" in name:
        return torch.zeros(rows, columns)
    return torch.randn(rows, columns, generator=random) * columns**-0.5


def _look_back(shape: Shape, weights: dict[str, Tensor]) -> None:
    """Let the first layer write the tokens one, two and three places back, and the mean."""
    query, key, value, output = _attention(shape, weights, 0)
    size, turns = shape.head_size, angles(shape)
    # The length of a fresh embedding is that of two numbers of 1; the norm makes it that of `hidden` of them.
    normed = (shape.hidden / 2) ** 0.5
    for head in range(_MEAN_BLOCK):
        if head < _BACK:
            sharp, turned = torch.full_like(turns, _NEAR), turns * (head + 1)
        else:
            back, slowest, fastest = _MEAN_OF
            sharp, turned = ((turns > slowest) & (turns < fastest)) * _FAR, turns * back
        for matrix in (query, key, value):
            matrix[head].zero_()
        query[head][:, 0] = _pairs(sharp, torch.zeros_like(sharp))
        key[head][:, 0] = _pairs(sharp * turned.cos(), sharp * turned.sin())
        value[head][1:, 1:size] = torch.eye(size - 1)
        strength = (1.0 if head < _BACK else _MEAN) / normed
        output[(head + 1) * size + 1 : (head + 2) * size, head * size + 1 : (head + 1) * size] = (
            torch.eye(size - 1) * strength
        )


def _name(shape: Shape, weights: dict[str, Tensor]) -> None:
    """Let a head write the tokens it looks at into a block of their own."""
    layer, head = NAMING
    _, _, value, output = _attention(shape, weights, layer)
    size, first = shape.head_size, _NAME_BLOCK * shape.head_size
    value[head].zero_()
    value[head][1:, 1:size] = torch.eye(size - 1)
    output[first + 1 : first + size, head * size + 1 : (head + 1) * size] = torch.eye(size - 1) * _COPIED


def _copy(shape: Shape, weights: dict[str, Tensor], random: torch.Generator) -> None:
    """Let heads look for places that follow what is like their own, and copy from there.

    Each compares blocks of its own state with blocks of another place: tokens one by one, so that what is copied once
    followed the last two or three tokens, and those that look answers up the name.
    """
    size = shape.head_size
    slow = 2 * int((angles(shape) > 0.003).sum())  # distance turns the numbers before it too far to compare by
    two = [(0, 1), (1, 2)]
    compared = {(1, 0): two, (1, 1): [*two, (2, 3)]} | {
        pointer: [*two, (_NAME_BLOCK, _NAME_BLOCK)] for pointer in POINTERS
    }
    for (layer, head), blocks in compared.items():
        query, key, value, output = _attention(shape, weights, layer)
        for matrix in (query, key, value):
            matrix[head].zero_()
        for own, other in blocks:
            alike = torch.randn(size - slow, size, generator=random) * _ALIKE
            query[head][slow:, own * size : (own + 1) * size] = alike
            key[head][slow:, other * size : (other + 1) * size] = alike
        value[head][1:, 1:size] = torch.eye(size - 1)
        output[1:size, head * size + 1 : (head + 1) * size] = torch.eye(size - 1) * _COPIED


def _attention(shape: Shape, weights: dict[str, Tensor], layer: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return a layer's query, key and value matrices by head (head x number x hidden), and its output matrix."""
    query, key, value = (
        weights[f"blk.{layer}.attn_{name}.weight"].view(shape.heads, shape.head_size, shape.hidden) for name in "qkv"
    )
    return query, key, value, weights[f"blk.{layer}.attn_output.weight"]


def _pairs(even: Tensor, odd: Tensor) -> Tensor:
    return torch.stack((even, odd), dim=-1).flatten()
