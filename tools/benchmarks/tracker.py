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
from pathlib import Path


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
    from measuring.tracked_discs import make_trackers, measure

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


if __name__ == '__main__':
    main()
