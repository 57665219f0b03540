"""What a model does on a card, on the CPU: mmcv's own deformable convolutions."""

from __future__ import annotations

import pytest
from mmcv.ops import deform_conv2d, modulated_deform_conv2d
from torch.nn.functional import pad

from mmvis.models.stmask import calibrated_convolution, deformable_resnet
from mmvis.models.stmask.head import STMaskHead


def _deform_conv2d(features, offsets, weight, stride, padding, dilation):
    height, width = weight.shape[2:]
    top, left = padding
    features = pad(features, (left, width - 1 - left, top, height - 1 - top))
    options = (stride, 0, dilation, 1, 1, False, len(features))
    return deform_conv2d(features, offsets, weight, *options)


def _modulated(features, offsets, weight, bias, modulation, *sampling):
    options = (*sampling, 1, 1)
    return modulated_deform_conv2d(
        features, offsets, modulation, weight, bias, *options
    )


def take_card_path(patch: pytest.MonkeyPatch) -> None:
    """Use mmcv's operators where a CPU has faster ones of this package."""
    name = 'deformable_convolution'
    patch.setattr(calibrated_convolution, name, _deform_conv2d)
    patch.setattr(deformable_resnet, name, _modulated)
    patch.setattr(STMaskHead, 'joins_levels', staticmethod(lambda feats: True))
