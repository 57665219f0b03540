"""Five hundred detections a frame: each tracker follows them all, by as many calls.

Times are noise, calls of functions are not: on torch they do not depend on the number
of instances, in numpy some are made for each, and none for each pair.
"""

import sys

import pytest
import torch
from mmengine.structures import InstanceData
from torch.utils._python_dispatch import TorchDispatchMode

from mmvis.deploy.stmask import tracker_settings
from mmvis.models.instance_flow import InstanceFlowTracker
from mmvis.models.masktrack_rcnn.tracker import MaskTrackRCNNTracker
from mmvis.models.sg_net.centerness_tracker import CenternessTracker
from mmvis.models.trackers.embedding_mask_iou_tracker import EmbeddingMaskIoUTracker
from mmvis.models.trackers.space_tracker import SpaceTracker
from mmvis.runtime.embedding_tracker import EmbeddingTracker

CELL, COLUMNS = 4, 25


def crowd(n: int) -> InstanceData:
    """Squares on a grid, n of them, each with a look of its own."""
    generator = torch.Generator().manual_seed(0)
    row = torch.arange(n)
    corner = torch.stack([row % COLUMNS, row // COLUMNS], 1).float() * CELL
    boxes = torch.cat([corner + 1, corner + 3], 1)
    y, x = torch.arange(20 * CELL)[:, None], torch.arange(COLUMNS * CELL)
    left, top, right, bottom = boxes.T[..., None, None]
    masks = (x >= left) & (x < right) & (y >= top) & (y < bottom)
    return InstanceData(
        bboxes=boxes,
        scores=torch.linspace(0.9, 0.5, n),
        labels=row % 8,
        embeddings=torch.nn.functional.normalize(
            torch.randn(n, 64, generator=generator)
        ),
        masks=masks.float(),
        coefficients=torch.randn(n, 8, generator=generator),
        centers=corner + 2,
        movements=torch.zeros(n, 2),
        center_scores=torch.linspace(0.9, 0.5, n),
        class_scores=torch.nn.functional.one_hot(row % 8, 8).float(),
    )


def by_detections(tracker):
    return tracker.init_memory(), tracker.track


def by_flow():
    """Distances are those of the centres: nothing moves."""
    tracker = InstanceFlowTracker(epsilon=2.0)

    def track(dets, memory, frame_id):
        distances = [
            torch.cdist(dets.centers, reference.centers)
            for reference in memory.references
        ]
        return tracker.track(dets, distances, memory, frame_id)

    return tracker.init_memory(), track


def without_torch():
    tracker = EmbeddingTracker(tracker_settings(EmbeddingMaskIoUTracker(supplement={})))
    names = ('bboxes', 'scores', 'labels', 'embeddings', 'masks', 'coefficients')

    def track(dets, memory, frame_id):
        found = tracker.track({n: dets[n].numpy() for n in names}, memory, frame_id)
        return InstanceData(
            instances_id=torch.from_numpy(found['ids']),
            bboxes=torch.from_numpy(found['bboxes']),
        )

    return tracker.init_memory(), track


TRACKERS = {
    **{
        f'embeddings, {conflict}': lambda c=conflict: by_detections(
            EmbeddingMaskIoUTracker(conflict=c, supplement={})
        )
        for conflict in ('drop', 'drop_duplicates', 'optimal')
    },
    'embeddings, without torch': without_torch,
    'MaskTrack R-CNN': lambda: by_detections(MaskTrackRCNNTracker()),
    'centres': lambda: by_detections(CenternessTracker(radius=2.0)),
    'flow': by_flow,
    'space': lambda: by_detections(SpaceTracker()),
}


class Operators(TorchDispatchMode):
    """Makes a call of each operator: an index in brackets is none by itself."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


# Calls that one more instance may make.
EACH = {'embeddings, without torch': 1, 'space': 8}


def run(name: str, n: int) -> int:
    """Follow n squares, which come in another order the second time; its calls."""
    memory, track = TRACKERS[name]()
    dets, calls = crowd(n), 0
    ids = track(dets, memory, 0).instances_id
    assert len(ids.unique()) == n
    order = torch.randperm(n, generator=torch.Generator().manual_seed(1))
    shuffled = dets[order]

    def count(frame, event, argument):
        nonlocal calls
        calls += event in ('call', 'c_call')

    with Operators():
        sys.setprofile(count)
        try:
            found = track(shuffled, memory, 1)
        finally:
            sys.setprofile(None)
    # In whichever order they come back, each has the id that it had.
    boxes = found.bboxes if 'bboxes' in found else shuffled.bboxes
    place = (boxes[:, 1] // CELL * COLUMNS + boxes[:, 0] // CELL).long()
    assert place.sort().values.tolist() == list(range(n))
    assert found.instances_id.tolist() == ids[place].tolist()
    return calls


@pytest.mark.parametrize('name', TRACKERS)
def test_every_one_keeps_its_id(name):
    run(name, 20)  # what is imported or made once
    few, many = run(name, 100), run(name, 500)
    assert many - few <= 400 * EACH.get(name, 0), (few, many)
