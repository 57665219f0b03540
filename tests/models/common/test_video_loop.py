"""Every model goes through a video alike, however its frames arrive."""

import copy
from functools import partial
from itertools import pairwise
from unittest import mock

import pycocotools.mask as mask_util
import pytest
import torch
import video_models
from mmengine.structures import InstanceData
from model_factory import (
    FRAMES,
    assert_same,
    clip_sample,
    moving_frames,
    predict,
    whole_video,
)

MODELS = {
    'masktrack_rcnn': video_models.masktrack_rcnn,
    'stmask': video_models.stmask,
    'sg_net': video_models.sg_net,
    'sg_net_embedding': partial(video_models.sg_net, 'embedding'),
    'tfan': video_models.tfan,
    'instance_flow': video_models.instance_flow,
    'instance_flow_scales': partial(video_models.instance_flow, 'scales'),
    'track_by_segmentation': video_models.track_by_segmentation,
}


@pytest.fixture(params=MODELS)
def net(request):
    return MODELS[request.param]()


def test_the_case_is_worth_comparing(net):
    ids = [set(result.instances_id.tolist()) for result in whole_video(net)]
    assert all(len(frame) >= 2 for frame in ids)
    assert all(before & after for before, after in pairwise(ids))
    assert len({m['counts'] for result in whole_video(net) for m in result.masks}) > 6


def test_chunking_changes_nothing(net):
    assert_same(whole_video(net), predict(net, [1, 2, 3]))


def test_frames_that_go_through_the_network_together(net):
    # As on a GPU; of 6 frames, 4 and 2.
    with mock.patch.object(net, 'frames_at_once', lambda frames: 4):
        assert_same(whole_video(net), predict(net, [FRAMES]))


def test_a_callers_own_state_gives_the_same(net):
    state, results = net.init_state(), []
    frames = moving_frames(FRAMES)
    for t in range(FRAMES):
        sample = clip_sample(1, 'stream', t, 10**9)
        with torch.no_grad():
            results += net.predict_clip(frames[t : t + 1], sample, state)
    assert_same(whole_video(net), results)
    assert len(net.video_states) == 0


def test_interleaved_videos_do_not_mix(net):
    videos = {1: moving_frames(4), 2: moving_frames(4, seed=5)}
    mixed = {1: [], 2: []}
    for first in (0, 2):
        for video, frames in videos.items():
            sample = clip_sample(2, video, first, 4)
            with torch.no_grad():
                net.predict(frames[None, first : first + 2], [sample])
            mixed[video] += [frame.pred_track_instances for frame in sample]
    # The first video is the beginning of the longer one.
    assert_same(whole_video(net)[:4], mixed[1])
    assert_same(predict(net, [4], frames=videos[2]), mixed[2])


def test_nothing_empty_is_reported(net):
    """Whatever a model gives of a frame, an empty mask or box does not leave it."""
    expected = whole_video(net)
    assert all(len(result) for result in expected)
    predict_frame = net.predict_frame

    def with_empty_ones(*args):
        result = predict_frame(*args)
        # The first again: without a pixel; beyond a corner, clipped; a line.
        more = result[[0, 0, 0]]
        more.instances_id = more.instances_id + 10**6
        more.masks[0] = False
        more.bboxes[1:] = more.bboxes.new_tensor([[0, 0, 0, 0], [9, 5, 9, 50]])
        return InstanceData.cat([more, result])

    with mock.patch.object(net, 'predict_frame', with_empty_ones):
        assert_same(expected, predict(net, [FRAMES]))
    for result in expected:
        assert (result.bboxes[:, 2:] > result.bboxes[:, :2]).all()
        assert all(mask_util.area(mask) for mask in result.masks)


def test_a_video_of_one_frame(net):
    (result,) = predict(net, [1], frames=moving_frames(1))
    ids = result.instances_id.tolist()
    assert len(set(ids)) == len(ids) == len(result.masks) == len(result.bboxes) > 1


def blind(net):
    """A copy that finds nothing."""
    net = copy.deepcopy(net)
    if hasattr(net, 'semantic_head'):
        # All is background.
        net.semantic_head.predictors[-1][1].bias.data[-1] = 100.0
    elif hasattr(net, 'bbox_head'):
        net.bbox_head.test_cfg.score_thr = 1.1
    elif hasattr(net, 'score_thr'):
        net.score_thr = 1.1
    else:
        net.detector.roi_head.test_cfg.score_thr = 1.1
    return net


def test_nothing_found_at_first_or_ever(net):
    nothing, frames, state = blind(net), moving_frames(3), net.init_state()
    for result in predict(nothing, [1, 2], frames=frames):
        assert len(result.instances_id) == len(result.masks) == len(result.bboxes) == 0
        assert result.instances_id.dtype == torch.int64
    with torch.no_grad():
        nothing.predict_clip(frames[:1], clip_sample(1, 9, 0, 3), state)
        after = net.predict_clip(frames[1:], clip_sample(2, 9, 1, 3), state)
    assert set(after[0].instances_id.tolist()) & set(after[1].instances_id.tolist())
