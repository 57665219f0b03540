"""A frame's instances as objects of supervision and of FiftyOne."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from .rle import rle_to_bbox

if TYPE_CHECKING:
    from .frame_result import FrameResult


def supervision_package(needed_by: str) -> ModuleType:
    """The package supervision.

    Raises:
        ImportError: it is not installed; the message says what to type.
    """
    try:
        import supervision
    except ImportError:
        raise ImportError(
            f'{needed_by} needs the package supervision: pip install supervision'
        ) from None
    return supervision


def fiftyone_package(needed_by: str) -> ModuleType:
    """The package FiftyOne.

    Raises:
        ImportError: it is not installed; the message says what to type.
    """
    try:
        import fiftyone
    except ImportError:
        raise ImportError(
            f'{needed_by} needs the package fiftyone: pip install fiftyone'
        ) from None
    return fiftyone


def to_supervision(result: FrameResult) -> Any:
    """``supervision.Detections`` with tracker ids, masks and class names."""
    return supervision_package('to_supervision').Detections(
        xyxy=result.bboxes,
        mask=result.masks,
        confidence=result.scores,
        class_id=result.labels,
        tracker_id=result.ids,
        data={'class_name': np.array(result.names, dtype=str)},
    )


def to_fiftyone(result: FrameResult, confidence: bool = True) -> Any:
    """``fiftyone.Detections``: boxes relative to the frame, each with the mask inside,
    the id as ``index``. Boxes are those of the masks, so that no pixel is cut off.

    Args:
        result: of a frame.
        confidence: whether scores are given; annotations have none.
    """
    package = fiftyone_package('to_fiftyone')
    height, width = result.size
    detections = []
    boxes = rle_to_bbox(list(result.rles)).astype(int).tolist()
    for row, (left, top, right, bottom) in enumerate(boxes):
        more: dict[str, Any] = {}
        if confidence:
            more['confidence'] = float(result.scores[row])
        if right > left and bottom > top:
            more['mask'] = result.masks[row, top:bottom, left:right]
        detections.append(
            package.Detection(
                label=result.names[row],
                bounding_box=[
                    left / width,
                    top / height,
                    (right - left) / width,
                    (bottom - top) / height,
                ],
                index=int(result.ids[row]),
                **more,
            )
        )
    return package.Detections(detections=detections)
