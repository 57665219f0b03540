"""STMask (Li et al., CVPR 2021): spatial calibration and temporal fusion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter

from mmdet.structures import TrackSampleList
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.common.base_vis import BaseVISModel
from mmvis.models.common.host_copies import copy_to_host
from mmvis.models.common.settings import check_keys
from mmvis.models.common.to_original_size import to_original_size, to_original_sizes
from mmvis.models.trackers.track_frames import track_frames
from mmvis.registry import MODELS
from mmvis.structures.nested_tensors import map_tensors

from .chunk_detection import detect_in_frames
from .chunk_tracking import CARRIED, track_in_frames
from .mask_assembly import assemble_masks
from .video_state import STMaskFeatures, STMaskState, sizes_of


@MODELS.register_module()
class STMask(BaseVISModel):
    """STMask: instances of each frame in one stage, carried on to the next frame.

    Args:
        backbone (dict): ``DeformableResNet``, or any backbone of mmdet.
        neck (dict): ``YolactFPN``; its first level has stride 8.
        prototype_net (dict): ``PrototypeNetwork``, on the first level.
        bbox_head (dict): ``STMaskHead``.
        tracker (dict): ``EmbeddingMaskIoUTracker``; or, with
            ``test_cfg.temporal_fusion=False``, ``SpaceTracker``.
        criterion (dict | None): ``STMaskCriterion``, the losses.
        temporal_net (dict | None): ``TemporalFusion``; None: the frame network alone.
        coefficient_activation (str | None): 'tanh', as in Yolact, or None; of the
            masks that are made and of those in the losses.
        test_cfg (dict | None): ``temporal_fusion=False`` leaves propagation out of a
            network that was trained with it; ``mask_thr`` (0.5): pixels of a soft mask
            above it are reported.
        data_preprocessor (dict | None): mmdet's TrackDataPreprocessor, with
            ``pad_mask=True``.
        init_cfg (dict | None): Of mmengine.

    Raises:
        ValueError: Prototypes, coefficients and their changes are not of one number; or
            the tracker does not take tracks that are carried on.
    """

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        prototype_net: dict,
        bbox_head: dict,
        tracker: dict,
        criterion: dict | None = None,
        temporal_net: dict | None = None,
        coefficient_activation: str | None = 'tanh',
        test_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)
        self.prototype_net = MODELS.build(prototype_net)
        self.bbox_head = MODELS.build(bbox_head)
        self.temporal_net = None if temporal_net is None else MODELS.build(temporal_net)
        self._check_coefficients()
        self.coefficient_activation = coefficient_activation
        self.criterion = None
        if criterion is not None:
            self.criterion = MODELS.build(
                dict(coefficient_activation=coefficient_activation, **criterion)
            )
        self.tracker = MODELS.build(tracker)
        given = check_keys(
            test_cfg, ['temporal_fusion', 'mask_thr'], 'test_cfg of STMask'
        )
        self.test_cfg = ConfigDict(dict(temporal_fusion=True, mask_thr=0.5) | given)
        if self._carries and not hasattr(self.tracker, 'propagate'):
            raise ValueError(
                f'{type(self.tracker).__name__} has no use for tracks that temporal '
                'fusion moves on to the next frame: set '
                'model.test_cfg.temporal_fusion=False, or another model.tracker.'
            )

    def _check_coefficients(self) -> None:
        """A mask is a sum over prototypes, so three settings have to be one number."""
        counts = {
            'prototype_net.num_prototypes': self.prototype_net.num_prototypes,
            'bbox_head.num_coefficients': self.bbox_head.num_coefficients,
        }
        if self.temporal_net is not None:
            name = 'temporal_net.num_coefficients'
            counts[name] = self.temporal_net.num_coefficients
        if len(set(counts.values())) > 1:
            given = ', '.join(f'{name}={count}' for name, count in counts.items())
            raise ValueError(
                'An STMask mask has a coefficient for each prototype, but model has '
                f'{given}: set them all to one number.'
            )

    def init_state(self) -> STMaskState:
        """An empty memory of tracks, and no frame before."""
        return STMaskState(self.tracker.init_memory())

    def extract_feat(self, frames: Tensor) -> STMaskFeatures:
        """Everything that the network computes of single frames (T, C, H, W)."""
        return self._extract(frames, postpone=False)

    def extract_test_feat(self, frames: Tensor) -> STMaskFeatures:
        """What :meth:`predict_frame` needs; less than all where the head allows."""
        return self._extract(frames, postpone=True)

    def _extract(self, frames: Tensor, postpone: bool) -> STMaskFeatures:
        feats = self.neck(self.backbone(frames))
        outputs, shared = self.bbox_head(feats, postpone=postpone)
        if self.temporal_net is None:
            nothing = feats[0].new_zeros(len(frames), 0, 1, 1)
            temporal = (nothing, nothing)
        else:
            temporal = self.temporal_net.select(feats, shared)
        anchors = self.bbox_head.anchors(feats, tuple(frames.shape[-2:]))
        return STMaskFeatures(
            outputs,
            self.prototype_net(feats[0]),
            temporal,
            anchors.expand(len(frames), -1, -1),
        )

    def _forward(self, inputs: Tensor, data_samples=None, **kwargs) -> STMaskFeatures:
        """Raw outputs of clips (N, T, C, H, W), frame by frame: (N * T, ...) each."""
        return self.extract_feat(inputs.flatten(0, 1))

    def loss(
        self, inputs: Tensor, data_samples: TrackSampleList, **kwargs
    ) -> dict[str, Tensor]:
        """Losses of clips of two frames, both of which are detected in.

        Args:
            inputs (Tensor): (N, 2, C, H, W), normalised and padded, frames in the order
                of the video. Clips of one frame, (N, 1, C, H, W), train the frame
                network alone.
            data_samples (list[TrackDataSample]): N clips whose frames have gt_instances
                with bboxes, labels, masks of the padded size and instances_ids.
        """
        num_frames = inputs.shape[1]
        if self.temporal_net is not None and num_frames != 2:
            raise ValueError(
                'STMask trains its temporal fusion on pairs, but a clip has '
                f'{num_frames} frames: set num_ref_imgs=1 in the frame sampling, or '
                'model.temporal_net=None.'
            )
        if self.criterion is None:
            raise ValueError('STMask trains with losses: set model.criterion.')
        features = self._forward(inputs)
        frames = [frame for clip in data_samples for frame in clip]
        return self.criterion(
            features,
            frames,
            tuple(inputs.shape[-2:]),
            self.bbox_head.bbox_coder,
            self.temporal_net,
        )

    def assemble_masks(
        self,
        prototypes: Tensor,
        coefficients: Tensor,
        bboxes: Tensor,
        input_shape: tuple[int, int],
        counts: Sequence[int] | None = None,
    ) -> Tensor:
        """Soft masks (n, h, w) at the prototypes' resolution (eqs. 9 and 14)."""
        return assemble_masks(
            prototypes.float(),
            coefficients.float(),
            bboxes,
            input_shape,
            self.coefficient_activation,
            counts,
        )

    def predict_frame(
        self, feats: STMaskFeatures, metainfo: dict, state: STMaskState
    ) -> InstanceData:
        """Detect, carry the tracks on, match, supplement. See the base class."""
        features = map_tensors(itemgetter(0), feats)
        input_shape = tuple(metainfo['batch_input_shape'])
        dets = self.bbox_head.predict(features.outputs, features.anchors)
        tracked = self._follow(dets, feats, metainfo, state)
        return to_original_size(tracked, metainfo, input_shape, self.test_cfg.mask_thr)

    def predict_frames(
        self, feats: STMaskFeatures, metainfos: Sequence[dict], state: STMaskState
    ) -> Iterator[InstanceData]:
        """Detect in all frames, carry all on, then associate. See the base class."""
        input_shape = tuple(metainfos[0]['batch_input_shape'])
        dets, counts = detect_in_frames(
            self.bbox_head, feats.outputs, feats.anchors[0], input_shape
        )
        steps = self._carry_and_track if self._carries else self._track_where_they_were
        tracked = steps(dets, counts, feats, metainfos, state)
        thr = self.test_cfg.mask_thr
        yield from to_original_sizes(tracked, metainfos, input_shape, thr)

    @property
    def _carries(self) -> bool:
        return self.temporal_net is not None and self.test_cfg.temporal_fusion

    def _carry_and_track(
        self,
        dets: InstanceData,
        counts: list[int],
        feats: STMaskFeatures,
        metainfos: Sequence[dict],
        state: STMaskState,
    ) -> Iterator[InstanceData]:
        if len(state.memory) and not state.is_of_size(metainfos[0]):
            # The tracks stay where they were seen; after that they can be carried on.
            first, rest = dets[: counts[0]], dets[counts[0] :]
            tracked = self._follow(first, feats, metainfos[0], state)
            on_host = dict(tracked.items())
            masks = on_host.pop('masks')
            yield InstanceData(**copy_to_host(on_host), masks=masks)
            dets, counts, metainfos = rest, counts[1:], metainfos[1:]
            feats = map_tensors(itemgetter(slice(1, None)), feats)
        yield from track_in_frames(self, dets, counts, feats, metainfos, state)

    def _track_where_they_were(
        self,
        dets: InstanceData,
        counts: list[int],
        feats: STMaskFeatures,
        metainfos: Sequence[dict],
        state: STMaskState,
    ) -> Iterator[InstanceData]:
        if not state.is_of_size(metainfos[0]):
            state.rescale(sizes_of(metainfos[0])[1])
        dets.masks = self.assemble_masks(
            *(feats.prototypes, dets.coefficients, dets.bboxes),
            *(tuple(metainfos[0]['batch_input_shape']), counts),
        )
        state.remember(feats, -1, metainfos[-1])
        yield from track_frames(self.tracker, dets, counts, state.memory, metainfos)

    def _follow(
        self,
        dets: InstanceData,
        feats: STMaskFeatures,
        metainfo: dict,
        state: STMaskState,
    ) -> InstanceData:
        """Carry the tracks on to the first of the frames; ids for its detections."""
        input_shape, img_shape = sizes_of(metainfo)
        prototypes = feats.prototypes[0]
        dets.masks = self.assemble_masks(
            prototypes, dets.coefficients, dets.bboxes, input_shape
        )
        if not state.is_of_size(metainfo):
            state.rescale(img_shape)
        elif self._carries and len(state.memory):
            assert self.temporal_net is not None and state.temporal is not None
            now = feats.temporal[0][:1], feats.temporal[1][:1]
            joined = self.temporal_net.join(
                tuple(maps[None] for maps in state.temporal), now
            )
            known = [state.memory[name].to(prototypes.device) for name in CARRIED]
            boxes, coefficients = self.carry(known, input_shape, joined)
            masks = self.assemble_masks(prototypes, coefficients, boxes, input_shape)
            self.tracker.propagate(
                state.memory, bboxes=boxes, coefficients=coefficients, masks=masks
            )
        state.remember(feats, 0, metainfo)
        return self.tracker.track(dets, state.memory, metainfo['frame_id'])

    def carry(
        self,
        instances: Sequence[Tensor],
        input_shape: tuple[int, int],
        joined: Tensor,
    ) -> list[Tensor]:
        """Where instances are in the next frame (eqs. 10-13).

        Args:
            instances (Sequence[Tensor]): bboxes (n, 4) xyxy in pixels of the padded
                input, and coefficients (n, K).
            input_shape (tuple[int, int]): Height and width of that input.
            joined (Tensor): (1, C, h, w), ``TemporalFusion.join`` of both frames.

        Returns:
            list[Tensor]: The same of the next frame.
        """
        assert self.temporal_net is not None
        bboxes, coefficients = instances
        deltas, increments = self.temporal_net.changes(joined, bboxes, input_shape)
        return [self.temporal_net.decode(bboxes, deltas), coefficients + increments]
