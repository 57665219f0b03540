"""Looks without a network: the colours inside masks, against those of the frame."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from .masks import SIDE, Outlines, outlines_of, sample_points

_BINS = 18
# The frame's own colours are those of every so many pixels.
_STEP = 8


def colour_looks(image: np.ndarray, masks: Any) -> np.ndarray:
    """Histograms of the colours inside masks, minus the frame's, of length 1.

    A red shirt in a green meadow is told from a blue one, at hardly any cost; two alike
    are alike. Features of a network, pooled inside the masks, tell more.

    Args:
        image (np.ndarray): (h, w, 3) uint8 BGR.
        masks: Outlines, or masks of any form that ``MaskTracker.update`` takes.

    Returns:
        np.ndarray: (n, 54); zeros for an empty mask.
    """
    if not isinstance(masks, Outlines):
        masks, _ = outlines_of(masks, (image.shape[0], image.shape[1]))
    if not len(masks):
        return np.zeros((0, 3 * _BINS))
    columns, rows = sample_points(masks.boxes)
    columns = columns.clip(0, image.shape[1] - 1)
    rows = rows.clip(0, image.shape[0] - 1)
    pixels = image[rows[:, :, None], columns[:, None, :]].reshape(-1, SIDE, 3)
    lab = cv2.cvtColor(pixels, cv2.COLOR_BGR2LAB).reshape(len(masks), SIDE * SIDE, 3)
    frame = cv2.cvtColor(
        np.ascontiguousarray(image[::_STEP, ::_STEP]), cv2.COLOR_BGR2LAB
    ).reshape(1, -1, 3)
    everywhere = np.ones(frame.shape[:2], bool)
    inside = masks.inside.reshape(len(masks), -1)
    looks = _histograms(lab, inside) - _histograms(frame, everywhere)
    looks[~inside.any(1)] = 0
    return looks / np.maximum(np.linalg.norm(looks, axis=1, keepdims=True), 1e-9)


def _histograms(lab: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Shares (n, 3 * bins) of pixels (n, p, 3) uint8, of those inside (n, p)."""
    number = len(lab)
    bins = lab.astype(np.int64) * _BINS // 256
    bins += np.arange(3) * _BINS + (np.arange(number) * 3 * _BINS)[:, None, None]
    weights = np.broadcast_to(inside[:, :, None], bins.shape).ravel()
    counts = np.bincount(bins.ravel(), weights, minlength=number * 3 * _BINS)
    total = np.maximum(inside.sum(1), 1)[:, None]
    return counts.reshape(number, 3 * _BINS) / total
