"""The YouTube-VIS protocol once more, pixel by pixel, to check the metric against.

Plain loops over decoded masks, to be read beside the protocol. Nothing here is
shared with the package; `pycocotools` only turns run lengths into pixels.
"""

import math
from dataclasses import dataclass

import numpy as np
from pycocotools import mask as mask_utils

ALL_AREAS = (0.0, 1e5**2)
# The thresholds are the protocol's floats, not i / 100: 0.07 and 7 * 0.01 differ.
IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10).tolist()
RECALL_POINTS = np.linspace(0.0, 1.0, 101).tolist()
AP50, AP75 = 0, 5  # places in IOU_THRESHOLDS


@dataclass(eq=False)
class Track:
    """One ground truth or predicted track, decoded.

    Attributes:
        frames: one entry a frame, a list of pixel rows (0 / 1) or None.
        average_area: pixels, mean over the frames in which there is an area.
        score: of a prediction; 0 for ground truth.
        crowd: of ground truth; False for a prediction.
    """

    frames: list
    average_area: float
    score: float = 0.0
    crowd: bool = False


def brute_force_vis_ap(
    ground_truth: dict,
    results: list[dict],
    area_ranges: dict[str, tuple[float, float]],
) -> dict[str, float | None]:
    """Average precision and recall of `results` on `ground_truth`.

    Args:
        ground_truth: contents of an official annotation file (videos, annotations,
            categories); segmentations are compressed or uncompressed RLE or None.
        results: contents of a results.json; segmentations are compressed RLE or None.
        area_ranges: name -> (lowest, highest) average area, pixels, both included.

    Returns:
        AP, AP50, AP75, AP_<name> of each range, AR1, AR10, AR100; None where no
        category has ground truth to find.
    """
    cells = collect(ground_truth, results)
    whole = {n: evaluate(cells, ALL_AREAS, n) for n in (1, 10, 100)}
    metrics = {
        'AP': mean_precision(whole[100], range(len(IOU_THRESHOLDS))),
        'AP50': mean_precision(whole[100], [AP50]),
        'AP75': mean_precision(whole[100], [AP75]),
    }
    for name, area_range in area_ranges.items():
        categories = evaluate(cells, area_range, 100)
        every = range(len(IOU_THRESHOLDS))
        metrics[f'AP_{name}'] = mean_precision(categories, every)
    for max_dets, categories in whole.items():
        metrics[f'AR{max_dets}'] = mean_recall(categories)
    return metrics


def collect(ground_truth: dict, results: list[dict]) -> list[list[tuple]]:
    """A list a category of its (truths, predictions, ious), one triple a video.

    Predictions come best score first, equal scores in the order of the file, and
    only the first 100 are kept: no figure looks at more.
    """
    cells = []
    lengths = {video['id']: video['length'] for video in ground_truth['videos']}
    for category_id in sorted(c['id'] for c in ground_truth['categories']):
        videos = []
        for video_id in sorted(lengths):
            place = (video_id, category_id)
            truths = []
            for annotation in ground_truth['annotations']:
                if (annotation['video_id'], annotation['category_id']) == place:
                    truths.append(decode_truth(annotation))
            predictions = []
            for result in results:
                if (result['video_id'], result['category_id']) == place:
                    predictions.append(decode_prediction(result))
            for track in truths + predictions:
                assert len(track.frames) == lengths[video_id]
            predictions = sorted(predictions, key=lambda track: -track.score)[:100]
            # Keyed by the places of the two tracks, never by ids of the file.
            ious = {}
            for p, prediction in enumerate(predictions):
                for t, truth in enumerate(truths):
                    ious[p, t] = spatio_temporal_iou(prediction, truth)
            videos.append((truths, predictions, ious))
        cells.append(videos)
    return cells


def decode_truth(annotation: dict) -> Track:
    """A ground truth track; its areas are those that the file states."""
    return Track(
        frames=[decode(rle) for rle in annotation['segmentations']],
        average_area=mean_of_truthy(annotation['areas']),
        crowd=bool(annotation.get('iscrowd', 0)),
    )


def decode_prediction(result: dict) -> Track:
    """A predicted track; its areas are counted from its pixels."""
    frames = [decode(rle) for rle in result['segmentations']]
    areas = [None if f is None else sum(map(sum, f)) for f in frames]
    return Track(frames, mean_of_truthy(areas), score=result['score'])


def decode(rle: dict | None) -> list[list[int]] | None:
    """Pixel rows of one run-length mask."""
    if rle is None:
        return None
    if not isinstance(rle['counts'], list):
        return mask_utils.decode(rle).tolist()
    height, width = rle['size']
    column_major = []
    for run, count in enumerate(rle['counts']):
        column_major += [run % 2] * count
    return [[column_major[x * height + y] for x in range(width)] for y in range(height)]


