"""A model's detections get MaskTracker's ids, in the model's terms."""

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from model_factory import tiny_config

from mmvis.models.sg_net.sg_net import SGNet, SGNetState
from mmvis.models.stmask.video_state import STMaskState
from mmvis.models.trackers import SpaceTracker
from mmvis.registry import MODELS
from mmvis.tracking import MaskTracker

SIZE = (40, 80)


def frame(t: int, seed: int = 0) -> InstanceData:
    """Three squares that move; the middle one is missing now and then."""
    rng = np.random.RandomState(100 * seed + t)
    masks = torch.zeros(3, *SIZE)
    for row, (x, y) in enumerate(((5 + 3 * t, 3), (60 - 3 * t, 15), (30, 28))):
        masks[row, y : y + 9, x : x + 9] = 0.9
    kept = [0, 2] if rng.rand() < 0.3 else [0, 1, 2]
    return InstanceData(
        bboxes=torch.tensor([[0.0, 0, 9, 9]] * 3)[kept],
        scores=torch.tensor([0.9, 0.8, 0.7])[kept],
        labels=torch.tensor([0, 0, 1])[kept],
        masks=masks[kept],
        embeddings=torch.eye(3)[kept],
        index=torch.arange(len(kept)),
    )


def test_ids_are_those_of_a_mask_tracker():
    tracker = MODELS.build(dict(type='SpaceTracker', gate=0.8))
    memory, plain = tracker.init_memory(), MaskTracker(gate=0.8)
    for t in range(12):
        dets = frame(t)
        found = tracker.track(dets, memory, t)
        wanted = plain.update(
            dets.masks > 0.5, dets.scores, dets.labels, looks=dets.embeddings
        )
        assert found.instances_id.tolist() == wanted.tolist()
        assert set(found.keys()) == {*dets.keys(), 'instances_id'}


def test_frames_that_were_left_out_and_detections_that_are_not_finite():
    tracker = SpaceTracker(retain=10)
    memory = tracker.init_memory()
    tracker.track(frame(0), memory, 0)
    dets = frame(0)
    dets.embeddings[0, 0] = torch.nan
    found = tracker.track(dets, memory, 4)
    assert found.index.tolist() == [1, 2] and found.instances_id.tolist() == [1, 2]
    found = tracker.track(frame(0)[:0], memory, 5)
    assert len(found.instances_id) == 0
    assert tracker.track(frame(0), memory, 40).instances_id.tolist() == [3, 4, 5]


def test_a_mask_that_covers_half_a_cell_is_somewhere():
    dets = frame(0)
    dets.masks[0] *= 0.4
    tracker = SpaceTracker()
    memory = tracker.init_memory()
    for t in range(2):
        assert tracker.track(dets, memory, t).instances_id.tolist() == [0, 1, 2]


def test_settings_are_checked_when_the_model_is_built():
    with pytest.raises(ValueError, match='epsilon is no setting'):
        MODELS.build(dict(type='SpaceTracker', epsilon=1.0))


def test_frames_that_become_larger_and_wider():
    plain, tracker = MaskTracker(), MaskTracker()
    for t in range(12):
        masks = (frame(t, seed=1).masks > 0.5).numpy()
        wanted = plain.update(masks)
        if t == 6:
            tracker.rescale(3, 2)
        if t >= 6:
            masks = masks.repeat(2, 1).repeat(3, 2)
        assert tracker.update(masks).tolist() == wanted.tolist()
    assert plain.num_tracks == 3


@pytest.mark.parametrize('model', ['STMask', 'SGNet'])
def test_models_bring_tracks_to_frames_of_another_size(model):
    state = STMaskState if model == 'STMask' else SGNetState
    tracker = SpaceTracker()
    state = state(tracker.init_memory(), img_shape=(40, 80))
    tracker.track(frame(0), state.memory, 0)
    before = state.memory._tracks.boxes.copy()
    if model == 'STMask':
        state.rescale((20, 80))
    else:
        SGNet._change_size(state, (20, 80))
    np.testing.assert_allclose(state.memory._tracks.boxes, before * [1, 0.5, 1, 0.5])


def test_temporal_fusion_needs_a_tracker_that_takes_what_is_carried_on():
    init_default_scope('mmvis')
    cfg = tiny_config('tiny/stmask_tiny_synthvis.py').model
    cfg.tracker = dict(type='SpaceTracker')
    with pytest.raises(ValueError, match=r'SpaceTracker has no use .*_fusion=False'):
        MODELS.build(cfg)
