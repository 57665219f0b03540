"""An augmentation with random weights, RoI features, and sets of references."""

import torch

from mmvis.models.tfan.temporal_feature_augmentation import (
    ReferenceProposals,
    TemporalFeatureAugmentation,
)

CHANNELS, SIDE, EMBED = 6, 3, 5


def module(**kwargs) -> TemporalFeatureAugmentation:
    torch.manual_seed(0)
    settings = dict(in_channels=CHANNELS, roi_feat_size=SIDE, embed_channels=EMBED)
    made = TemporalFeatureAugmentation(**settings | kwargs).double()
    torch.nn.init.normal_(made.embed.bias)
    return made


def features(count: int, side: int = SIDE, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(
        count, CHANNELS, side, side, generator=generator, dtype=torch.float64
    )


def boxes(count: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator, dtype=torch.float64) * 50
    return torch.cat([corner, corner + 20], dim=1)


def reference_set(made, feats, own_boxes=None, valid=None) -> ReferenceProposals:
    none = torch.full((len(feats), 4), torch.nan, dtype=torch.float64)
    return ReferenceProposals(
        feats={feats.shape[-1]: feats},
        embeddings=made.embeddings(feats),
        bboxes=none if own_boxes is None else own_boxes,
        places=boxes(len(feats), 9) if own_boxes is None else own_boxes,
        valid=torch.ones(len(feats), dtype=torch.bool) if valid is None else valid,
    )


def augmented(made, *args) -> torch.Tensor:
    """The features alone."""
    return made(*args)[0]
