"""Settings of TFAN that cannot be meant are refused by their names."""

import pytest
import torch
from model_configs import build as build_model
from video_models import tfan_config


def build(cfg):
    with torch.device('meta'):
        return build_model(cfg)


def test_an_augmentation_that_nothing_uses_is_refused():
    cfg = tfan_config()
    roi_head = cfg.detector.roi_head
    for extractor in (
        roi_head.bbox_roi_extractor,
        roi_head.mask_roi_extractor,
        cfg.track_head.roi_extractor,
    ):
        extractor.type = 'SingleRoIExtractor'
    with pytest.raises(ValueError, match='AugmentedRoIExtractor'):
        build(cfg)


@pytest.mark.parametrize(
    ('changed', 'message'),
    [
        (dict(num_references=-1), 'num_references must not be negative, but is -1'),
        (dict(test_cfg=dict(num_frames=-1)), 'num_frames must not be negative'),
        (dict(test_cfg=dict(frame_proposals=-2)), 'frame_proposals must not be'),
        (dict(min_reference_score=-0.5), 'min_reference_score must not be negative'),
        (dict(tracker=dict(supplement=dict())), r'leave model\.tracker\.supplement'),
        (dict(augmentation=dict(members='mine')), "members must be one of .*'mine'"),
        (
            dict(augmentation=dict(in_channels=32)),
            r'augmentation.in_channels is 32, but .* of \[64\] channels',
        ),
    ],
)
def test_settings_that_do_not_fit(changed, message):
    cfg = tfan_config()
    for key, value in changed.items():
        if isinstance(value, dict):
            cfg[key].update(value)
        else:
            cfg[key] = value
    with pytest.raises(ValueError, match=message):
        build(cfg)


def test_two_ways_to_pool_features_of_one_size_are_refused():
    """References are pooled once: the track branch would compare unlike features."""
    cfg = tfan_config()
    cfg.track_head.roi_extractor.finest_scale = 56
    with pytest.raises(ValueError, match=r'finest_scale=28.* / .*finest_scale=56'):
        build(cfg)


def test_masks_cannot_be_augmented_among_fc_features():
    cfg = tfan_config()
    cfg.augmentation = dict(
        type='FCFeatureAugmentation', in_channels=64, embed_channels=64
    )
    with pytest.raises(ValueError, match=r'7 cells .* gives \[7, 14\].*mask branch'):
        build(cfg)
