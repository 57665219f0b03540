"""mmdet's cascade, giving soft masks before they are pasted into a frame."""

from __future__ import annotations

import torch
from mmdet.models.roi_heads import CascadeRoIHead
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.registry import MODELS


@MODELS.register_module()
class CascadeMaskRoIHead(CascadeRoIHead):
    """mmdet's CascadeRoIHead whose masks are predicted and pasted in two steps.

    A tracker compares masks at low resolution, and only instances that it keeps are
    pasted at full size.
    """

    def mask_probabilities(self, x: tuple[Tensor, ...], bboxes: Tensor) -> Tensor:
        """Masks over the boxes of one frame, the mean of all stages.

        Args:
            x (tuple[Tensor]): Feature maps (1, C, H_l, W_l).
            bboxes (Tensor): (n, 4) xyxy in pixels of the network input.

        Returns:
            Tensor: (n, num_classes, s, s); class-agnostic heads have one class.
        """
        rois = bbox2roi([bboxes])
        stages = [
            self._mask_forward(stage, x, rois)['mask_preds'].sigmoid()
            for stage in range(self.num_stages)
        ]
        return torch.stack(stages).mean(0)

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
