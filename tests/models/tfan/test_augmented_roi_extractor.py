"""RoI features of several clips are augmented each by its own references."""

import torch
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor

from mmvis.models.tfan.augmented_roi_extractor import (
    AugmentedFeatures,
    AugmentedRoIExtractor,
)
from mmvis.models.tfan.temporal_feature_augmentation import (
    ReferenceProposals,
    TemporalFeatureAugmentation,
)

CHANNELS = 4
SETTINGS = dict(
    roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=2),
    out_channels=CHANNELS,
    featmap_strides=[4, 8],
)


def levels(num_frames: int, seed: int = 0) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(
        torch.randn(num_frames, CHANNELS, 64 // s, 96 // s, generator=generator)
        for s in (4, 8, 16)
    )


def rois(*counts: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    corner = torch.rand(sum(counts), 2, generator=generator) * 40
    frames = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    return torch.cat([frames[:, None].float(), corner, corner + 20], dim=1)


def augmentation() -> TemporalFeatureAugmentation:
    torch.manual_seed(0)
    return TemporalFeatureAugmentation(CHANNELS, 7, 8, temperature=0.3)


def references(made, count: int, seed: int) -> ReferenceProposals:
    generator = torch.Generator().manual_seed(seed)
    feats = torch.randn(count, CHANNELS, 7, 7, generator=generator)
    return ReferenceProposals(
        {7: feats},
        made.embeddings(feats),
        torch.full((count, 4), torch.nan),
        torch.rand(count, 4),
        torch.ones(count, dtype=torch.bool),
    )


def test_plain_features_stay_plain():
    wanted = SingleRoIExtractor(**SETTINGS)(levels(2)[:2], rois(3, 2))
    plain = AugmentedRoIExtractor(**SETTINGS)(levels(2)[:2], rois(3, 2))
    assert torch.equal(plain, wanted)


def test_each_clip_has_its_own_references():
    made, maps, places = augmentation(), levels(3), rois(3, 0, 2)
    sets = [references(made, count, seed=count) for count in (5, 3, 0)]
    extractor = AugmentedRoIExtractor(**SETTINGS)
    features = AugmentedFeatures(maps, made, sets)
    result = extractor(features[:2], places)
    plain = extractor(maps[:2], places)
    torch.testing.assert_close(result[:3], made(plain[:3], places[:3, 1:], sets[0])[0])
    # The third clip has no references.
    torch.testing.assert_close(result[3:], plain[3:])
    assert (result[:3] - plain[:3]).abs().max() > 0.1

    first = AugmentedFeatures([level[:1] for level in maps], made, sets[:1])
    torch.testing.assert_close(extractor(first[:2], places[:3]), result[:3])


def test_it_is_a_tuple_of_levels():
    made, maps = augmentation(), levels(1)
    features = AugmentedFeatures(maps, made, [])
    assert len(features) == 3
    assert features[0] is maps[0]
    assert all(a is b for a, b in zip(features, maps, strict=True))
    assert isinstance(features[1:], AugmentedFeatures)
    assert features[1:].augmentation is made
