"""Every model goes through a video alike, however its frames arrive."""

from functools import cache, partial

import pycocotools.mask as mask_util
import pytest
import test_instance_flow_model
import test_masktrack_rcnn
import test_sg_net
import test_stmask
import test_tfan
import test_track_by_segmentation
import torch
from mmengine.structures import InstanceData
from model_factory import FRAMES, assert_same, clip_sample, moving_frames, predict

# Their models, made to detect something with random weights.
MODELS = {
    'instance_flow': test_instance_flow_model.model,
    'masktrack_rcnn': test_masktrack_rcnn.model,
    'stmask': test_stmask.model,
    'tfan': test_tfan.model,
    'track_by_segmentation': test_track_by_segmentation.model,
} | {
    f'sg_net_{case}': partial(test_sg_net.model, **settings)
    for case, settings in test_sg_net.CASES.items()
}


@pytest.fixture(params=MODELS)
def net(request):
    return MODELS[request.param]()


@cache
def whole_video(net):
    """What all the other ways have to give."""
    return predict(net, [FRAMES])


@pytest.mark.parametrize('chunks', [[1] * 6, [2, 4], [5, 1]])
def test_chunking_changes_nothing(net, chunks):
    assert_same(whole_video(net), predict(net, chunks))


def test_frames_that_go_through_the_network_together(net, monkeypatch):
    expected = whole_video(net)
    # As on a GPU; of 6 frames, 4 and 2.
    monkeypatch.setattr(net, 'frames_at_once', lambda frames: 4)
    assert_same(expected, predict(net, [FRAMES]))


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
    for video, frames in videos.items():
        assert_same(predict(net, [2, 2], frames=frames), mixed[video])


def test_nothing_empty_is_reported(net, monkeypatch):
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

    monkeypatch.setattr(net, 'predict_frame', with_empty_ones)
    assert_same(expected, predict(net, [FRAMES]))
    for result in expected:
        assert (result.bboxes[:, 2:] > result.bboxes[:, :2]).all()
        assert all(mask_util.area(mask) for mask in result.masks)
