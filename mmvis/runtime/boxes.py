"""Boxes (n, 4), xyxy in pixels: anchors, decoding, overlaps, suppression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def grid_anchors(
    cells: Sequence[Sequence[float]],
    sizes: Sequence[tuple[int, int]],
    input_shape: tuple[int, int],
) -> np.ndarray:
    """All anchors of an input, in order of level, y, x, anchor.

    Args:
        cells: (height, width) of each anchor, in cells of a level.
        sizes: Height and width of each level.
        input_shape: Height and width of the padded input, in pixels.

    Returns:
        ndarray: (N, 4) float32.
    """
    half = np.array(cells, np.float64) / 2
    levels = []
    for size in sizes:
        cell = [input_shape[side] / size[side] for side in (0, 1)]
        y, x = (np.arange(count) + 0.5 for count in size)
        parts = np.broadcast_arrays(
            (x[None, :, None] - half[:, 1]) * cell[1],
            (y[:, None, None] - half[:, 0]) * cell[0],
            (x[None, :, None] + half[:, 1]) * cell[1],
            (y[:, None, None] + half[:, 0]) * cell[0],
        )
        levels.append(np.stack(parts, axis=-1).reshape(-1, 4))
    return np.concatenate(levels).astype(np.float32)


def decode(priors: np.ndarray, deltas: np.ndarray, coder: dict[str, Any]) -> np.ndarray:
    """Boxes (n, 4) that regressions (n, 4) make of priors (n, 4).

    Args:
        coder (dict): ``means`` and ``stds`` of the regressions, and ``limit``, the
            greatest change of a side, as a logarithm.
    """
    means, stds = (np.array(coder[key], np.float32) for key in ('means', 'stds'))
    deltas = deltas * stds + means
    sides = priors[:, 2:] - priors[:, :2]
    centres = (priors[:, :2] + priors[:, 2:]) * np.float32(0.5)
    limit = np.float32(coder['limit'])
    with np.errstate(over='ignore'):
        sides_now = sides * np.exp(deltas[:, 2:].clip(-limit, limit))
    centres = centres + sides * deltas[:, :2]
    half = sides_now * np.float32(0.5)
    return np.concatenate([centres - half, centres + half], axis=1)


def overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """IoU (n, m) float32 of boxes (n, 4) and (m, 4); 0 where a box has no area."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    inter = (high - low).clip(min=0).prod(2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None] - inter
    return inter / np.maximum(union, np.float32(1e-6))


def greedy_nms(
    boxes: np.ndarray, scores: np.ndarray, threshold: float, most: int | None = None
) -> np.ndarray:
    """Indices of the boxes that no kept better one overlaps by more, best first.

    Args:
        most (int | None): How many are wanted; what comes after them is not looked at.
    """
    order = np.argsort(-scores, kind='stable')
    boxes = boxes[order]
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    alive = np.ones(len(order), bool)
    kept: list[int] = []
    for row in range(len(order)):
        if not alive[row]:
            continue
        kept.append(row)
        if len(kept) == most:
            break
        rest = boxes[row + 1 :]
        low = np.maximum(boxes[row, :2], rest[:, :2])
        high = np.minimum(boxes[row, 2:], rest[:, 2:])
        inter = (high - low).clip(min=0).prod(1)
        with np.errstate(divide='ignore', invalid='ignore'):
            shared = inter / (areas[row] + areas[row + 1 :] - inter)
        alive[row + 1 :] &= ~(shared > threshold)
    return order[np.array(kept, np.int64)][:most]


def fast_nms(
    boxes: np.ndarray, scores: np.ndarray, threshold: float, top_k: int
) -> np.ndarray:
    """As :func:`greedy_nms`, but a box that goes takes others with it (Yolact)."""
    order = np.argsort(-scores, kind='stable')[:top_k]
    shared = np.triu(overlaps(boxes[order], boxes[order]), 1)
    return order[~(shared > threshold).any(0)]


def fast_nms_per_class(
    boxes: np.ndarray,
    scores: np.ndarray,
    score_threshold: float,
    threshold: float,
    top_k: int,
    max_per_image: int | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes (m,), labels (m,) and scores (m,) of scores (n, C), each class alone."""
    found = []
    for label in range(scores.shape[1]):
        own = scores[:, label]
        kept = fast_nms(boxes, own, threshold, top_k)
        kept = kept[own[kept] > score_threshold]
        found.append(np.stack([kept, np.full_like(kept, label)]))
    rows, labels = np.concatenate(found, axis=1)
    best = np.argsort(-scores[rows, labels], kind='stable')[:max_per_image]
    rows, labels = rows[best], labels[best]
    return rows, labels, scores[rows, labels]
