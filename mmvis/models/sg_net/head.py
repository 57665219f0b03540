"""FCOS with the attention scores and the movements of SG-Net."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule, Scale
from mmdet.models.dense_heads import FCOSHead
from mmdet.models.dense_heads.anchor_free_head import AnchorFreeHead
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmvis.models.common.batch_objects import BatchObjects
from mmvis.models.common.prediction_at_places import Places
from mmvis.models.common.settings import check_keys
from mmvis.registry import MODELS

from .frame_detection import detect_in_frames
from .pyramid import (
    Locations,
    SGNetLevels,
    SGNetPyramid,
    SGNetTargets,
    locations_first,
    predict_3x3,
    side_by_side,
)

CENTERS = ('box', 'location')
TEST_CFG = dict(
    nms_pre=200,
    score_thr=0.03,
    nms=dict(type='nms', iou_threshold=0.5),
    max_per_img=10,
    center='box',
)


@MODELS.register_module()
class SGNetHead(FCOSHead):
    """The detection head, the spatial attention and the tracking head of SG-Net.

    Detection is mmdet's FCOS. Beside it each location has attention scores, by two 3x3
    convolutions on its level of the pyramid (section 3.2), and a movement of the
    instance's centre since the frame before, by a 1x1 convolution on the features that
    centerness is predicted from (section 3.3), in strides of the level. Both are
    evaluated only where an instance is: at the positives of a batch, or at the
    detections that NMS leaves.

    Args:
        num_scores (int): Attention scores of a location: ``num_scores`` of the blender.
        previous_features (bool): Movements are predicted from the features of this and
            the previous frame. False: from those of this frame.
        embed_channels (int | None): Size of an embedding for trackers that compare
            appearance, by a 3x3 convolution on the same features; None: no embedding.
        loss_movement (dict): On movements in strides (eq. 4).
        loss_embed (dict | None): ``PairwiseEmbeddingLoss``.
        **kwargs: Of mmdet's FCOSHead.

    Keyword Args:
        test_cfg (dict): mmdet's of FCOS: ``score_thr`` (of the class probability),
            ``nms_pre`` (of all levels together), ``nms``, ``max_per_img``; ``center``,
            what "centerness location" means of a detection: 'box', the centre of its
            box, where centerness is one; or 'location', the place of the pyramid that
            detected it.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        num_scores: int = 36,
        previous_features: bool = True,
        embed_channels: int | None = None,
        loss_movement: dict | None = None,
        loss_embed: dict | None = None,
        **kwargs: Any,
    ) -> None:
        self.test_cfg: ConfigDict
        self.num_scores = num_scores
        self.previous_features = previous_features
        self.embed_channels = embed_channels
        super().__init__(num_classes, in_channels, **kwargs)
        given = check_keys(self.test_cfg, TEST_CFG, 'test_cfg of SGNetHead')
        self.test_cfg = ConfigDict(TEST_CFG | given)
        if self.test_cfg.center not in CENTERS:
            raise ValueError(
                f'test_cfg.center must be one of {CENTERS}, but is '
                f'{self.test_cfg.center!r}.'
            )
        self.loss_movement = MODELS.build(loss_movement or dict(type='mmdet.L1Loss'))
        self.loss_embed = MODELS.build(
            loss_embed or dict(type='PairwiseEmbeddingLoss', loss_weight=1.0)
        )

    def _init_layers(self) -> None:
        super()._init_layers()
        channels = self.feat_channels
        self.attention_conv = ConvModule(
            self.in_channels, channels, 3, padding=1, norm_cfg=self.norm_cfg
        )
        self.conv_attention = nn.Conv2d(channels, self.num_scores, 3, padding=1)
        frames = 2 if self.previous_features else 1
        self.conv_movement = nn.Conv2d(frames * channels, 2, 1)
        self.conv_embed = None
        if self.embed_channels is not None:
            self.conv_embed = nn.Conv2d(channels, self.embed_channels, 3, padding=1)

    def forward(self, x: Sequence[Tensor]) -> SGNetLevels:
        """Predictions of levels (B, C, H_l, W_l)."""
        return SGNetLevels(*super().forward(x))

    def forward_single(
        self, x: Tensor, scale: Scale, stride: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """One level of each field of ``SGNetLevels``."""
        cls_score, bbox_pred, cls_feat, reg_feat = AnchorFreeHead.forward_single(
            self, x
        )
        feat = reg_feat if self.centerness_on_reg else cls_feat
        # In half precision the exponential overflows.
        bbox_pred = scale(bbox_pred).float()
        bbox_pred = bbox_pred.relu() if self.norm_on_bbox else bbox_pred.exp()
        centerness = self.conv_centerness(feat)
        return cls_score, bbox_pred, centerness, feat, self.attention_conv(x)

    def flatten(self, levels: SGNetLevels) -> SGNetPyramid:
        """All levels side by side."""
        sizes = [tuple(level.shape[-2:]) for level in levels.cls_scores]
        sample = levels.bbox_preds[0]
        priors = torch.cat(
            self.prior_generator.grid_priors(
                sizes, dtype=sample.dtype, device=sample.device, with_stride=True
            )
        )
        points, strides = priors[:, :2], priors[:, 2]
        distances = locations_first(levels.bbox_preds)
        if self.norm_on_bbox:
            distances = distances * strides[:, None]
        shared = [points, strides, *Places.of_pyramid(sizes, sample.device)]
        batch = len(sample)
        return SGNetPyramid(
            locations_first(levels.cls_scores),
            distances,
            locations_first(levels.centernesses).squeeze(-1),
            side_by_side(levels.tracking),
            side_by_side(levels.attention),
            *(field.expand(batch, *field.shape) for field in shared),
        )

    def targets(self, levels: SGNetLevels, frames: list[InstanceData]) -> SGNetTargets:
        """What B frames' locations are trained on, assigned once for all losses.

        Objects are numbered through all frames, as in ``BatchObjects``. mmdet's targets
        of FCOS do not tell which object a location has; so they are asked with the
        number for a label, and the labels are looked up.

        Args:
            levels (SGNetLevels): Of B frames.
            frames (list[InstanceData]): Annotations of each: bboxes (g, 4) and labels
                (g,) int64.
        """
        sizes = [tuple(level.shape[-2:]) for level in levels.cls_scores]
        sample = levels.bbox_preds[0]
        points = self.prior_generator.grid_priors(
            sizes, dtype=sample.dtype, device=sample.device
        )
        numbered, first = [], self.num_classes + 1
        for gt in frames:
            numbers = torch.arange(len(gt), device=gt.bboxes.device) + first
            numbered.append(InstanceData(bboxes=gt.bboxes, labels=numbers))
            first += len(gt)
        numbers, distances = super().get_targets(points, numbered)
        background = numbers[0].new_full((self.num_classes + 1,), self.num_classes)
        class_of = torch.cat([background, *(gt.labels for gt in frames)])
        gt = torch.cat([level.view(len(frames), -1) for level in numbers], 1)
        gt = (gt - self.num_classes - 1).clamp(min=-1)
        return SGNetTargets([class_of[level] for level in numbers], distances, gt)

    def get_targets(
        self,
        points: list[Tensor],
        batch_gt_instances: list[InstanceData] | SGNetTargets,
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Labels and distances of each level, as ``loss_by_feat`` asks for them.

        What it was given for annotations it hands on to here: :meth:`targets` that are
        there already are not assigned again.
        """
        if isinstance(batch_gt_instances, SGNetTargets):
            return batch_gt_instances.labels, batch_gt_instances.distances
        return super().get_targets(points, batch_gt_instances)

    def boxes(self, pyramid: SGNetPyramid, at: Locations, shapes: Tensor) -> Tensor:
        """Predicted boxes (p, 4) xyxy at some locations, clipped to their frames.

        Args:
            pyramid (SGNetPyramid): Of B frames.
            at (Locations): p of them.
            shapes (Tensor): (B, 2), height and width of each frame without padding.
        """
        bboxes = self.bbox_coder.decode(pyramid.points[at], pyramid.distances[at])
        limits = shapes.to(bboxes.dtype).flip(1).repeat(1, 2)[at.frame]
        return bboxes.clamp(min=0).minimum(limits)

    def attention_scores(self, pyramid: SGNetPyramid, at: Locations) -> Tensor:
        """Attention scores (p, num_scores) at some locations."""
        return predict_3x3(self.conv_attention, pyramid.attention, pyramid, at)

    def embeddings(self, pyramid: SGNetPyramid, at: Locations) -> Tensor:
        """Embeddings (p, embed_channels) of length one at some locations."""
        assert self.conv_embed is not None
        embeddings = predict_3x3(self.conv_embed, pyramid.tracking, pyramid, at)
        return normalize(embeddings.float(), dim=1)

    def movements(
        self, pyramid: SGNetPyramid, previous: Tensor | None, at: Locations
    ) -> Tensor:
        """Movements D (p, 2) of centres since the previous frame, in strides.

        Args:
            pyramid (SGNetPyramid): Of the frames.
            previous (Tensor | None): (B, C', N), ``tracking`` of the frame before each;
                None where there was none: zeros.
            at (Locations): p of them.
        """
        feats = pyramid.tracking[at.frame, :, at.index]
        if self.previous_features:
            if previous is None:
                before = torch.zeros_like(feats)
            else:
                before = previous[at.frame, :, at.index]
            feats = torch.cat([feats, before], dim=1)
        conv = self.conv_movement
        return nn.functional.linear(feats, conv.weight.flatten(1), conv.bias)

    def tracking_losses(
        self,
        pyramid: SGNetPyramid,
        objects: BatchObjects,
        gt: Tensor,
        clip_length: int,
        positive: Locations | None = None,
    ) -> dict[str, Tensor]:
        """The losses of what trackers compare.

        Args:
            pyramid (SGNetPyramid): Of B frames, those of a clip side by side.
            objects (BatchObjects): g objects of these frames.
            gt (Tensor): (B, N), ``gt`` of :meth:`targets`.
            clip_length (int): Frames of a clip.
            positive (Locations | None): Those with an object, where they are known.

        Returns:
            dict: loss_movement, over the locations of objects that the previous frame
            has too (eq. 4, the centre of the annotated box being where centerness is
            one); loss_embed, if there are embeddings, over all positives.
        """
        if positive is None:
            positive = Locations(*(gt >= 0).nonzero(as_tuple=True))
        own = gt[positive]
        earlier = objects.in_previous_frame(clip_length)[own]
        rows = (earlier >= 0).nonzero().squeeze(1)
        at = Locations(positive.frame[rows], positive.index[rows])
        centers = (objects.bboxes[:, :2] + objects.bboxes[:, 2:]) / 2
        moved = centers[own[rows]] - centers[earlier[rows]]
        targets = moved / pyramid.strides[at][:, None]
        # Where a clip begins, no object was before: that row is not read.
        previous = pyramid.tracking.roll(1, dims=0)
        movements = self.movements(pyramid, previous, at).float()
        losses = dict(
            loss_movement=self.loss_movement(
                movements, targets, avg_factor=max(len(targets), 1)
            )
        )
        if self.conv_embed is not None:
            embeddings = self.embeddings(pyramid, positive)
            losses['loss_embed'] = self.loss_embed(
                embeddings,
                objects.ids[own],
                embeddings.new_ones(len(embeddings)),
            )
        return losses

    def predict(
        self, pyramid: SGNetPyramid, previous: Tensor | None, img_shape: tuple[int, int]
    ) -> tuple[InstanceData, Tensor, list[int]]:
        """The detections of B frames, duplicates removed, best first.

        Args:
            pyramid (SGNetPyramid): Of these frames.
            previous (Tensor | None): (B, C', N), ``tracking`` of the frame before each;
                None where there was none.
            img_shape (tuple[int, int]): Height and width without padding.

        Returns:
            tuple: InstanceData with bboxes (n, 4) xyxy in pixels of the padded input,
            clipped to the frame; scores (n,) probability times centerness, labels (n,)
            int64, attention (n, num_scores), centers (n, 2) and movements (n, 2) in
            pixels, and embeddings (n, d), if there are any. The frame (n,) int64 that
            each is in, ascending, and how many each frame has.
        """
        return detect_in_frames(self, pyramid, previous, img_shape)
