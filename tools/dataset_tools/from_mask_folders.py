"""Write an annotation file for folders of mask PNGs, as of DAVIS and YouTube-VOS.

python tools/dataset_tools/from_mask_folders.py --masks data/davis/Annotations/480p \\
    --frames data/davis/JPEGImages/480p --out data/davis/instances.json

Masks are <masks>/<video>/<frame>.png, indexed, grey or colour-coded, or binary ones,
<masks>/<video>/<object>/<frame>.png; frames are <frames>/<video>/<frame>.jpg (or .png).
"""

from __future__ import annotations

import argparse
import sys


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--masks', required=True, help='folder of masks')
    parser.add_argument(
        '--frames', required=True, help='folder of frames, that file_names start from'
    )
    parser.add_argument('--out', required=True, help='json to write')
    of = parser.add_mutually_exclusive_group()
    of.add_argument(
        '--category', default='object', help='category of all objects (default object)'
    )
    of.add_argument(
        '--categories',
        help="csv 'video,object,category', json {video: {object: category}} or "
        "YouTube-VOS's meta.json",
    )
    parser.add_argument(
        '--void',
        type=_void,
        default=255,
        metavar='VALUE',
        help="pixels of indexed and grey masks that are no object, or 'none' "
        '(default 255, which is an object in masks of 16 bits)',
    )
    parser.add_argument(
        '--all-frames',
        action='store_true',
        help='frames without a mask show no object; by default they are left out',
    )
    parser.add_argument('--workers', type=int, help='threads that read masks')
    return parser.parse_args(argv)


def _void(text: str) -> int | None:
    if text != 'none' and not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a value nor 'none'")
    return None if text == 'none' else int(text)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from mmvis.datasets.converters import convert_mask_folders

    try:
        written = convert_mask_folders(**vars(args), progress=sys.stderr.isatty())
    except (ValueError, OSError) as error:
        print(f'from_mask_folders: {error}', file=sys.stderr)
        return 1
    print(
        f'wrote {args.out}: {len(written["videos"])} videos, '
        f'{sum(video["length"] for video in written["videos"])} frames, '
        f'{len(written["annotations"])} objects, '
        f'{len(written["categories"])} categories'
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())
