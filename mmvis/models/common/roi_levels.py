"""RoI features without a question to the device, on which level how many RoIs are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from torch import Tensor, nn

# In pixels, of a box outside of any map; half precision has numbers as large.
AWAY = -1e4


class AllLevelsRoIExtractor(SingleRoIExtractor):
    """mmdet's extractor that, on a GPU, asks the device for no numbers.

    Every level is sampled for all RoIs; for those of another level outside of the map.
    """

    def forward(
        self,
        feats: Sequence[Tensor],
        rois: Tensor,
        roi_scale_factor: float | None = None,
    ) -> Tensor:
        """Features (n, C, h, w) of RoIs (n, 5), of the level that suits each."""
        on_host = rois.device.type == 'cpu'
        if on_host or len(feats) == 1 or len(rois) == 0:
            return super().forward(feats, rois, roi_scale_factor)
        return self.sample_all_levels(feats, rois, roi_scale_factor)

    def sample_all_levels(
        self,
        feats: Sequence[Tensor],
        rois: Tensor,
        roi_scale_factor: float | None = None,
    ) -> Tensor:
        """:meth:`forward` as on a GPU, of several levels and any RoI."""
        rois = rois.type_as(feats[0])
        levels, numbers = self._levels_of(rois, len(feats))
        elsewhere = (levels != numbers)[..., None]
        if roi_scale_factor is not None:
            rois = self.roi_rescale(rois, roi_scale_factor)
        of_levels = rois.repeat(len(feats), 1, 1)
        # Beyond the map there are zeros, so that the sum is what one of the levels has.
        of_levels[..., 1:].masked_fill_(elsewhere, AWAY)
        result: Tensor = self.roi_layers[0](feats[0], of_levels[0])
        for number, maps in enumerate(feats[1:], start=1):
            result = result + self.roi_layers[number](maps, of_levels[number])
        return result

    def _levels_of(self, rois: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Level (n,) of each RoI, and the numbers (count, 1) of all levels."""
        bounds, numbers = _bounds(self.finest_scale, count, rois.device)
        usual = type(self).map_roi_levels is SingleRoIExtractor.map_roi_levels
        if not usual or rois.dtype != bounds.dtype:
            return self.map_roi_levels(rois, count), numbers
        width, height = (rois[:, 3:] - rois[:, 1:3]).unbind(1)
        side = torch.sqrt(width * height)
        return torch.bucketize(side, bounds, right=True), numbers


@lru_cache(maxsize=8)
def _bounds(
    finest_scale: int, count: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Least sides (count - 1,) of what is on the second level, the third, ...

    They are those numbers of single precision from which on mmdet's rule, the floor of
    log2(side / finest_scale + 1e-6), gives the level.
    """
    bounds = []
    for level in range(1, count):
        least = side = torch.tensor(float(finest_scale * 2**level))
        while torch.log2(side / finest_scale + 1e-6).floor() >= level:
            least, side = side, torch.nextafter(side, torch.zeros(()))
        bounds.append(least)
    numbers = torch.arange(count, device=device)[:, None]
    return torch.stack(bounds).to(device), numbers


def use_all_levels(model: nn.Module) -> None:
    """Let mmdet's RoI extractors below a model be :class:`AllLevelsRoIExtractor`."""
    for module in model.modules():
        if type(module) is SingleRoIExtractor:
            module.__class__ = AllLevelsRoIExtractor
