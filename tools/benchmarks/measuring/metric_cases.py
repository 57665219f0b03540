"""Videos for the metric, and mmdet's and our way to evaluate them."""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable

import numpy as np
from mmdet.evaluation.functional import YTVIS, YTVISeval

from mmvis.evaluation.summary import summarize
from mmvis.evaluation.vis_eval import GroundTruth
from mmvis.structures import encode_masks
from mmvis.structures.track_iou import track_areas

PREDICTIONS, GROUND_TRUTHS = 25, 3


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
    truth = YTVIS(copy.deepcopy(ground_truth))
    evaluation = YTVISeval(truth, truth.loadRes(copy.deepcopy(results)), 'segm')
    evaluation._prepare()
    return lambda: evaluation.computeIoU(1, 1)


def official_evaluation(ground_truth: dict, results: list) -> np.ndarray:
    truth = YTVIS(ground_truth)
    evaluation = YTVISeval(truth, truth.loadRes(results), 'segm')
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats


def our_evaluation(ground_truth: dict, results: list) -> dict:
    truth = GroundTruth(ground_truth['videos'], ground_truth['annotations'], [1])
    return summarize(truth, truth.match(results))
