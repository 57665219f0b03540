"""SG-Net (Liu et al., CVPR 2021): masks of sub-regions, tracks of centres."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmdet.structures import TrackSampleList
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.common.base_vis import BaseVISModel
from mmvis.models.common.batch_objects import BatchObjects
from mmvis.models.common.bfloat16 import guard_from_bfloat16
from mmvis.models.common.to_original_size import to_original_sizes
from mmvis.models.trackers.track_frames import track_frames
from mmvis.registry import MODELS

from .head import SGNetHead
from .pyramid import Locations, SGNetPyramid


@dataclass
class SGNetState:
    """What is remembered of a video: its tracks and the last frame's features."""

    memory: Any  # a TrackMemory, or a MaskTracker
    tracking: Tensor | None = None
    input_shape: tuple[int, int] | None = None
    img_shape: tuple[int, int] | None = None


@MODELS.register_module()
class SGNet(BaseVISModel):
    """SG-Net: FCOS, masks of fine granularity, and centres followed through time.

    A box is divided into sub-regions by its size, each of which has attention scores of
    its own for the base masks of the frame (section 3.2). Tracks follow from where each
    instance's centre was in the previous frame (section 3.3).

    Args:
        backbone (dict): A backbone of mmdet.
        neck (dict): FPN; its first level has stride 8.
        base_mask_module (dict): ``BaseMaskModule``; takes ``num_base_masks`` from the
            blender.
        blender (dict): ``ScalarBlender`` or ``VectorBlender``: the two readings of
            eq. 2.
        bbox_head (dict): ``SGNetHead``; takes ``num_scores`` from the blender.
        tracker (dict): ``CenternessTracker``, or any other tracker; those that compare
            embeddings need ``embed_channels`` in the head.
        loss_mask (dict): ``GranularityMaskLoss``.
        data_preprocessor (dict | None): mmdet's TrackDataPreprocessor, with
            ``pad_mask=True``.
        init_cfg (dict | None): Of mmengine.

    Raises:
        ValueError: If the tracker compares embeddings and the head makes none.
    """

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        base_mask_module: dict,
        blender: dict,
        bbox_head: dict,
        tracker: dict,
        loss_mask: dict,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)
        self.blender = MODELS.build(blender)
        self.base_mask_module = MODELS.build(
            dict(base_mask_module, num_base_masks=self.blender.num_base_masks)
        )
        self.bbox_head: SGNetHead = MODELS.build(
            dict(bbox_head, num_scores=self.blender.num_scores)
        )
        self.loss_mask = MODELS.build(loss_mask)
        self.tracker = MODELS.build(tracker)
        guard_from_bfloat16(self)
        compares = getattr(self.tracker, 'compares_embeddings', False)
        if compares and self.bbox_head.embed_channels is None:
            raise ValueError(
                f'{type(self.tracker).__name__} compares embeddings, but the head '
                'makes none: set model.bbox_head.embed_channels, 128 for example.'
            )

    def init_state(self) -> SGNetState:
        """An empty memory of tracks, and no frame before."""
        return SGNetState(self.tracker.init_memory())

    def extract_feat(self, frames: Tensor) -> tuple[Tensor, ...]:
        """Levels P3 to P7 of frames (T, C, H, W)."""
        return self.neck(self.backbone(frames))

    def extract_test_feat(self, frames: Tensor) -> tuple[Tensor, ...]:
        """Base masks (T, K, h, w), and the fields of ``SGNetPyramid``."""
        feats = self.extract_feat(frames)
        pyramid = self.bbox_head.flatten(self.bbox_head(feats))
        return self.base_mask_module(feats), *pyramid

    def _forward(self, inputs: Tensor, data_samples=None, **kwargs):
        """Raw outputs of clips (N, T, C, H, W), frame by frame: (N * T, ...) each."""
        return self.extract_test_feat(inputs.flatten(0, 1))

    def loss(
        self, inputs: Tensor, data_samples: TrackSampleList, **kwargs
    ) -> dict[str, Tensor]:
        """Losses of clips (eq. 6): every frame has detection and mask losses.

        Args:
            inputs (Tensor): (N, T, C, H, W), normalised and padded, frames in the order
                of the video. T = 1 trains the detector and the masks alone.
            data_samples (list[TrackDataSample]): N clips whose frames have gt_instances
                with bboxes, labels, masks of the padded size and instances_ids.
        """
        feats = self.extract_feat(inputs.flatten(0, 1))
        head, frames = self.bbox_head, [f for clip in data_samples for f in clip]
        annotations = [frame.gt_instances for frame in frames]
        shapes = inputs.new_tensor([f.metainfo['img_shape'][:2] for f in frames])
        levels = head(feats)
        targets = head.targets(levels, annotations)
        losses = head.loss_by_feat(
            *levels[:3], targets, [frame.metainfo for frame in frames]
        )
        pyramid = head.flatten(levels)
        objects = BatchObjects.gather(frames, inputs.device)
        gt = targets.gt
        positive = Locations(*(gt >= 0).nonzero(as_tuple=True))
        at = self.loss_mask.sample(positive)
        losses['loss_mask'] = self.loss_mask(
            self.blender,
            self.base_mask_module(feats),
            head.attention_scores(pyramid, at),
            at.frame,
            head.boxes(pyramid, at, shapes),
            objects.bboxes[gt[at]],
            objects.masks,
            gt[at],
        )
        losses.update(
            head.tracking_losses(pyramid, objects, gt, inputs.shape[1], positive)
        )
        return losses

    def predict_frame(
        self, feats: tuple[Tensor, ...], metainfo: dict, state: SGNetState
    ) -> InstanceData:
        """Detect, make masks, track. See the base class."""
        (result,) = self.predict_frames(feats, [metainfo], state)
        return result

    def predict_frames(
        self, feats: tuple[Tensor, ...], metainfos: Sequence[dict], state: SGNetState
    ) -> Iterator[InstanceData]:
        """Detect and make masks in all frames, and then track. See the base class."""
        base_masks, pyramid = feats[0], SGNetPyramid(*feats[1:])
        input_shape = tuple(metainfos[0]['batch_input_shape'])
        img_shape = tuple(metainfos[0]['img_shape'][:2])
        if (state.input_shape, state.img_shape) != (input_shape, img_shape):
            self._change_size(state, img_shape)
        # One frame that is not finite must not spoil the movements in the next.
        tracking = pyramid.tracking.nan_to_num(0.0, 0.0, 0.0)
        previous = state.tracking
        if len(metainfos) > 1:
            first = torch.zeros_like(tracking[:1]) if previous is None else previous
            previous = torch.cat([first, tracking[:-1]])
        dets, frame, counts = self.bbox_head.predict(pyramid, previous, img_shape)
        dets.masks = self.blender(
            base_masks, dets.pop('attention'), dets.bboxes, input_shape, frame
        )
        state.tracking = tracking[-1:]
        state.input_shape, state.img_shape = input_shape, img_shape
        tracked = track_frames(self.tracker, dets, counts, state.memory, metainfos)
        yield from to_original_sizes(tracked, metainfos, input_shape)

    @staticmethod
    def _change_size(state: SGNetState, img_shape: tuple[int, int]) -> None:
        """Forget feature maps of another size, and scale what is in pixels."""
        state.tracking = None
        before = state.img_shape
        if before is not None:
            y, x = (new / old for new, old in zip(img_shape, before, strict=True))
            state.memory.rescale(x, y)
