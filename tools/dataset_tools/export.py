"""Write an annotation file, or predictions, in the format of a tool or another set.

python tools/dataset_tools/export.py train.json --to cvat --out tasks
python tools/dataset_tools/export.py train.json --to cvat --polygons --out tasks
python tools/dataset_tools/export.py valid.json --results results.json --to labelme \\
    --frames valid/JPEGImages --out to_correct
"""

from __future__ import annotations

import argparse
import dataclasses
import sys


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    from mmvis.datasets.formats.writers import WRITERS

    formats = '\n'.join(f'  {name:12s} {what}' for name, what in WRITERS.items())
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f'formats:\n{formats}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('ann_file', help='annotation file of the YouTube-VIS form')
    parser.add_argument('--to', required=True, choices=WRITERS, metavar='FORMAT')
    parser.add_argument('--out', required=True, help='file, new folder or name')
    parser.add_argument(
        '--results', help='results.json (or .zip) to write instead of the annotations'
    )
    parser.add_argument(
        '--score', type=float, default=0.3, help='lowest of results, default 0.3'
    )
    parser.add_argument('--videos', nargs='+', help='ids or names of videos')
    parser.add_argument(
        '--frames', help='folder of the frames, for labelme and fiftyone'
    )
    parser.add_argument(
        '--video', nargs='+', default=[], help='video files, which fiftyone may show'
    )
    parser.add_argument(
        '--polygons',
        nargs='?',
        type=float,
        const=1.0,
        metavar='PIXELS',
        help='for labelme and cvat (as tracks): polygons, whose points may lie so far '
        'from the mask (1 by default, 0: the same pixels)',
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from mmvis.datasets.formats.writers import export_annotations
    from mmvis.structures import read_annotation_file

    try:
        content = read_annotation_file(args.ann_file)
        if args.results:
            from mmvis.evaluation.results_as_annotations import results_as_annotations

            content = results_as_annotations(args.results, content, args.score)
        if content.annotations is None:
            raise ValueError(
                f"'{args.ann_file}' has no annotations: give --results to write."
            )
        if args.videos:
            from mmvis.visualization.video_tracks import choose_videos

            videos = choose_videos(content, args.videos)
            content = dataclasses.replace(content, videos=videos)
        notes = export_annotations(
            content, args.out, args.to, args.frames, args.polygons, args.video
        )
    except (ImportError, ValueError, OSError) as error:
        print(f'export: {error}', file=sys.stderr)
        return 1
    ids = {video['id'] for video in content.videos}
    written = [a for a in content.annotations or [] if a['video_id'] in ids]
    for note in notes:
        print(note)
    print(f'wrote {args.out}: {len(content.videos)} videos, {len(written)} objects')
    return 0


if __name__ == '__main__':
    sys.exit(main())
