"""What is empty does not leave a model, where a chunk's frames go through at once.

A box beyond the frame, an all-zero mask and a box without width are put in, as early as
each model has them beside others.
"""

import copy
from collections.abc import Iterator

import pytest
import torch
import video_models
from mmengine.structures import InstanceData
from model_factory import FRAMES, assert_same, predict, whole_video

from mmvis.models.instance_flow import masks
from mmvis.models.sg_net import sg_net
from mmvis.models.stmask import stmask

BEYOND, CORNER, LINE = [-40.0, -40, -10, -10], [0.0, 0, 0, 0], [9.0, 5, 9, 50]
MODELS = {
    'masktrack_rcnn': video_models.masktrack_rcnn,
    'stmask': video_models.stmask,
    'sg_net': video_models.sg_net,
    'tfan': video_models.tfan,
    'tfan_alone': lambda: video_models.tfan(augmentation=None),
    'instance_flow': video_models.instance_flow,
    'track_by_segmentation': video_models.track_by_segmentation,
}


def model(name):
    net = copy.deepcopy(MODELS[name]())
    net.frames_at_once = len
    return net


def with_empty_ones(result: InstanceData, boxes: list, no_mask: bool) -> InstanceData:
    """With the first again, of other boxes or without a mask, behind it."""
    more = result[[0] * (len(boxes) + no_mask)]
    more.instances_id = torch.arange(len(more), device=result.bboxes.device) + 10**6
    more.bboxes = more.bboxes.clone()
    more.bboxes[: len(boxes)] = more.bboxes.new_tensor(boxes)
    if no_mask:
        more.masks[-1] = 0
    return InstanceData.cat([result[:1], more, result[1:]])


@pytest.mark.parametrize('name', MODELS)
def test_of_what_frames_give(name):
    """Boxes are those of the frame here: clipped."""
    net = model(name)
    predict_frames, calls = net.predict_frames, []

    def patched(feats, metainfos, state) -> Iterator[InstanceData]:
        calls.append(len(metainfos))
        for result in predict_frames(feats, metainfos, state):
            yield with_empty_ones(result, [CORNER, LINE], no_mask=True)

    net.predict_frames = patched
    assert_same(whole_video(MODELS[name]()), predict(net, [FRAMES]))
    assert calls == [FRAMES]


@pytest.mark.parametrize(
    ('name', 'beyond'),
    [
        # Detectors of two stages clip what they find, before it is tracked.
        ('masktrack_rcnn', CORNER),
        ('tfan', CORNER),
        ('stmask', BEYOND),
        ('sg_net', BEYOND),
    ],
)
@pytest.mark.parametrize('chunk', [1, FRAMES])
def test_of_boxes_that_the_tracker_gives(name, beyond, chunk):
    """In pixels of the input; masks, where a model makes them of boxes, come later."""
    net = model(name)
    track, calls = net.tracker.track, []

    def patched(*args) -> InstanceData:
        calls.append(args)
        return with_empty_ones(track(*args), [beyond, LINE], no_mask=False)

    net.tracker.track = patched
    chunks = [chunk] * (FRAMES // chunk)
    assert_same(whole_video(MODELS[name]()), predict(net, chunks))
    assert len(calls) == FRAMES


@pytest.mark.parametrize(('name', 'module'), [('stmask', stmask), ('sg_net', sg_net)])
def test_of_soft_masks_of_the_input(name, module, monkeypatch):
    enlarge, calls = module.to_original_sizes, []

    def patched(tracked, *args) -> Iterator[InstanceData]:
        calls.append(args)
        given = (with_empty_ones(t, [BEYOND, LINE], no_mask=True) for t in tracked)
        yield from enlarge(given, *args)

    monkeypatch.setattr(module, 'to_original_sizes', patched)
    assert_same(whole_video(MODELS[name]()), predict(model(name), [FRAMES]))
    assert len(calls) == 1


def test_of_instances_of_instance_flow_that_lose_all_pixels(monkeypatch):
    """The first of each frame; boxes are those of masks, so none is empty otherwise."""
    make = masks.soft_masks

    def patched(instances, probability, frames) -> torch.Tensor:
        soft = make(instances, probability, frames)
        first, stop, _ = frames.indices(len(instances.counts))
        for row in instances.starts[first:stop]:
            soft[row - instances.starts[first]] = 0
        return soft

    wanted = [result[1:] for result in whole_video(MODELS['instance_flow']())]
    monkeypatch.setattr(masks, 'soft_masks', patched)
    assert_same(wanted, predict(model('instance_flow'), [FRAMES]))
