"""The embedding of a detection, by which it finds its track (eqs. 1 and 2)."""

from __future__ import annotations

import torch
from mmdet.models.tracking_heads import RoIEmbedHead
from torch import Tensor

from mmvis.registry import MODELS


@MODELS.register_module()
class InstanceEmbedHead(RoIEmbedHead):
    """mmdet's RoIEmbedHead with a gradient for every parameter in every batch.

    A clip whose reference frame has no instance leaves mmdet's similarity without a
    graph, so that distributed training waits for gradients that never come.
    """

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
