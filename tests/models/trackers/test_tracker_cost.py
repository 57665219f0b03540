"""What a frame costs the tracker: rows that it keeps, and times that the host waits."""

import pretended_device
import pytest
import torch
from host_work import HostWork
from mmengine.structures import InstanceData
from pretended_device import DEVICE
from random_detections import draw

from mmvis.models.sg_net.centerness_tracker import CenternessTracker
from mmvis.models.trackers.embedding_mask_iou_tracker import (
    ON_HOST,
    EmbeddingMaskIoUTracker,
)


def test_living_tracks_and_their_rows_do_not_grow_with_the_video():
    tracker = EmbeddingMaskIoUTracker(
        num_frames_retain=5, epsilon=9.0, supplement=dict()
    )
    memory, generator = tracker.init_memory(), torch.Generator().manual_seed(0)
    counts = []
    for frame_id in range(60):
        # Nothing is ever matched: the most tracks there can be.
        tracker.track(draw(2, generator), memory, frame_id)
        counts.append(len(memory))
        assert {len(v) for v in memory.fields.values()} == {counts[-1]}
    assert max(counts) == counts[20] == 2 * 5
    assert memory.next_id == 120
    # Nor does a row hold on to what it was taken from.
    assert memory['masks'].untyped_storage().nbytes() == 10 * 4 * 5 * 4


def test_tracks_by_centres_do_not_grow_with_the_video():
    tracker = CenternessTracker(num_frames_retain=5, radius=1e-9)
    memory, generator = tracker.init_memory(), torch.Generator().manual_seed(0)
    counts = []
    for frame_id in range(60):
        # Nothing is ever matched: the most tracks there can be.
        tracker.track(draw_moving(2, generator), memory, frame_id)
        counts.append(len(memory))
    assert max(counts) == counts[20] == counts[-1] == 2 * 6
    assert memory.next_id == 120
    assert {len(v) for v in memory.fields.values()} == {12}
    # Nor does a row hold on to what it was taken from.
    assert memory['centers'].untyped_storage().nbytes() == 12 * 2 * 4


def draw_moving(n: int, generator: torch.Generator) -> InstanceData:
    """Detections with centres and movements."""
    dets = draw(n, generator)
    dets.centers = (dets.bboxes[:, :2] + dets.bboxes[:, 2:]) / 2
    dets.movements = torch.randn(n, 2, generator=generator)
    return dets


@pytest.mark.parametrize('conflict', ['drop', 'new_id', 'drop_duplicates', 'optimal'])
@pytest.mark.parametrize(('on_host', 'reads'), [(ON_HOST, 1), ((), 2)])
def test_the_host_reads_the_device_once_a_frame(conflict, on_host, reads, monkeypatch):
    """And a second time for numbers that the caller did not bring."""
    tracker = EmbeddingMaskIoUTracker(
        conflict=conflict, supplement=dict(), min_score=0.1, min_mask_area=1
    )
    memory, generator = tracker.init_memory(), torch.Generator().manual_seed(0)
    expected, there = tracker.init_memory(), torch.Generator().manual_seed(0)
    with pretended_device.pretended_device(monkeypatch):
        for frame_id, n in enumerate([3, 4, 0, 5]):
            frame = draw(n, generator)
            for name in set(frame.keys()) - set(on_host):
                frame.set_field(frame[name].to(DEVICE), name)
            work = HostWork(uploads_wait=False)
            pretended_device.WATCHERS.append(work.see)
            tracked = tracker.track(frame, memory, frame_id)
            pretended_device.WATCHERS.clear()
            assert work.waits.total() == reads, work.waits
            assert {v.device for v in memory.fields.values()} == {
                DEVICE,
                torch.device('cpu'),
            }
            plain = tracker.track(draw(n, there), expected, frame_id)
            assert tracked.scores.device == frame.scores.device
            assert tracked.instances_id.tolist() == plain.instances_id.tolist()
            torch.testing.assert_close(tracked.masks.cpu(), plain.masks)


class _OnDevice(torch.Tensor):
    """Its values, and those of what is made of it, are read by ``cpu`` alone."""

    reads = 0

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        name = getattr(func, '__name__', '')
        waits = ('tolist', 'item', 'numpy', '__bool__', '__int__', '__float__')
        assert name not in (*waits, 'nonzero', 'masked_select', 'unique'), name
        result = super().__torch_function__(func, types, args, kwargs or {})
        if func is torch.Tensor.cpu:
            _OnDevice.reads += 1
            return result.as_subclass(torch.Tensor)
        return result


def test_centres_are_copied_to_the_host_once_a_frame():
    tracker = CenternessTracker(match_label=True)
    memory, generator = tracker.init_memory(), torch.Generator().manual_seed(0)
    for frame_id, n in enumerate([3, 4, 0, 5]):
        frame = draw_moving(n, generator)
        for name, value in frame.items():
            frame[name] = value.as_subclass(_OnDevice)
        _OnDevice.reads = 0
        tracker.track(frame, memory, frame_id)
        assert _OnDevice.reads == 1
        for value in memory.fields.values():
            assert not isinstance(value, _OnDevice)
