"""Write the SynthVIS benchmark: a train and a valid split with exact masks.

python tools/dataset_tools/synth_vis.py --out data/synth_vis/tiny
python tools/dataset_tools/synth_vis.py --out data/synth_vis/full --preset full \\
    --train 400 --valid 100 --workers 8
python tools/dataset_tools/synth_vis.py --out data/synth_vis/bench --preset bench
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from mmvis.datasets.synth_vis import PRESETS


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--out', type=Path, required=True, help='folder of the splits')
    parser.add_argument(
        '--preset', choices=PRESETS, default='tiny', help='frame size and categories'
    )
    for number, (split, use) in enumerate((('train', 'train'), ('valid', 'test'))):
        parser.add_argument(
            f'--{split}',
            type=int,
            help=f"videos to {use} on (default: the preset's, "
            + ', '.join(f'{k} {p.num_videos[number]}' for k, p in PRESETS.items())
            + ')',
        )
    parser.add_argument(
        '--seed', type=int, default=0, help='another number gives another benchmark'
    )
    parser.add_argument('--workers', type=int, default=2, help='processes that draw')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace what is there'
    )
    args = parser.parse_args(argv)
    for split, count in zip(
        ('train', 'valid'), PRESETS[args.preset].num_videos, strict=True
    ):
        if getattr(args, split) is None:
            setattr(args, split, count)
    return args


def _written_at(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from mmvis.datasets.synth_vis import SPLIT_SEEDS, write_split

    for split, count in (('train', args.train), ('valid', args.valid)):
        if not count:
            continue
        before = _written_at(args.out / split / 'instances.json')
        try:
            path = write_split(
                args.out,
                split,
                count,
                args.preset,
                seed=len(SPLIT_SEEDS) * args.seed + SPLIT_SEEDS[split],
                workers=args.workers,
                overwrite=args.overwrite,
            )
        except (ValueError, OSError) as error:
            print(f'synth_vis: {error}', file=sys.stderr)
            return 1
        kept = before is not None and _written_at(path) == before
        print(f'{"is there already:" if kept else "wrote"} {path}')
    return 0


if __name__ == '__main__':
    # Being told to end is the same as ctrl-C: what draws is then cleaned up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit('synth_vis: interrupted.')
