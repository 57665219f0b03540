"""Anchors that are as large as the convolution kernels they are predicted with."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mmvis.registry import TASK_UTILS

# Sizes of input kept for reuse. A data set has few; a user's images may have many.
MAX_CACHED = 16


@TASK_UTILS.register_module()
class KernelAnchorGenerator:
    """Anchors of STMask: feature calibration for anchors (FCA, section 3.1.1).

    An anchor covers the cells of the feature map that its kernel covers. With
    ``ratios`` it does not: that is Yolact, and Table 1's first row, where three 3x3
    kernels have anchors of three shapes.

    A kernel's anchors at all scales are predicted by kernels of that one size; there
    are A = kernels x scales anchors at each place, the scale changing fastest.

    Args:
        kernel_sizes (Sequence[Sequence[int]]): Height and width of each kernel, in
            cells.
        ratios (Sequence[float] | None): Height divided by width of each kernel's
            anchors, one number for each kernel; their area is ``base_cells`` squared.
            None: the kernel's own footprint.
        scales (Sequence[float]): Factors to both sides of the anchors.
        base_cells (float): Side of a square anchor in cells; used with ``ratios`` only.

    Attributes:
        num_anchors (int): Anchors at each place, A.
        kernels (list[tuple[int, int]]): (height, width) of the kernel of each anchor.
        cells (list[tuple[float, float]]): (height, width) of each anchor, in cells.

    Raises:
        ValueError: If there is not one ratio for each kernel.
    """

    def __init__(
        self,
        kernel_sizes: Sequence[Sequence[int]] = ((3, 3), (3, 5), (5, 3)),
        ratios: Sequence[float] | None = None,
        scales: Sequence[float] = (1.0,),
        base_cells: float = 3,
    ) -> None:
        if ratios is None:
            shapes = [tuple(kernel) for kernel in kernel_sizes]
        elif len(ratios) == len(kernel_sizes):
            shapes = [(base_cells * r**0.5, base_cells / r**0.5) for r in ratios]
        else:
            raise ValueError(
                f'ratios has {len(ratios)} numbers for {len(kernel_sizes)} kernel_sizes'
                ": give one ratio for each kernel, or None for the kernels' footprints."
            )
        self.kernels = [tuple(kernel) for kernel in kernel_sizes for _ in scales]
        self.cells = [(h * s, w * s) for h, w in shapes for s in scales]
        self.num_anchors = len(self.cells)
        self._cache: dict[tuple, Tensor] = {}

    def grid_anchors(
        self,
        featmap_sizes: Sequence[Sequence[int]],
        input_shape: Sequence[int],
        device: torch.device | str = 'cpu',
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """All anchors of an input, in order of level, y, x, anchor.

        A cell of a level is as large as the input divided by the level's size, which is
        not always its stride (a map of 3 rows for an input of 360). Anchors are not cut
        at the border.

        Args:
            featmap_sizes (Sequence[Sequence[int]]): Height and width of each level.
            input_shape (Sequence[int]): Height and width of the padded network input,
                in pixels.
            device (torch.device | str): Device of the result.
            dtype (torch.dtype): Of the result.

        Returns:
            Tensor: (N, 4) xyxy in pixels. It is kept and given out again for the same
            sizes: do not change it in place.
        """
        sizes = tuple((int(h), int(w)) for h, w in featmap_sizes)
        key = (sizes, tuple(input_shape), torch.device(device), dtype)
        if key not in self._cache:
            if len(self._cache) >= MAX_CACHED:
                self._cache.clear()
            # One made in inference mode could not be used in training later on.
            with torch.inference_mode(False):
                levels = [self._level_anchors(size, input_shape) for size in sizes]
                self._cache[key] = torch.cat(levels).to(device, dtype)
        return self._cache[key]

    def _level_anchors(
        self, size: tuple[int, int], input_shape: Sequence[int]
    ) -> Tensor:
        """(H * W * A, 4) anchors of one level, float64 on the CPU."""
        cell = [input_shape[side] / size[side] for side in (0, 1)]
        y, x = (torch.arange(n, dtype=torch.float64) + 0.5 for n in size)
        half = torch.tensor(self.cells, dtype=torch.float64) / 2
        y, x, half_height, half_width = torch.broadcast_tensors(
            y[:, None, None], x[None, :, None], half[:, 0], half[:, 1]
        )
        boxes = torch.stack(
            [
                (x - half_width) * cell[1],
                (y - half_height) * cell[0],
                (x + half_width) * cell[1],
                (y + half_height) * cell[0],
            ],
            -1,
        )
        return boxes.flatten(0, 2)
