"""RoI features that are augmented as soon as they are extracted."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from torch import Tensor

from mmvis.registry import MODELS

from .temporal_feature_augmentation import (
    ReferenceProposals,
    TemporalFeatureAugmentation,
)


class AugmentedFeatures(tuple):
    """Feature maps of B key frames, with what augments the RoI features of each.

    A tuple of levels (B, C, H_l, W_l) as any RoI head takes them, so that references
    reach its RoI extractors through mmdet's methods as they are, and nothing of a video
    is stored in a module.

    Args:
        levels (Sequence[Tensor]): The feature maps.
        augmentation (TemporalFeatureAugmentation): The module.
        references (list[ReferenceProposals]): One reference set a key frame.
    """

    def __new__(
        cls,
        levels: Sequence[Tensor],
        augmentation: TemporalFeatureAugmentation,
        references: list[ReferenceProposals],
    ) -> AugmentedFeatures:
        """A tuple is complete before ``__init__``."""
        features = super().__new__(cls, levels)
        features.augmentation = augmentation
        features.references = references
        return features

    def __getitem__(self, index):
        """One level, or a slice that knows the references too."""
        levels = super().__getitem__(index)
        if isinstance(index, slice):
            return AugmentedFeatures(levels, self.augmentation, self.references)
        return levels

    def augment(self, roi_feats: Tensor, rois: Tensor) -> Tensor:
        """Augment RoI features (m, C, s, s) by the references of their frames.

        Args:
            roi_feats (Tensor): Features of the RoIs.
            rois (Tensor): (m, 5), frame and xyxy, frames in ascending order.
        """
        bboxes = rois[:, 1:]
        if len(self.references) == 1:
            return self.augmentation(roi_feats, bboxes, self.references[0])
        frames = rois[:, 0].long()
        counts = frames.bincount(minlength=len(self.references)).tolist()
        parts = zip(
            roi_feats.split(counts), bboxes.split(counts), self.references, strict=True
        )
        return torch.cat([self.augmentation(*part) for part in parts])


@MODELS.register_module()
class AugmentedRoIExtractor(SingleRoIExtractor):
    """mmdet's SingleRoIExtractor, followed by temporal feature augmentation.

    Augments wherever it is given :class:`AugmentedFeatures`; other feature maps give
    the plain RoI features. It is the config that says which branches, and which stages
    of a cascade, are augmented: those whose extractor is of this type.
    """

    def forward(
        self,
        feats: Sequence[Tensor],
        rois: Tensor,
        roi_scale_factor: float | None = None,
    ) -> Tensor:
        """RoI features (m, C, s, s) of RoIs (m, 5)."""
        roi_feats = super().forward(feats, rois, roi_scale_factor)
        if isinstance(feats, AugmentedFeatures):
            roi_feats = feats.augment(roi_feats, rois)
        return roi_feats
