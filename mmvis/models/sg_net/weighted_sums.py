"""Sums of the planes of maps, with weights of each place's own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import embedding_bag

# Sums that are computed at a time. What they need stays in a cache, or takes little
# memory on a GPU.
CHUNK = 2**12


class WeightedSums(torch.autograd.Function):
    """Sums over the K planes of maps at S places, each with K weights.

    Neither direction holds K values of all places at once, which autograd would.
    """

    @staticmethod
    def forward(
        ctx, planes: Tensor, weights: Tensor, place: Tensor, row: Tensor
    ) -> Tensor:
        """``sum_k weights[row, k] * planes[map, k, run]``.

        Args:
            planes (Tensor): (B, K, M, T): B maps of K planes of M runs of T pixels.
            weights (Tensor): (m, K).
            place (Tensor): (S,) int64, ``map * M + run``.
            row (Tensor): (S,) int64, of the weights.

        Returns:
            Tensor: (S, T), of the dtype of planes.
        """
        ctx.save_for_backward(planes, weights, place, row)
        num_planes, length = planes.shape[1:3]
        table = planes.flatten(0, 2)
        steps = torch.arange(num_planes, device=place.device) * length
        frame = torch.div(place, length, rounding_mode='floor')
        first = place + frame * ((num_planes - 1) * length)
        sums = planes.new_empty(len(place), planes.shape[3])
        parts = (t.split(CHUNK) for t in (sums, first, row))
        for part, start, rows in zip(*parts, strict=True):
            part.copy_(
                embedding_bag(
                    start[:, None] + steps,
                    table,
                    mode='sum',
                    per_sample_weights=weights.index_select(0, rows),
                )
            )
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Of planes and weights."""
        planes, weights, place, row = ctx.saved_tensors
        # All planes of a run side by side: they are read and written at once.
        runs = planes.transpose(1, 2).flatten(0, 1)
        grad_runs = torch.zeros_like(runs, memory_format=torch.contiguous_format)
        grad_weights = torch.zeros_like(weights)
        parts = (t.split(CHUNK) for t in (grad, place, row))
        # Autocast would take the products in half precision.
        with torch.autocast(grad.device.type, enabled=False):
            for part, places, rows in zip(*parts, strict=True):
                outer = weights.index_select(0, rows)[:, :, None] * part[:, None]
                grad_runs.index_add_(0, places, outer)
                inner = torch.bmm(runs.index_select(0, places), part[:, :, None])
                grad_weights.index_add_(0, rows, inner.squeeze(2))
        shape = len(planes), -1, *runs.shape[1:]
        return grad_runs.view(shape).transpose(1, 2), grad_weights, None, None
