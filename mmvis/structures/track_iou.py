"""Spatio-temporal IoU of tracks, computed on run lengths."""

from collections.abc import Sequence

import numpy as np
from pycocotools import mask as mask_utils

from .rle import RLE, rle_area

Segmentations = Sequence[RLE | None]

_FRAMES_AT_ONCE = 512  # bounds the memory of long videos


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
    integer (its error is below 1e-5 even for frames of 2^32 pixels). Frame by frame,
    pycocotools skips pairs whose boxes are apart, and the float64 sums are exact to
    2^53, where the uint32 counts of one wide RLE a track would overflow.

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
    intersections = np.zeros((num_dets, num_gts))
    for start in range(0, detection_areas.shape[1], _FRAMES_AT_ONCE):
        frames = slice(start, start + _FRAMES_AT_ONCE)
        intersections += frame_intersections(
            [track[frames] for track in detections],
            [track[frames] for track in ground_truths],
            detection_areas[:, frames],
            ground_truth_areas[:, frames],
        ).sum(axis=0)
    unions = detection_areas.sum(1)[:, None] + ground_truth_areas.sum(1) - intersections
    return intersections / np.maximum(unions, 1)


def frame_intersections(
    detections: Sequence[Segmentations],
    ground_truths: Sequence[Segmentations],
    detection_areas: np.ndarray,
    ground_truth_areas: np.ndarray,
) -> np.ndarray:
    """Pixels that each pair shares in each frame.

    Args:
        detections, ground_truths, detection_areas, ground_truth_areas: as for
            :func:`track_ious`.

    Returns:
        (T, D, G) whole numbers in float64.
    """
    # Most time goes into pycocotools; plain lists keep the rest of a frame small.
    det_present = (detection_areas > 0).T.tolist()
    gt_present = (ground_truth_areas > 0).T.tolist()
    ious = np.zeros((len(det_present), len(detections), len(ground_truths)))
    for frame, present in enumerate(zip(det_present, gt_present, strict=True)):
        dets, gts = ([i for i, here in enumerate(row) if here] for row in present)
        if dets and gts:
            ious[frame][np.ix_(dets, gts)] = mask_utils.iou(
                [detections[i][frame] for i in dets],
                [ground_truths[i][frame] for i in gts],
                [0] * len(gts),
            )
    areas = detection_areas.T[:, :, None] + ground_truth_areas.T[:, None]
    return np.rint(ious * areas / (1 + ious))
