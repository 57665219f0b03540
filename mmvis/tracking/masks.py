"""Masks as boxes and small outlines: all that association looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from mmvis.structures.rle import RLE, rle_to_bbox, unpack_counts
from mmvis.structures.segmentation import to_rle

# Points a side: an outline of 24 x 24 is within some percent of the mask's own IoU.
SIDE = 24


@dataclass(frozen=True)
class Outlines:
    """n masks, each sampled in a grid of points inside its box.

    An outline costs 576 bytes, whatever the frame's size, and can be moved with its
    box: that is how tracks are predicted.

    Attributes:
        boxes (np.ndarray): (n, 4) float64, xyxy in pixels; zeros for an empty mask.
        inside (np.ndarray): (n, SIDE, SIDE) bool: whether the centre of each cell of
            the box is in the mask.
    """

    boxes: np.ndarray
    inside: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: np.ndarray) -> Outlines:
        return Outlines(self.boxes[rows], self.inside[rows])

    @cached_property
    def areas(self) -> np.ndarray:
        """(n,) areas in px, by the points."""
        sides = self.boxes[:, 2:] - self.boxes[:, :2]
        return sides[:, 0] * sides[:, 1] * self.inside.mean((1, 2))

    @classmethod
    def of_array(cls, masks: np.ndarray) -> Outlines:
        """Of masks (n, h, w), bool or integers."""
        boxes = np.zeros((len(masks), 4))
        inside = np.zeros((len(masks), SIDE, SIDE), bool)
        for row, mask in enumerate(masks):
            small = np.ascontiguousarray(mask)
            if small.dtype not in (np.bool_, np.uint8):
                small = small != 0
            left, top, width, height = cv2.boundingRect(small.view(np.uint8))
            boxes[row] = left, top, left + width, top + height
            if width and height:
                x, y = sample_points(boxes[row : row + 1])
                inside[row] = small[y[0][:, None], x[0][None, :]]
        return cls(boxes, inside)

    @classmethod
    def of_rles(cls, rles: Sequence[RLE]) -> Outlines:
        """Of run-length encodings; no mask is decoded."""
        boxes = rle_to_bbox(rles)
        inside = np.zeros((len(rles), SIDE, SIDE), bool)
        columns, lines = sample_points(boxes)
        for row, rle in enumerate(rles):
            if boxes[row, 2] > boxes[row, 0]:
                stops = np.cumsum(unpack_counts(rle))
                height = rle['size'][0]
                places = columns[row][:, None] * height + lines[row][None, :]
                runs = np.searchsorted(stops, places.ravel(), side='right')
                # Every other run is of the mask; columns come first.
                inside[row] = (runs % 2 == 1).reshape(SIDE, SIDE).T
        return cls(boxes, inside)


def outlines_of(
    masks: Any, size: tuple[int, int] | None = None
) -> tuple[Outlines, tuple[int, int] | None]:
    """Masks of a frame in any form as outlines, and the frame's size.

    Args:
        masks: (n, h, w) bool or integers, an array or a tensor; or n run-length
            encodings (dicts, COCO's); or n lists of polygons, each [x0, y0, x1, y1,
            ...] in pixels; or their outlines. None or an empty list: nothing.
        size (tuple[int, int], optional): Height and width; polygons need it.

    Raises:
        ValueError: They are none of these, or of another size.
    """
    if isinstance(masks, Outlines):
        return masks, size
    if masks is None or (not hasattr(masks, 'ndim') and len(masks) == 0):
        return Outlines(np.zeros((0, 4)), np.zeros((0, SIDE, SIDE), bool)), size
    if hasattr(masks, 'detach'):  # a tensor, without importing torch to ask
        masks = masks.detach().cpu().numpy()
    if not hasattr(masks, 'ndim') and hasattr(masks[0], 'shape'):
        masks = np.stack([np.asarray(mask) for mask in masks])
    if hasattr(masks, 'ndim'):
        check_array(masks)
        found = tuple(masks.shape[1:])
        _check_size(found, size, 'masks')
        return Outlines.of_array(masks), found
    rles = as_rles(masks, size)
    return Outlines.of_rles(rles), tuple(rles[0]['size'])


def check_array(masks: Any) -> None:
    """Refuse an array or a tensor that is not (n, h, w) of bool or integers.

    Raises:
        ValueError: It is not.
    """
    soft = 'float' in str(masks.dtype) or 'complex' in str(masks.dtype)
    if masks.ndim != 3 or soft:
        raise ValueError(
            f'masks are {masks.dtype} of shape {tuple(masks.shape)}, not (n, h, w) '
            'bool or integers (threshold soft ones: masks > 0.5).'
        )


def as_rles(masks: Sequence[Any], size: tuple[int, int] | None) -> list[RLE]:
    """Run-length encodings or lists of polygons as checked encodings of one size.

    Raises:
        ValueError: One is neither, damaged, or of another size.
    """
    rles: list[RLE] = []
    for row, mask in enumerate(masks):
        if isinstance(mask, dict) and size is None and 'size' in mask:
            size = tuple(mask['size'])
        if size is None:
            raise ValueError(
                'Polygons need the size of the frame: size=(height, width)'
            )
        try:
            rle = to_rle(mask, *size)
        except ValueError as error:
            raise ValueError(f'mask {row}: {error}') from None
        if rle is None:
            rle = to_rle({'size': list(size), 'counts': [size[0] * size[1]]}, *size)
        assert rle is not None  # it has counts
        rles.append(rle)
    return rles


def overlaps(
    first: Outlines, second: Outlines, pairs: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """IoU of pairs of masks, and how much of the smaller one both have.

    Args:
        first, second (Outlines): n and m masks of one frame.
        pairs (tuple[np.ndarray, np.ndarray]): (k,) rows of the one and of the other.

    Returns:
        tuple: (k,) and (k,) in [0, 1]; 0 where one is empty.
    """
    i, j = pairs
    iou, share = np.zeros(len(i)), np.zeros(len(i))
    ours, theirs = first.boxes[i], second.boxes[j]
    meet = (
        np.minimum(ours[:, 2:], theirs[:, 2:]) > np.maximum(ours[:, :2], theirs[:, :2])
    ).all(1)
    if not meet.any():
        return iou, share
    i, j, ours, theirs = i[meet], j[meet], ours[meet], theirs[meet]
    one, other = first.areas[i], second.areas[j]
    # The grid of the one with the smaller box, looked up in that of the other.
    fine, coarse = first.inside[i], second.inside[j]
    swap = (ours[:, 2:] - ours[:, :2]).prod(1) > (theirs[:, 2:] - theirs[:, :2]).prod(1)
    fine[swap], coarse[swap] = coarse[swap], fine[swap]
    ours[swap], theirs[swap] = theirs[swap], ours[swap]
    steps = ((np.arange(SIDE) + 0.5) / SIDE)[None, :, None]
    own, sides = ours[:, 2:] - ours[:, :2], theirs[:, 2:] - theirs[:, :2]
    points = ours[:, None, :2] + steps * own[:, None]
    cells = np.floor((points - theirs[:, None, :2]) / sides[:, None] * SIDE).astype(int)
    valid = (cells >= 0) & (cells < SIDE)
    cells = cells.clip(0, SIDE - 1)
    x, y = cells[:, None, :, 0], cells[:, :, None, 1]
    there = coarse[np.arange(len(i))[:, None, None], y, x]
    there &= valid[:, None, :, 0] & valid[:, :, None, 1]
    both = (fine & there).mean((1, 2)) * own.prod(1)
    smaller = np.minimum(one, other)
    both = np.minimum(both, smaller)
    iou[meet] = both / np.maximum(one + other - both, 1e-9)
    share[meet] = both / np.maximum(smaller, 1e-9)
    return iou, share


def sample_points(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows (n, SIDE) of the pixels that are sampled in boxes (n, 4)."""
    steps = (np.arange(SIDE) + 0.5) / SIDE
    sides = boxes[:, 2:] - boxes[:, :2]
    points = boxes[:, :2, None] + steps * sides[:, :, None]
    pixels = np.floor(points).astype(np.int64)
    return pixels[:, 0], pixels[:, 1]


def _check_size(
    found: tuple[int, ...], size: tuple[int, int] | None, what: str
) -> None:
    if size is not None and tuple(found) != tuple(size):
        raise ValueError(
            f'{what} are {found[1]} x {found[0]} px (width x height), the frame is '
            f'{size[1]} x {size[0]}.'
        )
