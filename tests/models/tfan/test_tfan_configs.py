"""Every TFAN config trains a step and predicts, in a small edition of itself."""

from pathlib import Path

import pytest
from model_configs import (
    Networks,
    build,
    build_on_meta,
    configs_of,
    full_size,
    load,
    millions_of_parameters,
    name_of,
    parsed,
    predict_some,
    train_one_step,
)
from model_factory import CONFIGS

ALL = configs_of('tfan')
NETWORKS = Networks()
CHANNELS = 16
BACKBONE_R50, BACKBONE_X101 = 23.5, 81.4


def small(path: Path):
    """The config's model with few channels; all else as it stands."""
    model = load(path).model
    detector = model.detector
    if 'tiny' not in path.parts:
        detector.init_cfg = None
        detector.backbone.update(type='ResNet', depth=50, base_channels=8)
        detector.backbone.frozen_stages = -1
        for key in ('groups', 'base_width'):
            detector.backbone.pop(key, None)
        detector.neck.update(in_channels=[32, 64, 128, 256], out_channels=CHANNELS)
        detector.rpn_head.update(in_channels=CHANNELS, feat_channels=CHANNELS)
        roi_head = detector.roi_head
        for part in (
            roi_head.bbox_roi_extractor,
            roi_head.mask_roi_extractor,
            model.track_head.roi_extractor,
        ):
            part.out_channels = CHANNELS
        for head in roi_head.bbox_head:
            head.update(in_channels=CHANNELS, fc_out_channels=CHANNELS)
        roi_head.mask_head.update(
            num_convs=1, in_channels=CHANNELS, conv_out_channels=CHANNELS
        )
        model.track_head.embed_head.update(
            in_channels=CHANNELS, fc_out_channels=CHANNELS
        )
        if model.augmentation is not None:
            model.augmentation.update(in_channels=CHANNELS, embed_channels=CHANNELS)
    for stage in detector.train_cfg.rcnn:
        stage.sampler.num = 16
    for cfg in (detector.train_cfg.rpn_proposal, detector.test_cfg.rpn):
        cfg.max_per_img = 30
    detector.test_cfg.rcnn.update(score_thr=0.0, max_per_img=5)
    return model


@pytest.mark.parametrize('path', ALL, ids=name_of)
def test_one_step_and_one_prediction(path):
    model = small(path)
    if not NETWORKS.is_new(path, model):
        return
    net = build(model)
    train_one_step(net)

    predict_some(net)


@pytest.mark.parametrize(
    ('name', 'backbone'), [('tfan_r50', BACKBONE_R50), ('tfan_x101', BACKBONE_X101)]
)
def test_size_of_the_network(name, backbone):
    """Parameters, counted on the meta device."""
    millions = millions_of_parameters(CONFIGS / f'{name}.py')
    assert 85 < sum(millions.values()) < 160
    net = build_on_meta(load(CONFIGS / f'{name}.py').model)
    counted = sum(p.numel() for p in net.detector.backbone.parameters()) / 1e6
    assert backbone - 0.1 < counted < backbone + 0.1


def test_files_begin_with_the_detector_that_their_names_promise():
    for path in full_size(ALL):
        name = 'cascade_mask_rcnn_' + ('x101' if '_x101' in path.stem else 'r50')
        assert name in parsed(path).model.detector.init_cfg.checkpoint, path


def of_name(name):
    (path,) = [p for p in ALL if p.stem == name]
    return parsed(path)


ROWS = {
    'tfan_r50_cascade': ('augmentation', None),
    'tfan_r50_no_mask_iou': ('tracker.match_weights.mask_iou', 0),
    'tfan_r50_temperature_1': ('augmentation.temperature', 1),
    'tfan_r50_temperature_fixed': ('augmentation.learn_temperature', False),
    'tfan_r50_centred': ('augmentation.centred', True),
    'tfan_r50_residual': ('augmentation.residual', True),
    'tfan_r50_no_mask_augmentation': (
        'detector.roi_head.mask_roi_extractor.type',
        'SingleRoIExtractor',
    ),
    'tfan_r50_references_50': ('num_references', 50),
    'tfan_r50_references_400': ('num_references', 400),
    'tfan_r50_offline': ('type', 'OfflineTFAN'),
    'tfan_r50_no_track_augmentation': (
        'track_head.roi_extractor.type',
        'SingleRoIExtractor',
    ),
    'tfan_r50_others_only': ('augmentation.members', 'others'),
    'tfan_r50_drop': ('tracker.conflict', 'drop'),
    'tfan_r50_references_by_score': ('min_reference_score', 0.5),
}
FRAMES = dict(tfan_r50_frames_2=2, tfan_r50_frames_5=5)


# Rows that change more than a key: the parts in which all of their changes are.
MASK, TRACK = 'detector.roi_head.mask_roi_extractor', 'track_head.roi_extractor'
OTHERS = dict(
    tfan_r50_box_only={MASK, TRACK},
    tfan_r50_fc={'augmentation', MASK},
    tfan_r50_fc_geometry={'augmentation', MASK},
    tfan_r50_fc_references_by_score={'augmentation', MASK, 'min_reference_score'},
)


def test_rows_differ_by_what_they_name():
    document = (CONFIGS.parent / 'docs/en/models/tfan.md').read_text()
    names = {path.stem for path in ALL if 'ablations' in path.parts}
    assert names == {*ROWS, *FRAMES, *OTHERS}
    default = of_name('tfan_r50_holdout')
    for name in names:
        assert f'{name}.py' in document
        config = of_name(name)
        frames = 1 + config.train_dataloader.dataset.pipeline[0].num_ref_imgs
        assert frames == FRAMES.get(name, 3)
        changed = changes(default.model, config.model)
        if name in OTHERS:
            assert {key.rsplit('.', 1)[0] for key in changed} == OTHERS[name]
            continue
        if name in ROWS:
            key, value = ROWS[name]
            assert changed.pop(key) == value
        if name == 'tfan_r50_temperature_1':
            assert not changed.pop('augmentation.learn_temperature')
        if name == 'tfan_r50_offline':
            assert changed.pop('test_cfg.num_frames') == 8
        assert not changed


def changes(old, new, prefix='') -> dict:
    """Keys, joined by dots, whose values differ, with the new values."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return {} if old == new else {prefix[:-1]: new}
    found = {}
    for key in {*old, *new}:
        found |= changes(old.get(key), new.get(key), f'{prefix}{key}.')
    return found


def test_the_holdout_has_annotations_and_a_metric():
    config = of_name('tfan_x101_holdout')
    train, valid = config.train_dataloader.dataset, config.val_dataloader.dataset
    assert train.ann_file != valid.ann_file
    assert train.data_prefix == valid.data_prefix
    assert not config.val_evaluator.get('format_only')
