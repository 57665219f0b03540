"""Draw a results.json over its videos: mp4 and a contact sheet.

python tools/analysis_tools/render_results.py --ann valid/instances.json \
    --img-prefix valid/JPEGImages --results results.json --out shown.mp4
"""

import argparse
import sys


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--ann', required=True, help='YouTube-VIS json of the videos')
    parser.add_argument(
        '--img-prefix', required=True, help='folder that its file_names start from'
    )
    parser.add_argument(
        '--results', help='results.json of a test run; without it ground truth is drawn'
    )
    parser.add_argument(
        '--out', required=True, help='one .mp4 for all videos, or a folder of mp4s'
    )
    parser.add_argument(
        '--compare', action='store_true', help='ground truth beside the prediction'
    )
    parser.add_argument('--score-thr', type=float, default=0.3)
    parser.add_argument('--top-k', type=int, default=10, help='tracks a video at most')
    parser.add_argument('--videos', nargs='+', help='ids or names, default all')
    parser.add_argument('--max-videos', type=int)
    parser.add_argument('--fps', type=float, default=6.0)
    parser.add_argument(
        '--sheet', help='contact sheet, .png or .jpg; default beside mp4s'
    )
    parser.add_argument(
        '--columns', type=int, default=4, help='frames in a line of it, default 4'
    )
    parser.add_argument(
        '--cell-width', type=int, default=320, help='px of such a frame, default 320'
    )
    parser.add_argument('--boxes', action='store_true', help='draw boxes too')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from mmvis.visualization.render import render_results

    try:
        written = render_results(
            args.ann,
            args.img_prefix,
            args.out,
            args.results,
            compare=args.compare,
            score_thr=args.score_thr,
            top_k=args.top_k,
            videos=args.videos,
            max_videos=args.max_videos,
            fps=args.fps,
            sheet=args.sheet,
            columns=args.columns,
            cell_width=args.cell_width,
            boxes=args.boxes,
        )
    except (ValueError, OSError) as error:
        print(f'render_results: {error}', file=sys.stderr)
        return 1
    for path in written:
        print(f'wrote {path}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
