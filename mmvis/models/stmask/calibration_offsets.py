"""Where a kernel samples the regressed box (STMask, section 3.1.2, eqs. 5-8)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvis.registry import MODELS

STDS = (0.1, 0.1, 0.2, 0.2)


def aligned_offsets(
    deltas: Tensor, kernel_size: Sequence[int], anchor_cells: Sequence[float]
) -> Tensor:
    """Offsets with which a kernel samples the regressed box (eqs. 6-8).

    The box is divided into as many bins as the kernel has taps, and each tap moves to
    the centre of its bin. Where the anchor is the footprint of an odd kernel, this is
    the paper's ``k * d + (exp(d) - 1) * r``. It also holds for other anchors (FCB
    without FCA, several scales) and for even kernels, whose tap (0, 0) is
    ``(k - 1) // 2`` cells above and left of the place.

    Args:
        deltas (Tensor): (B, 4, H, W) decoded transformations d = (dx, dy, dw, dh) of
            eqs. 1-2, from the anchor of each place to its box.
        kernel_size (Sequence[int]): Height and width of the kernel.
        anchor_cells (Sequence[float]): Height and width of the anchor, in cells.

    Returns:
        Tensor: (B, 2 * kh * kw, H, W) in cells: y then x of each tap, taps row by row,
        as mmcv's deformable convolution takes them.
    """
    dx, dy, dw, dh = deltas.unsqueeze(2).unbind(1)
    y = _tap_offsets(dy, dh, kernel_size[0], anchor_cells[0])
    x = _tap_offsets(dx, dw, kernel_size[1], anchor_cells[1])
    y, x = torch.broadcast_tensors(y[:, :, None], x[:, None, :])
    return torch.stack([y, x], dim=3).flatten(1, 3)


def _tap_offsets(shift: Tensor, growth: Tensor, taps: int, cells: float) -> Tensor:
    """Offsets (B, taps, H, W) along one side, of deltas (B, 1, H, W) of that side."""
    tap = torch.arange(taps, device=shift.device, dtype=shift.dtype)[:, None, None]
    # Bin centres of an anchor of one cell for each tap, relative to its centre.
    centres = tap - (taps - 1) / 2
    size = growth.exp() * (cells / taps)
    return cells * shift + size * centres - (tap - (taps - 1) // 2)


@MODELS.register_module()
class AdaptiveOffset(BaseModule):
    """Offsets that a 1x1 convolution makes of the box regressions (eq. 5).

    Args:
        kernel_size (Sequence[int]): Height and width of the kernel.
        anchor_cells (Sequence[float] | None): Not needed; :class:`AlignedOffset` is
            built with the same arguments.
        stds (Sequence[float]): Not needed: the weights take up any factor.
        init_cfg (dict | None): As in mmengine; None: what that of the head says, so
            that, as in the release, kernels begin torn apart.
            ``dict(type='Constant', layer='Conv2d', val=0)``: where they are without.
    """

    def __init__(
        self,
        kernel_size: Sequence[int],
        anchor_cells: Sequence[float] | None = None,
        stds: Sequence[float] = STDS,
        init_cfg: dict | Sequence[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.conv = nn.Conv2d(4, 2 * math.prod(kernel_size), 1, bias=False)

    def forward(self, deltas: Tensor) -> Tensor:
        """Offsets (B, 2 * kh * kw, H, W), in cells, of regressions t (B, 4, H, W)."""
        return self.conv(deltas)


@MODELS.register_module()
class AlignedOffset(BaseModule):
    """Offsets to a regular grid on the regressed box, without parameters (eqs. 6-8).

    Args:
        kernel_size (Sequence[int]): Height and width of the kernel.
        anchor_cells (Sequence[float]): Height and width of the anchor, in cells.
        stds (Sequence[float]): Factors from raw regressions t to the transformation
            d = stds * t of eqs. 1-2; those of the box coder.
    """

    def __init__(
        self,
        kernel_size: Sequence[int],
        anchor_cells: Sequence[float],
        stds: Sequence[float] = STDS,
        init_cfg: dict | Sequence[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.kernel_size = tuple(kernel_size)
        self.anchor_cells = tuple(anchor_cells)
        self.register_buffer(
            'stds', torch.tensor(stds).view(1, 4, 1, 1), persistent=False
        )

    def forward(self, deltas: Tensor) -> Tensor:
        """Offsets (B, 2 * kh * kw, H, W), in cells, of regressions t (B, 4, H, W).

        They are in float32 at least.
        """
        dtype = torch.promote_types(deltas.dtype, torch.float32)
        deltas = deltas.to(dtype) * self.stds.to(dtype)
        return aligned_offsets(deltas, self.kernel_size, self.anchor_cells)


def build_offset(
    offset: dict | None,
    kernel_size: Sequence[int],
    anchor_cells: Sequence[float],
    stds: Sequence[float],
) -> nn.Module:
    """The layer that gives the offsets of one anchor shape."""
    return MODELS.build(
        dict(
            offset or dict(type='AdaptiveOffset'),
            kernel_size=kernel_size,
            anchor_cells=anchor_cells,
            stds=stds,
        )
    )
