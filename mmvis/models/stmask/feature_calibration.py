"""Prediction convolutions that sample the regressed box (STMask, section 3.1.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from mmcv.ops import DeformConv2d, deform_conv2d
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.functional import pad

from mmvis.models.common.prediction_at_places import Places, predict_at_places
from mmvis.registry import MODELS

from .anchor_convolution import AnchorConvolution
from .deformable_sampling import deformable_convolution

STDS = (0.1, 0.1, 0.2, 0.2)
# A subclass of mmcv's layer is found by the name of its base.
XAVIER = dict(type='Xavier', layer=['Conv2d', 'DeformConv2d'], distribution='uniform')


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
    """

    def __init__(
        self,
        kernel_size: Sequence[int],
        anchor_cells: Sequence[float] | None = None,
        stds: Sequence[float] = STDS,
        init_cfg: dict | Sequence[dict] | None = XAVIER,
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
        stds = torch.tensor(stds).view(1, 4, 1, 1)
        self.register_buffer('stds', stds, persistent=False)

    def forward(self, deltas: Tensor) -> Tensor:
        """Offsets (B, 2 * kh * kw, H, W), in cells, of regressions t (B, 4, H, W).

        They are in float32 at least.
        """
        dtype = torch.promote_types(deltas.dtype, torch.float32)
        deltas = deltas.to(dtype) * self.stds.to(dtype)
        return aligned_offsets(deltas, self.kernel_size, self.anchor_cells)


class SameDeformConv2d(DeformConv2d):
    """mmcv's deformable convolution, keeping the size of the map for every kernel.

    Zeros are put around the map first. So even kernels work, and maps smaller than the
    kernel, and a batch of any size. Sampling is in float32 at least: half precision
    cannot tell neighbouring places of a large map apart, and mmcv has no bfloat16. On a
    CPU :func:`deformable_convolution` computes the same faster.
    """

    def forward(self, features: Tensor, offsets: Tensor) -> Tensor:
        """Convolve features (B, in, H, W), sampled at offsets (B, 2 * kh * kw, H, W).

        Returns:
            Tensor: (B, out, H, W), of the features' dtype. Offsets that are not a
            number read zeros.
        """
        height, width = self.kernel_size
        dtype = torch.promote_types(features.dtype, torch.float32)
        sides = ((width - 1) // 2, width // 2, (height - 1) // 2, height // 2)
        # All that is further off reads zeros alike; the op's backward pass crashes on
        # places that no integer can hold, and on NaN.
        far = float(sum(features.shape[-2:]) + height + width)
        offsets = offsets.to(dtype).nan_to_num(nan=far).clamp(-far, far)
        if features.device.type == 'cpu' and self.groups == self.deform_groups == 1:
            start = (sides[2], sides[0])
            options = dict(stride=self.stride, padding=start, dilation=self.dilation)
            sampled = deformable_convolution(features, offsets, self.weight, **options)
            return sampled.to(features.dtype)
        # The op divides a batch into steps of one size: the largest that fits.
        step = math.gcd(len(features), self.im2col_step)
        sampled = deform_conv2d(
            pad(features.to(dtype), sides),
            offsets,
            self.weight,
            *(self.stride, 0, self.dilation, self.groups, self.deform_groups),
            False,
            step,
        )
        return sampled.to(features.dtype)


@MODELS.register_module()
class CalibratedConvolution(BaseModule):
    """A prediction convolution that itself samples the regressed box, as in the paper.

    Args:
        in_channels (int): Channels of the features.
        out_channels (int): Channels of the predictions.
        kernel_size (Sequence[int]): Height and width of the kernel. Even kernels cover
            one more cell to the right (below) than to the left (above).
        anchor_cells (Sequence[float]): Height and width of the anchor, in cells.
        offset (dict | None): Config of :class:`AdaptiveOffset` (the default) or
            :class:`AlignedOffset`.
        stds (Sequence[float]): Factors from regressions t to transformations d.
        init_cfg (dict | None): As in mmengine; Xavier as in Yolact by default.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sequence[int],
        anchor_cells: Sequence[float],
        offset: dict | None = None,
        stds: Sequence[float] = STDS,
        init_cfg: dict | Sequence[dict] | None = XAVIER,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.offset = _build_offset(offset, kernel_size, anchor_cells, stds)
        self.conv = SameDeformConv2d(in_channels, out_channels, tuple(kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def forward(self, features: Tensor, deltas: Tensor) -> Tensor:
        """Predictions of the boxes that the regressions lead to (eq. 3).

        Args:
            features (Tensor): (B, in_channels, H, W).
            deltas (Tensor): (B, 4, H, W) raw regressions t of this anchor shape. The
                caller detaches them, or the offsets train the boxes too.

        Returns:
            Tensor: (B, out_channels, H, W).
        """
        sampled = self.conv(features, self.offset(deltas))
        return sampled + self.bias.to(sampled.dtype).view(1, -1, 1, 1)

    def at(self, features: Tensor, places: Places, deltas: Tensor) -> Tensor:
        """As :meth:`AnchorConvolution.at`, with box regressions deltas (n, 4)."""
        offsets = self.offset(deltas[:, :, None, None]).flatten(1)
        return predict_at_places(features, places, self.conv.weight, self.bias, offsets)


@MODELS.register_module()
class CalibratedFeatureConvolution(AnchorConvolution):
    """Features sampled from the regressed box, then a plain prediction, as released.

    A deformable convolution and a ReLU come before the prediction convolution. Both
    have the anchor's kernel. Args are those of :class:`CalibratedConvolution`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sequence[int],
        anchor_cells: Sequence[float],
        offset: dict | None = None,
        stds: Sequence[float] = STDS,
        init_cfg: dict | Sequence[dict] | None = XAVIER,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, init_cfg=init_cfg)
        self.offset = _build_offset(offset, kernel_size, anchor_cells, stds)
        self.adaption = SameDeformConv2d(in_channels, in_channels, tuple(kernel_size))

    def forward(self, features: Tensor, deltas: Tensor) -> Tensor:
        """As :meth:`CalibratedConvolution.forward`."""
        return super().forward(self.adaption(features, self.offset(deltas)).relu())

    # The prediction looks at neighbours, which are of other boxes: not place by place.
    at = None


def _build_offset(
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
