"""Masks of a chunk compared at once give the ids that frames give one by one."""

import pretended_device
import pytest
import torch
from host_work import HostWork
from mmengine.structures import InstanceData
from pretended_device import DEVICE
from random_detections import draw

from mmvis.models.trackers.embedding_mask_iou_tracker import EmbeddingMaskIoUTracker
from mmvis.models.trackers.space_tracker import SpaceTracker
from mmvis.models.trackers.track_frames import track_frames

COUNTS = [3, 4, 0, 5, 2, 1, 4, 3, 2]
TRACKERS = {
    'drop': dict(),
    'supplement': dict(supplement=dict(min_score=0.0), min_mask_area=9),
    'new_id': dict(conflict='new_id', match_weights=dict(bbox_iou=1.0)),
    'duplicates': dict(conflict='drop_duplicates', embedding_momentum=0.5),
    'forgets': dict(num_frames_retain=1, supplement=dict()),
    'space': None,
}


def made(name):
    settings = TRACKERS[name]
    if settings is None:
        return SpaceTracker(gate=2.0)
    return EmbeddingMaskIoUTracker(**dict(epsilon=0.2) | settings)


def frames():
    generator = torch.Generator().manual_seed(0)
    found = [draw(count, generator) for count in COUNTS]
    # Most go on from the first frame, so that there is something to decide.
    for frame in found[1:]:
        for name in ('masks', 'embeddings', 'bboxes'):
            common = min(len(frame), len(found[0]))
            noise = 0.05 * torch.randn(found[0][name].shape, generator=generator)
            frame[name][:common] = (found[0][name] + noise)[:common]
    found[4].scores[0] = torch.nan
    return found


def in_chunks(tracker, found, chunks):
    """What is tracked, in chunks of so many frames; and the memory afterwards."""
    memory, results, first = tracker.init_memory(), [], 0
    for size in chunks:
        part = found[first : first + size]
        dets = InstanceData.cat(part)
        metainfos = [dict(frame_id=first + t) for t in range(size)]
        counts = [len(frame) for frame in part]
        results += track_frames(tracker, dets, counts, memory, metainfos)
        first += size
    return results, memory


@pytest.mark.parametrize('name', TRACKERS)
@pytest.mark.parametrize('chunks', [[9], [2, 1, 5, 1]])
def test_chunks_change_nothing(name, chunks):
    wanted, before = in_chunks(made(name), frames(), [1] * len(COUNTS))
    results, memory = in_chunks(made(name), frames(), chunks)
    ids = {i for frame in wanted for i in frame.instances_id.tolist()}
    assert len(ids) < sum(map(len, wanted))
    for one, other in zip(wanted, results, strict=True):
        assert set(one.keys()) == set(other.keys())
        for field, values in one.items():
            assert torch.equal(values, other[field]), field
    if name != 'space':
        assert memory.ids.tolist() == before.ids.tolist()
        assert memory.fields.keys() == before.fields.keys()
        for field, values in before.fields.items():
            assert torch.equal(values, memory[field]), field


@pytest.mark.parametrize('name', TRACKERS)
def test_the_host_reads_the_device_once_a_chunk(name, monkeypatch):
    wanted, _ = in_chunks(made(name), frames(), [4, 1, 4])
    work = HostWork(uploads_wait=False)
    with pretended_device.pretended_device(monkeypatch):
        away = [frame.to(DEVICE) for frame in frames()]
        pretended_device.WATCHERS.append(work.see)
        results, memory = in_chunks(made(name), away, [4])
        pretended_device.WATCHERS.clear()
        assert work.waits.total() == (2 if name == 'space' else 1), work.waits
        # A frame alone, and a chunk again, find what they need where they look for it.
        results, memory = in_chunks(made(name), away, [4, 1, 4])
        results = [frame.cpu() for frame in results]
        if name != 'space':
            assert memory['masks'].device == DEVICE
    for one, other in zip(wanted, results, strict=True):
        assert one.instances_id.tolist() == other.instances_id.tolist()
        assert torch.equal(one.masks, other.masks)


def test_masks_of_another_size_than_before_have_no_overlap():
    tracker = EmbeddingMaskIoUTracker(
        match_weights=dict(embedding=0.0, mask_iou=1.0), epsilon=0.5
    )
    generator = torch.Generator().manual_seed(1)
    dets = draw(3, generator)
    memory = tracker.init_memory()
    tracker.track(dets, memory, 0)
    large = dets.clone()
    large.masks = dets.masks.repeat_interleave(2, 1)
    pair = InstanceData.cat([large, large])
    metainfos = [dict(frame_id=1), dict(frame_id=2)]
    first, second = track_frames(tracker, pair, [3, 3], memory, metainfos)
    assert first.instances_id.tolist() == second.instances_id.tolist() == [3, 4, 5]


def test_what_fails_leaves_a_memory_that_goes_on(monkeypatch):
    tracker, found = made('drop'), frames()
    memory = tracker.init_memory()
    tracker.track(found[0], memory, 0)
    pair = InstanceData.cat(found[:2])
    running = track_frames(
        tracker, pair, [3, 4], memory, [dict(frame_id=1), dict(frame_id=2)]
    )
    next(running)
    running.close()
    assert tracker.track(found[0], memory, 2).instances_id.tolist() == [0, 1, 2]
