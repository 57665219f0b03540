"""Plot training curves of one or more runs, and bars of an evaluation.

python tools/analysis_tools/plot_curves.py work_dirs/a work_dirs/b --out curves.png
python tools/analysis_tools/plot_curves.py --metrics work_dirs/a/<time>/<time>.json \
    --out ap.png
"""

import argparse
import sys


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('runs', nargs='*', help='work_dirs or scalars.json files')
    parser.add_argument('--metrics', help='json of a test run: draw its AP as bars')
    parser.add_argument('--out', default='curves.png', help='image to write')
    parser.add_argument(
        '--keys', nargs='+', help='draw these only (loss_mask AP50 ...)'
    )
    parser.add_argument('--names', nargs='+', help='names of the runs in the legend')
    parser.add_argument(
        '--smoothing', type=float, default=0.6, help='0 (none) up to 1, default 0.6'
    )
    parser.add_argument('--title', default='', help='title of the bars')
    args = parser.parse_args(argv)
    if bool(args.runs) == bool(args.metrics):
        parser.error('give runs for curves, or --metrics for bars')
    if args.names and len(args.names) != len(args.runs):
        parser.error(f'{len(args.names)} names for {len(args.runs)} runs')
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from mmvis.visualization.plots import (
        plot_ap_bars,
        plot_training_curves,
        read_metrics,
    )
    from mmvis.visualization.training_log import read_training_log

    try:
        if args.metrics:
            plot_ap_bars(read_metrics(args.metrics), args.out, args.title)
        else:
            names = args.names or [None] * len(args.runs)
            logs = [
                read_training_log(run, name)
                for run, name in zip(args.runs, names, strict=True)
            ]
            plot_training_curves(logs, args.out, args.keys, args.smoothing)
    except (ValueError, OSError) as error:
        print(f'plot_curves: {error}', file=sys.stderr)
        return 1
    print(f'wrote {args.out}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
