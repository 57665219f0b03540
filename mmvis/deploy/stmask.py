"""STMask's networks: of a frame, of its detections, and of two frames' movements."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch
from torch import Tensor, nn

from mmvis.models.common.prediction_at_places import Places
from mmvis.models.stmask.head import unit_length
from mmvis.models.stmask.stmask import STMask

from .networks import PLANS, CannotExportError, ExportPlan, PartNetwork


class STMaskFrameNetwork(nn.Module):
    """All that STMask makes of frames by themselves.

    Where the head allows it, coefficients and embeddings are left to
    :class:`STMaskKeptNetwork`, and the features that they are made of come instead.
    """

    def __init__(self, model: STMask) -> None:
        super().__init__()
        self.model = model
        self.postponed = model.bbox_head.can_postpone
        what = '_features' if self.postponed else 's'
        branches = [f'{name}{what}' for name in ('coefficient', 'embedding')]
        self.outputs = ['deltas', 'probabilities', 'centerness', *branches]
        self.outputs += ['prototypes']
        if uses_temporal_network(model):
            self.outputs += ['correlated', 'joined']

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        """See ``STMaskOutputs`` and ``PostponedOutputs``.

        Probabilities (B, N, C) are without background.
        """
        model = self.model
        feats = model.neck(model.backbone(frames))
        if self.postponed:
            shared = [model.bbox_head.shared_conv(level) for level in feats]
            parts = model.bbox_head.forward_ranked(shared)
        else:
            parts, shared = model.bbox_head(feats)
        deltas, logits, *others = parts
        found = (deltas, logits.softmax(-1)[..., :-1], *others)
        found += (model.prototype_net(feats[0]),)
        if model.temporal_net is not None and uses_temporal_network(model):
            found += tuple(model.temporal_net.select(feats, shared))
        return found


class STMaskKeptNetwork(nn.Module):
    """Coefficients and embeddings of the anchors that suppression has kept.

    Each of A anchor shapes has convolutions of its own; m is the number of detections
    of the shape that has most of them.
    """

    def __init__(self, model: STMask) -> None:
        super().__init__()
        head: Any = model.bbox_head
        self.branches = nn.ModuleList([head.coeff_preds, head.embed_preds])

    def forward(
        self,
        coefficient_features: Tensor,
        embedding_features: Tensor,
        places: Tensor,
        deltas: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Coefficients (A, m, K) and embeddings (A, m, D).

        Args:
            coefficient_features, embedding_features (Tensor): (1, C, cells).
            places (Tensor): (A, m, 5) int64, the fields of ``Places`` side by side.
            deltas (Tensor): (A, m, 4), box regressions there.
        """
        features: Any = coefficient_features[0], embedding_features[0]
        found = []
        for maps, layers in zip(features, self.branches, strict=True):
            convs: Any = layers
            parts = [
                conv.at(maps, Places(at[:, 0], at[:, 1:3], at[:, 3:]), box)
                for conv, at, box in zip(convs, places, deltas, strict=True)
            ]
            found.append(torch.stack(parts))
        return found[0], unit_length(found[1])


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
    outputs, temporal = network.outputs, uses_temporal_network(model)
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
    if network.postponed:
        parts.append(_kept(model, found))
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


def _kept(model: STMask, found: dict[str, Tensor]) -> PartNetwork:
    features = ('coefficient_features', 'embedding_features')
    shapes = len(model.bbox_head.anchor_generator.cells)
    inputs = {name: found[name].clone() for name in features}
    # Three detections of each shape on a level of one cell.
    inputs['places'] = torch.tensor([0, 1, 1, 0, 0]).expand(shapes, 3, 5).clone()
    inputs['deltas'] = torch.zeros(shapes, 3, 4)
    return PartNetwork(
        'kept',
        STMaskKeptNetwork(model),
        inputs,
        ['coefficients', 'embeddings'],
        free={
            **{name: {2: 'cells'} for name in features},
            **{name: {1: 'detections'} for name in ('places', 'deltas')},
        },
        # Little work, and places where it samples.
        precise=True,
    )


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
            embed_channels=head.embed_channels,
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
