"""Prediction convolutions that sample the regressed box (STMask, eq. 3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from mmcv.ops import DeformConv2d, deform_conv2d
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from mmvis.models.common.prediction_at_places import Places, predict_at_places
from mmvis.registry import MODELS

from .calibration_offsets import STDS, AdaptiveOffset, build_offset
from .deformable_sampling import deformable_convolution
from .joined_parameters import JoinedParameters
from .level_canvas import LevelCanvas

# Of features that mmcv's operator unfolds at once, a row for each tap.
UNFOLDED_BYTES = 2**30


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

    @staticmethod
    def on_canvas(
        layers: Sequence[SameDeformConv2d],
        features: Tensor,
        offsets: Tensor,
        canvas: LevelCanvas,
        join: JoinedParameters,
    ) -> Tensor:
        """Convolutions of several layers with kernels of one size, for all levels.

        Args:
            layers (Sequence[SameDeformConv2d]): L of them, of one group.
            features (Tensor): (B, C, H, W), zero between the levels.
            offsets (Tensor): (B, L * 2 * kh * kw, H, W), layer after layer.
            canvas (LevelCanvas): Where the levels are.
            join (JoinedParameters): Joins the layers' weights.

        Returns:
            Tensor: (B, L * out_channels, H, W), in float32 at least; anything between
            the levels.
        """
        count, kernel = len(layers), layers[0].kernel_size
        dtype = torch.promote_types(features.dtype, torch.float32)
        offsets = offsets.to(dtype).nan_to_num(nan=float(sum(canvas.shape)))
        offsets = offsets.unflatten(1, (count, -1)).clamp(*canvas.bounds(kernel))
        padding = [(side - 1) // 2 for side in kernel]
        maps = features.to(dtype).repeat(1, count, 1, 1)
        if any(side % 2 == 0 for side in kernel):
            top, left = padding
            bottom, right = (side // 2 for side in kernel)
            maps, padding = pad(maps, (left, right, top, bottom)), [0, 0]
        return deform_conv2d(
            maps,
            offsets.flatten(1, 2),
            join([layer.weight for layer in layers]),
            *(1, tuple(padding), 1, count, count, False),
            _step(len(maps), maps[0].numel() * math.prod(kernel) * maps.element_size()),
        )


def _step(images: int, size: int) -> int:
    """Images that mmcv unfolds at once: what divides their number and is not too much.

    Args:
        images (int): Of a batch.
        size (int): Bytes of one that is unfolded.
    """
    most = max(1, UNFOLDED_BYTES // max(size, 1))
    return max(n for n in range(1, images + 1) if images % n == 0 and n <= most)


def joined_offsets(
    layers: Sequence[Any], deltas: Tensor, join: JoinedParameters
) -> Tensor:
    """Offsets (B, sum of 2 * kh * kw, H, W) of layers' regressions (B, L * 4, H, W)."""
    offsets = [layer.offset for layer in layers]
    if all(type(offset) is AdaptiveOffset for offset in offsets):
        weight = join([offset.conv.weight for offset in offsets])
        return conv2d(deltas, weight, groups=len(layers))
    parts = deltas.split(4, dim=1)
    return torch.cat([o(part) for o, part in zip(offsets, parts, strict=True)], dim=1)


def _bias_of_plain_convolution(state_dict: dict, prefix: str, *args) -> None:
    name = f'{prefix}conv.bias'
    if name in state_dict:
        state_dict[f'{prefix}bias'] = state_dict.pop(name)


@MODELS.register_module()
class CalibratedConvolution(BaseModule):
    """A prediction convolution that itself samples the regressed box, as in the paper.

    A training may begin with weights of an :class:`AnchorConvolution` of the kernel, as
    a model without calibration has; offsets of zero then leave its predictions alone.

    Args:
        in_channels (int): Channels of the features.
        out_channels (int): Channels of the predictions.
        kernel_size (Sequence[int]): Height and width of the kernel. Even kernels cover
            one more cell to the right (below) than to the left (above).
        anchor_cells (Sequence[float]): Height and width of the anchor, in cells.
        offset (dict | None): Config of :class:`AdaptiveOffset` (the default) or
            :class:`AlignedOffset`.
        stds (Sequence[float]): Factors from regressions t to transformations d.
        init_cfg (dict | None): As in mmengine; None: what that of the head says.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sequence[int],
        anchor_cells: Sequence[float],
        offset: dict | None = None,
        stds: Sequence[float] = STDS,
        init_cfg: dict | Sequence[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.offset = build_offset(offset, kernel_size, anchor_cells, stds)
        self.conv = SameDeformConv2d(in_channels, out_channels, tuple(kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self._register_load_state_dict_pre_hook(_bias_of_plain_convolution)

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

    @staticmethod
    def on_canvas(
        layers: Sequence[Any],
        features: Tensor,
        deltas: Tensor,
        canvas: LevelCanvas,
        join: JoinedParameters,
    ) -> Tensor:
        """As :meth:`AnchorConvolution.on_canvas`."""
        offsets = joined_offsets(layers, deltas, join)
        convs = [layer.conv for layer in layers]
        sampled = SameDeformConv2d.on_canvas(convs, features, offsets, canvas, join)
        bias = join([layer.bias for layer in layers])
        return sampled + bias.to(sampled.dtype).view(1, -1, 1, 1)
