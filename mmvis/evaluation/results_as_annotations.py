"""Predictions in the place of annotations, to be written, drawn or corrected."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmvis.structures.annotation_file import VISAnnotations
from mmvis.structures.rle import rle_area, rle_to_bbox

from .evaluate_results import checked_results


def results_as_annotations(
    results: Sequence[dict] | str | Path, content: VISAnnotations, score: float = 0.0
) -> VISAnnotations:
    """The videos of a file with what was predicted for them.

    Args:
        results: as for :func:`evaluate_results`.
        content: the file that they are of; its annotations are not used.
        score: tracks below are left out.

    Returns:
        A file whose annotations have ids from 1 in the order of the results, their
        ``score``, and the boxes and areas of their masks.

    Raises:
        ValueError: a result does not fit to the file.
    """
    videos = {video['id']: video for video in content.videos}
    annotations: list[dict] = []
    for result in checked_results(results, content):
        if result['score'] < score:
            continue
        video, masks = videos[result['video_id']], list(result['segmentations'])
        frames = [frame for frame, mask in enumerate(masks) if mask is not None]
        areas = rle_area([masks[frame] for frame in frames]).tolist()
        boxes = rle_to_bbox([masks[frame] for frame in frames])
        boxes[:, 2:] -= boxes[:, :2]
        record: dict[str, Any] = dict(
            id=len(annotations) + 1,
            video_id=video['id'],
            category_id=result['category_id'],
            score=result['score'],
            iscrowd=0,
            height=video['height'],
            width=video['width'],
            length=video['length'],
            segmentations=masks,
            bboxes=[None] * len(masks),
            areas=[None] * len(masks),
        )
        for frame, box, area in zip(frames, boxes.tolist(), areas, strict=True):
            if area:
                record['bboxes'][frame], record['areas'][frame] = box, area
            else:
                masks[frame] = None
        annotations.append(record)
    return dataclasses.replace(content, annotations=annotations)
