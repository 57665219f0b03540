"""InstanceFlow (Li et al., 2021): bottom-up, tracks by flows from centre to centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from mmdet.structures import TrackSampleList
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn.functional import interpolate

from mmvis.models.common.base_vis import BaseVISModel
from mmvis.models.common.mask_boxes import mask_boxes
from mmvis.models.common.settings import check_keys
from mmvis.models.common.to_original_size import to_original_size
from mmvis.registry import MODELS, TASK_UTILS
from mmvis.structures.nested_tensors import map_tensors

from .criterion import InstanceFlowMaps
from .flow import TargetInstances
from .inter_frame_head import InterFrameFeatures, InterFrameHead
from .masks import soft_masks
from .multi_scale import in_input_pixels, mean_of_scales, scale_frames
from .reference_frames import InstanceFlowMemory, ReferenceFrame
from .targets import InstanceFlowTargets

STRIDE = 4  # of all maps


@dataclass
class InstanceFlowState:
    """What is remembered of a video: reference frames, and the size of their input."""

    memory: InstanceFlowMemory
    input_shape: tuple[int, int] | None = None


class InstanceFlowFeatures(NamedTuple):
    """What is predicted of frames by themselves, scales averaged.

    Attributes:
        semantic (Tensor): (T, C + 1, h, w) probabilities; the last is the background.
        heatmap (Tensor): (T, 1, h, w).
        intra (Tensor): (T, 2, h, w) offsets in pixels of the input.
        inter (tuple[InterFrameFeatures, ...]): Of each scale; empty without an
            inter-frame head.
    """

    semantic: Tensor
    heatmap: Tensor
    intra: Tensor
    inter: tuple[InterFrameFeatures, ...]


@MODELS.register_module()
class InstanceFlow(BaseVISModel):
    """InstanceFlow: pixels find their instance, instances their centre in the past.

    Three branches on one backbone: classes of pixels; centres and offsets to them; and
    offsets to the centres of a reference frame, by attention to its features, which
    the memory holds. A pixel belongs to the centre that it points to (eq. 4). The mean
    difference of both offsets is the instance flow (eq. 3), by which the instance is
    found in several reference frames (eq. 5).

    A pre-trained checkpoint without an inter-frame branch fills it with the weights of
    the intra-frame branch (section IV-A).

    Args:
        backbone (dict): A backbone of mmdet that gives C2, C3 and C5 of strides 4, 8
            and 16.
        semantic_head (dict): ``SemanticHead``.
        intra_frame_head (dict): ``IntraFrameHead``.
        tracker (dict): ``InstanceFlowTracker``.
        inter_frame_head (dict | None): ``InterFrameHead``. None for the pre-training on
            images: every frame has new instances then.
        criterion (dict | None): ``InstanceFlowCriterion``.
        assembly (dict | None): ``InstanceAssembly``, which it is by default.
        test_cfg (dict | None): ``scales`` ((1.0,)): of the input, averaged.
        data_preprocessor (dict | None): mmdet's TrackDataPreprocessor, with
            ``pad_mask=True`` and sizes divisible by 16 at least.
        init_cfg (dict | None): Of mmengine.
    """

    def __init__(
        self,
        backbone: dict,
        semantic_head: dict,
        intra_frame_head: dict,
        tracker: dict,
        inter_frame_head: dict | None = None,
        criterion: dict | None = None,
        assembly: dict | None = None,
        test_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone)
        self.semantic_head = MODELS.build(semantic_head)
        self.intra_frame_head = MODELS.build(intra_frame_head)
        self.inter_frame_head: InterFrameHead | None = None
        if inter_frame_head is not None:
            self.inter_frame_head = MODELS.build(inter_frame_head)
            self._register_load_state_dict_pre_hook(self._fill_inter_frame_head)
        self.criterion = None if criterion is None else MODELS.build(criterion)
        self.tracker = MODELS.build(tracker)
        self.assembly = TASK_UTILS.build(assembly or dict(type='InstanceAssembly'))
        given = check_keys(test_cfg, ['scales'], 'test_cfg of InstanceFlow')
        self.test_cfg = ConfigDict(dict(scales=(1.0,)) | given)

    def _fill_inter_frame_head(self, state_dict: dict, prefix: str, *args) -> None:
        """Copy the intra-frame head's weights where a checkpoint has no others."""
        there, here = (f'{prefix}{name}_frame_head.' for name in ('intra', 'inter'))
        if any(key.startswith(here) for key in state_dict):
            return
        assert self.inter_frame_head is not None
        own = {here + name for name in self.inter_frame_head.state_dict()}
        for key in [key for key in state_dict if key.startswith(there)]:
            copied = here + key[len(there) :]
            if copied in own:
                state_dict[copied] = state_dict[key]

    def init_state(self) -> InstanceFlowState:
        """A memory without frames."""
        return InstanceFlowState(self.tracker.init_memory())

    def extract_feat(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """C2, C3 and C5 (T, C_l, H_l, W_l) of frames (T, C, H, W)."""
        return self.backbone(frames)

    def loss(
        self, inputs: Tensor, data_samples: TrackSampleList, **kwargs
    ) -> dict[str, Tensor]:
        """Losses of pairs of frames (eq. 1), each the other's reference.

        Args:
            inputs (Tensor): (N, 2, C, H, W), normalised and padded, any two frames of a
                video. (N, 1, C, H, W) without an inter-frame head.
            data_samples (list[TrackDataSample]): N clips whose frames have gt_instances
                with labels, masks of the padded size and instances_ids.

        Raises:
            ValueError: If clips are of another length.
        """
        pairs = self.inter_frame_head is not None
        if inputs.shape[1] != 1 + pairs:
            raise ValueError(
                f'InstanceFlow {"with" if pairs else "without"} an inter-frame head '
                f'trains on clips of {1 + pairs} frame(s), but these have '
                f'{inputs.shape[1]}: use RefFrameSample with num_ref_imgs=1 for pairs, '
                'BaseFrameSample for single frames.'
            )
        inputs = inputs.flatten(0, 1)
        height, width = inputs.shape[-2:]
        targets = InstanceFlowTargets.make(
            [frame for clip in data_samples for frame in clip],
            (height, width),
            STRIDE,
            inputs.device,
        )
        feats = self.extract_feat(inputs)
        if self.criterion is None:
            raise ValueError('InstanceFlow trains with losses: set model.criterion.')
        inter = None
        if self.inter_frame_head is not None:
            encoded = self.inter_frame_head.encode(feats)
            partners = map_tensors(_swap_pairs, encoded.references)
            inter = self.inter_frame_head(encoded, partners)
        heatmap, intra = self.intra_frame_head(feats)
        maps = InstanceFlowMaps(self.semantic_head(feats), heatmap, intra, inter)
        return self.criterion(maps, targets)

    def _forward(self, inputs: Tensor, data_samples=None, **kwargs):
        """Raw outputs of clips (N, T, C, H, W), frame by frame: (N * T, ...) each."""
        return self.extract_test_feat(inputs.flatten(0, 1))

    def extract_test_feat(self, frames: Tensor) -> InstanceFlowFeatures:
        """Maps of frames (T, C, H, W), averaged over the scales (section IV-A)."""
        size = tuple(side // STRIDE for side in frames.shape[-2:])
        together, inter = [], []
        for scale in self.test_cfg.scales:
            feats = self.extract_feat(scale_frames(frames, scale))
            heatmap, intra = self.intra_frame_head(feats)
            semantic = self.semantic_head(feats).softmax(1)
            together.append((semantic, heatmap, in_input_pixels(intra, size)))
            if self.inter_frame_head is not None:
                inter.append(self.inter_frame_head.encode(feats))
        semantic, heatmap, intra = (
            mean_of_scales(maps, size) for maps in zip(*together, strict=True)
        )
        return InstanceFlowFeatures(semantic, heatmap, intra, tuple(inter))

    def predict_frame(
        self, feats: InstanceFlowFeatures, metainfo: dict, state: InstanceFlowState
    ) -> InstanceData:
        """Group pixels, find each instance in the past, make masks. See the base."""
        input_shape = tuple(metainfo['batch_input_shape'])
        self._fit_to_size(state, input_shape, feats)
        dets, target = self.assemble(feats, metainfo['img_shape'])
        # A copy: a part of the chunk's maps would keep all of them.
        remembered = tuple(
            map_tensors(Tensor.clone, scale.references) for scale in feats.inter
        )
        distances = self._distances(target, feats.inter, state.memory)
        tracked = self.tracker.track(
            dets, distances, state.memory, metainfo['frame_id'], remembered
        )
        tracked.masks = soft_masks(target, 1 - feats.semantic[0, -1])
        # Nothing is in the padding; the boxes are those of the enlarged masks.
        tracked.bboxes = tracked.centers.new_zeros(len(tracked), 4)
        result = to_original_size(tracked, metainfo, input_shape)
        result.bboxes = mask_boxes(result.masks)
        return result

    def assemble(
        self, feats: InstanceFlowFeatures, img_shape: tuple[int, int]
    ) -> tuple[InstanceData, TargetInstances]:
        """The instances of one frame, not yet tracked (section III-C1).

        Args:
            feats (InstanceFlowFeatures): Of one frame.
            img_shape (tuple[int, int]): Height and width without padding.

        Returns:
            tuple[InstanceData, TargetInstances]: See ``InstanceAssembly``.
        """
        foreground = feats.semantic[0, -1] < 0.5
        rows, columns = (-(-side // STRIDE) for side in img_shape[:2])
        foreground[rows:] = False
        foreground[:, columns:] = False
        return self.assembly(
            feats.semantic[0], feats.heatmap[0, 0], feats.intra[0], foreground, STRIDE
        )

    def _distances(
        self,
        target: TargetInstances,
        inter: tuple[InterFrameFeatures, ...],
        memory: InstanceFlowMemory,
    ) -> list[Tensor]:
        """Distances (m, M_r) to the instances of each reference frame (eq. 5)."""
        references, count = memory.references, len(target.centers)
        if not references or count == 0:
            return [frame.centers.new_empty(0, len(frame.ids)) for frame in references]
        if self.inter_frame_head is None:
            shapes = [(count, len(frame.ids)) for frame in references]
            return [target.centers.new_full(shape, torch.inf) for shape in shapes]
        fields = self.inter_fields(inter, references, target.id_map.shape)
        return self.tracker.distances(target, fields, memory)

    def inter_fields(
        self,
        inter: tuple[InterFrameFeatures, ...],
        references: list[ReferenceFrame],
        size: tuple[int, ...],
    ) -> Tensor:
        """What the inter-frame head says of a frame and each of R reference frames.

        Args:
            inter (tuple[InterFrameFeatures, ...]): Of one frame, at each scale.
            references (list[ReferenceFrame]): R frames of the memory.
            size (tuple[int, int]): h and w of the maps.

        Returns:
            Tensor: (R, 2, h, w) offsets in pixels of the input, or affinity fields.
        """
        assert self.inter_frame_head is not None
        fields = []
        for scale, encoded in enumerate(inter):
            remembered = [frame.features[scale] for frame in references]
            stacked = tuple(torch.cat(maps) for maps in zip(*remembered, strict=True))
            field = self.inter_frame_head(encoded, stacked)
            if self.inter_frame_head.gives_offsets:
                field = in_input_pixels(field, size)
            fields.append(field)
        return mean_of_scales(fields, size)

    @staticmethod
    def _fit_to_size(
        state: InstanceFlowState,
        input_shape: tuple[int, int],
        feats: InstanceFlowFeatures,
    ) -> None:
        """Bring what is remembered to the size of this frame's input."""
        before, state.input_shape = state.input_shape, input_shape
        if before in (None, input_shape):
            return
        y, x = (new / old for new, old in zip(input_shape, before, strict=True))
        state.memory.rescale(x, y)
        for frame in state.memory.references:
            frame.features = tuple(
                tuple(
                    interpolate(old, new.shape[-2:], mode='bilinear')
                    for old, new in zip(theirs, mine.references, strict=True)
                )
                for theirs, mine in zip(frame.features, feats.inter, strict=True)
            )


def _swap_pairs(maps: Tensor) -> Tensor:
    """The other frame's of each pair of (2 N, ...)."""
    return maps.unflatten(0, (-1, 2)).flip(1).flatten(0, 1)
