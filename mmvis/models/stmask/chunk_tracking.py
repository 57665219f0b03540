"""Tracks carried through the frames of a chunk before anything is associated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.common.host_copies import copy_to_host
from mmvis.models.trackers.state_shapes import StateShapes, compare_states, of_frames
from mmvis.models.trackers.track_memory import TrackMemory

from .video_state import STMaskFeatures, STMaskState

if TYPE_CHECKING:
    from .stmask import STMask

# More states at once would take a GPU longer than the launches and the wait that they
# save: most of them are of no track in the end.
STATES_AT_ONCE = 256
# Of an instance: what the temporal network changes.
CARRIED = ('bboxes', 'coefficients')
# Of tracks: while frames are tracked, states stand for them.
STATE_FIELDS = (*CARRIED, 'masks')


class States(NamedTuple):
    """All that a track may be in B frames, frame by frame.

    A frame's states are its detections, and then what becomes there of each state of
    the frame before, in that order. What becomes of a detection does not depend on the
    track that gets it, so association only picks.

    Attributes:
        bboxes (Tensor): (S, 4) xyxy in pixels of the padded input.
        coefficients (Tensor): (S, K).
        sizes (list[int]): How many states each frame has.
    """

    bboxes: Tensor
    coefficients: Tensor
    sizes: list[int]


def frames_that_fit(counts: Sequence[int], num_tracks: int) -> int:
    """How many of the next frames, one at least, have few enough states together.

    Args:
        counts (Sequence[int]): How many detections each frame has.
        num_tracks (int): Tracks that live before the first of them.
    """
    frames, size, total = 0, num_tracks, 0
    for count in counts:
        size += count
        total += size
        if frames and total > STATES_AT_ONCE:
            break
        frames += 1
    return frames


def track_in_frames(
    model: STMask,
    dets: InstanceData,
    counts: Sequence[int],
    feats: STMaskFeatures,
    metainfos: Sequence[dict],
    state: STMaskState,
) -> Iterator[InstanceData]:
    """Detections of B frames with ids, and supplemented tracks.

    The tracks of the state are moved to each of the frames, the first one too; so that
    one must have the size of the frame before.

    Args:
        model (STMask): With a temporal network.
        dets (InstanceData): bboxes (n, 4), scores (n,), labels (n,), coefficients
            (n, K) and embeddings (n, d), frame by frame.
        counts (Sequence[int]): How many are of each frame.
        feats (STMaskFeatures): Of these frames.
        metainfos (Sequence[dict]): With frame_id and batch_input_shape.
        state (STMaskState): Of the video; updated.

    Yields:
        InstanceData: Of each frame, as the tracker gives it; masks where the features
        are, everything else on the host.
    """
    joined = _joined(model, feats, state)
    numbers = {name: value for name, value in dets.items() if name not in CARRIED}
    start = row = 0
    while start < len(counts):
        stop = start + frames_that_fit(counts[start:], len(state.memory))
        span, own = slice(start, stop), counts[start:stop]
        parts = [dets[name][row : row + sum(own)] for name in CARRIED]
        states = _carried(model, joined[span], parts, own, metainfos[0], state.memory)
        masks = model.assemble_masks(
            feats.prototypes[span],
            states.coefficients,
            states.bboxes,
            tuple(metainfos[0]['batch_input_shape']),
            states.sizes,
        )
        areas, pairs = compare_states(masks, own, states.sizes)
        # All that the tracker reads of these frames, by one copy.
        host = copy_to_host(
            dict(numbers, bboxes=states.bboxes, areas=areas, pairs=pairs)
        )
        numbers = {name: host[name] for name in numbers}
        found = {name: value[row : row + sum(own)] for name, value in numbers.items()}
        shapes = of_frames(host['areas'], host['pairs'], own, states.sizes)
        with _states_for_masks(state.memory, states.coefficients, masks) as tracked:
            frames = _associated(
                model, found, own, host['bboxes'], shapes, metainfos[span], state.memory
            )
            tracked.extend(frames)
        state.remember(feats, stop - 1, metainfos[stop - 1])
        yield from tracked
        start, row = stop, row + sum(own)


def _joined(
    model: STMask, feats: STMaskFeatures, state: STMaskState
) -> list[Tensor | None]:
    """The temporal network's input of each frame with the one before it."""
    before = tuple(maps[:-1] for maps in feats.temporal)
    after: tuple[Tensor, ...] = feats.temporal
    nothing: list[Tensor | None] = []
    if state.temporal is not None and len(state.memory):
        known = zip(state.temporal, before, strict=True)
        before = tuple(torch.cat([last[None], maps]) for last, maps in known)
    else:
        after, nothing = tuple(maps[1:] for maps in after), [None]
    assert model.temporal_net is not None
    if not len(before[0]):
        return nothing
    return [*nothing, *model.temporal_net.join(before, after).split(1)]


