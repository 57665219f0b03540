"""Segmentors of all kinds keep their instances, and these their identities."""

import numpy as np
import pycocotools.mask as mask_util
import pytest
import torch
from mmdet.structures import DetDataSample
from model_configs import build
from model_factory import (
    clip_sample,
    moving_frames,
    predict,
    tiny_config,
)
from segmentors import FAMILIES, track_by
from video_models import track_by_segmentation as model

from mmvis.engine.checkpoint_fit import WeightsMismatchError, check_fit
from mmvis.models.track_by_segmentation.track_by_segmentation import shares_of_frame
from mmvis.models.trackers.match_score import mask_ious

SIZE = (40, 64)


@pytest.mark.parametrize('family', FAMILIES)
@torch.no_grad()
def test_instances_are_those_of_the_segmentor(family):
    net = model(family)
    frame = moving_frames(1)
    sample = clip_sample(1)
    plain = DetDataSample(metainfo=sample[0].metainfo)
    net.detector.predict(frame, [plain], rescale=True)
    wanted = plain.pred_instances
    wanted = wanted[wanted.scores.argsort(descending=True, stable=True)]
    wanted = wanted[wanted.masks.flatten(1).any(1)]
    assert len(wanted) > 2
    (found,) = net.predict_clip(frame, sample, net.init_state())
    assert found.instances_id.tolist() == list(range(len(wanted)))
    torch.testing.assert_close(found.scores, wanted.scores)
    assert torch.equal(found.labels, wanted.labels)
    masks = mask_util.decode(found.masks).transpose(2, 0, 1)
    np.testing.assert_array_equal(masks, wanted.masks.numpy())
    if wanted.bboxes.any():
        torch.testing.assert_close(found.bboxes, wanted.bboxes)
    for box, mask in zip(found.bboxes.tolist(), masks, strict=True):
        rows, columns = mask.nonzero()
        if not wanted.bboxes.any():
            ends = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert box == ends


def test_features_are_computed_once_and_the_segmentor_stays_as_it_is():
    net, calls = model(), []
    before = dict(vars(net.detector))
    hook = net.detector.backbone.register_forward_hook(lambda *_: calls.append(1))
    predict(net, [6])
    hook.remove()
    assert len(calls) == 6
    assert vars(net.detector) == before


# Scenes of painted instances: number, looks, and columns of a bar in each frame.
RED, BLUE = (1.0, 0.0), (0.0, 1.0)


def scene(*objects):
    """Frames (T, 3, *SIZE) of bars; an object is (number, looks, first columns)."""
    frames = torch.zeros(len(objects[0][2]), 3, *SIZE)
    for number, looks, places in objects:
        for frame, place in zip(frames, places, strict=True):
            if place is not None:
                bar = frame[:, 8:28, place : place + 12]
                bar[:] = torch.tensor([number, *looks])[:, None, None]
    return frames


def tracks(frames, order=range(1, 100), **settings):
    """The id of each painted number, frame by frame."""
    settings = dict(mask_stride=2) | settings
    net = track_by(dict(type='PaintedSegmentor', order=order), **settings)
    state, found = net.init_state(), []
    for t, frame in enumerate(frames):
        sample = clip_sample(1, 1, t, len(frames), SIZE, SIZE)
        (result,) = net.predict_clip(frame[None], sample, state)
        numbers = ((0.9 - result.scores) * 100).round().int().tolist()
        found.append(dict(zip(numbers, result.instances_id.tolist(), strict=True)))
    return found


def weights(**terms):
    return dict(match_weights=dict(embedding=0.0, mask_iou=0.0) | terms, epsilon=0.1)


def test_masks_decide_between_look_alikes():
    """Both move on by half their width: the place of one is then half the other's."""
    frames = scene((1, RED, [4, 10, 16, 22]), (2, RED, [16, 22, 28, 34]))
    assert tracks(frames) == [{1: 0, 2: 1}] * 4
    assert tracks(frames, tracker=weights(mask_iou=1.0)) == [{1: 0, 2: 1}] * 4


def test_looks_decide_where_places_are_exchanged():
    """Numbers follow the place, looks cross from one frame to the next."""
    before = scene((1, RED, [4]), (2, BLUE, [40]))
    after = scene((1, BLUE, [4]), (2, RED, [40]))
    frames = torch.cat([before, after])
    assert tracks(frames, tracker=weights(mask_iou=1.0))[1] == {1: 0, 2: 1}
    assert tracks(frames, tracker=weights(embedding=1.0))[1] == {1: 1, 2: 0}


