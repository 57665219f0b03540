"""Key and reference frames of the clips that TFAN is trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from mmdet.structures import DetDataSample, TrackSampleList
from mmengine.structures import InstanceData
from torch import Tensor

from .reference_proposals import select_references
from .reference_set import ReferenceProposals

if TYPE_CHECKING:
    from .tfan import TFAN


def key_frames_first(
    inputs: Tensor, data_samples: TrackSampleList
) -> tuple[Tensor, list[list[DetDataSample]]]:
    """Frames (N, B, C, H, W) and samples, key frames before the others."""
    order = [[clip.key_frames_inds[0], *clip.ref_frames_inds] for clip in data_samples]
    places = torch.tensor(order, device=inputs.device).T
    clips = torch.arange(len(inputs), device=inputs.device)
    samples = [
        [clip[t] for clip, t in zip(data_samples, column, strict=True)]
        for column in zip(*order, strict=True)
    ]
    return inputs[clips, places], samples


def references_of_clips(
    model: TFAN,
    feats: tuple[Tensor, ...],
    key_proposals: list[InstanceData],
    samples: list[list[DetDataSample]],
) -> list[ReferenceProposals]:
    """The reference set of each clip, its features with gradients.

    Args:
        model (TFAN): With an augmentation.
        feats (tuple[Tensor]): Levels (N * B, C, H_l, W_l) of B clips of N frames, key
            frames first, as :func:`key_frames_first` puts them.
        key_proposals (list[InstanceData]): Of the RPN in each of the B key frames:
            bboxes (n, 4), scores (n,).
        samples (list[list[DetDataSample]]): Of N times B frames.
    """
    num_clips = len(key_proposals)
    proposals = [key_proposals]
    with torch.no_grad():
        others = model.propose(
            tuple(level[num_clips:] for level in feats),
            [frame.metainfo for part in samples[1:] for frame in part],
            model.detector.train_cfg.rpn_proposal,
        )
    for start in range(0, len(others), num_clips):
        proposals.append(others[start : start + num_clips])
    selected = select_references(proposals, model.num_references)
    roi_feats, embeddings = model.features_of_references(feats, selected.rois)
    together = ReferenceProposals(
        roi_feats,
        embeddings,
        selected.key_bboxes,
        selected.rois[:, 1:],
        selected.scores >= model.min_reference_score,
    )
    return together.split(selected.counts)
