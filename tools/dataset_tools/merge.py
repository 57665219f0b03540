"""Merge annotation files into one, categories by name.

python tools/dataset_tools/merge.py --root data --out data/all.json \\
    data/a/instances.json:data/a/train/JPEGImages \\
    data/b/instances.json:data/b/train/JPEGImages
"""

from __future__ import annotations

import argparse
import sys


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'sources',
        nargs='+',
        metavar='ANN:IMG_PREFIX',
        help='annotation file and frames',
    )
    parser.add_argument(
        '--root', required=True, help='folder that the merged file_names start from'
    )
    parser.add_argument('--out', required=True, help='json to write')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from mmvis.datasets.merging import merge_annotation_files

    sources = [tuple(source.rsplit(':', 1)) for source in args.sources]
    wrong = [':'.join(source) for source in sources if len(source) != 2]
    try:
        if wrong:
            raise ValueError(f'{wrong[0]} is not of the form ANN:IMG_PREFIX.')
        merged = merge_annotation_files(sources, args.root, args.out)
    except (ValueError, OSError) as error:
        print(f'merge: {error}', file=sys.stderr)
        return 1
    print(
        f'wrote {args.out}: {len(merged["videos"])} videos, '
        f'{len(merged.get("annotations", []))} objects, '
        f'{len(merged["categories"])} categories'
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())
