"""Ids for the detections of several frames, which came together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from mmengine.structures import InstanceData

from mmvis.models.common.host_copies import copy_to_host


def track_frames(
    tracker: Any,
    dets: InstanceData,
    counts: Sequence[int],
    memory: Any,
    metainfos: Sequence[dict],
    with_masks: bool = True,
) -> Iterator[InstanceData]:
    """What the tracker makes of each frame, in order.

    A tracker that looks at numbers alone, not at masks (``reads_host``), gets those of
    all frames by one copy to the host. Its results have them there.

    Args:
        tracker: Of this package.
        dets (InstanceData): (n, ...) each, frame by frame.
        counts (Sequence[int]): How many are of each frame.
        memory: The video's tracks; updated.
        metainfos (Sequence[dict]): With frame_id, of each frame.
        with_masks (bool): Whether the detections have masks, which stay where they are.
    """
    masks = dets.masks if with_masks else None
    on_host = getattr(tracker, 'reads_host', False) and len(counts) > 1
    if on_host:
        fields = {name: value for name, value in dets.items() if name != 'masks'}
        dets = InstanceData(**copy_to_host(fields))
        if masks is not None:
            dets.row = torch.arange(len(dets))
    first = 0
    for count, metainfo in zip(counts, metainfos, strict=True):
        part = slice(first, first + count)
        found = InstanceData(**{name: value[part] for name, value in dets.items()})
        tracked = tracker.track(found, memory, metainfo['frame_id'])
        if on_host and masks is not None:
            row = tracked.pop('row')
            # Where all were kept, no index has to go to the device.
            whole = len(row) == count
            tracked.masks = masks[part] if whole else masks[row.to(masks.device)]
        first += count
        yield tracked
