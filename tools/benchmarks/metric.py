"""Speed of mmvis's metric against mmdet's YTVISeval, side by side in one process.

    python tools/benchmarks/metric.py --out benchmark_metric.json

Both get the same synthetic tracks: 25 predictions and 3 ground truths of one category
a video. Printed are medians and their ratio: from per-frame RLE to the IoU matrix, a
whole evaluation, and the encoding of masks against mmdet's way.
"""

import argparse
import contextlib
import copy
import io
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mmvis.evaluation.summary import summarize
from mmvis.evaluation.vis_eval import GroundTruth
from mmvis.structures import encode_masks
from mmvis.structures.track_iou import track_areas, track_ious

PREDICTIONS, GROUND_TRUTHS = 25, 3


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


def draw_blobs(rng, centres, radii, height: int, width: int) -> np.ndarray:
    """(n, h, w) bool: wavy discs, each with a run or two a column."""
    y, x = np.ogrid[:height, :width]
    masks = np.zeros((len(centres), height, width), dtype=bool)
    for mask, (cy, cx), radius in zip(masks, centres, radii, strict=True):
        wave = 1 + 0.15 * np.sin(x / rng.uniform(5, 20) + rng.uniform(0, 6))
        mask[:] = (y - cy) ** 2 + (x - cx) ** 2 < (radius * wave) ** 2
    return masks


def make_video(args: argparse.Namespace, rng) -> tuple[list, list, np.ndarray]:
    """Predicted tracks, ground truth tracks (lists of RLE), one frame's masks.

    Predictions jitter around the three objects, the rest are anywhere; one of ten
    masks is missing.
    """
    size = np.array([args.height, args.width])
    total = PREDICTIONS + GROUND_TRUTHS
    centres = rng.uniform(0.25, 0.75, (total, 2)) * size
    radii = rng.uniform(0.08, 0.25, total) * args.height
    near = rng.integers(0, GROUND_TRUTHS, 2 * PREDICTIONS // 3)
    close = slice(GROUND_TRUTHS, GROUND_TRUTHS + len(near))
    centres[close] = centres[near] + rng.normal(0, 0.02, (len(near), 2)) * size
    radii[close] = radii[near] * rng.uniform(0.8, 1.2, len(near))
    drift = rng.normal(0, 0.004, (total, 2)) * size
    drift[close] = drift[near]
    tracks = [[] for _ in range(total)]
    for _ in range(args.frames):
        masks = draw_blobs(rng, centres, radii, args.height, args.width)
        for track, rle in zip(tracks, encode_masks(masks), strict=True):
            rle['counts'] = rle['counts'].decode()
            track.append(rle if rng.random() < 0.9 else None)
        centres += drift
    return tracks[GROUND_TRUTHS:], tracks[:GROUND_TRUTHS], masks


def make_files(args: argparse.Namespace, tracks: list, truths: list, rng) -> tuple:
    """Annotation file and results with the same masks in every video."""
    areas = track_areas(truths, args.frames).tolist()
    videos, annotations, results = [], [], []
    for video_id in range(1, args.videos + 1):
        names = [f'{video_id}/{frame:05d}.jpg' for frame in range(args.frames)]
        videos.append(
            {
                'id': video_id,
                'file_names': names,
                'length': args.frames,
                'height': args.height,
                'width': args.width,
            }
        )
        for segmentations, area in zip(truths, areas, strict=True):
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'video_id': video_id,
                    'category_id': 1,
                    'iscrowd': 0,
                    'segmentations': segmentations,
                    'areas': [value or None for value in area],
                }
            )
        for segmentations in tracks:
            results.append(
                {
                    'video_id': video_id,
                    'category_id': 1,
                    'score': float(rng.random()),
                    'segmentations': segmentations,
                }
            )
    categories = [{'id': 1, 'name': 'blob'}]
    return (
        {'videos': videos, 'annotations': annotations, 'categories': categories},
        results,
    )


def official_ious(ground_truth: dict, results: list) -> Callable[[], np.ndarray]:
    """mmdet's IoU matrix of the first video, all preparation done."""
    from mmdet.evaluation.functional import YTVIS, YTVISeval

    truth = YTVIS(copy.deepcopy(ground_truth))
    evaluation = YTVISeval(truth, truth.loadRes(copy.deepcopy(results)), 'segm')
    evaluation._prepare()
    return lambda: evaluation.computeIoU(1, 1)


def official_evaluation(ground_truth: dict, results: list) -> np.ndarray:
    from mmdet.evaluation.functional import YTVIS, YTVISeval

    truth = YTVIS(ground_truth)
    evaluation = YTVISeval(truth, truth.loadRes(results), 'segm')
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats


def our_evaluation(ground_truth: dict, results: list) -> dict:
    truth = GroundTruth(ground_truth['videos'], ground_truth['annotations'], [1])
    return summarize(truth, truth.match(results))


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
    import torch
    from mmdet.structures.mask import encode_mask_results

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
