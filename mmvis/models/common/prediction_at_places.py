"""Prediction convolutions evaluated at a few places instead of the whole map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from .constants import constant


class Places(NamedTuple):
    """Cells of a feature pyramid whose levels' cells lie one after the other.

    Attributes:
        first (Tensor): (n,) int64, the first cell of the level that each is on.
        size (Tensor): (n, 2) int64, rows and columns of that level.
        cell (Tensor): (n, 2) int64, row and column.
    """

    first: Tensor
    size: Tensor
    cell: Tensor

    @classmethod
    def of_pyramid(
        cls, sizes: Sequence[tuple[int, ...]], device: torch.device
    ) -> Places:
        """All cells of levels of these heights and widths, level, row, column."""
        parts, first = [], 0
        for height, width in sizes:
            cell = torch.arange(height * width, device=device)
            rows = torch.div(cell, width, rounding_mode='floor')
            parts.append(
                cls(
                    torch.full_like(cell, first),
                    constant(cell, [height, width]).expand(len(cell), 2),
                    torch.stack([rows, cell - rows * width], dim=1),
                )
            )
            first += height * width
        return cls(*(torch.cat(part) for part in zip(*parts, strict=True)))

    def select(self, rows: Tensor) -> Places:
        """Some of the places, by their indices (m,)."""
        return Places(*(field[rows] for field in self))

    def divide(self, counts: Sequence[int]) -> list[Places]:
        """The first so many, the next so many, and so on."""
        fields = (field.split(counts) for field in self)
        return [Places(*part) for part in zip(*fields, strict=True)]


def predict_at_places(
    features: Tensor,
    places: Places,
    weight: Tensor,
    bias: Tensor | None,
    offsets: Tensor | None = None,
) -> Tensor:
    """What a convolution that keeps the size of the map has at n places.

    Args:
        features (Tensor): (C, cells) of a frame, all levels.
        places (Places): n of these cells.
        weight (Tensor): (O, C, kh, kw). Tap (0, 0) is ``(k - 1) // 2`` cells above and
            left of the place.
        bias (Tensor | None): (O,).
        offsets (Tensor | None): (n, 2 * kh * kw) in cells, of a deformable
            convolution: y then x of each tap; those that are not a number read zeros.

    Returns:
        Tensor: (n, O), of the dtype of features.
    """
    height, width = weight.shape[2:]
    y = torch.arange(height, device=features.device) - (height - 1) // 2
    x = torch.arange(width, device=features.device) - (width - 1) // 2
    taps = torch.stack(torch.meshgrid(y, x, indexing='ij'), dim=-1).flatten(0, 1)
    samples = places.cell[:, None] + taps
    if offsets is None:
        inside = ((samples >= 0) & (samples < places.size[:, None])).all(-1)
        columns = _gather(features, places, samples) * inside.to(features.dtype)
    else:
        columns = _between_cells(features, places, samples, offsets)
    # (C, n, taps) to rows of C * taps, the order of the weight.
    return linear(columns.transpose(0, 1).flatten(1), weight.flatten(1), bias)


def _between_cells(
    features: Tensor, places: Places, samples: Tensor, offsets: Tensor
) -> Tensor:
    """Samples (C, n, taps) of features between four cells; zeros outside."""
    samples = samples + offsets.unflatten(1, (-1, 2))
    # What is far outside reads zeros alike, but no integer may hold it.
    samples = samples.nan_to_num(nan=-2.0).clamp(-2.0, 1e6)
    lower = samples.floor()
    share = (samples - lower).to(features.dtype)
    total: Any = 0
    for down in (0, 1):
        for right in (0, 1):
            corner = lower.long() + constant(lower, [down, right]).long()
            inside = ((corner >= 0) & (corner < places.size[:, None])).all(-1)
            y = share[..., 0] if down else 1 - share[..., 0]
            x = share[..., 1] if right else 1 - share[..., 1]
            total = total + _gather(features, places, corner) * (y * x * inside)
    return total


def _gather(features: Tensor, places: Places, cells: Tensor) -> Tensor:
    """Features (C, n, taps) at cells (n, taps, 2), moved into the map."""
    cells = cells.clamp(min=0).minimum(places.size[:, None] - 1)
    index = cells[..., 0] * places.size[:, None, 1] + cells[..., 1]
    return features[:, places.first[:, None] + index]
