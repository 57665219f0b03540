"""Look at the ground truth of an annotation file: contact sheet, mp4s or PNG frames.

python tools/dataset_tools/browse.py --ann train/instances.json \
    --img-prefix train/JPEGImages --out seen
"""

import argparse
import os
import sys


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--ann', required=True, help='YouTube-VIS json')
    parser.add_argument(
        '--img-prefix', required=True, help='folder that its file_names start from'
    )
    parser.add_argument('--out', required=True, help='folder to write into')
    parser.add_argument('--videos', nargs='+', help='ids or names of videos')
    parser.add_argument(
        '--max-videos', type=int, help='default 12 unless --videos is given'
    )
    parser.add_argument(
        '--write',
        nargs='+',
        choices=('sheet', 'mp4', 'frames'),
        default=('sheet',),
        help='a contact sheet (default), an mp4 a video, PNG frames',
    )
    parser.add_argument('--fps', type=float, default=6.0, help='of the mp4s')
    parser.add_argument(
        '--columns', type=int, default=4, help='frames in a line of sheets, default 4'
    )
    parser.add_argument('--boxes', action='store_true', help='draw boxes too')
    return parser.parse_args(argv)


def browse(args: argparse.Namespace) -> list[str]:
    """Write what was asked for; returns the paths."""
    from mmvis.structures.annotation_file import read_annotation_file
    from mmvis.visualization.render import VideoRenderer
    from mmvis.visualization.video_tracks import (
        choose_videos,
        file_stem,
        ground_truth_tracks,
    )

    annotations = read_annotation_file(args.ann)
    most = args.max_videos
    if most is None and not args.videos:
        most = 12
    videos = choose_videos(annotations, args.videos, most)
    for video in videos:
        if not video['length']:
            print(f'video {video["id"]} has no frames: left out', file=sys.stderr)
    videos = [video for video in videos if video['length']]
    if not videos:
        raise ValueError(f'{args.ann}: no video with a frame: nothing to show.')
    if annotations.annotations is None:
        print(f'{args.ann} has no annotations: frames only', file=sys.stderr)
        tracks = {}
    else:
        tracks = ground_truth_tracks(annotations)
    renderer = VideoRenderer(
        annotations, args.img_prefix, {'ground truth': tracks}, args.boxes
    )
    written = []
    for video in videos:
        stem = os.path.join(args.out, file_stem(video))
        if 'mp4' in args.write:
            renderer.write_mp4(video, f'{stem}.mp4', args.fps)
            written.append(f'{stem}.mp4')
        if 'frames' in args.write:
            renderer.write_pngs(video, stem)
            written.append(f'{stem}{os.sep} ({video["length"]} frames)')
    if 'sheet' in args.write:
        path = os.path.join(args.out, 'contact_sheet.png')
        renderer.write_sheet(videos, path, args.columns)
        written.append(path)
    if len(videos) < len(annotations.videos):
        print(f'{len(videos)} of {len(annotations.videos)} videos (see --max-videos)')
    return written


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    try:
        written = browse(args)
    except (ValueError, OSError) as error:
        print(f'browse: {error}', file=sys.stderr)
        return 1
    for path in written:
        print(f'wrote {path}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
