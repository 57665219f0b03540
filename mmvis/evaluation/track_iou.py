"""Spatio-temporal IoU of tracks, computed on run lengths."""

from collections.abc import Sequence

import numpy as np
from pycocotools import mask as mask_utils

from mmvis.structures.rle import RLE, rle_area

Segmentations = Sequence[RLE | None]


def track_areas(tracks: Sequence[Segmentations], num_frames: int) -> np.ndarray:
    """Foreground pixels of every track in every frame.

    Args:
        tracks: N tracks, each a list of ``num_frames`` RLEs or None.

    Returns:
        (N, num_frames) int64, 0 where a track is None.
    """
    areas = np.zeros((len(tracks), num_frames), dtype=np.int64)
    present = np.array(
        [[rle is not None for rle in track] for track in tracks], dtype=bool
    ).reshape(areas.shape)
    areas[present] = rle_area([rle for track in tracks for rle in track if rle])
    return areas


def track_ious(
    detections: Sequence[Segmentations],
    ground_truths: Sequence[Segmentations],
    detection_areas: np.ndarray,
    ground_truth_areas: np.ndarray,
) -> np.ndarray:
    """IoU of each pair: sum of intersections over sum of unions through all frames.

    pycocotools gives the IoU of two masks as a float64 i / u. With the areas a and b
    known, u = a + b - i, so that i = iou (a + b) / (1 + iou), and rounding restores the
    integer (its error is below 1e-6 for frames of 2^32 pixels). Frame by frame,
    pycocotools skips pairs whose boxes are apart; and sums of int64 cannot overflow, as
    the uint32 counts of one wide RLE a track do.

    Args:
        detections: D tracks of T RLEs or None, all RLEs of one size.
        ground_truths: G tracks likewise.
        detection_areas: (D, T) int64, from :func:`track_areas`.
        ground_truth_areas: (G, T) int64.

    Returns:
        (D, G) float64; 0 for a pair without any pixel.
    """
    num_dets, num_gts = len(detections), len(ground_truths)
    if num_dets == 0 or num_gts == 0:
        return np.zeros((num_dets, num_gts))
    det_present = detection_areas > 0
    gt_present = ground_truth_areas > 0
    intersections = np.zeros((num_dets, num_gts), dtype=np.int64)
    for frame in np.flatnonzero(det_present.any(0) & gt_present.any(0)):
        det_index = np.flatnonzero(det_present[:, frame])
        gt_index = np.flatnonzero(gt_present[:, frame])
        ious = mask_utils.iou(
            [detections[i][frame] for i in det_index],
            [ground_truths[j][frame] for j in gt_index],
            [0] * len(gt_index),
        )
        areas = (
            detection_areas[det_index, frame, None]
            + ground_truth_areas[None, gt_index, frame]
        )
        inter = np.rint(ious * areas / (1 + ious)).astype(np.int64)
        intersections[np.ix_(det_index, gt_index)] += inter
    unions = detection_areas.sum(1)[:, None] + ground_truth_areas.sum(1) - intersections
    return intersections / np.maximum(unions, 1)
