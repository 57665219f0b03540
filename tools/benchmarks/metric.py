"""Speed of mmvis's metric against mmdet's YTVISeval, side by side in one process.

    python tools/benchmarks/metric.py --out benchmark_metric.json

Both get the same synthetic tracks: 25 predictions and 3 ground truths of one category
a video. Printed are medians and their ratio: from per-frame RLE to the IoU matrix, a
whole evaluation, and the encoding of masks against mmdet's way.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--frames', type=int, default=30)
    parser.add_argument('--height', type=int, default=720)
    parser.add_argument('--width', type=int, default=1280)
    parser.add_argument('--videos', type=int, default=302)
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', help='write the numbers to this json file')
    return parser.parse_args()


def median_seconds(call: Callable, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def compare(name: str, theirs: float, ours: float) -> dict:
    print(
        f'{name}: mmdet {theirs * 1e3:.2f} ms, mmvis {ours * 1e3:.2f} ms, '
        f'{theirs / ours:.2f} times as fast'
    )
    return {'mmdet_s': theirs, 'mmvis_s': ours, 'ratio': theirs / ours}


def main() -> None:
    args = parse_args()
    import numpy as np
    import torch
    from measuring.metric_cases import (
        PREDICTIONS,
        make_files,
        make_video,
        official_evaluation,
        official_ious,
        our_evaluation,
    )
    from mmdet.structures.mask import encode_mask_results

    from mmvis.structures import encode_masks
    from mmvis.structures.track_iou import track_areas, track_ious

    if not hasattr(np, 'float'):
        np.float = float  # older copies of the official code need it
    torch.set_num_threads(1)
    rng = np.random.default_rng(args.seed)
    tracks, truths, masks = make_video(args, rng)
    ground_truth, results = make_files(args, tracks, truths, rng)
    report = {'settings': vars(args)}
    quiet = contextlib.redirect_stdout(io.StringIO())

    def our_ious() -> np.ndarray:
        det_areas = track_areas(tracks, args.frames)
        gt_areas = track_areas(truths, args.frames)
        return track_ious(tracks, truths, det_areas, gt_areas)

    with quiet:
        theirs = official_ious(ground_truth, results)
        order = np.argsort(
            [-result['score'] for result in results[:PREDICTIONS]], kind='stable'
        )
        assert np.array_equal(theirs(), our_ious()[order]), 'IoU matrices differ'
        seconds = median_seconds(theirs, args.repeats)
    report['iou'] = compare(
        'RLE to IoU matrix', seconds, median_seconds(our_ious, args.repeats)
    )

    times, stats = [], None
    with quiet:
        for _ in range(args.repeats):
            # It writes into what it is given: a fresh copy each time, not timed.
            copies = copy.deepcopy(ground_truth), copy.deepcopy(results)
            start = time.perf_counter()
            stats = official_evaluation(*copies)
            times.append(time.perf_counter() - start)
    metrics = our_evaluation(ground_truth, results)
    assert abs(stats[0] - metrics['AP']) < 1e-12, (stats[0], metrics['AP'])
    ours = median_seconds(lambda: our_evaluation(ground_truth, results), args.repeats)
    report['evaluation'] = compare(
        f'evaluation of {args.videos} videos', statistics.median(times), ours
    )

    frame = torch.from_numpy(masks)
    report['encoding'] = compare(
        f'encoding of {len(masks)} masks',
        median_seconds(lambda: encode_mask_results(frame.numpy()), args.repeats),
        median_seconds(lambda: encode_masks(frame), args.repeats),
    )
    if args.out:
        Path(args.out).write_text(json.dumps(report, indent=2) + '\n')
        print(f'Wrote {args.out}')


if __name__ == '__main__':
    main()
