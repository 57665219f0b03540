"""InstanceFlow (Li et al., 2021): bottom-up, tracks by flows from centre to centre."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

import torch
from mmdet.structures import TrackSampleList
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.common.base_vis import BaseVISModel
from mmvis.models.common.settings import check_keys
from mmvis.registry import MODELS, TASK_UTILS
from mmvis.structures.nested_tensors import map_tensors

from .criterion import InstanceFlowMaps
from .flow import FramesInstances, TargetInstances
from .frame_pairs import fields_of_pairs
from .inter_frame_head import InterFrameFeatures, InterFrameHead
from .masks import with_masks
from .multi_scale import in_input_pixels, mean_of_scales, scale_frames
from .reference_frames import InstanceFlowMemory, ReferenceFrame
from .targets import InstanceFlowTargets
from .video_state import InstanceFlowFeatures, InstanceFlowState

STRIDE = 4  # of all maps


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
        (result,) = self.predict_frames(feats, [metainfo], state)
        return result

    def predict_frames(
        self,
        feats: InstanceFlowFeatures,
        metainfos: Sequence[dict],
        state: InstanceFlowState,
    ) -> Iterator[InstanceData]:
        """The same of several frames, and of all their pairs. See the base."""
        first = metainfos[0]
        input_shape = tuple(first['batch_input_shape'])
        state.fit_to_size(input_shape, feats.inter)
        dets, instances = self._assemble(feats, first['img_shape'])
        own = [dets[slice(*pair)] for pair in pairwise(instances.starts)]
        frames = [
            ReferenceFrame(
                metainfo['frame_id'],
                found.centers,
                # There are as many, and which is not known yet.
                torch.arange(len(found)),
                # A copy: a part of the chunk's maps would keep all of them.
                _copied(tuple(scale.references for scale in feats.inter), t),
            )
            for t, (metainfo, found) in enumerate(zip(metainfos, own, strict=True))
        ]
        distances = self._distances(instances, feats.inter, state.memory, frames)
        tracked = [
            self.tracker.track(
                found, matrices, state.memory, frame.frame_id, frame.features
            )
            for found, matrices, frame in zip(own, distances, frames, strict=True)
        ]
        yield from with_masks(tracked, instances, 1 - feats.semantic[:, -1], first)

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
        dets, instances = self._assemble(feats, img_shape)
        return dets, instances.of_frame(0)

    def _assemble(
        self, feats: InstanceFlowFeatures, img_shape: tuple[int, int]
    ) -> tuple[InstanceData, FramesInstances]:
        foreground = feats.semantic[:, -1] < 0.5
        rows, columns = (-(-side // STRIDE) for side in img_shape[:2])
        foreground[:, rows:] = False
        foreground[:, :, columns:] = False
        return self.assembly.of_frames(
            feats.semantic, feats.heatmap[:, 0], feats.intra, foreground, STRIDE
        )

    def _distances(
        self,
        instances: FramesInstances,
        inter: tuple[InterFrameFeatures, ...],
        memory: InstanceFlowMemory,
        frames: list[ReferenceFrame],
    ) -> list[list[Tensor]]:
        """Distances (m, M_r) to the instances of each frame's references (eq. 5)."""
        ahead = memory.references_ahead(frames)
        pairs = [
            (t, reference)
            for t, references in enumerate(ahead)
            for reference in references
            if instances.counts[t]
        ]
        if self.inter_frame_head is None:
            shapes = [(instances.counts[t], len(r.ids)) for t, r in pairs]
            found = [torch.full(shape, torch.inf) for shape in shapes]
        elif pairs:
            frame, references = (list(part) for part in zip(*pairs, strict=True))
            size = instances.id_map.shape[1:]
            fields = self.inter_fields(inter, references, size, frame)
            centers = [reference.centers for reference in references]
            found = self.tracker.flow.of_frames(instances, fields, frame, centers)
        else:
            found = []
        matrices = iter(found)
        return [
            list(islice(matrices, len(references))) if count else []
            for references, count in zip(ahead, instances.counts, strict=True)
        ]

    def inter_fields(
        self,
        inter: tuple[InterFrameFeatures, ...],
        references: list[ReferenceFrame],
        size: tuple[int, ...],
        frame: Sequence[int] = (),
    ) -> Tensor:
        """What the inter-frame head says of pairs of frames, as memory allows at once.

        Args:
            inter (tuple[InterFrameFeatures, ...]): Of T frames, at each scale.
            references (list[ReferenceFrame]): R frames of the memory.
            size (tuple[int, int]): h and w of the maps.
            frame (Sequence[int]): R of the T frames, which the references are of. Of
                one frame it is not needed.

        Returns:
            Tensor: (R, 2, h, w) offsets in pixels of the input, or affinity fields.
        """
        assert self.inter_frame_head is not None
        remembered = [frame.features for frame in references]
        return fields_of_pairs(self.inter_frame_head, inter, remembered, size, frame)


def _copied(maps: tuple, t: int) -> tuple:
    """One frame of each of the maps (T, ...)."""
    return map_tensors(lambda field: field[t : t + 1].clone(), maps)


def _swap_pairs(maps: Tensor) -> Tensor:
    """The other frame's of each pair of (2 N, ...)."""
    return maps.unflatten(0, (-1, 2)).flip(1).flatten(0, 1)
