"""TFAN with reference frames from the whole video, its future included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from mmdet.structures import TrackDataSample
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn.functional import pad

from mmvis.models.common.base_vis import BaseVISModel
from mmvis.models.common.chunk_rcnn import goes_together, proposals_of_frames
from mmvis.registry import MODELS

from .chunk_detection import detect_in_frames, parts_of
from .chunk_references import rows_of_frames, shared_references
from .reference_set import ReferenceProposals
from .tfan import TFAN, TFANState


@dataclass
class OfflineTFANState(TFANState):
    """As :class:`TFANState`, with what is already computed of sampled frames.

    Attributes:
        sampled (dict): Slot of each sampled frame by its number.
        computed (dict): Its feature maps and proposals, until it is predicted.
    """

    sampled: dict[int, int] = field(default_factory=dict)
    computed: dict[int, tuple[tuple[Tensor, ...], InstanceData]] = field(
        default_factory=dict
    )


@MODELS.register_module()
class OfflineTFAN(TFAN):
    """TFAN whose references are sampled over the whole video in a first pass.

    The network, its training and its checkpoints are :class:`TFAN`'s. At test time the
    proposals of ``test_cfg.num_frames`` (K) frames at equal distances, and those of the
    current frame, make up the reference set; tracking stays in the order of the video.
    The whole video has to come as one clip: a ``clip_length`` of the ClipSampler that
    no video exceeds. Features are computed once a frame; those of the K sampled frames
    wait on the device for their turn.
    """

    needs_whole_video = True

    def init_state(self) -> OfflineTFANState:
        """An empty memory of tracks and of proposals."""
        return OfflineTFANState(**vars(super().init_state()))

    def extract_test_feat(self, frames: Tensor) -> tuple[Tensor]:
        """The frames themselves: of some, features are there before their turn."""
        return (frames,)

    def predict_clip(
        self, frames: Tensor, sample: TrackDataSample, state: OfflineTFANState
    ) -> list[InstanceData]:
        """Predict all frames (T, C, H, W) of a video.

        Raises:
            ValueError: The clip is a part of the video.
        """
        first, last = sample[0].metainfo, sample[-1].metainfo
        length = first['ori_video_length']
        if first['frame_id'] != 0 or len(sample) != length:
            raise ValueError(
                'OfflineTFAN needs a video as one clip, but was given frames '
                f'{first["frame_id"]} to {last["frame_id"]} of the {length} of video '
                f'{first["video_id"]}: set sampler.clip_length of the dataloader to at '
                'least the length of the longest video, or take model.type=TFAN.'
            )
        if self.augmentation is not None:
            self._look_ahead(frames, sample, state)
        return super().predict_clip(frames, sample, state)

    def _look_ahead(
        self, frames: Tensor, sample: TrackDataSample, state: OfflineTFANState
    ) -> None:
        """Remember the proposals of K frames at equal distances."""
        count = min(self.test_cfg.num_frames, len(frames))
        for slot in range(count):
            # The middle of each of K equal parts of the video.
            t = (2 * slot + 1) * len(frames) // (2 * count)
            feats = self.extract_feat(frames[t : t + 1])
            (proposals,) = self.propose(feats, [sample[t].metainfo])
            self._remember(slot, feats, proposals, state.references)
            state.sampled[t] = slot
            state.computed[t] = (feats, proposals)

    def predict_frames(  # type: ignore[override]  # of what init_state made
        self,
        feats: tuple[Tensor, ...],
        metainfos: Sequence[dict],
        state: OfflineTFANState,
    ) -> Iterator[InstanceData]:
        """In parts, each at once; of some frames features are there. See the base."""
        if not goes_together(self.detector):
            yield from BaseVISModel.predict_frames(self, feats, metainfos, state)
            return
        (frames,) = feats
        for part in parts_of(len(metainfos)):
            own = metainfos[part]
            levels = self._levels_of(frames[part], own, state)
            proposals, counts = proposals_of_frames(
                self.detector.rpn_head, levels, own[0]
            )
            references = None
            if self.augmentation is not None:
                references = self._see_samples(levels, proposals, counts, own, state)
            yield from detect_in_frames(
                self, levels, proposals, references, own, state.tracks
            )

    def _levels_of(
        self, frames: Tensor, metainfos: Sequence[dict], state: OfflineTFANState
    ) -> tuple[Tensor, ...]:
        """Feature maps of frames, of which some have been computed."""
        known = {
            t: state.computed.pop(metainfo['frame_id'])[0]
            for t, metainfo in enumerate(metainfos)
            if metainfo['frame_id'] in state.computed
        }
        if not known:
            return self.extract_feat(frames)
        others = [t for t in range(len(frames)) if t not in known]
        if others:
            # Side by side in memory: an index of the host would be uploaded.
            found = self.extract_feat(torch.stack([frames[t] for t in others]))
            for row, t in enumerate(others):
                known[t] = tuple(level[row : row + 1] for level in found)
        in_order = zip(*(known[t] for t in range(len(frames))), strict=True)
        return tuple(torch.cat(level) for level in in_order)

    def _see_samples(
        self,
        levels: tuple[Tensor, ...],
        proposals: InstanceData,
        counts: list[int],
        metainfos: Sequence[dict],
        state: OfflineTFANState,
    ) -> ReferenceProposals | list[ReferenceProposals]:
        """References of frames: the sampled ones and, where it is none, itself."""
        memory, num_samples = state.references, self.test_cfg.num_frames
        new = rows_of_frames(self, levels, proposals, counts, memory.slot_size)
        table = {
            name: values if name == 'scores' else values.nan_to_num(0.0, 0.0, 0.0)
            for name, values in memory.with_rows(num_samples, new).items()
        }
        own = pad(torch.eye(len(counts), dtype=torch.bool), (num_samples, 0))
        seen = own | (torch.arange(own.shape[1]) < num_samples)
        for t, metainfo in enumerate(metainfos):
            # A sampled frame is its own, not its sample: a proposal counts once where
            # it is equal to the last bit.
            if metainfo['frame_id'] in state.sampled:
                seen[t, state.sampled[metainfo['frame_id']]] = False
        return shared_references(self, table, seen, own, memory.slot_size)

    def predict_frame(  # type: ignore[override]  # of what init_state made
        self, feats: tuple[Tensor, ...], metainfo: dict, state: OfflineTFANState
    ) -> InstanceData:
        """Detect on augmented features, track. See the base."""
        last_slot = state.references.num_slots - 1
        slot = state.sampled.get(metainfo['frame_id'], last_slot)
        if slot != last_slot:
            levels, proposals = state.computed.pop(metainfo['frame_id'])
            state.references.clear(last_slot)
        else:
            levels = self.extract_feat(*feats)
            (proposals,) = self.propose(levels, [metainfo])
            if self.augmentation is not None:
                self._remember(slot, levels, proposals, state.references)
        return self._detect_and_track(levels, proposals, slot, metainfo, state)
