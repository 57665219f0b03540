"""TFAN (Dong et al., 2019): Cascade Mask R-CNN on temporally augmented features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

import torch
from mmdet.structures import TrackSampleList
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.common.base_vis import BaseVISModel
from mmvis.models.common.bfloat16 import guard_from_bfloat16
from mmvis.models.common.chunk_rcnn import (
    goes_together,
    proposals_of_frames,
)
from mmvis.models.common.roi_levels import use_all_levels
from mmvis.models.common.settings import check_keys
from mmvis.models.masktrack_rcnn.masktrack_rcnn import without_classes
from mmvis.models.trackers.supplement import refuse_supplement
from mmvis.models.trackers.track_memory import TrackMemory
from mmvis.registry import MODELS
from mmvis.structures.nested_tensors import map_tensors

from .augmented_roi_extractor import (
    Augmentation,
    AugmentedFeatures,
    AugmentedRoIExtractor,
    check_extractors,
    size_of,
)
from .chunk_detection import detect_in_frames, look, parts_of
from .chunk_references import rows_of_frames, shared_references, slots_before
from .reference_proposals import ReferenceMemory
from .reference_set import ReferenceProposals
from .training_clips import key_frames_first, references_of_clips


@dataclass
class TFANState:
    """What is remembered of a video: its tracks, and proposals of its last frames."""

    tracks: TrackMemory
    references: ReferenceMemory


@MODELS.register_module()
class TFAN(BaseVISModel):
    """Temporal Feature Augmented Network: a cascade that sees other frames' objects.

    Cascade Mask R-CNN with the track head of MaskTrack R-CNN. The RoI features of every
    branch (7x7 for class, box and track, 14x14 for mask) and of every stage become
    weighted sums of themselves and of the RoI features of the ``num_references`` best
    proposals of several frames (section 2.2). Reference proposals are those of the RPN
    in all stages, the key frame's among them; what the stages refine are the RoIs that
    are augmented. At test time they come from the frame and its predecessors.

    Args:
        detector (dict): mmdet's CascadeRCNN with a ``CascadeMaskRoIHead``. Those
            branches are augmented whose RoI extractor is an ``AugmentedRoIExtractor``.
        track_head (dict): mmdet's RoITrackHead; its embed_head is an
            ``InstanceEmbedHead``.
        tracker (dict): ``EmbeddingMaskIoUTracker``.
        augmentation (dict | None): ``TemporalFeatureAugmentation`` (eqs. 1-2) or
            ``FCFeatureAugmentation``; None: the cascade of single frames.
        num_references (int): t, size of a reference set.
        min_reference_score (float): Proposals of a lower RPN score are no references,
            in [0, 1].
        test_cfg (dict | None): ``num_frames`` (4) is K, how many frames before the
            current one are remembered; ``frame_proposals`` (100), how many proposals
            of each.
        data_preprocessor (dict | None): mmdet's TrackDataPreprocessor, with
            ``pad_mask=True``.
        init_cfg (dict | None): Of mmengine.
    """

    def __init__(
        self,
        detector: dict,
        track_head: dict,
        tracker: dict,
        augmentation: dict | None = None,
        num_references: int = 200,
        min_reference_score: float = 0.0,
        test_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.detector = MODELS.build(detector)
        self.track_head = MODELS.build(track_head)
        self.tracker = MODELS.build(tracker)
        refuse_supplement(self.tracker, type(self).__name__)
        guard_from_bfloat16(self)
        use_all_levels(self)
        self.augmentation: Augmentation | None = None
        if augmentation is not None:
            self.augmentation = MODELS.build(augmentation)
            assert self.augmentation is not None
            check_extractors(self.augmentation, [*self._augmented_extractors()])
        self.num_references = num_references
        self.min_reference_score = min_reference_score
        defaults = dict(num_frames=4, frame_proposals=100)
        given = check_keys(test_cfg, defaults, 'test_cfg of TFAN')
        self.test_cfg = ConfigDict(defaults | given)
        numbers = dict(self.test_cfg, num_references=num_references)
        numbers['min_reference_score'] = min_reference_score
        for key, value in numbers.items():
            if value < 0:
                raise ValueError(f'{key} must not be negative, but is {value}.')

    def init_state(self) -> TFANState:
        """An empty memory of tracks and of proposals."""
        references = ReferenceMemory(
            self.test_cfg.num_frames + 1, self.test_cfg.frame_proposals
        )
        return TFANState(self.tracker.init_memory(), references)

    def extract_feat(self, frames: Tensor) -> tuple[Tensor, ...]:
        """FPN levels of frames (T, C, H, W)."""
        return self.detector.extract_feat(frames)

    def loss(
        self, inputs: Tensor, data_samples: TrackSampleList, **kwargs
    ) -> dict[str, Tensor | list[Tensor]]:
        """Losses of clips of a key frame and N - 1 reference frames.

        All frames go through the backbone in one batch, with gradients, and through
        the RPN, whose loss is that of the key frames. The track head compares the key
        frame with the first reference frame; the features of that one's annotated
        boxes are augmented by the clip's reference set as well.

        Args:
            inputs (Tensor): (B, N, C, H, W), normalised and padded.
            data_samples (list[TrackDataSample]): B clips whose frames have gt_instances
                with bboxes, labels, masks and instances_ids.

        Returns:
            dict: Losses of RPN, of the stages' box and mask heads, and of the track
            head. For the log: weight_own, weight_key and weight_other, the mean weights
            of RoIs' own features, of the key frame's references and of the others',
            over all branches and stages.
        """
        if inputs.shape[1] < 2:
            raise ValueError(
                'TFAN trains on a key frame and at least one reference frame, but a '
                'clip has one frame: set num_ref_imgs in the frame sampling.'
            )
        frames, samples = key_frames_first(inputs, data_samples)
        if self.augmentation is None:
            frames, samples = frames[:2], samples[:2]
        feats = self.extract_feat(frames.flatten(0, 1))
        num_clips = len(inputs)
        key_feats = tuple(level[:num_clips] for level in feats)
        ref_feats = tuple(level[num_clips : 2 * num_clips] for level in feats)

        detector = self.detector
        losses, proposals = detector.rpn_head.loss_and_predict(
            key_feats,
            [without_classes(key) for key in samples[0]],
            proposal_cfg=detector.train_cfg.rpn_proposal,
        )
        if self.augmentation is not None:
            references = references_of_clips(self, feats, proposals, samples)
            key_feats = AugmentedFeatures(key_feats, self.augmentation, references)
            # Equal boxes in two frames are two RoIs.
            others = [clip.for_another_frame() for clip in references]
            ref_feats = AugmentedFeatures(ref_feats, self.augmentation, others)
        losses.update(detector.roi_head.loss(key_feats, proposals, samples[0]))
        losses.update(
            self.track_head.loss(key_feats, ref_feats, proposals, data_samples)
        )
        if isinstance(key_feats, AugmentedFeatures) and key_feats.shares:
            means = torch.stack(key_feats.shares).mean(0)
            names = 'weight_own', 'weight_key', 'weight_other'
            losses.update(zip(names, means, strict=True))
        return losses

    def _augmented_extractors(self) -> Iterator[AugmentedRoIExtractor]:
        """The RoI extractors that augment, of all branches and stages."""
        for head in (self.detector.roi_head, self.track_head):
            for module in head.modules():
                if isinstance(module, AugmentedRoIExtractor):
                    yield module

    def propose(
        self, feats: tuple[Tensor, ...], metainfos: list[dict], cfg: dict | None = None
    ) -> list[InstanceData]:
        """The RPN's proposals of frames, each frame's by descending score."""
        rpn_head = self.detector.rpn_head
        return rpn_head.predict_by_feat(
            *rpn_head(feats), batch_img_metas=metainfos, cfg=cfg
        )

    def features_of_references(
        self, feats: tuple[Tensor, ...], rois: Tensor
    ) -> tuple[dict[int, Tensor], Tensor]:
        """What is needed of references: features of each size, embeddings (n, d)."""
        # Of one size any will do: they are alike (check_extractors).
        augmentation = self.augmentation
        assert augmentation is not None
        extractors = {size_of(e): e for e in self._augmented_extractors()}
        read = augmentation.roi_feat_size
        if not augmentation.sums_features:
            extractors = {read: extractors[read]}
        roi_feats = {
            size: extractor(feats[: extractor.num_inputs], rois)
            for size, extractor in extractors.items()
        }
        some = roi_feats.get(read, next(iter(roi_feats.values())))
        embeddings = augmentation.embeddings(some)
        return roi_feats if augmentation.sums_features else {}, embeddings

    def predict_frame(
        self, feats: tuple[Tensor, ...], metainfo: dict, state: TFANState
    ) -> InstanceData:
        """Propose, remember, detect on augmented features, track. See the base."""
        (proposals,) = self.propose(feats, [metainfo])
        slot = state.references.oldest
        if self.augmentation is not None:
            self._remember(slot, feats, proposals, state.references)
        return self._detect_and_track(feats, proposals, slot, metainfo, state)

    def _remember(
        self,
        slot: int,
        feats: tuple[Tensor, ...],
        proposals: InstanceData,
        memory: ReferenceMemory,
    ) -> None:
        """Write the best proposals of a frame into the memory."""
        best = proposals[: memory.slot_size]
        frame = best.bboxes.new_zeros(len(best), 1)
        rois = torch.cat([frame, best.bboxes], dim=1)
        roi_feats, embeddings = self.features_of_references(feats, rois)
        memory.write(slot, best.scores, best.bboxes, embeddings, roi_feats)

    def _detect_and_track(
        self,
        feats: tuple[Tensor, ...],
        proposals: InstanceData,
        slot: int,
        metainfo: dict,
        state: TFANState,
    ) -> InstanceData:
        if self.augmentation is not None:
            references = state.references.select(
                self.num_references, slot, self.min_reference_score
            )
            feats = AugmentedFeatures(feats, self.augmentation, [references])
        roi_head = self.detector.roi_head
        dets = roi_head.predict_bbox(
            feats, [metainfo], [proposals], rcnn_test_cfg=roi_head.test_cfg
        )[0]
        dets.frame = torch.zeros_like(dets.labels)
        masks, _ = look(self, feats, dets, metainfo)
        del dets.frame
        tracked = self.tracker.track(dets, state.tracks, metainfo['frame_id'])
        result = roi_head.paste(masks[tracked.rows], tracked, metainfo)
        del result.embeddings, result.rows
        return result

    def predict_frames(
        self, feats: tuple[Tensor, ...], metainfos: Sequence[dict], state: TFANState
    ) -> Iterator[InstanceData]:
        """Detect in all frames, track, make all masks. See the base class."""
        if not goes_together(self.detector):
            yield from super().predict_frames(feats, metainfos, state)
            return
        for part in parts_of(len(metainfos)):
            own = map_tensors(itemgetter(part), feats)
            proposals, counts = proposals_of_frames(
                self.detector.rpn_head, own, metainfos[0]
            )
            references = None
            if self.augmentation is not None:
                references = self._remember_frames(own, proposals, counts, state)
            yield from detect_in_frames(
                self, own, proposals, references, metainfos[part], state.tracks
            )

    def _remember_frames(
        self,
        feats: tuple[Tensor, ...],
        proposals: InstanceData,
        counts: list[int],
        state: TFANState,
    ) -> ReferenceProposals | list[ReferenceProposals]:
        """Write the best proposals of all frames into the memory; their references."""
        memory = state.references
        new = rows_of_frames(self, feats, proposals, counts, memory.slot_size)
        table = memory.write_frames(new)
        slots = slots_before(len(counts), self.test_cfg.num_frames)
        return shared_references(self, table, *slots, memory.slot_size)
