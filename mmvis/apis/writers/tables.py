"""csv and mots: a line for each instance of each frame."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np
from pycocotools import mask as mask_utils

from mmvis.structures.frame_result import FrameResult
from mmvis.structures.rle import RLE, decode_masks, encode_masks, rle_area, rle_to_bbox

from .writer import Writer

CSV_COLUMNS = ('frame', 'id', 'class', 'score', 'x', 'y', 'width', 'height', 'area')


class _Table(Writer):
    """A text file that is open until the video ends."""

    kind: str
    _file: IO[str] | None = None

    def opened(self) -> IO[str]:
        """The file, from the first frame on."""
        if self._file is None:
            self._file = self.path.open('w', newline='', encoding='utf-8')
        return self._file

    def close(self) -> Mapping[str, Path]:
        if self._file is None:
            return {}
        self._file.close()
        return {self.kind: self.path}


class CsvTable(_Table):
    """``name.csv``: frame (from 0), id, class in this frame, score, the mask's box
    (left, top, width and height in px) and its area in px."""

    kind = 'csv'

    def write(self, image: np.ndarray, result: FrameResult) -> None:
        first = self._file is None
        lines = csv.writer(self.opened())
        if first:
            lines.writerow(CSV_COLUMNS)
        if not len(result):
            return
        rles = list(result.rles)
        boxes, areas = rle_to_bbox(rles).astype(int), rle_area(rles)
        for row, name in enumerate(result.names):
            x0, y0, x1, y1 = boxes[row].tolist()
            who = (result.frame_id, result.ids[row], name, f'{result.scores[row]:.4f}')
            lines.writerow([*who, x0, y0, x1 - x0, y1 - y0, int(areas[row])])


class MotsTable(_Table):
    """``name_mots.txt``, as KITTI-MOTS has it: ``frame id class height width rle``.

    Frames count from 0, ids from 1; the class is the category's id in the json. No
    pixel is in two masks: it belongs to the instance of the higher score. Masks without
    a pixel are left out.
    """

    kind = 'mots'

    def write(self, image: np.ndarray, result: FrameResult) -> None:
        file = self.opened()
        height, width = result.size
        for row, rle in enumerate(without_overlaps(result)):
            category = self.video.category_id(int(result.labels[row]))
            if rle_area([rle])[0]:
                counts = rle['counts'].decode()
                track = int(result.ids[row]) + 1
                file.write(
                    f'{result.frame_id} {track} {category} {height} {width} {counts}\n'
                )


def without_overlaps(result: FrameResult) -> list[RLE]:
    """The masks of a frame, each pixel with the instance of the highest score alone."""
    rles = list(result.rles)
    if not rles:
        return rles
    if rle_area([mask_utils.merge(rles)])[0] == rle_area(rles).sum():
        return rles
    masks = decode_masks(rles, *result.size)
    taken = np.zeros(result.size, dtype=bool)
    for row in np.argsort(-result.scores, kind='stable'):
        masks[row] &= ~taken
        taken |= masks[row]
    return encode_masks(masks)
