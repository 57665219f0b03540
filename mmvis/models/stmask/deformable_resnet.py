"""ResNet with deformable convolutions in some of its blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.ops import ModulatedDeformConv2dPack, modulated_deform_conv2d
from mmdet.models.backbones import ResNet
from torch import Tensor, nn

from mmvis.registry import MODELS

from .deformable_sampling import deformable_convolution


class SafeModulatedDeformConv2d(ModulatedDeformConv2dPack):
    """mmcv's DCNv2 that takes bfloat16 and offsets that are not a number.

    mmcv's kernels have no bfloat16: it is computed in float32. On a CPU
    :func:`deformable_convolution` computes the same faster. mmcv's backward pass ends
    the process there where an offset is NaN: such a tap reads zero. Its modulation, of
    the same convolution, is NaN then, so that the output shows it.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Convolve features (B, in, H, W) to (B, out, H', W')."""
        taps = self.kernel_size[0] * self.kernel_size[1] * self.deform_groups
        offsets, modulation = self.conv_offset(features).split([2 * taps, taps], dim=1)
        dtype = offsets.dtype
        if dtype == torch.bfloat16:
            offsets, modulation = offsets.float(), modulation.float()
        offsets = offsets.nan_to_num(nan=torch.finfo(offsets.dtype).max)
        modulation = modulation.sigmoid()
        sampling = (self.stride, self.padding, self.dilation)
        parameters = (self.weight, self.bias)
        if features.device.type == 'cpu' and self.groups == self.deform_groups == 1:
            return deformable_convolution(
                features, offsets, *parameters, modulation, *sampling
            ).to(dtype)
        # The operator brings features and weights to the dtype of the offsets.
        return modulated_deform_conv2d(
            *(features, offsets, modulation, *parameters, *sampling),
            *(self.groups, self.deform_groups),
        ).to(dtype)


@MODELS.register_module()
class DeformableResNet(ResNet):
    """mmdet's ResNet with a list of deformable blocks.

    mmdet makes every block of a stage deformable. Yolact++ and STMask choose blocks:
    the first of each stage and then every ``dcn_interval``-th. In such a block a
    DCNv2 with a bias stands for the 3x3 convolution (in ResNet-18 and 34: the second).

    Args:
        depth (int): 18, 34, 50, 101 or 152.
        dcn_interval (int | None): Block i of a stage is deformable when i is a multiple
            of it. STMask has 3; the released ResNet-50 has 2. None: a plain ResNet.
        dcn_stages (Sequence[bool]): The stages that ``dcn_interval`` holds for.
        dcn_blocks (Sequence[Sequence[int]] | None): For each stage the deformable
            blocks, counted from 0, instead of an interval.
        **kwargs: Those of mmdet's ResNet.

    Attributes:
        dcn_blocks (tuple[tuple[int, ...], ...]): The deformable blocks of each stage.
    """

    def __init__(
        self,
        depth: int,
        dcn_interval: int | None = None,
        dcn_stages: Sequence[bool] = (False, True, True, True),
        dcn_blocks: Sequence[Sequence[int]] | None = None,
        **kwargs: Any,
    ) -> None:
        counts = self.arch_settings[depth][1] if depth in self.arch_settings else ()
        if dcn_blocks is None:
            if dcn_interval is not None and dcn_interval < 1:
                raise ValueError(
                    f'DeformableResNet.dcn_interval must be 1 or more, or None for no '
                    f'deformable block, but is {dcn_interval}.'
                )
            dcn_blocks = [
                range(0, count, dcn_interval) if dcn_interval and deformable else ()
                for count, deformable in zip(counts, dcn_stages, strict=False)
            ]
        elif dcn_interval is not None:
            raise ValueError(
                'DeformableResNet takes dcn_interval or dcn_blocks, not both.'
            )
        self._planned_blocks = tuple(tuple(blocks) for blocks in dcn_blocks)
        for stage, (blocks, count) in enumerate(
            zip(self._planned_blocks, counts, strict=False)
        ):
            if any(not 0 <= block < count for block in blocks):
                raise ValueError(
                    f'DeformableResNet.dcn_blocks[{stage}] is {list(blocks)}, but '
                    f'stage {stage} of ResNet-{depth} has blocks 0 to {count - 1}.'
                )
        super().__init__(depth, **kwargs)
        self.dcn_blocks = self._planned_blocks[: self.num_stages]

    def make_res_layer(self, **kwargs: Any) -> nn.Module:
        """A stage, with the 3x3 convolutions of its deformable blocks replaced."""
        # The stages before this one are in the list already.
        stage = len(self.res_layers)
        layer = super().make_res_layer(**kwargs)
        blocks = self._planned_blocks[stage : stage + 1]
        for block in blocks[0] if blocks else ():
            plain = layer[block].conv2
            layer[block].conv2 = SafeModulatedDeformConv2d(
                plain.in_channels,
                plain.out_channels,
                plain.kernel_size,
                stride=plain.stride,
                padding=plain.padding,
                dilation=plain.dilation,
                bias=True,
            )
        return layer

    def train(self, mode: bool = True) -> DeformableResNet:
        """Set the mode of all but the frozen parts; returns the backbone itself."""
        super().train(mode)
        return self
