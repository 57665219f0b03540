"""The temporal network of STMask: how each box and mask moves to the next frame."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from mmcv.cnn import ConvModule
from mmcv.ops import RoIAlign
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvis.registry import MODELS

XAVIER = dict(type='Xavier', layer=['Conv2d', 'Linear'], distribution='uniform')


@MODELS.register_module()
class TemporalNetwork(BaseModule):
    """Box and coefficient changes of instances between two frames (Figure 5).

    Features of both frames and their correlation are pooled from the boxes of the
    earlier frame, and pass three 3x3 convolutions, an average over the box, and a
    linear layer for each of the two outputs (eqs. 10 and 13).

    Args:
        in_channels (int): Channels of both frames' features and of the correlation,
            put together: 256 + 256 + 11 * 11.
        channels (Sequence[int]): Output channels of the convolutions.
        num_coefficients (int): Mask coefficients K of an instance.
        roi_size (int): Features a box is pooled to, on each side.
        init_cfg (dict | None): As in mmengine; Xavier as in Yolact by default.
    """

    def __init__(
        self,
        in_channels: int = 633,
        channels: Sequence[int] = (512, 512, 1024),
        num_coefficients: int = 32,
        roi_size: int = 7,
        init_cfg: dict | Sequence[dict] | None = XAVIER,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.num_coefficients = num_coefficients
        self.roi_size = roi_size
        self.roi_align = RoIAlign(roi_size, spatial_scale=1.0, sampling_ratio=0)
        widths = [in_channels, *channels]
        self.convs = nn.Sequential(
            *(
                ConvModule(before, after, 3, padding=1)
                for before, after in pairwise(widths)
            )
        )
        self.fc_reg = nn.Linear(widths[-1], 4)
        self.fc_coeff = nn.Linear(widths[-1], num_coefficients)

    def forward(self, features: Tensor, rois: Tensor) -> tuple[Tensor, Tensor]:
        """Changes of n instances from the earlier frame to the later one.

        Args:
            features (Tensor): (B, in_channels, H, W), of B pairs of frames.
            rois (Tensor): (n, 5): the pair's index, then the box in the earlier frame,
                xyxy in cells of the map, as :func:`boxes_to_cells` gives it. No
                gradient flows into it.

        Returns:
            tuple[Tensor, Tensor]: (n, 4) box regressions t, to be decoded with the box
            in the earlier frame as prior (eqs. 11-12); and (n, K) increments of the
            mask coefficients (eq. 13). With n = 0 both are empty, and still part of
            the graph of every parameter and of ``features``.
        """
        pooled = self.convs(self.pool(features, rois)).mean((2, 3))
        return self.fc_reg(pooled), self.fc_coeff(pooled)

    def pool(self, features: Tensor, rois: Tensor) -> Tensor:
        """Features inside the boxes, (n, in_channels, roi_size, roi_size).

        Args are those of :meth:`forward`. A box that does not meet the map, or that is
        not a number, has zeros. Sampling is in float32 at least.
        """
        # Not len(): torch.export would take the number for a constant.
        if rois.shape[0] == 0:
            # mmcv's CUDA kernel cannot be started for no box. This is connected to the
            # features, as a tensor of zeros would not be.
            return features[:0, :, :1, :1].expand(-1, -1, self.roi_size, self.roi_size)
        sides = clip_to_map(rois[:, 1:].detach(), features.shape[-2:])
        # The op has no bfloat16, and float16 would move the boxes. It gives zeros for a
        # box without a width or a height.
        dtype = torch.promote_types(features.dtype, torch.float32)
        rois = torch.cat([rois[:, :1], *sides], dim=1).nan_to_num(nan=0.0).to(dtype)
        # RoIAlign takes any memory for contiguous.
        features = features.contiguous()
        return self.roi_align(features.to(dtype), rois).to(features.dtype)


def boxes_to_cells(
    boxes: Tensor, input_shape: Sequence[int], map_shape: Sequence[int]
) -> Tensor:
    """Boxes in cells of a feature map.

    Args:
        boxes (Tensor): (..., 4) xyxy in pixels of the padded network input.
        input_shape (Sequence[int]): Height and width of that input, in pixels.
        map_shape (Sequence[int]): Height and width of the map, in cells.

    Returns:
        Tensor: (..., 4) xyxy, of the same dtype; cell (0, 0) reaches from 0 to 1.
    """
    # Factors are Python numbers, so that nothing is copied to a device.
    height, width = (map_shape[side] / input_shape[side] for side in (0, 1))
    if height == width:
        return boxes * width
    x1, y1, x2, y2 = boxes.unbind(-1)
    return torch.stack([x1 * width, y1 * height, x2 * width, y2 * height], -1)


def clip_to_map(boxes: Tensor, map_shape: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Boxes with their corners put in order, and cut at the borders of a map.

    Args:
        boxes (Tensor): (n, 4) xyxy in cells.
        map_shape (Sequence[int]): Height and width of the map, in cells.

    Returns:
        tuple[Tensor, Tensor]: Low and high corners (n, 2). Those of a box wholly
        outside have the same x or the same y; where one coordinate is not a number,
        neither is the other.
    """
    height, width = map_shape
    corners = boxes.reshape(-1, 2, 2)
    # Bounds are Python numbers, so that nothing is copied to a device.
    cut = [corners[..., 0].clamp(0, width), corners[..., 1].clamp(0, height)]
    first, second = torch.stack(cut, dim=-1).unbind(1)
    return torch.minimum(first, second), torch.maximum(first, second)
