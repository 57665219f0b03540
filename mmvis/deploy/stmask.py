"""STMask's networks: of a frame, and of what moves between two frames."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch
from torch import Tensor, nn

from mmvis.models.stmask.stmask import STMask

from .networks import PLANS, CannotExportError, ExportPlan, PartNetwork


class STMaskFrameNetwork(nn.Module):
    """All that STMask makes of frames by themselves, for every anchor."""

    OUTPUTS = (
        'deltas',
        'probabilities',
        'centerness',
        'coefficients',
        'embeddings',
        'prototypes',
    )

    def __init__(self, model: STMask) -> None:
        super().__init__()
        self.model = model

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        """See ``STMaskOutputs``; probabilities (B, N, C) are without background."""
        model = self.model
        feats = model.neck(model.backbone(frames))
        outputs, shared = model.bbox_head(feats)
        found: tuple[Tensor, ...] = (
            outputs.deltas,
            outputs.logits.softmax(-1)[..., :-1],
            outputs.centerness,
            outputs.coefficients,
            outputs.embeddings,
            model.prototype_net(feats[0]),
        )
        if model.temporal_net is not None and uses_temporal_network(model):
            found += tuple(model.temporal_net.select(feats, shared))
        return found


class STMaskTemporalNetwork(nn.Module):
    """Changes of boxes between two frames (eqs. 10-13)."""

    def __init__(self, model: STMask) -> None:
        super().__init__()
        self.network: Any = model.temporal_net

    def forward(
        self,
        previous_correlated: Tensor,
        previous_joined: Tensor,
        correlated: Tensor,
        joined: Tensor,
        cells: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Regressions (n, 4), increments (n, K) of boxes (n, 4) in cells of the map."""
        previous = previous_correlated, previous_joined
        rois = torch.cat([torch.zeros_like(cells[:, :1]), cells], dim=1)
        features = self.network.join(previous, (correlated, joined))
        return self.network(features, rois)


def uses_temporal_network(model: STMask) -> bool:
    """Whether tracks are carried on to the next frame."""
    return model.temporal_net is not None and bool(model.test_cfg.temporal_fusion)


def plan(model: STMask, frame: Tensor) -> ExportPlan:
    """See ``plan_export``."""
    network = STMaskFrameNetwork(model)
    outputs = list(network.OUTPUTS)
    temporal = uses_temporal_network(model)
    if temporal:
        outputs += ['correlated', 'joined']
    parts = [
        PartNetwork(
            'frame',
            network,
            {'frames': frame},
            outputs,
            spatial={'frames': {2: 1, 3: 1}},
        )
    ]
    with torch.no_grad():
        found = dict(zip(outputs, network(frame), strict=True))
    if temporal:
        maps = [found['correlated'], found['joined']]
        stride = round(frame.shape[-1] / maps[0].shape[-1])
        names = 'previous_correlated', 'previous_joined', 'correlated', 'joined'
        # Copies: torch.export takes one tensor given twice for one input.
        inputs = {
            name: part.clone() for name, part in zip(names, [*maps, *maps], strict=True)
        }
        spatial = {name: {2: stride, 3: stride} for name in inputs}
        inputs['cells'] = torch.tensor(
            [[0.5, 0.5, 2.5, 2.0], [1.0, 0.0, 3.0, 3.0], [0.0, 1.0, 2.0, 3.0]]
        )
        parts.append(
            PartNetwork(
                'temporal',
                STMaskTemporalNetwork(model),
                inputs,
                ['deltas', 'increments'],
                free={'cells': {0: 'boxes'}},
                spatial=spatial,
            )
        )
    return ExportPlan('STMask', parts, _settings(model, frame))


def _settings(model: STMask, frame: Tensor) -> dict[str, Any]:
    """What the runtime does around the networks."""
    head, cfg = model.bbox_head, model.bbox_head.test_cfg
    nms: dict[str, Any] = dict(top_k=200) | dict(cfg.nms)
    if nms['type'] not in ('nms', 'fast_nms', 'fast_nms_per_class'):
        raise CannotExportError(
            f'STMask cannot be exported with bbox_head.test_cfg.nms of the type '
            f"{nms['type']!r}: take 'nms', 'fast_nms' or 'fast_nms_per_class'."
        )
    with torch.no_grad():
        levels = model.neck(model.backbone(frame))
    temporal = None
    if model.temporal_net is not None and uses_temporal_network(model):
        temporal = dict(coder=_coder(model.temporal_net.bbox_coder))
    return dict(
        head=dict(
            score_thr=cfg.score_thr,
            nms=nms,
            max_per_img=cfg.max_per_img,
            min_score=cfg.get('min_score'),
            coder=_coder(head.bbox_coder),
            anchor_cells=[list(cells) for cells in head.anchor_generator.cells],
            strides=strides_of(frame, levels),
        ),
        coefficient_activation=model.coefficient_activation,
        mask_thr=float(model.test_cfg.mask_thr),
        temporal=temporal,
        tracker=tracker_settings(model.tracker),
    )


def strides_of(frame: Tensor, levels: Any) -> list[int]:
    """Strides of levels whose sizes are rounded up, powers of two."""
    strides = []
    for level in levels:
        ratio = max(frame.shape[side] / level.shape[side] for side in (2, 3))
        strides.append(2 ** math.ceil(math.log2(ratio) - 1e-9))
    return strides


def tracker_settings(tracker: Any) -> dict[str, Any]:
    """The settings of an ``EmbeddingMaskIoUTracker``, defaults filled in."""
    if type(tracker).__name__ != 'EmbeddingMaskIoUTracker':
        raise CannotExportError(
            f'STMask cannot be exported with the tracker {type(tracker).__name__}: the '
            'runtime has EmbeddingMaskIoUTracker.'
        )
    supplement = tracker.supplement
    return dict(
        match_weights=dataclasses.asdict(tracker.match_weights),
        similarity=tracker.similarity,
        epsilon=tracker.epsilon,
        conflict=tracker.conflict.__name__,
        winner=tracker.winner,
        num_frames_retain=tracker.num_frames_retain,
        supplement=None if supplement is None else dataclasses.asdict(supplement),
        min_score=tracker.min_score,
        min_mask_area=tracker.min_mask_area,
        embedding_momentum=tracker.embedding_momentum,
    )


def _coder(coder: Any) -> dict[str, Any]:
    """A delta coder's means, stds, and the limit to the logarithm of a side's change.

    It is mmdet's default but for Yolact's, which has none.
    """
    prior = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    large = prior.new_full((1, 4), 1e4) * prior.new_tensor([0, 0, 1, 1])
    limit = (coder.decode(prior, large)[0, 2:] * 2 - 1).amax().log()
    return dict(means=list(coder.means), stds=list(coder.stds), limit=float(limit))


PLANS['STMask'] = plan
