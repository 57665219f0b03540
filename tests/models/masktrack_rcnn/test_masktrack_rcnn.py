"""MaskTrack R-CNN against mmdet's own, and the invariances of the video loop."""

import copy
import pickle

import numpy as np
import pycocotools.mask as mask_util
import pytest
import torch
from mmdet.registry import MODELS as MMDET_MODELS
from model_factory import (
    COUNTS,
    FRAMES,
    clip_sample,
    moving_frames,
    predict,
    tiny_config,
    tiny_model,
    training_clip,
)
from video_models import masktrack_rcnn


def case_without_double_claims():
    """A model, and mmdet's predictions with its weights that give no id twice.

    mmdet's tracker gives a track that two detections claim to both of them, ours to the
    better one alone: only without such a claim are the two the same.
    """
    cfg = tiny_config()
    cfg.model.type = 'mmdet.MaskTrackRCNN'
    cfg.model.tracker.type = 'mmdet.MaskTrackRCNNTracker'
    for seed in range(30):
        net = tiny_model(seed=seed)
        net.detector.roi_head.test_cfg.max_per_img = 4
        theirs = MMDET_MODELS.build(cfg.model).eval()
        theirs.load_state_dict(net.state_dict())
        theirs.detector.roi_head.test_cfg = net.detector.roi_head.test_cfg
        sample = clip_sample(FRAMES)
        theirs.predict(moving_frames(FRAMES)[None], [sample])
        wanted = [frame.pred_track_instances for frame in sample]
        ids = [tuple(w.instances_id.tolist()) for w in wanted]
        if all(len(set(i)) == len(i) for i in ids) and len(set(ids)) > 3:
            return net, wanted
    raise AssertionError('no seed gives tracks that change and are not claimed twice')


@torch.no_grad()
def test_equals_mmdet():
    net, wanted = case_without_double_claims()
    for ours, theirs in zip(predict(net, [FRAMES]), wanted, strict=True):
        assert ours.instances_id.tolist() == theirs.instances_id.tolist()
        assert ours.labels.tolist() == theirs.labels.tolist()
        torch.testing.assert_close(ours.bboxes, theirs.bboxes)
        torch.testing.assert_close(ours.scores, theirs.scores)
        masks = mask_util.decode(ours.masks).transpose(2, 0, 1).astype(bool)
        np.testing.assert_array_equal(masks, theirs.masks.numpy())


def test_state_ends_with_the_video_with_training_and_with_copies():
    net = copy.deepcopy(masktrack_rcnn())
    predict(net, [FRAMES])
    assert len(net.video_states) == 0
    sample = clip_sample(2, 1, 0, 5)
    with torch.no_grad():
        net.predict(moving_frames(2)[None], [sample])
    assert len(net.video_states) == 1
    assert len(copy.deepcopy(net).video_states) == 0
    assert len(pickle.loads(pickle.dumps(net.video_states))) == 0
    net.train()
    assert len(net.video_states) == 0


def test_a_missing_chunk_is_named():
    net = copy.deepcopy(masktrack_rcnn())
    predict(net, [2], frames=moving_frames(FRAMES))
    with pytest.raises(RuntimeError, match=r'Video 1 .*frame 4.*frame 2 is next'):
        net.predict(moving_frames(1)[None], [clip_sample(1, 1, 4, FRAMES)])


def test_the_rpn_does_not_care_about_classes():
    def rpn_losses(shift):
        # Made before the seed is set: the first to ask for it builds it.
        net = copy.deepcopy(masktrack_rcnn()).train()
        torch.manual_seed(0)
        inputs, samples = training_clip(*COUNTS['common'])
        for frame in samples[0]:
            frame.gt_instances.labels = (frame.gt_instances.labels + shift) % 8
        losses = net.loss(inputs, samples)
        return [v for name in ('loss_rpn_cls', 'loss_rpn_bbox') for v in losses[name]]

    torch.testing.assert_close(rpn_losses(0), rpn_losses(5))
    assert sum(rpn_losses(0)[-4:]) > 0  # there are positives to regress


def test_clips_of_another_length_are_refused():
    inputs, samples = training_clip(*COUNTS['common'])
    with pytest.raises(ValueError, match='num_ref_imgs=1'):
        masktrack_rcnn().loss(inputs[:, [0, 1, 1]], samples)


def test_the_order_of_key_and_reference_changes_nothing():
    net = copy.deepcopy(masktrack_rcnn()).eval()
    results = []
    for order in ([0, 1], [1, 0]):
        inputs, samples = training_clip(*COUNTS['common'])
        samples[0].video_data_samples = [samples[0][i] for i in order]
        key = order.index(0)
        samples[0].set_metainfo(dict(key_frames_inds=[key], ref_frames_inds=[1 - key]))
        torch.manual_seed(0)
        losses = net.loss(inputs[:, order], samples)
        results.append(net.parse_losses(losses)[1])
    for name, value in results[0].items():
        torch.testing.assert_close(value, results[1][name])
