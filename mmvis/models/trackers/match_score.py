"""Scores between the detections of a frame and the tracks of a video."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from mmdet.structures.bbox import bbox_overlaps
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn.functional import normalize, pad

if TYPE_CHECKING:
    from .shapes import Shapes

SIMILARITIES = ('cosine', 'half_cosine', 'softmax')


@dataclass
class MatchWeights:
    """Weights of the terms of a match score; a term of weight 0 is not computed."""

    embedding: float = 1.0
    mask_iou: float = 1.0
    bbox_iou: float = 0.0
    score: float = 0.0
    label: float = 0.0


def match_scores(
    dets: InstanceData,
    tracks: Mapping[str, Tensor],
    weights: MatchWeights,
    similarity: str,
    epsilon: float,
    shapes: Shapes | None = None,
) -> Tensor:
    """Scores of each detection for being "new" and for each track (eq. 15).

    The tracks' score is the weighted sum of the similarity of embeddings, the IoU of
    masks, the IoU of boxes, the detection's score (its log, beside the logs of
    'softmax') and 1 for the same label. "New" has
    epsilon (eq. 16), and with it the terms that do not depend on the track:
    the detection's score, and log p of "new" where the similarity is 'softmax'.

    Args:
        dets (InstanceData): embeddings (n, d) and what the weights ask for: masks
            (n, h, w), bboxes (n, 4), scores (n,), labels (n,).
        tracks (Mapping[str, Tensor]): The same fields of m tracks.
        weights (MatchWeights): Of the terms.
        similarity (str): 'cosine', 'half_cosine' or 'softmax'.
        epsilon (float): The score of "new".
        shapes (Shapes | None): Boxes and masks that were compared already.

    Returns:
        Tensor: (n, 1 + m) float, column 0 for "new". A track of a term that is not a
        number scores -inf.
    """
    similar, new = embedding_similarity(
        dets.embeddings, tracks['embeddings'], similarity
    )
    scores, new = weights.embedding * similar, weights.embedding * new + epsilon
    if weights.mask_iou:
        ious = None if shapes is None else shapes.mask_ious
        if ious is None:
            ious = mask_ious(dets.masks, tracks['masks'])
        scores = scores + weights.mask_iou * ious
    if weights.bbox_iou:
        ious = None if shapes is None else shapes.bbox_ious
        if ious is None:
            ious = bbox_overlaps(dets.bboxes, tracks['bboxes'])
        scores = scores + weights.bbox_iou * ious
    if weights.label:
        same = dets.labels[:, None] == tracks['labels'][None]
        scores = scores + weights.label * same
    if weights.score:
        # MaskTrack R-CNN, eq. 3.
        own = dets.scores.log() if similarity == 'softmax' else dets.scores
        scores = scores + weights.score * own[:, None]
        new = new + weights.score * own[:, None]
    scores = scores.masked_fill(scores.isnan(), -torch.inf)
    return torch.cat([new.to(scores.dtype), scores], dim=1)


def embedding_similarity(
    embeddings: Tensor, track_embeddings: Tensor, kind: str
) -> tuple[Tensor, Tensor]:
    """Similarity of detections' embeddings (n, d) and tracks' (m, d), in float32.

    'cosine' is that of eq. 15, in [-1, 1]; 'half_cosine' is (cosine + 1) / 2, that of
    the released code; 'softmax' is log p, p being the softmax over the dot products
    with all tracks and a zero for "new" (MaskTrack R-CNN, eq. 1).

    Returns:
        tuple: Similarities (n, m), and that of "new" (n, 1): zero but for 'softmax'.
    """
    first, second = embeddings.float(), track_embeddings.float()
    if kind == 'softmax':
        # One track that is not a number must not spoil the sum over all tracks.
        dots = products(first, second)
        dots = dots.masked_fill(dots.isnan(), -torch.inf)
        log_p = pad(dots, (1, 0)).log_softmax(1)
        return log_p[:, 1:], log_p[:, :1]
    cosine = products(normalize(first, dim=1), normalize(second, dim=1))
    if kind == 'half_cosine':
        cosine = (cosine + 1) / 2
    return cosine, cosine.new_zeros(len(cosine), 1)


def mask_ious(masks: Tensor, track_masks: Tensor) -> Tensor:
    """IoU (n, m) float32 of masks (n, h, w) and (m, h, w), on where they exceed 0.5.

    Two empty masks have IoU 0.
    """
    return compare_masks(masks, track_masks)[0]


def compare_masks(
    masks: Tensor, track_masks: Tensor, with_overlaps: bool = False
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """:func:`mask_ious` (n, m), areas (n,) and (m,), and :func:`mask_overlaps`."""
    first = (masks > 0.5).flatten(1).float()
    second = (track_masks > 0.5).flatten(1).float()
    areas, track_areas = first.sum(1), second.sum(1)
    ious = ious_of(products(first, second), areas, track_areas)
    overlaps = overlaps_of(products(first, first), areas) if with_overlaps else None
    return ious, areas, track_areas, overlaps


def mask_overlaps(masks: Tensor) -> Tensor:
    """How much of the smaller of two masks both have (n, n), of masks (n, h, w) > 0.5.

    An empty mask has 0.
    """
    flat = (masks > 0.5).flatten(1).float()
    return overlaps_of(products(flat, flat), flat.sum(1))


def ious_of(intersections: Tensor, areas: Tensor, track_areas: Tensor) -> Tensor:
    """IoU (n, m) of masks of areas (n,) and (m,) that have (n, m) in common."""
    union = areas[:, None] + track_areas[None] - intersections
    return intersections / union.clamp(min=1)


def overlaps_of(intersections: Tensor, areas: Tensor) -> Tensor:
    """What :func:`mask_overlaps` says of masks that have (n, n) in common."""
    smaller = torch.minimum(areas[:, None], areas[None])
    return intersections / smaller.clamp(min=1)


def products(first: Tensor, second: Tensor) -> Tensor:
    """Dot products (n, m) of rows; in full precision also where autocast is on."""
    # Half precision counts no further than 2048.
    with torch.autocast(first.device.type, enabled=False):
        return first @ second.T
