"""AP and AR of a results file by the YouTube-VIS protocol, without a model.

python tools/analysis_tools/eval_results.py results.json valid/instances.json
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('results', help='results .json, or .zip with results.json')
    parser.add_argument('ann_file', help='annotation file with labels')
    parser.add_argument('--classwise', action='store_true', help='list the categories')
    parser.add_argument(
        '--area-range',
        action='append',
        nargs=3,
        metavar=('NAME', 'LOW', 'HIGH'),
        help='mean area of a track; may be repeated; replaces s, m and l',
    )
    parser.add_argument('--area-unit', choices=('pixel', 'frame'), default='pixel')
    parser.add_argument(
        '--area-ranges-of-data',
        action='store_true',
        help='s, m and l are a third of the annotated objects each',
    )
    parser.add_argument(
        '--count-empty',
        action='store_true',
        help='annotations without a pixel in any frame count as missed objects',
    )
    parser.add_argument(
        '--class-agnostic',
        action='store_true',
        help='also the numbers with all categories as one',
    )
    parser.add_argument(
        '--repair',
        metavar='OUT.json',
        help="masks whose counts are Python's notation of bytes, \"b'...'\", are "
        'repaired, and the results written to this file, too',
    )
    parser.add_argument(
        '--track-metrics',
        nargs='?',
        const='0.3',
        metavar='SCORE',
        help='also HOTA, DetA, AssA, IDF1, MOTA and id switches, of tracks of this '
        "score or more (default: 0.3), or of the 'best' score; needs TrackEval",
    )
    parser.add_argument(
        '--trackeval-files',
        nargs=2,
        metavar=('LAYOUT', 'FOLDER'),
        help='write annotations and results for TrackEval itself, in its layout '
        'youtube-vis, mots or kitti-mots',
    )
    parser.add_argument('--out', help='write the unrounded numbers to this json file')
    return parser.parse_args()


def track_score(text: str | None) -> Any:
    """The score of --track-metrics; None without it."""
    from mmvis.evaluation.tracking_metrics.measure import check_score

    if text is None or text == 'best':
        return text
    try:
        return check_score(float(text))
    except ValueError:
        raise ValueError(
            f"--track-metrics is a score from 0 to 1, or 'best', not {text!r}"
        ) from None


def add_track_metrics(metrics: dict, results: Any, args: argparse.Namespace) -> str:
    """The table of --track-metrics; its numbers are added to the others."""
    from mmvis.evaluation.tracking_metrics import format_track_metrics, track_metrics

    score = track_score(args.track_metrics)
    if score is None:
        return ''
    measured = track_metrics(results, args.ann_file, score)
    metrics |= measured.flat(args.classwise)
    return format_track_metrics(measured, args.classwise)


def write_trackeval_files(results: Any, args: argparse.Namespace) -> list[str]:
    """What --trackeval-files asks for; returns what is to be said of it."""
    if args.trackeval_files is None:
        return []
    from mmvis.datasets.formats.writers.trackeval_files import write_for_trackeval
    from mmvis.evaluation.evaluate_results import load_ground_truth
    from mmvis.evaluation.results_as_annotations import results_as_annotations

    layout, folder = args.trackeval_files
    score = track_score(args.track_metrics)
    truth = load_ground_truth(args.ann_file)
    least = 0.0 if score in (None, 'best') else score
    predicted = results_as_annotations(results, truth, least)
    notes = write_for_trackeval(truth, predicted, folder, layout)
    return [*notes, f'wrote {folder}: tracks of a score of {least:g} or more']


def main() -> int:
    args = parse_args()
    from mmvis.evaluation import evaluate_results
    from mmvis.evaluation.evaluate_results import load_results, repair_results
    from mmvis.evaluation.summary import format_tables
    from mmvis.structures.whole_file import whole_file

    ranges: Any = 'data' if args.area_ranges_of_data else None
    try:
        if args.area_range:
            ranges = {name: (float(a), float(b)) for name, a, b in args.area_range}
        results = args.results
        track_score(args.track_metrics)  # mistakes are told before the work
        if args.repair:
            results = load_results(args.results)
            repaired = repair_results(results)
            with whole_file(args.repair) as file:
                json.dump(results, file)
            print(f'{repaired} masks repaired in {args.repair}')
        metrics = evaluate_results(
            results,
            args.ann_file,
            area_ranges=ranges,
            area_unit=args.area_unit,
            classwise=args.classwise,
            count_empty=args.count_empty,
            class_agnostic=args.class_agnostic,
        )
        table = format_tables(metrics)
        table += add_track_metrics(metrics, results, args)
        notes = write_trackeval_files(results, args)
    except (OSError, ValueError, KeyError, ImportError) as error:
        print(f'{args.results}: {error}', file=sys.stderr)
        return 1
    print(table)
    for note in notes:
        print(note)
    if args.out:
        Path(args.out).write_text(json.dumps(metrics, indent=2) + '\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
