"""All levels of a feature pyramid on one map, so that one kernel computes them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class LevelCanvas:
    """Where the levels lie on one map, with zeros between them.

    The first level is at the left. The second is beside it at the top, all others in a
    row beneath the second: each is half of the one before, so little is left empty. The
    zeros are as wide as kernels reach, so a convolution of the map that keeps its size
    has at each cell what the convolution of its level has.

    Everything here depends on sizes alone. It is made on the host, once.

    Args:
        sizes (Sequence[tuple[int, int]]): Height and width of each level, in cells.
        reach (int): Cells that kernels reach to any side; at least 1.
        device (torch.device): Of the maps.

    Attributes:
        shape (tuple[int, int]): Height and width of the map.
        cells (Tensor): (cells,) int64, where on the flat map the cells are, in order of
            level, row, column.
    """

    def __init__(
        self, sizes: Sequence[tuple[int, int]], reach: int, device: torch.device
    ) -> None:
        reach = max(reach, 1)
        self.device = device
        self.corners = [
            (y, x, height, width)
            for (y, x), (height, width) in zip(
                _places(sizes, reach), sizes, strict=True
            )
        ]
        # mmcv's deformable convolution refuses maps that are smaller than its kernel.
        self.shape = tuple(
            max(2 * reach + 1, *(c[side] + c[side + 2] for c in self.corners))
            for side in (0, 1)
        )
        total = sum(height * width for height, width in sizes)
        source = torch.full(self.shape, total)
        # First row and column of the level that a cell is on, and those behind it.
        self._range = torch.zeros(2, 2, *self.shape)
        first = 0
        for y, x, height, width in self.corners:
            rows, columns = slice(y, y + height), slice(x, x + width)
            numbers = torch.arange(first, first + height * width)
            source[rows, columns] = numbers.view(height, width)
            low = torch.tensor([y, x])
            both = torch.stack([low, low + torch.tensor([height, width])])
            self._range[..., rows, columns] = both[..., None, None].float()
            first += height * width
        outside = source == total
        self.cells = source.flatten().argsort(stable=True)[:total].to(device)
        self._source = source.flatten().to(device)
        self._outside = outside.to(device)
        self._bounds: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}

    def join(self, levels: Sequence[Tensor]) -> Tensor:
        """The map (B, C, H, W) of levels (B, C, H_l, W_l)."""
        zeros = levels[0].new_zeros(*levels[0].shape[:2], 1)
        together = torch.cat([*(level.flatten(2) for level in levels), zeros], dim=2)
        return together.index_select(2, self._source).unflatten(2, self.shape)

    def cut(self, maps: Tensor) -> list[Tensor]:
        """The levels (B, C, H_l, W_l) of a map (B, C, H, W); views."""
        return [maps[..., y : y + h, x : x + w] for y, x, h, w in self.corners]

    def clear(self, maps: Tensor) -> Tensor:
        """Zeros between the levels, also where there is NaN."""
        return maps.masked_fill(self._outside, 0)

    def bounds(self, kernel_size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Least and greatest offsets of taps that stay beside their own level.

        A tap that is one cell outside of its level reads zeros, as one far away does.

        Args:
            kernel_size (tuple[int, int]): Height and width; tap (0, 0) is
                ``(k - 1) // 2`` cells above and left of the place.

        Returns:
            tuple[Tensor, Tensor]: Both (2 * kh * kw, H, W) float32, y then x of each
            tap, taps row by row.
        """
        if kernel_size not in self._bounds:
            height, width = self.shape
            at = torch.stack(
                torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
            )
            tap = torch.stack(
                torch.meshgrid(
                    *(torch.arange(k) - (k - 1) // 2 for k in kernel_size),
                    indexing='ij',
                ),
                dim=2,
            )
            start = tap[..., None, None] + at
            self._bounds[kernel_size] = tuple(  # type: ignore[assignment]
                (limit - start).flatten(0, 2).to(self.device)
                for limit in (self._range[0] - 1, self._range[1])
            )
        return self._bounds[kernel_size]


class Canvases:
    """The canvases of the last sizes.

    Args:
        reach (int): Cells that kernels reach to any side.
        kept (int): Most sizes that are kept.
    """

    def __init__(self, reach: int, kept: int = 16) -> None:
        self.reach = reach
        self.kept = kept
        self._made: dict[tuple, LevelCanvas] = {}
        # A CUDA graph reads them at each replay, by address.
        self._recorded: dict[tuple, LevelCanvas] = {}

    def of(self, levels: Sequence[Tensor]) -> LevelCanvas:
        """The canvas for levels (B, C, H_l, W_l) of these sizes."""
        device = levels[0].device
        sizes = tuple((level.shape[-2], level.shape[-1]) for level in levels)
        key = (sizes, device)
        canvas = self._recorded.get(key) or self._made.pop(key, None)
        if canvas is None:
            # One made in inference mode could not be used in training later on.
            with torch.inference_mode(False):
                canvas = LevelCanvas(sizes, self.reach, device)
        self._made[key] = canvas
        if device.type == 'cuda' and torch.cuda.is_current_stream_capturing():
            self._recorded[key] = canvas
        while len(self._made) > self.kept:
            del self._made[next(iter(self._made))]
        return canvas


def _places(sizes: Sequence[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    """Row and column of the first cell of each level."""
    (_, width), *rest = sizes
    places, right = [(0, 0)], width + gap
    below = rest[0][0] + gap if rest else 0
    for number, (_, width) in enumerate(rest):
        places.append((below if number else 0, right))
        if number:
            right += width + gap
    return places
