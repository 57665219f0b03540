"""Frames of any segmentor that go through at once give what they give one by one."""

import pytest
import torch
from model_factory import assert_same, moving_frames, predict
from segmentors import FAMILIES, track_by

from mmvis.models.common.chunk_rcnn import makes_usual_masks
from mmvis.models.track_by_segmentation.frame_instances import (
    Wanted,
    goes_at_once,
    unique_instances,
)
from mmvis.models.trackers.space_tracker import SpaceTracker

CASCADE = dict(
    FAMILIES['mask_rcnn'],
    config='mmdet::_base_/models/cascade-mask-rcnn_r50_fpn.py',
    roi_head=dict(
        FAMILIES['mask_rcnn']['roi_head'],
        bbox_head=[
            dict(
                type='Shared2FCBBoxHead',
                in_channels=32,
                fc_out_channels=32,
                num_classes=5,
                reg_class_agnostic=True,
                bbox_coder=dict(
                    type='DeltaXYWHBBoxCoder',
                    target_means=[0.0] * 4,
                    target_stds=[0.1, 0.1, 0.2, 0.2],
                ),
            )
        ]
        * 3,
    ),
)
SETTINGS = {
    'cascade': dict(detector=CASCADE),
    'space': dict(detector=FAMILIES['mask_rcnn']),
    'solov2': dict(detector=FAMILIES['solov2']),
    'condinst': dict(detector=FAMILIES['condinst'], max_per_img=7, classes=[0, 2, 3]),
    'rtmdet_ins': dict(detector=FAMILIES['rtmdet_ins'], mask_nms_thr=None),
    'mask2former': dict(
        detector=FAMILIES['mask2former'], appearance='query', mask_nms_thr=None
    ),
}


def made(name):
    net = track_by(**dict(score_thr=0.0) | SETTINGS[name])
    if name == 'space':
        net.tracker = SpaceTracker()
    return net


@pytest.fixture
def each_frame_by_itself():
    """Convolutions whose last bits do not depend on how many frames there are.

    Random networks find near-copies by the dozen, and those bits decide among them.
    """
    with torch.backends.mkldnn.flags(enabled=False):
        yield


@pytest.mark.parametrize('name', SETTINGS)
@pytest.mark.usefixtures('each_frame_by_itself')
def test_frames_at_once(name):
    net, frames = made(name), moving_frames(4)
    one_by_one = predict(net, [4], frames=frames)
    net.frames_at_once = len
    assert min(map(len, one_by_one)) > 1
    assert_same(one_by_one, predict(net, [4], video_id=2, frames=frames))
    assert goes_at_once(net.detector) == (name in ('cascade', 'space'))
    if name == 'cascade':
        assert makes_usual_masks(net.detector.roi_head)


def test_frames_are_taken_in_groups_that_fit(monkeypatch):
    net, seen = made('space'), []
    segment = net.segment
    monkeypatch.setattr(
        net, 'segment', lambda *args: seen.append(len(args[1])) or segment(*args)
    )
    net.frames_at_once = len
    whole = predict(net, [4], frames=moving_frames(4))
    pixels = 'mmvis.models.track_by_segmentation.track_by_segmentation.SEGMENTED_PIXELS'
    monkeypatch.setattr(pixels, 3 * 100 * 192 * 320)
    assert_same(whole, predict(net, [4], video_id=2, frames=moving_frames(4)))
    assert seen == [4, 3, 1]


def test_the_best_of_each_frame_without_duplicates():
    """Two frames that have the same masks; of the second, a better one is left out."""
    scores = torch.tensor([0.3, 0.9, 0.8, 0.2, 0.9, 0.5, 0.7])
    labels = torch.tensor([0, 0, 1, 0, 1, 2, 0])
    frame = torch.tensor([0, 0, 0, 0, 1, 1, 1])
    rows, counts = Wanted(0.25, [0, 1], 2).best(scores, labels, frame, 3)
    assert rows.tolist() == [1, 2, 4, 6]
    assert counts == [2, 2, 0]
    rows, counts = Wanted(0.0, None, 9).best(scores, labels, frame, 2)
    assert rows.tolist() == [1, 2, 0, 3, 4, 6, 5]
    assert counts == [4, 3]
    masks = torch.zeros(6, 4, 6)
    masks[0, :2], masks[1, :3], masks[3, :2], masks[4, 2:], masks[5, :2] = 1, 1, 1, 1, 1
    frame = torch.tensor([0, 0, 0, 1, 1, 1])
    for thr, wanted in ((0.5, [0, 3, 4]), (0.7, [0, 1, 3, 4]), (None, [0, 1, 3, 4, 5])):
        kept = unique_instances(masks, frame, thr)
        assert kept.nonzero().squeeze(1).tolist() == wanted
