"""Write an annotation file for a COCO file of videos, such as mmtracking's CocoVID.

python tools/dataset_tools/from_coco_video.py data/my_set/coco_vid.json \\
    --out data/my_set/train.json

Images have video_id and frame_id, annotations an instance_id (or track_id) and a mask.
"""

from __future__ import annotations

import argparse
import sys


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('ann_file', help='COCO file of videos')
    parser.add_argument('--out', required=True, help='json to write')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from mmvis.datasets.converters import convert_coco_video

    try:
        written = convert_coco_video(args.ann_file, args.out)
    except (ValueError, OSError) as error:
        print(f'from_coco_video: {error}', file=sys.stderr)
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