def mean_of_truthy(areas: list) -> float:
    """Mean of the areas that are neither None nor 0; 0 if there are none."""
    present = [area for area in areas if area]
    return sum(present) / len(present) if present else 0.0


def spatio_temporal_iou(first: Track, second: Track) -> float:
    """Pixels in both over pixels in either, each summed through all frames."""
    intersection = union = 0
    for a, b in zip(first.frames, second.frames, strict=True):
        if a is None and b is None:
            continue
        shape = a if a is not None else b
        for y in range(len(shape)):
            for x in range(len(shape[y])):
                in_a = a is not None and a[y][x]
                in_b = b is not None and b[y][x]
                intersection += bool(in_a and in_b)
                union += bool(in_a or in_b)
    return intersection / union if union else 0.0


def outside(track: Track, area_range: tuple[float, float]) -> bool:
    return track.average_area < area_range[0] or track.average_area > area_range[1]


def match(truths, predictions, ious, ignored, threshold) -> list[int | None]:
    """Greedy assignment: the place of its ground truth for each prediction, or None.

    A prediction takes the ground truth of highest IoU that is free. Those to be found
    are tried before those to be ignored, which it takes only if none of the former
    fits. A crowd is never used up. Of equal IoUs the later ground truth wins.
    """
    to_find = [t for t in range(len(truths)) if not ignored[t]]
    to_ignore = [t for t in range(len(truths)) if ignored[t]]
    taken = set()
    matches = []
    for p in range(len(predictions)):
        chosen = None
        for candidates in (to_find, to_ignore):
            best = min(threshold, 1 - 1e-10)
            for t in candidates:
                free = t not in taken or truths[t].crowd
                if free and ious[p, t] >= best:
                    best, chosen = ious[p, t], t
            if chosen is not None:
                taken.add(chosen)
                break
        matches.append(chosen)
    return matches


def evaluate(cells, area_range, max_dets) -> list[tuple[list, list]]:
    """(precisions, recalls) of each category that has ground truth to find.

    precisions[k][r] is that at IoU threshold k and recall point r, recalls[k] the
    highest recall at IoU threshold k.
    """
    categories = []
    for videos in cells:
        number_to_find = 0
        for truths, _, _ in videos:
            for truth in truths:
                number_to_find += not (truth.crowd or outside(truth, area_range))
        if number_to_find == 0:
            continue
        precisions, recalls = [], []
        for threshold in IOU_THRESHOLDS:
            hits = ranked_hits(videos, area_range, max_dets, threshold)
            curve, recall = precision_curve(hits, number_to_find)
            precisions.append(curve)
            recalls.append(recall)
        categories.append((precisions, recalls))
    return categories


def ranked_hits(videos, area_range, max_dets, threshold) -> list[bool]:
    """Hit or miss of the predictions that count, over all videos, best score first."""
    outcomes = []
    for truths, predictions, ious in videos:
        predictions = predictions[:max_dets]
        ignored = [t.crowd or outside(t, area_range) for t in truths]
        matches = match(truths, predictions, ious, ignored, threshold)
        for prediction, t in zip(predictions, matches, strict=True):
            if t is None:
                if not outside(prediction, area_range):
                    outcomes.append((prediction.score, False))
            elif not ignored[t]:
                outcomes.append((prediction.score, True))
    # sorted() is stable: equal scores stay in the order of the videos.
    return [hit for _, hit in sorted(outcomes, key=lambda outcome: -outcome[0])]


def precision_curve(hits: list[bool], number_to_find: int) -> tuple[list, float]:
    """Interpolated precision at the 101 recall points, and the final recall."""
    precision, recall = [], []
    true_positives = 0
    for rank, hit in enumerate(hits, start=1):
        true_positives += hit
        precision.append(true_positives / (rank + np.spacing(1)))
        recall.append(true_positives / number_to_find)
    # The envelope: a precision is at least that of every later rank.
    for i in range(len(precision) - 1, 0, -1):
        precision[i - 1] = max(precision[i - 1], precision[i])
    curve = []
    for point in RECALL_POINTS:
        reached = [i for i in range(len(recall)) if recall[i] >= point]
        curve.append(precision[reached[0]] if reached else 0.0)
    return curve, recall[-1] if recall else 0.0


def mean_precision(categories, thresholds) -> float | None:
    values = []
    for precisions, _ in categories:
        for k in thresholds:
            values += precisions[k]
    return math.fsum(values) / len(values) if values else None


def mean_recall(categories) -> float | None:
    values = []
    for _, recalls in categories:
        values += recalls
    return math.fsum(values) / len(values) if values else None
