"""Write COCO's annotations as videos of one frame, to train a frame network on.

python tools/dataset_tools/coco_images.py \\
    data/coco/annotations/instances_train2017.json \\
    --out data/coco/annotations/frames_train2017.json
"""

from __future__ import annotations

import argparse
import sys


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('ann_file', help="COCO's instances json")
    parser.add_argument('--out', required=True, help='json to write')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from mmvis.datasets.coco_images import coco_images_to_videos

    try:
        written = coco_images_to_videos(args.ann_file, args.out)
    except (ValueError, OSError) as error:
        print(f'coco_images: {error}', file=sys.stderr)
        return 1
    print(
        f'wrote {args.out}: {len(written["videos"])} images, '
        f'{len(written["annotations"])} objects, '
        f'{len(written["categories"])} categories'
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())
