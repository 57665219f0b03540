"""Write an annotation file for annotations of any tool or data set.

python tools/dataset_tools/convert.py my_set --out my_set/train.json
python tools/dataset_tools/convert.py --from cvat annotations.xml \\
    --video walk.mp4 --out my_set/train.json
python tools/dataset_tools/convert.py --list
"""

from __future__ import annotations

import argparse
import sys
import warnings


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', nargs='?', help='file or folder of annotations')
    parser.add_argument('--out', help='json to write')
    parser.add_argument(
        '--from',
        dest='format',
        default='auto',
        metavar='FORMAT',
        help='its format; by default it is recognised (see --list)',
    )
    parser.add_argument(
        '--list', action='store_true', help='the formats, each with an example'
    )
    parser.add_argument(
        '--frames', help="folder that file_names start from; by default the source's"
    )
    parser.add_argument(
        '--video', nargs='+', default=[], help='video files to take the frames from'
    )
    parser.add_argument(
        '--link',
        action='store_true',
        help='join masks that have no identity, with the tracker',
    )
    parser.add_argument(
        '--identity',
        default='auto',
        choices=('auto', 'group', 'suffix', 'label', 'none'),
        help='how labels of single images tell objects apart: by group, by a number '
        'at their end (dog_1), by themselves, or not at all',
    )
    parser.add_argument(
        '--category', default='object', help='of all objects, where masks have none'
    )
    parser.add_argument('--categories', help='csv or json of categories (see the docs)')
    parser.add_argument(
        '--all-frames', action='store_true', help='frames without annotations, too'
    )
    args = parser.parse_args(argv)
    if not args.list and not (args.source and args.out):
        parser.error('SOURCE and --out are needed, or --list')
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from mmvis.datasets.formats import FORMATS, Options, import_annotations

    if args.list:
        for given in FORMATS.values():
            print(f'{given.name:13s} {given.title}')
            print(*(f'{"":15s}{line}' for line in given.example), sep='\n')
        return 0
    options = Options(args.identity, args.category, args.categories, args.all_frames)
    try:
        if args.format not in ('auto', *FORMATS):
            raise ValueError(
                f'There is no format {args.format!r}; there are {", ".join(FORMATS)}.'
            )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            written, notes = import_annotations(
                args.source,
                args.out,
                args.format,
                args.frames,
                args.video,
                args.link,
                options,
            )
    except (ValueError, OSError) as error:
        print(f'convert: {error}', file=sys.stderr)
        return 1
    for note in [*notes, *(str(warning.message) for warning in caught)]:
        print(note)
    print(
        f'wrote {args.out}: {len(written["videos"])} videos, '
        f'{sum(video["length"] for video in written["videos"])} frames, '
        f'{len(written.get("annotations", []))} objects, '
        f'{len(written["categories"])} categories'
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())
