"""Split an annotation file by videos, each part with its share of every category.

The public valid and test splits have no annotations; this holds out videos of the train
split, the same ones on every machine:

    python tools/dataset_tools/split.py data/youtube_vis_2019/train.json \\
        --parts holdout_train=1902 holdout_valid=336

A part is NAME=SIZE, SIZE being a number of videos, a share of them below 1, or 'rest';
NAME.json is written beside the file, or into --out-dir.
"""

from __future__ import annotations

import argparse
import sys


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('ann_file', help='annotation file of the YouTube-VIS form')
    parser.add_argument(
        '--parts', nargs='+', required=True, type=_part, metavar='NAME=SIZE'
    )
    parser.add_argument('--out-dir', help='folder of the parts')
    parser.add_argument('--seed', type=int, default=0)
    return parser.parse_args(argv)


def _part(text: str) -> tuple[str, int | float | str]:
    from mmvis.datasets.splitting import REST

    name, _, size = text.rpartition('=')
    if not name:
        raise argparse.ArgumentTypeError(f'{text!r} is not of the form NAME=SIZE')
    if size == REST:
        return name, size
    try:
        return name, int(size) if size.isdecimal() else float(size)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'{size!r} in {text!r} is neither a number nor {REST!r}'
        ) from None


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from mmvis.datasets.splitting import split_annotation_file

    parts = dict(args.parts)
    try:
        if len(parts) < len(args.parts):
            raise ValueError('Two parts have the same name.')
        written = split_annotation_file(args.ann_file, parts, args.out_dir, args.seed)
    except (ValueError, OSError) as error:
        print(f'split: {error}', file=sys.stderr)
        return 1
    for name, part in written.items():
        seen = {a['category_id'] for a in part.get('annotations', [])}
        print(
            f'{name}.json: {len(part["videos"])} videos, '
            f'{len(part.get("annotations", []))} objects of {len(seen)} of '
            f'{len(part["categories"])} categories'
        )
    return 0


if __name__ == '__main__':
    sys.exit(main())