def test_a_lost_instance_is_known_again_by_its_looks():
    frames = scene((1, RED, [4, None, 44]), (2, BLUE, [20, None, 8]))
    assert tracks(frames) == [{1: 0, 2: 1}, {}, {1: 0, 2: 1}]
    forgotten = tracks(frames, tracker=dict(num_frames_retain=1))
    assert forgotten[2] == {1: 2, 2: 3}


def test_who_looks_like_another_far_away_is_a_newcomer():
    frames = scene((1, RED, [4, 4, 4]), (2, RED, [None, 44, 44]))
    assert tracks(frames) == [{1: 0}, {1: 0, 2: 1}, {1: 0, 2: 1}]
    # The paper's answer takes all rivals for duplicates.
    assert tracks(frames, tracker=dict(conflict='drop')) == [{1: 0}] * 3


def test_masks_are_those_of_the_instances_that_are_left():
    # The second is dropped as a rival of the first; the third is not its heir.
    frames = scene((1, RED, [4, 4]), (2, RED, [None, 44]), (3, BLUE, [24, 24]))
    net = track_by(
        dict(type='PaintedSegmentor', order=range(1, 100)),
        mask_stride=2,
        tracker=dict(conflict='drop'),
    )
    after = predict_all(net, frames, SIZE)[1]
    assert after.instances_id.tolist() == [0, 1]
    columns = mask_util.decode(after.masks).any(0).argmax(0)
    assert columns.tolist() == [4, 24]


def test_the_order_of_the_segmentors_instances_changes_nothing():
    frames = scene(
        (1, RED, [4, 6, 8]), (2, BLUE, [30, 26, 22]), (13, RED, [50, None, 46])
    )
    assert tracks(frames) == tracks(frames, order=[13, 2, 1])
    assert tracks(frames)[2] == {1: 0, 2: 1, 13: 2}


def test_padding_changes_neither_masks_nor_tracks():
    frames = scene((1, RED, [4, 10, 16]), (2, BLUE, [40, 34, 28]))
    net = track_by(dict(type='PaintedSegmentor'), mask_stride=2)
    padded = torch.nn.functional.pad(frames, (0, 32, 0, 24))
    results = [predict_all(net, clip, SIZE) for clip in (frames, padded)]
    for one, other in zip(*results, strict=True):
        assert one.masks == other.masks
        assert torch.equal(one.instances_id, other.instances_id)
    level = net.extract_feat(padded[:1])
    full = net._appearance(net.extract_feat(frames[:1]), bar_grid(), (1, 1), [2])
    part = net._appearance(level, bar_grid(), (40 / 64, 64 / 96), [2])
    torch.testing.assert_close(full, part)


def bar_grid():
    grid = torch.zeros(2, 20, 32)
    grid[0, 4:14, 2:8] = grid[1, 4:14, 20:26] = 1
    return grid


def predict_all(net, frames, size):
    sample = clip_sample(len(frames), 1, 0, None, size, size)
    return net.predict_clip(frames, sample, net.init_state())


@torch.no_grad()
def test_duplicates_weak_and_unwanted_instances_are_left_out():
    frames, everything = moving_frames(1), model()
    full = predict_all(everything, frames, (96, 160))
    settings = dict(score_thr=float(full[0].scores[12]), max_per_img=8)
    net = track_by(FAMILIES['mask_rcnn'], mask_nms_thr=0.3, mask_stride=2, **settings)
    net.load_state_dict(everything.state_dict())
    (found,) = predict_all(net, frames, (96, 160))
    masks = torch.from_numpy(mask_util.decode(full[0].masks)).permute(2, 0, 1)
    # The eight best, without what a better one of them overlaps.
    overlaps = mask_ious(masks[:8].float(), masks[:8].float())
    kept = [i for i in range(8) if not (overlaps[:i, i] > 0.3).any()]
    assert 1 < len(kept) < 8
    torch.testing.assert_close(found.scores, full[0].scores[kept])

    label = int(full[0].labels[0])
    names = [f'class {number}' for number in range(5)]
    only = track_by(
        FAMILIES['mask_rcnn'], score_thr=0, classes=[names[label]], class_names=names
    )
    only.load_state_dict(everything.state_dict())
    (found,) = predict_all(only, frames, (96, 160))
    assert set(found.labels.tolist()) == {label}


