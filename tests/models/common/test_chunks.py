"""A chunk that goes through a model at once gives what its frames give one by one.

So it goes on a GPU; here the CPU is told to do the same.
"""

import copy

import pretended_device
import pytest
import torch
import video_models
from card_path import take_card_path
from model_factory import (
    FRAMES,
    assert_same,
    clip_sample,
    moving_frames,
    predict,
    whole_video,
)
from pretended_device import DEVICE

# Height and width of two frames each: as the network sees them, and the original's.
SIZES = [((96, 160), (192, 320)), ((96, 160), (144, 240)), ((80, 144), (160, 288))]
MODELS = {
    'masktrack_rcnn': video_models.masktrack_rcnn,
    'stmask': video_models.stmask,
    'stmask_space': lambda: video_models.stmask(tracker='SpaceTracker'),
    'sg_net': video_models.sg_net,
    'sg_net_embedding': lambda: video_models.sg_net('embedding'),
    'tfan': video_models.tfan,
    'tfan_fc': video_models.tfan_fc,
    'tfan_alone': lambda: video_models.tfan(augmentation=None),
    'instance_flow': video_models.instance_flow,
    'instance_flow_scales': lambda: video_models.instance_flow('scales'),
    'track_by_segmentation': video_models.track_by_segmentation,
}


@pytest.fixture
def whole_chunks(monkeypatch):
    """Returns a copy of a model whose chunks go through at once."""

    def change(net):
        net = copy.deepcopy(net)
        net.frames_at_once = len
        take_card_path(monkeypatch)
        return net

    return change


@torch.no_grad()
@pytest.mark.parametrize('name', MODELS)
def test_frames_at_once(name, whole_chunks):
    one_by_one = whole_video(MODELS[name]())
    net = whole_chunks(MODELS[name]())
    assert sum(map(len, one_by_one)) > FRAMES
    assert_same(one_by_one, predict(net, [1, 3, 2]))


@torch.no_grad()
@pytest.mark.parametrize('name', MODELS)
def test_channels_side_by_side(name):
    """Only an order in memory, of which mmcv's RoIAlign knows nothing."""
    net = copy.deepcopy(MODELS[name]()).to(memory_format=torch.channels_last)
    assert_same(whole_video(MODELS[name]()), predict(net, [FRAMES]))


@torch.no_grad()
@pytest.mark.parametrize('name', MODELS)
def test_frames_of_several_sizes(name, whole_chunks):
    """The first two pairs differ in the size of their originals alone."""
    net = MODELS[name]()
    clip, sample = moving_frames(FRAMES), clip_sample(FRAMES)
    sizes = [size for size in SIZES for _ in range(2)]
    for frame, image, (img_shape, ori_shape) in zip(sample, clip, sizes, strict=True):
        image[:, img_shape[0] :] = 0
        image[:, :, img_shape[1] :] = 0
        factors = [i / o for i, o in zip(img_shape, ori_shape, strict=True)]
        frame.set_metainfo(
            dict(img_shape=img_shape, ori_shape=ori_shape, scale_factor=factors[::-1])
        )
    one_by_one = net.predict_clip(clip, copy.deepcopy(sample), net.init_state())
    net = whole_chunks(net)
    at_once = net.predict_clip(clip, copy.deepcopy(sample), net.init_state())
    assert sum(map(len, one_by_one)) > FRAMES
    for result, (_, ori_shape) in zip(at_once, sizes, strict=True):
        assert all(mask['size'] == list(ori_shape) for mask in result.masks)
    assert_same(one_by_one, at_once)


@torch.no_grad()
@pytest.mark.parametrize('name', MODELS)
def test_one_of_several_frames_has_another_size(name, monkeypatch):
    """Numbers of a frame alone stay on the device, those of several do not."""
    net = copy.deepcopy(MODELS[name]())
    clip, sample = moving_frames(3), clip_sample(3)
    last = sample[2]
    height, width = last.ori_shape
    last.set_metainfo(dict(ori_shape=(height * 2, width * 2)))
    last.set_metainfo(dict(scale_factor=[f / 2 for f in last.scale_factor]))
    one_by_one = net.predict_clip(clip, copy.deepcopy(sample), net.init_state())
    net.frames_at_once = len
    with pretended_device.pretended_device(monkeypatch):
        pretended_device.move(net)
        found = net.predict_clip(clip.to(DEVICE), sample, net.init_state())
    assert_same(one_by_one, found)


@torch.no_grad()
@pytest.mark.parametrize(
    'name', ['masktrack_rcnn', 'tfan', 'tfan_fc', 'track_by_segmentation']
)
def test_frames_that_are_no_numbers_spoil_no_other(name, monkeypatch):
    """On a device; mmdet's RoI extractor on a CPU looks at whole feature maps."""
    net = copy.deepcopy(MODELS[name]())
    wanted, frames = whole_video(MODELS[name]()), moving_frames(FRAMES)
    frames[3] = torch.nan
    net.frames_at_once = len
    with pretended_device.pretended_device(monkeypatch):
        pretended_device.move(net)
        found = predict(net, [FRAMES], video_id=2, frames=frames.to(DEVICE))
    assert sum(map(len, wanted[:3])) > 3
    assert_same(wanted[:3], found[:3])
    assert len(found[3]) == 0
    assert all(len(result) for result in found[4:])
    frames[:] = torch.nan
    with pretended_device.pretended_device(monkeypatch):
        found = predict(net, [FRAMES], video_id=3, frames=frames.to(DEVICE))
    assert sum(map(len, found)) == 0
