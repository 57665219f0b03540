"""Any instance segmentor of mmdet as a video model, without training."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import torch
from mmdet.models.detectors import BaseDetector
from mmdet.structures import TrackSampleList
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn.functional import normalize

from mmvis.engine.class_count import set_num_classes
from mmvis.models.common.base_vis import BaseVISModel
from mmvis.models.common.bfloat16 import guard_from_bfloat16
from mmvis.models.common.frame_groups import groups_that_fit
from mmvis.models.common.roi_levels import use_all_levels
from mmvis.models.trackers.supplement import refuse_supplement
from mmvis.models.trackers.track_frames import track_frames
from mmvis.registry import MODELS
from mmvis.structures.frame_result import labels_of
from mmvis.structures.nested_tensors import map_tensors

from .frame_instances import (
    Wanted,
    boxes_of_instances,
    instances,
    unique_instances,
)
from .mask_pooling import pool_in_masks, shrink_masks
from .query_looks import has_queries
from .segmentor_config import (
    clip_preprocessor,
    segmentor_config,
    take_detector_weights,
)

# Of masks that a segmentor makes before the best are chosen: 1 GiB as bool, which are
# so many of each frame.
SEGMENTED_PIXELS = 2**30
SEGMENTED_AT_ONCE = 100


class SegmentorFeatures(NamedTuple):
    """What the segmentor has made of B frames.

    Attributes:
        frames (Tensor): (B, 3, H, W), normalised and padded.
        levels (tuple[Tensor, ...]): (B, C_l, H_l, W_l) each, of ``extract_feat``.
    """

    frames: Tensor
    levels: tuple[Tensor, ...]


@MODELS.register_module()
class TrackBySegmentation(BaseVISModel):
    """Instances of single frames, associated by masks, boxes, labels and appearance.

    The segmentor finds the instances of each frame on its own. Their appearance is the
    mean of its own features inside their masks, or the queries that they are of, so
    nothing has to be trained for the tracks. Training goes on with the segmentor alone:
    its losses on all frames of the clips.

    Checkpoints of mmdet's detectors load as they are; so do those of models here that
    have a ``detector``.

    Args:
        detector (dict): A detector of mmdet whose predictions have masks. With the key
            ``config`` the model of that config (``'mmdet::<path>'``, or a file), over
            which the other keys are merged.
        tracker (dict): ``SpaceTracker``, or ``EmbeddingMaskIoUTracker`` without
            supplement.
        score_thr (float): Instances of a lower score are left out.
        max_per_img (int): At most so many instances a frame, the best ones.
        mask_nms_thr (float | None): An instance whose mask overlaps a better one's by
            more than this IoU is a duplicate, whatever their classes; None: keep all.
        classes (Sequence[str | int] | None): Keep only these, by name or label.
        class_names (Sequence[str] | None): Names by label, where ``classes`` has names.
        appearance (str): 'pooled', or 'query' of a MaskFormer or Mask2Former: what its
            decoder has made of the query behind an instance, as in MinVIS.
        appearance_levels (Sequence[int]): For 'pooled': which feature maps of the
            segmentor it is taken of; each counts the same.
        centred (bool): See ``pool_in_masks``.
        mask_stride (int): Masks are compared in a grid whose cells are so many pixels
            of the network's input wide.
        data_preprocessor (dict | None): mmdet's TrackDataPreprocessor; None: what the
            detector's says, for clips.
        num_classes (int | None): Of all heads of the detector; None: what it says.
        init_cfg (dict | None): Of mmengine.

    Raises:
        ValueError: There is no class of a name, the tracker supplements tracks, or the
            detector has no queries to look at.
    """

    def __init__(
        self,
        detector: dict,
        tracker: dict,
        score_thr: float = 0.3,
        max_per_img: int = 50,
        mask_nms_thr: float | None = 0.7,
        classes: Sequence[str | int] | None = None,
        class_names: Sequence[str] | None = None,
        appearance: str = 'pooled',
        appearance_levels: Sequence[int] = (0,),
        centred: bool = True,
        mask_stride: int = 4,
        data_preprocessor: dict | None = None,
        num_classes: int | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        detector = segmentor_config(detector)
        if num_classes is not None:
            set_num_classes(detector, num_classes)
        theirs = detector.pop('data_preprocessor', None)
        if data_preprocessor is None:
            data_preprocessor = clip_preprocessor(theirs)
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.detector: BaseDetector = MODELS.build(detector)
        self.tracker = MODELS.build(tracker)
        guard_from_bfloat16(self)
        use_all_levels(self)
        refuse_supplement(self.tracker, type(self).__name__)
        self.score_thr = score_thr
        self.max_per_img = max_per_img
        self.mask_nms_thr = mask_nms_thr
        self.labels = None if classes is None else labels_of(classes, class_names)
        self._check_appearance(appearance)
        self.appearance = appearance
        self.appearance_levels = tuple(appearance_levels)
        self.centred = centred
        self.mask_stride = mask_stride
        self._register_load_state_dict_pre_hook(take_detector_weights)

    def _check_appearance(self, appearance: str) -> None:
        if appearance not in ('pooled', 'query'):
            raise ValueError(
                f"model.appearance must be 'pooled' or 'query', not {appearance!r}."
            )
        if appearance == 'query' and not has_queries(self.detector):
            raise ValueError(
                f"{type(self.detector).__name__} has no queries for appearance='query' "
                "as MaskFormer and Mask2Former have: take 'pooled'."
            )

    def init_state(self) -> Any:
        """An empty memory of tracks."""
        return self.tracker.init_memory()

    def extract_feat(self, frames: Tensor) -> tuple[Tensor, ...]:
        """The segmentor's feature maps of frames (T, C, H, W)."""
        return tuple(self.detector.extract_feat(frames))

    def extract_test_feat(self, frames: Tensor) -> SegmentorFeatures:
        """The feature maps, and the frames that they are of."""
        return SegmentorFeatures(frames, self.extract_feat(frames))

    def loss(
        self, inputs: Tensor, data_samples: TrackSampleList, **kwargs
    ) -> dict[str, Tensor | list[Tensor]]:
        """The segmentor's losses on all frames of clips.

        Args:
            inputs (Tensor): (N, T, C, H, W), normalised and padded.
            data_samples (list[TrackDataSample]): N clips whose frames have gt_instances
                with bboxes, labels and masks.
        """
        frames = [frame for clip in data_samples for frame in clip]
        losses = self.detector.loss(inputs.flatten(0, 1), frames)
        # Some of mmdet's heads leave parameters without a graph where frames show
        # nothing, and distributed training waits for their gradients.
        zero = sum(
            parameter.flatten()[:1].sum() * 0
            for parameter in self.detector.parameters()
            if parameter.requires_grad
        )
        name = next(name for name in losses if 'loss' in name)
        first = losses[name]
        losses[name] = [*first, zero] if isinstance(first, list) else first + zero
        return losses

    def predict_frame(
        self, feats: SegmentorFeatures, metainfo: dict, state: Any
    ) -> InstanceData:
        """Segment, remove duplicates, track. See the base class."""
        (result,) = self.predict_frames(feats, [metainfo], state)
        return result

    def predict_frames(
        self, feats: SegmentorFeatures, metainfos: Sequence[dict], state: Any
    ) -> Iterator[InstanceData]:
        """Segment all frames, remove duplicates, track. See the base class."""
        pixels = SEGMENTED_AT_ONCE * math.prod(metainfos[0]['ori_shape'][:2])
        for group in groups_that_fit(
            range(len(metainfos)), lambda t: pixels, SEGMENTED_PIXELS
        ):
            part = slice(group[0], group[-1] + 1)
            own = map_tensors(itemgetter(part), feats)
            yield from self._track_together(own, metainfos[part], state)

    def _track_together(
        self, feats: SegmentorFeatures, metainfos: Sequence[dict], state: Any
    ) -> Iterator[InstanceData]:
        found, counts = self.segment(feats, metainfos)
        # Frames have been padded, by the pipeline or by the data preprocessor.
        shares = shares_of_frame(metainfos[0], feats.frames.shape[-2:])
        grid = shrink_masks(found.masks, cells(feats.frames, shares, self.mask_stride))
        kept = unique_instances(grid, found.frame, self.mask_nms_thr)
        if len(counts) == 1:
            # Of several frames duplicates are left out on the host, without a wait.
            rows = kept.nonzero().squeeze(1)
            found, grid, counts = found[rows], grid[rows], [len(rows)]
        if self.appearance == 'query':
            looks = normalize(found.queries, dim=1)
        else:
            looks = self._appearance(feats.levels, grid, shares, counts)
        dets = InstanceData(
            bboxes=found.bboxes,
            scores=found.scores,
            labels=found.labels,
            masks=grid,
            embeddings=looks,
            # Masks of the original size are looked up afterwards: none is remembered.
            index=torch.arange(len(found), device=grid.device),
        )
        if len(counts) > 1:
            dets.kept = kept
        for tracked in track_frames(
            self.tracker, dets, counts, state, metainfos, with_masks=False
        ):
            yield InstanceData(
                bboxes=tracked.bboxes,
                scores=tracked.scores,
                labels=tracked.labels,
                instances_id=tracked.instances_id,
                masks=found.masks[tracked.index.to(grid.device)],
            )

    def segment(
        self, feats: SegmentorFeatures, metainfos: Sequence[dict]
    ) -> tuple[InstanceData, list[int]]:
        """What the segmentor finds in frames of one size, of it what is wanted.

        Returns:
            tuple[InstanceData, list[int]]: As of :func:`instances`.
        """
        wanted = Wanted(self.score_thr, self.labels, self.max_per_img)
        looks = self.appearance == 'query'
        found, counts = instances(
            self.detector, feats.frames, feats.levels, metainfos, looks, wanted
        )
        found.bboxes = boxes_of_instances(found.bboxes, found.masks)
        found.scores, found.labels = found.scores.float(), found.labels.long()
        return found, counts

    def _appearance(
        self,
        levels: tuple[Tensor, ...],
        grid: Tensor,
        shares: tuple[float, float],
        counts: Sequence[int],
    ) -> Tensor:
        """Embeddings (n, d) of length 1, of masks in a grid, so many of each frame."""
        parts = []
        for number in self.appearance_levels:
            rows, columns = cells(levels[number], shares)
            features = levels[number][..., :rows, :columns]
            pooled = pool_in_masks(features, grid, counts, self.centred)
            parts.append(normalize(pooled, dim=1))
        return normalize(torch.cat(parts, dim=1), dim=1)


def shares_of_frame(
    metainfo: dict, input_shape: tuple[int, ...]
) -> tuple[float, float]:
    """Which part of the input's rows and columns is no padding."""
    # Not img_shape: mmdet's Pad counts its padding in.
    scale = metainfo['scale_factor'][::-1]
    rows, columns = (
        min(length * factor / padded, 1.0)
        for length, factor, padded in zip(
            metainfo['ori_shape'][:2], scale, input_shape, strict=True
        )
    )
    return rows, columns


def cells(
    tensor: Tensor, shares: tuple[float, float], stride: int = 1
) -> tuple[int, int]:
    """Rows and columns, at least one, of a map (..., h, w) that are no padding."""
    height, width = (
        max(round(length * share / stride), 1)
        for length, share in zip(tensor.shape[-2:], shares, strict=True)
    )
    return height, width
