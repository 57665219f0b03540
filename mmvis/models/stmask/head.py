"""The prediction head of STMask, shared by all levels of the feature pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from mmengine.config import ConfigDict
from mmengine.model import BaseModule, ModuleList
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmvis.models.common.settings import check_keys
from mmvis.registry import MODELS, TASK_UTILS

from .anchor_convolution import predict_together
from .frame_detection import detect_in_frame
from .joined_head import can_join, predict_on_canvas, reach_of
from .joined_parameters import JoinedParameters
from .level_canvas import Canvases
from .outputs import PostponedOutputs, STMaskOutputs
from .postponed_predictions import can_postpone, postponed_predictions, pyramid_places

BRANCHES = ('cls', 'coeff', 'embed')
TEST_KEYS = ('score_thr', 'nms', 'max_per_img', 'min_score')
# A subclass of mmcv's layer is found by the name of its base.
XAVIER = dict(type='Xavier', layer=['Conv2d', 'DeformConv2d'], distribution='uniform')


@MODELS.register_module()
class STMaskHead(BaseModule):
    """Class, box, centerness, mask coefficients and tracking embedding of each anchor.

    Each anchor shape has convolutions of its own (feature calibration for anchors, FCA,
    section 3.1.1): their kernels and the anchors' sizes are set in
    ``anchor_generator``. The branches that ``calibration`` names sample their features
    from the regressed box (feature calibration for boxes, FCB, section 3.1.2).

    Args:
        num_classes (int): Number of classes C, without the background.
        in_channels (int): Channels of every level.
        feat_channels (int): Channels of the shared convolution and of the towers.
        num_tower_convs (int): 3x3 convolutions of a branch before its predictions.
        num_coefficients (int): Mask coefficients K: one for each prototype.
        embed_channels (int): Size D of the tracking embedding.
        anchor_generator (dict | None): A ``KernelAnchorGenerator``.
        calibration (dict | None): FCB. ``type`` is ``CalibratedConvolution`` (the
            prediction itself samples the regressed box) or
            ``CalibratedFeatureConvolution`` (the release), ``offset`` a dict of
            ``AdaptiveOffset`` (eq. 5) or ``AlignedOffset`` (eqs. 6-8), and ``branches``
            any of 'cls', 'coeff' and 'embed' (class, mask and track in Table 2).
        bbox_coder (dict | None): mmdet's coder of box regressions; None: Yolact's.
        with_centerness (bool): Without it the score is the class probability alone.
        norm_cfg (dict | None): Norm layers in the towers; none in the paper.
        test_cfg (dict | None): ``score_thr`` of the class probability; ``nms`` a dict
            of ``type`` 'nms', 'fast_nms' or 'fast_nms_per_class', ``iou_threshold``
            and, for the fast ones, ``top_k``; ``max_per_img`` (None or -1: no limit);
            ``min_score``, the least probability times centerness (None: no limit).
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 256,
        feat_channels: int = 256,
        num_tower_convs: int = 2,
        num_coefficients: int = 32,
        embed_channels: int = 128,
        anchor_generator: dict | None = None,
        calibration: dict | None = None,
        bbox_coder: dict | None = None,
        with_centerness: bool = True,
        norm_cfg: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | Sequence[dict] | None = XAVIER,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.num_classes = num_classes
        self.num_coefficients = num_coefficients
        self.embed_channels = embed_channels
        self.anchor_generator = TASK_UTILS.build(
            anchor_generator or dict(type='KernelAnchorGenerator')
        )
        self.bbox_coder: DeltaXYWHBBoxCoder = TASK_UTILS.build(
            bbox_coder or dict(type='YolactBBoxCoder')
        )
        self.test_cfg = ConfigDict(
            check_keys(test_cfg, TEST_KEYS, 'test_cfg of STMaskHead')
        )
        calibration = dict(calibration or {})
        calibrated = calibration.pop('branches', ())
        if unknown := set(calibrated) - set(BRANCHES):
            raise ValueError(
                f'calibration.branches names {sorted(unknown)}, but features can be '
                f'calibrated for {BRANCHES} only.'
            )

        self.joined_parameters = JoinedParameters()
        self.canvases = Canvases(reach_of(self.anchor_generator.kernels))
        self.shared_conv = ConvModule(
            in_channels, feat_channels, 3, padding=1, norm_cfg=norm_cfg
        )
        for name in ('reg', *BRANCHES):
            tower = [
                ConvModule(
                    feat_channels, feat_channels, 3, padding=1, norm_cfg=norm_cfg
                )
                for _ in range(num_tower_convs)
            ]
            setattr(self, f'{name}_tower', nn.Sequential(*tower))

        def predictors(out_channels: int, branch: str | None = None) -> ModuleList:
            layer: dict[str, Any] = dict(type='AnchorConvolution')
            if branch in calibrated:
                layer = dict(calibration, stds=tuple(self.bbox_coder.stds))
            shapes = zip(
                self.anchor_generator.kernels, self.anchor_generator.cells, strict=True
            )
            # Not torch's own, in which a layer's init_cfg has no effect.
            return ModuleList(
                MODELS.build(
                    dict(
                        layer,
                        in_channels=feat_channels,
                        out_channels=out_channels,
                        kernel_size=kernel,
                        anchor_cells=cells,
                    )
                )
                for kernel, cells in shapes
            )

        self.reg_preds = predictors(4)
        self.centerness_preds = predictors(1) if with_centerness else None
        self.cls_preds = predictors(num_classes + 1, 'cls')
        self.coeff_preds = predictors(num_coefficients, 'coeff')
        self.embed_preds = predictors(embed_channels, 'embed')

    def forward(
        self, feats: Sequence[Tensor], postpone: bool = False
    ) -> tuple[STMaskOutputs | PostponedOutputs, list[Tensor]]:
        """Predictions for all anchors, and the shared features of each level.

        Args:
            feats (Sequence[Tensor]): Levels (B, C, H_l, W_l).
            postpone (bool): Leave mask coefficients and embeddings for ``predict``,
                which makes them for the detections alone; where that is possible and
                levels are not joined.

        Returns:
            tuple: ``STMaskOutputs``, or ``PostponedOutputs``, and the levels
            (B, C', H_l, W_l) that all branches start from (the release gives them to
            the temporal network).
        """
        if self.joins_levels(feats) and can_join(self):
            parts, shared = predict_on_canvas(self, feats)
            return _finished(*parts), shared
        shared = [self.shared_conv(level) for level in feats]
        if postpone and self.can_postpone:
            places = pyramid_places(shared)
            return PostponedOutputs(*self.forward_ranked(shared), *places), shared
        levels = [self._forward_level(level) for level in shared]
        parts = [torch.cat(part, dim=1) for part in zip(*levels, strict=True)]
        return _finished(*parts), shared

    @staticmethod
    def joins_levels(feats: Sequence[Tensor]) -> bool:
        """Whether levels (B, C, H_l, W_l) are computed together in tests."""
        # A GPU waits for each launch; a CPU computes what lies between the levels too.
        return feats[0].device.type != 'cpu'

    def train(self, mode: bool = True) -> STMaskHead:
        """Switch the mode; parameters may be others then."""
        self.joined_parameters.clear()
        return super().train(mode)

    @property
    def can_postpone(self) -> bool:
        """Whether coefficients and embeddings can be made for some anchors alone."""
        return can_postpone(self.coeff_preds, self.embed_preds)

    def forward_ranked(self, shared: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """What suppression needs, and features of what is made of its result.

        Args:
            shared (Sequence[Tensor]): Levels (B, C', H_l, W_l) of ``shared_conv``.

        Returns:
            tuple[Tensor, ...]: All of ``PostponedOutputs`` before its places.
        """
        levels = [self._forward_level(level, branches=('cls',)) for level in shared]
        parts = [torch.cat(part, dim=1) for part in zip(*levels, strict=True)]
        deltas, logits, centerness = parts
        return (
            deltas,
            logits,
            centerness.squeeze(-1).tanh(),
            *(
                torch.cat([tower(level).flatten(2) for level in shared], dim=2)
                for tower in (self.coeff_tower, self.embed_tower)
            ),
        )

    def _forward_level(
        self, shared: Tensor, branches: Sequence[str] = BRANCHES
    ) -> list[Tensor]:
        reg_feats = self.reg_tower(shared)
        if self.centerness_preds is None:
            (deltas,) = predict_together(reg_feats, self.reg_preds)
            # tanh of infinity: a factor of one.
            centerness = [delta[:, :1] * 0 + torch.inf for delta in deltas]
        else:
            deltas, centerness = predict_together(
                reg_feats, self.reg_preds, self.centerness_preds
            )
        # Boxes are trained by their own loss only, not through the offsets.
        detached = [delta.detach() for delta in deltas]
        parts = [flatten_anchors(deltas)]
        for name in branches:
            feats = getattr(self, f'{name}_tower')(shared)
            preds = getattr(self, f'{name}_preds')
            maps = [p(feats, t) for p, t in zip(preds, detached, strict=True)]
            parts.append(flatten_anchors(maps))
        parts.insert(2, self.flatten_centerness(torch.cat(centerness, 1).flatten(2)))
        return parts

    def flatten_centerness(self, level: Tensor) -> Tensor:
        """A level's (B, A, H * W) in order of the anchors: (B, H * W * A, 1)."""
        return level.transpose(1, 2).reshape(len(level), -1, 1)

    def anchors(self, feats: Sequence[Tensor], input_shape: tuple[int, int]) -> Tensor:
        """Anchors (N, 4), xyxy in pixels of a padded input of this height and width."""
        sizes = [tuple(level.shape[-2:]) for level in feats]
        return self.anchor_generator.grid_anchors(
            sizes, input_shape, device=feats[0].device, dtype=torch.float32
        )

    def predict_kept(
        self, outputs: STMaskOutputs | PostponedOutputs, kept: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Mask coefficients (n, K) and embeddings (n, D) of some anchors (n,)."""
        if isinstance(outputs, STMaskOutputs):
            return outputs.coefficients[kept], outputs.embeddings[kept]
        coefficients, embeddings = postponed_predictions(
            outputs, kept, (self.coeff_preds, self.embed_preds)
        )
        return coefficients, unit_length(embeddings)

    def predict(
        self, outputs: STMaskOutputs | PostponedOutputs, anchors: Tensor
    ) -> InstanceData:
        """The detections of one frame, duplicates removed, best first.

        Args:
            outputs (STMaskOutputs | PostponedOutputs): Of this frame, without a batch
                axis.
            anchors (Tensor): (N, 4).

        Returns:
            InstanceData: bboxes (n, 4) xyxy in pixels of the padded input, not clipped;
            scores (n,) probability times centerness, labels (n,) int64, coefficients
            (n, K) and embeddings (n, D).
        """
        return detect_in_frame(self, outputs, anchors)


def _finished(
    deltas: Tensor,
    logits: Tensor,
    centerness: Tensor,
    coefficients: Tensor,
    embeddings: Tensor,
) -> STMaskOutputs:
    return STMaskOutputs(
        deltas,
        logits,
        centerness.squeeze(-1).tanh(),
        coefficients,
        unit_length(embeddings),
    )


def unit_length(vectors: Tensor) -> Tensor:
    """Vectors (..., D) by their length, or by 1e-12 if that is more.

    torch's ``normalize`` expands the lengths first, to a size that an export with
    dynamic sizes gets wrong.
    """
    return vectors / torch.linalg.vector_norm(vectors, dim=-1, keepdim=True).clamp_min(
        1e-12
    )


def flatten_anchors(maps: Sequence[Tensor]) -> Tensor:
    """A maps (B, d, H, W) as (B, H * W * A, d): the anchors of a place side by side."""
    stacked = torch.stack(tuple(maps), dim=1)
    return stacked.permute(0, 3, 4, 1, 2).flatten(1, 3)
