"""RoI features that are augmented as soon as they are extracted."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from torch import Tensor

from mmvis.models.common.roi_levels import AllLevelsRoIExtractor
from mmvis.registry import MODELS

from .fc_feature_augmentation import FCFeatureAugmentation
from .reference_set import ReferenceProposals, shares
from .temporal_feature_augmentation import TemporalFeatureAugmentation

Augmentation = TemporalFeatureAugmentation | FCFeatureAugmentation


class AugmentedFeatures(tuple):
    """Feature maps of B key frames, with what augments the RoI features of each.

    A tuple of levels (B, C, H_l, W_l) as any RoI head takes them, so that references
    reach its RoI extractors through mmdet's methods as they are, and nothing of a video
    is stored in a module.

    Attributes:
        augmentation (Augmentation): The module.
        references (list[ReferenceProposals] | ReferenceProposals): One reference set a
            key frame; or one that all of them share, as the RoIs to come see it.
        shares (list[Tensor]): Of each frame's RoIs at each augmentation, in order:
            mean weights (3,) of own features, the key frame's references, the others'.
            None without gradients.
    """

    augmentation: Augmentation
    references: list[ReferenceProposals] | ReferenceProposals
    shares: list[Tensor]

    def __new__(
        cls,
        levels: Sequence[Tensor],
        augmentation: Augmentation,
        references: list[ReferenceProposals] | ReferenceProposals,
    ) -> AugmentedFeatures:
        """A tuple is complete before ``__init__``."""
        features = super().__new__(cls, levels)
        features.augmentation = augmentation
        features.references = references
        features.shares = []
        return features

    def __getitem__(self, index):
        """One level, or a slice that knows the references too."""
        levels = super().__getitem__(index)
        return self.with_levels(levels) if isinstance(index, slice) else levels

    def with_levels(self, levels: Sequence[Tensor]) -> AugmentedFeatures:
        """Other levels with the same references, and one list of shares."""
        part = AugmentedFeatures(levels, self.augmentation, self.references)
        part.shares = self.shares
        return part

    def augment(self, roi_feats: Tensor, rois: Tensor) -> Tensor:
        """Augment RoI features (m, C, s, s) by the references of their frames.

        Args:
            roi_feats (Tensor): Features of the RoIs.
            rois (Tensor): (m, 5), frame and xyxy, frames in ascending order where
                each has references of its own.
        """
        if isinstance(self.references, ReferenceProposals):
            return self.augmentation(roi_feats, rois[:, 1:], self.references)[0]
        counts = [len(rois)]
        if len(self.references) > 1:
            numbers = torch.arange(len(self.references), device=rois.device)
            counts = (rois[:, :1] == numbers).sum(0).tolist()
        augmented = []
        for part, bboxes, references in zip(
            roi_feats.split(counts),
            rois[:, 1:].split(counts),
            self.references,
            strict=True,
        ):
            feats, weights = self.augmentation(part, bboxes, references)
            augmented.append(feats)
            if len(part) and torch.is_grad_enabled():
                self.shares.append(shares(weights, references))
        return torch.cat(augmented)


@MODELS.register_module()
class AugmentedRoIExtractor(AllLevelsRoIExtractor):
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


def pooling_of(extractor: SingleRoIExtractor) -> str:
    """What two extractors whose features of a RoI are equal have in common."""
    return (
        f'finest_scale={extractor.finest_scale}, '
        f'featmap_strides={extractor.featmap_strides}, {extractor.roi_layers[0]}'
    )


def size_of(extractor: SingleRoIExtractor) -> int:
    """Side of the RoI features that it gives."""
    return extractor.roi_layers[0].output_size[0]


def check_extractors(
    augmentation: Augmentation, extractors: Sequence[AugmentedRoIExtractor]
) -> None:
    """Check that RoIs of all branches can be augmented by one set of references.

    Raises:
        ValueError: Nothing is augmented; features have another number of channels or,
            where only one size can be augmented, another size; or two extractors of one
            size pool the same RoI differently.
    """
    if not extractors:
        raise ValueError(
            'model.augmentation is given, but nothing is augmented: give RoI '
            "extractors the type 'AugmentedRoIExtractor'."
        )
    channels = {extractor.out_channels for extractor in extractors}
    if channels != {augmentation.in_channels}:
        raise ValueError(
            f'augmentation.in_channels is {augmentation.in_channels}, but the RoI '
            f'extractors give features of {sorted(channels)} channels.'
        )
    sizes = {size_of(extractor) for extractor in extractors}
    if not augmentation.sums_features and sizes != {augmentation.roi_feat_size}:
        raise ValueError(
            f'{type(augmentation).__name__} augments RoI features of '
            f'{augmentation.roi_feat_size} cells a side alone, but '
            f"AugmentedRoIExtractor gives {sorted(sizes)}: give the others' extractors "
            "(the mask branch's) the type 'SingleRoIExtractor'."
        )
    for size in sizes:
        settings = {pooling_of(e) for e in extractors if size_of(e) == size}
        if len(settings) > 1:
            raise ValueError(
                f'RoI features of {size} cells a side are pooled in more than one way, '
                'but references are pooled once for all branches: '
                f'{" / ".join(sorted(settings))}. Give these RoI extractors equal '
                'settings.'
            )