def test_the_best_are_kept_in_whatever_order_they_come():
    frames = scene((1, RED, [4]), (2, BLUE, [20]), (13, RED, [44]))
    assert tracks(frames, order=[13, 2, 1], max_per_img=2) == [{1: 0, 2: 1}]


@pytest.mark.parametrize('centred', [False, True])
def test_appearance_is_that_of_all_levels(centred):
    """Means over the masks' places, level by level, each of length one."""
    painted = dict(type='PaintedSegmentor')
    net = track_by(painted, appearance_levels=(0, 2), centred=centred)
    generator = torch.Generator().manual_seed(0)
    levels = [torch.randn(1, c, 20, 32, generator=generator) + 1 for c in (3, 4, 5)]
    found = net._appearance(tuple(levels), bar_grid(), (1, 1), [2])
    for row, mask in zip(found, bar_grid().bool(), strict=True):
        parts = []
        for level in (levels[0], levels[2]):
            mean = level[0][:, mask].mean(1)
            mean = mean - level[0].mean((1, 2)) if centred else mean
            parts.append(mean / mean.norm())
        wanted = torch.cat(parts)
        torch.testing.assert_close(row, wanted / wanted.norm())


@pytest.mark.parametrize(
    ('stride', 'shape'), [(2, (20, 32)), (4, (10, 16)), (8, (5, 8))]
)
def test_masks_are_compared_at_the_stride_that_is_asked_for(stride, shape):
    net = track_by(dict(type='PaintedSegmentor'), mask_stride=stride)
    track, seen = net.tracker.track, []

    def watched(dets, *rest):
        seen.append(dets.masks.shape)
        return track(dets, *rest)

    net.tracker.track = watched
    predict_all(net, scene((1, RED, [4])), SIZE)
    assert seen == [(1, *shape)]


def test_padding_is_what_the_scaled_frame_does_not_fill():
    """mmdet's scale factor is (width, height)."""
    metainfo = dict(ori_shape=(100, 200), scale_factor=(0.5, 0.25))
    assert shares_of_frame(metainfo, (50, 128)) == (0.5, 100 / 128)
    assert shares_of_frame(metainfo, (25, 100)) == (1.0, 1.0)


def test_weights_of_a_detector_of_a_video_model_and_of_another():
    net = model()
    detector = net.detector.state_dict()
    other = track_by(FAMILIES['mask_rcnn'], seed=1)
    for state in (detector, net.state_dict() | {'track_head.weight': torch.ones(1)}):
        check_fit(other, state)
        other.load_state_dict(
            {name: tensor + 1 for name, tensor in net.state_dict().items()}
        )
        missing, _ = other.load_state_dict(dict(state), strict=False)
        assert not missing
        for name, tensor in other.detector.state_dict().items():
            assert torch.equal(tensor, detector[name])
    with pytest.raises(WeightsMismatchError, match='is missing'):
        check_fit(other, model('condinst').detector.state_dict())


def test_the_tiny_detector_is_that_of_masktrack_rcnn():
    """So that either's checkpoint says what the association is worth."""
    own, theirs = (
        build(tiny_config(f'tiny/{name}_tiny_synthvis.py').model)
        for name in ('track_by_segmentation', 'masktrack_rcnn')
    )
    check_fit(own, theirs.state_dict())
    assert own.detector.test_cfg == theirs.detector.test_cfg


def test_a_user_is_told_what_does_not_fit():
    painted = dict(type='PaintedSegmentor')
    with pytest.raises(ValueError, match=r'leave model\.tracker\.supplement out'):
        track_by(painted, tracker=dict(supplement=dict()))
    with pytest.raises(ValueError, match="no class 'dog'; those are cat"):
        track_by(painted, classes=['dog'], class_names=['cat'])
    boxes = dict(
        FAMILIES['mask_rcnn'], roi_head=dict(FAMILIES['mask_rcnn']['roi_head'])
    )
    boxes['roi_head'] |= dict(mask_head=None, mask_roi_extractor=None)
    with pytest.raises(ValueError, match='MaskRCNN predicts no masks'):
        predict(track_by(boxes), [1])
    # A panoptic segmentor has no instances at all.
    nothing = track_by(painted)
    nothing.detector.predict = lambda batch, samples, rescale: samples
    with pytest.raises(ValueError, match='PaintedSegmentor predicts no masks'):
        predict_all(nothing, scene((1, RED, [4])), SIZE)
