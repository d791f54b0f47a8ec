"""Muon for matrices: momentum whose directions are all made equally long, by the Newton-Schulz iteration.

K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024. PyTorch has one, which computes in
bfloat16: processors without instructions for it are many times slower at that than with these few float32 products.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

_MOMENTUM = 0.95
_STEPS, _A, _B, _C = 5, 3.4445, -4.7750, 2.0315  # the published iteration
_SIZE = 0.3  # of an update, as a multiple of the rate: Adam's are of about 0.2 to 1


class Muon:
    """Steps matrices by name; ``momenta`` is its state. Matrices of equal shape are computed together."""

    def __init__(self, matrices: Mapping[str, Tensor]) -> None:
        self.momenta = {name: torch.zeros_like(one) for name, one in matrices.items()}
        self._shapes: dict[torch.Size, list[tuple[str, Tensor]]] = {}
        for name, one in matrices.items():
            self._shapes.setdefault(one.shape, []).append((name, one))

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self, rate: float) -> None:
        """Move every matrix by its gradient, and forget the gradients."""
        for shape, group in self._shapes.items():
            directions = []
            for name, one in group:
                momentum = self.momenta[name]
                momentum.lerp_(one.grad, 1 - _MOMENTUM)
                directions.append(one.grad.lerp(momentum, _MOMENTUM))
            scale = rate * _SIZE * max(shape) ** 0.5
            for (_, one), update in zip(group, _orthogonal(torch.stack(directions)), strict=True):
                one.sub_(update, alpha=scale)
                one.grad = None


def _orthogonal(matrices: Tensor) -> Tensor:
    tall = matrices.shape[-2] > matrices.shape[-1]
    found = matrices.mT if tall else matrices
    found = found / (found.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(_STEPS):
        square = found @ found.mT
        found = _A * found + (_B * square + _C * square @ square) @ found
    return found.mT if tall else found
