"""Cost of a tracker along a long video: last frames against first.

    python tools/benchmarks/tracker.py --out benchmark_tracker.json
    python tools/benchmarks/tracker.py --tracker centerness

The video is made up: discs that wander, give way to new ones from time to time, and
are missed by the detector now and then. Each frame propagates the living tracks, where
the tracker does so, and tracks the detections; making the frame is not timed. A row of
the table is a number of objects and a tracker, or its policy of conflicts. Printed are
the medians of the first and of the last frames, their ratio, the most living tracks,
and how many ids were given. The rows "never retired" show what the forgetting of tracks
is worth.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from mmengine.structures import InstanceData

from mmvis.models.sg_net.centerness_tracker import CenternessTracker
from mmvis.models.trackers.embedding_mask_iou_tracker import EmbeddingMaskIoUTracker
from mmvis.models.trackers.track_memory import TrackMemory

EMBEDDING, COEFFICIENTS = 128, 32


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument(
        '--tracker', default='embedding', choices=['embedding', 'centerness']
    )
    parser.add_argument('--frames', type=int, default=2000)
    parser.add_argument('--window', type=int, default=100, help='frames at each end')
    parser.add_argument('--objects', type=int, nargs='+', default=[1, 10, 50, 100])
    parser.add_argument('--mask-size', type=int, nargs=2, default=[96, 160])
    parser.add_argument('--lifetime', type=int, default=200, help='frames of an object')
    parser.add_argument('--missed', type=float, default=0.1, help='share of detections')
    parser.add_argument(
        '--conflicts',
        nargs='+',
        default=['drop', 'next_best', 'optimal'],
        choices=['drop', 'new_id', 'next_best', 'optimal'],
        help='of the tracker by embeddings',
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', type=Path, help='write the numbers to this json file')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    columns = ('first ms', 'last ms', 'last/first', 'most tracks', 'ids')
    print(f'{"objects":>8s} {"setting":16s}' + ''.join(f'{c:>13s}' for c in columns))
    rows = []
    for num_objects in args.objects:
        for name, tracker in make_trackers(args):
            row = dict(objects=num_objects, setting=name)
            row.update(measure(num_objects, tracker, args))
            rows.append(row)
            print(
                f'{num_objects:8d} {name:16s}'
                + ''.join(f'{row[column]:13.3g}' for column in columns),
                flush=True,
            )
    if args.out:
        args.out.write_text(json.dumps(dict(vars(args), out=None, rows=rows), indent=1))


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
        start = time.perf_counter()
        if propagated:
            tracker.propagate(memory, **propagated)
        tracker.track(dets, memory, frame_id)
        times.append(1000 * (time.perf_counter() - start))
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


if __name__ == '__main__':
    main()
