"""Ids for the detections of several frames, which came together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor

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
    all frames by one copy to the host; so does one that looks at the masks of all
    frames beforehand (``at_once``). Their results have the numbers there.

    Args:
        tracker: Of this package. Its ``at_once`` is a context with the detections on
            the host, whose ``mask_row`` says which row of masks is theirs; these masks;
            and what else ``track`` is to be given.
        dets (InstanceData): (n, ...) each, frame by frame. Those whose ``kept``, bool,
            is False, if they have it, are left out.
        counts (Sequence[int]): How many are of each frame.
        memory: The video's tracks; updated.
        metainfos (Sequence[dict]): With frame_id, of each frame.
        with_masks (bool): Whether results have the detections' masks, which stay where
            they are; of no meaning where detections have none.
    """
    masks, more = dets.get('masks'), ()
    on_host = len(counts) > 1
    with ExitStack() as stack:
        if on_host and masks is not None and hasattr(tracker, 'at_once'):
            dets, masks, more = stack.enter_context(tracker.at_once(dets, memory))
        elif on_host and getattr(tracker, 'reads_host', False):
            fields = {name: value for name, value in dets.items() if name != 'masks'}
            dets = InstanceData(**copy_to_host(fields))
            dets.mask_row = torch.arange(len(dets))
        else:
            on_host = False
        first = 0
        for count, metainfo in zip(counts, metainfos, strict=True):
            part = slice(first, first + count)
            found = dets
            if len(counts) > 1:
                fields = {name: value[part] for name, value in dets.items()}
                found = InstanceData(**fields)
            if 'kept' in found:
                found = found[found.pop('kept').nonzero().squeeze(1)]
            tracked = tracker.track(found, memory, metainfo['frame_id'], *more)
            rows = tracked.pop('mask_row') if on_host else None
            if not with_masks:
                tracked.pop('masks', None)
            elif rows is not None and masks is not None:
                tracked.masks = _rows(masks, rows)
            first += count
            yield tracked


def _rows(masks: Tensor, rows: Tensor) -> Tensor:
    """Masks of rows (k,), which are on the host."""
    first = int(rows[0]) if len(rows) else 0
    if torch.equal(rows, torch.arange(first, first + len(rows))):
        # So it is where all were kept: no index has to go to the device.
        return masks[first : first + len(rows)]
    return masks[rows.to(masks.device)]
