"""RoI features without a question to the device, on which level how many RoIs are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from mmcv.ops import RoIAlign
from mmcv.ops.roi_align import ext_module
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from torch import Tensor, nn

from .constants import kept

# In pixels, of a box outside of any map; half precision has numbers as large.
AWAY = -1e4
# mmcv's number for means, of 'max' and 'avg'.
AVG = 1


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
        on_level = self._on_levels(rois, len(feats))
        if roi_scale_factor is not None:
            rois = self.roi_rescale(rois, roi_scale_factor)
        away = _away(rois.dtype, rois.device)
        of_levels = torch.where(on_level[..., None], rois, away)
        # Beyond the map there are zeros, so that the sum is what one of the levels has.
        layers = list(self.roi_layers)[: len(feats)]
        if torch.is_grad_enabled() or not all(map(_takes_means, layers)):
            given = zip(layers, feats, of_levels, strict=True)
            return reduce(torch.add, (layer(*level) for layer, *level in given))
        return _sum_of_means(layers, feats, of_levels)

    def _on_levels(self, rois: Tensor, count: int) -> Tensor:
        """Whether each RoI is of each level: (count, n) bool."""
        bounds, numbers = _bounds(self.finest_scale, count, rois.device)
        usual = type(self).map_roi_levels is SingleRoIExtractor.map_roi_levels
        if not usual or rois.dtype != bounds.dtype:
            return self.map_roi_levels(rois, count) == numbers
        width, height = (rois[:, 3:] - rois[:, 1:3]).unbind(1)
        return torch.bucketize(width * height, bounds, right=True) == numbers


def _takes_means(layer: nn.Module) -> bool:
    """Whether a layer is mmcv's own RoIAlign of means."""
    return (
        type(layer) is RoIAlign
        and layer.pool_mode == 'avg'
        and not layer.use_torchvision
    )


def _sum_of_means(
    layers: Sequence[RoIAlign], feats: Sequence[Tensor], of_levels: Tensor
) -> Tensor:
    """What the layers give for their levels' RoIs (levels, n, 5), summed; no gradient.

    mmcv's function gets new memory for each level, and fills it with zeros before it
    writes there. Two pieces of memory do for all of them. It reads any memory as if it
    were contiguous, and what a layer's hooks would do about that is not done here.
    """
    size = of_levels.shape[1], feats[0].shape[1], *layers[0].output_size
    result, found, unused = (feats[0].new_empty(shape) for shape in (size, size, 0))
    for number, (layer, maps) in enumerate(zip(layers, feats, strict=True)):
        ext_module.roi_align_forward(
            *(maps.contiguous(), of_levels[number], found if number else result),
            *(unused, unused),
            aligned_height=layer.output_size[0],
            aligned_width=layer.output_size[1],
            spatial_scale=layer.spatial_scale,
            sampling_ratio=layer.sampling_ratio,
            pool_mode=AVG,
            aligned=layer.aligned,
        )
        if number:
            result += found
    return result


@kept(8)
def _bounds(
    finest_scale: int, count: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Least areas (count - 1,) of what is on the second level, the third, ...

    They are those numbers of single precision from which on mmdet's rule, the floor of
    log2(sqrt(area) / finest_scale + 1e-6), gives the level; and the numbers (count, 1)
    of all levels.
    """
    bounds = []
    for level in range(1, count):
        least = area = torch.tensor(float(finest_scale * 2**level)) ** 2
        while torch.log2(area.sqrt() / finest_scale + 1e-6).floor() >= level:
            least, area = area, torch.nextafter(area, torch.zeros(()))
        bounds.append(least)
    numbers = torch.arange(count, device=device)[:, None]
    return torch.stack(bounds).to(device), numbers


@kept(8)
def _away(dtype: torch.dtype, device: torch.device) -> Tensor:
    """A RoI (5,) outside of any map."""
    return torch.tensor([0.0, *[AWAY] * 4], dtype=dtype).to(device)


def use_all_levels(model: nn.Module) -> None:
    """Let mmdet's RoI extractors below a model be :class:`AllLevelsRoIExtractor`."""
    for module in model.modules():
        if type(module) is SingleRoIExtractor:
            module.__class__ = AllLevelsRoIExtractor
