"""The embedding of a detection, by which it finds its track (eqs. 1 and 2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.models.tracking_heads import RoIEmbedHead
from torch import Tensor

from mmvis.registry import MODELS


@MODELS.register_module()
class InstanceEmbedHead(RoIEmbedHead):
    """mmdet's RoIEmbedHead with a gradient for every parameter in every batch.

    A clip whose reference frame has no instance leaves mmdet's similarity without a
    graph, so that distributed training waits for gradients that never come.
    """

    def get_targets(
        self,
        sampling_results: Sequence[SamplingResult],
        gt_instance_ids: Sequence[Tensor],
        ref_gt_instance_ids: Sequence[Tensor],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """mmdet's targets, which asks the device for each positive's id.

        Args:
            sampling_results (Sequence[SamplingResult]): Of each key frame, (n,).
            gt_instance_ids (Sequence[Tensor]): (g,) of the key frame's objects.
            ref_gt_instance_ids (Sequence[Tensor]): (m,) of the reference frame's.

        Returns:
            tuple: (n,) int64 of each frame: 1 + the first object of the reference frame
            with the id, 0: none; and weights (n,), one for positives.
        """
        targets, weights = [], []
        for result, ids, ref_ids in zip(
            sampling_results, gt_instance_ids, ref_gt_instance_ids, strict=True
        ):
            num_negatives = len(result.neg_inds)
            own = ids[result.pos_assigned_gt_inds]
            # The first of equal ids: the largest of numbers that go down.
            down = torch.arange(len(ref_ids), 0, -1, device=ref_ids.device)
            found = torch.nn.functional.pad(
                (own[:, None] == ref_ids) * down, (1, 0)
            ).amax(1)
            target = (len(ref_ids) + 1 - found) * (found > 0)
            targets.append(torch.nn.functional.pad(target, (0, num_negatives)))
            one = result.bboxes.new_ones(len(own))
            weights.append(torch.nn.functional.pad(one, (0, num_negatives)))
        return targets, weights

    def loss_by_feat(
        self,
        x_split: tuple[Tensor, ...],
        ref_x_split: tuple[Tensor, ...],
        *args,
        **kwargs,
    ) -> dict:
        """mmdet's losses, and a zero that is connected with the embeddings."""
        losses = super().loss_by_feat(x_split, ref_x_split, *args, **kwargs)
        connected_zero = torch.cat([*x_split, *ref_x_split]).sum() * 0
        losses['loss_match'] = losses.get('loss_match', 0) + connected_zero
        return losses
