"""Looks of instances that are the queries behind them, as in MinVIS.

A query of MaskFormer or Mask2Former is trained to stand for one object: what the
decoder has made of it tells that object from others without any pooling.
"""

from __future__ import annotations

import copy
import itertools
from typing import Any

import torch
from mmdet.models.detectors import BaseDetector
from mmengine.structures import InstanceData
from torch import Tensor, nn


class LastInput(nn.Module):
    """A layer that keeps what it was last given."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.last: Tensor | None = None

    def forward(self, x: Tensor) -> Any:
        """The layer's output."""
        self.last = x
        return self.layer(x)


def has_queries(detector: BaseDetector) -> bool:
    """Whether it is a MaskFormer: a query for each instance, classified by a layer."""
    head = getattr(detector, 'panoptic_head', None)
    fusion = getattr(detector, 'panoptic_fusion_head', None)
    return hasattr(head, 'cls_embed') and hasattr(fusion, 'instance_postprocess')


def with_queries(detector: BaseDetector) -> BaseDetector:
    """The same detector, whose instances have ``queries`` (n, d) too, the first time.

    A copy that shares its parameters, as ``with_features``: what is kept of a frame is
    in the copy, so that the detector can serve several videos at once.
    """
    view = copy.copy(detector)
    head: Any = copy.copy(detector.panoptic_head)
    fusion: Any = copy.copy(detector.panoptic_fusion_head)
    classify = LastInput(head.cls_embed)
    view.__dict__['_modules'] = {
        **detector._modules,
        'panoptic_head': head,
        'panoptic_fusion_head': fusion,
    }
    head.__dict__['_modules'] = {**head._modules, 'cls_embed': classify}
    # It is called for one frame after the other.
    usual, frame = fusion.instance_postprocess, itertools.count()

    def postprocess(mask_cls: Tensor, mask_pred: Tensor) -> InstanceData:
        found = usual(mask_cls, mask_pred)
        # (B, Q, d) of Mask2Former's last layer, (layers, B, Q, d) of MaskFormer.
        assert classify.last is not None
        queries = classify.last.reshape(-1, *classify.last.shape[-3:])[-1, next(frame)]
        found.queries = queries[queries_of_instances(fusion, mask_cls)].float()
        return found

    fusion.instance_postprocess = postprocess
    return view


def queries_of_instances(fusion: Any, mask_cls: Tensor) -> Tensor:
    """Which query (n,) each instance is of, in the order of ``instance_postprocess``.

    mmdet takes the best pairs of a query and a class, and leaves out those of classes
    that are no things; it does not say which queries they are of.

    Args:
        fusion: A MaskFormerFusionHead.
        mask_cls (Tensor): (Q, classes + 1), logits of one frame.
    """
    scores = mask_cls.softmax(-1)[:, :-1].flatten()
    most = fusion.test_cfg.get('max_per_image', 100)
    pairs = scores.topk(most, sorted=False).indices
    things = pairs % fusion.num_classes < fusion.num_things_classes
    return torch.div(pairs[things], fusion.num_classes, rounding_mode='floor')