def _carried(
    model: STMask,
    joined: Sequence[Tensor | None],
    dets: Sequence[Tensor],
    counts: Sequence[int],
    metainfo: dict,
    memory: TrackMemory,
) -> States:
    """The states of frames, of boxes (n, 4) and coefficients (n, K) of detections."""
    input_shape = tuple(metainfo['batch_input_shape'])
    known = [values[:0] for values in dets]
    if len(memory):
        known = [memory[name].to(dets[0].device) for name in CARRIED]
    parts = []
    detected = zip(*(values.split(list(counts)) for values in dets), strict=True)
    for maps, found in zip(joined, detected, strict=True):
        if len(known[0]):
            assert maps is not None
            known = model.carry(known, input_shape, maps)
        known = [torch.cat(both) for both in zip(found, known, strict=True)]
        parts.append(known)
    bboxes, coefficients = (torch.cat(part) for part in zip(*parts, strict=True))
    return States(bboxes, coefficients, [len(part[0]) for part in parts])


def _associated(
    model: STMask,
    dets: dict[str, Tensor],
    counts: Sequence[int],
    bboxes: Tensor,
    shapes: Sequence[StateShapes],
    metainfos: Sequence[dict],
    memory: TrackMemory,
) -> Iterator[InstanceData]:
    """What the tracker makes of frames, one after the other, on the host."""
    row = before = 0
    for count, compare, metainfo in zip(counts, shapes, metainfos, strict=True):
        if len(memory):
            # Behind the frame's detections, in the order of the states before.
            states = memory['state'] + (compare.first - before + count)
            model.tracker.propagate(memory, bboxes=bboxes[states], state=states)
        found = {name: value[row : row + count] for name, value in dets.items()}
        own = slice(compare.first, compare.first + count)
        found.update(bboxes=bboxes[own], state=torch.arange(own.start, own.stop))
        yield model.tracker.track(
            InstanceData(**found), memory, metainfo['frame_id'], compare
        )
        row, before = row + count, compare.first


@contextmanager
def _states_for_masks(
    memory: TrackMemory, coefficients: Tensor, masks: Tensor
) -> Iterator[list[InstanceData]]:
    """Within it the tracks of a memory have numbers of states, not masks.

    After an error they are as before it: masks, of tracks that were not carried on.

    Args:
        memory (TrackMemory): As it is before the first of some frames.
        coefficients, masks (Tensor): Of all states.

    Yields:
        list: For what is tracked, whose states become masks in the end.
    """
    with memory.all_or_nothing():
        known = {k: v for k, v in memory.fields.items() if k not in STATE_FIELDS}
        # Boxes are written when the first frame comes.
        boxes = torch.zeros(len(memory), 4)
        memory.exchange(**known, bboxes=boxes, state=torch.arange(len(memory)))
        tracked: list[InstanceData] = []
        yield tracked
        left = memory.fields
        rows = [frame.pop('state') for frame in tracked]
        rows.append(left.pop('state', torch.arange(0)))
        # One upload of all.
        index = torch.cat(rows).to(masks.device)
        counts = [len(part) for part in rows[:-1]]
        shown, living = index.split([sum(counts), len(rows[-1])])
        for frame, own in zip(tracked, masks[shown].split(counts), strict=True):
            frame.masks = own
        if left:
            left.update(coefficients=coefficients[living], masks=masks[living])
            memory.exchange(**left)
