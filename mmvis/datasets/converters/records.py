"""Records of the YouTube-VIS form, made of masks, and the file that holds them."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmvis.structures.rle import RLE, rle_area, rle_to_bbox
from mmvis.structures.whole_file import whole_file


def video_record(
    video_id: int | str, file_names: list[str], height: int, width: int, **more: Any
) -> dict:
    """A record of the list "videos"; ``more`` are further keys."""
    return more | dict(
        id=video_id,
        height=height,
        width=width,
        length=len(file_names),
        file_names=file_names,
    )


def object_record(
    annotation_id: int,
    video: dict,
    category_id: int,
    masks: Sequence[RLE | None],
    iscrowd: int = 0,
    **more: Any,
) -> dict | None:
    """A record of the list "annotations"; boxes and areas are those of the masks.

    Args:
        annotation_id: unique in the file.
        video: of :func:`video_record`.
        category_id: of the list "categories".
        masks: one a frame, counts of type bytes, of the video's size; None, or a mask
            without any pixel, where the object cannot be seen.
        iscrowd: 0 or 1.
        **more: further keys.

    Returns:
        The record; None for an object that cannot be seen in any frame.
    """
    found = {frame: mask for frame, mask in enumerate(masks) if mask is not None}
    rles = list(found.values())
    boxes = rle_to_bbox(rles)
    boxes[:, 2:] -= boxes[:, :2]
    values: list[tuple] = [(None, None, None)] * len(masks)
    for frame, rle, box, area in zip(
        found, rles, boxes.tolist(), rle_area(rles).tolist(), strict=True
    ):
        if area:
            mask = dict(size=list(rle['size']), counts=rle['counts'].decode())
            values[frame] = mask, box, area
    if not any(area for _, _, area in values):
        return None
    columns = zip(*values, strict=True)
    segmentations, bboxes, areas = (list(column) for column in columns)
    return more | dict(
        id=annotation_id,
        video_id=video['id'],
        category_id=category_id,
        iscrowd=iscrowd,
        height=video['height'],
        width=video['width'],
        length=video['length'],
        segmentations=segmentations,
        bboxes=bboxes,
        areas=areas,
    )


def check_place(out: str | Path) -> None:
    """Whether a file can be written, to be asked before the work is done.

    Nothing is made or changed: missing folders come with the file.

    Raises:
        OSError: It cannot; the message is for the user.
    """
    out = Path(out)
    if os.path.isdir(out):
        raise IsADirectoryError(f"'{out}' is a folder: name a json file to write.")
    parents = out.absolute().parents
    folder = next(place for place in parents if os.path.lexists(place))
    if not os.path.isdir(folder):
        raise NotADirectoryError(f"'{out}' cannot be written: '{folder}' is no folder.")
    if folder == parents[0]:
        with suppress(_OnlyAsked), whole_file(out):
            raise _OnlyAsked
    elif not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(
            f"'{out}' cannot be written: you may not make folders in '{folder}'."
        )


def write_annotation_file(content: dict, out: str | Path) -> None:
    """Write an annotation file in one piece: one that is there is whole."""
    with whole_file(out) as file:
        # Escaped, so that names which are not UTF-8 on disk can be written too.
        file.write(json.dumps(content))


class _OnlyAsked(Exception):
    """Keeps ``whole_file`` from giving the file its name."""
