"""The tracker with the release's settings against the released code's numbers.

The fixtures hold detections and propagated tracks of two videos, frame by frame, with
the match scores, the memory and the output. Of masks they hold areas and IoUs, so that
masks of these areas are made up here and the IoUs are put in the place of theirs.
"""

import numpy as np
import pytest
import torch
from fixtures.stmask_fixtures import NUM_STEPS, load_step
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.trackers import match_score, shapes
from mmvis.models.trackers.embedding_mask_iou_tracker import EmbeddingMaskIoUTracker
from mmvis.models.trackers.match_score import compare_masks

SCALE = torch.tensor([320.0, 192.0, 320.0, 192.0])
RELEASE = dict(
    match_weights=dict(embedding=1.0, mask_iou=1.0, bbox_iou=2.0),
    similarity='half_cosine',
    epsilon=1.4,
    conflict='drop',
    winner='score',
    num_frames_retain=None,
    supplement=dict(num_frames=10, score_decay=0.95, min_mask_area=2, min_score=0.05),
    min_score=0.05,
    min_mask_area=2,
)


def masks_of(areas: np.ndarray) -> Tensor:
    """(n, 48, 80) bool masks with so many elements on."""
    on = torch.arange(48 * 80)[None] < torch.from_numpy(areas)[:, None]
    return on.reshape(-1, 48, 80)


def detections(step: dict[str, np.ndarray]) -> InstanceData:
    """The detections after NMS; mask areas are known of those that enter the memory."""
    boxes = step['nms_box']
    fresh = np.flatnonzero(step['mem_tracked_mask'] == 0)
    same = (boxes[:, None] == step['mem_box'][fresh][None]).all(2)
    areas = (same * step['mem_mask_area'][fresh]).sum(1).astype(np.int64)
    # The blank frame has no embeddings of its no detections.
    embeddings = step.get('nms_track', np.zeros((0, 128), np.float32))
    return InstanceData(
        bboxes=torch.from_numpy(boxes) * SCALE,
        scores=torch.from_numpy(step['nms_score']),
        labels=torch.from_numpy(step['nms_class'].astype(np.int64)),
        embeddings=torch.from_numpy(embeddings),
        coefficients=torch.from_numpy(step['nms_mask_coeff']),
        masks=masks_of(areas),
    )


@pytest.mark.parametrize('branch', ['ada', 'ali'])
def test_equals_the_released_tracker(branch, monkeypatch):
    tracker = EmbeddingMaskIoUTracker(**RELEASE)
    memory = None
    for s in range(NUM_STEPS):
        step = load_step(f'online_r50_{branch}', s)
        dets = detections(step)
        if s in (0, 6):
            memory, first = tracker.init_memory(), s
        frame_id = s - first
        # Without tracks or detections there are none to be stored.
        none = np.zeros((len(dets), len(memory)), np.float32)
        ious = torch.from_numpy(step.get('match_mask_iou', none))
        monkeypatch.setattr(match_score, 'mask_ious', lambda *_, ious=ious: ious)
        monkeypatch.setattr(
            shapes,
            'compare_masks',
            lambda *masks, ious=ious: (ious, *compare_masks(*masks)[1:]),
        )
        if frame_id > 0:
            propagate_and_compare_scores(tracker, memory, dets, step, frame_id)
        result = tracker.track(dets, memory, frame_id)
        compare_memory(memory, step, frame_id)
        compare_output(result, step)


def propagate_and_compare_scores(tracker, memory, dets, step, frame_id):
    boxes = torch.from_numpy(step['shift_box']) * SCALE
    tracker.propagate(memory, bboxes=boxes, masks=masks_of(step['shift_area']))
    decayed = memory['scores'] * 0.95 ** (frame_id - memory.last_seen)
    torch.testing.assert_close(decayed, torch.from_numpy(step['shift_score']))
    if len(dets):
        scores = match_score.match_scores(
            dets, memory.fields, tracker.match_weights, 'half_cosine', 1.4
        )
        wanted = torch.from_numpy(step['match_comp'])
        torch.testing.assert_close(scores, wanted, atol=2e-5, rtol=1e-5)


def compare_memory(memory, step, frame_id):
    assert memory.ids.tolist() == list(range(len(step['mem_box'])))
    age = frame_id - memory.last_seen
    assert age.tolist() == step['mem_tracked_mask'].tolist()
    boxes = torch.from_numpy(step['mem_box']) * SCALE
    assert torch.equal(memory['bboxes'], boxes)
    decayed = memory['scores'] * 0.95**age
    torch.testing.assert_close(decayed, torch.from_numpy(step['mem_score']))


def compare_output(result, step):
    """The release's order is by id, ours has the supplemented tracks last."""
    result = result[result.instances_id.argsort()]
    assert result.instances_id.tolist() == step['out_box_ids'].tolist()
    assert result.labels.tolist() == step['out_class'].tolist()
    assert result.masks.sum((1, 2)).tolist() == step['out_mask_area'].tolist()
    boxes = torch.from_numpy(step['out_box']) * SCALE
    assert torch.equal(result.bboxes, boxes)
    torch.testing.assert_close(result.scores, torch.from_numpy(step['out_score']))
