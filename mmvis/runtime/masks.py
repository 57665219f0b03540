"""Soft masks: made of prototypes, and brought to the size of the frame."""

from __future__ import annotations

import math

import cv2
import numpy as np

from .preparation import Geometry


def sigmoid(values: np.ndarray) -> np.ndarray:
    """The logistic function, without a warning for what is far below zero."""
    with np.errstate(over='ignore'):
        return 1 / (1 + np.exp(-values))


def assemble_masks(
    prototypes: np.ndarray,
    coefficients: np.ndarray,
    boxes: np.ndarray,
    input_shape: tuple[int, int],
    activation: str | None,
) -> np.ndarray:
    """Soft masks (n, h, w) of STMask (eqs. 9 and 14), zero outside of their boxes.

    Args:
        prototypes (ndarray): (K, h, w).
        coefficients (ndarray): (n, K).
        boxes (ndarray): (n, 4) in pixels of the padded input. A box grows by a mask
            pixel on each side.
        input_shape (tuple[int, int]): Height and width of that input.
        activation (str | None): 'tanh', of the coefficients.
    """
    if activation == 'tanh':
        coefficients = np.tanh(coefficients)
    count, (height, width) = len(coefficients), prototypes.shape[1:]
    masks = np.zeros((count, height, width), np.float32)
    x1, y1, x2, y2 = boxes.T
    rows = _inside(y1, y2, height, height / input_shape[0])
    columns = _inside(x1, x2, width, width / input_shape[1])
    for mask, vector, (top, bottom), (left, right) in zip(
        masks, coefficients, rows, columns, strict=True
    ):
        # What is outside is not computed.
        part = prototypes[:, top:bottom, left:right]
        mask[top:bottom, left:right] = sigmoid(np.tensordot(vector, part, axes=1))
    return masks


def _inside(
    first: np.ndarray, second: np.ndarray, length: int, scale: float
) -> list[tuple[int, int]]:
    """First pixel of each interval on one side, and the first behind it."""
    low = np.minimum(first, second) * np.float32(scale) - 1
    high = np.maximum(first, second) * np.float32(scale) + 1
    ends = np.ceil(np.nan_to_num(np.stack([low, high], 1), nan=0.0))
    return [tuple(pair) for pair in ends.clip(0, length).astype(int).tolist()]


def to_frame(masks: np.ndarray, sizes: Geometry, threshold: float = 0.5) -> np.ndarray:
    """Masks (n, h, w) of a padded input as bool masks (n, H, W) of the frame."""
    height, width = sizes.original
    cells = [
        side * part / whole
        for side, part, whole in zip(
            masks.shape[1:], sizes.content, sizes.padded, strict=True
        )
    ]
    rows, columns = (math.ceil(round(side, 6)) for side in cells)
    found = np.empty((len(masks), height, width), bool)
    for mask, out in zip(masks, found, strict=True):
        enlarged = _enlarged(mask[:rows, :columns], cells, sizes.original)
        np.greater(enlarged, threshold, out)
    return found


def _enlarged(
    mask: np.ndarray, cells: list[float], size: tuple[int, int]
) -> np.ndarray:
    """A mask whose first ``cells`` rows and columns fill the size, bilinearly."""
    if list(mask.shape) == cells:
        return cv2.resize(mask, size[::-1], interpolation=cv2.INTER_LINEAR)
    for axis in (0, 1):
        step = cells[axis] / size[axis]
        at = ((np.arange(size[axis]) + 0.5) * step - 0.5).clip(0, mask.shape[axis] - 1)
        before = np.floor(at).astype(int)
        after = np.minimum(before + 1, mask.shape[axis] - 1)
        share = (at - before).astype(np.float32)
        share = share[:, None] if axis == 0 else share
        mask = mask.take(before, axis) * (1 - share) + mask.take(after, axis) * share
    return mask


def boxes_to_frame(boxes: np.ndarray, sizes: Geometry) -> np.ndarray:
    """Boxes (n, 4) of the padded input in pixels of the frame, clipped to it."""
    height, width = sizes.original
    scale = np.array([width / sizes.content[1], height / sizes.content[0]], np.float32)
    corners = boxes.reshape(-1, 2, 2) * scale
    corners = np.minimum(corners.clip(min=0), np.array([width, height], np.float32))
    return np.concatenate([corners.min(1), corners.max(1)], axis=1)
