"""MaskTrack R-CNN (Yang et al., ICCV 2019): mmdet's network, mmvis's video loop."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import mmdet.models.vis
import torch
from mmdet.structures import DetDataSample, TrackSampleList
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.common.base_vis import BaseVISModel
from mmvis.models.common.bfloat16 import guard_from_bfloat16
from mmvis.models.common.chunk_rcnn import (
    boxes_of_frames,
    goes_together,
    in_frame,
    makes_usual_masks,
    masks_of_frames,
    proposals_of_frames,
    rois_of,
)
from mmvis.models.common.frame_groups import groups_that_fit
from mmvis.models.common.roi_levels import use_all_levels
from mmvis.models.trackers.supplement import refuse_supplement
from mmvis.models.trackers.track_frames import track_frames
from mmvis.models.trackers.track_memory import TrackMemory
from mmvis.registry import MODELS


@MODELS.register_module()
class MaskTrackRCNN(BaseVISModel, mmdet.models.vis.MaskTrackRCNN):
    """mmdet's MaskTrack R-CNN on mmvis's loop over the frames of a video.

    Detector, track head and losses are mmdet's. Different in training: the RPN learns
    to find objects of every class (mmdet's model of this name leaves the class labels
    in its targets, which makes background of all but the first), and both frames go
    through the backbone in one batch. Different at test time: masks are made only for
    detections that the tracker kept and leave the device as run lengths, the tracker
    keeps embeddings instead of all frames' features and masks, and its state is outside
    of the module.

    Keyword Args:
        detector (dict): A two-stage detector of mmdet with a mask head.
        track_head (dict): mmdet's RoITrackHead; its embed_head is an
            ``InstanceEmbedHead``.
        tracker (dict): ``MaskTrackRCNNTracker`` of mmvis.
        data_preprocessor (dict, optional): Of mmdet's TrackDataPreprocessor.
        init_cfg (dict, optional): Of mmengine.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        guard_from_bfloat16(self)
        use_all_levels(self)
        refuse_supplement(self.tracker, type(self).__name__)

    def init_state(self) -> TrackMemory:
        """An empty memory of tracks."""
        return self.tracker.init_memory()

    def extract_feat(self, frames: Tensor) -> tuple[Tensor, ...]:
        """FPN levels of frames (T, C, H, W)."""
        return self.detector.extract_feat(frames)

    def loss(
        self, inputs: Tensor, data_samples: TrackSampleList, **kwargs: Any
    ) -> dict[str, Tensor | list[Tensor]]:
        """Losses of clips of a key and a reference frame.

        Args:
            inputs (Tensor): (N, 2, C, H, W), normalised and padded.
            data_samples (list[TrackDataSample]): N clips whose frames have gt_instances
                with bboxes, labels, masks and instances_ids.

        Returns:
            dict: Losses of RPN, box and mask head on the key frames, and of the track
            head on the pairs.
        """
        if inputs.shape[1] != 2:
            raise ValueError(
                'MaskTrackRCNN trains on a key and a reference frame, but a clip has '
                f'{inputs.shape[1]} frames: set num_ref_imgs=1 in the frame sampling.'
            )
        keys = [clip.get_key_frames()[0] for clip in data_samples]
        first = torch.tensor(
            [clip.key_frames_inds[0] for clip in data_samples], device=inputs.device
        )
        batch = torch.arange(len(inputs), device=inputs.device)
        frames = torch.cat([inputs[batch, first], inputs[batch, 1 - first]])
        feats = self.extract_feat(frames)
        key_feats = tuple(level[: len(inputs)] for level in feats)
        ref_feats = tuple(level[len(inputs) :] for level in feats)

        detector = self.detector
        losses, proposals = detector.rpn_head.loss_and_predict(
            key_feats,
            [without_classes(key) for key in keys],
            proposal_cfg=detector.train_cfg.rpn_proposal,
        )
        losses.update(detector.roi_head.loss(key_feats, proposals, keys))
        losses.update(
            self.track_head.loss(key_feats, ref_feats, proposals, data_samples)
        )
        return losses

    def predict_frame(
        self, feats: tuple[Tensor, ...], metainfo: dict, state: TrackMemory
    ) -> InstanceData:
        """Detect, track, and only then make masks. See the base class."""
        roi_head = self.detector.roi_head
        proposals = self.detector.rpn_head.predict_by_feat(
            *self.detector.rpn_head(feats), batch_img_metas=[metainfo]
        )
        dets = roi_head.predict_bbox(
            feats, [metainfo], proposals, rcnn_test_cfg=roi_head.test_cfg, rescale=False
        )[0]
        roi_feats, counts = self.track_head.extract_roi_feats(feats, [dets.bboxes])
        dets.embeddings = self.track_head.embed_head.extract_feat(roi_feats, counts)[0]
        tracked = self.tracker.track(dets, state, metainfo['frame_id'])
        # The mask head scales the boxes to the original frame in place: on a copy,
        # since the memory goes on with those of the network's input.
        tracked.bboxes = tracked.bboxes.clone()
        result = roi_head.predict_mask(feats, [metainfo], [tracked], rescale=True)[0]
        del result.embeddings
        return result

    def predict_frames(
        self, feats: tuple[Tensor, ...], metainfos: Sequence[dict], state: TrackMemory
    ) -> Iterator[InstanceData]:
        """Detect in all frames, track, make all masks. See the base class."""
        roi_head, first = self.detector.roi_head, metainfos[0]
        if not goes_together(self.detector) or not makes_usual_masks(roi_head):
            yield from super().predict_frames(feats, metainfos, state)
            return
        proposals, _ = proposals_of_frames(self.detector.rpn_head, feats, first)
        dets, counts = boxes_of_frames(roi_head, feats, first, proposals.rois)
        extractor = self.track_head.roi_extractor
        roi_feats = extractor(feats[: extractor.num_inputs], rois_of(dets))
        (dets.embeddings,) = self.track_head.embed_head.extract_feat(
            roi_feats, [len(dets)]
        )
        tracked = list(track_frames(self.tracker, dets, counts, state, metainfos))
        pixels = math.prod(first['ori_shape'][:2])
        for group in groups_that_fit(tracked, lambda frame: len(frame) * pixels):
            masks = masks_of_frames(roi_head, feats, first, group)
            for frame, own in zip(group, masks, strict=True):
                del frame.embeddings, frame.frame
                frame.bboxes = in_frame(frame.bboxes, first)
                frame.masks = own
                yield frame


def without_classes(sample: DetDataSample) -> DetDataSample:
    """The frame's boxes as targets of an RPN: one class, no masks."""
    objects = DetDataSample(metainfo=sample.metainfo)
    for name in ('gt_instances', 'ignored_instances'):
        boxes = sample.get(name).bboxes
        labels = boxes.new_zeros(len(boxes), dtype=torch.long)
        setattr(objects, name, InstanceData(bboxes=boxes, labels=labels))
    return objects
