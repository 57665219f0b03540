"""mmdet's cascade, giving soft masks before they are pasted into a frame."""

from __future__ import annotations

import torch
from mmdet.models.roi_heads import CascadeRoIHead
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.registry import MODELS

from .augmented_roi_extractor import pooling_of


class RoIFeatures(tuple):
    """Features (n, C, s, s) of RoIs, in the place of feature maps."""


@MODELS.register_module()
class CascadeMaskRoIHead(CascadeRoIHead):
    """mmdet's CascadeRoIHead whose masks are predicted and pasted in two steps.

    A tracker compares masks at low resolution, and only instances that it keeps are
    pasted at full size.
    """

    def mask_probabilities(self, x: tuple[Tensor, ...], rois: Tensor) -> Tensor:
        """Masks over boxes, the mean of all stages.

        Args:
            x (tuple[Tensor]): Feature maps (B, C, H_l, W_l).
            rois (Tensor): (n, 5), frame and xyxy in pixels of the network input.

        Returns:
            Tensor: (n, num_classes, s, s); class-agnostic heads have one class.
        """
        # Boxes are final here: stages that pool alike see the same features.
        pooled: dict[tuple, RoIFeatures] = {}
        stages = []
        for stage, extractor in enumerate(self.mask_roi_extractor):
            kind = type(extractor), pooling_of(extractor)
            if kind not in pooled:
                feats = extractor(x[: extractor.num_inputs], rois)
                pooled[kind] = RoIFeatures([feats])
            found = self._mask_forward(stage, pooled[kind], rois)
            stages.append(found['mask_preds'].sigmoid())
        return torch.stack(stages).mean(0)

    def _mask_forward(self, stage: int, x: tuple[Tensor, ...], rois: Tensor) -> dict:
        """As mmdet's; of features that are pooled already, too."""
        if isinstance(x, RoIFeatures):
            return dict(mask_preds=self.mask_head[stage](x[0]))
        return super()._mask_forward(stage, x, rois)

    def of_labels(self, probabilities: Tensor, labels: Tensor) -> Tensor:
        """Each instance's mask (n, s, s) for its own label (n,)."""
        if self.mask_head[-1].class_agnostic:
            return probabilities[:, 0]
        rows = torch.arange(len(labels), device=labels.device)
        return probabilities[rows, labels]

    def paste(
        self, probabilities: Tensor, results: InstanceData, metainfo: dict
    ) -> InstanceData:
        """Masks and boxes of instances in the original frame.

        Args:
            probabilities (Tensor): (n, num_classes, s, s), of
                :meth:`mask_probabilities`.
            results (InstanceData): bboxes (n, 4) xyxy in pixels of the network input,
                labels (n,), and more that is passed on.
            metainfo (dict): ori_shape and scale_factor.

        Returns:
            InstanceData: The same with bboxes of the original frame, and masks
            (n, h, w) bool.
        """
        # The mask head scales boxes in place.
        results.bboxes = results.bboxes.clone()
        return self.mask_head[-1].predict_by_feat(
            [probabilities],
            [results],
            [metainfo],
            self.test_cfg,
            rescale=True,
            activate_map=True,
        )[0]
