"""RoI features without a question to the device, on which level how many RoIs are."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from torch import Tensor, nn


class AllLevelsRoIExtractor(SingleRoIExtractor):
    """mmdet's extractor that, on a GPU in tests, asks the device for no numbers.

    Every level is sampled for all RoIs; for those of another level at one empty box.
    """

    def forward(
        self,
        feats: Sequence[Tensor],
        rois: Tensor,
        roi_scale_factor: float | None = None,
    ) -> Tensor:
        """Features (n, C, h, w) of RoIs (n, 5), of the level that suits each."""
        on_host = rois.device.type == 'cpu'
        if self.training or on_host or len(feats) == 1 or len(rois) == 0:
            return super().forward(feats, rois, roi_scale_factor)
        rois = rois.type_as(feats[0])
        levels = self.map_roi_levels(rois, len(feats))
        if roi_scale_factor is not None:
            rois = self.roi_rescale(rois, roi_scale_factor)
        away = (levels != 0)[:, None]
        result: Tensor = self.roi_layers[0](feats[0], rois.masked_fill(away, 0.0))
        for number, maps in enumerate(feats[1:], start=1):
            away = (levels != number)[:, None]
            part = self.roi_layers[number](maps, rois.masked_fill(away, 0.0))
            result = torch.where(away[:, :, None, None], result, part)
        return result


def use_all_levels(model: nn.Module) -> None:
    """Let mmdet's RoI extractors below a model be :class:`AllLevelsRoIExtractor`."""
    for module in model.modules():
        if type(module) is SingleRoIExtractor:
            module.__class__ = AllLevelsRoIExtractor
