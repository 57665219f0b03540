"""What the tracker forgets is what could neither be matched nor reported any more."""

import pytest
import torch
from plain_tracker import plain_track
from random_detections import draw

from mmvis.models.trackers.embedding_mask_iou_tracker import EmbeddingMaskIoUTracker

VIDEOS, FRAMES = 300, 6


def integer(low, high, generator):
    """One of low, ..., high."""
    return int(torch.randint(low, high + 1, (1,), generator=generator))


def moved(masks, flipped):
    """Masks (m, h, w) one column on, with noise (h, w); each whatever the others are.

    Without any rounding, so that it is the same of one as of many.
    """
    masks = masks.roll(1, dims=2)
    return torch.where(flipped, 1 - masks, masks)


def test_forgetting_changes_nothing_in_300_videos():
    """Against loops that carry every track to the end of the video."""
    generator = torch.Generator().manual_seed(0)
    forgotten = back = supplemented = 0
    for _ in range(VIDEOS):
        retain = integer(1, 3, generator)
        # Supplements may be allowed for longer than tracks live, too.
        limits = dict(num_frames=integer(0, 5, generator), score_decay=0.8)
        limits.update(min_mask_area=integer(0, 9, generator), min_score=0.2)
        tracker = EmbeddingMaskIoUTracker(num_frames_retain=retain, supplement=limits)
        memory, tracks, next_id, frame_id = tracker.init_memory(), {}, 0, 0
        for _ in range(FRAMES):
            frame_id += integer(1, 2, generator)
            flipped = torch.rand(4, 5, generator=generator) > 0.8
            if len(memory):
                tracker.propagate(memory, masks=moved(memory['masks'], flipped))
            for track in tracks.values():
                track['mask'] = moved(track['mask'][None], flipped)[0]
            frame = draw(integer(0, 2, generator), generator)
            before = {name: track['seen'] for name, track in tracks.items()}
            wanted, next_id = plain_track(
                frame, tracks, next_id, frame_id, retain, limits
            )
            found = tracker.track(frame, memory, frame_id)
            assert found.instances_id.tolist() == [name for name, _, _ in wanted]
            assert found.scores.tolist() == pytest.approx([s for _, _, s in wanted])
            for mask, (_, expected, _) in zip(found.masks, wanted, strict=True):
                assert torch.equal(mask, expected)
            assert memory.next_id == next_id
            # And it is forgotten at once.
            soon = [k for k, t in tracks.items() if frame_id + 1 - t['seen'] <= retain]
            assert len(memory) == len(soon)
            assert not soon or memory.ids.tolist() == sorted(soon)
            seen = {k for k, t in tracks.items() if t['seen'] == frame_id}
            supplemented += len({name for name, _, _ in wanted} - seen)
            back += sum(frame_id - before[k] == retain for k in seen & before.keys())
        forgotten += len(tracks) - len(memory)
    # As late as possible, all of these.
    assert forgotten > VIDEOS and back > VIDEOS / 10 and supplemented > VIDEOS
