"""The losses of STMask: of frames, of pairs of instances, and of pairs of frames."""

from __future__ import annotations

import torch
from mmdet.structures import DetDataSample
from mmengine.model import BaseModule
from torch import Tensor

from mmvis.models.common.batch_objects import BatchObjects
from mmvis.models.common.constants import constant
from mmvis.models.common.host_copies import copy_to_host
from mmvis.registry import MODELS, TASK_UTILS
from mmvis.structures.nested_tensors import map_tensors

from .targets import AnchorTargets, assign_targets


@MODELS.register_module()
class STMaskCriterion(BaseModule):
    """All losses of STMask on a batch of clips.

    The paper names no losses; these are of the kinds that its release trains with.
    Every positive anchor counts by one over the number of positives of its frame.

    Args:
        assigner (dict): Objects to anchors: mmdet's ``MaxIoUAssigner``, or the
            release's ``ClassAwareAssigner``.
        loss_cls (dict): ``HardNegativeCrossEntropyLoss``.
        loss_bbox (dict): A loss of mmdet on decoded boxes.
        loss_mask (dict): ``PrototypeMaskLoss``, without ``coefficient_activation``.
        loss_embed (dict): ``PairwiseEmbeddingLoss``, over all positives of the batch.
        loss_centerness (dict | None): ``CenternessLoss``.
        loss_shift_bbox (dict): A regression loss of mmdet, on the box changes.
        loss_shift_mask (dict): ``PrototypeMaskLoss``, on the masks carried to the
            second frame of a clip.
        shift_prior (str): The box that the change to the second frame is relative to:
            'predicted', the same that features are pooled from, as at test time; or
            'ground_truth' (release).
        bbox_unit (str): What lengths are measured in by ``loss_bbox`` and
            ``loss_centerness``: 'pixel'; or 'input', fractions of the padded input's
            width and height (release). The distance of centres in a DIoU depends on it.
        max_rois (int | None): Train the temporal network on at most this many
            instances a batch, drawn at random.
        coefficient_activation (str | None): Of both mask losses; the model sets it.
    """

    def __init__(
        self,
        assigner: dict,
        loss_cls: dict,
        loss_bbox: dict,
        loss_mask: dict,
        loss_embed: dict,
        loss_shift_bbox: dict,
        loss_shift_mask: dict,
        loss_centerness: dict | None = None,
        shift_prior: str = 'predicted',
        bbox_unit: str = 'pixel',
        max_rois: int | None = None,
        coefficient_activation: str | None = 'tanh',
    ) -> None:
        super().__init__()
        if shift_prior not in ('predicted', 'ground_truth'):
            raise ValueError(
                "shift_prior must be 'predicted' or 'ground_truth', but is "
                f'{shift_prior!r}.'
            )
        if bbox_unit not in ('pixel', 'input'):
            raise ValueError(
                f"bbox_unit must be 'pixel' or 'input', but is {bbox_unit!r}."
            )
        self.assigner = TASK_UTILS.build(assigner)
        self.loss_cls = MODELS.build(loss_cls)
        self.loss_bbox = MODELS.build(loss_bbox)
        # A loss that sets it by itself is refused: the key would be there twice.
        activation = dict(coefficient_activation=coefficient_activation)
        self.loss_mask = MODELS.build(dict(**activation, **loss_mask))
        self.loss_embed = MODELS.build(loss_embed)
        self.loss_centerness = (
            None if loss_centerness is None else MODELS.build(loss_centerness)
        )
        self.loss_shift_bbox = MODELS.build(loss_shift_bbox)
        self.loss_shift_mask = MODELS.build(dict(**activation, **loss_shift_mask))
        self.shift_prior = shift_prior
        self.bbox_unit = bbox_unit
        self.max_rois = max_rois

    def forward(
        self,
        features,
        frames: list[DetDataSample],
        input_shape: tuple[int, int],
        bbox_coder,
        temporal_net=None,
    ) -> dict[str, Tensor]:
        """Losses by name.

        Args:
            features (STMaskFeatures): Of n frames, those of a clip side by side, with
                all outputs of the head.
            frames (list[DetDataSample]): The n frames, with gt_instances.
            input_shape (tuple[int, int]): Height and width of the padded input.
            bbox_coder (YolactBBoxCoder): Of the head.
            temporal_net (TemporalFusion | None): None: no losses of pairs of frames.
        """
        # Losses of probabilities are not for half precision.
        features = map_tensors(Tensor.float, features)
        outputs = features.outputs
        anchors, num_frames = features.anchors[0], len(frames)
        objects = BatchObjects.gather(frames, anchors.device)
        targets = assign_targets(self.assigner, anchors, outputs.logits, frames)
        at = targets.frame, targets.anchor
        # What is drawn, counted and sorted by is known to the host by one copy.
        following = objects.in_next_frame()[targets.gt]
        host = copy_to_host(dict(frame=targets.frame, following=following))
        gt_bboxes = objects.bboxes[targets.gt]
        bboxes = bbox_coder.decode(anchors[targets.anchor], outputs.deltas[at])
        measured = self._measured(bboxes, input_shape)
        gt_measured = self._measured(gt_bboxes, input_shape)

        losses = dict(
            loss_cls=self.loss_cls(outputs.logits, targets.labels, at),
            loss_bbox=self.loss_bbox(
                measured, gt_measured, targets.weights, avg_factor=num_frames
            ),
            loss_mask=self.loss_mask(
                features.prototypes,
                outputs.coefficients[at],
                targets.frame,
                bboxes.detach(),
                gt_bboxes,
                objects.masks,
                targets.gt,
                targets.weights / num_frames,
                host['frame'],
            ),
            loss_embed=self.loss_embed(
                outputs.embeddings[at], objects.ids[targets.gt], targets.weights
            ),
        )
        if self.loss_centerness is not None:
            losses['loss_centerness'] = self.loss_centerness(
                outputs.centerness[at],
                measured,
                gt_measured,
                targets.weights,
                num_frames,
            )
        if temporal_net is not None:
            losses.update(
                self._shift_losses(
                    features,
                    targets,
                    objects,
                    host,
                    bboxes.detach(),
                    input_shape,
                    temporal_net,
                )
            )
        return losses

    def _measured(self, bboxes: Tensor, input_shape: tuple[int, int]) -> Tensor:
        """Boxes (p, 4) in ``bbox_unit``, up to a factor common to both axes.

        No factor changes an IoU, but mmdet's epsilons are for boxes of many pixels.
        """
        if self.bbox_unit == 'pixel':
            return bboxes
        height, width = input_shape
        return bboxes * constant(bboxes, [1.0, width / height] * 2)

    def _shift_losses(
        self,
        features,
        targets: AnchorTargets,
        objects: BatchObjects,
        host: dict[str, Tensor],
        bboxes: Tensor,
        input_shape: tuple[int, int],
        temporal_net,
    ) -> dict[str, Tensor]:
        """Losses of the first frames' instances carried to the second frames.

        Each clip counts alike, whatever the number of its instances.
        """
        num_clips = len(features.prototypes) // 2
        rows = self._draw((host['following'] >= 0).nonzero().squeeze(1))
        clip_on_host = host['frame'][rows] // 2
        counts = clip_on_host.bincount(minlength=num_clips)
        weights = (1.0 / (counts[clip_on_host] * num_clips)).to(bboxes.device)
        whole = torch.stack([rows, clip_on_host, host['following'][rows]])
        rows, clip, following = whole.to(bboxes.device).unbind(0)
        frame, anchor = targets.frame[rows], targets.anchor[rows]

        first = tuple(feat[0::2] for feat in features.temporal)
        second = tuple(feat[1::2] for feat in features.temporal)
        deltas, increments = temporal_net.between(
            first, second, bboxes[rows], input_shape, clip
        )
        priors = bboxes[rows]
        if self.shift_prior == 'ground_truth':
            priors = objects.bboxes[targets.gt[rows]]
        gt_bboxes = objects.bboxes[following]
        coefficients = (
            features.outputs.coefficients[frame, anchor].detach() + increments
        )
        return dict(
            loss_shift_bbox=self.loss_shift_bbox(
                deltas,
                temporal_net.bbox_coder.encode(priors, gt_bboxes),
                weights[:, None].expand(-1, 4),
                avg_factor=1,
            ),
            loss_shift_mask=self.loss_shift_mask(
                features.prototypes[1::2].detach(),
                coefficients,
                clip,
                gt_bboxes,
                gt_bboxes,
                objects.masks,
                following,
                weights,
                clip_on_host,
            ),
        )

    def _draw(self, rows: Tensor) -> Tensor:
        if self.max_rois is None or len(rows) <= self.max_rois:
            return rows
        chosen = torch.randperm(len(rows))[: self.max_rois]
        return rows[chosen]
