"""Ids for the detections of several frames, which came together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.structures import InstanceData

from mmvis.models.common.host_copies import copy_to_host


def track_frames(
    tracker: Any,
    dets: InstanceData,
    counts: Sequence[int],
    memory: Any,
    metainfos: Sequence[dict],
) -> Iterator[InstanceData]:
    """What the tracker makes of each frame, in order.

    A tracker that looks at numbers alone, not at masks (``reads_host``), gets those of
    all frames by one copy to the host, if it keeps every detection. Its results have
    them there.

    Args:
        tracker: Of this package.
        dets (InstanceData): (n, ...) each, frame by frame.
        counts (Sequence[int]): How many are of each frame.
        memory: The video's tracks; updated.
        metainfos (Sequence[dict]): With frame_id, of each frame.
    """
    masks = dets.masks
    on_host = getattr(tracker, 'reads_host', False) and len(counts) > 1
    if on_host:
        fields = {name: value for name, value in dets.items() if name != 'masks'}
        dets = InstanceData(**copy_to_host(fields))
    first = 0
    for count, metainfo in zip(counts, metainfos, strict=True):
        part = slice(first, first + count)
        found = InstanceData(**{name: value[part] for name, value in dets.items()})
        tracked = tracker.track(found, memory, metainfo['frame_id'])
        if on_host:
            assert len(tracked) == count
            tracked.masks = masks[part]
        first += count
        yield tracked
