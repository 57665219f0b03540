"""Error analysis of a results file: what costs AP, as a table and an HTML report.

python tools/analysis_tools/analyze_errors.py results.json valid/instances.json
"""

import argparse
import dataclasses
import json
import sys

from mmvis.engine.command_line import user_message
from mmvis.structures.whole_file import whole_file


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('results', help='results .json, or .zip with results.json')
    parser.add_argument('ann_file', help='annotation file with labels')
    parser.add_argument(
        '--img-prefix',
        help='folder that the file names of the videos are relative to; without it the '
        'worst cases are shown as masks on grey',
    )
    parser.add_argument(
        '--out', default='error_analysis.html', help='the report (default: %(default)s)'
    )
    parser.add_argument('--json', help='write the unrounded numbers to this file')
    parser.add_argument(
        '--iou-thr',
        type=float,
        default=0.5,
        help='spatio-temporal IoU from which a track is right: 0.5, 0.55, ..., 0.95',
    )
    parser.add_argument(
        '--cases',
        type=int,
        default=2,
        help='worst cases of each kind, at most; 0 for none',
    )
    parser.add_argument(
        '--frames', type=int, default=6, help='frames of a filmstrip, at most'
    )
    parser.add_argument(
        '--track-score',
        type=float,
        default=0.3,
        help='lowest score of tracks for HOTA and its like (default: %(default)s), '
        'which are shown where TrackEval is installed',
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from mmvis.evaluation.error_analysis import analyze_errors
    from mmvis.evaluation.error_analysis.report import write_report
    from mmvis.evaluation.error_analysis.tables import format_errors, to_dict
    from mmvis.evaluation.tracking_metrics import (
        format_track_metrics,
        has_trackeval,
        track_metrics,
    )
    from mmvis.evaluation.tracking_metrics.measure import check_score
    from mmvis.evaluation.tracking_metrics.trackeval_package import HOW_TO_INSTALL

    try:
        analysis = analyze_errors(args.results, args.ann_file, args.iou_thr)
        print(format_errors(analysis))
        tracking, score = None, check_score(args.track_score)
        if has_trackeval():
            tracking = track_metrics(args.results, args.ann_file, score)
            print(format_track_metrics(tracking))
        else:
            print(HOW_TO_INSTALL)
        write_report(
            analysis,
            args.out,
            args.img_prefix,
            files=[args.results, args.ann_file],
            cases_per_kind=args.cases,
            frames=args.frames,
            tracking=tracking,
        )
        print(f'wrote {args.out}')
        if args.json:
            with whole_file(args.json) as file:
                numbers = to_dict(analysis)
                if tracking is not None:
                    numbers['tracking'] = dataclasses.asdict(tracking)
                file.write(json.dumps(numbers, indent=2) + '\n')
            print(f'wrote {args.json}')
    except (ValueError, OSError) as error:
        message = user_message(error)
        if message is None:
            raise
        print(f'analyze_errors: {message}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
