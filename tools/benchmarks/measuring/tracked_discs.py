"""Discs that wander, and trackers that follow them."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from functools import partial

import torch
from mmengine.structures import InstanceData

from mmvis.models.sg_net.centerness_tracker import CenternessTracker
from mmvis.models.trackers.embedding_mask_iou_tracker import EmbeddingMaskIoUTracker
from mmvis.models.trackers.track_memory import TrackMemory

EMBEDDING, COEFFICIENTS = 128, 32


def make_trackers(
    args: argparse.Namespace,
) -> list[tuple[str, CenternessTracker | EmbeddingMaskIoUTracker]]:
    """The trackers to compare, by the names of their rows."""
    if args.tracker == 'centerness':
        make, settings = CenternessTracker, [('centerness', {})]
    else:
        make = partial(EmbeddingMaskIoUTracker, supplement=dict(), epsilon=0.9)
        settings = [(name, dict(conflict=name)) for name in args.conflicts]
    settings.append(('never retired', dict(num_frames_retain=None)))
    return [(name, make(**setting)) for name, setting in settings]


def measure(
    num_objects: int,
    tracker: CenternessTracker | EmbeddingMaskIoUTracker,
    args: argparse.Namespace,
) -> dict[str, float]:
    """Run one video through one tracker."""
    memory = tracker.init_memory()
    times, most = [], 0
    for frame_id, dets in enumerate(make_video(num_objects, args)):
        propagated = move(memory) if hasattr(tracker, 'propagate') else {}
        start = time.process_time()
        if propagated:
            tracker.propagate(memory, **propagated)
        tracker.track(dets, memory, frame_id)
        times.append(1000 * (time.process_time() - start))
        most = max(most, len(memory))
    # The first frame has no tracks yet, and warms everything up.
    first = statistics.median(times[1 : 1 + args.window])
    last = statistics.median(times[-args.window :])
    return {
        'first ms': first,
        'last ms': last,
        'last/first': last / first,
        'most tracks': most,
        'ids': memory.next_id,
    }


def move(memory: TrackMemory) -> dict[str, torch.Tensor]:
    """What a model propagates: the fields of the living tracks, in new tensors."""
    names = ('bboxes', 'masks', 'coefficients') if len(memory) else ()
    return {name: memory[name].clone() for name in names}


def make_video(num_objects: int, args: argparse.Namespace) -> Iterator[InstanceData]:
    """The detections of each frame; the same ones for the same seed."""
    generator = torch.Generator().manual_seed(args.seed)
    height, width = args.mask_size
    size = torch.tensor([width, height], dtype=torch.float)
    centres = torch.rand(num_objects, 2, generator=generator) * size
    embeddings = torch.randn(num_objects, EMBEDDING, generator=generator)
    # Lives begin at different times, so that some object is new at any time.
    ages = torch.randint(0, args.lifetime, (num_objects,), generator=generator)
    for _ in range(args.frames):
        ages = ages + 1
        ended = ages >= args.lifetime
        ages[ended] = 0
        fresh = torch.randn(embeddings.shape, generator=generator)
        embeddings = torch.where(ended[:, None], fresh, embeddings)
        fresh = torch.rand(centres.shape, generator=generator) * size
        centres = torch.where(ended[:, None], fresh, centres)
        steps = 0.005 * width * torch.randn(centres.shape, generator=generator)
        centres = centres + steps
        seen = torch.rand(num_objects, generator=generator) >= args.missed
        noise = torch.randn(embeddings.shape, generator=generator)
        frame = discs(centres, radius=0.08 * width, height=height, width=width)
        if args.tracker == 'centerness':
            frame.centers, frame.movements = centres, steps
        else:
            frame.embeddings = embeddings + 0.2 * noise
            frame.coefficients = noise[:, :COEFFICIENTS].clone()
        yield frame[seen]


def discs(
    centres: torch.Tensor, radius: float, height: int, width: int
) -> InstanceData:
    """Soft masks (n, h, w) of discs around centres (n, 2), with all that goes along."""
    y = torch.arange(height)[None, :, None] - centres[:, 1, None, None]
    x = torch.arange(width)[None, None] - centres[:, 0, None, None]
    return InstanceData(
        bboxes=torch.cat([centres - radius, centres + radius], 1),
        scores=torch.full((len(centres),), 0.9),
        labels=torch.zeros(len(centres), dtype=torch.long),
        masks=(radius - (x.square() + y.square()).sqrt()).sigmoid(),
    )
